//! Each of the catalog's triggers against the sandbox: the baseline and what did not change fire nothing, what is new
//! and what changed fire once, and so does what stands at the border of two pages.

mod account;

mod backfill;
mod borders;
mod contacts;
mod dealings;
mod kinds;
mod parents;
mod unreadable;

use std::collections::{BTreeMap, BTreeSet};

use canopy_highlevel::operation::{EntryKind, Reading};
use canopy_triggers::{PollOptions, PollSpec};
use serde_json::{Value, json};

use crate::support::World;

/// Something that a user does. The id of what comes of it is remembered under a name.
struct Do {
    name: &'static str,
    by: By,
    body: Value,
}

enum By {
    /// The sandbox's control API, at this path, and the pointer to the id in its answer.
    Control(&'static str, &'static str),
    /// An operation, and the pointer to the id in its answer.
    Call(&'static str, &'static str),
}

/// `path` of the control API.
fn control(name: &'static str, path: &'static str, body: Value) -> Do {
    let by = By::Control(path, "/id");
    Do { name, by, body }
}

fn call(name: &'static str, operation: &'static str, id: &'static str, body: Value) -> Do {
    let by = By::Call(operation, id);
    Do { name, by, body }
}

/// A trigger, and what a poll of it must tell.
struct Case {
    operation: &'static str,
    arguments: Value,
    before: Vec<Do>,
    /// How a record becomes new, and the kind that tells it.
    new: Option<Told>,
    /// How one changes, and the kind that tells it.
    changed: Option<Told>,
}

type Told = (Vec<Do>, &'static str);

fn case(operation: &'static str, arguments: Value) -> Case {
    Case {
        operation,
        arguments,
        before: Vec::new(),
        new: None,
        changed: None,
    }
}

impl Case {
    fn before(mut self, done: Do) -> Self {
        self.before.push(done);
        self
    }

    fn fresh(self, done: Do, kind: &'static str) -> Self {
        self.fresh_by(vec![done], kind)
    }

    fn fresh_by(mut self, done: Vec<Do>, kind: &'static str) -> Self {
        self.new = Some((done, kind));
        self
    }

    fn changed(mut self, done: Do, kind: &'static str) -> Self {
        self.changed = Some((vec![done], kind));
        self
    }
}

/// A world with the ids of what is there from the start.
struct Play {
    world: World,
    agency: String,
    ids: BTreeMap<String, String>,
}

impl Play {
    async fn new() -> Self {
        let world = World::new(2).await;
        world.same_time().await;
        let token = world
            .control("/tokens", json!({ "class": "agency_key" }))
            .await;
        let agency = token["token"].as_str().unwrap().to_owned();
        let info = world.sandbox.info();
        let mut ids = BTreeMap::from([
            ("location".to_owned(), info.location_id.clone()),
            ("company".to_owned(), info.company_id.clone()),
        ]);
        for (name, path) in [
            ("contact", "/contacts"),
            ("user", "/records/users"),
            ("calendar", "/records/calendars"),
            ("pipeline", "/records/pipelines"),
            ("workflow", "/records/workflows"),
            ("campaign", "/records/campaigns"),
            ("snapshot", "/records/snapshots"),
            ("blog", "/records/blogs"),
            ("author", "/records/authors"),
            ("category", "/records/categories"),
        ] {
            let first = &world.books(path).await[0];
            ids.insert(name.to_owned(), first["id"].as_str().unwrap().to_owned());
        }
        let user = world.books("/records/users").await.remove(0);
        ids.insert(
            "email".to_owned(),
            user["email"].as_str().unwrap().to_owned(),
        );
        Self { world, agency, ids }
    }

    /// Puts ids in the place of their names.
    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(list) => list.iter().map(|value| self.filled(value)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.filled(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        let mut parts = text.split('$');
        let mut filled = parts.next().unwrap().to_owned();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric());
            let (name, rest) = part.split_at(end.unwrap_or(part.len()));
            let id = self.ids.get(name);
            filled.push_str(id.unwrap_or_else(|| panic!("no {name}")));
            filled.push_str(rest);
        }
        filled
    }

    /// Whose token the operation takes.
    fn token(&self, operation: &str) -> Option<&str> {
        let agency = [
            "get-company",
            "get-custom-snapshots",
            "filter-users-by-email",
            "search-locations",
        ];
        agency.contains(&operation).then_some(&*self.agency)
    }

    fn spec(&self, operation: &str, arguments: &Value) -> PollSpec {
        PollSpec {
            operation: operation.to_owned(),
            arguments: self.filled(arguments).as_object().unwrap().clone(),
            every: None,
            backfill: false,
        }
    }

    async fn act(&mut self, done: &Do) -> Result<(), String> {
        let body = self.filled(&done.body);
        let (answer, id) = match done.by {
            By::Control(path, id) => (self.world.control(&self.text(path), body).await, id),
            By::Call(operation, id) => {
                let answer = self.world.client().invoke(operation, &body).await;
                let answer = answer.map_err(|error| format!("{operation}: {error}"))?;
                (answer, id)
            }
        };
        if let Some(id) = answer.pointer(id).and_then(Value::as_str) {
            self.ids.insert(done.name.to_owned(), id.to_owned());
        }
        Ok(())
    }

    async fn hold(mut self, case: &Case) -> Result<(), String> {
        for done in &case.before {
            self.act(done).await?;
        }
        let spec = self.spec(case.operation, &case.arguments);
        let token = self.token(case.operation);
        let poller = self.world.poller_as(token, PollOptions::default(), &[spec]);
        let first = poller.poll().await.map_err(|error| error.to_string())?;
        if !first.baseline || first.stored > 0 {
            return Err(format!("the baseline is {first:?}"));
        }
        let mut told = 0;
        for (done, kind) in [&case.new, &case.changed].into_iter().flatten() {
            for after in [&[][..], &[*kind][..], &[][..]] {
                self.world.advance(600).await;
                if !after.is_empty() {
                    for done in done {
                        self.act(done).await?;
                    }
                }
                poller.poll().await.map_err(|error| error.to_string())?;
                let events = self.world.events().await;
                let kinds: Vec<_> = events[told..].iter().map(|(kind, _)| &**kind).collect();
                if kinds != after {
                    return Err(format!("it told {kinds:?} and not {after:?}"));
                }
                told = events.len();
            }
        }
        Ok(())
    }
}

async fn hold(cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(problem) = Play::new().await.hold(case).await {
            wrong.push(format!("{}: {problem}", case.operation));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn triggers_of_contacts_and_calendars() {
    hold(contacts::cases()).await;
}

#[tokio::test]
async fn triggers_of_opportunities_users_and_conversations() {
    hold(dealings::cases()).await;
}

#[tokio::test]
async fn triggers_of_the_account() {
    hold(account::cases()).await;
}

fn all() -> Vec<Case> {
    let mut all = contacts::cases();
    all.extend(dealings::cases());
    all.extend(account::cases());
    all
}

#[test]
fn every_trigger_of_the_catalog_has_a_case() {
    let cases: BTreeSet<_> = all().iter().map(|case| case.operation).collect();
    let catalog = canopy_highlevel::CATALOG.iter();
    let triggers: BTreeSet<_> = catalog
        .filter(|entry| entry.kind == EntryKind::Trigger)
        .map(|entry| entry.operation)
        .collect();
    assert_eq!(cases, triggers);
}

#[test]
fn every_case_shows_what_is_new_and_what_changed_where_it_can_be() {
    for case in all() {
        let name = case.operation;
        let trigger = canopy_highlevel::operation(name).unwrap().trigger.unwrap();
        let kind = |verb: &str| Some(format!("{}.{verb}", trigger.record));
        let told = |told: &Option<Told>| told.as_ref().map(|(_, kind)| (*kind).to_owned());
        let (new, changed) = match trigger.reading {
            // A relation is made and removed; the service has no way to edit one.
            Reading::Snapshot if name == "get-relations-by-record-id" => (kind("created"), None),
            Reading::Changes { .. } | Reading::Snapshot => (kind("created"), kind("updated")),
            // It reads the one record that its id names, which is there from the start.
            Reading::Record => (None, kind("updated")),
            // It reads no records: an answer that was another one before.
            Reading::Answer | Reading::Bytes => (None, kind("changed")),
        };
        assert_eq!(
            (told(&case.new), told(&case.changed)),
            (new, changed),
            "{name}"
        );
    }
}
