//! The same change told by a webhook and found by a poll is one event, and there and back again is three.

use serde_json::json;

use super::{ORDERS, Told, both, kinds, text};

#[tokio::test]
async fn a_contact_is_told_once_and_there_and_back_is_three() {
    for first in ORDERS {
        let mut told = Told::new(&["contact.created", "contact.updated", "contact.deleted"]).await;
        let contact = told.contact().await;
        both(&mut told, "ContactCreate", first).await;
        for name in ["Grace", "Ada", "Grace"] {
            told.world.rename(&contact, name).await;
            both(&mut told, "ContactUpdate", first).await;
        }
        let mut expected = vec!["contact.created"];
        expected.extend(["contact.updated"; 3]);
        assert_eq!(
            kinds(&told.started().await, &contact),
            expected,
            "{first:?}"
        );
    }
}

#[tokio::test]
async fn a_note_is_told_once_and_there_and_back_is_three() {
    for first in ORDERS {
        let mut told = Told::new(&["note.created", "note.updated", "note.deleted"]).await;
        let contact = told.contact().await;
        told.later().await;
        let note = told.world.create_note(&contact, "A").await;
        both(&mut told, "NoteCreate", first).await;
        for body in ["B", "A", "B"] {
            let change = json!({ "contactId": contact, "id": note, "body": body });
            told.call("update-note", change).await;
            both(&mut told, "NoteUpdate", first).await;
        }
        told.call("delete-note", json!({ "contactId": contact, "id": note }))
            .await;
        both(&mut told, "NoteDelete", first).await;
        let mut expected = vec!["note.created"];
        expected.extend(["note.updated"; 3]);
        expected.push("note.deleted");
        assert_eq!(kinds(&told.started().await, &note), expected, "{first:?}");
    }
}

#[tokio::test]
async fn a_task_is_told_once_and_done_again_is_twice() {
    for first in ORDERS {
        let mut told = Told::new(&["task.created", "task.completed", "task.deleted"]).await;
        let contact = told.contact().await;
        told.later().await;
        let task = json!({ "contactId": contact, "title": "Call", "dueDate": "2026-12-01T00:00:00Z", "completed": false });
        let task = told.call("create-task", task).await["task"]["id"].clone();
        both(&mut told, "TaskCreate", first).await;
        for completed in [true, false, true] {
            let change = json!({ "contactId": contact, "taskId": task, "completed": completed });
            told.call("update-task-completed", change).await;
            if completed {
                both(&mut told, "TaskComplete", first).await;
            } else {
                told.later().await;
                told.drain().await;
            }
        }
        let gone = json!({ "contactId": contact, "taskId": task });
        told.call("delete-task", gone).await;
        both(&mut told, "TaskDelete", first).await;
        let expected = [
            "task.created",
            "task.completed",
            "task.completed",
            "task.deleted",
        ];
        let started = told.started().await;
        assert_eq!(
            kinds(&started, task.as_str().unwrap()),
            expected,
            "{first:?}"
        );
    }
}

#[tokio::test]
async fn an_opportunity_is_told_once_and_there_and_back_is_three() {
    for first in ORDERS {
        let of = [
            "opportunity.created",
            "opportunity.status_updated",
            "opportunity.deleted",
        ];
        let mut told = Told::new(&of).await;
        let contact = told.contact().await;
        let location = json!({ "locationId": told.world.location });
        let pipeline = told.call("get-pipelines", location).await["pipelines"][0].clone();
        let body = json!({ "pipelineId": pipeline["id"], "pipelineStageId": pipeline["stages"][0]["id"],
            "locationId": told.world.location, "contactId": contact, "name": "Deal", "status": "open" });
        let made = told.world.control("/opportunities", body).await;
        let id = made["id"].as_str().unwrap().to_owned();
        both(&mut told, "OpportunityCreate", first).await;
        for status in ["won", "open", "won"] {
            let path = format!("/opportunities/{id}");
            told.world.control(&path, json!({ "status": status })).await;
            both(&mut told, "OpportunityStatusUpdate", first).await;
        }
        told.call("delete-opportunity", json!({ "id": id })).await;
        both(&mut told, "OpportunityDelete", first).await;
        let mut expected = vec!["opportunity.created"];
        expected.extend(["opportunity.status_updated"; 3]);
        expected.push("opportunity.deleted");
        assert_eq!(kinds(&told.started().await, &id), expected, "{first:?}");
    }
}

#[tokio::test]
async fn a_message_is_told_once_whether_or_not_its_webhook_names_it() {
    for first in ORDERS {
        let mut told = Told::new(&["message.received", "message.sent"]).await;
        let contact = told.contact().await;
        let reach = json!({ "email": "ada@example.com", "phone": "+15550100200" });
        let path = format!("/contacts/{contact}");
        told.world.control(&path, reach).await;
        let mut ids = Vec::new();
        for (channel, direction) in [
            ("SMS", "inbound"),
            ("CALL", "inbound"),
            ("Email", "inbound"),
            ("SMS", "inbound"),
        ] {
            let body = json!({ "contactId": contact, "type": channel, "message": "Hello", "direction": direction });
            let made = told.world.control("/messages", body).await;
            ids.push(("message.received".to_owned(), text(&made["id"])));
            both(&mut told, "InboundMessage", first).await;
        }
        let body = json!({ "contactId": contact, "type": "SMS", "message": "Hello" });
        let sent = told.call("send-a-new-message", body).await;
        ids.push(("message.sent".to_owned(), text(&sent["messageId"])));
        both(&mut told, "OutboundMessage", first).await;
        assert_eq!(told.started().await, ids, "{first:?}");
    }
}

#[tokio::test]
async fn an_appointment_is_told_once_and_there_and_back_is_three() {
    for first in ORDERS {
        let mut told = Told::new(&["appointment.created", "appointment.updated"]).await;
        let contact = told.contact().await;
        told.later().await;
        let location = json!({ "locationId": told.world.location });
        let calendars = told.call("get-calendars", location).await;
        let body = json!({ "calendarId": calendars["calendars"][0]["id"], "locationId": told.world.location,
            "contactId": contact, "startTime": "2100-02-01T10:00:00Z", "title": "Visit", "ignoreFreeSlotValidation": true });
        let made = told.world.control("/appointments", body).await;
        let id = text(&made["id"]);
        both(&mut told, "AppointmentCreate", first).await;
        for title in ["Call", "Visit", "Call"] {
            let path = format!("/appointments/{id}");
            told.world.control(&path, json!({ "title": title })).await;
            both(&mut told, "AppointmentUpdate", first).await;
        }
        let mut expected = vec!["appointment.created"];
        expected.extend(["appointment.updated"; 3]);
        assert_eq!(kinds(&told.started().await, &id), expected, "{first:?}");
    }
}
