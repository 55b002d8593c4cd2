//! Calendars, groups, resources, notifications: made, listed, changed, gone.

use serde_json::{Value, json};

use crate::harness::{World, settled};

async fn calendar(world: &World, members: Value) -> Value {
    let mut body = members;
    body["locationId"] = json!(world.info().location_id);
    world.call("POST", "/calendars/", body).await.expect(200)["calendar"].clone()
}

fn path(calendar: &Value) -> String {
    format!("/calendars/{}", calendar["id"].as_str().unwrap())
}

async fn listed(world: &World, query: &str) -> Vec<Value> {
    let location = &world.info().location_id;
    let list = world
        .get(&format!("/calendars/?locationId={location}{query}"))
        .await;
    let list = list.expect(200);
    let names = list["calendars"].as_array().unwrap().iter();
    names.map(|calendar| calendar["name"].clone()).collect()
}

#[tokio::test]
async fn a_calendar_is_made_listed_changed_and_deleted() {
    let world = settled().await;
    let made = calendar(&world, json!({ "name": "Tours", "slug": "tours" })).await;
    assert_eq!(made["slotDuration"], 30, "what is left out has a default");
    assert_eq!(listed(&world, "").await, ["Planting days", "Tours"]);
    let off = json!({ "name": "Walks", "isActive": false });
    world.call("PUT", &path(&made), off).await.expect(200);
    let read = world.get(&path(&made)).await.expect(200);
    assert_eq!(read["calendar"]["name"], "Walks");
    assert_eq!(
        listed(&world, "&showDrafted=false").await,
        ["Planting days"]
    );
    let taken = json!({ "locationId": world.info().location_id, "name": "x", "slug": "tours" });
    world.call("POST", "/calendars/", taken).await.expect(400);
    let wrong = json!({ "colour": "green" });
    world.call("PUT", &path(&made), wrong).await.expect(422);
    world
        .call("DELETE", &path(&made), Value::Null)
        .await
        .expect(200);
    world.get(&path(&made)).await.expect(404);
    assert_eq!(listed(&world, "").await, ["Planting days"]);
    assert_eq!(
        world.kinds(&made["id"]).await,
        ["calendar.created", "calendar.updated", "calendar.deleted"]
    );
}

#[tokio::test]
async fn groups_hold_calendars_and_guard_their_slugs() {
    let world = settled().await;
    let location = world.info().location_id.clone();
    let order =
        json!({ "locationId": location, "name": "Outdoors", "description": "", "slug": "out" });
    let is_free = async |slug: &str| {
        let body = json!({ "locationId": location, "slug": slug });
        let path = "/calendars/groups/validate-slug";
        world.call("POST", path, body).await.expect(200)["available"].clone()
    };
    assert_eq!(is_free("out").await, true);
    let made = world
        .call("POST", "/calendars/groups", order.clone())
        .await
        .expect(201);
    let id = made["group"]["id"].as_str().unwrap();
    assert_eq!(is_free("out").await, false);
    world
        .call("POST", "/calendars/groups", order)
        .await
        .expect(400);

    let member = calendar(&world, json!({ "name": "Tours", "groupId": id })).await;
    assert_eq!(listed(&world, &format!("&groupId={id}")).await, ["Tours"]);
    let status = format!("/calendars/groups/{id}/status");
    let off = json!({ "isActive": false });
    world.call("PUT", &status, off).await.expect(200);
    let groups = world
        .get(&format!("/calendars/groups?locationId={location}"))
        .await
        .expect(200);
    assert_eq!(groups["groups"][0]["isActive"], false);
    let own = format!("/calendars/groups/{id}");
    world.call("DELETE", &own, Value::Null).await.expect(200);
    world.call("DELETE", &own, Value::Null).await.expect(404);
    assert_eq!(is_free("out").await, true);
    let member = world.get(&path(&member)).await.expect(200);
    assert!(
        member["calendar"].get("groupId").is_none(),
        "it stays, in no group"
    );
}

#[tokio::test]
async fn rooms_and_equipment_are_told_apart() {
    let world = settled().await;
    let location = world.info().location_id.clone();
    let order = json!({ "locationId": location, "name": "Hut", "description": "", "quantity": 1, "outOfService": 0,
        "capacity": 8, "calendarIds": [world.first("calendars").await["id"]] });
    let rooms = "/calendars/resources/rooms";
    let made = world.call("POST", rooms, order.clone()).await.expect(201);
    let id = made["_id"].as_str().unwrap();
    world.get(&format!("{rooms}/{id}")).await.expect(200);
    world
        .get(&format!("/calendars/resources/equipments/{id}"))
        .await
        .expect(404);
    world.get("/calendars/resources/cars/x").await.expect(422);
    let list = async |kind: &str, skip: usize| {
        let path =
            format!("/calendars/resources/{kind}?locationId={location}&limit=10&skip={skip}");
        world.get(&path).await.expect(200).as_array().unwrap().len()
    };
    assert_eq!((list("rooms", 0).await, list("rooms", 1).await), (1, 0));
    assert_eq!(list("equipments", 0).await, 0);
    let mut wrong = order;
    wrong["calendarIds"] = json!(["none"]);
    world.call("POST", rooms, wrong).await.expect(400);
    let own = format!("{rooms}/{id}");
    let more = json!({ "capacity": 12 });
    let changed = world.call("PUT", &own, more).await.expect(200);
    assert_eq!(changed["capacity"], 12);
    world.call("DELETE", &own, Value::Null).await.expect(200);
    world.get(&own).await.expect(404);
}

#[tokio::test]
async fn notifications_belong_to_a_calendar() {
    let world = settled().await;
    let calendar = calendar(&world, json!({ "name": "Tours" })).await;
    let all = format!("{}/notifications", path(&calendar));
    let order = |channel: &str| json!({ "receiverType": "contact", "channel": channel, "notificationType": "reminder" });
    let made = json!([order("email"), order("sms")]);
    let made = world.call("POST", &all, made).await.expect(200);
    let id = made[1]["_id"].as_str().unwrap();
    let own = format!("{all}/{id}");
    let off = json!({ "isActive": false });
    world.call("PUT", &own, off).await.expect(200);
    let active = world.get(&format!("{all}?isActive=true")).await.expect(200);
    assert_eq!(active, json!([made[0]]));
    let other = world.first("calendars").await;
    world
        .get(&format!("{}/notifications/{id}", path(&other)))
        .await
        .expect(404);
    world.call("POST", &all, json!({})).await.expect(422);
    world.call("DELETE", &own, Value::Null).await.expect(200);
    world.get(&own).await.expect(404);
    assert_eq!(world.get(&all).await.expect(200), json!([made[0]]));
}
