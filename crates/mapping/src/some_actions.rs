//! For tests: a few actions to check workflow files against.

use serde_json::{Map, Value};

use crate::actions::{ActionKind, Actions, ArgumentError};

/// A handful of actions, enough to check files against.
#[derive(Debug)]
pub(crate) struct SomeActions;

impl Actions for SomeActions {
    fn kind(&self, action: &str) -> Option<ActionKind> {
        match action {
            "profile.save" => Some(ActionKind::Profile),
            "buy-trees" => Some(ActionKind::Purchase),
            "create-note" | "update-contact" => Some(ActionKind::HighLevel),
            "wait" | "stop" => Some(ActionKind::Control),
            _ => None,
        }
    }

    fn names(&self) -> Vec<&str> {
        vec!["profile.save", "buy-trees", "create-note", "update-contact"]
    }

    fn check_action(
        &self,
        action: &str,
        arguments: &Map<String, Value>,
        _: bool,
    ) -> Vec<ArgumentError> {
        if self.kind(action) == Some(ActionKind::Control) {
            return crate::check_control(action, arguments);
        }
        let takes = ["contactId", "body"];
        let needed = (kind_is_call(action) && !arguments.contains_key("contactId"))
            .then(|| ArgumentError::missing("contactId"));
        let unknown = arguments
            .keys()
            .filter(|name| kind_is_call(action) && !takes.contains(&name.as_str()))
            .map(|name| ArgumentError::unknown(name, None, &takes));
        needed.into_iter().chain(unknown).collect()
    }

    fn event_kinds(&self) -> Vec<&str> {
        vec!["contact.created", "contact.updated"]
    }

    fn trigger(&self, name: &str) -> Option<&str> {
        match name {
            "get-contact-notes" | "get-all-notes" => Some("get-all-notes"),
            _ => None,
        }
    }

    fn triggers(&self) -> Vec<&str> {
        vec!["get-contact-notes"]
    }

    fn record_of(&self, _: &str) -> Option<&str> {
        Some("note")
    }

    fn arranges(&self, _: &str, parameter: &str) -> bool {
        parameter == "order"
    }

    fn members(&self, record: &str) -> Vec<String> {
        let members: &[&str] = match record {
            "contact" => &["id", "firstName", "lastName", "email", "tags", "dateAdded"],
            "note" => &["id", "body", "contactId"],
            _ => &[],
        };
        members.iter().map(|name| (*name).to_owned()).collect()
    }

    fn is_text(&self, record: &str, member: &str) -> bool {
        record == "contact" && ["firstName", "lastName", "email"].contains(&member)
    }

    fn answer_members(&self, action: &str) -> Vec<String> {
        if self.kind(action) == Some(ActionKind::Purchase) {
            vec!["treeUrl".to_owned()]
        } else {
            Vec::new()
        }
    }

    fn check_trigger(&self, _: &str, parameters: &Map<String, Value>) -> Vec<ArgumentError> {
        let known = ["contactId", "order"];
        let wrong = parameters
            .keys()
            .filter(|name| !known.contains(&name.as_str()));
        wrong
            .map(|name| ArgumentError::unknown(name, None, &["contactId"]))
            .collect()
    }
}

fn kind_is_call(action: &str) -> bool {
    matches!(action, "create-note" | "update-contact")
}
