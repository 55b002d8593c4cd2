//! Who a person is: by which contact they are found in HighLevel, and what a new one says of them.

use canopy_highlevel::{Client, Error, Priority};
use canopy_mapping::fields::{FieldMapping, FieldProblem};
use canopy_mapping::people::{self, Country};
use canopy_mapping::{Event, profile_record_id};
use canopy_store::StoreError;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{AdoptError, CREATING, PERSON_FIELDS, Work};
use crate::Engine;
use crate::connection::Connection;

/// What is known of a person before HighLevel is asked: contacts of this address and of this number. Its search for
/// duplicates may lag behind what was created a moment ago.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub by_email: Option<String>,
    pub by_phone: Option<String>,
}

/// How long after its intent a creation may show up before we have recorded its id. The service answers within a minute
/// or not at all.
const UNDER_WAY: SignedDuration = SignedDuration::from_mins(10);

impl Engine {
    /// Whether an event tells of a contact that an import or `profile create`, perhaps in another process, is creating
    /// just now: the webhook may be here before the answer is.
    pub(crate) async fn is_being_adopted(
        &self,
        event: &Event,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if event.kind != "contact.created" {
            return Ok(false);
        }
        let Value::Object(contact) = &event.payload else {
            return Ok(false);
        };
        let intent = intent_of(contact);
        let link = self.store.link(&event.location, CREATING, &intent).await?;
        Ok(link.is_some_and(|link| now.duration_since(link.updated_at).abs() < UNDER_WAY))
    }

    /// The country by whose rules phone numbers without country code are read. `None`: the location names none, or the
    /// token may not read it.
    pub async fn country(&self, connection: &Connection) -> Result<Option<Country>, Error> {
        let question = json!({ "locationId": connection.location });
        let client: &Client = &connection.highlevel;
        let answer = client
            .invoke_as(Priority::Backfill, "get-location", &question)
            .await;
        match answer {
            Ok(answer) => {
                let location = answer.get("location").unwrap_or(&answer);
                Ok(location["country"].as_str().and_then(Country::of))
            }
            Err(error) if matches!(error.status(), Some(401 | 403 | 404)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The fields with their phone numbers in E.164, by which the same person is found again however the number is written.
pub fn recognisable(
    mapping: &FieldMapping,
    mut fields: Map<String, Value>,
    country: Option<Country>,
) -> Result<Map<String, Value>, AdoptError> {
    for (field, value) in &mut fields {
        if !is_of(mapping, field, "phone") {
            continue;
        }
        let Value::String(text) = value else { continue };
        match people::e164(text, country) {
            Ok(number) => *text = number,
            Err(problem) => {
                return Err(AdoptError::Phone {
                    field: field.clone(),
                    text: text.clone(),
                    problem,
                });
            }
        }
    }
    Ok(fields)
}

/// Whether a field of a profile is this one of a person, by its own name or by its rule.
fn is_of(mapping: &FieldMapping, name: &str, person: &str) -> bool {
    let mut mapped = mapping.fields().iter();
    match mapped.find(|field| field.name == name) {
        Some(field) => field.contact_field() == person,
        None => name == person,
    }
}

/// Whose contact it is that has a person's number, and not the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The person's: of the same name, or without an address so far.
    Same,
    /// Perhaps the person's: it has another address, and no name is given to compare.
    Unknown,
    /// Somebody else's, of another address and another name.
    Another,
}

/// Compares what is known of who has a number with a person of the same number: members `email`, `name`, `firstName` and
/// `lastName`.
pub fn likeness(there: &Map<String, Value>, person: &Map<String, Value>) -> Likeness {
    let email = |of: &Map<String, Value>| {
        let email = of.get("email").and_then(Value::as_str);
        email.map(people::email_key).unwrap_or_default()
    };
    let before = email(there);
    if before.is_empty() || before == email(person) {
        return Likeness::Same;
    }
    match (name_of(there), name_of(person)) {
        (_, now) if now.is_empty() => Likeness::Unknown,
        (before, now) if before == now => Likeness::Same,
        _ => Likeness::Another,
    }
}

/// The whole name, without letter case and with single spaces.
fn name_of(person: &Map<String, Value>) -> String {
    let text = |name: &str| person.get(name).and_then(Value::as_str).unwrap_or_default();
    let halves = format!("{} {}", text("firstName"), text("lastName"));
    let whole = if halves.trim().is_empty() {
        text("name")
    } else {
        &halves
    };
    let words: Vec<_> = whole.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// The contact of a person.
pub(super) struct Found {
    pub contact: String,
    /// Nothing but the number says that it is.
    pub by_phone_alone: bool,
}

/// Stands for the person until the contact has an id. No personal data: links outlive it.
pub(super) fn intent_of(arguments: &Map<String, Value>) -> String {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or("");
    let who = format!("{}\n{}", people::email_key(text("email")), text("phone"));
    profile_record_id("creating", &who)
}

/// The new contact's arguments: its mapped fields, and what every contact has.
pub(super) fn creation(
    mapping: &FieldMapping,
    fields: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<FieldProblem>> {
    let mut arguments = mapping.at_creation(fields)?;
    let has_halves = ["firstName", "lastName"].iter().any(|half| {
        arguments.contains_key(*half) || fields.get(*half).is_some_and(|value| !value.is_null())
    });
    for name in PERSON_FIELDS {
        let value = fields.get(name).filter(|value| !value.is_null());
        if let Some(value) = value.filter(|_| name != "name" || !has_halves) {
            arguments.entry(name).or_insert_with(|| value.clone());
        }
    }
    Ok(arguments)
}

impl Work<'_> {
    /// The contact that a new one would be a duplicate of. By address and by number apart: asked for both, HighLevel
    /// tells of one contact, and of which by a setting.
    pub(super) async fn find(
        &self,
        arguments: &Map<String, Value>,
        known: &Known,
    ) -> Result<Option<Found>, AdoptError> {
        let by_email = self.find_by(arguments, "email", "email", known.by_email.as_ref());
        let by_email = by_email.await?;
        let by_phone = self.find_by(arguments, "phone", "number", known.by_phone.as_ref());
        let by_phone = by_phone.await?;
        match (by_email, by_phone) {
            (None, None) => Err(AdoptError::Nameless),
            (Some(Some(by_email)), Some(Some(by_phone))) if by_email != by_phone => {
                Err(AdoptError::TwoPeople { by_email, by_phone })
            }
            (Some(None), Some(Some(by_phone))) => {
                let likeness = self.likeness(&by_phone, arguments).await?;
                if likeness == Likeness::Another {
                    return Err(AdoptError::SharedPhone(by_phone));
                }
                Ok(Some(Found {
                    contact: by_phone,
                    by_phone_alone: likeness == Likeness::Unknown,
                }))
            }
            (by_email, by_phone) => {
                let contact = by_email.flatten().or(by_phone.flatten());
                Ok(contact.map(|contact| Found {
                    contact,
                    by_phone_alone: false,
                }))
            }
        }
    }

    /// How the contact that has the person's number is like the person. Who has moved to a new address keeps the name; where no
    /// name is given, the number says who it is.
    async fn likeness(
        &self,
        contact: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Likeness, AdoptError> {
        let Value::Object(there) = self.get(contact).await? else {
            return Ok(Likeness::Same);
        };
        Ok(likeness(&there, arguments))
    }

    /// `None`: the person has no such thing. `Some(None)`: nobody has it.
    async fn find_by(
        &self,
        arguments: &Map<String, Value>,
        field: &str,
        asked: &str,
        known: Option<&String>,
    ) -> Result<Option<Option<String>>, AdoptError> {
        let Some(value) = arguments.get(field) else {
            return Ok(None);
        };
        if let Some(known) = known {
            return Ok(Some(Some(known.clone())));
        }
        let question = json!({ "locationId": self.connection.location, asked: value });
        let answer = self.invoke("get-duplicate-contact", question).await?;
        let id = answer.pointer("/contact/id").and_then(Value::as_str);
        Ok(Some(id.map(str::to_owned)))
    }

    /// Another letter case of an e-mail address is no change, nor is another notation of a phone number.
    pub(super) fn says_the_same(&self, name: &str, before: Option<&Value>, now: &Value) -> bool {
        if before == Some(now) {
            return true;
        }
        let (Some(Value::String(before)), Value::String(now)) = (before, now) else {
            return false;
        };
        if is_of(self.mapping, name, "phone") {
            return people::e164(before, None).as_deref() == Ok(now);
        }
        is_of(self.mapping, name, "email") && people::email_key(before) == people::email_key(now)
    }
}
