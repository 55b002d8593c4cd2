//! `profile.save`: creates or updates the contact's profile in our store.

use canopy_mapping::profile_id;
use canopy_store::{LinkUpdate, ProfileUpdate, StepState};
use serde_json::{Value, json};

use super::StepRun;
use super::order::Target;
use crate::error::{EngineError, Verdict};
use crate::observer::Boundary;

impl StepRun<'_> {
    pub(crate) async fn save_profile(&mut self) -> Result<Verdict, EngineError> {
        let mut fields = match self.arguments() {
            Ok(fields) => fields,
            Err(error) => return self.refuse(error).await,
        };
        let Some(contact) = self.event.contact.clone() else {
            return self.refuse(self.needs_contact()).await;
        };
        let engine = self.engine;
        let target = Target::of_profile("profile", &contact, fields.keys().map(String::as_str));
        if let (covered, Some(run)) = self.overtaken(&target).await? {
            let request = Value::Object(fields.clone());
            fields.retain(|name, _| !covered.contains(name));
            if fields.is_empty() {
                return self.superseded(request, run).await;
            }
        }
        let id = profile_id(&self.connection.id, &self.connection.location, &contact);
        let before = engine
            .store
            .profile(&self.connection.location, &contact)
            .await?
            .map(|profile| profile.fields);
        let known = engine
            .store
            .link(&self.connection.location, "contact", &contact)
            .await?;
        let output = json!({ "ecologiProfileId": id, "fields": fields });
        engine.observer.at(Boundary::BeforeIntent, &self.step.id);
        let intent = self.intent(Value::Object(fields.clone()));
        engine
            .store
            .intend_step(self.fence, intent, engine.clock.now())
            .await?;
        engine.observer.at(Boundary::AfterIntent, &self.step.id);
        let mut outcome = self.outcome(StepState::Done, Some(output.clone()), None);
        let mut after = before.clone().unwrap_or_default();
        after.extend(fields.clone());
        let kind = match &before {
            None => Some("profile.created"),
            Some(before) if *before != after => Some("profile.updated"),
            Some(_) => None,
        };
        if let Some(kind) = kind {
            let payload = json!({ "ecologiProfileId": id, "contact": contact, "fields": after });
            outcome.events.push(self.tell(kind, id.clone(), payload));
        }
        let target = Target::of_profile("profile", &contact, fields.keys().map(String::as_str));
        outcome.written.push(self.written(target));
        outcome.profile = Some(ProfileUpdate {
            id: id.clone(),
            contact: contact.clone(),
            fields,
        });
        outcome.links.push(LinkUpdate {
            kind: "contact".to_owned(),
            highlevel_id: contact,
            ecologi_id: id,
            written_hash: known.and_then(|link| link.written_hash),
        });
        engine.observer.at(Boundary::BeforeOutcome, &self.step.id);
        engine
            .store
            .finish_step(self.fence, outcome, engine.clock.now())
            .await?;
        engine.observer.at(Boundary::AfterOutcome, &self.step.id);
        self.context.reload_profile(engine, self.connection).await?;
        Ok(Verdict::Done(output))
    }
}
