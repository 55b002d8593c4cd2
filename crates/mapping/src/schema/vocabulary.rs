//! What a workflow file can name, told by whoever has the operation tables.

use serde_json::{Map, Value, json};

use crate::ActionKind;

/// All names that a workflow file can use, with what is said of them in an editor.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// Event kinds, such as `contact.created`.
    pub kinds: Vec<String>,
    pub triggers: Vec<Takes>,
    pub actions: Vec<(ActionKind, Takes)>,
}

/// One name, with what it means in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub name: String,
    pub about: String,
}

/// An action or a trigger, and what it takes under `with`.
#[derive(Debug, Clone, Default)]
pub struct Takes {
    /// All names that it goes by.
    pub names: Vec<Name>,
    /// Schemas of its arguments by name.
    pub arguments: Map<String, Value>,
    /// Arguments that must be there.
    pub required: Vec<String>,
    /// It takes others besides.
    pub open: bool,
}

impl Takes {
    pub(super) fn is_named(&self) -> Value {
        let names: Vec<_> = self.names.iter().map(|name| name.name.as_str()).collect();
        match names.as_slice() {
            [name] => json!({ "const": name }),
            names => json!({ "enum": names }),
        }
    }

    /// The table under `with`.
    pub(super) fn table(&self) -> Value {
        let mut table = json!({ "properties": self.arguments });
        if !self.open {
            table["additionalProperties"] = json!(false);
        }
        if !self.required.is_empty() {
            table["required"] = json!(self.required);
        }
        table
    }
}
