//! A purchase that comes later than its event is judged on the contact as it is now: people opt out, withdraw their
//! consent or are deleted while it waits.

use canopy_mapping::{ActionKind, template};
use canopy_store::PurchaseState;
use serde_json::Value;

use super::StepRun;
use crate::error::{EngineError, Verdict};
use crate::run::is_about_contact;

impl StepRun<'_> {
    pub(crate) async fn carry_out(&mut self, kind: ActionKind) -> Result<Verdict, EngineError> {
        if !self.is_judged_again(kind).await? {
            return self.carry_out_now(kind).await;
        }
        let contact = match self.engine.read_contact(self.connection, self.event).await {
            Ok(contact) => contact,
            Err(verdict) => return Ok(verdict),
        };
        let held = self.holds_for_workflow();
        // For this step alone: what else the run tells is of the contact that its event showed.
        let told = self.context.contact().clone();
        self.context.set_contact(contact);
        let verdict = if held && !self.holds_for_workflow() {
            let when = self.when.unwrap_or_default();
            let reason = format!(
                "step \"{}\": the contact has changed since, and \"when\" ({when}) does not hold any more, so nothing is bought",
                self.step.id
            );
            Ok(Verdict::Stopped(reason))
        } else {
            self.carry_out_now(kind).await
        };
        self.context.set_contact(told);
        verdict
    }

    /// A purchase that was not begun, of a run that knows its contact from its event only.
    async fn is_judged_again(&self, kind: ActionKind) -> Result<bool, EngineError> {
        let is_old = self.late && is_about_contact(self.event) && !self.is_fresh;
        let is_deletion = self.event.kind.ends_with(".deleted");
        if kind != ActionKind::Purchase || !is_old || is_deletion || self.event.contact.is_none() {
            return Ok(false);
        }
        // What was sent is asked for again as it was, whatever has become of the contact.
        let known = self.engine.store.purchase_for(&self.key).await?;
        let unsent = [PurchaseState::Intended, PurchaseState::Refused];
        Ok(known.is_none_or(|known| unsent.contains(&known.state)))
    }

    fn holds_for_workflow(&self) -> bool {
        let value: &Value = &self.context.value;
        let holds = |when: &str| template::holds(when, value).unwrap_or(true);
        self.when.is_none_or(holds)
    }
}
