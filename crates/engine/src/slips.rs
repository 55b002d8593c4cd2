//! Webhooks whose `type` may be that of another event of the same record: reading the record tells which it is.

use canopy_highlevel::operation::WebhookEvent;
use canopy_highlevel::{WEBHOOKS, webhook};
use canopy_mapping::{Event, Source, once_version, record_version};
use serde_json::Value;

use crate::Engine;
use crate::error::EngineError;

/// The change that an event may turn out to be, although it says that its record is new.
pub(crate) fn change_of(event: &Event) -> Option<&'static str> {
    // With a version the address said which event it is.
    let is_open = event.source == Source::Webhook && event.version.is_none();
    let webhook: Option<&WebhookEvent> = WEBHOOKS
        .iter()
        .find(|webhook| webhook.kind == event.kind)
        .filter(|_| is_open);
    webhook
        .and_then(webhook::change)
        .map(|webhook| webhook.kind)
}

impl Engine {
    /// The change that an event is, because its record's creation was told before; `version` is that of the record as it
    /// was read. A record that was not changed since its creation is still the new one.
    pub(crate) async fn changed_instead(
        &self,
        event: &Event,
        record: &Value,
        version: Option<&str>,
    ) -> Result<Option<&'static str>, EngineError> {
        let Some(change) = change_of(event) else {
            return Ok(None);
        };
        if record_version(&record["dateAdded"]).as_deref() == version {
            return Ok(None);
        }
        let told = self
            .store
            .event_of(
                &event.location,
                &event.kind,
                &event.record,
                &once_version(&event.kind),
            )
            .await?;
        Ok(told.map(|_| change))
    }
}
