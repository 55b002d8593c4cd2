//! Whether a token may do what an operation needs, as far as it can be known without asking the service.

use std::collections::BTreeMap;

use canopy_highlevel::operation::Operation;
use serde_json::{Value, json};

/// What is known of a token's scopes. Of a private integration token nothing is, but what its calls showed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    scopes: BTreeMap<String, bool>,
    /// Scopes that are not among those are not granted.
    whole: bool,
}

/// The scopes of one operation.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    needed: &'static [&'static str],
    missing: Vec<&'static str>,
    unknown: Vec<&'static str>,
}

impl Known {
    /// The scopes of an app's token are told with it.
    pub fn granted(scopes: &[String]) -> Self {
        Self {
            scopes: scopes.iter().map(|scope| (scope.clone(), true)).collect(),
            whole: true,
        }
    }

    /// What a call has shown. A refusal does not say which of several scopes lacks.
    pub fn learn(&mut self, operation: &Operation, has: bool) {
        if has || operation.scopes.len() == 1 {
            let scopes = operation.scopes.iter();
            self.scopes
                .extend(scopes.map(|scope| ((*scope).to_owned(), has)));
        }
    }

    /// What calls have shown counts more than what was told.
    pub fn extend(&mut self, shown: &Self) {
        self.scopes.extend(shown.scopes.clone());
    }

    pub fn of(&self, operation: &Operation) -> Need {
        let with = |wanted: Option<bool>| {
            let scopes = operation.scopes.iter().copied();
            let state = |scope: &str| {
                let known = self.scopes.get(scope).copied();
                known.or(self.whole.then_some(false))
            };
            scopes.filter(move |scope| state(scope) == wanted).collect()
        };
        Need {
            needed: operation.scopes,
            missing: with(Some(false)),
            unknown: with(None),
        }
    }
}

impl Need {
    /// `None`: nobody knows.
    fn has(&self) -> Option<bool> {
        match (self.missing.is_empty(), self.unknown.is_empty()) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        }
    }

    pub fn as_json(&self) -> Value {
        json!({ "needed": self.needed, "token_has": self.has(), "missing": self.missing, "note": self.note() })
    }

    fn note(&self) -> String {
        if self.needed.is_empty() {
            return "it needs no scope".to_owned();
        }
        match self.has() {
            Some(true) => "the token has them".to_owned(),
            Some(false) => format!(
                "the token lacks {}: add it to the integration or app, and connect again",
                self.missing.join(", ")
            ),
            None => format!(
                "whether the token has {} is not known: a private integration token does not tell its scopes before it is used",
                self.unknown.join(", ")
            ),
        }
    }

    /// For people.
    pub fn as_text(&self) -> String {
        if self.needed.is_empty() {
            return self.note();
        }
        format!("scopes: {}; {}", self.needed.join(", "), self.note())
    }
}
