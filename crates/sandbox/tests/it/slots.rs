//! Free slots: opening hours, less bookings and blocks, in the time zone asked for.

use canopy_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::harness::{World, start};

/// Friday the 6th of November 2026, in winter time.
async fn friday() -> World {
    let builder = Sandbox::builder()
        .seed(7)
        .start_at("2026-11-06T12:00:00Z".parse().unwrap());
    start(builder).await
}

/// A calendar for Mondays from nine to eleven, an hour at a time, of one user.
async fn mondays(world: &World) -> String {
    let order = json!({
        "locationId": world.info().location_id, "name": "Mondays", "slotDuration": 1, "slotDurationUnit": "hours",
        "slotInterval": 1, "slotIntervalUnit": "hours",
        "teamMembers": [{ "userId": world.first("users").await["id"] }],
        "openHours": [{ "daysOfTheWeek": [1], "hours": [
            { "openHour": 9, "openMinute": 0, "closeHour": 11, "closeMinute": 0 },
        ] }],
    });
    let made = world.call("POST", "/calendars/", order).await.expect(200);
    made["calendar"]["id"].as_str().unwrap().to_owned()
}

async fn slots(world: &World, calendar: &str, query: &str) -> Value {
    let (from, to) = world.next_days(7).await;
    let path = format!("/calendars/{calendar}/free-slots?startDate={from}&endDate={to}{query}");
    let mut days = world.get(&path).await.expect(200);
    days.as_object_mut().unwrap().remove("traceId");
    days
}

async fn book(world: &World, calendar: &str, members: Value) -> crate::harness::Reply {
    let mut order = json!({ "locationId": world.info().location_id, "calendarId": calendar });
    for (name, value) in members.as_object().unwrap() {
        order[name] = value.clone();
    }
    world
        .call("POST", "/calendars/events/appointments", order)
        .await
}

const NINE: &str = "2026-11-09T09:00:00-08:00";
const TEN: &str = "2026-11-09T10:00:00-08:00";

#[tokio::test]
async fn slots_are_told_by_day_in_the_zone_asked_for() {
    let world = friday().await;
    let id = mondays(&world).await;
    assert_eq!(
        slots(&world, &id, "").await,
        json!({ "2026-11-09": { "slots": [NINE, TEN] } })
    );
    assert_eq!(
        slots(&world, &id, "&timezone=Asia%2FTokyo").await,
        json!({ "2026-11-10": { "slots": ["2026-11-10T02:00:00+09:00", "2026-11-10T03:00:00+09:00"] } })
    );
    let (from, to) = world.next_days(32).await;
    let path = format!("/calendars/{id}/free-slots");
    world
        .get(&format!("{path}?startDate={from}&endDate={to}"))
        .await
        .expect(400);
    world
        .get(&format!("{path}?startDate={from}"))
        .await
        .expect(422);
    let wrong = format!("{path}?startDate={from}&endDate={from}&timezone=Mars");
    world.get(&wrong).await.expect(422);
    let missing = format!("/calendars/none/free-slots?startDate={from}&endDate={from}");
    world.get(&missing).await.expect(404);
}

#[tokio::test]
async fn a_booking_takes_its_slot_until_it_moves_is_cancelled_or_goes() {
    let world = friday().await;
    let id = mondays(&world).await;
    let contact = world
        .contact(json!({ "firstName": "Ada", "email": "a@example.com" }))
        .await;
    let only = |slot: &str| json!({ "2026-11-09": { "slots": [slot] } });
    let at = |start: &str| json!({ "contactId": contact, "startTime": start });

    let made = book(&world, &id, at(NINE)).await.expect(200);
    assert_eq!(
        (&made["endTime"], &made["appointmentStatus"]),
        (&json!(TEN), &json!("confirmed"))
    );
    assert_eq!(made["assignedUserId"], world.first("users").await["id"]);
    assert_eq!(slots(&world, &id, "").await, only(TEN));
    book(&world, &id, at(NINE)).await.expect(400);
    book(&world, &id, at("2026-11-09T09:30:00-08:00"))
        .await
        .expect(400);

    let own = format!(
        "/calendars/events/appointments/{}",
        made["id"].as_str().unwrap()
    );
    let later = json!({ "startTime": TEN });
    let moved = world.call("PUT", &own, later).await.expect(200);
    assert_eq!(moved["endTime"], "2026-11-09T11:00:00-08:00");
    assert_eq!(slots(&world, &id, "").await, only(NINE));
    let cancelled = json!({ "appointmentStatus": "cancelled" });
    world.call("PUT", &own, cancelled).await.expect(200);
    assert_eq!(
        slots(&world, &id, "").await["2026-11-09"]["slots"],
        json!([NINE, TEN])
    );

    let instead = book(&world, &id, at(TEN)).await.expect(200);
    let again = json!({ "appointmentStatus": "confirmed" });
    world.call("PUT", &own, again.clone()).await.expect(400);
    let event = format!("/calendars/events/{}", instead["id"].as_str().unwrap());
    world.call("DELETE", &event, Value::Null).await.expect(201);
    world.call("PUT", &own, again).await.expect(200);

    let forced = json!({ "contactId": contact, "startTime": "2026-11-08T03:00:00Z", "ignoreFreeSlotValidation": true });
    let forced = book(&world, &id, forced).await.expect(200);
    let event = format!("/calendars/events/{}", forced["id"].as_str().unwrap());
    world.call("DELETE", &event, Value::Null).await.expect(201);
    world.call("DELETE", &event, Value::Null).await.expect(404);
    let nobody = json!({ "contactId": "nobody", "startTime": NINE });
    book(&world, &id, nobody).await.expect(400);
    let of_contact = world
        .get(&format!("/contacts/{contact}/appointments"))
        .await
        .expect(200);
    assert_eq!(of_contact["events"][0]["startTime"], "2026-11-09 10:00:00");
    assert_eq!(of_contact["events"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn blocks_of_a_calendar_and_of_its_user_close_slots() {
    let world = friday().await;
    let id = mondays(&world).await;
    let user = world.first("users").await["id"].clone();
    let location = world.info().location_id.clone();
    let path = "/calendars/events/block-slots";
    let block = json!({ "locationId": location, "calendarId": id, "title": "Storm", "startTime": NINE, "endTime": TEN });
    let made = world.call("POST", path, block.clone()).await.expect(201);
    assert_eq!(
        slots(&world, &id, "").await["2026-11-09"]["slots"],
        json!([TEN])
    );
    let own = format!("{path}/{}", made["id"].as_str().unwrap());
    let mut longer = block.clone();
    longer["endTime"] = json!("2026-11-09T10:30:00-08:00");
    world.call("PUT", &own, longer).await.expect(201);
    assert_eq!(slots(&world, &id, "").await, json!({}));

    let (from, to) = world.next_days(7).await;
    let range = format!("locationId={location}&startTime={from}&endTime={to}");
    let within = async |what: &str, query: &str| {
        let path = format!("/calendars/{what}?{range}{query}");
        world.get(&path).await.expect(200)["events"]
            .as_array()
            .unwrap()
            .len()
    };
    let by_calendar = format!("&calendarId={id}");
    assert_eq!(within("blocked-slots", &by_calendar).await, 1);
    assert_eq!(within("events", &by_calendar).await, 0);
    world
        .get(&format!("/calendars/events?{range}"))
        .await
        .expect(422);
    let event = format!("/calendars/events/{}", made["id"].as_str().unwrap());
    world.call("DELETE", &event, Value::Null).await.expect(201);
    assert_eq!(
        slots(&world, &id, "").await["2026-11-09"]["slots"],
        json!([NINE, TEN])
    );

    // A block on the user's other calendar takes the user's time here too.
    let other = world.first("calendars").await["id"].clone();
    let away = json!({ "locationId": location, "calendarId": other, "assignedUserId": user, "startTime": TEN,
        "endTime": "2026-11-09T12:00:00-08:00" });
    world.call("POST", path, away).await.expect(201);
    assert_eq!(
        slots(&world, &id, "").await["2026-11-09"]["slots"],
        json!([NINE])
    );
    let backwards =
        json!({ "locationId": location, "calendarId": id, "startTime": TEN, "endTime": NINE });
    world.call("POST", path, backwards).await.expect(422);
}

#[tokio::test]
async fn appointments_have_notes_and_are_booked_by_hand_too() {
    let world = friday().await;
    let id = mondays(&world).await;
    let contact = world.contact(json!({ "email": "a@example.com" })).await;
    let order = json!({ "calendarId": id, "contactId": contact, "startTime": NINE });
    let made = world.control("POST", "/appointments", order).await;
    let appointment = made["id"].as_str().unwrap();
    let read = world
        .get(&format!("/calendars/events/appointments/{appointment}"))
        .await
        .expect(200);
    assert_eq!(read["event"]["startTime"], NINE);
    let notes = format!("/calendars/appointments/{appointment}/notes");
    for body in ["one", "two", "three"] {
        world
            .call("POST", &notes, json!({ "body": body }))
            .await
            .expect(201);
    }
    let page = world
        .get(&format!("{notes}?limit=2&offset=0"))
        .await
        .expect(200);
    let bodies = |page: &Value| {
        [
            page["notes"][0]["body"].clone(),
            page["notes"][1]["body"].clone(),
        ]
    };
    assert_eq!(
        (bodies(&page), &page["hasMore"]),
        ([json!("three"), json!("two")], &json!(true))
    );
    let rest = world
        .get(&format!("{notes}?limit=2&offset=2"))
        .await
        .expect(200);
    assert_eq!(
        (&rest["notes"][0]["body"], &rest["hasMore"]),
        (&json!("one"), &json!(false))
    );
    let own = format!("{notes}/{}", rest["notes"][0]["id"].as_str().unwrap());
    let changed = world
        .call("PUT", &own, json!({ "body": "first" }))
        .await
        .expect(200);
    assert_eq!(changed["note"]["contactId"], json!(contact));
    world.call("DELETE", &own, Value::Null).await.expect(200);
    world.call("DELETE", &own, Value::Null).await.expect(404);
    world
        .control(
            "DELETE",
            &format!("/appointments/{appointment}"),
            Value::Null,
        )
        .await;
    world
        .get(&format!("{notes}?limit=2&offset=0"))
        .await
        .expect(404);
    assert_eq!(
        world.kinds(&made["id"]).await,
        ["appointment.created", "appointment.deleted"]
    );
}
