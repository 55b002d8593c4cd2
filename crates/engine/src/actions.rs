//! Which actions and event kinds there are: read from the generated tables, so that nothing is listed by hand.

use canopy_highlevel::CATALOG;
use canopy_highlevel::operation::{EntryKind, Idempotency};
use canopy_mapping::{ActionKind, Actions, ArgumentError};
use serde_json::{Map, Value};

use crate::arguments;

/// The action that keeps a contact's profile.
pub const SAVE_PROFILE: &str = "profile.save";
/// The action that keeps a note of a profile.
pub(crate) const PROFILE_NOTE: &str = "profile.note";
/// The action that keeps a task of a profile.
pub(crate) const PROFILE_TASK: &str = "profile.task";
/// The action that adds and removes tags of a profile.
const PROFILE_TAG: &str = "profile.tag";

const PROFILE_ACTIONS: [&str; 4] = [SAVE_PROFILE, PROFILE_NOTE, PROFILE_TASK, PROFILE_TAG];

/// What happens on the Ecologi side: steps and operators tell of it.
const PROFILE_EVENTS: [&str; 7] = [
    "profile.created",
    "profile.updated",
    "profile_note.created",
    "profile_note.updated",
    "profile_task.created",
    "profile_task.updated",
    "profile_task.completed",
];

/// The actions that the engine can carry out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Catalog;

impl Actions for Catalog {
    fn kind(&self, action: &str) -> Option<ActionKind> {
        if PROFILE_ACTIONS.contains(&action) {
            Some(ActionKind::Profile)
        } else if canopy_ecologi::operation(action)
            .is_some_and(|o| matches!(o.idempotency, Idempotency::Keyed { .. }))
        {
            Some(ActionKind::Purchase)
        } else if canopy_highlevel::operation(action).is_some() {
            Some(ActionKind::HighLevel)
        } else {
            None
        }
    }

    fn names(&self) -> Vec<&str> {
        let purchases = canopy_ecologi::OPERATIONS
            .iter()
            .filter(|operation| matches!(operation.idempotency, Idempotency::Keyed { .. }));
        PROFILE_ACTIONS
            .into_iter()
            .chain(purchases.map(|operation| operation.name))
            .chain(
                canopy_highlevel::OPERATIONS
                    .iter()
                    .map(|operation| operation.name),
            )
            .collect()
    }

    fn check_action(
        &self,
        action: &str,
        given: &Map<String, Value>,
        custom_fields: bool,
    ) -> Vec<ArgumentError> {
        match self.kind(action) {
            Some(ActionKind::Purchase) => arguments::of_purchase(action, given),
            Some(ActionKind::HighLevel) => {
                let filled_in: &[&str] = if custom_fields {
                    &["customFields"]
                } else {
                    &[]
                };
                arguments::of_highlevel(action, given, filled_in)
            }
            Some(ActionKind::Profile) | None => Vec::new(),
        }
    }

    fn event_kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<_> = canopy_highlevel::WEBHOOKS
            .iter()
            .map(|event| event.kind)
            .chain(PROFILE_EVENTS)
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn trigger(&self, name: &str) -> Option<&str> {
        let entry = CATALOG
            .iter()
            .find(|entry| entry.kind == EntryKind::Trigger && entry.name == name);
        let operation = entry.map_or(name, |entry| entry.operation);
        canopy_highlevel::operation(operation)
            .filter(|operation| operation.idempotency == Idempotency::Read)
            .map(|operation| operation.name)
    }

    fn triggers(&self) -> Vec<&str> {
        CATALOG
            .iter()
            .filter(|entry| entry.kind == EntryKind::Trigger)
            .map(|entry| entry.name)
            .collect()
    }

    fn check_trigger(&self, operation: &str, given: &Map<String, Value>) -> Vec<ArgumentError> {
        arguments::of_highlevel(operation, given, &arguments::LOCATION)
    }
}
