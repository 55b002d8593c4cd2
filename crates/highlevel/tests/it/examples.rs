//! The programs in `examples/` do against the sandbox what they say.

#![allow(
    clippy::duplicate_mod,
    reason = "each example is a program of its own, and all begin alike"
)]

use canopy_highlevel::Client;
use canopy_highlevel::api::webhooks::Payload;
use canopy_highlevel::webhook::Verifier;
use canopy_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

#[path = "../../examples/appointments.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod appointments;
#[path = "../../examples/contacts.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod contacts;
#[path = "../../examples/opportunities.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod opportunities;
#[path = "../../examples/paging.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod paging;
#[path = "../../examples/support/mod.rs"]
mod support;
#[path = "../../examples/webhooks.rs"]
#[allow(dead_code, reason = "its `main` is not called here")]
mod webhooks;

struct World {
    sandbox: Sandbox,
    client: Client,
    location: String,
}

impl World {
    async fn start() -> Self {
        let sandbox = Sandbox::builder()
            .contacts(5)
            .seed(7)
            .start()
            .await
            .unwrap();
        let info = sandbox.info();
        let (client, location) = support::connect(|name| match name {
            "HIGHLEVEL_TOKEN" => Some(info.token.clone()),
            "HIGHLEVEL_URL" => Some(info.highlevel_url.clone()),
            other => panic!("the examples read no {other}"),
        })
        .await
        .unwrap();
        assert_eq!(location, info.location_id);
        let world = Self {
            sandbox,
            client,
            location,
        };
        world
            .control("settings", Some(json!({"search_lag_seconds": 0})))
            .await;
        world
    }

    async fn control(&self, path: &str, body: Option<Value>) -> Value {
        let http = canopy_transport::http_client().unwrap();
        let url = format!("{}/{path}", self.sandbox.info().control_url);
        let request = match body {
            Some(body) => http.post(url).json(&body),
            None => http.get(url),
        };
        request
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Operations that were called, and how they were answered.
    async fn calls(&self) -> Vec<(String, u64)> {
        let requests = self.control("requests", None).await;
        let each = requests.as_array().unwrap().iter();
        each.filter_map(|request| {
            Some((
                request["operation"].as_str()?.to_owned(),
                request["status"].as_u64()?,
            ))
        })
        .filter(|(operation, _)| operation != "search-locations")
        .collect()
    }
}

fn called<'a>(operations: impl IntoIterator<Item = (&'a str, u64)>) -> Vec<(String, u64)> {
    operations
        .into_iter()
        .map(|(operation, status)| (operation.to_owned(), status))
        .collect()
}

#[tokio::test]
async fn contacts() {
    let world = World::start().await;
    contacts::run(&world.client, &world.location).await.unwrap();
    let expected = [
        ("upsert-contact", 200),
        ("update-contact", 200),
        ("add-tags", 201),
        ("create-note", 201),
        ("get-contact", 200),
        ("delete-contact", 200),
    ];
    let calls = world.calls().await;
    assert_eq!(calls[..6], called(expected));
    assert_eq!(calls[6].0, "get-contact");
    assert!(calls[6].1 >= 400, "{calls:?}");
}

#[tokio::test]
async fn paging() {
    let world = World::start().await;
    paging::run(&world.client, &world.location).await.unwrap();
    // Five contacts by two, twice: three pages and the empty one.
    assert_eq!(
        world.calls().await,
        called([("search-contacts-advanced", 200); 8])
    );
}

#[tokio::test]
async fn opportunities() {
    let world = World::start().await;
    opportunities::run(&world.client, &world.location)
        .await
        .unwrap();
    let expected = [
        ("get-pipelines", 200),
        ("upsert-contact", 200),
        ("create-opportunity", 201),
        ("update-opportunity", 200),
        ("update-opportunity-status", 200),
        ("get-opportunity", 200),
    ];
    assert_eq!(world.calls().await, called(expected));
}

#[tokio::test]
async fn appointments() {
    let world = World::start().await;
    appointments::run(&world.client, &world.location)
        .await
        .unwrap();
    let calls = world.calls().await;
    assert!(calls.iter().all(|(_, status)| *status < 300), "{calls:?}");
    let names: Vec<&str> = calls
        .iter()
        .map(|(operation, _)| operation.as_str())
        .collect();
    let expected = [
        "create-calendar",
        "get-free-slots",
        "upsert-contact",
        "create-appointment",
        "update-appointment",
        "get-appointment",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn webhooks() {
    let world = World::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let verifier = Verifier::with_keys([world.sandbox.info().webhook_public_key.as_str()]).unwrap();
    let (taken, mut payloads) = mpsc::unbounded_channel();
    let server = tokio::spawn(async move {
        let run = webhooks::run(listener, verifier, move |payload| {
            taken.send(payload).unwrap();
        });
        run.await.map_err(|error| error.to_string())
    });
    world
        .control("webhook-target", Some(json!({ "url": url })))
        .await;
    let args = json!({"locationId": world.location, "firstName": "Ada"});
    let made = world.client.invoke("create-contact", &args).await.unwrap();
    let Some(Payload::ContactCreate(contact)) = payloads.recv().await else {
        panic!("another event came first")
    };
    assert_eq!(contact.id.as_deref(), made["contact"]["id"].as_str());

    let forged = json!({"type": "ContactCreate", "id": "forged"});
    let answer = canopy_transport::http_client()
        .unwrap()
        .post(&url)
        .json(&forged)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    assert!(payloads.try_recv().is_err());
    server.abort();
}

#[tokio::test]
async fn what_is_missing_is_asked_for() {
    let error = support::connect(|_| None).await.unwrap_err();
    assert!(error.to_string().contains("HIGHLEVEL_TOKEN"), "{error}");
}
