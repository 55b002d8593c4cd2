//! The contact of a run, as its templates see it.

use canopy_highlevel::Priority;
use canopy_mapping::Event;
use serde_json::{Value, json};

use crate::Engine;
use crate::complete::another;
use crate::connection::Connection;
use crate::context::known_contact;
use crate::error::Verdict;
use crate::steps::highlevel::{no_access, verdict_of};

const GET_CONTACT: &str = "get-contact";

impl Engine {
    /// The contact for templates: the event's own record, or a read.
    pub(crate) async fn contact_of(
        &self,
        connection: &Connection,
        event: &Event,
    ) -> Result<Value, Verdict> {
        if event.kind.starts_with("contact.") {
            return Ok(event.payload.clone());
        }
        self.read_contact(connection, event).await
    }

    /// The contact as it is now.
    pub(crate) async fn read_contact(
        &self,
        connection: &Connection,
        event: &Event,
    ) -> Result<Value, Verdict> {
        let Some(id) = &event.contact else {
            return Ok(Value::Null);
        };
        // A plan is for many events, and a read for each would cost more than it tells.
        if self.is_planning()
            && let Ok(Some(known)) = known_contact(&*self.store, &event.location, id).await
        {
            return Ok(known);
        }
        match self.contact(connection, id).await {
            // What is told of somebody who was deleted can only be told without the contact.
            Err(Verdict::Missing(_)) if event.kind.ends_with(".deleted") => Ok(Value::Null),
            read => read,
        }
    }

    /// Reads a contact.
    pub(crate) async fn contact(
        &self,
        connection: &Connection,
        id: &str,
    ) -> Result<Value, Verdict> {
        let arguments = json!({ "contactId": id });
        let answer = connection
            .highlevel
            .invoke_as(Priority::Workflow, GET_CONTACT, &arguments)
            .await;
        match answer {
            Ok(mut answer) => {
                let operation = canopy_highlevel::operation(GET_CONTACT);
                match operation.and_then(|operation| another(operation, &answer, id)) {
                    Some(error) => Err(Verdict::Retry { error, after: None }),
                    None => Ok(answer["contact"].take()),
                }
            }
            Err(error) if error.is_gone() => Err(Verdict::Missing(format!(
                "contact {id} is not there ({error})"
            ))),
            Err(error) if no_access(&error) => Err(verdict_of(&error)),
            Err(error) => Err(Verdict::Retry {
                error: error.to_string(),
                after: error.retry_after(),
            }),
        }
    }

    /// Reads the event's record and its contact again; the contact is returned. What is not there is waited for.
    pub(crate) async fn read_again(
        &self,
        connection: &Connection,
        event: &mut Event,
    ) -> Result<Value, Verdict> {
        let contact = self.read_contact(connection, event).await?;
        if event.kind.starts_with("contact.") {
            if !contact.is_null() {
                event.payload = contact.clone();
            }
            return Ok(contact);
        }
        if let Some(record) = self.read_record(connection, event).await? {
            event.payload = record;
        }
        Ok(contact)
    }
}
