//! From an inbox row to runs: have the event completed, drop echoes, match workflows.

use canopy_mapping::{CUSTOM, Event, Source, USER, Workflow, template};
use canopy_store::{APPROVAL, EventEnd, Fence, InboxRow, NewAlert, NewRun, Run, Written};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::complete::removal_of;
use crate::connection::Connection;
use crate::context::Context;
use crate::error::{EngineError, Verdict};
use crate::run::is_about_contact;
use crate::slips::change_of;
use crate::steps::order::Target;
use crate::steps::somebody;
use crate::{Engine, FIRED, echo};

/// No runs.
const NOTHING: (Vec<Run>, Option<Value>) = (Vec::new(), None);

impl Engine {
    /// Takes one pending event as far as its runs. Told beside them is its contact, as it was read for them.
    pub(crate) async fn take_in(
        &self,
        connection: &Connection,
        fence: &Fence,
        row: InboxRow,
    ) -> Result<(Vec<Run>, Option<Value>), EngineError> {
        let now = self.clock.now();
        let id = row.event.id;
        let wanted = |workflow: &Workflow, event: &Event| match fired_for(event) {
            Some(ids) => ids.contains(&&*workflow.id),
            None => workflow.starts_on(event),
        };
        // All of this event's runs have the same version of the files.
        let workflows = connection.workflows.current();
        let wanted_by_any =
            |event: &Event| workflows.iter().any(|workflow| wanted(workflow, event));
        let others = [removal_of(&row.event), change_of(&row.event)];
        let mut perhaps = others.into_iter().flatten().map(|kind| Event {
            kind: kind.to_owned(),
            ..row.event.clone()
        });
        if !wanted_by_any(&row.event) && !perhaps.any(|event| wanted_by_any(&event)) {
            self.store
                .settle_event(fence, id, EventEnd::NoMatch, now)
                .await?;
            return Ok(NOTHING);
        }
        let too_old = self.too_old(&row, now);
        // What may be an echo is read first: nobody needs to approve what we wrote ourselves.
        // So is what was looked for again: most of it is still not there.
        if let Some(reason) = &too_old
            && row.missing_since.is_none()
            && !echo::is_remembered(&*self.store, &row.event).await?
        {
            self.await_approval(fence, &row.event, reason).await?;
            return Ok(NOTHING);
        }
        if self.stop_chain(fence, &row.event).await? {
            return Ok(NOTHING);
        }
        let Some(event) = self.complete(connection, fence, &row).await? else {
            return Ok(NOTHING);
        };
        if row.missing_since.is_some() && row.missing.is_none() {
            // Others that were given up for want of it are taken up again, too.
            self.store.found(fence, &event.record, now).await?;
        }
        if echo::is_echo(&*self.store, fence, &event, now).await?
            || self.is_being_adopted(&event, now).await?
        {
            self.store
                .settle_event(fence, id, EventEnd::Echo, now)
                .await?;
            return Ok(NOTHING);
        }
        if let Some(reason) = &too_old {
            self.await_approval(fence, &event, reason).await?;
            return Ok(NOTHING);
        }
        let mut told = Target::told(&event);
        if told.is_none() {
            told = self.told_of_task(&event).await?;
        }
        if let Some(target) = told
            && let Some(row) = self.store.event(id).await?
        {
            let written = Written {
                target: target.name,
                parts: target.parts,
                contact: event.contact.clone(),
                position: row.position,
            };
            self.store.put_written(fence, written, now).await?;
        }
        let mut contact = None;
        let mut runs = Vec::new();
        let mut too_often = Vec::new();
        for workflow in workflows.iter().filter(|workflow| wanted(workflow, &event)) {
            if self.runs_too_often(&workflow.id, &event).await? {
                too_often.push(&*workflow.id);
            }
            match self
                .holds(connection, workflow, &event, &mut contact)
                .await?
            {
                Ok(true) => runs.push(NewRun {
                    workflow: workflow.id.clone(),
                    definition: json!(workflow).to_string(),
                }),
                Ok(false) => {}
                Err(verdict) => {
                    self.wait_for_contact(fence, (&row, &event), verdict)
                        .await?;
                    return Ok(NOTHING);
                }
            }
        }
        if runs.is_empty() {
            self.store
                .settle_event(fence, id, EventEnd::NoMatch, now)
                .await?;
            return Ok(NOTHING);
        }
        // Each of the runs begins with the contact, so without it none begins.
        if contact.is_none() {
            match self.contact_of(connection, &event).await {
                Ok(read) => contact = Some(read),
                Err(verdict @ (Verdict::Missing(_) | Verdict::Retry { .. })) => {
                    self.wait_for_contact(fence, (&row, &event), verdict)
                        .await?;
                    return Ok(NOTHING);
                }
                // What is refused stops purchases, which the run tells.
                Err(_) => {}
            }
        }
        if let (Some(missing), Some(_)) = (&row.missing, &contact) {
            self.store.found(fence, missing, now).await?;
        }
        if let Some(contact) = contact.as_ref().filter(|_| !is_about_contact(&event))
            && let Some(seen) = somebody::parts_of(contact)
        {
            self.store.keep_seen(fence, id, seen).await?;
        }
        let mut started = self.store.start_runs(fence, id, runs, now).await?;
        for run in &started {
            if too_often.contains(&&*run.workflow) {
                self.hold_run(fence, run, &event).await?;
            }
        }
        started.retain(|run| !too_often.contains(&&*run.workflow));
        Ok((started, contact))
    }

    /// What a person changed of a task in HighLevel, as far as it can be told by its counterpart on the profile.
    async fn told_of_task(&self, event: &Event) -> Result<Option<Target>, EngineError> {
        let (Some(contact), true) = (&event.contact, event.kind.starts_with("task.")) else {
            return Ok(None);
        };
        let tasks = self.store.profile_tasks(&event.location, contact).await?;
        let ours = tasks
            .iter()
            .find(|task| task.highlevel_id.as_deref() == Some(&event.record));
        let Some(ours) = ours else {
            return Ok(None);
        };
        let theirs = &event.payload;
        let mut parts = Vec::new();
        if theirs["title"]
            .as_str()
            .is_some_and(|title| title != ours.title)
        {
            parts.push("title".to_owned());
        }
        if theirs["completed"]
            .as_bool()
            .is_some_and(|completed| completed != ours.completed)
        {
            parts.push("completed".to_owned());
        }
        let name = format!("/contacts/{contact}/tasks/{}", event.record);
        Ok((!parts.is_empty()).then_some(Target { name, parts }))
    }

    /// Why an event that came late needs a person's approval; `None` where it does not.
    fn too_old(&self, row: &InboxRow, now: Timestamp) -> Option<String> {
        let most = self.options.max_age?;
        let (age, how) = match row.event.source {
            Source::Poll => (
                now.duration_since(row.event.occurred_at),
                "a poll found it more than",
            ),
            // What came in time and had to wait here is not late.
            Source::Webhook => (
                row.received_at.duration_since(row.event.trace.made_at?),
                "its webhook came more than",
            ),
            _ => return None,
        };
        (!row.approved && age > most).then(|| {
            format!(
                "{how} {most:#} after it happened; `canopy approve {}` lets it go on",
                row.event.id
            )
        })
    }

    /// Holds an event until a person approves it. It starts no runs yet.
    async fn await_approval(
        &self,
        fence: &Fence,
        event: &Event,
        reason: &str,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        self.store.hold_event(fence, event.id, reason, now).await?;
        // Nobody would miss what nobody was told of.
        let alert = NewAlert {
            location: fence.location.clone(),
            kind: APPROVAL.to_owned(),
            subject: event.kind.clone(),
            message: "events that came too late wait for approval; `canopy events --state held` lists them, `canopy approve` lets them go on".to_owned(),
        };
        self.store.raise_alert(alert, now).await?;
        Ok(())
    }

    /// Whether the workflow's condition holds; `read`: the contact, once it was read. The inner error: the contact that it asks for could not be read, and no
    /// condition is judged on one that was not.
    async fn holds(
        &self,
        connection: &Connection,
        workflow: &Workflow,
        event: &Event,
        read: &mut Option<Value>,
    ) -> Result<Result<bool, Verdict>, EngineError> {
        let Some(when) = &workflow.when else {
            return Ok(Ok(true));
        };
        let contact = if ["contact", CUSTOM, USER]
            .iter()
            .any(|name| when.contains(name))
        {
            match read {
                Some(contact) => contact.clone(),
                None => match self.contact_of(connection, event).await {
                    Ok(contact) => read.insert(contact).clone(),
                    Err(verdict) => return Ok(Err(verdict)),
                },
            }
        } else {
            Value::Null
        };
        let mut context = Context::new(self, connection, workflow, event, contact).await?;
        match self.read_more(connection, workflow, &mut context).await {
            Ok(()) => {}
            Err(verdict @ Verdict::Retry { .. }) => return Ok(Err(verdict)),
            // The run fails visibly.
            Err(_) => return Ok(Ok(true)),
        }
        // A condition that cannot be evaluated starts the run, which then fails visibly.
        Ok(Ok(template::holds(when, &context.value).unwrap_or(true)))
    }
}

/// The workflows for which a person fired the event; `None`: it came by itself.
fn fired_for(event: &Event) -> Option<Vec<&str>> {
    let marks = event.trace.found_by.iter();
    let ids: Vec<_> = marks.filter_map(|mark| mark.strip_prefix(FIRED)).collect();
    (event.source == Source::Manual && !ids.is_empty()).then_some(ids)
}
