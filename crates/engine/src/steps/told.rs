//! What the log is told of purchases: a line for each, with what a person needs to find it again, and nobody's name.

use serde_json::Value;

use super::StepRun;

impl StepRun<'_> {
    /// A purchase was made, or simulated; `receipt`: what the service answered. A plan buys nothing.
    pub(super) fn tell_bought(&self, receipt: &Value) {
        if self.engine.is_planning() {
            return;
        }
        let what = if self.connection.test {
            "simulated"
        } else {
            "bought"
        };
        let text = |name: &str| receipt[name].as_str();
        let amount = receipt.get("amount").map(ToString::to_string);
        tracing::info!(
            connection = %self.connection.id,
            workflow = %self.context.workflow,
            run = self.run,
            step = %self.step.id,
            action = %self.step.action,
            contact = self.event.contact.as_deref(),
            amount = amount.as_deref(),
            currency = text("currency").unwrap_or(&self.connection.currency),
            url = text("treeUrl").or_else(|| text("tileUrl")),
            key = %self.key,
            test = self.connection.test,
            "{what}"
        );
    }
}
