//! Webhooks that come late, or under another event's `type`.

use canopy_store::clock::Clock as _;
use canopy_store::{EventState, Store as _};
use jiff::SignedDuration;
use serde_json::json;

use super::{Told, kinds, text};

#[tokio::test]
async fn a_late_webhook_waits_for_a_person() {
    let told = Told::new(&["contact.created", "contact.updated"]).await;
    let contact = told.contact().await;
    let made = told.world.clock.now();
    let body = |id: &str, name: &str| {
        json!({ "type": name, "locationId": told.world.location, "id": contact, "webhookId": id,
            "timestamp": made.to_string() })
        .to_string()
    };
    // In time, however long it has to wait here then.
    told.deliver(&body("in time", "ContactCreate")).await;
    told.world.wait(SignedDuration::from_hours(25));
    told.drain().await;
    assert_eq!(told.started().await.len(), 1);

    told.deliver(&body("late", "ContactUpdate")).await;
    told.drain().await;
    let row = told.rows().await.pop().unwrap();
    assert_eq!(row.state, EventState::Held);
    assert!(row.error.unwrap().contains("canopy approve"));
    let alerts = told.world.store.alerts(true, 9).await.unwrap();
    let about: Vec<_> = alerts
        .iter()
        .map(|alert| (&*alert.kind, &*alert.subject))
        .collect();
    assert_eq!(about, [("approval", "contact.updated")]);
    let now = told.world.clock.now();
    assert!(
        told.world
            .store
            .approve_event(row.event.id, now)
            .await
            .unwrap()
    );
    told.drain().await;
    let expected = ["contact.created", "contact.updated"];
    assert_eq!(kinds(&told.started().await, &contact), expected);
    // Sent again, it is neither held again nor run again.
    told.deliver(&body("late", "ContactUpdate")).await;
    told.drain().await;
    assert_eq!(told.started().await.len(), 2);
    assert_eq!(told.rows().await.len(), 2);
}

#[tokio::test]
async fn an_appointment_under_the_type_of_a_new_one_is_what_reading_it_tells() {
    let told = Told::new(&[
        "appointment.created",
        "appointment.updated",
        "appointment.deleted",
    ])
    .await;
    let contact = told.contact().await;
    let calendar = json!({ "locationId": told.world.location, "name": "Cellar" });
    let calendar = told.call("create-calendar", calendar).await["calendar"]["id"].clone();
    let visit = json!({ "calendarId": calendar, "locationId": told.world.location, "contactId": contact,
        "startTime": "2100-02-01T10:00:00Z", "title": "Ada", "ignoreFreeSlotValidation": true });
    let made = told.world.control("/appointments", visit).await;
    let id = text(&made["id"]);
    let mut number = 0;
    let mut deliver = async || {
        number += 1;
        let body = json!({ "type": "AppointmentCreate", "locationId": told.world.location, "webhookId": format!("w{number}"),
            "appointment": { "id": id, "contactId": contact } });
        told.deliver(&body.to_string()).await;
        told.drain().await;
    };
    for _ in 0..2 {
        deliver().await;
    }
    assert_eq!(kinds(&told.started().await, &id), ["appointment.created"]);
    told.world.wait(SignedDuration::from_mins(1));
    let now = told.world.clock.now().to_string();
    told.world
        .control("/clock", json!({ "set": now, "frozen": true }))
        .await;
    told.world
        .control(
            &format!("/appointments/{id}"),
            json!({ "title": "Ada and Grace" }),
        )
        .await;
    for _ in 0..2 {
        deliver().await;
    }
    let expected = ["appointment.created", "appointment.updated"];
    assert_eq!(kinds(&told.started().await, &id), expected);
    told.call("delete-calendar-event", json!({ "eventId": id }))
        .await;
    deliver().await;
    // Something that is not there is looked for some times before it counts as gone.
    for _ in 0..8 {
        told.world.wait(SignedDuration::from_hours(1));
        told.drain().await;
    }
    let expected = [
        "appointment.created",
        "appointment.updated",
        "appointment.deleted",
    ];
    assert_eq!(kinds(&told.started().await, &id), expected);
}

#[tokio::test]
async fn a_404_of_what_was_just_made_is_no_removal_of_it() {
    for address in [None, Some("AppointmentCreate")] {
        let told = Told::new(&["appointment.created", "appointment.deleted"]).await;
        let contact = told.contact().await;
        let calendar = json!({ "locationId": told.world.location, "name": "Cellar" });
        let calendar = told.call("create-calendar", calendar).await["calendar"]["id"].clone();
        let visit = json!({ "calendarId": calendar, "locationId": told.world.location, "contactId": contact,
            "startTime": "2100-02-01T10:00:00Z", "title": "Ada", "ignoreFreeSlotValidation": true });
        let id = text(&told.world.control("/appointments", visit).await["id"]);
        let absent = json!({ "kind": "status", "operation": "get-appointment", "times": 3, "status": 404,
            "body": { "statusCode": 404, "message": "Appointment not found" } });
        told.world.control("/faults", absent).await;
        let body = json!({ "type": "AppointmentCreate", "locationId": told.world.location, "webhookId": "w",
            "appointment": { "id": id, "contactId": contact } });
        told.deliver_at(address, &body.to_string()).await;
        told.drain().await;
        assert_eq!(told.started().await, []);
        told.patience().await;
        assert_eq!(kinds(&told.started().await, &id), ["appointment.created"]);
    }
}
