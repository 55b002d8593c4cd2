//! Businesses and their contacts; workflows and campaigns.

use serde_json::{Value, json};

use crate::harness::settled;

#[tokio::test]
async fn a_business_is_made_listed_changed_and_deleted() {
    let world = settled().await;
    let location = world.info().location_id.clone();
    let list = format!("/businesses/?locationId={location}");
    let mut made = Vec::new();
    for name in ["Acme", "Bark"] {
        let order = json!({ "locationId": location, "name": name });
        let answer = world.call("POST", "/businesses/", order).await.expect(201);
        made.push(answer["buiseness"].clone());
    }
    let own = format!("/businesses/{}", made[0]["id"].as_str().unwrap());
    let city = json!({ "city": "Leeds" });
    let changed = world.call("PUT", &own, city).await.expect(200);
    assert_eq!(changed["buiseness"]["city"], "Leeds");
    assert_eq!(
        world.get(&own).await.expect(200)["business"],
        changed["buiseness"]
    );
    let page = world
        .get(&format!("{list}&limit=1&skip=1"))
        .await
        .expect(200);
    assert_eq!(page["businesses"], json!([made[1]]));
    world.call("DELETE", &own, Value::Null).await.expect(200);
    world.get(&own).await.expect(404);
    assert_eq!(
        world.get(&list).await.expect(200)["businesses"],
        json!([made[1]])
    );
}

#[tokio::test]
async fn contacts_join_a_business_and_are_let_go_with_it() {
    let world = settled().await;
    let location = world.info().location_id.clone();
    let id = world.contact(json!({ "email": "b@example.com" })).await;
    let order = json!({ "locationId": location, "name": "Acme" });
    let made = world.call("POST", "/businesses/", order).await.expect(201);
    let business = made["buiseness"]["id"].as_str().unwrap();
    let join = async |business: Value| {
        let body = json!({ "locationId": location, "ids": [id], "businessId": business });
        world.call("POST", "/contacts/bulk/business", body).await
    };
    join(json!("none")).await.expect(400);
    assert_eq!(join(json!(business)).await.expect(200)["ids"], json!([id]));
    let listed = format!("/contacts/business/{business}?locationId={location}");
    let members = world.get(&listed).await.expect(200);
    assert_eq!(
        (&members["count"], &members["contacts"][0]["id"]),
        (&json!(1), &json!(id))
    );
    join(Value::Null).await.expect(200);
    assert_eq!(world.get(&listed).await.expect(200)["count"], 0);
    join(json!(business)).await.expect(200);
    let own = format!("/businesses/{business}");
    world.call("DELETE", &own, Value::Null).await.expect(200);
    let contact = world.get(&format!("/contacts/{id}")).await.expect(200);
    assert!(contact["contact"].get("businessId").is_none(), "{contact}");
}

#[tokio::test]
async fn workflows_and_campaigns_are_listed_and_take_contacts() {
    let world = settled().await;
    let location = world.info().location_id.clone();
    let workflows = world
        .get(&format!("/workflows/?locationId={location}"))
        .await
        .expect(200);
    let workflow = workflows["workflows"][0]["id"].as_str().unwrap();
    let drafts = world
        .get(&format!("/campaigns/?locationId={location}&status=draft"))
        .await;
    assert_eq!(drafts.expect(200)["campaigns"], json!([]));
    let id = world.contact(json!({ "email": "w@example.com" })).await;
    let path = format!("/contacts/{id}/workflow/{workflow}");
    let body = json!({ "eventStartTime": "2026-12-01T10:00:00+00:00" });
    world.call("POST", &path, body).await.expect(200);
    world.call("DELETE", &path, Value::Null).await.expect(200);
    let kinds = world.kinds(&json!(id)).await;
    assert_eq!(
        kinds,
        ["contact.created", "contact.updated", "contact.updated"]
    );
}
