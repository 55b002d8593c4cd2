//! `profile.sync`: brings the mapped fields of contact and profile in step, whichever side changed.

use std::collections::BTreeMap;

use canopy_mapping::fields::{FieldMapping, Sides, SyncPlan};
use canopy_mapping::{Profile, after_write, profile_id};
use canopy_store::{LinkUpdate, NewAlert, ProfileChange, ProfileUpdate, StepState};
use serde_json::{Map, Value, json};

use super::StepRun;
use super::highlevel::verdict_of;
use super::order::Target;
use crate::error::{EngineError, Verdict};
use crate::observer::Boundary;

const UPDATE: &str = "update-contact";

/// The operation that an action's request is carried out by, as far as the contact is concerned.
pub(crate) fn writes_as(action: &str) -> &str {
    if action == crate::SYNC_PROFILE {
        UPDATE
    } else {
        action
    }
}

impl StepRun<'_> {
    pub(crate) async fn sync_profile(&mut self) -> Result<Verdict, EngineError> {
        let Some(contact) = self.event.contact.clone() else {
            return self.refuse(self.needs_contact()).await;
        };
        let (engine, connection) = (self.engine, self.connection);
        if connection.fields.is_empty() {
            let output = json!({ "skipped": "no fields are mapped" });
            return self.skip(Value::Null, output).await;
        }
        let profile = engine.store.profile(&connection.location, &contact).await?;
        let mapping = match self.mapping(profile.as_ref()).await? {
            Ok(mapping) => mapping,
            Err(verdict) => return Ok(verdict),
        };
        let seen = self.context.contact();
        let mut plan = planned(&mapping, seen, profile.as_ref());
        let stands = plan.contact.is_empty() && plan.profile.is_empty() && seen.is_object();
        if !stands {
            // What the event showed may be a while old; nothing is written on that ground.
            match self
                .read("get-contact", &json!({ "contactId": contact }))
                .await
            {
                Ok(answer) => {
                    self.context.set_present(answer["contact"].clone());
                    self.context.set_contact(answer["contact"].clone());
                }
                Err(error) if error.is_gone() => {
                    return Ok(Verdict::Missing(format!(
                        "contact {contact} is not there ({error})"
                    )));
                }
                Err(error) => return Ok(verdict_of(&error)),
            }
            plan = planned(&mapping, self.context.contact(), profile.as_ref());
        }
        let mut request = plan.contact.clone();
        if !request.is_empty() {
            request.insert("contactId".to_owned(), json!(contact));
        }
        engine.observer.at(Boundary::BeforeIntent, &self.step.id);
        let update = canopy_highlevel::operation(UPDATE).filter(|_| !request.is_empty());
        let intent = match update {
            Some(update) => self.intent_to_write(update, &request, None).await?,
            None => self.intent(Value::Object(Map::new())),
        };
        engine
            .store
            .intend_step(self.fence, intent, engine.clock.now())
            .await?;
        engine.observer.at(Boundary::AfterIntent, &self.step.id);
        let written: Vec<String> = plan.written(&mapping).map(str::to_owned).collect();
        let mut link = None;
        let mut lost = Vec::new();
        if !request.is_empty() {
            match self.update(&request, &contact).await {
                Ok(now) => {
                    if !self.withholds() {
                        engine.took(connection, UPDATE).await?;
                    }
                    let synced = profile.as_ref().map(|profile| profile.synced.clone());
                    let synced = synced.unwrap_or_default();
                    lost = plan.verify(&mapping, &now, &synced);
                    if self.withholds() {
                        // HighLevel has not agreed: once it is written to, these are written.
                        for field in &written {
                            match synced.get(field) {
                                Some(value) => plan.synced.insert(field.clone(), value.clone()),
                                None => plan.synced.shift_remove(field),
                            };
                        }
                    }
                }
                Err((error, true)) => {
                    // It is written. What of it stayed is not known, and is compared anew.
                    let told = Some(error.to_string());
                    let outcome = self.outcome(StepState::Unsure, None, told);
                    let now = engine.clock.now();
                    engine.store.finish_step(self.fence, outcome, now).await?;
                    return Ok(verdict_of(&error));
                }
                Err((error, false)) => {
                    engine.fields.forget(&connection.location).await;
                    return match canopy_highlevel::operation(UPDATE) {
                        Some(operation) => self.failed(operation, &error).await,
                        None => Ok(verdict_of(&error)),
                    };
                }
            }
            // Not as it was read back: a change that somebody made meanwhile is no echo.
            if let Some((before, after)) = self.context.wrote(UPDATE, &request)
                && !self.withholds()
            {
                link = self.contact_link(&before, &after).await?;
            }
        }
        let output = json!({
            "ecologiProfileId": profile_id(&connection.id, &connection.location, &contact),
            "toHighLevel": written, "toProfile": plan.profile.keys().collect::<Vec<_>>(),
            "notWritten": lost, "problems": plan.problems,
        });
        self.tell_person(&contact, &plan, &lost).await?;
        let wrote = update
            .filter(|_| !self.withholds())
            .and_then(|update| Target::of(update, &request));
        let state = if self.withholds() && !request.is_empty() {
            StepState::Withheld
        } else {
            StepState::Done
        };
        self.finish_sync(
            &contact,
            profile,
            plan,
            (link, wrote),
            (state, output.clone()),
        )
        .await?;
        self.context.reload_profile(engine, connection).await?;
        Ok(Verdict::Done(output))
    }

    /// The rules with the fields that the location has for them.
    async fn mapping(
        &self,
        profile: Option<&Profile>,
    ) -> Result<Result<FieldMapping, Verdict>, EngineError> {
        let (engine, connection) = (self.engine, self.connection);
        // A field or an option that is missing may have been added meanwhile.
        let is_complete = |custom: &[_]| {
            let (mapping, problems) = FieldMapping::resolve(&connection.fields, custom);
            let plan = planned(&mapping, self.context.contact(), profile);
            problems.is_empty() && plan.problems.is_empty()
        };
        let custom = engine
            .fields
            .all(
                &connection.highlevel,
                &connection.location,
                is_complete,
                engine.clock.now(),
            )
            .await;
        let custom = match custom {
            Ok(custom) => custom,
            Err(error) => return Ok(Err(verdict_of(&error))),
        };
        let (mapping, problems) = FieldMapping::resolve(&connection.fields, &custom);
        for problem in problems {
            self.alert(&problem.field, problem.to_string()).await?;
        }
        Ok(Ok(mapping))
    }

    /// Writes the contact and reads it back: the service is known to drop fields without a word. `true` beside an error: it
    /// was written, and not read.
    async fn update(
        &self,
        request: &Map<String, Value>,
        contact: &str,
    ) -> Result<Value, (canopy_highlevel::Error, bool)> {
        let written = self.read(UPDATE, &Value::Object(request.clone())).await;
        written.map_err(|error| (error, false))?;
        if self.engine.holds_back(&self.connection.location) {
            // Nothing went out that could be read back.
            let after = after_write(UPDATE, request, self.context.contact());
            return Ok(after.unwrap_or_default());
        }
        self.engine.observer.at(Boundary::AfterCall, &self.step.id);
        let answer = self
            .read("get-contact", &json!({ "contactId": contact }))
            .await
            .map_err(|error| (error, true))?;
        Ok(answer["contact"].clone())
    }

    async fn finish_sync(
        &self,
        contact: &str,
        profile: Option<Profile>,
        plan: SyncPlan,
        (link, wrote): (Option<LinkUpdate>, Option<Target>),
        (state, output): (StepState, Value),
    ) -> Result<(), EngineError> {
        let (engine, connection) = (self.engine, self.connection);
        let id = profile_id(&connection.id, &connection.location, contact);
        let mut outcome = self.outcome(state, Some(output), None);
        let kind = match &profile {
            None => Some("profile.created"),
            Some(_) if !plan.profile.is_empty() => Some("profile.updated"),
            Some(_) => None,
        };
        let agreed = plan.synced.keys().map(String::as_str);
        let target = Target::of_profile("profile", contact, agreed);
        outcome.written.push(self.written(target));
        outcome
            .written
            .extend(wrote.map(|target| self.written(target)));
        let synced_before = profile.as_ref().map(|profile| profile.synced.clone());
        if let Some(kind) = kind {
            let mut fields = profile.map(|profile| profile.fields).unwrap_or_default();
            fields.extend(plan.profile.clone());
            let payload = json!({ "ecologiProfileId": id, "contact": contact, "fields": fields });
            outcome.events.push(self.tell(kind, id.clone(), payload));
            outcome.profile = Some(ProfileUpdate {
                id: id.clone(),
                contact: contact.to_owned(),
                fields: plan.profile,
            });
        }
        outcome.links.extend(link);
        if kind == Some("profile.created") && outcome.links.is_empty() {
            let location = &connection.location;
            let known = engine.store.link(location, "contact", contact).await?;
            outcome.links.push(LinkUpdate {
                kind: "contact".to_owned(),
                highlevel_id: contact.to_owned(),
                ecologi_id: id,
                written_hash: known.and_then(|link| link.written_hash),
            });
        }
        if synced_before.as_ref() != Some(&plan.synced) {
            outcome.changes.push(ProfileChange::Synced {
                contact: contact.to_owned(),
                fields: plan.synced,
            });
        }
        engine.observer.at(Boundary::BeforeOutcome, &self.step.id);
        engine
            .store
            .finish_step(self.fence, outcome, engine.clock.now())
            .await?;
        engine.observer.at(Boundary::AfterOutcome, &self.step.id);
        Ok(())
    }

    /// A value that fits one side only stays as it is until somebody mends it, so somebody has to know.
    async fn tell_person(
        &self,
        contact: &str,
        plan: &SyncPlan,
        lost: &[String],
    ) -> Result<(), EngineError> {
        for problem in &plan.problems {
            // The values themselves are the contact's, and alerts outlive its erasure.
            let message = format!(
                "contact {contact}: what one side says in field \"{}\" cannot be said on the other, so both keep theirs; `canopy profile show {contact} --json` tells why",
                problem.field
            );
            self.alert(&problem.field, message).await?;
        }
        for field in lost {
            let message = format!(
                "contact {contact}: HighLevel took field \"{field}\" and does not show it; it is written again at the next change"
            );
            self.alert(field, message).await?;
        }
        Ok(())
    }

    pub(super) async fn alert(&self, field: &str, message: String) -> Result<(), EngineError> {
        let alert = NewAlert {
            location: self.connection.location.clone(),
            kind: "fields".to_owned(),
            subject: field.to_owned(),
            message,
        };
        let engine = self.engine;
        engine.store.raise_alert(alert, engine.clock.now()).await?;
        Ok(())
    }
}

fn planned(mapping: &FieldMapping, contact: &Value, profile: Option<&Profile>) -> SyncPlan {
    let (fields, changed, synced) = (Map::new(), BTreeMap::new(), Map::new());
    mapping.plan(Sides {
        contact,
        contact_changed: changed_at(contact),
        profile: profile.map_or(&fields, |profile| &profile.fields),
        profile_changed: profile.map_or(&changed, |profile| &profile.changed),
        synced: profile.map_or(&synced, |profile| &profile.synced),
    })
}

/// When a contact changed last, as it says itself.
pub(crate) fn changed_at(contact: &Value) -> Option<jiff::Timestamp> {
    canopy_mapping::record_version(&contact["dateUpdated"])?
        .parse()
        .ok()
}
