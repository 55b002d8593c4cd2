//! Operations that nobody has written a handler for: records that are created, read, listed, changed and deleted as the
//! description says, so that a new operation is served as soon as it is described. What belongs to a service's own mind,
//! as a slot that is taken, needs a handler.

use std::sync::Arc;

use http::StatusCode;
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::access::Access;
use super::describing::{Pages, access, member, pages, put, resolve, text};
use super::fields::Rules;
use super::views;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::clock::iso;
use crate::collection::Record;
use crate::operations::Route;
use crate::records::Contact;
use crate::world::World;

/// Records by the path below which they are, with its parameters filled in.
pub type Store = IndexMap<String, Vec<Record>>;

/// Page size where none is asked for.
const PAGE: usize = 20;
/// Query keys by which contacts are looked up.
const CONTACT_KEYS: [&str; 2] = ["email", "phone"];
/// Query keys that choose no record.
const NO_FILTERS: [&str; 4] = ["limit", "locationId", "altId", "altType"];

/// What is done to the records, and where they are in an answer.
#[derive(Debug, Clone)]
pub struct Plan {
    verb: Verb,
    /// The path's segments that name the collection.
    collection: Vec<String>,
    /// From the answer to the record, or to the list.
    place: String,
    /// What the record calls its id.
    id: String,
    status: u16,
    /// Members of the record that tell a time.
    created: Vec<String>,
    updated: Vec<String>,
    /// Flags of the answer that say that it was done.
    flags: Vec<String>,
    /// The list is one of contacts, which are there already.
    of_contacts: bool,
    has_total: bool,
    access: Access,
    scope: Option<String>,
    template: String,
}

#[derive(Debug, Clone)]
enum Verb {
    List(Pages),
    Get,
    Create,
    Update,
    Delete,
}

impl Plan {
    /// `None` where the description does not say enough: which records an operation is about.
    pub fn read(document: &Value, template: &str, method: &str, operation: &Value) -> Option<Self> {
        let segments: Vec<&str> = template.split('/').collect();
        let names_record = segments.last().is_some_and(|last| last.starts_with('{'));
        let text = |key: &str| operation[key].as_str().map(ToOwned::to_owned);
        let (items, record) = (text("x-items"), text("x-record"));
        let is_read = operation["x-idempotency"] == "read";
        let verb = match method {
            "get" | "post" if is_read && items.is_some() => Verb::List(pages(operation)),
            "get" if names_record && text("x-id").is_some() => Verb::Get,
            "post" if !names_record && !is_read && text("x-id").is_some() => Verb::Create,
            "put" | "patch" if names_record => Verb::Update,
            "delete" if names_record => Verb::Delete,
            _ => return None,
        };
        let collection = if names_record && !matches!(verb, Verb::List(_)) {
            &segments[..segments.len() - 1]
        } else {
            &segments[..]
        };
        let responses = operation["responses"].as_object()?;
        let (status, answer) = responses
            .iter()
            .find(|(status, _)| status.starts_with('2'))?;
        let answer = resolve(document, answer);
        let schema = answer["content"]
            .as_object()?
            .values()
            .next()?
            .get("schema")?;
        let schema = resolve(document, schema);
        let place = items.clone().or(record).unwrap_or_default();
        let described = member(document, schema, &place);
        let is_contact = |schema: &Value| {
            [&schema["$ref"], &schema["allOf"][0]["$ref"]]
                .iter()
                .any(|to| **to == "#/components/schemas/Contact")
        };
        let of_contacts = matches!(verb, Verb::List(_)) && is_contact(&described["items"]);
        let described = if items.is_some() {
            resolve(document, &described["items"])
        } else {
            described
        };
        // One of several answers can have the members of each.
        let parts = described["oneOf"].as_array().into_iter().flatten();
        let parts: Vec<&Value> = parts
            .map(|part| resolve(document, part))
            .chain([described])
            .collect();
        let has = |names: &[&str]| -> Vec<String> {
            let is_there = |name: &str| {
                parts
                    .iter()
                    .any(|part| part["properties"].get(name).is_some())
            };
            let names = names.iter().filter(|name| is_there(name));
            names.map(|name| (*name).to_owned()).collect()
        };
        let id = text("x-id").and_then(|id| Some(id.rsplit('/').next()?.to_owned()));
        let flags = ["succeded", "succeeded", "success", "deleted"]
            .iter()
            .filter(|flag| schema["properties"][**flag]["type"] == "boolean");
        Some(Self {
            verb,
            collection: collection
                .iter()
                .map(|segment| (*segment).to_owned())
                .collect(),
            place,
            id: id.unwrap_or_else(|| "id".to_owned()),
            status: status.parse().unwrap_or(200),
            created: has(&["dateAdded", "createdAt"]),
            updated: has(&["dateUpdated", "updatedAt"]),
            flags: flags.map(|flag| (*flag).to_owned()).collect(),
            of_contacts,
            has_total: schema["properties"].get("total").is_some(),
            access: access(&operation["x-token-kinds"]),
            scope: operation["x-scopes"][0].as_str().map(ToOwned::to_owned),
            template: template.to_owned(),
        })
    }

    /// A route that lives as long as the process: descriptions are read once.
    pub fn route(&self, method: &str) -> Route {
        let kept = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        Route {
            method: kept(method),
            template: kept(&self.template),
            access: self.access,
            scope: self.scope.as_deref().map(kept),
            handler: unplanned,
        }
    }

    /// Does what the operation says.
    pub fn serve(&self, world: &mut World, call: &Call<'_>) -> Handled {
        let key = self.key(call);
        match &self.verb {
            Verb::List(pages) => Ok(self.list(world, &key, call, pages)),
            Verb::Get => {
                let record = found(world, &key, call)?.1.clone();
                Ok(self.answer(self.shown(&record)))
            }
            Verb::Create => {
                let record = Record::new(world.ids.record(), call.now, call.body.clone());
                let shown = self.shown(&record);
                world.plain.entry(key).or_default().push(record);
                Ok(self.answer(shown))
            }
            Verb::Update => {
                let (index, _) = found(world, &key, call)?;
                let record = &mut world.plain[&key][index];
                for (name, value) in call.body.as_object().into_iter().flatten() {
                    record.set(name, value.clone());
                }
                record.updated_at = call.now;
                let shown = self.shown(&world.plain[&key][index]);
                Ok(self.answer(shown))
            }
            Verb::Delete => {
                let (index, _) = found(world, &key, call)?;
                let gone = world.plain[&key].remove(index);
                Ok(self.answer(self.shown(&gone)))
            }
        }
    }

    /// The collection's name: two contacts have two lists.
    fn key(&self, call: &Call<'_>) -> String {
        let mut arguments = call.arguments.iter();
        let segments = self.collection.iter().map(|segment| {
            if segment.starts_with('{') {
                (*arguments.next().unwrap_or(&"")).to_owned()
            } else {
                segment.clone()
            }
        });
        segments
            .collect::<Vec<_>>()
            .join("/")
            .trim_end_matches('/')
            .to_owned()
    }

    fn shown(&self, record: &Record) -> Value {
        let mut shown = record.json_as(&self.id);
        for (names, at) in [
            (&self.created, record.created_at),
            (&self.updated, record.updated_at),
        ] {
            for name in names {
                shown[name] = iso(at).into();
            }
        }
        shown
    }

    fn answer(&self, record: Value) -> Answer {
        let mut body = if self.place.is_empty() && !matches!(self.verb, Verb::Delete) {
            record
        } else if self.place.is_empty() {
            json!({})
        } else {
            let mut body = json!({});
            put(&mut body, &self.place, record);
            body
        };
        for flag in &self.flags {
            body[flag] = true.into();
        }
        Answer::new(
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK),
            body,
        )
    }

    fn list(&self, world: &World, key: &str, call: &Call<'_>, pages: &Pages) -> Answer {
        let own = match pages {
            Pages::None => "",
            Pages::Over(name) => name,
            Pages::Cursor { parameter, .. } | Pages::After { parameter, .. } => parameter,
        };
        let records = if self.of_contacts {
            contacts(world, call)
        } else {
            let records = world.plain.get(key).map(Vec::as_slice);
            let records = records.unwrap_or_default().iter();
            records.map(|record| self.shown(record)).collect()
        };
        let is_asked = |record: &Value| {
            call.query.iter().all(|(name, wanted)| {
                let is_no_filter = name == own || NO_FILTERS.contains(&name.as_str());
                let is_found_already = self.of_contacts && CONTACT_KEYS.contains(&name.as_str());
                is_no_filter
                    || is_found_already
                    || record[name].is_null()
                    || text(&record[name]) == *wanted
            })
        };
        let all: Vec<Value> = records.into_iter().filter(is_asked).collect();
        let limit = call.number("limit", PAGE).unwrap_or(PAGE).max(1);
        let behind = |pointer: &str| {
            let place = call.query(own).unwrap_or_default();
            let is_it = |record: &Value| {
                record
                    .pointer(pointer)
                    .is_some_and(|value| text(value) == place)
            };
            all.iter().position(is_it).map_or(0, |index| index + 1)
        };
        let id = format!("/{}", self.id);
        let start = match pages {
            Pages::None => 0,
            Pages::Over(name) => call.number(name, 0).unwrap_or(0),
            Pages::Cursor { .. } => behind(&id),
            Pages::After { from, .. } => behind(from),
        };
        let size = if matches!(pages, Pages::None) {
            all.len()
        } else {
            limit
        };
        let page: Vec<Value> = all.iter().skip(start).take(size).cloned().collect();
        let mut body = json!({});
        if let Pages::Cursor { next, .. } = pages
            // A full page names the next one, which may be empty.
            && page.len() == limit
            && let Some(last) = page.last().and_then(|record| record.pointer(&id))
        {
            put(&mut body, next, last.clone());
        }
        if self.has_total {
            body["total"] = all.len().into();
        }
        put(&mut body, &self.place, page.into());
        Answer::new(
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK),
            body,
        )
    }
}

/// The handler of routes without one: [`Plan::serve`] stands in its place.
fn unplanned(_: &mut World, _: &Call<'_>) -> Handled {
    Err(Answer::refused(
        StatusCode::NOT_IMPLEMENTED,
        "The sandbox does not serve this yet",
    ))
}

/// The location's contacts in full, oldest first; an address or a number chooses those that have it, as their first one
/// or as a further one.
fn contacts(world: &World, call: &Call<'_>) -> Vec<Value> {
    let rules = Rules::of(world);
    let is_asked = |contact: &&Arc<Contact>| {
        let by_email = call.query("email").is_none_or(|wanted| {
            let further = contact.additional_emails.iter().map(String::as_str);
            contact
                .text("email")
                .into_iter()
                .chain(further)
                .any(|email| email.eq_ignore_ascii_case(wanted))
        });
        let by_phone = call
            .query("phone")
            .is_none_or(|wanted| contact.text("phone") == Some(rules.phone(wanted).as_str()));
        by_email && by_phone
    };
    let mut found: Vec<_> = world.contacts.all().filter(is_asked).collect();
    found.sort_by_key(|contact| (contact.date_added, &contact.id));
    let shown = |contact: &Arc<Contact>| views::full(contact, &world.location);
    found.into_iter().map(shown).collect()
}

fn found<'w>(world: &'w World, key: &str, call: &Call<'_>) -> Result<(usize, &'w Record), Answer> {
    let id = call.arguments.last().copied().unwrap_or_default();
    let records = world.plain.get(key).map(Vec::as_slice).unwrap_or_default();
    let mut records = records.iter().enumerate();
    let missing = || Answer::not_found(format!("Record with id {id} not found"));
    records
        .find(|(_, record)| record.id == id)
        .ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_makes_its_way() {
        let mut body = json!({ "a": 1 });
        put(&mut body, "/meta/next", json!("x"));
        put(&mut body, "/meta/more", json!("y"));
        assert_eq!(
            body,
            json!({ "a": 1, "meta": { "next": "x", "more": "y" } })
        );
    }

    #[test]
    fn what_does_not_say_which_records_it_is_about_is_left_to_a_handler() {
        let answer = json!({ "200": { "content": { "application/json": { "schema": {} } } } });
        let plan = |path: &str, method: &str, mut operation: Value| {
            operation["responses"] = answer.clone();
            Plan::read(&json!({}), path, method, &operation).is_some()
        };
        assert!(plan(
            "/things/",
            "get",
            json!({ "x-items": "/things", "x-idempotency": "read" })
        ));
        assert!(plan("/things/{id}", "get", json!({ "x-id": "/id" })));
        assert!(plan("/things/", "post", json!({ "x-id": "/id" })));
        assert!(plan("/things/{id}", "delete", json!({})));
        assert!(!plan("/things/", "get", json!({ "x-idempotency": "read" })));
        assert!(!plan("/things/{id}/publish", "post", json!({})));
        assert!(!plan("/things/count", "get", json!({})));
    }
}
