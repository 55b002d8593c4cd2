//! Records that no read by id tells of: which one an event is of, and whether it is still there, as a list shows it.

use canopy_highlevel::operation::{ListedRecord, WebhookEvent};
use canopy_highlevel::{Error, Priority, TryStreamExt as _};
use canopy_mapping::{Event, record_version};
use serde_json::{Map, Value};

use crate::connection::Connection;

/// A record that is looked for by what it says came just now, so it is near the list's beginning.
const PAGES: u32 = 5;

/// What the list told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Record(String),
    Nothing,
}

/// The list to ask, for an event that is not complete without it.
pub(crate) fn wanted(webhook: &WebhookEvent, event: &Event) -> Option<ListedRecord> {
    webhook.listed.filter(|_| event.version.is_none())
}

/// Looks for the event's record on the list.
pub(crate) async fn find(
    connection: &Connection,
    listed: ListedRecord,
    event: &Event,
) -> Result<Found, Error> {
    let mut arguments = Map::new();
    for (name, pointer) in listed.arguments {
        let value = event.payload.pointer(pointer).cloned();
        arguments.insert((*name).to_owned(), value.unwrap_or_default());
    }
    let operation = canopy_highlevel::operation(listed.by);
    let mut parameters = operation.iter().flat_map(|operation| operation.parameters);
    if parameters.any(|parameter| parameter.required && parameter.name == "locationId") {
        arguments.insert("locationId".to_owned(), event.location.clone().into());
    }
    let id_at = operation.and_then(|operation| operation.id);
    let highlevel = connection.highlevel.with_priority(Priority::Workflow);
    let mut pages = highlevel.pages(listed.by, &Value::Object(arguments));
    let (mut read, mut alike) = (0, None);
    while let Some(page) = pages.try_next().await? {
        for record in page.items() {
            let id = id_at.and_then(|pointer| text(record, pointer));
            match fits(listed, event, record, id) {
                Fit::Surely(id) => return Ok(Found::Record(id)),
                Fit::Perhaps(id) => alike = alike.or(Some(id)),
                Fit::No => {}
            }
        }
        read += 1;
        if !listed.same.is_empty() && (alike.is_some() || read == PAGES) {
            break;
        }
    }
    Ok(alike.map_or(Found::Nothing, Found::Record))
}

enum Fit {
    Surely(String),
    /// Another may fit better.
    Perhaps(String),
    No,
}

fn fits(listed: ListedRecord, event: &Event, record: &Value, id: Option<&str>) -> Fit {
    let Some(id) = id else {
        return Fit::No;
    };
    let told = &event.payload;
    if listed.same.is_empty() {
        return if id == event.record {
            Fit::Surely(id.to_owned())
        } else {
            Fit::No
        };
    }
    if let Some((ids, part)) = listed.part
        && let Some(part) = text(told, part)
    {
        let ids = record.pointer(ids).and_then(Value::as_array);
        let at = ids.and_then(|ids| ids.iter().position(|id| *id == *part));
        return match at {
            // The first part came with the record, each later one is something of its own.
            Some(0) => Fit::Surely(id.to_owned()),
            Some(_) => Fit::Surely(part.to_owned()),
            None => Fit::No,
        };
    }
    let says = |value: &Value, pointer: &str| value.pointer(pointer).and_then(record_version);
    let is_same = |pointer: &&str| {
        says(told, pointer).is_some_and(|told| Some(told) == says(record, pointer))
    };
    match listed.same.iter().all(is_same) {
        true if told["body"] == record["body"] => Fit::Surely(id.to_owned()),
        true => Fit::Perhaps(id.to_owned()),
        false => Fit::No,
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value
        .pointer(pointer)?
        .as_str()
        .filter(|text| !text.is_empty())
}
