//! Contacts and what hangs on them.

use serde_json::json;

use crate::harness::settled;

#[tokio::test]
async fn a_contact_is_created_read_changed_and_deleted() {
    let world = settled().await;
    let id = world
        .contact(json!({ "firstName": "Ada", "lastName": "Berg", "email": "Ada@Example.com" }))
        .await;

    let read = world.get(&format!("/contacts/{id}")).await.expect(200);
    assert_eq!(read["contact"]["name"], "Ada Berg");
    assert_eq!(read["contact"]["emailLowerCase"], "ada@example.com");
    assert!(
        read["traceId"]
            .as_str()
            .is_some_and(|trace| !trace.is_empty())
    );

    let path = format!("/contacts/{id}");
    let changed = world
        .call("PUT", &path, json!({ "city": "Leeds", "email": null }))
        .await
        .expect(200);
    assert_eq!(changed["succeded"], true);
    assert_eq!(changed["contact"]["city"], "Leeds");
    assert!(changed["contact"].get("email").is_none());

    world.call("DELETE", &path, json!(null)).await.expect(200);
    let gone = world.get(&path).await.expect(404);
    assert_eq!(gone["statusCode"], 404);
}
