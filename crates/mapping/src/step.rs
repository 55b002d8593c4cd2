//! The steps of a workflow, and how often each may happen.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::actions::ActionKind;
use crate::control::{self, STOP, WAIT};
use crate::once::Once;

/// One action of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(with = "StepTable")
)]
#[serde(try_from = "StepTable")]
pub struct Step {
    /// Immutable, unique in the file: part of the step's key.
    pub id: String,
    /// `profile.save`, `wait`, `stop`, or the name of an operation of HighLevel or Ecologi, e.g. `create-note`,
    /// `buy-trees`.
    pub action: String,
    /// How often it may happen. Purchases default to `contact`, everything else to `event`.
    pub once: Option<Once>,
    /// Expression; when false the step is skipped.
    pub when: Option<String>,
    /// Expression under which a purchase may carry `name` and `recipientEmail`; when false they are left out.
    pub consent: Option<String>,
    /// Arguments: literals or `{{ }}` templates.
    pub with: Map<String, Value>,
    /// Custom fields of the contact by name, key (`contact.tier`) or id; one that is missing is created under its name in
    /// the location. They become the `customFields` argument, each value as the field's type takes it. The call is left
    /// out when the contact has all of these values already.
    pub custom_fields: IndexMap<String, CustomField>,
}

/// All keys of a step's table, the short forms `wait = "3d"` and `stop = "reason"` among them.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct StepTable {
    /// Names the step: 1 to 64 small letters, digits, `-` or `_`, unique in the file. Never change it: what was bought or
    /// written is recognised by it. Later steps see its answer as `steps.ID`.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = crate::schema::ID)))]
    id: String,
    /// What the step does: an action of the catalog (`canopy ops`), a purchase, `profile.save`, `wait`, `stop` ...
    action: Option<String>,
    /// In place of `action`: lets the run rest for a time, such as `"3d"`, or until a date, such as `"2026-12-01"` or a
    /// template.
    wait: Option<Value>,
    /// In place of `action`: ends the run, with a reason for people; `true` for none. Mostly under a `when`.
    stop: Option<Value>,
    /// How often the step may happen. Default: `contact` for purchases, `event` for everything else.
    ///
    /// - `contact`: once for each contact, for ever.
    /// - `record`: once for each record (opportunity, task, note ...), for ever.
    /// - `event`: once for each event.
    /// - `month`: once for each contact and calendar month (UTC) of the event.
    /// - a template: once for each of its values, for ever, e.g. `{{ webhook.orderId }}`, the sender's own number.
    once: Option<Once>,
    /// Expression without `{{ }}`; when it is false the step is skipped. Default: always.
    when: Option<String>,
    /// Expression under which this purchase may carry `name` and `recipientEmail`. Default: the workflow's `consent`.
    consent: Option<String>,
    /// Arguments of the action: literals or `{{ }}` templates. `canopy ops show ACTION` lists them.
    #[serde(default)]
    with: Map<String, Value>,
    /// Custom fields of the contact by name, for actions that write a contact. Missing ones are created in the location.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, CustomField>")
    )]
    custom_fields: IndexMap<String, CustomField>,
}

impl TryFrom<StepTable> for Step {
    type Error = String;

    fn try_from(table: StepTable) -> Result<Self, String> {
        let StepTable {
            id,
            action,
            wait,
            stop,
            once,
            when,
            consent,
            mut with,
            custom_fields,
        } = table;
        let action = match (action, wait, stop) {
            (Some(action), None, None) => action,
            (None, Some(wait), None) => {
                with.insert(control::wait_argument(&wait).to_owned(), wait);
                WAIT.to_owned()
            }
            (None, None, Some(stop)) => {
                if stop != Value::Bool(true) {
                    with.insert("reason".to_owned(), stop);
                }
                STOP.to_owned()
            }
            (None, None, None) => {
                return Err(format!(
                    "step \"{id}\" does nothing; add one of \"action\", \"wait\" and \"stop\""
                ));
            }
            _ => {
                return Err(format!(
                    "step \"{id}\" has more than one of \"action\", \"wait\" and \"stop\""
                ));
            }
        };
        Ok(Self {
            id,
            action,
            once,
            when,
            consent,
            with,
            custom_fields,
        })
    }
}

/// A value for a custom field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CustomField {
    /// Literal or template.
    pub value: Value,
    /// The type with which a missing field is created. Default: `text`.
    #[serde(rename = "type", default)]
    pub data_type: FieldType,
}

/// HighLevel's custom field types that a workflow can create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    #[default]
    Text,
    LargeText,
    Number,
    Money,
    Date,
}

impl FieldType {
    /// The API's word, of `dataType`.
    pub const fn api_name(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::LargeText => "LARGE_TEXT",
            Self::Number => "NUMERICAL",
            Self::Money => "MONETORY",
            Self::Date => "DATE",
        }
    }
}

impl Step {
    /// All values that it writes, by their names.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&String, &Value)> {
        let fields = self.custom_fields.iter();
        let fields = fields.map(|(name, field)| (name, &field.value));
        self.with.iter().chain(fields)
    }

    /// How often this step may happen, given what kind of action it is.
    pub fn once(&self, kind: ActionKind) -> Once {
        self.once.clone().unwrap_or(match kind {
            ActionKind::Purchase => Once::Contact,
            ActionKind::Profile | ActionKind::HighLevel | ActionKind::Control => Once::Event,
        })
    }
}
