//! The search of conversations.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{messages, view};
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::world::World;

const DEFAULT: usize = 20;
const MOST: usize = 100;

/// By the last message, newest first; `startAfterDate` is the `sort` value of the last one seen.
pub fn search(world: &mut World, call: &Call<'_>) -> Handled {
    let ascending = call.query("sort") == Some("asc");
    let limit = call.number("limit", DEFAULT)?.min(MOST);
    let after = match call.query("startAfterDate") {
        None | Some("") => None,
        Some(_) => Some(call.number("startAfterDate", 0_i64)?),
    };
    let (from, to) = (
        call.number("startDate", i64::MIN)?,
        call.number("endDate", i64::MAX)?,
    );
    let text = call.query("query").map(str::to_lowercase);
    let matching = world.records.conversations.all().filter(|conversation| {
        fits(conversation, call)
            && (from..=to).contains(&conversation.created_at.as_millisecond())
            && text
                .as_deref()
                .is_none_or(|text| mentions(world, conversation, text))
    });
    let mut matching: Vec<&Record> = matching.collect();
    matching.sort_by_key(|conversation| date(conversation));
    if !ascending {
        matching.reverse();
    }
    let is_later = |conversation: &&&Record| {
        let date = date(conversation);
        after.is_none_or(|after| {
            if ascending {
                date > after
            } else {
                date < after
            }
        })
    };
    let page = matching.iter().filter(is_later).take(limit);
    let page: Vec<Value> = page.map(|conversation| view(world, conversation)).collect();
    Ok(Answer::ok(
        json!({ "conversations": page, "total": matching.len() }),
    ))
}

fn date(conversation: &Record) -> i64 {
    let last = conversation.time("lastMessageDate");
    last.unwrap_or(conversation.created_at).as_millisecond()
}

fn fits(conversation: &Record, call: &Call<'_>) -> bool {
    let last = messages::channel(conversation.text("lastChannel"));
    let one_of = |key: &str, member: &str| {
        let listed = |ids: &str| {
            ids.split(',').any(|id| match id.trim() {
                "unassigned" => conversation.text(member).is_none(),
                id => conversation.has(member, id),
            })
        };
        call.query(key).is_none_or(listed)
    };
    let is = |key: &str, member: &str| {
        let asked = call.query(key);
        asked.is_none_or(|text| conversation.has(member, text))
    };
    let unread = conversation.number("unreadCount").unwrap_or(0) > 0;
    let status = match call.query("status") {
        Some("unread") => unread,
        Some("read") => !unread,
        Some("starred") => conversation.flag("starred") == Some(true),
        _ => true,
    };
    // Followers, mentions and score profiles are not played: nothing has any.
    let not_played = ["followers", "mentions", "scoreProfile"];
    status
        && not_played.iter().all(|key| call.query(key).is_none())
        && call.query("id").is_none_or(|id| conversation.id == id)
        && is("contactId", "contactId")
        && one_of("assignedTo", "assignedTo")
        && is("lastMessageDirection", "lastMessageDirection")
        && is("lastMessageAction", "lastMessageAction")
        && call
            .query("lastMessageType")
            .is_none_or(|name| last.name == name)
}

fn mentions(world: &World, conversation: &Record, text: &str) -> bool {
    let body = conversation.text("lastMessageBody").unwrap_or_default();
    let contact = conversation.text("contactId");
    let contact = contact.and_then(|id| world.contacts.get(id));
    body.to_lowercase().contains(text)
        || contact.is_some_and(|contact| crate::highlevel::mentions(contact, text))
}

/// When a message that is made now is dated: no two are made at once, so that a date tells them apart.
pub fn next_date(world: &mut World, now: Timestamp) -> Timestamp {
    let step = jiff::SignedDuration::from_millis(1);
    let next = now.max(world.last_message_at + step);
    world.last_message_at = next;
    next
}
