//! People who are to have a profile: the contact is found or created in HighLevel, its mapped fields are brought in step,
//! and both ids are linked. Doing it twice, also after a crash in between, makes nothing twice.

use std::collections::BTreeMap;

use canopy_highlevel::{Client, Error, Priority};
use canopy_mapping::fields::{FieldMapping, FieldProblem, Sides, SyncPlan};
use canopy_mapping::people::PhoneError;
use canopy_mapping::{Profile, Source, Trace, after_write, content_hash, profile_id};
use canopy_store::{Fence, LinkUpdate, NewEvent, ProfileChange, ProfileUpdate, StoreError};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::connection::Connection;
use crate::steps::sync::changed_at;
use crate::{Boundary, Engine, EngineError, echo};

mod person;

pub use person::{Known, Likeness, likeness, recognisable};
use person::{creation, intent_of};

/// Names the work at its boundaries.
const WORK: &str = "adopt";
/// Fields of the person that a contact has in any case, whether they are mapped or not.
pub const PERSON_FIELDS: [&str; 5] = ["email", "phone", "name", "firstName", "lastName"];

/// Link kind of a person whose contact is about to be created: the contact has no id yet.
const CREATING: &str = "creating:contact";

/// What became of one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopted {
    /// The contact's id; `None`: it would have been created.
    pub contact: Option<String>,
    /// Its `ecologiProfileId`.
    pub profile: Option<String>,
    pub outcome: Adoption,
    /// Fields that were written to HighLevel, by the profile's name.
    pub to_highlevel: Vec<String>,
    /// Fields that HighLevel took and does not show.
    pub not_written: Vec<String>,
    /// Fields that stay different on both sides, and why.
    pub problems: Vec<FieldProblem>,
    /// Nothing but the phone says that the contact is this person's: it has another email, and no name was given.
    pub by_phone_alone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// The contact is new in HighLevel.
    Created,
    /// The contact was there and got a profile.
    Linked,
    /// Contact and profile were there, and something changed.
    Updated,
    /// Everything was so already.
    Unchanged,
}

/// Why a person could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// Neither e-mail address nor phone number, by which a repeat could find the contact.
    #[error("it has neither email nor phone, so its contact could not be found again; give one")]
    Nameless,
    /// Values that do not fit their fields.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Fields(Vec<FieldProblem>),
    /// Which of the two was meant nobody can tell.
    #[error(
        "its email is of contact {by_email} and its phone of contact {by_phone}; these are two people in HighLevel, so nothing was written: leave one of the two out, or merge the contacts there"
    )]
    TwoPeople { by_email: String, by_phone: String },
    /// A number that a family or an office shares.
    #[error(
        "its phone is of contact {0}, who has another email and another name, so nothing was written: leave the phone out for a person of its own, or the email where it is the same person"
    )]
    SharedPhone(String),
    /// Who it is could not be compared.
    #[error("field \"{field}\": \"{text}\": {problem}")]
    Phone {
        field: String,
        text: String,
        problem: PhoneError,
    },
    /// HighLevel says that it created the contact, and neither tells nor finds its id.
    #[error(
        "HighLevel created the contact and does not tell its id; run the same again in a minute"
    )]
    NoId,
    /// Nothing is written to HighLevel.
    #[error(
        "connection {0} is in test mode, in which nothing is written to HighLevel; write_in_test = true allows it, --dry-run shows what would be done"
    )]
    TestMode(String),
    /// Another process works for the location.
    #[error("another canopy is working for location {0}; stop it first")]
    Busy(String),
    #[error(transparent)]
    Service(#[from] Error),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One person, with everything that the work needs.
struct Work<'a> {
    engine: &'a Engine,
    connection: &'a Connection,
    mapping: &'a FieldMapping,
    fence: Fence,
    dry_run: bool,
}

impl Engine {
    /// The mapped fields of a location as they are now. The rules' mistakes are `canopy check`'s.
    pub async fn field_mapping(&self, connection: &Connection) -> Result<FieldMapping, Error> {
        let custom = crate::custom_fields(&connection.highlevel, &connection.location).await?;
        Ok(FieldMapping::resolve(&connection.fields, &custom).0)
    }

    /// Gives a person a profile with these fields, which are told by [`recognisable`]. `dry_run`: nothing is written
    /// anywhere.
    pub async fn adopt(
        &self,
        connection: &Connection,
        mapping: &FieldMapping,
        fields: &Map<String, Value>,
        known: &Known,
        dry_run: bool,
    ) -> Result<Adopted, AdoptError> {
        let fields = mapping.typed(fields).map_err(AdoptError::Fields)?;
        let arguments = creation(mapping, &fields).map_err(AdoptError::Fields)?;
        let location = &connection.location;
        let Some(fence) = self.lease(location).await? else {
            return Err(AdoptError::Busy(location.clone()));
        };
        let work = Work {
            engine: self,
            connection,
            mapping,
            fence,
            dry_run,
        };
        match work.find(&arguments, known).await? {
            Some(found) => {
                let contact = &found.contact;
                if !dry_run && work.began(&arguments).await? {
                    // An earlier attempt was ended between the creation and its record.
                    work.remember_created(contact).await?;
                }
                let adopted = work.join(contact, fields, false).await?;
                Ok(Adopted {
                    by_phone_alone: found.by_phone_alone,
                    ..adopted
                })
            }
            None if dry_run => Ok(Adopted {
                contact: None,
                profile: None,
                outcome: Adoption::Created,
                to_highlevel: arguments.keys().cloned().collect(),
                not_written: Vec::new(),
                problems: Vec::new(),
                by_phone_alone: false,
            }),
            None => {
                let contact = work.create(arguments).await?;
                work.join(&contact, fields, true).await
            }
        }
    }
}

impl Work<'_> {
    /// Creates the contact. An answer that was lost is looked up before anything is done again.
    async fn create(&self, mut arguments: Map<String, Value>) -> Result<String, AdoptError> {
        self.must_write()?;
        let question = arguments.clone();
        let location = json!(self.connection.location);
        arguments.insert("locationId".to_owned(), location);
        let intent = self.link(CREATING, &intent_of(&question), None);
        self.put(intent).await?;
        self.at(Boundary::AfterIntent);
        let answer = self
            .invoke("create-contact", Value::Object(arguments))
            .await;
        self.at(Boundary::AfterCall);
        let id = match answer {
            Ok(answer) => answer
                .pointer("/contact/id")
                .and_then(Value::as_str)
                .map(str::to_owned),
            Err(error) if error.outcome_unknown() => {
                match self.find(&question, &Known::default()).await? {
                    Some(found) => Some(found.contact),
                    None => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        let id = if let Some(id) = id {
            id
        } else {
            let found = self.find(&question, &Known::default()).await?;
            found.ok_or(AdoptError::NoId)?.contact
        };
        self.remember_created(&id).await?;
        Ok(id)
    }

    /// What we created ourselves starts no workflow for contacts that people create.
    async fn remember_created(&self, contact: &str) -> Result<(), AdoptError> {
        let link = self.link(&echo::created_kind("contact"), contact, None);
        self.put(link).await
    }

    /// Whether an earlier attempt was about to create this contact and never came to link it.
    async fn began(&self, arguments: &Map<String, Value>) -> Result<bool, AdoptError> {
        let (store, location) = (&self.engine.store, &self.connection.location);
        let intent = store
            .link(location, CREATING, &intent_of(arguments))
            .await?;
        Ok(intent.is_some())
    }

    fn link(&self, kind: &str, highlevel_id: &str, written_hash: Option<String>) -> LinkUpdate {
        LinkUpdate {
            kind: kind.to_owned(),
            highlevel_id: highlevel_id.to_owned(),
            ecologi_id: self.profile_id(highlevel_id),
            written_hash,
        }
    }

    async fn put(&self, link: LinkUpdate) -> Result<(), AdoptError> {
        let now = self.engine.clock.now();
        self.engine.store.put_link(&self.fence, link, now).await?;
        Ok(())
    }

    /// Brings an existing contact and its profile in step, and links them.
    async fn join(
        &self,
        contact: &str,
        fields: Map<String, Value>,
        is_new: bool,
    ) -> Result<Adopted, AdoptError> {
        let (engine, location) = (self.engine, &self.connection.location);
        let now = engine.clock.now();
        let before = engine.store.profile(location, contact).await?;
        let read = self.get(contact).await?;
        let (mut profile, mut changed, mut synced) = match &before {
            Some(Profile {
                fields,
                changed,
                synced,
                ..
            }) => (fields.clone(), changed.clone(), synced.clone()),
            None => (Map::new(), BTreeMap::new(), Map::new()),
        };
        for (name, value) in fields {
            if !self.says_the_same(&name, profile.get(&name), &value) {
                // What is said anew meets what stands there: the rule decides, not what was agreed on before.
                self.mapping.forget(&name, &mut synced);
                changed.insert(name.clone(), now);
                profile.insert(name, value);
            }
        }
        let mut plan = self.mapping.plan(Sides {
            contact: &read,
            contact_changed: changed_at(&read),
            profile: &profile,
            profile_changed: &changed,
            synced: &synced,
        });
        let to_highlevel: Vec<String> = plan.written(self.mapping).map(str::to_owned).collect();
        profile.extend(plan.profile.clone());
        let outcome = match &before {
            _ if is_new => Adoption::Created,
            None => Adoption::Linked,
            Some(before)
                if to_highlevel.is_empty()
                    && before.fields == profile
                    && before.synced == plan.synced =>
            {
                Adoption::Unchanged
            }
            Some(_) => Adoption::Updated,
        };
        let mut not_written = Vec::new();
        if !self.dry_run && outcome != Adoption::Unchanged {
            not_written = self.write(contact, &read, &mut plan, &synced).await?;
            self.keep(contact, before.as_ref(), profile, plan.synced.clone(), now)
                .await?;
        }
        Ok(Adopted {
            contact: Some(contact.to_owned()),
            profile: Some(self.profile_id(contact)),
            outcome,
            to_highlevel,
            not_written,
            problems: plan.problems,
            by_phone_alone: false,
        })
    }

    /// Writes the contact, remembers what it looks like now, and tells what the service dropped.
    async fn write(
        &self,
        contact: &str,
        read: &Value,
        plan: &mut SyncPlan,
        synced: &Map<String, Value>,
    ) -> Result<Vec<String>, AdoptError> {
        let mut written_hash = None;
        let mut lost = Vec::new();
        if !plan.contact.is_empty() {
            self.must_write()?;
            let mut request = plan.contact.clone();
            request.insert("contactId".to_owned(), json!(contact));
            self.invoke("update-contact", Value::Object(request.clone()))
                .await?;
            lost = plan.verify(self.mapping, &self.get(contact).await?, synced);
            written_hash = after_write("update-contact", &request, read)
                .as_ref()
                .map(content_hash);
        }
        if written_hash.is_none() {
            let (store, location) = (&self.engine.store, &self.connection.location);
            let known = store.link(location, "contact", contact).await?;
            written_hash = known.and_then(|link| link.written_hash);
        }
        self.put(self.link("contact", contact, written_hash))
            .await?;
        Ok(lost)
    }

    async fn keep(
        &self,
        contact: &str,
        before: Option<&Profile>,
        fields: Map<String, Value>,
        synced: Map<String, Value>,
        now: Timestamp,
    ) -> Result<(), AdoptError> {
        let location = &self.connection.location;
        let id = self.profile_id(contact);
        let kind = match before {
            None => Some("profile.created"),
            Some(before) if before.fields != fields => Some("profile.updated"),
            Some(_) => None,
        };
        let events = kind.map(|kind| NewEvent {
            source: Source::Manual,
            kind: kind.to_owned(),
            location: location.clone(),
            contact: Some(contact.to_owned()),
            record: id.clone(),
            occurred_at: now,
            version: Some(now.to_string()),
            delivery: None,
            payload: json!({ "ecologiProfileId": id, "contact": contact, "fields": fields }),
            trace: Trace::default(),
        });
        let update = ProfileUpdate {
            id: id.clone(),
            contact: contact.to_owned(),
            fields,
        };
        let change = ProfileChange::Synced {
            contact: contact.to_owned(),
            fields: synced,
        };
        self.at(Boundary::BeforeOutcome);
        let store = &self.engine.store;
        let events = events.into_iter().collect();
        store
            .edit_profile(location, Some(update), vec![change], events, now)
            .await?;
        self.at(Boundary::AfterOutcome);
        Ok(())
    }

    fn profile_id(&self, contact: &str) -> String {
        profile_id(&self.connection.id, &self.connection.location, contact)
    }

    async fn get(&self, contact: &str) -> Result<Value, Error> {
        let question = json!({ "contactId": contact });
        let answer = self.invoke("get-contact", question).await?;
        Ok(answer["contact"].clone())
    }

    /// In test mode nothing is written to HighLevel.
    fn must_write(&self) -> Result<(), AdoptError> {
        if self.connection.writes() {
            return Ok(());
        }
        Err(AdoptError::TestMode(self.connection.id.clone()))
    }

    async fn invoke(&self, operation: &str, arguments: Value) -> Result<Value, Error> {
        let client: &Client = &self.connection.highlevel;
        client
            .invoke_as(Priority::Backfill, operation, &arguments)
            .await
    }

    fn at(&self, boundary: Boundary) {
        self.engine.observer.at(boundary, WORK);
    }
}
