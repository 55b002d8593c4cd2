//! Events that two workflows would both buy for.

use std::collections::BTreeMap;

use canopy_mapping::{On, TriggerOn, Workflow};

use super::account::buying;

/// What starts several workflows that buy, with their ids.
pub(crate) fn overlaps(workflows: &[Workflow]) -> BTreeMap<String, Vec<&str>> {
    let mut starts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let buyers = workflows
        .iter()
        .filter(|workflow| buying(workflow).next().is_some());
    for workflow in buyers {
        for on in &workflow.on {
            for start in names(on) {
                let ids = starts.entry(start).or_default();
                if !ids.contains(&workflow.id.as_str()) {
                    ids.push(&workflow.id);
                }
            }
        }
    }
    starts.retain(|_, ids| ids.len() > 1);
    starts
}

/// The kinds of events that start it; a timetable is its workflow's own.
fn names(on: &On) -> Vec<String> {
    match on {
        On::Kind(kind) => vec![kind.clone()],
        On::Trigger(trigger) => kinds(trigger),
        On::Webhook(webhook) => vec![webhook.kind()],
        On::Schedule(_) => Vec::new(),
    }
}

/// What a poll finds is told as these kinds, whichever way it comes.
fn kinds(on: &TriggerOn) -> Vec<String> {
    let trigger = canopy_highlevel::operation(&on.trigger).and_then(|one| one.trigger);
    let Some(trigger) = trigger else {
        return Vec::new();
    };
    let usual = ["created", "updated"]
        .into_iter()
        .map(|what| format!("{}.{what}", trigger.record));
    let further = trigger.changes.iter().map(|change| change.kind.to_owned());
    usual.chain(further).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workflow(id: &str, on: &str, action: &str) -> Workflow {
        let text = format!(
            "id = \"{id}\"\ntitle = \"T\"\non = {on}\n\n[[do]]\nid = \"step\"\naction = \"{action}\"\nonce = \"event\"\nwith = {{ number = 1 }}\n"
        );
        Workflow::parse("w.toml", &text, &canopy_engine::Catalog).unwrap()
    }

    #[test]
    fn workflows_that_buy_for_the_same_event_are_told() {
        let both = [
            workflow("one", "\"contact.created\"", "buy-trees"),
            workflow(
                "two",
                "[\"contact.created\", \"task.completed\"]",
                "buy-carbon-removal",
            ),
            workflow("three", "\"note.created\"", "buy-trees"),
            workflow("four", "\"get-contact-notes\"", "buy-trees"),
        ];
        let found = overlaps(&both);
        let expected: Vec<(&str, Vec<&str>)> = vec![
            ("contact.created", vec!["one", "two"]),
            ("note.created", vec!["three", "four"]),
        ];
        let found: Vec<_> = found
            .iter()
            .map(|(kind, ids)| (kind.as_str(), ids.clone()))
            .collect();
        assert_eq!(found, expected);
    }
}
