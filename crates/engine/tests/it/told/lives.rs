//! A record's life, told by webhooks and found by polls: each change is one event, and there and back again is three.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ORDERS, Told, both, kinds, text};

/// What is done to a record. Words in braces stand for ids, and `{value}` for what it is changed to.
#[derive(Clone)]
enum Act {
    /// Through HighLevel's API: an operation and its arguments.
    Call(&'static str, Value),
    /// As a person does in HighLevel: a path of the control API and a body.
    Click(&'static str, Value),
}

/// One kind of record.
struct Life {
    /// First word of its kinds.
    word: &'static str,
    /// Only an agency's token may do all this.
    agency: bool,
    /// A poll besides those that its kinds ask for by themselves.
    trigger: Option<(&'static str, Value)>,
    create: (Act, &'static str),
    /// Where its id stands in the answer.
    id: &'static str,
    /// The verb of a change, and the webhook of it.
    change: Option<(Act, &'static str, &'static str)>,
    values: [&'static str; 3],
    delete: Option<(Act, &'static str)>,
}

impl Life {
    fn new(word: &'static str, create: Act, webhook: &'static str, id: &'static str) -> Self {
        Self {
            word,
            agency: false,
            trigger: None,
            create: (create, webhook),
            id,
            change: None,
            values: ["Grace", "Ada", "Grace"],
            delete: None,
        }
    }

    fn changed(mut self, act: Act, verb: &'static str, webhook: &'static str) -> Self {
        self.change = Some((act, verb, webhook));
        self
    }

    fn by(mut self, values: [&'static str; 3]) -> Self {
        self.values = values;
        self
    }

    fn deleted(mut self, act: Act, webhook: &'static str) -> Self {
        self.delete = Some((act, webhook));
        self
    }

    fn found_by(mut self, trigger: &'static str, arguments: Value) -> Self {
        self.trigger = Some((trigger, arguments));
        self
    }

    fn of_an_agency(mut self) -> Self {
        self.agency = true;
        self
    }

    fn kind(&self, verb: &str) -> String {
        format!("{}.{verb}", self.word)
    }

    /// The kinds of its life, in order.
    fn expected(&self) -> Vec<String> {
        let mut expected = vec![self.kind("created")];
        if let Some((_, verb, _)) = &self.change {
            expected.extend(self.values.map(|_| self.kind(verb)));
        }
        expected.extend(self.delete.iter().map(|_| self.kind("deleted")));
        expected
    }

    async fn live(
        &self,
        told: &mut Told,
        names: &mut BTreeMap<&'static str, String>,
        first: super::First,
    ) {
        let (act, webhook) = &self.create;
        let made = perform(told, act, names).await;
        let id = text(made.pointer(self.id).unwrap());
        names.insert("id", id.clone());
        both(told, webhook, first).await;
        if let Some((act, _, webhook)) = &self.change {
            for value in self.values {
                names.insert("value", value.to_owned());
                perform(told, act, names).await;
                both(told, webhook, first).await;
            }
        }
        if let Some((act, webhook)) = &self.delete {
            perform(told, act, names).await;
            both(told, webhook, first).await;
            // What is not there may not be there yet.
            told.patience().await;
        }
        let started = told.started().await;
        assert_eq!(
            kinds(&started, &id),
            self.expected(),
            "{} {first:?}",
            self.word
        );
        assert_eq!(
            started.len(),
            self.expected().len(),
            "{} {first:?}: {started:?}",
            self.word
        );
    }
}

async fn perform(told: &Told, act: &Act, names: &BTreeMap<&'static str, String>) -> Value {
    match act {
        Act::Call(operation, arguments) => told.call(operation, filled(arguments, names)).await,
        Act::Click(path, body) => {
            let path = text(&filled(&json!(path), names));
            told.world.control(&path, filled(body, names)).await
        }
    }
}

fn filled(value: &Value, names: &BTreeMap<&'static str, String>) -> Value {
    match value {
        Value::String(text) => {
            let mut text = text.clone();
            for (name, value) in names {
                text = text.replace(&format!("{{{name}}}"), value);
            }
            json!(text)
        }
        Value::Array(items) => items.iter().map(|item| filled(item, names)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), filled(member, names)))
            .collect(),
        other => other.clone(),
    }
}

/// The ids that acts may name.
async fn names(told: &Told, life: &Life) -> BTreeMap<&'static str, String> {
    let info = told.world.sandbox.info();
    let mut names = BTreeMap::from([
        ("location", info.location_id.clone()),
        ("company", info.company_id.clone()),
    ]);
    // An agency sees none of these.
    if life.agency {
        return names;
    }
    let location = json!({ "locationId": info.location_id });
    let pipelines = told.call("get-pipelines", location.clone()).await;
    let pipeline = &pipelines["pipelines"][0];
    names.insert("pipeline", text(&pipeline["id"]));
    names.insert("stage", text(&pipeline["stages"][0]["id"]));
    let calendars = told.call("get-calendars", location).await;
    names.insert("calendar", text(&calendars["calendars"][0]["id"]));
    if life.word != "contact" {
        names.insert("contact", told.contact().await);
        names.insert("friend", told.world.create("Grace").await);
    }
    if life.word == "relation" {
        let friends = json!({ "locationId": told.world.location, "key": "friend_of", "firstObjectKey": "contact",
            "firstObjectLabel": "Friend", "secondObjectKey": "contact", "secondObjectLabel": "Friend" });
        let made = told.call("create-association", friends).await;
        names.insert("association", text(&made["id"]));
    }
    names
}

fn lives() -> [Life; 8] {
    use Act::{Call, Click};
    let contact = Life::new(
        "contact",
        Click("/contacts", json!({ "firstName": "Ada" })),
        "ContactCreate",
        "/id",
    )
    .changed(
        Click("/contacts/{id}", json!({ "firstName": "{value}" })),
        "updated",
        "ContactUpdate",
    )
    .deleted(
        Call("delete-contact", json!({ "contactId": "{id}" })),
        "ContactDelete",
    );
    let note = json!({ "contactId": "{contact}", "body": "Ada" });
    let note = Life::new("note", Call("create-note", note), "NoteCreate", "/note/id")
        .changed(
            Call(
                "update-note",
                json!({ "contactId": "{contact}", "id": "{id}", "body": "{value}" }),
            ),
            "updated",
            "NoteUpdate",
        )
        .deleted(
            Call(
                "delete-note",
                json!({ "contactId": "{contact}", "id": "{id}" }),
            ),
            "NoteDelete",
        );
    let deal = json!({ "pipelineId": "{pipeline}", "pipelineStageId": "{stage}", "locationId": "{location}",
        "contactId": "{contact}", "name": "Deal", "status": "open" });
    let opportunity = Life::new(
        "opportunity",
        Click("/opportunities", deal),
        "OpportunityCreate",
        "/id",
    )
    .changed(
        Click("/opportunities/{id}", json!({ "status": "{value}" })),
        "status_updated",
        "OpportunityStatusUpdate",
    )
    .by(["won", "open", "won"])
    .deleted(
        Call("delete-opportunity", json!({ "id": "{id}" })),
        "OpportunityDelete",
    );
    let visit = json!({ "calendarId": "{calendar}", "locationId": "{location}", "contactId": "{contact}",
        "startTime": "2100-02-01T10:00:00Z", "title": "Ada", "ignoreFreeSlotValidation": true });
    let appointment = Life::new(
        "appointment",
        Click("/appointments", visit),
        "AppointmentCreate",
        "/id",
    )
    .changed(
        Click("/appointments/{id}", json!({ "title": "{value}" })),
        "updated",
        "AppointmentUpdate",
    );
    let tenants = json!({ "locationId": "{location}", "key": "tenant_of", "firstObjectKey": "contact",
        "firstObjectLabel": "Ada", "secondObjectKey": "custom_objects.flat", "secondObjectLabel": "Flat" });
    let relabel = json!({ "associationId": "{id}", "firstObjectLabel": "{value}", "secondObjectLabel": "Flat" });
    let association = Life::new(
        "association",
        Call("create-association", tenants),
        "AssociationCreate",
        "/id",
    )
    .changed(
        Call("update-association", relabel),
        "updated",
        "AssociationUpdate",
    )
    .deleted(
        Call("delete-association", json!({ "associationId": "{id}" })),
        "AssociationDelete",
    );
    let friends = json!({ "locationId": "{location}", "associationId": "{association}", "firstRecordId": "{contact}",
        "secondRecordId": "{friend}" });
    let part = json!({ "relationId": "{id}", "locationId": "{location}" });
    let relation = Life::new(
        "relation",
        Call("create-relation", friends),
        "RelationCreate",
        "/id",
    )
    .found_by(
        "get-relations-by-record-id",
        json!({ "recordId": "{contact}" }),
    )
    .deleted(Call("delete-relation", part), "RelationDelete");
    let user = json!({ "companyId": "{company}", "firstName": "Ada", "lastName": "King", "email": "ada@example.com",
        "password": "Correct-Horse-1", "type": "account", "role": "user", "locationIds": ["{location}"] });
    let user = Life::new("user", Call("create-user", user), "UserCreate", "/id");
    let branch = json!({ "companyId": "{company}", "name": "Ada" });
    let location = Life::new(
        "location",
        Call("create-location", branch),
        "LocationCreate",
        "/id",
    )
    .changed(
        Click("/locations/{id}", json!({ "name": "{value}" })),
        "updated",
        "LocationUpdate",
    )
    .of_an_agency();
    [
        contact,
        note,
        opportunity,
        appointment,
        association,
        relation,
        user,
        location,
    ]
}

/// Lives this life in each order.
async fn lived(word: &str) {
    let life = lives().into_iter().find(|life| life.word == word).unwrap();
    let mut kinds = life.expected();
    kinds.dedup();
    let kinds: Vec<_> = kinds.iter().map(String::as_str).collect();
    for first in ORDERS {
        let mut told = if life.agency {
            Told::of_agency(&kinds).await
        } else {
            Told::new(&kinds).await
        };
        let mut names = names(&told, &life).await;
        if let Some((trigger, arguments)) = &life.trigger {
            told.watch(trigger, &filled(arguments, &names));
        }
        told.later().await;
        life.live(&mut told, &mut names, first).await;
    }
}

macro_rules! each {
    ($($word:ident)*) => {
        $(#[tokio::test]
        async fn $word() {
            lived(stringify!($word)).await;
        })*

        #[test]
        fn all_are_tested() {
            assert_eq!(lives().map(|life| life.word), [$(stringify!($word)),*]);
        }
    };
}

each! { contact note opportunity appointment association relation user location }
