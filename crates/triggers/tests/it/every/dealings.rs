//! Triggers of opportunities, users and conversations.

use serde_json::json;

use super::{By, Case, Do, call, case, control};

fn message() -> Do {
    control(
        "message",
        "/messages",
        json!({ "type": "SMS", "contactId": "$contact", "message": "Hello" }),
    )
}

fn call_by_hand() -> Do {
    let body = json!({ "type": "CALL", "contactId": "$contact", "callDuration": 60, "callStatus": "completed",
        "transcript": "Hello." });
    control("message", "/messages", body)
}

pub fn cases() -> Vec<Case> {
    let deal = || {
        let body = json!({ "name": "Hedge", "pipelineId": "$pipeline", "contactId": "$contact", "status": "open" });
        control("deal", "/opportunities", body)
    };
    let win = || control("", "/opportunities/$deal", json!({ "status": "won" }));
    let user = || {
        let body = json!({ "firstName": "Eve", "lastName": "Oak", "email": "eve@example.com", "password": "Secret-123",
            "type": "account", "role": "user", "companyId": "$company", "locationIds": ["$location"] });
        call("new", "create-user", "/id", body)
    };
    let move_user = || {
        control(
            "",
            "/records/users/$user",
            json!({ "phone": "+12015550199" }),
        )
    };
    let talk = || json!({ "conversationId": "$conversation" });
    let first = || Do {
        name: "conversation",
        by: By::Control("/messages", "/conversationId"),
        body: json!({ "type": "SMS", "contactId": "$contact", "message": "Hi" }),
    };
    // An e-mail is a record of its own beside its message.
    let mail = Do {
        name: "email",
        by: By::Control("/messages", "/emailMessageId"),
        body: json!({ "type": "Email", "contactId": "$contact", "subject": "Oak", "html": "Elm" }),
    };
    let read = || {
        control(
            "",
            "/records/messages/$message",
            json!({ "status": "read" }),
        )
    };
    let bounce = || control("", "/records/emails/$email", json!({ "status": "failed" }));
    let ringing = || {
        let body = json!({ "type": "CALL", "contactId": "$contact", "callDuration": 0, "callStatus": "ringing" });
        control("message", "/messages", body)
    };
    let hang_up = || {
        let body = json!({ "callDuration": 60, "callStatus": "completed" });
        control("", "/records/messages/$message", body)
    };
    let told = || json!({ "messageId": "$message" });
    let say = || {
        control(
            "",
            "/records/messages/$message",
            json!({ "transcript": "Goodbye." }),
        )
    };
    let emails =
        json!({ "companyId": "$company", "emails": "$email,eve@example.com", "deleted": false });
    vec![
        case("search-opportunity", json!({}))
            .fresh(deal(), "opportunity.created")
            .changed(win(), "opportunity.updated"),
        case("get-opportunity", json!({ "id": "$deal" }))
            .before(deal())
            .changed(win(), "opportunity.updated"),
        case("search-users", json!({}))
            .fresh(user(), "user.created")
            .changed(move_user(), "user.updated"),
        case("get-user-by-location", json!({}))
            .fresh(user(), "user.created")
            .changed(move_user(), "user.updated"),
        case("get-user", json!({ "userId": "$user" })).changed(move_user(), "user.updated"),
        case("filter-users-by-email", emails)
            .fresh(user(), "user.created")
            .changed(move_user(), "user.updated"),
        case("search-conversation", json!({}))
            .fresh(first(), "conversation.created")
            .changed(message(), "conversation.updated"),
        case("get-message", json!({ "id": "$message" }))
            .before(message())
            .changed(read(), "message.updated"),
        case("get-email-by-id", json!({ "id": "$email" }))
            .before(mail)
            .changed(bounce(), "email.updated"),
        case("get-messages", talk())
            .before(first())
            .fresh(message(), "message.created")
            .changed(read(), "message.updated"),
        case("get-conversation", talk())
            .before(first())
            .changed(message(), "conversation.updated"),
        case("get-message-recording", told())
            .before(ringing())
            .changed(hang_up(), "message_recording.changed"),
        case("get-message-transcription", told())
            .before(call_by_hand())
            .changed(say(), "message_transcription.changed"),
        case("download-message-transcription", told())
            .before(call_by_hand())
            .changed(say(), "message_transcription.changed"),
    ]
}
