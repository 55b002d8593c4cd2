//! What templates say of the location and of who is responsible for a contact: read where a workflow asks for it.

use std::collections::HashMap;

use canopy_highlevel::{Client, Error, Priority};
use canopy_mapping::{LOCATION, USER, Workflow};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::Engine;
use crate::connection::Connection;
use crate::context::Context;
use crate::error::Verdict;
use crate::steps::highlevel::verdict_of;

/// How long a location's or a user's record is believed.
const STALE: SignedDuration = SignedDuration::from_mins(15);

/// Records that were read a while ago, by location and operation's argument.
#[derive(Debug, Default)]
pub(crate) struct Records {
    known: Mutex<HashMap<(String, String), (Value, Timestamp)>>,
}

impl Records {
    /// Asked for by one at a time: many runs want the same.
    async fn read(
        &self,
        client: &Client,
        (location, record): (&str, &str),
        (operation, arguments, pointer): (&str, Value, &str),
        now: Timestamp,
    ) -> Result<Value, Error> {
        let mut known = self.known.lock().await;
        let place = (location.to_owned(), record.to_owned());
        if let Some((record, read_at)) = known.get(&place)
            && now.duration_since(*read_at).abs() < STALE
        {
            return Ok(record.clone());
        }
        let answer = client
            .invoke_as(Priority::Workflow, operation, &arguments)
            .await?;
        let record = answer.pointer(pointer).unwrap_or(&answer).clone();
        known.insert(place, (record.clone(), now));
        Ok(record)
    }
}

impl Engine {
    /// The location's own record.
    async fn location_record(&self, connection: &Connection) -> Result<Value, Error> {
        let location = &connection.location;
        let read = (
            "get-location",
            json!({ "locationId": location }),
            "/location",
        );
        let now = self.clock.now();
        self.records
            .read(&connection.highlevel, (location, ""), read, now)
            .await
    }

    /// All that a workflow reads besides event, contact and profile.
    pub(crate) async fn read_more(
        &self,
        connection: &Connection,
        workflow: &Workflow,
        context: &mut Context,
    ) -> Result<(), Verdict> {
        let custom = self.read_custom(connection, workflow, context.contact());
        context.name_fields(custom.await?);
        if let Some(location) = self.read_location(connection, workflow).await? {
            context.set(LOCATION, location);
        }
        let assigned = |record: &str| context.value[record]["assignedTo"].as_str();
        let assigned = assigned("contact").or_else(|| assigned("record"));
        let user = self.read_user(connection, workflow, assigned).await?;
        context.set(USER, user);
        Ok(())
    }

    /// The location's record, where the workflow reads more of it than its id.
    async fn read_location(
        &self,
        connection: &Connection,
        workflow: &Workflow,
    ) -> Result<Option<Value>, Verdict> {
        if !workflow.reads_members(LOCATION, &["id"]) {
            return if workflow.may_need_zone() {
                self.read_zone(connection).await
            } else {
                Ok(None)
            };
        }
        match self.location_record(connection).await {
            Ok(mut record) => {
                record["id"] = json!(connection.location);
                Ok(Some(record))
            }
            Err(error) => Err(verdict_of(&error)),
        }
    }

    /// The location's zone, where the token may read it: days and times that name none are on its clock. Where it may not,
    /// a run that needs the zone says so.
    async fn read_zone(&self, connection: &Connection) -> Result<Option<Value>, Verdict> {
        match self.location_record(connection).await {
            Ok(record) => Ok(Some(
                json!({ "id": connection.location, "timezone": record["timezone"] }),
            )),
            Err(error) if error.is_retryable() || error.outcome_unknown() => {
                Err(verdict_of(&error))
            }
            Err(error) => {
                tracing::debug!(%error, "the location's time zone cannot be read");
                let place = (connection.location.clone(), String::new());
                let nothing = (Value::Null, self.clock.now());
                self.records.known.lock().await.insert(place, nothing);
                Ok(None)
            }
        }
    }

    /// The user to whom the contact (or the record) is assigned, where the workflow reads it; null without one.
    async fn read_user(
        &self,
        connection: &Connection,
        workflow: &Workflow,
        assigned: Option<&str>,
    ) -> Result<Value, Verdict> {
        let Some(user) = assigned.filter(|user| !user.is_empty() && workflow.reads(USER)) else {
            return Ok(Value::Null);
        };
        let read = ("get-user", json!({ "userId": user }), "/user");
        let now = self.clock.now();
        let place = (&*connection.location, user);
        let record = self.records.read(&connection.highlevel, place, read, now);
        match record.await {
            // A user who has left is nobody.
            Err(error) if error.status() == Some(404) => Ok(Value::Null),
            record => record.map_err(|error| verdict_of(&error)),
        }
    }

    /// The location's time zone; the error says what to do where it cannot be known.
    pub(crate) async fn zone(
        &self,
        connection: &Connection,
    ) -> Result<Result<TimeZone, String>, Error> {
        let record = match self.location_record(connection).await {
            Ok(record) => record,
            Err(error) if error.is_retryable() || error.outcome_unknown() => return Err(error),
            Err(error) => {
                return Ok(Err(format!(
                    "the location's time zone cannot be read ({error}); give the token the scope locations.readonly, or name the zone: {{{{ ... | date(zone='Europe/London') }}}}"
                )));
            }
        };
        let name = record["timezone"].as_str().unwrap_or_default();
        Ok(TimeZone::get(name).map_err(|_| {
            format!("the location has no time zone that is known (\"{name}\"); name one: {{{{ ... | date(zone='Europe/London') }}}}")
        }))
    }
}
