//! `POST /webhooks/workflow/{name}`: the webhook action of HighLevel's workflow builder, told by its secret.

use axum::http::StatusCode;
use canopy_store::Store as _;
use canopy_web::MAX_WEBHOOK_BODY;

use crate::support::{HEADER, LOCATION, SECRET, World, broken};

const PATH: &str = "/webhooks/workflow/won";
const BODY: &str = r#"{"contact_id":"c1","full_name":"Ada Byron"}"#;

#[tokio::test]
async fn with_its_secret_it_is_stored_and_rings_and_the_same_again_is_another_call() {
    let world = World::new().await;
    let headers = [(HEADER, SECRET)];
    let (status, text) = world.send("POST", PATH, &headers, BODY).await;
    assert_eq!((status, &*text), (StatusCode::OK, "stored\n"));
    assert_eq!(world.rung(), [LOCATION]);
    assert_eq!(world.kinds().await, ["hook.won"]);
    let (status, text) = world.send("POST", PATH, &headers, BODY).await;
    assert_eq!((status, &*text), (StatusCode::OK, "stored\n"));
    assert_eq!(world.kinds().await, ["hook.won"; 2]);
    // Unless the sender says that it is the same.
    let named = [(HEADER, SECRET), ("Idempotency-Key", "order-1")];
    for expected in ["stored\n", "duplicate\n"] {
        let (status, text) = world.send("POST", PATH, &named, BODY).await;
        assert_eq!((status, &*text), (StatusCode::OK, expected));
    }
    assert_eq!(world.kinds().await.len(), 3);
}

#[tokio::test]
async fn forms_are_read_and_json_that_a_line_break_broke() {
    let world = World::new().await;
    let form = "application/x-www-form-urlencoded;charset=utf-8";
    let parts = "multipart/form-data; boundary=XX";
    let in_parts =
        "--XX\r\nContent-Disposition: form-data; name=\"contact_id\"\r\n\r\nc1\r\n--XX--\r\n";
    for (kind, body) in [
        (
            "application/json",
            "{\"contact_id\":\"c1\",\"note\":\"one\ntwo\"}",
        ),
        (form, "contact_id=c1&trees=2"),
        (parts, in_parts),
    ] {
        let headers = [(HEADER, SECRET), ("Content-Type", kind)];
        let (status, text) = world.send("POST", PATH, &headers, body).await;
        assert_eq!((status, &*text), (StatusCode::OK, "stored\n"), "{body}");
    }
    let rows = world.store.recent_events(9).await.unwrap();
    assert!(
        rows.iter()
            .all(|row| row.event.contact.as_deref() == Some("c1"))
    );
    assert_eq!(
        rows[1].event.payload,
        serde_json::json!({ "contact_id": "c1", "trees": "2" })
    );
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_name_are_told_the_same() {
    let world = World::new().await;
    let near = "open sesamf";
    let cases: [(&str, &[(&str, &str)]); 6] = [
        (PATH, &[]),
        (PATH, &[(HEADER, "")]),
        (PATH, &[(HEADER, near)]),
        (PATH, &[("Authorization", SECRET)]),
        ("/webhooks/workflow/lost", &[(HEADER, SECRET)]),
        ("/webhooks/workflow/lost", &[(HEADER, near)]),
    ];
    let mut texts = Vec::new();
    for (path, headers) in cases {
        let (status, text) = world.send("POST", path, headers, BODY).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path} {headers:?}");
        texts.push(text);
    }
    texts.dedup();
    assert_eq!(
        texts.len(),
        1,
        "nobody learns which names there are: {texts:?}"
    );
    assert!(!texts[0].contains("sesam"), "{texts:?}");
    assert_eq!(world.kinds().await, [""; 0]);
    assert_eq!(world.deliveries().refused, 6);
}

#[tokio::test]
async fn it_is_posted_to_only_and_not_without_a_name() {
    let world = World::new().await;
    let headers = [(HEADER, SECRET)];
    let (status, _) = world.send("GET", PATH, &headers, "").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    let (status, _) = world
        .send("POST", "/webhooks/workflow/", &headers, BODY)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(world.kinds().await, [""; 0]);
}

#[tokio::test]
async fn what_is_too_big_what_is_no_object_and_what_cannot_be_stored_are_told_so() {
    let world = World::new().await;
    let headers = [(HEADER, SECRET)];
    let big = " ".repeat(MAX_WEBHOOK_BODY + 1);
    let (status, _) = world.send("POST", PATH, &headers, big).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, _) = world.send("POST", PATH, &headers, broken()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    for body in ["", "[]", "\"c1\"", "contact_id=c1"] {
        let (status, text) = world.send("POST", PATH, &headers, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(text.contains("JSON"), "says what to send: {text}");
    }
    // None of them comes again.
    let alerts = world.store.alerts(true, 10).await.unwrap();
    assert_eq!(
        (alerts.len(), &*alerts[0].subject, alerts[0].times),
        (1, "won", 6)
    );
    world.store.close().await;
    let (status, _) = world.send("POST", PATH, &headers, BODY).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}
