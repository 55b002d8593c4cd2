//! Conversations and messages: sent, received, found, paged.

use serde_json::{Value, json};

use crate::harness::{Receiver, World, settled};

async fn person(world: &World, name: &str, number: u32) -> String {
    let contact = json!({ "firstName": name, "email": format!("{name}@example.com"), "phone": format!("+1201555{number}") });
    world.contact(contact).await
}

async fn send(world: &World, body: Value) -> Value {
    let path = "/conversations/messages";
    world.call("POST", path, body).await.expect(200)
}

async fn find(world: &World, query: &str) -> Value {
    let location = &world.info().location_id;
    let path = format!("/conversations/search?locationId={location}{query}");
    world.get(&path).await.expect(200)
}

fn contacts(page: &Value) -> Vec<&str> {
    let found = page["conversations"].as_array().unwrap().iter();
    found.map(|one| one["fullName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn sending_begins_a_conversation_and_answers_count_as_unread() {
    let world = settled().await;
    let hooks = Receiver::start(Vec::new()).await;
    let ada = person(&world, "ada", 1001).await;
    let target = json!({ "url": hooks.url });
    world.control("POST", "/webhook-target", target).await;
    let sent = send(
        &world,
        json!({ "type": "SMS", "contactId": ada, "message": "Hello" }),
    )
    .await;
    let again = send(
        &world,
        json!({ "type": "SMS", "contactId": ada, "message": "Still there?" }),
    )
    .await;
    assert_eq!(sent["conversationId"], again["conversationId"]);
    let read = format!(
        "/conversations/messages/{}",
        sent["messageId"].as_str().unwrap()
    );
    let read = world.get(&read).await.expect(200);
    assert_eq!(
        (&read["body"], &read["direction"], &read["messageType"]),
        (&json!("Hello"), &json!("outbound"), &json!("TYPE_SMS"))
    );

    let answer = json!({ "type": "SMS", "contactId": ada, "message": "Yes" });
    world.control("POST", "/messages", answer).await;
    let conversation = format!(
        "/conversations/{}",
        sent["conversationId"].as_str().unwrap()
    );
    let state = world.get(&conversation).await.expect(200);
    assert_eq!(
        (&state["unreadCount"], &state["contactId"]),
        (&json!(1), &json!(ada))
    );
    let found = find(&world, "&status=unread").await;
    assert_eq!(found["conversations"][0]["lastMessageBody"], "Yes");
    send(
        &world,
        json!({ "type": "SMS", "contactId": ada, "message": "Good" }),
    )
    .await;
    assert_eq!(find(&world, "&status=unread").await["total"], 0);
    assert_eq!(
        world.told().await,
        [
            "OutboundMessage",
            "OutboundMessage",
            "InboundMessage",
            "ConversationUnreadUpdate",
            "OutboundMessage",
            "ConversationUnreadUpdate",
        ]
    );
    let hook = &hooks.wait_for(6).await[2].body;
    assert_eq!(
        (&hook["body"], &hook["contactId"]),
        (&json!("Yes"), &json!(ada))
    );
}

#[tokio::test]
async fn messages_are_paged_by_the_last_one_seen() {
    let world = settled().await;
    let ada = person(&world, "ada", 1001).await;
    let mut sent = Vec::new();
    for number in 0..5 {
        let message = json!({ "type": "SMS", "contactId": ada, "message": format!("{number}") });
        sent.push(send(&world, message).await);
    }
    let path = format!(
        "/conversations/{}/messages",
        sent[0]["conversationId"].as_str().unwrap()
    );
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = world.get(&format!("{path}{query}")).await.expect(200)["messages"].clone();
        let bodies = page["messages"].as_array().unwrap().iter();
        seen.extend(bodies.map(|message| message["body"].clone()));
        if page["nextPage"] == false {
            break;
        }
        let last = page["lastMessageId"].as_str().unwrap();
        query = format!("?limit=2&lastMessageId={last}");
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    let calls = world
        .get(&format!("{path}?type=TYPE_CALL,TYPE_EMAIL"))
        .await
        .expect(200);
    assert_eq!(calls["messages"]["messages"], json!([]));
    world
        .get(&format!("{path}?lastMessageId=none"))
        .await
        .expect(400);
    world.get("/conversations/none/messages").await.expect(404);
}

#[tokio::test]
async fn conversations_are_searched_and_paged_by_date() {
    let world = settled().await;
    let on = json!({ "frozen": true });
    world.control("POST", "/clock", on).await;
    for (name, number) in [("ada", 1001), ("ben", 1002), ("cleo", 1003)] {
        let id = person(&world, name, number).await;
        send(
            &world,
            json!({ "type": "SMS", "contactId": id, "message": format!("to {name}") }),
        )
        .await;
    }
    assert_eq!(contacts(&find(&world, "").await), ["cleo", "ben", "ada"]);
    assert_eq!(
        contacts(&find(&world, "&sort=asc").await),
        ["ada", "ben", "cleo"]
    );
    assert_eq!(contacts(&find(&world, "&query=BEN").await), ["ben"]);
    assert_eq!(
        contacts(&find(&world, "&assignedTo=unassigned").await).len(),
        3
    );
    assert_eq!(
        contacts(&find(&world, "&lastMessageType=TYPE_EMAIL").await).len(),
        0
    );
    let first = find(&world, "&limit=2").await;
    let date = &first["conversations"][1]["lastMessageDate"];
    let rest = find(&world, &format!("&limit=2&startAfterDate={date}")).await;
    assert_eq!(
        contacts(&rest),
        ["ada"],
        "messages of one moment are told apart by date"
    );
    assert_eq!(rest["total"], 3);
}

#[tokio::test]
async fn an_email_has_a_record_of_its_own() {
    let world = settled().await;
    let ada = person(&world, "ada", 1001).await;
    let mail =
        json!({ "type": "Email", "contactId": ada, "subject": "Trees", "html": "<b>Trees</b>" });
    let sent = send(&world, mail).await;
    let message = format!(
        "/conversations/messages/{}",
        sent["messageId"].as_str().unwrap()
    );
    let read = world.get(&message).await.expect(200);
    assert_eq!(
        read["meta"]["email"]["messageIds"],
        json!([sent["emailMessageId"]])
    );
    let email = format!(
        "/conversations/messages/email/{}",
        sent["emailMessageId"].as_str().unwrap()
    );
    let status = json!({ "status": "failed", "error": { "code": "1", "type": "saas", "message": "bounced" } });
    world
        .call("PUT", &format!("{message}/status"), status)
        .await
        .expect(200);
    let read = world.get(&email).await.expect(200);
    assert_eq!(
        (&read["subject"], &read["to"], &read["status"]),
        (
            &json!("Trees"),
            &json!(["ada@example.com"]),
            &json!("failed")
        )
    );
    world
        .get("/conversations/messages/email/none")
        .await
        .expect(404);
}

#[tokio::test]
async fn a_call_has_a_recording_and_a_transcription() {
    let world = settled().await;
    let ada = person(&world, "ada", 1001).await;
    let location = &world.info().location_id;
    let call = json!({ "type": "CALL", "contactId": ada, "callDuration": 2, "callStatus": "completed",
        "transcript": "Hello.\nPlant ten, please." });
    let call = world.control("POST", "/messages", call).await;
    let id = call["id"].as_str().unwrap();
    let recording = format!("/conversations/messages/{id}/locations/{location}/recording");
    let request = world.request("GET", &recording, &Value::Null);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "audio/x-wav");
    let bytes = answer.bytes().await.unwrap();
    assert_eq!((&bytes[..4], &bytes[8..12]), (&b"RIFF"[..], &b"WAVE"[..]));
    let length = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
    assert_eq!(
        bytes.len(),
        length as usize + 8,
        "the header counts the bytes"
    );
    let said = format!("/conversations/locations/{location}/messages/{id}/transcription");
    let sentence = world.get(&said).await.expect(200);
    assert_eq!(sentence["transcript"], "Hello.\nPlant ten, please.");
    let file = world.get(&format!("{said}/download")).await;
    assert!(file.header("content-type").starts_with("text/plain"));
    assert_eq!(file.expect(200), "Hello.\nPlant ten, please.");

    let sent = send(
        &world,
        json!({ "type": "SMS", "contactId": ada, "message": "x" }),
    )
    .await;
    let text = sent["messageId"].as_str().unwrap();
    let none = format!("/conversations/messages/{text}/locations/{location}/recording");
    world.get(&none).await.expect(404);
    let elsewhere = format!("/conversations/messages/{id}/locations/elsewhere/recording");
    world.get(&elsewhere).await.expect(403);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let world = settled().await;
    let bare = world.contact(json!({ "firstName": "Bare" })).await;
    let quiet = json!({ "firstName": "Quiet", "phone": "+12015551009", "dnd": true });
    let quiet = world.contact(quiet).await;
    for (body, status) in [
        (
            json!({ "type": "SMS", "contactId": "nobody", "message": "x" }),
            400,
        ),
        (
            json!({ "type": "SMS", "contactId": bare, "message": "x" }),
            400,
        ),
        (
            json!({ "type": "Email", "contactId": bare, "html": "x" }),
            400,
        ),
        (
            json!({ "type": "SMS", "contactId": quiet, "message": "x" }),
            400,
        ),
        (json!({ "type": "Live_Chat", "contactId": bare }), 400),
        (
            json!({ "type": "Pigeon", "contactId": bare, "message": "x" }),
            422,
        ),
        (
            json!({ "type": "Live_Chat", "contactId": bare, "message": "x" }),
            200,
        ),
    ] {
        let reply = world
            .call("POST", "/conversations/messages", body.clone())
            .await;
        assert_eq!(reply.status, status, "{body}: {}", reply.body);
    }
    let path = format!("/contacts/{bare}");
    world.call("DELETE", &path, Value::Null).await.expect(200);
    assert_eq!(
        find(&world, "").await["total"],
        0,
        "it goes with its contact"
    );
    let typing = json!({ "locationId": world.info().location_id, "isTyping": "true", "visitorId": "v", "conversationId": "none" });
    let path = "/conversations/providers/live-chat/typing";
    world.call("POST", path, typing).await.expect(404);
}
