//! Purchases, their book, and the reports.

use canopy_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::harness::{World, send, settled, start};

async fn book(world: &World) -> Vec<Value> {
    world
        .control("GET", "/purchases", Value::Null)
        .await
        .as_array()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn the_same_key_buys_once_and_answers_the_same() {
    let world = settled().await;
    let first = world
        .buy("/impact/trees", Some("k1"), json!({ "number": 2 }))
        .await
        .expect(201);
    let again = world
        .buy("/impact/trees", Some("k1"), json!({ "number": 2 }))
        .await
        .expect(201);
    assert_eq!(first, again);
    let other = world
        .buy("/impact/trees", Some("k2"), json!({ "number": 2 }))
        .await
        .expect(201);
    assert_ne!(first["treeUrl"], other["treeUrl"]);
    world
        .buy("/impact/trees", None, json!({ "number": 1 }))
        .await
        .expect(201);
    world
        .buy("/impact/trees", None, json!({ "number": 1 }))
        .await
        .expect(201);

    let book = book(&world).await;
    assert_eq!(book.len(), 4);
    assert_eq!(
        (&book[0]["key"], &book[0]["replays"]),
        (&json!("k1"), &json!(1))
    );
    assert_eq!(
        (&book[0]["amount"], &book[0]["currency"], &book[0]["test"]),
        (&json!("1.2"), &json!("GBP"), &json!(false))
    );
    assert_eq!(book[0]["url"], first["treeUrl"]);
    assert_eq!(book[2]["key"], Value::Null);
}

#[tokio::test]
async fn a_hundred_at_once_with_one_key_buy_once() {
    let world = start(Sandbox::builder().limits(false)).await;
    let requests = (0..100)
        .map(|_| send(world.purchase_request("/impact/trees", Some("k"), &json!({ "number": 1 }))));
    let tasks: Vec<_> = requests.map(tokio::spawn).collect();
    for task in tasks {
        task.await.unwrap().unwrap().expect(201);
    }
    let book = book(&world).await;
    assert_eq!((book.len(), &book[0]["replays"]), (1, &json!(99)));
}

#[tokio::test]
async fn keys_are_forgotten_after_a_day_unless_the_settings_say_otherwise() {
    let world = settled().await;
    let buy = || world.buy("/impact/trees", Some("k"), json!({ "number": 1 }));
    let wait = |seconds: u64| {
        let by = json!({ "advance_seconds": seconds });
        world.control("POST", "/clock", by)
    };
    buy().await.expect(201);
    wait(86_000).await;
    buy().await.expect(201);
    assert_eq!(book(&world).await.len(), 1);
    wait(1_000).await;
    buy().await.expect(201);
    assert_eq!(book(&world).await.len(), 2, "a day is over");
    let for_ever = json!({ "idempotency_memory_seconds": null });
    world.control("POST", "/settings", for_ever).await;
    wait(400 * 86_400).await;
    buy().await.expect(201);
    assert_eq!(book(&world).await.len(), 2);
}

#[tokio::test]
async fn a_key_that_came_with_another_body_is_refused_unless_the_settings_say_otherwise() {
    let world = settled().await;
    let buy = |number: u64| world.buy("/impact/trees", Some("k"), json!({ "number": number }));
    buy(1).await.expect(201);
    let refused = buy(2).await.expect(422);
    assert_eq!(refused["responseCode"], 422);
    buy(1).await.expect(201);
    assert_eq!(book(&world).await.len(), 1);
    // Also where the first body was refused: nobody knows what a key remembers of that.
    let mail = json!({ "number": 1, "recipientEmail": "ada@example.com" });
    let path = "/impact/trees";
    world.buy(path, Some("m"), mail).await.expect(403);
    let without = || world.buy(path, Some("m"), json!({ "number": 1 }));
    without().await.expect(422);
    let replay = json!({ "idempotency_other_body": "replay" });
    world.control("POST", "/settings", replay).await;
    assert_eq!(buy(2).await.expect(201)["amount"], json!(0.6));
    without().await.expect(201);
    assert_eq!(book(&world).await.len(), 2);
}

#[tokio::test]
async fn refusals_come_in_all_forms_that_were_seen() {
    let world = settled().await;
    let wrong = || world.buy("/impact/trees", None, json!({ "number": 0 }));
    let refused = wrong().await.expect(400);
    assert_eq!(refused["responseCode"], 400);
    assert!(refused["message"].as_str().unwrap().contains("number"));
    for (form, expected) in [
        ("error", json!({ "error": refused["message"] })),
        ("text", refused["message"].clone()),
    ] {
        let settings = json!({ "ecologi_errors": form });
        world.control("POST", "/settings", settings).await;
        assert_eq!(wrong().await.expect(400), expected);
    }
}

#[tokio::test]
async fn a_body_is_read_as_json_whatever_its_type_says() {
    let world = settled().await;
    for media in ["application/x-www-form-urlencoded", "text/plain", ""] {
        let url = format!("{}/impact/trees", world.info().ecologi_url);
        let mut request = world
            .http
            .post(url)
            .bearer_auth(&world.info().ecologi_key)
            .body(r#"{"number":1}"#);
        if !media.is_empty() {
            request = request.header("content-type", media);
        }
        send(request).await.unwrap().expect(201);
    }
    assert_eq!(book(&world).await.len(), 3);
}

#[tokio::test]
async fn each_purchase_answers_its_own_members_with_an_exact_amount() {
    let world = settled().await;
    let trees = world
        .buy("/impact/trees", None, json!({ "number": 3, "name": "Tom" }))
        .await
        .expect(201);
    assert_eq!(
        (&trees["amount"], &trees["name"], &trees["currency"]),
        (&json!(1.8), &json!("Tom"), &json!("GBP"))
    );
    assert_eq!(trees.get("projectDetails"), None, "as seen live");
    let local = world
        .buy(
            "/impact/local-trees",
            None,
            json!({ "number": 2, "country": "US" }),
        )
        .await
        .expect(201);
    assert_eq!(local["amount"], json!(3.7));
    let carbon = world
        .buy(
            "/impact/carbon",
            None,
            json!({ "number": 100, "units": "KG" }),
        )
        .await
        .expect(201);
    assert_eq!(
        (
            &carbon["numberInTonnes"],
            &carbon["units"],
            &carbon["number"]
        ),
        (&json!(0.1), &json!("KG"), &json!(100))
    );
    let removal = world
        .buy("/impact/carbon-removal", None, json!({ "number": 4 }))
        .await
        .expect(201);
    assert!(removal["tileUrl"].as_str().unwrap().contains("?tile="));
    let habitat = world
        .buy(
            "/impact/habitat-restoration",
            None,
            json!({ "number": 0.3 }),
        )
        .await
        .expect(201);
    assert_eq!(habitat["amount"], json!(0.45));
    assert!(habitat["tileUrl"].as_str().unwrap().contains("?tile="));

    world
        .control(
            "POST",
            "/settings",
            json!({ "currency": "EUR", "prices": { "tree": "0.111" } }),
        )
        .await;
    let dear = world
        .buy("/impact/trees", None, json!({ "number": 3 }))
        .await
        .expect(201);
    assert_eq!(
        (&dear["amount"], &dear["currency"]),
        (&json!(0.33), &json!("EUR"))
    );
}

#[tokio::test]
async fn limits_of_quantities_are_held() {
    let world = settled().await;
    for (path, body, status) in [
        ("/impact/trees", json!({ "number": 0 }), 400),
        ("/impact/trees", json!({ "number": 1.5 }), 400),
        ("/impact/trees", json!({ "number": 250_000 }), 201),
        ("/impact/trees", json!({ "number": 250_001 }), 400),
        ("/impact/trees", json!({}), 400),
        (
            "/impact/trees",
            json!({ "number": 1, "colour": "green" }),
            400,
        ),
        (
            "/impact/local-trees",
            json!({ "number": 1, "country": "FR" }),
            400,
        ),
        (
            "/impact/local-trees",
            json!({ "number": 1, "country": "BR" }),
            201,
        ),
        (
            "/impact/carbon",
            json!({ "number": 0.5, "units": "KG" }),
            400,
        ),
        (
            "/impact/carbon",
            json!({ "number": 0.001, "units": "Tonnes" }),
            201,
        ),
        (
            "/impact/carbon",
            json!({ "number": 0.0005, "units": "Tonnes" }),
            400,
        ),
        ("/impact/carbon-removal", json!({ "number": 0.5 }), 400),
        (
            "/impact/habitat-restoration",
            json!({ "number": 0.05 }),
            400,
        ),
        (
            "/impact/habitat-restoration",
            json!({ "number": 0.15 }),
            400,
        ),
        ("/impact/habitat-restoration", json!({ "number": 0.1 }), 201),
        ("/impact/habitat-restoration", json!({ "number": 0.7 }), 201),
        (
            "/impact/habitat-restoration",
            json!({ "number": 1234.3 }),
            201,
        ),
    ] {
        let reply = world.buy(path, None, body.clone()).await;
        assert_eq!(reply.status, status, "{path} {body}: {}", reply.body);
    }
}

#[tokio::test]
async fn a_test_purchase_is_booked_as_such_and_counts_nowhere() {
    let world = settled().await;
    let tested = world
        .buy(
            "/impact/trees",
            Some("t"),
            json!({ "number": 5, "test": true }),
        )
        .await
        .expect(201);
    assert!(
        tested["treeUrl"]
            .as_str()
            .unwrap()
            .ends_with("tree=undefined")
    );
    assert_eq!(book(&world).await[0]["test"], true);
    world
        .buy("/impact/trees", None, json!({ "number": 2 }))
        .await
        .expect(201);

    let path = format!("/users/{}/trees", world.info().ecologi_user);
    assert_eq!(
        world.report(&path).await.expect(200),
        json!({ "total": 0, "pending": 2 })
    );
    world
        .control("POST", "/clock", json!({ "advance_seconds": 600 }))
        .await;
    assert_eq!(
        world.report(&path).await.expect(200),
        json!({ "total": 2, "pending": 0 })
    );
}

#[tokio::test]
async fn reports_add_up_and_know_only_their_user() {
    let world = settled().await;
    world
        .control("POST", "/settings", json!({ "report_lag_seconds": 0 }))
        .await;
    for (path, body) in [
        ("/impact/trees", json!({ "number": 2 })),
        (
            "/impact/local-trees",
            json!({ "number": 1, "country": "UK" }),
        ),
        ("/impact/carbon", json!({ "number": 250, "units": "KG" })),
        ("/impact/carbon-removal", json!({ "number": 1 })),
        ("/impact/habitat-restoration", json!({ "number": 1.5 })),
    ] {
        world.buy(path, None, body).await.expect(201);
    }
    let user = &world.info().ecologi_user;
    let report = async |name: &str| {
        world
            .report(&format!("/users/{user}/{name}"))
            .await
            .expect(200)
    };
    assert_eq!(report("trees").await["total"], 3);
    assert_eq!(report("carbon-offset").await["total"], 0.25);
    assert_eq!(report("carbon-removal").await["total"], 0.001);
    assert_eq!(report("habitat-restoration").await["total"], 1.5);
    let impact = report("impact").await;
    assert_eq!(
        (
            &impact["trees"],
            &impact["carbonOffset"],
            &impact["pending"]["trees"]
        ),
        (&json!(3), &json!(0.25), &json!(0))
    );
    world.report("/users/nobody/trees").await.expect(404);
}

#[tokio::test]
async fn the_key_the_feature_and_the_billing_are_asked_for() {
    let world = settled().await;
    let url = format!("{}/impact/trees", world.info().ecologi_url);
    send(
        world
            .http
            .post(&url)
            .bearer_auth("wrong")
            .json(&json!({ "number": 1 })),
    )
    .await
    .unwrap()
    .expect(401);
    send(world.http.post(&url).json(&json!({ "number": 1 })))
        .await
        .unwrap()
        .expect(401);

    let body = json!({ "number": 1, "recipientEmail": "friend@example.com" });
    world
        .buy("/impact/trees", None, body.clone())
        .await
        .expect(403);
    world
        .control(
            "POST",
            "/settings",
            json!({ "recipient_email_enabled": true }),
        )
        .await;
    let answer = world.buy("/impact/trees", None, body).await.expect(201);
    assert_eq!(answer["recipientEmail"], "friend@example.com");

    world
        .control("POST", "/settings", json!({ "billing": false }))
        .await;
    world
        .buy("/impact/trees", None, json!({ "number": 1, "test": true }))
        .await
        .expect(402);
    assert_eq!(book(&world).await.len(), 1);
}
