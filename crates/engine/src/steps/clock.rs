//! Days, and times that name no zone, are on the location's clock. A call takes instants.

use canopy_highlevel::describe;
use canopy_mapping::{Step, When, template};
use serde_json::{Map, Value, json};

use super::StepRun;
use super::highlevel::verdict_of;
use crate::error::Verdict;
use crate::fitting::is_instant;

/// Why a step goes no further.
pub(super) enum OffClock {
    /// The zone is not known, and nothing that comes later will change that.
    Refused(String),
    Verdict(Verdict),
}

impl StepRun<'_> {
    /// Makes instants of what is a day, or a time without a zone, where the call takes an instant. What it made of such a
    /// text by itself would be another hour in each zone.
    pub(super) async fn on_the_clock(
        &self,
        operation: &str,
        arguments: &mut Map<String, Value>,
    ) -> Result<(), OffClock> {
        let local = local(operation, arguments);
        if local.is_empty() {
            return Ok(());
        }
        let zone = self.engine.zone(self.connection).await;
        let zone = zone.map_err(|error| OffClock::Verdict(verdict_of(&error)))?;
        for (name, when) in local {
            let value = arguments.get(&name).cloned().unwrap_or_default();
            let wrong =
                |problem: &str| OffClock::Refused(format!("\"{name}\" is {value}, {problem}"));
            let zone = zone.as_ref().map_err(|_| {
                wrong(
                    "which names no time zone, and the location's cannot be read: give the token the scope locations.readonly, or write the time with its zone, e.g. \"2026-12-01T09:00:00-08:00\"",
                )
            })?;
            let at = when.instant(zone);
            let at = at.ok_or_else(|| wrong("which is on no calendar"))?;
            arguments.insert(name, json!(at.to_string()));
        }
        Ok(())
    }
}

/// The instants of a call that were given without a zone.
fn local(operation: &str, arguments: &Map<String, Value>) -> Vec<(String, When)> {
    let given = arguments.iter().filter_map(|(name, value)| {
        let when = value.as_str().and_then(|_| When::read(value))?;
        when.is_local().then(|| (name.clone(), when))
    });
    let given: Vec<_> = given.collect();
    // To describe an operation takes longer than to look.
    if given.is_empty() {
        return given;
    }
    let fields = describe(operation).map_or_else(|_| Vec::new(), |found| found.fields);
    let takes = |name: &str| {
        fields
            .iter()
            .any(|field| field.name == name && is_instant(field))
    };
    given.into_iter().filter(|(name, _)| takes(name)).collect()
}

/// Whether a step's file says a day or a time without a zone where its call takes an instant, so that the location's zone
/// has to be read. What a template gives is known in a run only.
pub fn writes_by_local_clock(step: &Step) -> bool {
    let literal = step
        .with
        .iter()
        .filter(|(_, value)| !template::is_dynamic(value));
    let literal = literal.map(|(name, value)| (name.clone(), value.clone()));
    !local(&step.action, &literal.collect()).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_without_a_zone_are_found_in_every_call_that_takes_one() {
        for (operation, name) in [
            ("create-task", "dueDate"),
            ("update-task", "dueDate"),
            ("create-appointment", "startTime"),
            ("create-block-slot", "endTime"),
            ("add-contact-to-workflow", "eventStartTime"),
            ("create-blog-post", "publishedAt"),
        ] {
            for (value, is_local) in [
                (json!("2026-12-02"), true),
                (json!("2026-12-02T09:00:00"), true),
                (json!("2026-12-02 09:00"), true),
                (json!("2026-12-02T09:00:00Z"), false),
                (json!("2026-12-02T09:00:00-08:00"), false),
                (json!("soon"), false),
                (json!(7), false),
            ] {
                let arguments = Map::from_iter([(name.to_owned(), value.clone())]);
                let found = local(operation, &arguments);
                assert_eq!(!found.is_empty(), is_local, "{operation} {name} {value}");
            }
        }
        // A day of birth is one, and a title may be called like a day.
        let arguments = json!({ "dateOfBirth": "1990-05-01", "title": "2026-12-02" });
        let Value::Object(arguments) = arguments else {
            unreachable!("it is written as one");
        };
        assert_eq!(local("update-contact", &arguments), []);
        assert_eq!(local("create-task", &arguments), []);
    }
}
