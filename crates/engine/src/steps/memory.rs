//! What is remembered of a contact after a step, for the echo guard.

use canopy_highlevel::operation::{Idempotency, Operation};
use canopy_mapping::{content_hash, profile_id};
use canopy_store::{LinkUpdate, NewStep};
use serde_json::{Map, Value};

use super::StepRun;
use super::bulk;
use super::order::Target;
use crate::echo::{self, MOVED};
use crate::error::{EngineError, Verdict};

impl StepRun<'_> {
    /// Reads the contact before a late write: what the event showed of it may be long past, and the echo guard is told
    /// how the contact stands after the write.
    pub(super) async fn look_at_contact(&mut self, operation: &Operation) -> Result<(), Verdict> {
        let Some(id) = self.event.contact.as_deref() else {
            return Ok(());
        };
        let told =
            self.event.kind.starts_with("contact.") && !self.event.kind.ends_with(".deleted");
        let late = self.late && told && operation.idempotency != Idempotency::Read;
        if late && !self.engine.is_planning() {
            match self.engine.contact(self.connection, id).await {
                Ok(contact) => self.context.set_present(contact),
                // The call itself tells what comes of that.
                Err(Verdict::Missing(_)) => {}
                Err(verdict) => return Err(verdict),
            }
        }
        Ok(())
    }

    /// The intent of a call with what it is about to write; `found`: the contact that an upsert will write to. Should the program be
    /// killed before the outcome is known, or nobody know what came of it, then steps of older events leave that alone,
    /// and it is known when it comes back.
    pub(super) async fn intent_to_write(
        &self,
        operation: &Operation,
        arguments: &Map<String, Value>,
        found: Option<&str>,
    ) -> Result<NewStep, EngineError> {
        let mut intent = self.intent(Value::Object(arguments.clone()));
        if operation.idempotency == Idempotency::Read || self.is_withheld(operation) {
            return Ok(intent);
        }
        let mut targets = bulk::targets(operation, arguments);
        targets.extend(match found {
            Some(id) => Target::of_upsert("/contacts", id, arguments),
            None => Target::of(operation, arguments),
        });
        let targets = targets.into_iter();
        intent.written = targets.map(|target| self.written(target)).collect();
        let change = self.context.would_write(operation.name, arguments);
        let (before, after) = change.unwrap_or_else(|| {
            // What belongs to a contact may move its time of change with it.
            let present = self.context.present();
            (present.clone(), present.clone())
        });
        intent
            .links
            .extend(self.contact_link(&before, &after).await?);
        Ok(intent)
    }

    /// Remembers what the contact looks like now that we wrote it, or something that belongs to it. Not where it showed a
    /// change that no event has told yet: the event that will tell it must not look like our own write.
    pub(super) async fn contact_link(
        &self,
        before: &Value,
        after: &Value,
    ) -> Result<Option<LinkUpdate>, EngineError> {
        let (Some(contact), true) = (&self.event.contact, before.is_object()) else {
            return Ok(None);
        };
        let (store, location) = (&self.engine.store, &self.connection.location);
        let (was, is) = (content_hash(before), content_hash(after));
        let known = store.link(location, "contact", contact).await?;
        let known = known.and_then(|link| link.written_hash);
        let written = known
            .as_deref()
            .is_some_and(|known| echo::remembers(known, &was));
        if written && was == is {
            return Ok(None);
        }
        let seen = store.seen_content(location, contact).await?;
        let untold = !written && seen.is_some_and(|seen| seen != was);
        let hash = if was == is {
            format!("{MOVED}{is}")
        } else {
            is
        };
        Ok(Some(LinkUpdate {
            kind: "contact".to_owned(),
            highlevel_id: contact.clone(),
            ecologi_id: profile_id(&self.connection.id, location, contact),
            written_hash: (!untold).then_some(hash),
        }))
    }
}
