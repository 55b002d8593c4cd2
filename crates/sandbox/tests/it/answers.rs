//! What the sandbox answers and sends has the described form.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Receiver, Reply, World, send, settled};

const HIGHLEVEL: &str = include_str!("../../openapi/highlevel.json");
const ECOLOGI: &str = include_str!("../../openapi/ecologi.json");
const WEBHOOKS: &str = include_str!("../../openapi/webhooks.json");

/// A description, and which of its operations were seen to answer as described.
struct Described {
    document: Value,
    seen: BTreeSet<String>,
}

impl Described {
    fn new(text: &str) -> Self {
        Self {
            document: serde_json::from_str(text).unwrap(),
            seen: BTreeSet::new(),
        }
    }

    /// What is wrong with a value, as far as the schema goes: unknown members are allowed, null is as good as absent.
    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        assert!(schema.is_object(), "nothing is described");
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let value = without_nulls(value);
        validator
            .iter_errors(&value)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect()
    }

    #[track_caller]
    fn check(&mut self, operation: &str, reply: Reply) -> Value {
        let paths = self.document["paths"].as_object().unwrap();
        let described = paths
            .values()
            .flat_map(|item| item.as_object().unwrap().values());
        let described = described
            .clone()
            .find(|found| found["operationId"] == operation);
        let described = described.unwrap_or_else(|| panic!("{operation} is not described"));
        let status = reply.status.to_string();
        let answer = &described["responses"][&status];
        assert!(
            answer.is_object(),
            "{operation} answered {status}: {}",
            reply.body
        );
        let schema = &answer["content"]["application/json"]["schema"];
        let faults = self.faults(schema, &reply.body);
        assert!(
            faults.is_empty(),
            "{operation}: {faults:?} in {}",
            reply.body
        );
        self.seen.insert(operation.to_owned());
        reply.body
    }

    fn unseen(&self) -> Vec<&str> {
        let paths = self.document["paths"].as_object().unwrap();
        let operations = paths
            .values()
            .flat_map(|item| item.as_object().unwrap().values());
        let names = operations.filter_map(|operation| operation["operationId"].as_str());
        names.filter(|name| !self.seen.contains(*name)).collect()
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            members
                .map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn every_served_operation_of_highlevel_answers_as_described() {
    let world = settled().await;
    let mut described = Described::new(HIGHLEVEL);
    let location = world.info().location_id.clone();
    let in_location = format!("?locationId={location}");
    let full = json!({
        "locationId": location, "firstName": "Ada", "lastName": "Berg", "email": "ada@example.com", "phone": "+12015550999",
        "address1": "1 Road", "city": "Leeds", "state": "ENG", "postalCode": "LS1", "country": "GB", "website": "https://example.com",
        "timezone": "Europe/London", "dnd": false, "tags": ["a"], "source": "test", "companyName": "Acme",
        "customFields": [],
    });
    let created = described.check(
        "create-contact",
        world.call("POST", "/contacts/", full).await,
    );
    let contact = format!("/contacts/{}", created["contact"]["id"].as_str().unwrap());
    described.check("get-contact", world.get(&contact).await);
    described.check(
        "update-contact",
        world.call("PUT", &contact, json!({ "city": "York" })).await,
    );
    let upsert = json!({ "locationId": location, "email": "ada@example.com" });
    described.check(
        "upsert-contact",
        world.call("POST", "/contacts/upsert", upsert).await,
    );
    described.check(
        "get-contacts",
        world.get(&format!("/contacts/{in_location}&limit=2")).await,
    );
    let search = json!({ "locationId": location, "pageLimit": 2 });
    described.check(
        "search-contacts-advanced",
        world.call("POST", "/contacts/search", search).await,
    );
    let duplicate = format!("/contacts/search/duplicate{in_location}&email=ada%40example.com");
    described.check("get-duplicate-contact", world.get(&duplicate).await);
    described.check(
        "get-contacts-by-business-id",
        world
            .get(&format!("/contacts/business/b{in_location}"))
            .await,
    );
    described.check(
        "get-appointments-for-contact",
        world.get(&format!("{contact}/appointments")).await,
    );

    let tags = json!({ "tags": ["b"] });
    described.check(
        "add-tags",
        world
            .call("POST", &format!("{contact}/tags"), tags.clone())
            .await,
    );
    described.check(
        "remove-tags",
        world.call("DELETE", &format!("{contact}/tags"), tags).await,
    );
    let bulk = json!({ "locationId": location, "contacts": [created["contact"]["id"], "nobody"], "tags": ["c"] });
    described.check(
        "bulk-update-contact-tags",
        world
            .call("POST", "/contacts/bulk/tags/update/add", bulk)
            .await,
    );
    described.check(
        "get-location-tags",
        world.get(&format!("/locations/{location}/tags")).await,
    );

    let notes = format!("{contact}/notes");
    let note = described.check(
        "create-note",
        world.call("POST", &notes, json!({ "body": "x" })).await,
    );
    let note = format!("{notes}/{}", note["note"]["id"].as_str().unwrap());
    described.check("get-all-notes", world.get(&notes).await);
    described.check("get-note", world.get(&note).await);
    described.check(
        "update-note",
        world.call("PUT", &note, json!({ "body": "y" })).await,
    );
    described.check(
        "delete-note",
        world.call("DELETE", &note, Value::Null).await,
    );

    let tasks = format!("{contact}/tasks");
    let task = json!({ "title": "t", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let task = described.check("create-task", world.call("POST", &tasks, task).await);
    let task = format!("{tasks}/{}", task["task"]["id"].as_str().unwrap());
    described.check("get-all-tasks", world.get(&tasks).await);
    described.check("get-task", world.get(&task).await);
    described.check(
        "update-task",
        world.call("PUT", &task, json!({ "title": "u" })).await,
    );
    let done = world
        .call(
            "PUT",
            &format!("{task}/completed"),
            json!({ "completed": true }),
        )
        .await;
    described.check("update-task-completed", done);
    described.check(
        "delete-task",
        world.call("DELETE", &task, Value::Null).await,
    );

    let campaign = format!("{contact}/campaigns/spring");
    described.check(
        "add-contact-to-campaign",
        world.call("POST", &campaign, json!({})).await,
    );
    described.check(
        "remove-contact-from-campaign",
        world.call("DELETE", &campaign, Value::Null).await,
    );
    let all = world
        .call(
            "DELETE",
            &format!("{contact}/campaigns/removeAll"),
            Value::Null,
        )
        .await;
    described.check("remove-contact-from-every-campaign", all);

    let fields = format!("/locations/{location}/customFields");
    let field = json!({ "name": "Trees funded", "dataType": "NUMERICAL", "model": "contact" });
    described.check(
        "create-custom-field",
        world.call("POST", &fields, field).await,
    );
    described.check("get-custom-fields", world.get(&fields).await);
    described.check("search-locations", world.get("/locations/search").await);
    described.check(
        "delete-contact",
        world.call("DELETE", &contact, Value::Null).await,
    );
    tokens(&world, &mut described).await;

    // What is left must say so itself.
    for operation in described.unseen() {
        assert_not_served(&world, &described, operation).await;
    }
}

async fn tokens(world: &World, described: &mut Described) {
    let grant = world
        .control(
            "POST",
            "/oauth/authorize",
            json!({ "user_type": "Company" }),
        )
        .await;
    let text = |name: &str| grant[name].as_str().unwrap().to_owned();
    let form = [
        ("client_id", text("client_id")),
        ("client_secret", text("client_secret")),
        ("grant_type", "authorization_code".to_owned()),
        ("code", text("code")),
    ];
    let url = |path: &str| format!("{}{path}", world.info().highlevel_url);
    let pair = send(world.http.post(url("/oauth/token")).form(&form))
        .await
        .unwrap();
    let pair = described.check("get-access-token", pair);
    let agency = pair["access_token"].as_str().unwrap();
    let info = world.info();
    let form = [
        ("companyId", &info.company_id),
        ("locationId", &info.location_id),
    ];
    let request = world
        .request_as(agency, "POST", "/oauth/locationToken", &Value::Null)
        .form(&form);
    described.check("get-location-access-token", send(request).await.unwrap());
    let app = world.control("GET", "/info", Value::Null).await["oauth"]["app_id"].clone();
    let path = format!(
        "/oauth/installedLocations?companyId={}&appId={}",
        info.company_id,
        app.as_str().unwrap()
    );
    let request = world.request_as(agency, "GET", &path, &Value::Null);
    described.check("get-installed-location", send(request).await.unwrap());
    let body = json!({ "clientKey": text("client_id"), "clientSecret": text("client_secret"), "locationId": info.location_id });
    described.check(
        "reconnect",
        send(world.http.post(url("/oauth/reconnect")).json(&body))
            .await
            .unwrap(),
    );
}

async fn assert_not_served(world: &World, described: &Described, operation: &str) {
    let paths = described.document["paths"].as_object().unwrap();
    for (path, item) in paths {
        for (method, found) in item.as_object().unwrap() {
            if found["operationId"] == operation {
                let path = path.replace(['{', '}'], "");
                let refusal = world
                    .call(&method.to_uppercase(), &path, Value::Null)
                    .await
                    .expect(501);
                assert!(
                    refusal["message"].as_str().unwrap().contains(operation),
                    "{refusal}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_operation_of_ecologi_answers_as_described() {
    let world = settled().await;
    world
        .control(
            "POST",
            "/settings",
            json!({ "recipient_email_enabled": true }),
        )
        .await;
    let mut described = Described::new(ECOLOGI);
    for (operation, path, mut body) in [
        ("buy-trees", "/impact/trees", json!({ "number": 2 })),
        (
            "buy-local-trees",
            "/impact/local-trees",
            json!({ "number": 2, "country": "AU" }),
        ),
        (
            "buy-carbon-avoidance",
            "/impact/carbon",
            json!({ "number": 1.5, "units": "KG" }),
        ),
        (
            "buy-carbon-removal",
            "/impact/carbon-removal",
            json!({ "number": 2 }),
        ),
        (
            "buy-habitat-restoration",
            "/impact/habitat-restoration",
            json!({ "number": 0.1 }),
        ),
    ] {
        body["name"] = json!("Tom");
        body["recipientEmail"] = json!("friend@example.com");
        described.check(operation, world.buy(path, Some(operation), body).await);
    }
    for (operation, name) in [
        ("get-trees", "trees"),
        ("get-carbon-offset", "carbon-offset"),
        ("get-carbon-removal", "carbon-removal"),
        ("get-habitat-restoration", "habitat-restoration"),
        ("get-impact", "impact"),
    ] {
        let path = format!("/users/{}/{name}", world.info().ecologi_user);
        described.check(operation, world.report(&path).await);
    }
    assert_eq!(described.unseen(), Vec::<&str>::new());
}

#[tokio::test]
async fn every_described_webhook_is_sent_in_its_form() {
    let world = settled().await;
    let hooks = Receiver::start(Vec::new()).await;
    world
        .control("POST", "/webhook-target", json!({ "url": hooks.url }))
        .await;
    let id = world
        .contact(
            json!({ "firstName": "Ada", "email": "w@example.com", "dateOfBirth": "1990-09-25" }),
        )
        .await;
    let contact = format!("/contacts/{id}");
    let dnd = json!({ "dnd": true, "tags": ["a"], "dndSettings": { "SMS": { "status": "active", "message": "no", "code": "1" } } });
    world.call("PUT", &contact, dnd).await.expect(200);
    let note = world
        .call("POST", &format!("{contact}/notes"), json!({ "body": "x" }))
        .await
        .expect(201);
    let note = format!("{contact}/notes/{}", note["note"]["id"].as_str().unwrap());
    world
        .call("PUT", &note, json!({ "body": "y" }))
        .await
        .expect(200);
    world.call("DELETE", &note, Value::Null).await.expect(200);
    let task =
        json!({ "title": "t", "body": "b", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let task = world
        .call("POST", &format!("{contact}/tasks"), task)
        .await
        .expect(201);
    let task = format!("{contact}/tasks/{}", task["task"]["id"].as_str().unwrap());
    world
        .call(
            "PUT",
            &format!("{task}/completed"),
            json!({ "completed": true }),
        )
        .await
        .expect(200);
    world.call("DELETE", &task, Value::Null).await.expect(200);
    world
        .call("DELETE", &contact, Value::Null)
        .await
        .expect(200);

    let arrived = hooks.wait_for(11).await;
    let described = Described::new(WEBHOOKS);
    let events = described.document["events"].as_object().unwrap();
    let mut seen = BTreeSet::new();
    for webhook in &arrived {
        let name = webhook.body["type"].as_str().unwrap();
        let event = events
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not described"));
        let faults = described.faults(&event["payload"], &webhook.body);
        assert!(faults.is_empty(), "{name}: {faults:?}");
        assert!(
            webhook
                .body
                .pointer(event["record"].as_str().unwrap())
                .is_some(),
            "{name} names its record"
        );
        seen.insert(name.to_owned());
    }
    let missing: Vec<&String> = events.keys().filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "not sent: {missing:?}");
}
