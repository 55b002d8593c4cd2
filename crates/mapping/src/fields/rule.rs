//! What a person writes about a mapped field: `tier = "contact.tier"`, or a table with the details.

use std::fmt;

use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Rules by the profile's field.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct FieldRules(
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, FieldRule>")
    )]
    pub IndexMap<String, FieldRule>,
);

/// One field of the profile and the contact's field that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldRule {
    /// The contact's field: a standard one (`firstName`), or a custom one by name, key (`contact.tier`) or id.
    pub field: String,
    pub direction: Direction,
    pub conflict: Conflict,
    /// What is done to texts on their way, whichever way that is.
    pub transform: Vec<Tidy>,
    /// How the profile writes the date, e.g. `%d.%m.%Y`.
    pub date: Option<String>,
    /// The contact's value to the profile's.
    pub values: IndexMap<String, String>,
    /// In place of nothing, as the profile says it.
    pub default: Option<Value>,
}

/// Which way a field goes, seen from the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From HighLevel to the profile.
    #[default]
    From,
    /// From the profile to HighLevel.
    To,
    /// Whichever side changed.
    Both,
}

/// Who is right when both sides changed since they last agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "lowercase")]
pub enum Conflict {
    /// The side that was changed last. HighLevel tells when a contact changed, not which of its fields.
    #[default]
    Newest,
    /// The contact in HighLevel.
    HighLevel,
    /// The profile.
    Profile,
}

/// A change of a text that changes nothing when it is done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Tidy {
    /// Without white space around it.
    Trim,
    /// In small letters.
    Lower,
    /// In capitals.
    Upper,
}

impl FieldRule {
    /// A rule that says nothing but the field.
    pub fn new(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            direction: Direction::default(),
            conflict: Conflict::default(),
            transform: Vec::new(),
            date: None,
            values: IndexMap::new(),
            default: None,
        }
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Table {
    /// The contact's field: a standard one (`firstName`), or a custom one by name, key (`contact.tier`) or id.
    field: String,
    /// Which way the value goes, seen from the profile. Default: `from`.
    #[serde(default)]
    direction: Direction,
    /// Who is right when both sides changed since they last agreed; for `both` only. Default: `newest`.
    #[serde(default)]
    conflict: Conflict,
    /// What is done to texts on their way, whichever way that is: one word or a list. Default: nothing.
    #[serde(default, deserialize_with = "one_or_more")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "one_or_more_schema"))]
    transform: Vec<Tidy>,
    /// How the profile writes the date, such as `%d.%m.%Y`; HighLevel's side is a date.
    date: Option<String>,
    /// The contact's values, with the profile's for each: `{ Gold = "gold" }`.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "std::collections::BTreeMap<String, String>")
    )]
    values: IndexMap<String, String>,
    /// In place of nothing, as the profile says it. Default: nothing stays nothing.
    default: Option<Value>,
}

#[cfg(feature = "schema")]
fn one_or_more_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let one = generator.subschema_for::<Tidy>();
    schemars::json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for FieldRule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FieldRule".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let table = generator.subschema_for::<Table>();
        let short = "The contact's field: a standard one (`firstName`), or a custom one by name, key (`contact.tier`) or id.";
        schemars::json_schema!({ "anyOf": [{ "type": "string", "description": short }, table] })
    }
}

impl<'de> Deserialize<'de> for FieldRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RuleVisitor)
    }
}

struct RuleVisitor;

impl<'de> Visitor<'de> for RuleVisitor {
    type Value = FieldRule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the contact's field, or a table with \"field\"")
    }

    fn visit_str<E: de::Error>(self, field: &str) -> Result<FieldRule, E> {
        Ok(FieldRule::new(field))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldRule, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(FieldRule {
            field: table.field,
            direction: table.direction,
            conflict: table.conflict,
            transform: table.transform,
            date: table.date,
            values: table.values,
            default: table.default,
        })
    }
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Tidy>, D::Error> {
    deserializer.deserialize_any(TidyVisitor)
}

struct TidyVisitor;

impl<'de> Visitor<'de> for TidyVisitor {
    type Value = Vec<Tidy>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"trim\", \"lower\", \"upper\" or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<Tidy>, E> {
        Tidy::deserialize(de::value::StrDeserializer::new(text)).map(|tidy| vec![tidy])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Tidy>, A::Error> {
        let mut all = Vec::new();
        while let Some(tidy) = items.next_element()? {
            all.push(tidy);
        }
        Ok(all)
    }
}
