//! Conversations: one a contact, with all of its messages.

pub mod media;
pub mod messages;
mod search;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::Access::Location;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::collections::{Change, Kind, silent};
use crate::described::with_nulls;
use crate::operations::Route;
use crate::webhooks::payload::{self, Event};
use crate::world::{Act, World};

const READ: Option<&str> = Some("conversations.readonly");
const CHAT: Option<&str> = Some("conversations/livechat.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/conversations/search", Location, READ, search::search),
    Route::new("GET", "/conversations/{conversationId}", Location, READ, get),
    Route::new("POST", "/conversations/providers/live-chat/typing", Location, CHAT, typing),
];

/// Only the count of unread messages is told.
pub const KIND: Kind = Kind {
    collection: |all| &mut all.conversations,
    created: "conversation.created",
    updated: "conversation.updated",
    deleted: "conversation.deleted",
    events,
};

/// What a new message changes is the message's event, not the conversation's.
const QUIET: Kind = Kind {
    events: silent,
    ..KIND
};

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let conversation = world.records.conversations.get(call.argument(0))?;
    let mut view = json!({
        "id": conversation.id, "type": messages::channel(conversation.text("lastChannel")).conversation_number(),
    });
    payload::copy(
        &mut view,
        conversation,
        &[
            "contactId",
            "locationId",
            "deleted",
            "inbox",
            "unreadCount",
            "assignedTo",
            "starred",
        ],
    );
    Ok(Answer::ok(view))
}

fn typing(world: &mut World, call: &Call<'_>) -> Handled {
    world
        .records
        .conversations
        .get(call.required("conversationId")?)?;
    Ok(Answer::created(json!({ "success": true })))
}

/// The contact's conversation, begun if there is none.
fn of_contact(world: &mut World, contact_id: &str, act: Act) -> String {
    let known = world
        .records
        .conversations
        .with("contactId", contact_id)
        .next();
    if let Some(known) = known {
        return known.id.clone();
    }
    let members = json!({
        "locationId": world.location.id, "contactId": contact_id, "deleted": false, "inbox": false,
        "starred": false, "unreadCount": 0,
    });
    let conversation = Record::new(world.ids.record(), act.at, members);
    let id = conversation.id.clone();
    world.add(&QUIET, &conversation, act);
    id
}

/// The vendor's page calls this event `ConversationUnreadWebhook`, its payload as here.
fn events(_: &World, change: Change<'_>) -> Vec<Event> {
    let Change::Updated(conversation, changed) = change else {
        return Vec::new();
    };
    if !changed.iter().any(|member| member == "unreadCount") {
        return Vec::new();
    }
    let mut body = json!({ "type": "ConversationUnreadUpdate", "id": conversation.id });
    payload::copy(
        &mut body,
        conversation,
        &[
            "locationId",
            "contactId",
            "deleted",
            "inbox",
            "starred",
            "unreadCount",
        ],
    );
    vec![Event::new(
        "ConversationUnreadUpdate",
        &conversation.id,
        body,
    )]
}

/// What goes with a contact.
pub fn forget_contact(world: &mut World, contact_id: &str, act: Act) {
    for id in world
        .records
        .conversations
        .ids_with("contactId", contact_id)
    {
        world.remove_with(&messages::SILENT, "conversationId", &id, act);
        // The ids were read from the collection just now.
        let _removed = world.remove(&QUIET, &id, act);
    }
    let emails = world.records.emails.ids_with("contactId", contact_id);
    for id in emails {
        let _removed = world.records.emails.remove(&id);
    }
}

/// A conversation as the search shows it.
fn view(world: &World, conversation: &Record) -> Value {
    let last = messages::channel(conversation.text("lastChannel"));
    let milliseconds = |member: &str| conversation.time(member).map(Timestamp::as_millisecond);
    let contact_id = conversation.text("contactId").unwrap_or_default();
    let contact = world.contacts.get(contact_id);
    let name = contact.and_then(|contact| contact.name());
    let text = |member: &str| contact.and_then(|contact| contact.text(member));
    let view = json!({
        "id": conversation.id, "contactId": contact_id, "locationId": world.location.id,
        "lastMessageBody": conversation.member("lastMessageBody"), "lastMessageType": last.name,
        "lastMessageDirection": conversation.member("lastMessageDirection"),
        "lastMessageDate": milliseconds("lastMessageDate"), "type": last.conversation,
        "unreadCount": conversation.member("unreadCount"), "fullName": name, "contactName": name,
        "email": text("email"), "phone": text("phone"), "starred": conversation.member("starred"),
        "assignedTo": conversation.member("assignedTo"),
        "dateAdded": conversation.created_at.as_millisecond(),
        "dateUpdated": conversation.updated_at.as_millisecond(),
        "sort": [milliseconds("lastMessageDate")],
        "lastOutboundMessageAction": conversation.member("lastMessageAction"),
        "lastManualMessageDate": null,
    });
    with_nulls("ConversationMatch", &[], view)
}
