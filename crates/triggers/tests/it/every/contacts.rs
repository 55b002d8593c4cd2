//! Triggers of contacts, their tasks and notes, calendars and businesses.

use serde_json::json;

use super::{Case, Do, call, case, control};

const FROM: &str = "4102444800000";
const TO: &str = "4105036800000";

fn appointment() -> Do {
    let body = json!({ "calendarId": "$calendar", "contactId": "$contact", "title": "Visit",
        "startTime": "2100-01-04T09:00:00-08:00", "endTime": "2100-01-04T09:30:00-08:00",
        "ignoreFreeSlotValidation": true });
    control("appointment", "/appointments", body)
}

pub fn cases() -> Vec<Case> {
    let rename = || control("", "/contacts/$contact", json!({ "firstName": "Ada" }));
    let task = || {
        let body = json!({ "contactId": "$contact", "title": "Call", "dueDate": "2100-02-01T00:00:00Z", "completed": false });
        call("task", "create-task", "/task/id", body)
    };
    let done = || {
        let body = json!({ "contactId": "$contact", "taskId": "$task", "completed": true });
        call("", "update-task-completed", "", body)
    };
    let note = || {
        let body = json!({ "contactId": "$contact", "body": "Oak" });
        call("note", "create-note", "/note/id", body)
    };
    let rewrite = || {
        let body = json!({ "contactId": "$contact", "id": "$note", "body": "Elm" });
        call("", "update-note", "", body)
    };
    let add = || control("new", "/contacts", json!({ "firstName": "Eve" }));
    let of_contact = || json!({ "contactId": "$contact" });
    let retitle = || control("", "/appointments/$appointment", json!({ "title": "Walk" }));
    let one = || json!({ "eventId": "$appointment" });
    let among = || json!({ "calendarId": "$calendar", "startTime": FROM, "endTime": TO });
    let slots = json!({ "calendarId": "$calendar", "startDate": 4_102_704_000_000_i64, "endDate": 4_103_049_600_000_i64 });
    let block = json!({ "locationId": "$location", "calendarId": "$calendar", "title": "Off",
        "startTime": "2100-01-05T09:00:00-08:00", "endTime": "2100-01-05T10:00:00-08:00" });
    let unblock = json!({ "eventId": "$block", "locationId": "$location", "calendarId": "$calendar", "title": "Away" });
    let remark = json!({ "appointmentId": "$appointment", "body": "Bring a spade" });
    let other =
        json!({ "appointmentId": "$appointment", "noteId": "$remark", "body": "Bring two" });
    let business = || {
        control(
            "business",
            "/records/businesses",
            json!({ "name": "Grove", "locationId": "$location" }),
        )
    };
    let join = |contact: &str| {
        let body =
            json!({ "locationId": "$location", "businessId": "$business", "ids": [contact] });
        call("", "add-remove-contact-from-business", "", body)
    };
    vec![
        case("get-contact", of_contact()).changed(rename(), "contact.updated"),
        case("search-contacts-advanced", json!({}))
            .fresh(add(), "contact.created")
            .changed(rename(), "contact.updated"),
        case("get-contacts", json!({}))
            .fresh(add(), "contact.created")
            .changed(rename(), "contact.updated"),
        case(
            "get-contacts-by-business-id",
            json!({ "businessId": "$business" }),
        )
        .before(business())
        .before(join("$contact"))
        .fresh_by(vec![add(), join("$new")], "contact.created")
        .changed(rename(), "contact.updated"),
        case(
            "get-duplicate-contact",
            json!({ "email": "eve@example.com" }),
        )
        .changed(
            control("", "/contacts", json!({ "email": "eve@example.com" })),
            "duplicate_contact.changed",
        ),
        case("get-all-tasks", of_contact())
            .fresh(task(), "task.created")
            .changed(done(), "task.updated"),
        case(
            "get-task",
            json!({ "contactId": "$contact", "taskId": "$task" }),
        )
        .before(task())
        .changed(done(), "task.updated"),
        case("get-all-notes", of_contact())
            .fresh(note(), "note.created")
            .changed(rewrite(), "note.updated"),
        case(
            "get-note",
            json!({ "contactId": "$contact", "id": "$note" }),
        )
        .before(note())
        .changed(rewrite(), "note.updated"),
        case("get-appointments-for-contact", of_contact())
            .fresh(appointment(), "appointment.created")
            .changed(retitle(), "appointment.updated"),
        case("get-calendar-events", among())
            .fresh(appointment(), "appointment.created")
            .changed(retitle(), "appointment.updated"),
        case("get-appointment", one())
            .before(appointment())
            .changed(retitle(), "appointment.updated"),
        case("get-free-slots", slots).changed(appointment(), "free_slots.changed"),
        case("get-blocked-slots", among())
            .fresh(
                call("block", "create-block-slot", "/id", block),
                "blocked_slot.created",
            )
            .changed(
                call("", "update-block-slot", "", unblock),
                "blocked_slot.updated",
            ),
        case(
            "get-appointment-notes",
            json!({ "appointmentId": "$appointment", "limit": 10, "offset": 0 }),
        )
        .before(appointment())
        .fresh(
            call("remark", "create-appointment-note", "/note/id", remark),
            "appointment_note.created",
        )
        .changed(
            call("", "update-appointment-note", "", other),
            "appointment_note.updated",
        ),
        case("get-business", json!({ "businessId": "$business" }))
            .before(business())
            .changed(
                control(
                    "",
                    "/records/businesses/$business",
                    json!({ "name": "Wood" }),
                ),
                "business.updated",
            ),
        case("get-businesses-by-location", json!({}))
            .fresh(business(), "business.created")
            .changed(
                control(
                    "",
                    "/records/businesses/$business",
                    json!({ "name": "Wood" }),
                ),
                "business.updated",
            ),
    ]
}
