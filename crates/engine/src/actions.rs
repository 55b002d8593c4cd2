//! Which actions and event kinds there are: read from the generated tables, so that nothing is listed by hand.

use canopy_highlevel::operation::{Idempotency, Place};
use canopy_mapping::{ActionKind, Actions};

/// The action that keeps a contact's profile.
pub const SAVE_PROFILE: &str = "profile.save";

/// The actions that the engine can carry out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Catalog;

impl Actions for Catalog {
    fn kind(&self, action: &str) -> Option<ActionKind> {
        if action == SAVE_PROFILE {
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
        std::iter::once(SAVE_PROFILE)
            .chain(purchases.map(|operation| operation.name))
            .chain(
                canopy_highlevel::OPERATIONS
                    .iter()
                    .map(|operation| operation.name),
            )
            .collect()
    }

    fn required_arguments(&self, action: &str) -> Vec<&str> {
        let parameters =
            canopy_highlevel::operation(action).map_or(&[][..], |operation| operation.parameters);
        parameters
            .iter()
            .filter(|parameter| parameter.place == Place::Path || parameter.required)
            .map(|parameter| parameter.name)
            .collect()
    }

    fn event_kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<_> = canopy_highlevel::WEBHOOKS
            .iter()
            .map(|event| event.kind)
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}
