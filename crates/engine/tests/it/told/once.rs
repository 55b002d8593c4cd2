//! The same change told by a webhook and found by a poll is one event, where a record's life is not like the others'.

use serde_json::json;

use super::{ORDERS, Told, both, kinds, text};

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
