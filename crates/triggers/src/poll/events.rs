//! From what a poll saw to events.

use canopy_mapping::{FIRST_POLL, Source, Trace, once_version, record_version};
use canopy_store::NewEvent;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::plan::{Poll, happens_once};

/// Has what was there at a trigger's first poll start only the workflows that ask for it, however old it is: for all
/// others it is the baseline.
pub(super) fn of_first_poll(event: &mut NewEvent) {
    event.source = Source::Manual;
    event.trace.found_by.push(FIRST_POLL.to_owned());
}

/// Makes the events of one poll of one location.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker<'a> {
    pub poll: &'a Poll,
    pub location: &'a str,
    pub now: Timestamp,
    /// The location's, once a time without a zone was read.
    pub zone: &'a OnceCell<TimeZone>,
}

/// A record as a poll saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub id: &'a str,
    /// The record whose list showed it.
    pub parent: &'a str,
    /// The version that the service gives it, if it gives one.
    pub own: Option<&'a str>,
    pub payload: &'a Value,
}

/// What is known of the members of a record whose changes are kinds of their own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Before<'a> {
    /// It is new.
    New,
    /// It is new to this poll, and an event has told these values.
    Told(&'a Value),
    /// The poll saw these values last.
    Seen(&'a Value),
}

impl Maker<'_> {
    pub fn created(&self, seen: Seen<'_>) -> NewEvent {
        let mut event = self.event("created", seen, 1);
        event.occurred_at = self.created_at(seen.payload).unwrap_or(self.now);
        event
    }

    pub fn updated(&self, seen: Seen<'_>, number: i64) -> NewEvent {
        self.event("updated", seen, number)
    }

    pub fn deleted(&self, seen: Seen<'_>) -> NewEvent {
        self.event("deleted", seen, 1)
    }

    /// A change of an answer that is no record: its version is content, counted.
    pub fn changed(&self, seen: Seen<'_>, number: i64, hash: &str) -> NewEvent {
        NewEvent {
            version: Some(format!("{number}:{hash}")),
            delivery: None,
            ..self.event("changed", seen, number)
        }
    }

    fn event(&self, verb: &str, seen: Seen<'_>, number: i64) -> NewEvent {
        let kind = format!("{}.{verb}", self.poll.trigger.record);
        let found_by = if self.poll.named {
            vec![self.poll.name.clone()]
        } else {
            Vec::new()
        };
        self.of_kind(kind, seen, number, found_by)
    }

    /// Kinds that the change of a member means.
    pub fn changes(
        &self,
        seen: Seen<'_>,
        number: i64,
        before: Before<'_>,
        after: &Value,
    ) -> Vec<NewEvent> {
        let mut events: Vec<NewEvent> = Vec::new();
        for change in self.poll.trigger.changes {
            // Two members can mean the same kind.
            if events.iter().any(|event| event.kind == change.kind) {
                continue;
            }
            // What an answer does not show is not known, and nothing is told of it.
            let Some(value) = after.get(change.member) else {
                continue;
            };
            let reached = change.to.is_none_or(|to| reached(to, value));
            let differs = |before: &Value| {
                let before = before.get(change.member);
                before.is_some_and(|before| before != value)
            };
            let moved = match before {
                // What has come to that value between two polls has changed to it.
                Before::New => change.to.is_some(),
                Before::Told(before) => change.to.is_some() || differs(before),
                Before::Seen(before) => differs(before),
            };
            if moved && reached && self.poll.kinds.contains(change.kind) {
                let mut event = self.of_kind(change.kind.to_owned(), seen, number, Vec::new());
                if !matches!(before, Before::Seen(_)) && seen.own.is_none() {
                    event.occurred_at = self.created_at(seen.payload).unwrap_or(self.now);
                }
                events.push(event);
            }
        }
        events
    }

    /// Kinds of the states that a record has left. Only a value that somebody waits for is such a state.
    pub fn ended(&self, id: &str, before: &Value, after: &Value) -> Vec<(String, String)> {
        let changes = self.poll.trigger.changes.iter();
        let ended = changes.filter(|change| {
            let at = |facets: &Value| {
                change
                    .to
                    .is_some_and(|to| reached(to, &facets[change.member]))
            };
            at(before) && !at(after)
        });
        ended
            .map(|change| (change.kind.to_owned(), id.to_owned()))
            .collect()
    }

    fn of_kind(
        &self,
        kind: String,
        seen: Seen<'_>,
        number: i64,
        found_by: Vec<String>,
    ) -> NewEvent {
        let version = if happens_once(&kind) {
            Some(once_version(&kind))
        } else {
            seen.own.map(str::to_owned)
        };
        let delivery = version
            .is_none()
            .then(|| format!("{} {} {kind} {number}", self.poll.name, seen.id));
        NewEvent {
            source: Source::Poll,
            location: self.location.to_owned(),
            contact: self.contact(seen),
            record: seen.id.to_owned(),
            occurred_at: seen
                .own
                .and_then(|own| own.parse().ok())
                .unwrap_or(self.now),
            version,
            delivery,
            payload: seen.payload.clone(),
            trace: Trace {
                found_by,
                ..Trace::default()
            },
            kind,
        }
    }

    fn contact(&self, seen: Seen<'_>) -> Option<String> {
        let trigger = &self.poll.trigger;
        if let Some(contact) = trigger
            .contact
            .and_then(|pointer| text(seen.payload, pointer))
        {
            return Some(contact);
        }
        match (trigger.record, self.poll.parent_word()) {
            ("contact", _) => Some(seen.id.to_owned()),
            (_, Some("contact")) if !seen.parent.is_empty() => Some(seen.parent.to_owned()),
            _ => None,
        }
    }

    pub fn created_at(&self, record: &Value) -> Option<Timestamp> {
        self.instant(record.pointer(self.poll.trigger.created?)?)
    }

    pub fn instant(&self, value: &Value) -> Option<Timestamp> {
        instant_in(value, self.zone.get().unwrap_or(&TimeZone::UTC))
    }

    /// Values of the members whose changes are kinds of their own.
    pub fn facets(&self, record: &Value) -> Value {
        let members = self.poll.trigger.changes.iter().map(|change| {
            let value = record.pointer(change.member).cloned();
            (change.member.to_owned(), value.unwrap_or_default())
        });
        let mut members: Map<_, _> = members.collect();
        // Whose it was is asked for when it is not there any more.
        if let Some((pointer, contact)) = self.whose(record) {
            members.insert(pointer.to_owned(), contact.into());
        }
        Value::Object(members)
    }

    /// Pointer to a record's contact, and that contact, where the record is none itself.
    fn whose(&self, record: &Value) -> Option<(&'static str, String)> {
        let trigger = &self.poll.trigger;
        let pointer = trigger.contact.filter(|_| trigger.record != "contact")?;
        Some((pointer, text(record, pointer)?))
    }

    /// The contact of a record that is not there any more, as it was when it was seen last.
    pub fn was_of(&self, facets: &Value) -> Option<String> {
        let pointer = self.poll.trigger.contact?;
        facets.get(pointer)?.as_str().map(str::to_owned)
    }
}

/// Whether a member has the value that is written in the table as JSON.
fn reached(to: &str, value: &Value) -> bool {
    serde_json::from_str::<Value>(to).is_ok_and(|to| to == *value)
}

pub(super) fn instant(value: &Value) -> Option<Timestamp> {
    record_version(value)?.parse().ok()
}

/// The same, where the service leaves out the zone and means the location's.
pub(super) fn instant_in(value: &Value, zone: &TimeZone) -> Option<Timestamp> {
    instant(value).or_else(|| {
        let local = value.as_str()?.parse::<DateTime>().ok()?;
        local
            .to_zoned_datetime(zone.clone())
            .ok()
            .map(|at| at.timestamp())
    })
}

/// Whether a time does not say in which zone it is.
pub(super) fn lacks_zone(value: &Value) -> bool {
    let text = value.as_str();
    text.is_some_and(|text| text.parse::<Timestamp>().is_err() && text.parse::<DateTime>().is_ok())
}

/// An id, which some records have as a number.
pub(super) fn text(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_without_a_zone_is_that_of_the_location() {
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        for (written, meant) in [
            ("2026-11-29T10:00:00", "2026-11-29T18:00:00Z"),
            ("2026-11-29 10:00:00", "2026-11-29T18:00:00Z"),
            ("2026-07-01 10:00:00", "2026-07-01T17:00:00Z"),
            ("2026-11-29T10:00:00Z", "2026-11-29T10:00:00Z"),
            ("2026-11-29T10:00:00.123-08:00", "2026-11-29T18:00:00.123Z"),
        ] {
            let at = instant_in(&json!(written), &zone).unwrap();
            assert_eq!(at.to_string(), meant, "{written}");
            let lacks = !written.contains('Z') && !written.contains(".123");
            assert_eq!(lacks_zone(&json!(written)), lacks, "{written}");
        }
        assert_eq!(instant_in(&json!("soon"), &zone), None);
    }
}
