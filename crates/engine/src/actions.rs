//! Which actions and event kinds there are: read from the generated tables, so that nothing is listed by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, OnceLock};

use canopy_highlevel::operation::{EntryKind, Idempotency};
use canopy_highlevel::{CATALOG, OPERATIONS, WEBHOOKS};
use canopy_mapping::{ActionKind, Actions, ArgumentError, STOP, WAIT, check_control};
use serde_json::{Map, Value};

use crate::{arguments, profile_arguments};

/// The action that keeps a contact's profile.
pub const SAVE_PROFILE: &str = "profile.save";
/// The action that keeps a note of a profile.
pub(crate) const PROFILE_NOTE: &str = "profile.note";
/// The action that keeps a task of a profile.
pub(crate) const PROFILE_TASK: &str = "profile.task";
/// The action that adds and removes tags of a profile.
pub(crate) const PROFILE_TAG: &str = "profile.tag";

/// The action that brings the mapped fields of contact and profile in step.
pub const SYNC_PROFILE: &str = "profile.sync";

/// What Ecologi's receipts have, and the words of a purchase that was not made.
const PURCHASE_ANSWER: [&str; 11] = [
    "amount",
    "currency",
    "name",
    "number",
    "numberInTonnes",
    "projectDetails",
    "recipientEmail",
    "skipped",
    "tileUrl",
    "treeUrl",
    "units",
];

const PROFILE_ACTIONS: [&str; 5] = [
    SAVE_PROFILE,
    PROFILE_NOTE,
    PROFILE_TASK,
    PROFILE_TAG,
    SYNC_PROFILE,
];

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

/// Kinds of the webhooks, of what the polls find, and of what happens to profiles.
static KINDS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let webhooks = WEBHOOKS.iter().map(|event| event.kind.to_owned());
    let triggers = OPERATIONS.iter().filter_map(|operation| operation.trigger);
    let polled = triggers.flat_map(|trigger| {
        let deleted = trigger.lists_all.then_some("deleted");
        let verbs = ["created", "updated"].into_iter().chain(deleted);
        let own = verbs.map(move |verb| format!("{}.{verb}", trigger.record));
        own.chain(trigger.changes.iter().map(|change| change.kind.to_owned()))
    });
    let profile = PROFILE_EVENTS.map(str::to_owned);
    webhooks.chain(polled).chain(profile).collect()
});

/// The actions that the engine can carry out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Catalog;

impl Actions for Catalog {
    fn operation_of<'a>(&'a self, name: &'a str) -> &'a str {
        if self.kind(name).is_some() {
            return name;
        }
        let mut entries = CATALOG.iter();
        let entry = entries.find(|entry| entry.kind == EntryKind::Action && entry.name == name);
        entry.map_or(name, |entry| entry.operation)
    }

    fn kind(&self, action: &str) -> Option<ActionKind> {
        if [WAIT, STOP].contains(&action) {
            Some(ActionKind::Control)
        } else if PROFILE_ACTIONS.contains(&action) {
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
        let actions = CATALOG
            .iter()
            .filter(|entry| entry.kind == EntryKind::Action);
        PROFILE_ACTIONS
            .into_iter()
            .chain([WAIT, STOP])
            .chain(purchases.map(|operation| operation.name))
            .chain(OPERATIONS.iter().map(|operation| operation.name))
            .chain(actions.map(|entry| entry.name))
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
            Some(ActionKind::Profile) => profile_arguments::mistakes(action, given),
            Some(ActionKind::Control) => check_control(action, given),
            None => Vec::new(),
        }
    }

    fn event_kinds(&self) -> Vec<&str> {
        KINDS.iter().map(String::as_str).collect()
    }

    fn trigger(&self, name: &str) -> Option<&str> {
        let entry = CATALOG
            .iter()
            .find(|entry| entry.kind == EntryKind::Trigger && entry.name == name);
        let operation = entry.map_or(name, |entry| entry.operation);
        canopy_highlevel::operation(operation)
            .filter(|operation| operation.trigger.is_some())
            .map(|operation| operation.name)
    }

    fn triggers(&self) -> Vec<&str> {
        CATALOG
            .iter()
            .filter(|entry| entry.kind == EntryKind::Trigger)
            .map(|entry| entry.name)
            .collect()
    }

    fn record_of(&self, operation: &str) -> Option<&str> {
        let trigger = canopy_highlevel::operation(operation)?.trigger?;
        Some(trigger.record)
    }

    fn members(&self, record: &str) -> Vec<String> {
        let members = described(record).into_iter().flatten();
        members.map(|(name, _)| name.clone()).collect()
    }

    fn is_text(&self, record: &str, member: &str) -> bool {
        let is_text = described(record).and_then(|members| members.get(member));
        is_text.copied().unwrap_or_default()
    }

    fn answer_members(&self, action: &str) -> Vec<String> {
        match self.kind(action) {
            Some(ActionKind::Purchase) => PURCHASE_ANSWER.map(str::to_owned).to_vec(),
            Some(ActionKind::HighLevel) => {
                let name = canopy_highlevel::operation(action).map(|operation| operation.name);
                let kept = name.and_then(|name| ANSWERS.get(name));
                let members = kept.map(|kept| kept.get_or_init(|| answered(action)));
                members.cloned().unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn arranges(&self, operation: &str, parameter: &str) -> bool {
        canopy_highlevel::operation(operation)
            .is_some_and(|operation| canopy_highlevel::arranges(operation, parameter))
    }

    fn check_trigger(&self, operation: &str, given: &Map<String, Value>) -> Vec<ArgumentError> {
        let mut filled_in = arguments::FROM_CONNECTION.to_vec();
        // The poll pages by itself.
        filled_in.extend(arguments::PAGING);
        let trigger = canopy_highlevel::operation(operation).and_then(|found| found.trigger);
        // Without it, the poll takes it from each record of another list.
        filled_in.extend(
            trigger
                .and_then(|trigger| trigger.each)
                .map(|each| each.parameter),
        );
        let Some(window) = trigger.and_then(|trigger| trigger.window) else {
            return arguments::of_highlevel(operation, given, &filled_in);
        };
        if window.usual.is_some() {
            // The poll has a window of its own, and moves it.
            filled_in.extend([window.from, window.to]);
        }
        let (mut found, given) = arguments::of_window(operation, window, given);
        found.extend(arguments::of_highlevel(operation, &given, &filled_in));
        found
    }
}

/// The members of the records of each name that triggers have, and whether they are texts wherever they are shown. To make
/// up an answer takes so long that a check of many files would do nothing else.
static RECORDS: LazyLock<BTreeMap<&str, OnceLock<BTreeMap<String, bool>>>> = LazyLock::new(|| {
    let triggers = OPERATIONS.iter().filter_map(|operation| operation.trigger);
    triggers
        .map(|trigger| (trigger.record, OnceLock::new()))
        .collect()
});

/// The members of the answer of each operation.
static ANSWERS: LazyLock<BTreeMap<&str, OnceLock<Vec<String>>>> = LazyLock::new(|| {
    let names = OPERATIONS.iter().map(|operation| operation.name);
    names.map(|name| (name, OnceLock::new())).collect()
});

fn described(record: &str) -> Option<&'static BTreeMap<String, bool>> {
    let members = || {
        let mut members = BTreeMap::new();
        for (name, value) in shown(record) {
            *members.entry(name).or_insert(true) &= value.is_string();
        }
        members
    };
    RECORDS.get(record).map(|kept| kept.get_or_init(members))
}

fn answered(operation: &str) -> Vec<String> {
    let shown = canopy_highlevel::placeholder(operation, &str::to_owned);
    let shown = shown.unwrap_or_default();
    let members = shown.as_object().into_iter().flatten();
    members.map(|(name, _)| name.clone()).collect()
}

/// The members of the records of this name with something in place of their values, as each read of them shows it.
fn shown(record: &str) -> impl Iterator<Item = (String, Value)> {
    let reads = OPERATIONS.iter().filter(move |operation| {
        operation
            .trigger
            .is_some_and(|found| found.record == record)
    });
    reads.flat_map(|operation| {
        let shown = canopy_highlevel::placeholder(operation.name, &str::to_owned);
        let shown = shown.unwrap_or_default();
        let at = |pointer: &str| shown.pointer(pointer).cloned().unwrap_or_default();
        let one = match (operation.items, operation.record) {
            (Some(items), _) => at(&format!("{items}/0")),
            (None, Some(record)) => at(record),
            (None, None) => shown,
        };
        one.as_object().cloned().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_step_answers_is_known() {
        for (action, member) in [
            ("buy-trees", "treeUrl"),
            ("create-note", "note"),
            ("add-tags", "tags"),
        ] {
            let members = Catalog.answer_members(action);
            assert!(members.iter().any(|known| known == member), "{members:?}");
        }
        assert!(Catalog.answer_members(SAVE_PROFILE).is_empty());
    }

    #[test]
    fn what_is_kept_of_records_is_what_their_reads_show() {
        let triggers = OPERATIONS.iter().filter_map(|operation| operation.trigger);
        let records: BTreeSet<&str> = triggers.map(|trigger| trigger.record).collect();
        for record in records {
            let all: Vec<(String, Value)> = shown(record).collect();
            let names: BTreeSet<&String> = all.iter().map(|(name, _)| name).collect();
            assert!(Catalog.members(record).iter().eq(names.iter().copied()));
            for name in names {
                let mut of_name = all.iter().filter(|(other, _)| other == name);
                let is_text = of_name.all(|(_, value)| value.is_string());
                assert_eq!(Catalog.is_text(record, name), is_text, "{record}.{name}");
            }
        }
        assert!(Catalog.is_text("contact", "email") && !Catalog.is_text("contact", "tags"));
        assert!(!Catalog.is_text("contact", "nothing") && Catalog.members("nothing").is_empty());
    }

    #[test]
    fn every_trigger_of_the_catalog_can_start_a_workflow() {
        for name in Catalog.triggers() {
            let operation = Catalog.trigger(name).unwrap();
            let example = canopy_highlevel::describe(operation).unwrap().example;
            let found = Catalog.check_trigger(operation, example.as_object().unwrap());
            assert!(found.is_empty(), "{name}: {found:?}");
        }
    }

    #[test]
    fn no_trigger_is_told_how_to_page() {
        for name in Catalog.triggers() {
            let operation = Catalog.trigger(name).unwrap();
            let mut example = canopy_highlevel::describe(operation).unwrap().example;
            let given = example.as_object_mut().unwrap();
            given.retain(|argument, _| !arguments::PAGING.contains(&argument.as_str()));
            let found = Catalog.check_trigger(operation, given);
            assert!(found.is_empty(), "{name}: {found:?}");
        }
        let search = Catalog.trigger("search-contacts").unwrap();
        assert!(Catalog.check_trigger(search, &Map::new()).is_empty());
    }

    #[test]
    fn a_list_of_each_contact_needs_no_contact() {
        let operation = Catalog.trigger("get-contact-notes").unwrap();
        assert!(Catalog.check_trigger(operation, &Map::new()).is_empty());
        let wrong = json!({ "contactid": "c" });
        let found = Catalog.check_trigger(operation, wrong.as_object().unwrap());
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn the_ends_of_a_window_are_moments() {
        for operation in ["get-calendar-events", "get-blocked-slots", "get-free-slots"] {
            let trigger = canopy_highlevel::operation(operation).unwrap().trigger;
            let window = trigger.unwrap().window.unwrap();
            let given = |from: &str| {
                let given =
                    json!({ "calendarId": "c", (window.from): from, (window.to): "now+30d" });
                Catalog.check_trigger(operation, given.as_object().unwrap())
            };
            assert_eq!(given("today"), []);
            assert_eq!(given("4102444800000"), []);
            let wrong = given("now+30days");
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert!(
                format!("{wrong:?}").contains("did you mean \\\"now+30d\\\"?"),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn kinds_of_polls_are_kinds() {
        let kinds = Catalog.event_kinds();
        assert!(kinds.contains(&"contact.created") && kinds.contains(&"note.updated"));
    }
}
