//! The fields of a contact: those that every contact has, and those that the location added.

use serde_json::{Map, Value, json};

use super::datum::Kind;
use crate::generated::contact_members::{MEMBERS, Type};
pub(super) use crate::generated::contact_members::{Member as Standard, Written};

/// What the keys of contacts' custom fields begin with.
pub const KEY: &str = "contact.";

/// A custom field of the location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomFieldInfo {
    pub id: String,
    pub name: String,
    /// With its prefix: `contact.tier`.
    pub key: String,
    /// The API's word, e.g. `SINGLE_OPTIONS`.
    pub data_type: String,
    pub options: Vec<String>,
}

impl CustomFieldInfo {
    /// A field as the API lists it; `None` without id or name.
    pub fn read(field: &Value) -> Option<Self> {
        let text = |member: &str| field[member].as_str().map(str::to_owned);
        let options = field["picklistOptions"].as_array().into_iter().flatten();
        Some(Self {
            id: text("id")?,
            name: text("name")?,
            key: text("fieldKey").unwrap_or_default(),
            data_type: text("dataType").unwrap_or_default(),
            options: options
                .filter_map(|option| option.as_str().map(str::to_owned))
                .collect(),
        })
    }

    /// The one of these fields that is meant by an id, by a key with or without `contact.`, or by a name in any case.
    pub fn find<'a>(all: &'a [Self], wanted: &str) -> Result<Option<&'a Self>, SeveralFields> {
        let wanted = wanted.trim();
        let short = |field: &Self| field.key.strip_prefix(KEY) == Some(wanted);
        let exact = |field: &&Self| field.id == wanted || field.key == wanted || short(field);
        if let Some(field) = all.iter().find(exact) {
            return Ok(Some(field));
        }
        let mut named = all.iter().filter(|field| same_name(&field.name, wanted));
        match (named.next(), named.next()) {
            (Some(first), Some(second)) => Err(SeveralFields {
                name: wanted.to_owned(),
                keys: [first.key.clone(), second.key.clone()],
            }),
            (found, _) => Ok(found),
        }
    }

    /// How the field takes a value: a number as a number, a date as `YYYY-MM-DD`, of a list only words that it has. An
    /// empty text empties it; types that are not mapped take the value as it is. The error says what does not fit.
    pub fn written(&self, value: &Value) -> Result<Value, String> {
        let Some(kind) = self.kind() else {
            return Ok(value.clone());
        };
        let datum = kind.read(value, &str::to_owned)?;
        // Nothing is not "off": it leaves a box empty.
        let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
        Ok(kind.custom(datum.as_ref().filter(|_| !is_blank)))
    }

    /// What a template gave, as the field means it: no list has items that are nothing.
    pub fn given(&self, value: Value) -> Value {
        let is_nothing = |value: &Value| {
            value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
        };
        match value {
            Value::Array(items) if self.kind().is_some() => {
                let items = items.into_iter().filter(|item| !is_nothing(item));
                items.collect()
            }
            value => value,
        }
    }

    /// Whether its values are texts: one word of a list is one, too.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind(), Some(Kind::Text { .. } | Kind::One(_)))
    }

    /// Whether an empty text is no value of it, but nothing: numbers, days, yes or no.
    pub fn is_measured(&self) -> bool {
        matches!(
            self.kind(),
            Some(Kind::Number { .. } | Kind::Date | Kind::Flag(_))
        )
    }

    /// Whether it takes days.
    pub fn is_date(&self) -> bool {
        self.kind() == Some(Kind::Date)
    }

    /// The field's value of a contact, with the field's own type; null where the contact has none.
    fn value_of(&self, contact: &Value) -> Value {
        let fields = contact["customFields"].as_array().into_iter().flatten();
        let mut own = fields.filter(|field| field["id"] == self.id.as_str());
        let Some(value) = own.next().and_then(crate::record::field_value) else {
            return Value::Null;
        };
        let datum = self.kind().map(|kind| kind.read(value, &str::to_owned));
        match datum {
            Some(Ok(datum)) => datum.map_or(Value::Null, |datum| datum.json()),
            // What does not fit its own type is shown as it is.
            Some(Err(_)) | None => value.clone(),
        }
    }

    /// `None`: values of this type are not mapped.
    pub(super) fn kind(&self) -> Option<Kind> {
        Some(match self.data_type.as_str() {
            "NUMERICAL" | "FLOAT" => Kind::Number { places: 9 },
            "MONETORY" | "MONETARY" => Kind::Number { places: 2 },
            "DATE" => Kind::Date,
            "SINGLE_OPTIONS" | "RADIO" => Kind::One(self.options.clone()),
            "MULTIPLE_OPTIONS" => Kind::Many(self.options.clone()),
            // A list of boxes is a choice of several; a single box is on or off.
            "CHECKBOX" if self.options.len() > 1 => Kind::Many(self.options.clone()),
            "CHECKBOX" => Kind::Flag(self.options.first().cloned()),
            "FILE_UPLOAD" | "SIGNATURE" | "TEXTBOX_LIST" => return None,
            _ => Kind::Text { collapse: false },
        })
    }
}

/// A contact's custom fields by their names and by their keys without `contact.`, each with its own type, as templates
/// read them.
pub fn custom_values(all: &[CustomFieldInfo], contact: &Value) -> Value {
    let mut values = Map::new();
    for field in all {
        let value = field.value_of(contact);
        let key = field.key.strip_prefix(KEY).unwrap_or(&field.key);
        for name in [key, &field.name] {
            values
                .entry(name.to_owned())
                .or_insert_with(|| value.clone());
        }
    }
    Value::Object(values)
}

/// Whether these fields are all that a contact has values of.
pub fn are_known(all: &[CustomFieldInfo], contact: &Value) -> bool {
    let mut fields = contact["customFields"].as_array().into_iter().flatten();
    fields.all(|field| all.iter().any(|known| field["id"] == known.id.as_str()))
}

/// A location has several fields of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the location has several custom fields \"{name}\"; write its key, \"{}\" or \"{}\"", keys[0], keys[1])]
pub struct SeveralFields {
    pub name: String,
    pub keys: [String; 2],
}

fn same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.to_lowercase()
}

impl Standard {
    pub fn find(name: &str) -> Option<&'static Self> {
        let short = name.strip_prefix(KEY).unwrap_or(name);
        MEMBERS.iter().find(|field| field.name == short)
    }

    pub fn names<'a>() -> impl Iterator<Item = &'a str> {
        MEMBERS.iter().map(|field| field.name)
    }

    pub(super) fn kind(self) -> Kind {
        match self.type_ {
            Type::Text => Kind::Text { collapse: false },
            Type::Name => Kind::Text { collapse: true },
            Type::Date => Kind::Date,
            Type::Flag => Kind::Flag(None),
        }
    }

    /// What a contact says here.
    pub fn value(self, contact: &Value) -> Value {
        if self.name != "name" {
            return contact[self.name].clone();
        }
        // Single reads give the halves alone, lists the whole in lower case.
        let halves = ["firstName", "lastName"].map(|half| contact[half].as_str().unwrap_or(""));
        let whole = halves.join(" ").trim().to_owned();
        if whole.is_empty() {
            contact["name"].clone()
        } else {
            json!(whole)
        }
    }

    /// What the API wants to read in place of nothing.
    pub fn empty(self) -> Value {
        match (self.type_, self.written) {
            (_, Written::Nullable) => Value::Null,
            _ => json!(""),
        }
    }
}

/// The names of the standard fields that an update takes, and of those that only a creation takes.
pub fn written_fields() -> (Vec<&'static str>, Vec<&'static str>) {
    let of = |wanted: &[Written]| {
        let fields = MEMBERS
            .iter()
            .filter(|field| wanted.contains(&field.written));
        fields.map(|field| field.name).collect()
    };
    (
        of(&[Written::Nullable, Written::Always]),
        of(&[Written::AtCreation]),
    )
}
