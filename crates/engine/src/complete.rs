//! Completes an event by a read: its state, and where the payload does not say it, its record and its kind.

use canopy_highlevel::operation::{EventVersion, ListedRecord, Operation, Reading, WebhookEvent};
use canopy_highlevel::{Error, OPERATIONS, Priority, WEBHOOKS, webhook};
use canopy_mapping::{Event, Source, content_hash, once_version, record_version};
use canopy_store::{Completion, Fence, InboxRow, Inserted, Version};
use serde_json::{Map, Value, json};

use crate::Engine;
use crate::connection::Connection;
use crate::error::{EngineError, Verdict};
use crate::lookup::{self, Found};

/// So often a list is asked for a record that it should show.
const LOOKS: u32 = 5;

impl Engine {
    /// Reads the record behind an event: a webhook only hints at it, and a search lags behind. `None`: there is nothing
    /// to run.
    pub(crate) async fn complete(
        &self,
        connection: &Connection,
        fence: &Fence,
        row: &InboxRow,
    ) -> Result<Option<Event>, EngineError> {
        let event = &row.event;
        let webhook = WEBHOOKS.iter().find(|webhook| webhook.kind == event.kind);
        let known = self.is_known(event).await?;
        let fetch = if known {
            None
        } else {
            fetch_of(webhook, event)
        };
        if let Some(webhook) = webhook
            && !known
            && let Some(listed) = lookup::wanted(webhook, event)
        {
            return self.complete_by_list(connection, fence, row, listed).await;
        }
        let Some(fetch) = fetch else {
            // Some kinds have nothing to read.
            let version = match &event.version {
                Some(version) => Version::Own(version.clone()),
                // Each call of a workflow's webhook is an event, also where it says the same again.
                None if event.kind.starts_with("hook.") => {
                    Version::Own(format!("{}:{}", event.id, content_hash(&event.payload)))
                }
                None => Version::Content(content_hash(&event.payload)),
            };
            return self
                .with_version(fence, event.clone(), version, false)
                .await;
        };
        if webhook.is_some_and(|webhook| needs_contact(webhook, fetch)) && event.contact.is_none() {
            // The poll that finds the record fills the contact in; where none does, both are gone.
            let error = format!(
                "the webhook does not say whose {} it is, and without the contact it cannot be read; it waits for the poll that finds it with its contact",
                event.kind.split('.').next().unwrap_or("record")
            );
            self.told_without_contact(fence, row, &error).await?;
            return Ok(None);
        }
        let arguments = arguments_of(webhook, fetch, event);
        let answer = connection
            .highlevel
            .invoke_as(Priority::Workflow, fetch.name, &arguments)
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.not_read(connection, fence, row, &error).await,
        };
        if let Some(problem) = another(fetch, &answer, &event.record) {
            self.read_later(fence, row, None, &problem).await?;
            return Ok(None);
        }
        let own_version = fetch
            .version
            .and_then(|pointer| answer.pointer(pointer))
            .and_then(record_version);
        let record = record_in(fetch, answer);
        let changed = self
            .changed_instead(event, &record, own_version.as_deref())
            .await?;
        let once = match webhook {
            _ if changed.is_some() => false,
            Some(webhook) => webhook.version == EventVersion::Once,
            None => event.kind.ends_with(".created"),
        };
        let version = match &event.version {
            Some(version) if once => Version::Own(version.clone()),
            None if once => Version::Own(once_version(&event.kind)),
            // The state that was read, which may be newer than the one that the event announced.
            _ => own_version.map_or_else(|| Version::Content(content_hash(&record)), Version::Own),
        };
        let event = Event {
            contact: event.contact.clone().or_else(|| text(&record, "contactId")),
            payload: record,
            kind: changed.map_or_else(|| event.kind.clone(), str::to_owned),
            ..event.clone()
        };
        self.with_version(fence, event, version, true).await
    }

    /// Whether a plan does without reading the record: it is for many events, and a read for each would cost more than
    /// it tells. What we wrote is read, because lists show it in another form than the echo guard compares.
    async fn is_known(&self, event: &Event) -> Result<bool, EngineError> {
        if !self.is_planning() || event.source != Source::Manual {
            return Ok(false);
        }
        let kind = event.kind.split('.').next().unwrap_or_default();
        let link = self
            .store
            .link(&event.location, kind, &event.record)
            .await?;
        Ok(link.is_none_or(|link| link.written_hash.is_none()))
    }

    /// Completes an event by the list on which its record is.
    async fn complete_by_list(
        &self,
        connection: &Connection,
        fence: &Fence,
        row: &InboxRow,
        listed: ListedRecord,
    ) -> Result<Option<Event>, EngineError> {
        let event = &row.event;
        let found = match lookup::find(connection, listed, event).await {
            Ok(found) => found,
            // Where it is gone, what the list hangs on is, and the record with it.
            Err(error) => return self.not_read(connection, fence, row, &error).await,
        };
        let once = Version::Own(once_version(&event.kind));
        match found {
            Found::Record(record) => {
                let event = Event {
                    record,
                    ..event.clone()
                };
                self.with_version(fence, event, once, false).await
            }
            Found::Nothing if listed.same.is_empty() => {
                let error = format!("{} does not show the record", listed.by);
                self.gone(fence, row, &error).await
            }
            Found::Nothing if row.attempts < LOOKS => {
                let error = format!("{} does not show the record yet", listed.by);
                self.list_lags(fence, row, &error).await?;
                Ok(None)
            }
            // It happened, whether or not the list ever shows it.
            Found::Nothing => {
                let version = Version::Own(content_hash(&event.payload));
                self.with_version(fence, event.clone(), version, false)
                    .await
            }
        }
    }

    /// The read of an event's record failed: what the service says itself is believed, anything else says nothing.
    async fn not_read(
        &self,
        connection: &Connection,
        fence: &Fence,
        row: &InboxRow,
        error: &Error,
    ) -> Result<Option<Event>, EngineError> {
        let told = error.to_string();
        if error.is_gone() {
            return self.gone(fence, row, &told).await;
        }
        // Of a record whose contact is gone the service may say that the request is wrong.
        let may_hide = error.speaks_for_service() && matches!(error.status(), Some(400 | 422));
        if may_hide
            && !row.event.kind.starts_with("contact.")
            && let Some(contact) = &row.event.contact
            && let Err(Verdict::Missing(gone)) = self.contact(connection, contact).await
        {
            self.missing(fence, row, Some(contact), &gone).await?;
            return Ok(None);
        }
        self.read_later(fence, row, error.retry_after(), &told)
            .await?;
        Ok(None)
    }

    /// The record is not there. Where the payload of its removal looks like this one, it was its removal, once it has not been
    /// there for as long as what was just made may not be there yet.
    async fn gone(
        &self,
        fence: &Fence,
        row: &InboxRow,
        error: &str,
    ) -> Result<Option<Event>, EngineError> {
        let event = &row.event;
        let now = self.clock.now();
        let waited = row
            .missing_since
            .is_some_and(|since| now.duration_since(since) >= self.options.retry.gone_after);
        if let Some(removal) = removal_of(event)
            && (waited || self.is_told_gone(event, None).await?)
        {
            let version = Version::Own(once_version(removal));
            let event = Event {
                kind: removal.to_owned(),
                ..event.clone()
            };
            return self.with_version(fence, event, version, true).await;
        }
        self.missing(fence, row, None, error).await?;
        Ok(None)
    }

    /// The record behind an event as it is now; `None`: there is none to read.
    pub(crate) async fn read_record(
        &self,
        connection: &Connection,
        event: &Event,
    ) -> Result<Option<Value>, Verdict> {
        let webhook = WEBHOOKS.iter().find(|webhook| webhook.kind == event.kind);
        let Some(fetch) = fetch_of(webhook, event) else {
            return Ok(None);
        };
        if webhook.is_some_and(|webhook| needs_contact(webhook, fetch)) && event.contact.is_none() {
            return Ok(None);
        }
        let arguments = arguments_of(webhook, fetch, event);
        let client = &connection.highlevel;
        match client
            .invoke_as(Priority::Workflow, fetch.name, &arguments)
            .await
        {
            Ok(answer) => match another(fetch, &answer, &event.record) {
                Some(error) => Err(Verdict::Retry { error, after: None }),
                None => Ok(Some(record_in(fetch, answer))),
            },
            // Nothing is judged on what it was before.
            Err(error) if error.is_gone() => Err(Verdict::Missing(format!(
                "{} {} is not there ({error})",
                event.kind.split('.').next().unwrap_or("record"),
                event.record
            ))),
            Err(error) => Err(Verdict::Retry {
                error: error.to_string(),
                after: error.retry_after(),
            }),
        }
    }

    /// Stores what is known by now; another row with the same version makes this one a duplicate. `read`: its record was
    /// read just now.
    async fn with_version(
        &self,
        fence: &Fence,
        event: Event,
        version: Version,
        read: bool,
    ) -> Result<Option<Event>, EngineError> {
        let seen =
            (read && event.kind.starts_with("contact.") && !event.kind.ends_with(".deleted"))
                .then(|| content_hash(&event.payload));
        let completion = Completion {
            kind: Some(event.kind),
            record: Some(event.record),
            version,
            contact: event.contact,
            payload: event.payload,
            read,
            seen,
        };
        let stored = self
            .store
            .complete_event(fence, event.id, completion, self.clock.now())
            .await?;
        Ok(match stored {
            // As it stands now: the store numbers the versions of records that have none.
            Inserted::Stored(id) => self.store.event(id).await?.map(|row| row.event),
            Inserted::Duplicate(_) => None,
        })
    }
}

/// The read of a single record that a poll found and for which there is no webhook. `None`: the list said all that is
/// known, the read wants more than the ids at hand, or there is no record to read.
fn read_of(event: &Event) -> Option<&'static Operation> {
    let (word, verb) = event.kind.split_once('.')?;
    if matches!(verb, "deleted" | "changed") {
        return None;
    }
    let reads = |operation: &&Operation| {
        operation
            .trigger
            .is_some_and(|trigger| trigger.record == word && trigger.reading == Reading::Record)
    };
    let ids_at_hand = |operation: &&Operation| {
        let required = operation
            .parameters
            .iter()
            .filter(|parameter| parameter.required && parameter.name != "locationId");
        let others = required.filter(|parameter| {
            parameter.name != "contactId" || word == "contact" || event.contact.is_none()
        });
        let mut others = others.map(|parameter| parameter.name.to_lowercase());
        others.next().is_some_and(|name| name.ends_with("id")) && others.next().is_none()
    };
    OPERATIONS.iter().filter(reads).find(ids_at_hand)
}

/// The kind that an event may turn out to be, because a removal's payload looks like its own.
pub(crate) fn removal_of(event: &Event) -> Option<&'static str> {
    let webhook = WEBHOOKS.iter().find(|webhook| webhook.kind == event.kind)?;
    // One that has its version was sure: its address names it.
    let is_guess = event.source == Source::Webhook
        && event.version.is_none()
        && webhook::is_guessed(webhook, &event.payload);
    webhook::removal(webhook)
        .filter(|_| is_guess)
        .map(|removal| removal.kind)
}

/// Whether the record can be read only by whose it is.
fn needs_contact(webhook: &WebhookEvent, fetch: &Operation) -> bool {
    webhook
        .contact
        .is_some_and(|contact| contact != webhook.record)
        && fetch
            .parameters
            .iter()
            .any(|parameter| parameter.required && parameter.name == "contactId")
}

/// The operation that reads the record behind an event.
fn fetch_of(webhook: Option<&WebhookEvent>, event: &Event) -> Option<&'static Operation> {
    match webhook {
        Some(webhook) => webhook.fetch.and_then(canopy_highlevel::operation),
        None => read_of(event),
    }
}

/// What is wrong with an answer that does not show the record that was asked for.
pub(crate) fn another(fetch: &Operation, answer: &Value, asked: &str) -> Option<String> {
    let problem = match answer.pointer(fetch.id?) {
        Some(Value::String(id)) if id == asked => return None,
        Some(Value::Number(id)) if id.to_string() == asked => return None,
        Some(Value::String(_) | Value::Number(_)) => "shows another record than was asked for",
        _ => "does not show the record that was asked for",
    };
    Some(format!(
        "{}: the answer {problem}, so nothing is known of it; it is asked for again",
        fetch.name
    ))
}

/// The record within the answer of its read.
fn record_in(fetch: &Operation, answer: Value) -> Value {
    match fetch.record.and_then(|pointer| answer.pointer(pointer)) {
        Some(record) => record.clone(),
        None => answer,
    }
}

/// The read's path parameters: the contact's id where the name says so, the record's id for the rest.
fn arguments_of(webhook: Option<&WebhookEvent>, fetch: &Operation, event: &Event) -> Value {
    let about_contact = match webhook {
        Some(webhook) => webhook.contact == Some(webhook.record),
        None => event.kind.starts_with("contact."),
    };
    let about_location = webhook.is_some_and(|webhook| webhook.location == Some(webhook.record));
    let mut arguments = Map::new();
    for parameter in fetch.parameters {
        let value = match parameter.name {
            "locationId" if !about_location => &event.location,
            "contactId" if !about_contact => event.contact.as_ref().unwrap_or(&event.record),
            _ => &event.record,
        };
        if parameter.required {
            arguments.insert(parameter.name.to_owned(), json!(value));
        }
    }
    Value::Object(arguments)
}

fn text(value: &Value, member: &str) -> Option<String> {
    value[member].as_str().map(str::to_owned)
}
