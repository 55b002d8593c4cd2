//! What a person writes about a mapped field: `tier = "contact.tier"`, or a table with the details.

use std::fmt;

use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Rules by the profile's field.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(transparent)]
pub struct FieldRules(pub IndexMap<String, FieldRule>);

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
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From HighLevel to the profile.
    #[default]
    From,
    /// From the profile to HighLevel.
    To,
    Both,
}

/// Who is right when both sides changed since they last agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conflict {
    /// The side that was changed last. HighLevel tells when a contact changed, not which of its fields.
    #[default]
    Newest,
    HighLevel,
    Profile,
}

/// A change of a text that changes nothing when it is done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tidy {
    Trim,
    Lower,
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
#[serde(deny_unknown_fields)]
struct Table {
    field: String,
    #[serde(default)]
    direction: Direction,
    #[serde(default)]
    conflict: Conflict,
    #[serde(default, deserialize_with = "one_or_more")]
    transform: Vec<Tidy>,
    date: Option<String>,
    #[serde(default)]
    values: IndexMap<String, String>,
    default: Option<Value>,
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
