//! Deterministic keys: the same work has the same key on every machine, after every restart and by every way that
//! an event can arrive.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::event::Event;
use crate::on::SCHEDULE_DUE;
use crate::once::{self, NoValue, Once};

/// What a key speaks about besides the event.
#[derive(Debug, Clone, Copy)]
pub struct KeyScope<'a> {
    /// Immutable id of the connection.
    pub connection: &'a str,
    /// Test purchases never stand for real ones.
    pub test: bool,
    /// Immutable id of the workflow.
    pub workflow: &'a str,
    /// Immutable id of the step.
    pub step: &'a str,
}

/// The event cannot carry this `once`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "step \"{step}\" happens once for each contact, but the event {kind} has no contact; write once = \"record\" or once = \"event\""
    )]
    NoContact { step: String, kind: String },
    #[error("step \"{step}\": {error}")]
    NoValue { step: String, error: NoValue },
}

/// SHA-256 (hex) over connection, test flag, workflow, step and the value that `once` names. For a purchase it is
/// Ecologi's `Idempotency-Key`. `context` fills in the template of [`Once::Value`].
///
/// ```
/// use canopy_mapping::{Event, KeyScope, Once, Source, step_key};
/// let event = Event {
///     id: 1, source: Source::Poll, kind: "contact.created".into(), location: "loc".into(),
///     contact: Some("c1".into()), record: "c1".into(), occurred_at: "2026-11-01T00:00:00Z".parse()?,
///     version: Some("created".into()), payload: serde_json::json!({}), trace: canopy_mapping::Trace::default(),
/// };
/// let scope = KeyScope { connection: "main", test: false, workflow: "new-contact", step: "tree" };
/// let created = step_key(scope, &Once::Contact, &event, &())?;
/// let updated = Event { id: 2, kind: "contact.updated".into(), version: Some("v2".into()), ..event };
/// assert_eq!(created, step_key(scope, &Once::Contact, &updated, &())?); // an update never buys again
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn step_key(
    scope: KeyScope<'_>,
    once: &Once,
    event: &Event,
    context: &impl Serialize,
) -> Result<String, KeyError> {
    let contact = || {
        event.contact.as_deref().ok_or_else(|| KeyError::NoContact {
            step: scope.step.to_owned(),
            kind: event.kind.clone(),
        })
    };
    let record_kind = event.kind.split('.').next().unwrap_or_default();
    let month;
    let own;
    let value: Vec<&str> = match once {
        Once::Contact => vec!["contact", contact()?],
        Once::Record => vec!["record", record_kind, &event.record],
        Once::Event => vec![
            "event",
            &event.kind,
            &event.record,
            event.version.as_deref().unwrap_or_default(),
        ],
        Once::Month => {
            month = month_of(event);
            vec!["month", contact()?, &month]
        }
        Once::Value(template) => {
            own = once::values(template, context).map_err(|error| KeyError::NoValue {
                step: scope.step.to_owned(),
                error,
            })?;
            std::iter::once("value")
                .chain(own.iter().map(String::as_str))
                .collect()
        }
    };
    let mut hash = Sha256::new();
    let test = if scope.test { "test" } else { "live" };
    let parts = [
        scope.connection,
        test,
        scope.workflow,
        scope.step,
        &event.location,
    ];
    // Each part goes in with its length, so that no two lists of parts read the same.
    for part in parts.into_iter().chain(value) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    Ok(hex::encode(hash.finalize()))
}

/// The calendar month of an event: UTC, or for a timetable the month in its own time zone, because the first of a month
/// may be the last of another elsewhere.
fn month_of(event: &Event) -> String {
    let local = event.payload["due"].as_str().and_then(|due| due.get(..7));
    match local {
        Some(month) if event.kind == SCHEDULE_DUE => month.to_owned(),
        _ => event.occurred_at.strftime("%Y-%m").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::event::Source;

    fn event(kind: &str, contact: Option<&str>, record: &str, version: &str) -> Event {
        Event {
            id: 7,
            source: Source::Webhook,
            kind: kind.to_owned(),
            location: "loc".to_owned(),
            contact: contact.map(str::to_owned),
            record: record.to_owned(),
            occurred_at: "2026-11-30T23:59:59Z".parse().unwrap(),
            version: Some(version.to_owned()),
            payload: json!({}),
            trace: crate::event::Trace::default(),
        }
    }

    const SCOPE: KeyScope<'static> = KeyScope {
        connection: "main",
        test: false,
        workflow: "w",
        step: "s",
    };

    #[test]
    fn each_part_of_the_scope_makes_another_key() {
        let event = event("contact.created", Some("c"), "c", "created");
        let scopes = [
            SCOPE,
            KeyScope {
                connection: "other",
                ..SCOPE
            },
            KeyScope {
                test: true,
                ..SCOPE
            },
            KeyScope {
                workflow: "x",
                ..SCOPE
            },
            KeyScope { step: "t", ..SCOPE },
        ];
        let keys: HashSet<_> = scopes
            .map(|scope| step_key(scope, &Once::Contact, &event, &()).unwrap())
            .into();
        assert_eq!(keys.len(), 5);
    }

    #[test]
    fn once_decides_what_is_the_same() {
        let won = event("opportunity.won", Some("c"), "o1", "v1");
        let won_again = event("opportunity.won", Some("c"), "o1", "v2");
        let other = event("opportunity.won", Some("c"), "o2", "v1");
        let same =
            |once: Once, a, b| step_key(SCOPE, &once, a, &()) == step_key(SCOPE, &once, b, &());
        assert!(same(Once::Contact, &won, &other));
        assert!(same(Once::Record, &won, &won_again) && !same(Once::Record, &won, &other));
        assert!(!same(Once::Event, &won, &won_again));
        let december = Event {
            occurred_at: "2026-12-01T00:00:00Z".parse().unwrap(),
            ..won.clone()
        };
        assert!(same(Once::Month, &won, &other) && !same(Once::Month, &won, &december));
    }

    #[test]
    fn the_month_of_a_timetable_is_the_one_of_its_time_zone() {
        let due = |local: &str, at: &str| Event {
            occurred_at: at.parse().unwrap(),
            payload: json!({ "due": local }),
            ..event(SCHEDULE_DUE, Some("c"), "w", at)
        };
        let march = due(
            "2026-03-01T00:00:00+00:00[Europe/London]",
            "2026-03-01T00:00:00Z",
        );
        let april = due(
            "2026-04-01T00:00:00+01:00[Europe/London]",
            "2026-03-31T23:00:00Z",
        );
        let key = |event| step_key(SCOPE, &Once::Month, event, &()).unwrap();
        assert_ne!(key(&march), key(&april));
    }

    #[test]
    fn a_contact_is_needed_where_once_is_contact() {
        let event = event("location.updated", None, "l", "v");
        assert!(step_key(SCOPE, &Once::Contact, &event, &()).is_err());
        assert!(step_key(SCOPE, &Once::Record, &event, &()).is_ok());
    }

    #[test]
    fn the_senders_own_id_is_the_same_whatever_event_brings_it() {
        let order = Once::Value("{{ webhook.shop }}-{{ webhook.order }}".to_owned());
        let call = |record: &str, shop: &str, order_id: serde_json::Value| {
            let event = event("hook.order", None, record, record);
            let context = json!({ "webhook": { "shop": shop, "order": order_id } });
            step_key(SCOPE, &order, &event, &context)
        };
        assert_eq!(call("r1", "a", json!(7)), call("r2", "a", json!("7")));
        let keys = [
            call("r", "a", json!(7)),
            call("r", "a", json!(8)),
            call("r", "b", json!(7)),
            call("r", "a-b", json!("c")),
            call("r", "a", json!("b-c")),
        ];
        let different: HashSet<_> = keys.into_iter().map(Result::unwrap).collect();
        assert_eq!(different.len(), 5);
        let error = call("r", "a", json!(null)).unwrap_err().to_string();
        assert!(
            error.contains("step \"s\"") && error.contains("webhook.order is missing"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn parts_cannot_run_into_each_other(a in "[ab]{0,3}", b in "[ab]{0,3}", c in "[ab]{0,3}", d in "[ab]{0,3}") {
            let event = event("contact.created", Some("c"), "c", "created");
            let first = step_key(KeyScope { workflow: &a, step: &b, ..SCOPE }, &Once::Contact, &event, &());
            let second = step_key(KeyScope { workflow: &c, step: &d, ..SCOPE }, &Once::Contact, &event, &());
            prop_assert_eq!(first == second, (a, b) == (c, d));
        }
    }
}
