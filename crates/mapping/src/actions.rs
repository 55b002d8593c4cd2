//! What mapping has to know of the services, told by whoever has the operation tables.

use serde_json::{Map, Value};

/// What a step does, as far as planning has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// Creates or updates the profile in our store.
    Profile,
    /// Spends money at Ecologi.
    Purchase,
    /// Calls HighLevel.
    HighLevel,
    /// Waits or stops: does nothing outside.
    Control,
}

/// Tells which actions, triggers and event kinds there are; the engine answers it from the generated operation tables.
pub trait Actions {
    /// The action that a name stands for: the catalog's names are short for operations.
    fn operation_of<'a>(&'a self, name: &'a str) -> &'a str {
        name
    }
    /// `None`: there is no such action.
    fn kind(&self, action: &str) -> Option<ActionKind>;
    /// All names, for "did you mean".
    fn names(&self) -> Vec<&str>;
    /// All that is wrong with the arguments of an action. Templates stand for anything; `custom_fields`: the step
    /// writes custom fields by name besides.
    fn check_action(
        &self,
        action: &str,
        arguments: &Map<String, Value>,
        custom_fields: bool,
    ) -> Vec<ArgumentError>;
    /// Event kinds that can start a workflow.
    fn event_kinds(&self) -> Vec<&str>;
    /// The operation that a trigger's name (of the catalog, or the operation's own) stands for.
    fn trigger(&self, name: &str) -> Option<&str>;
    /// All triggers of the catalog.
    fn triggers(&self) -> Vec<&str>;
    /// First word of the kinds that a trigger's operation finds, e.g. `task`.
    fn record_of(&self, operation: &str) -> Option<&str>;
    /// Members of the records of this name, as far as the service describes them; none where it does not.
    fn members(&self, record: &str) -> Vec<String>;
    /// Whether a member of the records of this name is described as a text.
    fn is_text(&self, _record: &str, _member: &str) -> bool {
        false
    }
    /// Members of what a step with this action leaves in `steps.<id>`, as far as they are described.
    fn answer_members(&self, _action: &str) -> Vec<String> {
        Vec::new()
    }
    /// Whether a parameter of a trigger says only in which order and pages its records come.
    fn arranges(&self, _operation: &str, _parameter: &str) -> bool {
        false
    }
    /// All that is wrong with the parameters of a trigger.
    fn check_trigger(&self, operation: &str, parameters: &Map<String, Value>)
    -> Vec<ArgumentError>;
}

/// One thing that is wrong with arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{field}\" {problem}{}", fix.as_ref().map(|fix| format!("; {fix}")).unwrap_or_default())]
pub struct ArgumentError {
    /// Where: `body`, `customFields[0].id`.
    pub field: String,
    pub problem: String,
    pub fix: Option<String>,
}

impl ArgumentError {
    /// It must be given, and is not.
    pub fn missing(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            problem: "is missing".to_owned(),
            fix: Some(format!("add {field} = ... to \"with\"")),
        }
    }

    /// There is no such argument.
    pub fn unknown(field: &str, nearest: Option<String>, takes: &[impl AsRef<str>]) -> Self {
        let takes: Vec<&str> = takes.iter().map(AsRef::as_ref).collect();
        Self {
            field: field.to_owned(),
            problem: "is unknown here".to_owned(),
            fix: match nearest {
                Some(nearest) => Some(format!("did you mean \"{nearest}\"?")),
                None if takes.is_empty() => Some("leave it out".to_owned()),
                None => Some(format!("known here: {}", takes.join(", "))),
            },
        }
    }

    /// Its value does not fit.
    pub fn wrong(field: &str, problem: &str) -> Self {
        Self {
            field: field.to_owned(),
            problem: problem.to_owned(),
            fix: None,
        }
    }
}
