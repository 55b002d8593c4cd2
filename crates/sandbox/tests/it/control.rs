//! The books, the seed, the clock, and acting as a user.

use canopy_sandbox::{Options, Sandbox, SandboxInfo};
use serde_json::{Value, json};

use crate::harness::{World, settled, start};

async fn people(world: &World) -> Value {
    let mut people = world.control("GET", "/contacts", Value::Null).await;
    for contact in people.as_array_mut().unwrap() {
        for date in ["dateAdded", "dateUpdated", "lastActivity"] {
            contact.as_object_mut().unwrap().remove(date);
        }
    }
    people
}

#[tokio::test]
async fn the_same_seed_makes_the_same_world() {
    let build = || Sandbox::builder().contacts(20).seed(42);
    let (one, two) = (start(build()).await, start(build()).await);
    for world in [&one, &two] {
        world
            .control("POST", "/seed", json!({ "contacts": 5, "seed": 42 }))
            .await;
    }
    let made = people(&one).await;
    assert_eq!(made, people(&two).await);
    assert_eq!(made.as_array().unwrap().len(), 25);
    for collection in [
        "users",
        "pipelines",
        "calendars",
        "workflows",
        "campaigns",
        "blogs",
    ] {
        let (first, second) = (one.first(collection).await, two.first(collection).await);
        assert!(
            first["id"].is_string(),
            "{collection} are there from the start"
        );
        assert_eq!(first, second, "{collection}");
    }
    one.try_control("GET", "/records/cars", Value::Null)
        .await
        .expect(404);
    let (a, b) = (one.info(), two.info());
    assert_eq!(
        (&a.token, &a.location_id, &a.webhook_public_key),
        (&b.token, &b.location_id, &b.webhook_public_key)
    );

    let other = start(Sandbox::builder().contacts(20).seed(43)).await;
    assert_ne!(people(&other).await[0]["id"], made[0]["id"]);
    assert_ne!(other.info().token, a.token);
}

#[tokio::test]
async fn seeded_contacts_are_distinct_and_look_like_highlevels() {
    let world = start(Sandbox::builder().contacts(500).seed(1)).await;
    let people = people(&world).await;
    let people = people.as_array().unwrap();
    for member in ["id", "email", "phone"] {
        let mut values: Vec<&str> = people
            .iter()
            .map(|contact| contact[member].as_str().unwrap())
            .collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 500, "{member}");
    }
    assert!(
        people
            .iter()
            .all(|contact| contact["id"].as_str().unwrap().len() == 20)
    );
    assert!(
        people
            .iter()
            .all(|contact| contact["email"].as_str().unwrap().ends_with("@example.com"))
    );
}

#[tokio::test]
async fn history_tells_who_changed_what() {
    let world = settled().await;
    let id = world.contact(json!({ "email": "h@example.com" })).await;
    let path = format!("/contacts/{id}");
    world
        .control("POST", &path, json!({ "city": "Bristol", "tags": ["vip"] }))
        .await;
    assert_eq!(
        world.get(&path).await.expect(200)["contact"]["city"],
        "Bristol"
    );
    world.control("DELETE", &path, Value::Null).await;
    world.get(&path).await.expect(404);

    let all = world.control("GET", "/history", Value::Null).await;
    assert_eq!(all.as_array().unwrap().len(), 6, "three seeded, three here");
    let history = world.control("GET", "/history?since=3", Value::Null).await;
    let brief = |change: &Value| {
        json!([
            change["seq"],
            change["kind"],
            change["version"],
            change["origin"],
            change["changed"]
        ])
    };
    let brief: Vec<Value> = history.as_array().unwrap().iter().map(brief).collect();
    assert_eq!(
        json!(brief),
        json!([
            [4, "contact.created", 1, "api", null],
            [5, "contact.updated", 2, "control", ["city", "tags"]],
            [6, "contact.deleted", 3, "control", null],
        ])
    );
}

#[tokio::test]
async fn requests_are_logged_with_their_operation_and_answer() {
    let world = settled().await;
    world.get("/contacts/nobody").await.expect(404);
    world
        .buy("/impact/trees", Some("key-1"), json!({ "number": 1 }))
        .await
        .expect(201);
    let requests = world.control("GET", "/requests", Value::Null).await;
    let brief = |request: &Value| {
        json!([
            request["service"],
            request["method"],
            request["path"],
            request["operation"],
            request["status"],
            request["idempotency_key"]
        ])
    };
    let brief: Vec<Value> = requests.as_array().unwrap().iter().map(brief).collect();
    assert_eq!(
        json!(brief),
        json!([
            [
                "highlevel",
                "GET",
                "/contacts/nobody",
                "get-contact",
                404,
                null
            ],
            [
                "ecologi",
                "POST",
                "/impact/trees",
                "buy-trees",
                201,
                "key-1"
            ],
        ])
    );
    assert_eq!(
        world
            .control("GET", "/requests?since=1", Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn the_clock_is_pushed_set_and_stopped_but_never_goes_back() {
    let start_at = "2026-01-01T00:00:00Z".parse().unwrap();
    let world = start(Sandbox::builder().start_at(start_at)).await;
    world
        .control(
            "POST",
            "/clock",
            json!({ "frozen": true, "set": "2026-02-01T00:00:00Z" }),
        )
        .await;
    let set = world
        .control("POST", "/clock", json!({ "advance_seconds": 90.5 }))
        .await;
    let now = set["now"].as_str().unwrap();
    assert!(now.starts_with("2026-02-01T00:01:30."), "{now}");
    assert_eq!(
        world.control("GET", "/clock", Value::Null).await["now"],
        now
    );
    world
        .try_control("POST", "/clock", json!({ "set": "2026-01-15T00:00:00Z" }))
        .await
        .expect(400);
    world
        .try_control("POST", "/clock", json!({ "advance_seconds": -1 }))
        .await
        .expect(400);
    let made = world
        .control("POST", "/contacts", json!({ "firstName": "Now" }))
        .await;
    assert_eq!(made["dateAdded"], now);
}

#[tokio::test]
async fn an_unknown_setting_is_refused_and_changes_nothing() {
    let world = settled().await;
    let before = world.control("GET", "/settings", Value::Null).await;
    let refused = world
        .try_control(
            "POST",
            "/settings",
            json!({ "limits": false, "serch_lag": 1 }),
        )
        .await
        .expect(400);
    assert!(refused["error"].as_str().unwrap().contains("serch_lag"));
    world
        .try_control("POST", "/settings", json!({ "currency": "XAU" }))
        .await
        .expect(400);
    assert_eq!(world.control("GET", "/settings", Value::Null).await, before);
}

#[tokio::test]
async fn after_shutdown_nothing_listens() {
    let world = settled().await;
    let url = world.info().control_url.clone();
    let http = world.http.clone();
    world.sandbox.shutdown().await;
    assert!(
        http.get(format!("{url}/clock"))
            .send()
            .await
            .expect_err("nobody answers")
            .is_connect()
    );
}

#[tokio::test]
async fn run_tells_where_it_is_and_ends_when_told() {
    let (ready, told) = tokio::sync::oneshot::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let ready = move |info: &SandboxInfo| ready.send(info.clone()).unwrap();
    let shutdown = async { drop(stopped.await) };
    let running = tokio::spawn(canopy_sandbox::run(Options::default(), ready, shutdown));
    let info = told.await.unwrap();
    let line = serde_json::to_value(&info).unwrap();
    let members: Vec<&String> = line.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "highlevel_url",
            "ecologi_url",
            "token",
            "location_id",
            "company_id",
            "ecologi_key",
            "ecologi_user",
            "webhook_public_key",
            "control_url",
        ]
    );
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}
