//! What the store knows of records that a poll sees for the first time: a webhook or another poll may have told of them.
//! "First seen" is then no "created now", and what has changed since that was told is told as a change.

use std::collections::HashMap;

use canopy_mapping::record_version;
use canopy_store::{Part, StoreError, Told};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::Poller;
use super::compare::{Item, Listed};
use super::events::Maker;

/// A baseline is history. Only what was told within this time before it may still be on its way.
const RECENT: SignedDuration = SignedDuration::from_hours(1);

/// The last that was told, by the records' ids.
#[derive(Debug, Default)]
pub(super) struct Known {
    told: HashMap<String, Told>,
    /// When the poll was to be made: earlier than now where it has been failing since.
    due: Option<Timestamp>,
}

impl Known {
    pub fn of(&self, record: &str) -> Option<&Told> {
        self.told.get(record)
    }

    /// The same at a baseline.
    pub fn recent(&self, record: &str, now: Timestamp) -> Option<&Told> {
        let due = self.due.map_or(now, |due| due.min(now));
        self.of(record)
            .filter(|told| told.received_at >= due - RECENT)
    }
}

impl Poller {
    /// What is known of the records of a list that a poll has not seen before.
    pub(super) async fn known_of(
        &self,
        maker: Maker<'_>,
        listed: &Listed,
        seen: impl Fn(&str) -> bool,
    ) -> Result<Known, StoreError> {
        let items = listed.items.iter().map(|item| &item.id);
        let unknown = items.filter(|id| !seen(id)).cloned().collect();
        self.told(maker, unknown).await
    }

    pub(super) async fn told(
        &self,
        maker: Maker<'_>,
        records: Vec<String>,
    ) -> Result<Known, StoreError> {
        if records.is_empty() {
            return Ok(Known::default());
        }
        let word = maker.poll.trigger.record;
        let store = &self.site.store;
        let told = store.last_told(maker.location, word, records).await?;
        let told: HashMap<_, _> = told
            .into_iter()
            .map(|told| (told.record.clone(), told))
            .collect();
        let due = if told.is_empty() {
            None
        } else {
            self.failing_since(&maker.poll.name).await?
        };
        Ok(Known { told, due })
    }

    /// Since when a poll has been failing. What was told while its list could not be read is no history.
    async fn failing_since(&self, poll: &str) -> Result<Option<Timestamp>, StoreError> {
        let parts = self.site.store.health().await?;
        let mut parts = parts.into_iter();
        let part = parts.find(|part| {
            part.part == Part::Poll && part.location == self.site.location && part.name == poll
        });
        Ok(part.and_then(|part| part.failing_since))
    }
}

impl Maker<'_> {
    /// Whether a record is not any more what was told of it.
    pub fn differs(&self, told: &Told, item: &Item) -> bool {
        let own = item.own.as_deref();
        let at = |version: &str| version.parse::<Timestamp>().ok();
        let before = self
            .poll
            .operation
            .version
            .and_then(|pointer| told.payload.pointer(pointer))
            .and_then(record_version)
            .or_else(|| told.version.clone().filter(|version| at(version).is_some()));
        match (own.and_then(at), before.as_deref().and_then(at)) {
            (Some(now), Some(before)) => now > before,
            _ => contradicts(&told.payload, &item.payload),
        }
    }

    /// Values, as they were told, of the members whose changes are kinds of their own.
    pub fn facets_told(&self, told: &Told) -> Value {
        let members = self.poll.trigger.changes.iter().filter_map(|change| {
            let value = told.payload.pointer(change.member)?;
            Some((change.member.to_owned(), value.clone()))
        });
        Value::Object(members.collect::<Map<_, _>>())
    }
}

/// Whether two documents of a record have a member with different values. A webhook's payload has members of its own, and
/// writes times in its own way.
fn contradicts(one: &Value, other: &Value) -> bool {
    let members = one.as_object().into_iter().flatten();
    members.into_iter().any(|(name, value)| {
        let ours = name.starts_with("date")
            || name.ends_with("At")
            || ["type", "timestamp", "id", "locationId", "traceId"].contains(&name.as_str());
        let other = &other[name];
        let same_kind = match (value, other) {
            (Value::String(one), Value::String(other)) => one.trim() != other.trim(),
            (Value::Bool(_), Value::Bool(_)) | (Value::Number(_), Value::Number(_)) => {
                value != other
            }
            _ => false,
        };
        !ours && same_kind
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_with_another_value_is_a_change() {
        let told = json!({ "type": "NoteCreate", "id": "n", "body": "Oak ", "dateAdded": "x", "userId": null });
        assert!(!contradicts(
            &told,
            &json!({ "id": "n", "body": "Oak", "dateAdded": "y" })
        ));
        assert!(!contradicts(&told, &json!({ "id": "n", "userId": "u" })));
        assert!(contradicts(&told, &json!({ "id": "n", "body": "Elm" })));
    }
}
