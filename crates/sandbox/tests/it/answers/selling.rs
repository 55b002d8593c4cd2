//! Opportunities, businesses, workflows and campaigns, associations.

use serde_json::json;

use crate::described::Described;
use crate::harness::World;

pub async fn answers(world: &World, described: &mut Described) {
    let contact = world.contact(json!({ "email": "buyer@example.com" })).await;
    opportunities(world, described, &contact).await;
    businesses(world, described, &contact).await;
    automations(world, described, &contact).await;
    associations(world, described, &contact).await;
}

async fn opportunities(world: &World, described: &mut Described, contact: &str) {
    let location = world.info().location_id.clone();
    let pipelines = format!("/opportunities/pipelines?locationId={location}");
    let pipelines = described.get(world, &pipelines).await;
    let pipeline = pipelines["pipelines"][0]["id"].clone();
    let order = json!({ "locationId": location, "pipelineId": pipeline, "name": "Hedge", "status": "open",
        "contactId": contact, "monetaryValue": 220.5, "assignedTo": world.first("users").await["id"] });
    let made = described
        .call(world, "POST", "/opportunities/", order)
        .await;
    let id = made["opportunity"]["id"].clone();
    let own = format!("/opportunities/{}", id.as_str().unwrap());
    described.get(world, &own).await;
    described
        .call(world, "PUT", &own, json!({ "name": "Long hedge" }))
        .await;
    let won = json!({ "status": "won" });
    described
        .call(world, "PUT", &format!("{own}/status"), won)
        .await;
    let upsert = json!({ "id": id, "locationId": location, "pipelineId": pipeline, "followers": ["f"],
        "isRemoveAllFollowers": false, "followersActionType": "add" });
    described
        .call(world, "POST", "/opportunities/upsert", upsert)
        .await;
    let followers = json!({ "followers": ["f", "g"] });
    let path = format!("{own}/followers");
    described
        .call(world, "POST", &path, followers.clone())
        .await;
    described.call(world, "DELETE", &path, followers).await;
    world
        .call(
            "POST",
            &format!("/contacts/{contact}/notes"),
            json!({ "body": "n" }),
        )
        .await
        .expect(201);
    let search = format!("/opportunities/search?location_id={location}&getNotes=true");
    described.get(world, &search).await;
    described.delete(world, &own).await;
}

async fn businesses(world: &World, described: &mut Described, contact: &str) {
    let location = world.info().location_id.clone();
    let business = json!({ "locationId": location, "name": "Acme", "city": "Leeds" });
    let made = described
        .call(world, "POST", "/businesses/", business)
        .await;
    let id = made["buiseness"]["id"].as_str().unwrap();
    let own = format!("/businesses/{id}");
    described
        .get(world, &format!("/businesses/?locationId={location}"))
        .await;
    described.get(world, &own).await;
    described
        .call(world, "PUT", &own, json!({ "city": "York" }))
        .await;
    let members = json!({ "locationId": location, "ids": [contact], "businessId": id });
    described
        .call(world, "POST", "/contacts/bulk/business", members)
        .await;
    let listed = format!("/contacts/business/{id}?locationId={location}");
    described.get(world, &listed).await;
    described.delete(world, &own).await;
}

async fn automations(world: &World, described: &mut Described, contact: &str) {
    let here = format!("?locationId={}", world.info().location_id);
    let workflows = described.get(world, &format!("/workflows/{here}")).await;
    let workflow = workflows["workflows"][0]["id"].as_str().unwrap();
    let path = format!("/contacts/{contact}/workflow/{workflow}");
    described.call(world, "POST", &path, json!({})).await;
    described.call(world, "DELETE", &path, json!({})).await;
    let campaigns = described.get(world, &format!("/campaigns/{here}")).await;
    let campaign = campaigns["campaigns"][0]["id"].as_str().unwrap();
    let path = format!("/contacts/{contact}/campaigns/{campaign}");
    described.call(world, "POST", &path, json!({})).await;
    described.delete(world, &path).await;
    let all = format!("/contacts/{contact}/campaigns/removeAll");
    described.delete(world, &all).await;
}

async fn associations(world: &World, described: &mut Described, contact: &str) {
    let location = world.info().location_id.clone();
    let here = format!("?locationId={location}");
    let order = json!({ "locationId": location, "key": "owner_tree", "firstObjectLabel": "Owner",
        "firstObjectKey": "contact", "secondObjectLabel": "Tree", "secondObjectKey": "custom_objects.tree" });
    let made = described.call(world, "POST", "/associations/", order).await;
    let id = made["id"].as_str().unwrap();
    let own = format!("/associations/{id}");
    let list = format!("/associations/{here}&skip=0&limit=10");
    described.get(world, &list).await;
    described.get(world, &own).await;
    let key = format!("/associations/key/owner_tree{here}");
    described.get(world, &key).await;
    let object = format!("/associations/objectKey/contact{here}");
    described.get(world, &object).await;
    let labels = json!({ "firstObjectLabel": "Keeper", "secondObjectLabel": "Tree" });
    described.call(world, "PUT", &own, labels).await;
    let relation = json!({ "locationId": location, "associationId": id, "firstRecordId": contact, "secondRecordId": "oak" });
    let made = described
        .call(world, "POST", "/associations/relations", relation)
        .await;
    let of_record = format!("/associations/relations/{contact}{here}&skip=0&limit=10");
    described.get(world, &of_record).await;
    let relation = format!(
        "/associations/relations/{}{here}",
        made["id"].as_str().unwrap()
    );
    described.delete(world, &relation).await;
    described.delete(world, &own).await;
}
