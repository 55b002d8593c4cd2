//! Messages: sent by clients, and received by hand.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::search::next_date;
use crate::answer::{Answer, Handled};
use crate::call::{Call, texts};
use crate::clock::iso;
use crate::collection::Record;
use crate::collections::{Change, Kind, silent};
use crate::highlevel::access::Access::Location;
use crate::history::Origin;
use crate::operations::Route;
use crate::records::Contact;
use crate::webhooks::payload::{self, Event};
use crate::world::{Act, World};

const READ: Option<&str> = Some("conversations/message.readonly");
const WRITE: Option<&str> = Some("conversations/message.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/conversations/{conversationId}/messages", Location, READ, list),
    Route::new("POST", "/conversations/messages", Location, WRITE, send),
    Route::new("GET", "/conversations/messages/{id}", Location, READ, get),
    Route::new("GET", "/conversations/messages/email/{id}", Location, READ, email),
    Route::new("PUT", "/conversations/messages/{messageId}/status", Location, WRITE, set_status),
];

const OUTBOUND: Kind = Kind {
    collection: |all| &mut all.messages,
    created: "message.sent",
    updated: "message.updated",
    deleted: "message.deleted",
    events,
};

const INBOUND: Kind = Kind {
    created: "message.received",
    ..OUTBOUND
};

/// For changes that have no webhook.
pub const SILENT: Kind = Kind {
    events: silent,
    ..OUTBOUND
};

/// How a kind of message is called: in requests and webhooks, in messages, and as a conversation's kind.
#[derive(Debug)]
pub struct Channel {
    pub word: &'static str,
    pub name: &'static str,
    pub number: u64,
    pub conversation: &'static str,
}

impl Channel {
    /// A conversation's kind by number.
    pub fn conversation_number(&self) -> u64 {
        match self.conversation {
            "TYPE_EMAIL" => 2,
            "TYPE_FB_MESSENGER" => 3,
            _ => 1,
        }
    }
}

#[rustfmt::skip] // a table
const CHANNELS: &[Channel] = &[
    Channel { word: "SMS", name: "TYPE_SMS", number: 2, conversation: "TYPE_PHONE" },
    Channel { word: "Email", name: "TYPE_EMAIL", number: 3, conversation: "TYPE_EMAIL" },
    Channel { word: "CALL", name: "TYPE_CALL", number: 1, conversation: "TYPE_PHONE" },
    Channel { word: "WhatsApp", name: "TYPE_WHATSAPP", number: 19, conversation: "TYPE_PHONE" },
    Channel { word: "IG", name: "TYPE_INSTAGRAM", number: 18, conversation: "TYPE_FB_MESSENGER" },
    Channel { word: "FB", name: "TYPE_FACEBOOK", number: 11, conversation: "TYPE_FB_MESSENGER" },
    Channel { word: "Live_Chat", name: "TYPE_LIVE_CHAT", number: 29, conversation: "TYPE_PHONE" },
    Channel { word: "RCS", name: "TYPE_RCS", number: 37, conversation: "TYPE_PHONE" },
    Channel { word: "TIKTOK", name: "TYPE_TIKTOK", number: 38, conversation: "TYPE_PHONE" },
    Channel { word: "Custom", name: "TYPE_CUSTOM_SMS", number: 20, conversation: "TYPE_PHONE" },
];

/// The channel that a request calls so; SMS when there is no such word.
pub fn channel(word: Option<&str>) -> &'static Channel {
    let found = CHANNELS.iter().find(|channel| Some(channel.word) == word);
    found.unwrap_or(&CHANNELS[0])
}

/// The newest first; `lastMessageId` is the last one seen.
fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    world.records.conversations.get(id)?;
    let limit = call.number("limit", 20_usize)?.min(100);
    let types: Vec<&str> = call
        .query("type")
        .map(|types| types.split(',').collect())
        .unwrap_or_default();
    let all = world.records.messages.all().rev();
    let all: Vec<&Record> = all
        .filter(|message| message.has("conversationId", id))
        .filter(|message| {
            types.is_empty() || types.iter().any(|name| message.has("messageType", name))
        })
        .collect();
    let seen = match call.query("lastMessageId") {
        None | Some("") => 0,
        Some(last) => all
            .iter()
            .position(|message| message.id == last)
            .map(|at| at + 1)
            .ok_or_else(|| Answer::bad_request("lastMessageId is not of this conversation"))?,
    };
    let page: Vec<&&Record> = all.iter().skip(seen).take(limit).collect();
    let views: Vec<Value> = page.iter().map(|message| view(message)).collect();
    Ok(Answer::ok(json!({ "messages": {
        "lastMessageId": page.last().map(|message| &message.id),
        "nextPage": seen + page.len() < all.len(),
        "messages": views,
    } })))
}

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let message = world.records.messages.get(call.argument(0))?;
    Ok(Answer::ok(view(message)))
}

fn email(world: &mut World, call: &Call<'_>) -> Handled {
    let email = world.records.emails.get(call.argument(0))?;
    Ok(Answer::ok(email.json()))
}

fn send(world: &mut World, call: &Call<'_>) -> Handled {
    let channel = channel(Some(call.required("type")?));
    let contact_id = call.required("contactId")?;
    let Some(contact) = world.contacts.get(contact_id) else {
        let message = format!("Contact with id {contact_id} does not exist");
        return Err(Answer::bad_request(message));
    };
    refuse_unreachable(contact, channel)?;
    let text = ["message", "html"]
        .iter()
        .find_map(|member| call.body_text(member));
    if text.is_none()
        && call.body_texts("attachments").is_empty()
        && call.body_text("templateId").is_none()
    {
        return Err(Answer::bad_request(
            "There is no message or attachments for this message. Skip sending.",
        ));
    }
    let message = make(world, call.body, "outbound", call.act())?;
    let mut answer = json!({
        "conversationId": message.member("conversationId"), "messageId": message.id,
        "msg": "Message queued successfully.", "status": "pending",
    });
    payload::copy(&mut answer, &message, &["emailMessageId"]);
    Ok(Answer::ok(answer))
}

fn refuse_unreachable(contact: &Contact, channel: &Channel) -> Result<(), Answer> {
    if contact.dnd() {
        let message = format!("Cannot send message as DND is active for {}.", channel.word);
        return Err(Answer::bad_request(message));
    }
    let (member, message) = match channel.word {
        "Email" => ("email", "Contact has no email address"),
        "SMS" | "RCS" | "WhatsApp" => ("phone", "Missing phone number"),
        _ => return Ok(()),
    };
    if contact.text(member).is_none() {
        return Err(Answer::bad_request(message));
    }
    Ok(())
}

/// Makes a message, and the contact's conversation if it has none; also for a user at HighLevel.
pub fn make(world: &mut World, body: &Value, direction: &str, act: Act) -> Result<Record, Answer> {
    let text = |member: &str| body.get(member).and_then(Value::as_str);
    let Some(channel) = CHANNELS
        .iter()
        .find(|channel| text("type") == Some(channel.word))
    else {
        let words: Vec<&str> = CHANNELS.iter().map(|channel| channel.word).collect();
        return Err(Answer::invalid(vec![format!(
            "type must be one of the following values: {}",
            words.join(", ")
        )]));
    };
    let contact_id = text("contactId").unwrap_or_default();
    let Some(contact) = world.contacts.get(contact_id) else {
        let message = format!("Contact with id {contact_id} does not exist");
        return Err(Answer::bad_request(message));
    };
    let address = contact.text("email").map(ToOwned::to_owned);
    let conversation = super::of_contact(world, contact_id, act);
    let at = next_date(world, act.at);
    let is_out = direction == "outbound";
    let status = match (body.get("scheduledTimestamp"), is_out) {
        (Some(_), _) => "scheduled",
        (None, true) => "sent",
        (None, false) => "delivered",
    };
    let html = text("html").or_else(|| text("message")).unwrap_or_default();
    let mut members = json!({
        "locationId": world.location.id, "contactId": contact_id, "conversationId": conversation,
        "type": channel.number, "messageType": channel.name, "channel": channel.word,
        "dateAdded": iso(at), "direction": direction, "status": status,
        "body": text("message").unwrap_or(html), "contentType": "text/plain",
        "attachments": texts(body.get("attachments")), "source": if act.origin == Origin::Api { "api" } else { "app" },
    });
    for member in [
        "userId",
        "conversationProviderId",
        "callDuration",
        "callStatus",
        "transcript",
    ] {
        if let Some(value) = body.get(member) {
            members[member] = value.clone();
        }
    }
    let mut message = Record::new(world.ids.record(), act.at, members);
    if channel.word == "Email" {
        message.set("contentType", "text/html");
        message.set("body", html);
        let address = address.unwrap_or_default();
        add_email(world, &mut message, body, &address, act.at);
    }
    let kind = if is_out { &OUTBOUND } else { &INBOUND };
    world.add(kind, &message, act);
    note_last(world, &conversation, &message, act)?;
    Ok(message)
}

/// The e-mail that a message is: a record of its own, with an id of its own.
fn add_email(world: &mut World, message: &mut Record, body: &Value, contact: &str, at: Timestamp) {
    let own = "hello@example.com";
    let text = |member: &str| body.get(member).and_then(Value::as_str);
    let is_out = message.has("direction", "outbound");
    let (from, to) = if is_out {
        (own, contact)
    } else {
        (contact, own)
    };
    let id = world.ids.record();
    let mut members = json!({
        "threadId": text("threadId").unwrap_or(&message.id), "subject": text("subject").unwrap_or_default(),
        "from": text("emailFrom").unwrap_or(from), "to": [text("emailTo").unwrap_or(to)],
        "cc": texts(body.get("emailCc")), "bcc": texts(body.get("emailBcc")), "provider": "sandbox",
    });
    let same = [
        "locationId",
        "contactId",
        "conversationId",
        "dateAdded",
        "body",
        "direction",
        "status",
        "contentType",
        "attachments",
        "source",
    ];
    payload::copy(&mut members, message, &same);
    message.set("emailMessageId", id.clone());
    message.set("meta", json!({ "email": { "messageIds": [id] } }));
    world.records.emails.put(Record::new(id, at, members));
}

/// Moves the conversation to its new message. What came in is unread; answering reads it.
fn note_last(world: &mut World, id: &str, message: &Record, act: Act) -> Result<(), Answer> {
    let is_out = message.has("direction", "outbound");
    world.change(&super::KIND, id, act, |conversation| {
        let unread = conversation.number("unreadCount").unwrap_or(0);
        conversation.set("unreadCount", if is_out { 0 } else { unread + 1 });
        conversation.set("inbox", !is_out);
        conversation.set("lastMessageBody", message.member("body").clone());
        conversation.set("lastMessageDate", message.member("dateAdded").clone());
        conversation.set("lastMessageDirection", message.member("direction").clone());
        conversation.set("lastChannel", message.member("channel").clone());
        if is_out {
            conversation.set("lastMessageAction", "manual");
        }
    })?;
    Ok(())
}

fn set_status(world: &mut World, call: &Call<'_>) -> Handled {
    let status = call.required("status")?;
    let message = world.change(&SILENT, call.argument(0), call.act(), |message| {
        message.set("status", status);
        message.set("error", call.body["error"].clone());
    })?;
    let email = message.text("emailMessageId").map(ToOwned::to_owned);
    if let Some(mut email) = email.and_then(|id| world.records.emails.get(&id).ok().cloned()) {
        email.set("status", status);
        world.records.emails.put(email);
    }
    let mut answer = json!({
        "conversationId": message.member("conversationId"), "messageId": message.id,
        "status": status,
    });
    payload::copy(&mut answer, &message, &["emailMessageId"]);
    Ok(Answer::ok(answer))
}

fn view(message: &Record) -> Value {
    let mut view = message.json();
    if let Value::Object(members) = &mut view {
        for own in ["channel", "emailMessageId", "transcript", "error"] {
            members.shift_remove(own);
        }
        let call = ["callDuration", "callStatus"].map(|member| members.shift_remove(member));
        if let [Some(duration), Some(status)] = call {
            let duration = duration.as_u64().unwrap_or(0).to_string();
            let meta = json!({ "callDuration": duration, "callStatus": status });
            members.insert("meta".to_owned(), meta);
        }
    }
    view
}

fn events(world: &World, change: Change<'_>) -> Vec<Event> {
    let Change::Created(message) = change else {
        return Vec::new();
    };
    let name = if message.has("direction", "outbound") {
        "OutboundMessage"
    } else {
        "InboundMessage"
    };
    let mut body = json!({ "type": name, "messageType": message.member("channel") });
    // As documented, only those of calls name the message.
    if message.has("channel", "CALL") {
        body["messageId"] = message.id.clone().into();
    }
    payload::copy(
        &mut body,
        message,
        &[
            "locationId",
            "attachments",
            "body",
            "contactId",
            "contentType",
            "conversationId",
            "dateAdded",
            "direction",
            "status",
            "userId",
            "conversationProviderId",
            "callDuration",
            "callStatus",
        ],
    );
    if name == "OutboundMessage" {
        payload::copy(&mut body, message, &["source"]);
    }
    let email = message.text("emailMessageId");
    if let Some(email) = email.and_then(|id| world.records.emails.get(id).ok()) {
        body["emailMessageId"] = email.id.clone().into();
        payload::copy(&mut body, email, &["from", "threadId", "subject", "to"]);
    }
    vec![Event::new(name, &message.id, body)]
}
