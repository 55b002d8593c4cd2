//! Calendars and what is in them.

use serde_json::json;

use crate::described::Described;
use crate::harness::World;

pub async fn answers(world: &World, described: &mut Described) {
    let location = world.info().location_id.clone();
    let here = format!("?locationId={location}");
    groups(world, described).await;
    let calendar = json!({ "locationId": location, "name": "Tours", "slotDuration": 60, "slotDurationUnit": "mins" });
    let made = described.call(world, "POST", "/calendars/", calendar).await;
    let id = made["calendar"]["id"].as_str().unwrap().to_owned();
    let calendar = format!("/calendars/{id}");
    described.get(world, &format!("/calendars/{here}")).await;
    described.get(world, &calendar).await;
    let name = json!({ "name": "Forest tours" });
    described.call(world, "PUT", &calendar, name).await;
    let (from, to) = world.next_days(14).await;
    let slots = format!("{calendar}/free-slots?startDate={from}&endDate={to}&timezone=UTC");
    let slots = described.get(world, &slots).await;
    let mut days = slots.as_object().unwrap().values();
    let start = days.find_map(|day| day["slots"][0].as_str()).unwrap();
    events(world, described, &id, start).await;
    notifications(world, described, &calendar).await;
    resources(world, described).await;
    described.delete(world, &calendar).await;
}

async fn groups(world: &World, described: &mut Described) {
    let location = &world.info().location_id;
    let group = json!({ "locationId": location, "name": "Outdoors", "description": "d", "slug": "outdoors" });
    let slug = json!({ "locationId": location, "slug": "outdoors" });
    described
        .call(world, "POST", "/calendars/groups/validate-slug", slug)
        .await;
    let made = described
        .call(world, "POST", "/calendars/groups", group.clone())
        .await;
    described
        .get(world, &format!("/calendars/groups?locationId={location}"))
        .await;
    let group = format!(
        "/calendars/groups/{}",
        made["group"]["id"].as_str().unwrap()
    );
    let update = json!({ "name": "Outside", "description": "d", "slug": "outside" });
    described.call(world, "PUT", &group, update).await;
    let off = json!({ "isActive": false });
    described
        .call(world, "PUT", &format!("{group}/status"), off)
        .await;
    described.delete(world, &group).await;
}

async fn events(world: &World, described: &mut Described, calendar: &str, start: &str) {
    let location = world.info().location_id.clone();
    let contact = world.contact(json!({ "email": "book@example.com" })).await;
    let order = json!({ "locationId": location, "calendarId": calendar, "contactId": contact, "startTime": start });
    let path = "/calendars/events/appointments";
    let made = described.call(world, "POST", path, order).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let appointment = format!("{path}/{id}");
    described.get(world, &appointment).await;
    described
        .call(world, "PUT", &appointment, json!({ "title": "Tour" }))
        .await;
    let (from, to) = world.next_days(14).await;
    let range =
        format!("?locationId={location}&calendarId={calendar}&startTime={from}&endTime={to}");
    described
        .get(world, &format!("/calendars/events{range}"))
        .await;
    described
        .get(world, &format!("/contacts/{contact}/appointments"))
        .await;

    let path = "/calendars/events/block-slots";
    let block = json!({ "locationId": location, "calendarId": calendar, "title": "Away",
        "startTime": "2027-03-01T09:00:00Z", "endTime": "2027-03-01T10:00:00Z" });
    let made = described.call(world, "POST", path, block.clone()).await;
    let own = format!("{path}/{}", made["id"].as_str().unwrap());
    described.call(world, "PUT", &own, block).await;
    described
        .get(world, &format!("/calendars/blocked-slots{range}"))
        .await;

    let notes = format!("/calendars/appointments/{id}/notes");
    let note = json!({ "body": "bring boots", "userId": world.first("users").await["id"] });
    let made = described.call(world, "POST", &notes, note.clone()).await;
    let own = format!("{notes}/{}", made["note"]["id"].as_str().unwrap());
    described
        .get(world, &format!("{notes}?limit=10&offset=0"))
        .await;
    described.call(world, "PUT", &own, note).await;
    described.delete(world, &own).await;
    described
        .delete(world, &format!("/calendars/events/{id}"))
        .await;
}

async fn notifications(world: &World, described: &mut Described, calendar: &str) {
    let path = format!("{calendar}/notifications");
    let order =
        json!([{ "receiverType": "contact", "channel": "email", "notificationType": "booked" }]);
    let made = described.call(world, "POST", &path, order).await;
    let own = format!("{path}/{}", made[0]["_id"].as_str().unwrap());
    described.get(world, &path).await;
    described.get(world, &own).await;
    let subject = json!({ "subject": "Booked" });
    described.call(world, "PUT", &own, subject).await;
    described.delete(world, &own).await;
}

async fn resources(world: &World, described: &mut Described) {
    let location = &world.info().location_id;
    let path = "/calendars/resources/rooms";
    let room = json!({ "locationId": location, "name": "Hut", "description": "", "quantity": 1,
        "outOfService": 0, "capacity": 8, "calendarIds": [] });
    let made = described.call(world, "POST", path, room).await;
    let own = format!("{path}/{}", made["_id"].as_str().unwrap());
    described
        .get(
            world,
            &format!("{path}?locationId={location}&limit=5&skip=0"),
        )
        .await;
    described.get(world, &own).await;
    described
        .call(world, "PUT", &own, json!({ "capacity": 9 }))
        .await;
    described.delete(world, &own).await;
}
