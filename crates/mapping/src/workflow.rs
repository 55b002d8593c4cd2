//! Workflow files: `on` (trigger), `when` (condition), `do` (steps).

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::file_error::{FileError, nearest};
use crate::template;

/// A workflow, as its file describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Immutable: part of every key under which something was bought or written.
    pub id: String,
    pub title: String,
    #[serde(default)]
    pub description: String,
    /// Event kinds that start it, e.g. `contact.created`.
    pub on: Vec<String>,
    /// Expression that must be true for a run to start.
    pub when: Option<String>,
    #[serde(rename = "do")]
    pub steps: Vec<Step>,
}

/// One action of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Immutable, unique in the file: part of the step's key.
    pub id: String,
    /// `profile.save`, or the name of an operation of HighLevel or Ecologi, e.g. `create-note`, `buy-trees`.
    pub action: String,
    /// How often it may happen. Purchases default to `contact`, everything else to `event`.
    pub once: Option<Once>,
    /// Expression; when false the step is skipped.
    pub when: Option<String>,
    /// Arguments: literals or `{{ }}` templates.
    #[serde(default)]
    pub with: Map<String, Value>,
    /// Custom fields of the contact by name; missing ones are created in the location. They become the
    /// `customFields` argument. The call is left out when the contact has all of these values already.
    #[serde(default)]
    pub custom_fields: IndexMap<String, CustomField>,
}

/// How often a step may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Once {
    /// Once for each contact, for ever.
    Contact,
    /// Once for each record (opportunity, task, note ...), for ever.
    Record,
    /// Once for each event.
    Event,
    /// Once for each contact and calendar month (UTC) of the event.
    Month,
}

/// A value for a custom field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomField {
    /// Literal or template.
    pub value: Value,
    /// The type with which a missing field is created.
    #[serde(rename = "type", default)]
    pub data_type: FieldType,
}

/// HighLevel's custom field types that a workflow can create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    #[default]
    Text,
    LargeText,
    Number,
    Date,
}

impl FieldType {
    /// The API's word, of `dataType`.
    pub const fn api_name(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::LargeText => "LARGE_TEXT",
            Self::Number => "NUMERICAL",
            Self::Date => "DATE",
        }
    }
}

/// What a step does, as far as planning has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// Creates or updates the profile in our store.
    Profile,
    /// Spends money at Ecologi.
    Purchase,
    /// Calls HighLevel.
    HighLevel,
}

/// Tells which actions there are; the engine answers it from the generated operation tables.
pub trait Actions {
    /// `None`: there is no such action.
    fn kind(&self, action: &str) -> Option<ActionKind>;
    /// All names, for "did you mean".
    fn names(&self) -> Vec<&str>;
    /// The arguments of a HighLevel action that the path or query cannot do without.
    fn required_arguments(&self, action: &str) -> Vec<&str>;
    /// Event kinds that can start a workflow.
    fn event_kinds(&self) -> Vec<&str>;
}

impl Workflow {
    /// Reads a workflow file. `file` is its name for messages.
    pub fn parse(file: &str, text: &str, actions: &dyn Actions) -> Result<Self, FileError> {
        let workflow: Self =
            toml::from_str(text).map_err(|error| FileError::from_toml(file, text, &error))?;
        workflow.check(file, text, actions)?;
        Ok(workflow)
    }

    fn check(&self, file: &str, text: &str, actions: &dyn Actions) -> Result<(), FileError> {
        check_id(file, text, "id", &self.id)?;
        if self.on.is_empty() {
            return Err(
                FileError::new(file, "\"on\" is empty, so nothing would ever start it")
                    .at(text, "on =")
                    .fix("name an event kind, e.g. on = [\"contact.created\"]"),
            );
        }
        let kinds = actions.event_kinds();
        for kind in &self.on {
            if !kinds.contains(&kind.as_str()) {
                return Err(unknown(file, text, "event kind", kind, &kinds));
            }
        }
        if let Some(when) = &self.when {
            check_expression(file, text, "when", when)?;
        }
        if self.steps.is_empty() {
            return Err(FileError::new(file, "there is no step").fix("add a [[do]] section"));
        }
        for (index, step) in self.steps.iter().enumerate() {
            check_id(file, text, "step id", &step.id)?;
            if self.steps[..index].iter().any(|other| other.id == step.id) {
                return Err(FileError::new(file, format!("step id \"{}\" is used twice", step.id))
                    .at(text, &step.id)
                    .fix("give each step an id of its own; ids are part of the keys against buying twice"));
            }
            step.check(file, text, actions)?;
        }
        Ok(())
    }

    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

impl Step {
    fn check(&self, file: &str, text: &str, actions: &dyn Actions) -> Result<(), FileError> {
        let Some(kind) = actions.kind(&self.action) else {
            return Err(unknown(
                file,
                text,
                "action",
                &self.action,
                &actions.names(),
            ));
        };
        if let Some(when) = &self.when {
            check_expression(file, text, "when", when)?;
        }
        for (name, value) in &self.with {
            template::check(value).map_err(|problem| {
                FileError::new(file, format!("step \"{}\", \"{name}\": {problem}", self.id))
                    .at(text, name)
            })?;
        }
        for (name, field) in &self.custom_fields {
            template::check(&field.value).map_err(|problem| {
                FileError::new(
                    file,
                    format!("step \"{}\", custom field \"{name}\": {problem}", self.id),
                )
                .at(text, name)
            })?;
        }
        if kind != ActionKind::HighLevel && !self.custom_fields.is_empty() {
            return Err(FileError::new(
                file,
                format!(
                    "step \"{}\": \"{}\" writes no custom fields",
                    self.id, self.action
                ),
            )
            .at(text, "custom_fields")
            .fix("use custom_fields with update-contact, create-contact or upsert-contact"));
        }
        for name in actions.required_arguments(&self.action) {
            if !self.with.contains_key(name) {
                return Err(FileError::new(
                    file,
                    format!(
                        "step \"{}\": \"{}\" needs the argument \"{name}\"",
                        self.id, self.action
                    ),
                )
                .at(text, &format!("\"{}\"", self.action))
                .fix(format!("add {name} = \"...\" under [do.with]")));
            }
        }
        Ok(())
    }

    /// How often this step may happen, given what kind of action it is.
    pub fn once(&self, kind: ActionKind) -> Once {
        self.once.unwrap_or(match kind {
            ActionKind::Purchase => Once::Contact,
            ActionKind::Profile | ActionKind::HighLevel => Once::Event,
        })
    }
}

fn check_id(file: &str, text: &str, what: &str, id: &str) -> Result<(), FileError> {
    let usable = !id.is_empty()
        && id.len() <= 64
        && id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    if usable {
        return Ok(());
    }
    Err(
        FileError::new(file, format!("{what} \"{id}\" is not usable"))
            .at(text, id)
            .fix("use 1 to 64 lower-case letters, digits, \"-\" or \"_\""),
    )
}

fn check_expression(file: &str, text: &str, key: &str, expression: &str) -> Result<(), FileError> {
    template::check_expression(expression).map_err(|problem| {
        FileError::new(file, format!("\"{key}\": {problem}")).at(text, expression)
    })
}

fn unknown(file: &str, text: &str, what: &str, name: &str, known: &[&str]) -> FileError {
    let error =
        FileError::new(file, format!("unknown {what} \"{name}\"")).at(text, &format!("\"{name}\""));
    match nearest(name, known.iter().copied()) {
        Some(near) => error.fix(format!("did you mean \"{near}\"?")),
        None => error,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A handful of actions, enough to check files against.
    #[derive(Debug)]
    pub(crate) struct SomeActions;

    impl Actions for SomeActions {
        fn kind(&self, action: &str) -> Option<ActionKind> {
            match action {
                "profile.save" => Some(ActionKind::Profile),
                "buy-trees" => Some(ActionKind::Purchase),
                "create-note" | "update-contact" => Some(ActionKind::HighLevel),
                _ => None,
            }
        }

        fn names(&self) -> Vec<&str> {
            vec!["profile.save", "buy-trees", "create-note", "update-contact"]
        }

        fn required_arguments(&self, action: &str) -> Vec<&str> {
            match action {
                "create-note" | "update-contact" => vec!["contactId"],
                _ => vec![],
            }
        }

        fn event_kinds(&self) -> Vec<&str> {
            vec!["contact.created", "contact.updated"]
        }
    }

    const GOOD: &str = r#"
id = "thanks"
title = "Thank a contact"
on = ["contact.created"]
when = "contact.email"

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }

[[do]]
id = "note"
action = "create-note"
once = "contact"
with = { contactId = "{{ contact.id }}", body = "Your tree: {{ steps.tree.treeUrl }}" }
"#;

    fn problem(text: &str) -> String {
        Workflow::parse("thanks.toml", text, &SomeActions)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_good_file_is_read() {
        let workflow = Workflow::parse("thanks.toml", GOOD, &SomeActions).unwrap();
        assert_eq!(workflow.steps.len(), 2);
        assert_eq!(workflow.steps[0].once(ActionKind::Purchase), Once::Contact);
        assert_eq!(workflow.steps[1].once(ActionKind::HighLevel), Once::Contact);
    }

    #[test]
    fn mistakes_are_told_with_line_and_remedy() {
        for (from, to, expected) in [
            (
                "buy-trees",
                "buy-tree",
                "thanks.toml:9: unknown action \"buy-tree\"; did you mean \"buy-trees\"?",
            ),
            (
                "contact.created",
                "contact.create",
                "thanks.toml:4: unknown event kind \"contact.create\"; did you mean \"contact.created\"?",
            ),
            (
                "once =",
                "onse =",
                "thanks.toml:15: unknown key \"onse\"; did you mean \"once\"?",
            ),
            (
                "id = \"note\"",
                "id = \"tree\"",
                "thanks.toml:8: step id \"tree\" is used twice",
            ),
            (
                "id = \"thanks\"",
                "id = \"Thanks!\"",
                "thanks.toml:2: id \"Thanks!\" is not usable",
            ),
            (
                "contactId = \"{{ contact.id }}\", ",
                "",
                "needs the argument \"contactId\"",
            ),
            (
                "steps.tree.treeUrl }}",
                "steps.tree. }}",
                "thanks.toml:16: step \"note\", \"body\"",
            ),
            (
                "when = \"contact.email\"",
                "when = \"contact.email and\"",
                "thanks.toml:5: \"when\"",
            ),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert!(
                problem(&text).contains(expected),
                "{from} -> {to}: {}",
                problem(&text)
            );
        }
    }

    #[test]
    fn a_file_without_steps_is_refused() {
        let text = "id = \"x\"\ntitle = \"X\"\non = [\"contact.created\"]\ndo = []\n";
        assert!(problem(text).contains("there is no step"));
    }
}
