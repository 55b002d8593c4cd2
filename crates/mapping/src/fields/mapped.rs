//! A rule whose fields have been found: how to read and write either side.

use serde_json::{Map, Value, json};

use super::contact_field::{Standard, Written};
use super::datum::{Datum, Kind};
use super::plan::FieldProblem;
use super::rule::{Conflict, Direction, FieldRule, Tidy};
use crate::record::field_value;

/// The mapped fields of one location.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldMapping {
    pub(super) fields: Vec<MappedField>,
}

/// One mapped field.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedField {
    /// The profile's field.
    pub name: String,
    pub direction: Direction,
    pub(super) conflict: Conflict,
    pub(super) place: Place,
    pub(super) kind: Kind,
    tidy: Vec<Tidy>,
    date: Option<String>,
    /// The contact's word and the profile's.
    pub(super) values: Vec<(String, String)>,
    pub(super) default: Option<Datum>,
}

/// Where in a contact.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    Standard(&'static Standard),
    /// By id.
    Custom(String),
}

impl Place {
    pub fn id(&self) -> &str {
        match self {
            Self::Standard(field) => field.name,
            Self::Custom(id) => id,
        }
    }

    pub fn is_writable(&self) -> bool {
        match self {
            Self::Standard(field) => {
                matches!(field.written, Written::Nullable | Written::Always)
            }
            Self::Custom(_) => true,
        }
    }

    fn is_writable_at_creation(&self) -> bool {
        let at_creation =
            |field: &Standard| field.written == Written::AtCreation || self.is_writable();
        match self {
            Self::Standard(field) => at_creation(field),
            Self::Custom(_) => true,
        }
    }

    fn value(&self, contact: &Value) -> Value {
        match self {
            Self::Standard(field) => field.value(contact),
            Self::Custom(id) => {
                let fields = contact["customFields"].as_array();
                let mut fields = fields.into_iter().flatten();
                let field = fields.find(|field| field["id"].as_str() == Some(id));
                field.and_then(field_value).cloned().unwrap_or_default()
            }
        }
    }
}

impl MappedField {
    /// The contact's field: a standard one by its name, a custom one by its id.
    pub fn contact_field(&self) -> &str {
        self.place.id()
    }

    pub(super) fn new(name: &str, rule: &FieldRule, place: Place, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            direction: rule.direction,
            conflict: rule.conflict,
            place,
            kind,
            tidy: rule.transform.clone(),
            date: rule.date.clone(),
            values: Vec::new(),
            default: None,
        }
    }

    pub(super) fn tidy(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for tidy in &self.tidy {
            text = match tidy {
                Tidy::Trim => text.trim().to_owned(),
                Tidy::Lower => text.to_lowercase(),
                Tidy::Upper => text.to_uppercase(),
            };
        }
        text
    }

    pub(super) fn read_contact(&self, contact: &Value) -> Result<Option<Datum>, String> {
        self.read(&self.place.value(contact))
    }

    pub(super) fn read(&self, value: &Value) -> Result<Option<Datum>, String> {
        self.kind.read(value, &|text| self.tidy(text))
    }

    pub(super) fn read_profile(&self, value: &Value) -> Result<Option<Datum>, String> {
        if !self.values.is_empty() {
            return self.read(&self.looked_up(value)?);
        }
        if let (Some(format), Value::String(text)) = (&self.date, value) {
            let parsed = jiff::fmt::strtime::parse(format, text.trim());
            if let Ok(date) = parsed.and_then(|parsed| parsed.to_date()) {
                return Ok(Some(Datum::Date(date)));
            }
        }
        self.read(value)
    }

    /// The contact's words for the profile's.
    fn looked_up(&self, value: &Value) -> Result<Value, String> {
        let word = |text: &str| {
            let text = text.trim();
            let same = self.values.iter().find(|(_, profile)| profile == text);
            let lower = text.to_lowercase();
            same.or_else(|| {
                let mut values = self.values.iter();
                values.find(|(_, profile)| profile.to_lowercase() == lower)
            })
            .map(|(contact, _)| json!(contact))
            .ok_or_else(|| {
                let known: Vec<_> = self.values.iter().map(|(_, word)| word.as_str()).collect();
                format!("\"{text}\" is none of {}", known.join(", "))
            })
        };
        match value {
            Value::Null => Ok(Value::Null),
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::String(text) => word(text),
            Value::Array(items) => {
                let texts = items.iter().filter_map(Value::as_str);
                texts.map(word).collect()
            }
            other => word(&other.to_string()),
        }
    }

    /// How the profile says it.
    pub(super) fn write_profile(&self, datum: Option<&Datum>) -> Result<Value, String> {
        let Some(datum) = datum else {
            return Ok(Value::Null);
        };
        if !self.values.is_empty() {
            let word = |text: String| {
                let found = self.values.iter().find(|(contact, _)| *contact == text);
                found
                    .map(|(_, profile)| json!(profile))
                    .ok_or_else(|| format!("\"{text}\" is not in \"values\""))
            };
            let words = datum.texts().into_iter().map(word);
            let mut words = words.collect::<Result<Vec<_>, _>>()?;
            return Ok(match (datum, words.len()) {
                (Datum::Many(_), _) | (_, 0) => Value::Array(words),
                _ => words.swap_remove(0),
            });
        }
        match (&self.date, datum) {
            (Some(format), Datum::Date(date)) => jiff::fmt::strtime::format(format, *date)
                .map(Value::String)
                .map_err(|error| format!("\"date\": {error}")),
            _ => Ok(datum.json()),
        }
    }

    /// How a write of the contact takes it.
    pub(super) fn write_contact(&self, datum: Option<&Datum>) -> Value {
        match &self.place {
            Place::Custom(_) => self.kind.custom(datum),
            Place::Standard(field) => datum.map_or_else(|| field.empty(), Datum::json),
        }
    }

    /// Puts a value among the arguments of a write.
    pub(super) fn put(&self, arguments: &mut Map<String, Value>, value: Value) {
        match &self.place {
            Place::Standard(field) => {
                arguments.insert(field.name.to_owned(), value);
            }
            Place::Custom(id) => {
                let list = arguments.entry("customFields").or_insert_with(|| json!([]));
                if let Value::Array(list) = list {
                    list.push(json!({ "id": id, "field_value": value }));
                }
            }
        }
    }

    /// Under which name the last agreed value is kept: another field of the contact has agreed on nothing yet.
    pub(super) fn base_name(&self) -> String {
        format!("{} {}", self.name, self.place.id())
    }
}

impl FieldMapping {
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub fn fields(&self) -> &[MappedField] {
        &self.fields
    }

    /// The profile's fields with their types, from texts of a person or a file. The problems are values that do not fit.
    pub fn typed(
        &self,
        fields: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<FieldProblem>> {
        let mut typed = fields.clone();
        let mut problems = Vec::new();
        for field in &self.fields {
            let Some(value) = fields.get(&field.name) else {
                continue;
            };
            let read = field.read_profile(value);
            match read.and_then(|datum| field.write_profile(datum.as_ref())) {
                Ok(value) => {
                    typed.insert(field.name.clone(), value);
                }
                Err(problem) => problems.push(FieldProblem {
                    field: field.name.clone(),
                    problem,
                }),
            }
        }
        if problems.is_empty() {
            Ok(typed)
        } else {
            Err(problems)
        }
    }

    /// Forgets what both sides agreed on in a field of the profile.
    pub fn forget(&self, name: &str, synced: &mut Map<String, Value>) {
        for field in self.fields.iter().filter(|field| field.name == name) {
            synced.remove(&field.base_name());
        }
    }

    /// What a contact that is created for this profile says, whichever way its fields go afterwards. The problems are
    /// values that do not fit.
    pub fn at_creation(
        &self,
        profile: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<FieldProblem>> {
        let mut arguments = Map::new();
        let mut problems = Vec::new();
        for field in &self.fields {
            let value = profile.get(&field.name).unwrap_or(&Value::Null);
            match field.read_profile(value) {
                Ok(read) => {
                    let datum = read.or_else(|| field.default.clone());
                    let says_nothing = matches!(datum, None | Some(Datum::Flag(false)));
                    if !says_nothing && field.place.is_writable_at_creation() {
                        field.put(&mut arguments, field.write_contact(datum.as_ref()));
                    }
                }
                Err(problem) => problems.push(FieldProblem {
                    field: field.name.clone(),
                    problem,
                }),
            }
        }
        if problems.is_empty() {
            Ok(arguments)
        } else {
            Err(problems)
        }
    }
}
