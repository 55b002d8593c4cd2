//! Associations and relations.

use serde_json::{Value, json};

use crate::harness::{Receiver, settled};

#[tokio::test]
async fn records_are_related_and_let_go_with_their_association() {
    let world = settled().await;
    let hooks = Receiver::start(Vec::new()).await;
    let location = world.info().location_id.clone();
    let here = format!("?locationId={location}");
    let ada = world.contact(json!({ "email": "a@example.com" })).await;
    let target = json!({ "url": hooks.url });
    world.control("POST", "/webhook-target", target).await;
    let order = json!({ "locationId": location, "key": "owner_tree", "firstObjectLabel": "Owner",
        "firstObjectKey": "contact", "secondObjectLabel": "Tree", "secondObjectKey": "custom_objects.tree" });
    let mut made = world
        .call("POST", "/associations/", order.clone())
        .await
        .expect(201);
    world
        .call("POST", "/associations/", order)
        .await
        .expect(400);
    let id = made["id"].as_str().unwrap().to_owned();
    made.as_object_mut().unwrap().remove("traceId");
    for path in [
        format!("/associations/{id}"),
        format!("/associations/key/owner_tree{here}"),
        format!("/associations/objectKey/custom_objects.tree{here}"),
    ] {
        let mut read = world.get(&path).await.expect(200);
        read.as_object_mut().unwrap().remove("traceId");
        assert_eq!(read, made, "{path}");
    }
    let list = format!("/associations/{here}&skip=0&limit=5");
    assert_eq!(
        world.get(&list).await.expect(200)["associations"],
        json!([made])
    );
    world
        .get(&format!("/associations/key/none{here}"))
        .await
        .expect(404);

    let relate = async |first: &str, second: &str| {
        let body = json!({ "locationId": location, "associationId": id, "firstRecordId": first, "secondRecordId": second });
        world.call("POST", "/associations/relations", body).await
    };
    relate("nobody", "oak").await.expect(400);
    let oak = relate(&ada, "oak").await.expect(201);
    relate(&ada, "oak").await.expect(400);
    relate(&ada, "elm").await.expect(201);
    let of = async |record: &str, query: &str| {
        let path = format!("/associations/relations/{record}{here}&skip=0&limit=5{query}");
        world.get(&path).await.expect(200)["total"].clone()
    };
    assert_eq!(
        (of(&ada, "").await, of("elm", "").await),
        (json!(2), json!(1))
    );
    assert_eq!(of(&ada, "&associationIds=other").await, 0);
    let own = format!(
        "/associations/relations/{}{here}",
        oak["id"].as_str().unwrap()
    );
    world.call("DELETE", &own, Value::Null).await.expect(200);
    world.call("DELETE", &own, Value::Null).await.expect(404);
    assert_eq!(of(&ada, "").await, 1);
    let labels = json!({ "firstObjectLabel": "Keeper", "secondObjectLabel": "Tree" });
    let own = format!("/associations/{id}");
    let changed = world.call("PUT", &own, labels).await.expect(200);
    assert_eq!(changed["firstObjectLabel"], "Keeper");
    world.call("DELETE", &own, Value::Null).await.expect(200);
    world.get(&own).await.expect(404);
    assert_eq!(of(&ada, "").await, 0);
    assert_eq!(
        world.told().await,
        [
            "AssociationCreate",
            "RelationCreate",
            "RelationCreate",
            "RelationDelete",
            "AssociationUpdate",
            "RelationDelete",
            "AssociationDelete",
        ]
    );
    assert_eq!(hooks.wait_for(7).await[1].body["secondRecordId"], "oak");
}
