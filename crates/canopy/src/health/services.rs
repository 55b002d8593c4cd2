//! Services that do not do what is asked of them, for a time: Ecologi, and HighLevel where records are read.

use std::collections::HashMap;

use canopy_engine::Connection;
use canopy_store::{Part, PartReport, PartState, Unread};
use jiff::Timestamp;

use super::answers::Seen;
use super::look::{EVERY, report};

/// What was last told, by part and location.
#[derive(Debug, Default)]
pub(super) struct Services(HashMap<(Part, String), String>);

impl Services {
    /// Whether Ecologi answers, as purchases and checks found since the last look.
    pub fn ecologi(&mut self, connection: &Connection, seen: Seen) -> Option<PartReport> {
        let state = match seen.failed {
            Some(how) => PartState::Failing {
                cause: format!("Ecologi does not answer as it should ({how})"),
                remedy: "see whether the service is up (`canopy check`); purchases wait, are tried again by themselves, and none is lost or made twice".to_owned(),
                at_once: false,
            },
            None if seen.taken => PartState::Good,
            None => return None,
        };
        self.log(Part::Ecologi, connection, &state);
        Some(report(connection, Part::Ecologi, state, None))
    }

    /// Whether the records behind events can be read: each event is tried again by itself.
    pub fn reading(
        &mut self,
        connection: &Connection,
        unread: &[Unread],
        now: Timestamp,
    ) -> Option<PartReport> {
        let mut unread = unread.iter();
        let Some(unread) = unread.find(|one| one.location == connection.location) else {
            let state = PartState::Good;
            self.log(Part::Reading, connection, &state);
            return Some(report(connection, Part::Reading, state, Some(now + EVERY)));
        };
        // The same event failed twice.
        let again = unread.attempts > 1;
        let state = PartState::Failing {
            cause: format!(
                "{} event(s) cannot be read; the newest failure: {}",
                unread.events, unread.error
            ),
            remedy: "see whether HighLevel is up (`canopy check`); they are read again by themselves, however long it takes, and none is lost".to_owned(),
            at_once: again,
        };
        // As long as the first failure is the only one, a further look at it is no further failure.
        let is_news = self.log(Part::Reading, connection, &state);
        let next = Some(unread.next_try);
        (is_news || again).then(|| report(connection, Part::Reading, state, next))
    }

    /// Says once what is wrong, and that it is good again. `true`: it is new.
    fn log(&mut self, part: Part, connection: &Connection, state: &PartState) -> bool {
        let key = (part, connection.location.clone());
        let id = &connection.id;
        match state {
            PartState::Good => {
                let was_bad = self.0.remove(&key).is_some();
                if was_bad {
                    tracing::info!(connection = %id, "{part}: good again");
                }
                was_bad
            }
            PartState::Failing { cause, .. } | PartState::ToldElsewhere { cause, .. } => {
                let is_new = self.0.get(&key) != Some(cause);
                if is_new {
                    tracing::warn!(connection = %id, "{part}: {cause}");
                    self.0.insert(key, cause.clone());
                }
                is_new
            }
        }
    }
}
