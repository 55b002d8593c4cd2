//! From an inbox row to runs: complete the event, drop echoes, match workflows.

use canopy_highlevel::operation::{EventVersion, Operation, Reading, WebhookEvent};
use canopy_highlevel::{OPERATIONS, Priority, WEBHOOKS};
use canopy_mapping::{Event, Source, Workflow, content_hash, record_version, template};
use canopy_store::{
    Completion, EventEnd, Fence, InboxRow, Inserted, NewAlert, NewRun, Run, Version,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::connection::Connection;
use crate::context::Context;
use crate::error::{EngineError, Verdict};
use crate::{Engine, FIRED, echo};

/// So many runs deep an event may be; further down workflows start each other for ever.
const DEEPEST: u32 = 8;

impl Engine {
    /// Takes one pending event as far as its runs.
    pub(crate) async fn take_in(
        &self,
        connection: &Connection,
        fence: &Fence,
        row: InboxRow,
    ) -> Result<Vec<Run>, EngineError> {
        let now = self.clock.now();
        let id = row.event.id;
        let wanted = |workflow: &&Workflow| match fired_for(&row.event) {
            Some(ids) => ids.contains(&&*workflow.id),
            None => workflow.starts_on(&row.event),
        };
        if !connection
            .workflows
            .iter()
            .any(|workflow| wanted(&workflow))
        {
            self.store
                .settle_event(fence, id, EventEnd::NoMatch, now)
                .await?;
            return Ok(Vec::new());
        }
        if let Some(reason) = self.too_old(&row, now) {
            self.store.hold_event(fence, id, &reason, now).await?;
            // Nobody would miss what nobody was told of.
            let alert = NewAlert {
                location: fence.location.clone(),
                kind: "approval".to_owned(),
                subject: row.event.kind.clone(),
                message: "events that polls found too late wait for approval; `canopy events --state held` lists them, `canopy approve` lets them go on".to_owned(),
            };
            self.store.raise_alert(alert, now).await?;
            return Ok(Vec::new());
        }
        if row.event.trace.depth > DEEPEST {
            self.stop_loop(fence, &row.event).await?;
            return Ok(Vec::new());
        }
        let Some(event) = self.complete(connection, fence, &row).await? else {
            return Ok(Vec::new());
        };
        if echo::is_echo(&*self.store, fence, &event, now).await? {
            self.store
                .settle_event(fence, id, EventEnd::Echo, now)
                .await?;
            return Ok(Vec::new());
        }
        let mut runs = Vec::new();
        for workflow in connection.workflows.iter().filter(wanted) {
            match self.holds(connection, workflow, &event).await? {
                Ok(true) => runs.push(NewRun {
                    workflow: workflow.id.clone(),
                    definition: json!(workflow).to_string(),
                }),
                Ok(false) => {}
                Err(error) => {
                    let until = now + self.options.retry.delay(row.attempts + 1);
                    self.store
                        .postpone_event(fence, id, until, &error, now)
                        .await?;
                    return Ok(Vec::new());
                }
            }
        }
        if runs.is_empty() {
            self.store
                .settle_event(fence, id, EventEnd::NoMatch, now)
                .await?;
            return Ok(Vec::new());
        }
        Ok(self.store.start_runs(fence, id, runs, now).await?)
    }

    /// Why an event that a poll found late needs a person's approval; `None` where it does not.
    fn too_old(&self, row: &InboxRow, now: Timestamp) -> Option<String> {
        let most = self.options.max_age?;
        let age = now.duration_since(row.event.occurred_at);
        let waits = row.event.source == Source::Poll && !row.approved && age > most;
        waits.then(|| {
            format!(
                "a poll found it more than {most:#} after it happened; `canopy approve {}` lets it go on",
                row.event.id
            )
        })
    }

    /// Ends an event that stands at the end of a long chain of runs, and tells a person.
    async fn stop_loop(&self, fence: &Fence, event: &Event) -> Result<(), EngineError> {
        let now = self.clock.now();
        let cause = event.trace.cause.unwrap_or_default();
        let alert = NewAlert {
            location: fence.location.clone(),
            kind: "loop".to_owned(),
            subject: event.kind.clone(),
            message: format!(
                "{} of run {cause} came out of {} runs in a row, so workflows start each other; it was not run. Give one of them a condition",
                event.kind, event.trace.depth
            ),
        };
        self.store.raise_alert(alert, now).await?;
        self.store
            .settle_event(fence, event.id, EventEnd::NoMatch, now)
            .await?;
        Ok(())
    }

    /// Whether the workflow's condition holds. The inner error: the contact that it asks for cannot be read now.
    async fn holds(
        &self,
        connection: &Connection,
        workflow: &Workflow,
        event: &Event,
    ) -> Result<Result<bool, String>, EngineError> {
        let Some(when) = &workflow.when else {
            return Ok(Ok(true));
        };
        let contact = if when.contains("contact") {
            match self.contact_of(connection, event).await {
                Ok(contact) => contact,
                Err(Verdict::Retry { error, .. }) => return Ok(Err(error)),
                Err(_) => Value::Null,
            }
        } else {
            Value::Null
        };
        let context = Context::new(self, connection, workflow, event, contact).await?;
        // A condition that cannot be evaluated starts the run, which then fails visibly.
        Ok(Ok(template::holds(when, &context.value).unwrap_or(true)))
    }

    /// Reads the record behind an event: a webhook only hints at it, and a search lags behind. `None`: there is nothing
    /// to run.
    async fn complete(
        &self,
        connection: &Connection,
        fence: &Fence,
        row: &InboxRow,
    ) -> Result<Option<Event>, EngineError> {
        let event = &row.event;
        let webhook = WEBHOOKS.iter().find(|webhook| webhook.kind == event.kind);
        let fetch = match webhook {
            Some(webhook) => webhook.fetch.and_then(canopy_highlevel::operation),
            None => read_of(event),
        };
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
            return self.with_version(fence, event.clone(), version).await;
        };
        let about_contact = match webhook {
            Some(webhook) => webhook.contact == Some(webhook.record),
            None => event.kind.starts_with("contact."),
        };
        if webhook.is_some_and(|webhook| needs_contact(webhook, fetch)) && event.contact.is_none() {
            // Never given up: the poll that finds the record fills the contact in.
            let now = self.clock.now();
            let error = format!(
                "the webhook does not say whose {} it is, and without the contact it cannot be read; it waits for the poll that finds it with its contact",
                event.kind.split('.').next().unwrap_or("record")
            );
            let until = now + self.options.retry.delay(row.attempts + 1);
            self.store
                .postpone_event(fence, event.id, until, &error, now)
                .await?;
            return Ok(None);
        }
        let arguments = arguments_of(about_contact, fetch, event);
        let answer = connection
            .highlevel
            .invoke_as(Priority::Workflow, fetch.name, &arguments)
            .await;
        let now = self.clock.now();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.status() == Some(404) => {
                self.store
                    .settle_event(fence, event.id, EventEnd::Gone, now)
                    .await?;
                return Ok(None);
            }
            Err(error) => {
                // An event is never given up: reading it goes on at the longest interval.
                let wait = crate::run::wait_of(error.retry_after())
                    .unwrap_or_else(|| self.options.retry.delay(row.attempts + 1));
                self.store
                    .postpone_event(fence, event.id, now + wait, &error.to_string(), now)
                    .await?;
                return Ok(None);
            }
        };
        let own_version = fetch
            .version
            .and_then(|pointer| answer.pointer(pointer))
            .and_then(record_version);
        let record = match fetch.record.and_then(|pointer| answer.pointer(pointer)) {
            Some(record) => record.clone(),
            None => answer,
        };
        let once = match webhook {
            Some(webhook) => webhook.version == EventVersion::Once,
            None => event.kind.ends_with(".created"),
        };
        let version = match &event.version {
            Some(version) if once => Version::Own(version.clone()),
            // The state that was read, which may be newer than the one that the event announced.
            _ => own_version.map_or_else(|| Version::Content(content_hash(&record)), Version::Own),
        };
        let event = Event {
            contact: event.contact.clone().or_else(|| text(&record, "contactId")),
            payload: record,
            ..event.clone()
        };
        self.with_version(fence, event, version).await
    }

    /// Stores what is known by now; another row with the same version makes this one a duplicate.
    async fn with_version(
        &self,
        fence: &Fence,
        event: Event,
        version: Version,
    ) -> Result<Option<Event>, EngineError> {
        let completion = Completion {
            version,
            contact: event.contact,
            payload: event.payload,
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

/// The workflows for which a person fired the event; `None`: it came by itself.
fn fired_for(event: &Event) -> Option<Vec<&str>> {
    let marks = event.trace.found_by.iter();
    let ids: Vec<_> = marks.filter_map(|mark| mark.strip_prefix(FIRED)).collect();
    (event.source == Source::Manual && !ids.is_empty()).then_some(ids)
}

/// The read's path parameters: the contact's id where the name says so, the record's id for the rest.
fn arguments_of(about_contact: bool, fetch: &Operation, event: &Event) -> Value {
    let mut arguments = Map::new();
    for parameter in fetch.parameters {
        let value = match parameter.name {
            "locationId" => &event.location,
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
