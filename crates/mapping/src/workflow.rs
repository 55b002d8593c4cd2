//! Workflow files: `on` (trigger), `when` (condition), `do` (steps).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::actions::Actions;
use crate::check;
use crate::event::Event;
use crate::file_error::FileError;
use crate::merge;
use crate::on::{On, one_or_more};
use crate::once::Once;
use crate::step::Step;
use crate::template;

/// A workflow, as its file describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Names the workflow: 1 to 64 small letters, digits, `-` or `_`. Never change it, and never give an old one to something
    /// else: what was bought is recognised by it.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = crate::schema::ID)))]
    pub id: String,
    /// What it does, in a few words for people.
    pub title: String,
    /// What it does, at length. Default: empty.
    #[serde(default)]
    pub description: String,
    /// `false` switches it off: nothing starts it any more. Runs that have begun go on. Default: `true`.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What starts it: an event kind such as `"contact.created"`, the name of a trigger, a table with `trigger`, `schedule` or
    /// `webhook`, or a list of these.
    #[serde(deserialize_with = "one_or_more")]
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Value"))]
    pub on: Vec<On>,
    /// Expression that must be true for a run to start, without `{{ }}`, such as `contact.email`. Empty texts, empty lists,
    /// zero and missing values count as false. Default: always.
    pub when: Option<String>,
    /// Expression under which purchases may carry `name` and `recipientEmail`, such as `'yes' in contact.tags`; steps can have
    /// their own. Without one they carry neither.
    pub consent: Option<String>,
    /// The steps, in their order: each a `[[do]]` section.
    #[serde(rename = "do")]
    #[cfg_attr(feature = "schema", schemars(extend("minItems" = 1)))]
    pub steps: Vec<Step>,
}

const fn yes() -> bool {
    true
}

impl Workflow {
    /// Reads a workflow file. `file` is its name for messages. The error is its first mistake.
    pub fn parse(file: &str, text: &str, actions: &dyn Actions) -> Result<Self, FileError> {
        Self::parse_all(file, text, actions).map_err(|mut mistakes| {
            mistakes.reverse();
            mistakes
                .pop()
                .unwrap_or_else(|| FileError::new(file, "cannot be read"))
        })
    }

    /// Reads a workflow file, and tells all of its mistakes in the order of their lines.
    pub fn parse_all(
        file: &str,
        text: &str,
        actions: &dyn Actions,
    ) -> Result<Self, Vec<FileError>> {
        let mut workflow: Self =
            toml::from_str(text).map_err(|error| vec![FileError::from_toml(file, text, &error)])?;
        let mistakes = check::mistakes(&mut workflow, file, text, actions);
        if mistakes.is_empty() {
            Ok(workflow)
        } else {
            Err(mistakes)
        }
    }

    /// Whether the event starts it, as far as this can be told without its condition.
    pub fn starts_on(&self, event: &Event) -> bool {
        self.on.iter().any(|on| on.matches(&self.id, event))
    }

    /// Whether a template or condition reads something of this name, such as [`CUSTOM`](crate::CUSTOM).
    pub fn reads(&self, name: &str) -> bool {
        self.paths(name).next().is_some()
    }

    /// Whether it reads more of it than these members, which need no call.
    pub fn reads_members(&self, name: &str, but: &[&str]) -> bool {
        self.paths(name)
            .any(|path| !but.contains(&path.split('.').nth(1).unwrap_or_default()))
    }

    /// Whether days and times may be compared or moved in it, so that the location's zone may matter.
    pub fn may_need_zone(&self) -> bool {
        self.sights()
            .iter()
            .any(|(_, sight)| *sight == crate::values::Sight::Zone)
    }

    /// The members that templates and conditions read of what has this name.
    pub(crate) fn names_below(&self, name: &str) -> BTreeSet<String> {
        let members = self.paths(name);
        members
            .filter_map(|path| path.split('.').nth(1).map(str::to_owned))
            .collect()
    }

    /// All that is read of what has this name, e.g. `contact.firstName` of `contact`.
    fn paths(&self, name: &str) -> impl Iterator<Item = String> {
        let conditions = self
            .steps
            .iter()
            .flat_map(|step| [&step.when, &step.consent]);
        let conditions = conditions.chain([&self.when, &self.consent]).flatten();
        // To compile each of them would cost more than all else that an event does.
        let conditions = conditions.filter(move |text| merge::mentions(name, text));
        let values = self.steps.iter().flat_map(|step| {
            let fields = step.custom_fields.values().map(|field| &field.value);
            step.with.values().chain(fields)
        });
        let values = values.filter(move |value| merge::mentions(name, &value.to_string()));
        let keys = self.steps.iter().filter_map(|step| match &step.once {
            Some(Once::Value(text)) if merge::mentions(name, text) => Some(text.as_str()),
            _ => None,
        });
        let keys = keys.flat_map(|text| template::names(&text.into()));
        conditions
            .flat_map(|text| template::names_in_expression(text))
            .chain(values.flat_map(template::names))
            .chain(keys)
            .filter(move |path| path.split('.').next() == Some(name))
    }

    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

#[cfg(test)]
mod tests;
