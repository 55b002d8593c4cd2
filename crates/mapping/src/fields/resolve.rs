//! From rules to mapped fields, with every mistake that a person can make on the way.

use serde_json::Value;

use super::contact_field::{CustomFieldInfo, Standard, Written};
use super::datum::{Datum, Kind};
use super::mapped::{FieldMapping, MappedField, Place};
use super::rule::{Direction, FieldRule, FieldRules, Tidy};
use crate::file_error::nearest;

/// A mistake in a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field \"{field}\": {problem}{}", fix.as_ref().map(|fix| format!("; {fix}")).unwrap_or_default())]
pub struct RuleProblem {
    /// The profile's field.
    pub field: String,
    /// What stands wrong in the file, where it is known.
    pub needle: String,
    pub problem: String,
    pub fix: Option<String>,
}

/// Days that a date format must give back as they are.
const DAYS: [(i16, i8, i8); 4] = [(1901, 1, 2), (1999, 12, 31), (2024, 2, 29), (2031, 10, 5)];

impl FieldRules {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mistakes that can be told without asking the location for its fields.
    pub fn problems(&self) -> Vec<RuleProblem> {
        self.0
            .iter()
            .flat_map(|(name, rule)| alone(name, rule))
            .collect()
    }
}

impl FieldMapping {
    /// Finds the rules' fields. A rule with a mistake is left out.
    pub fn resolve(rules: &FieldRules, custom: &[CustomFieldInfo]) -> (Self, Vec<RuleProblem>) {
        let mut problems = Vec::new();
        let mut fields: Vec<MappedField> = Vec::new();
        for (name, rule) in &rules.0 {
            let own = alone(name, rule);
            if !own.is_empty() {
                problems.extend(own);
                continue;
            }
            match one(name, rule, custom) {
                Ok(field) => match taken(&fields, &field) {
                    Some(problem) => problems.push(problem),
                    None => fields.push(field),
                },
                Err(problem) => problems.push(problem),
            }
        }
        // What is written to the contact comes first, so that the fields that only read it see it.
        fields.sort_by_key(|field| field.direction == Direction::From);
        (Self { fields }, problems)
    }
}

fn told(field: &str, needle: &str, problem: impl Into<String>, fix: Option<&str>) -> RuleProblem {
    RuleProblem {
        field: field.to_owned(),
        needle: needle.to_owned(),
        problem: problem.into(),
        fix: fix.map(str::to_owned),
    }
}

fn alone(name: &str, rule: &FieldRule) -> Vec<RuleProblem> {
    let mut found = Vec::new();
    if name.trim().is_empty() || rule.field.trim().is_empty() {
        found.push(told(
            name,
            &rule.field,
            "one of its two fields has no name",
            Some("write profile_field = \"contactField\""),
        ));
    }
    if rule.transform.contains(&Tidy::Lower) && rule.transform.contains(&Tidy::Upper) {
        found.push(told(
            name,
            "transform",
            "\"transform\" cannot be both lower and upper",
            Some("leave one out"),
        ));
    }
    if let Some(format) = &rule.date {
        if !rule.values.is_empty() {
            let problem = "\"date\" and \"values\" do not go together";
            found.push(told(name, "date", problem, Some("leave one out")));
        }
        if !gives_back(format) {
            found.push(told(
                name,
                format,
                format!("\"date\" is \"{format}\", which does not say a whole date"),
                Some("write e.g. \"%d.%m.%Y\""),
            ));
        }
    }
    if rule.direction != Direction::From {
        let mut words: Vec<String> = rule
            .values
            .values()
            .map(|word| word.to_lowercase())
            .collect();
        words.sort();
        let twice = words.windows(2).find(|pair| pair.first() == pair.last());
        if let Some(word) = twice.and_then(<[String]>::first) {
            found.push(told(
                name,
                word,
                format!("\"values\" has \"{word}\" twice, so there is no way back"),
                Some("give each value a word of its own, or write direction = \"from\""),
            ));
        }
    }
    found
}

fn gives_back(format: &str) -> bool {
    DAYS.iter().all(|&(year, month, day)| {
        let Ok(date) = jiff::civil::Date::new(year, month, day) else {
            return false;
        };
        let again = jiff::fmt::strtime::format(format, date)
            .and_then(|text| jiff::fmt::strtime::parse(format, text)?.to_date());
        again.is_ok_and(|again| again == date)
    })
}

fn one(
    name: &str,
    rule: &FieldRule,
    custom: &[CustomFieldInfo],
) -> Result<MappedField, RuleProblem> {
    let (place, kind) = find(name, rule, custom)?;
    if rule.direction != Direction::From && !place.is_writable() {
        let problem = match &place {
            Place::Standard(field) if field.written == Written::AtCreation => format!(
                "HighLevel takes \"{}\" only when a contact is created",
                field.name
            ),
            _ => format!("HighLevel does not take \"{}\"", place.id()),
        };
        let fix = Some("write direction = \"from\"");
        return Err(told(name, &rule.field, problem, fix));
    }
    if rule.date.is_some() && !matches!(kind, Kind::Date) {
        let problem = format!(
            "\"date\" is for dates, and \"{}\" is a {}",
            rule.field,
            kind.word()
        );
        return Err(told(name, "date", problem, Some("leave it out")));
    }
    let mut field = MappedField::new(name, rule, place, kind);
    for (contact, profile) in &rule.values {
        let read = field.read(&Value::String(contact.clone()));
        let words = match read {
            Ok(Some(datum)) => datum.texts(),
            Ok(None) => Vec::new(),
            Err(problem) => {
                return Err(told(name, contact, format!("\"values\": {problem}"), None));
            }
        };
        match words.as_slice() {
            [word] if field.values.iter().all(|(known, _)| known != word) => {
                field.values.push((word.clone(), profile.clone()));
            }
            _ => {
                let problem =
                    format!("\"values\": \"{contact}\" is not one value, or is there twice");
                return Err(told(name, contact, problem, None));
            }
        }
    }
    if let Some(default) = &rule.default {
        field.default = the_default(&field, default).map_err(|problem| {
            let problem = format!("\"default\": {problem}");
            told(name, "default", problem, None)
        })?;
    }
    Ok(field)
}

/// As the profile says it, and as a text at need.
fn the_default(field: &MappedField, value: &Value) -> Result<Option<Datum>, String> {
    let datum = field.read_profile(value)?;
    if datum.is_none() {
        return Err("it says nothing".to_owned());
    }
    Ok(datum)
}

fn find(
    name: &str,
    rule: &FieldRule,
    custom: &[CustomFieldInfo],
) -> Result<(Place, Kind), RuleProblem> {
    let wanted = rule.field.trim();
    if let Some(field) = Standard::find(wanted) {
        return Ok((Place::Standard(field), field.kind()));
    }
    let found = match CustomFieldInfo::find(custom, wanted) {
        Ok(Some(field)) => field,
        Ok(None) => return Err(unknown(name, wanted, custom)),
        Err(several) => {
            let problem = format!("the location has several custom fields \"{wanted}\"");
            let [first, second] = several.keys;
            let fix = format!("write its key, \"{first}\" or \"{second}\"");
            return Err(told(name, wanted, problem, Some(&fix)));
        }
    };
    match found.kind() {
        Some(kind) => Ok((Place::Custom(found.id.clone()), kind)),
        None => Err(told(
            name,
            wanted,
            format!(
                "custom field \"{}\" is of type {}, which is not mapped",
                found.name, found.data_type
            ),
            Some("map a text, number, date, box or list"),
        )),
    }
}

fn unknown(name: &str, wanted: &str, custom: &[CustomFieldInfo]) -> RuleProblem {
    let keys = custom.iter().map(|field| field.key.as_str());
    let names = custom.iter().map(|field| field.name.as_str());
    let known: Vec<&str> = Standard::names().chain(keys).chain(names).collect();
    let fix = match nearest(wanted, known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "write a standard field such as \"firstName\", or the name, key or id of one of the location's custom fields".to_owned(),
    };
    let problem = format!("the location's contacts have no field \"{wanted}\"");
    told(name, wanted, problem, Some(&fix))
}

/// Two fields of the profile that would write the same field of the contact in turns.
fn taken(fields: &[MappedField], new: &MappedField) -> Option<RuleProblem> {
    if new.direction == Direction::From {
        return None;
    }
    let writers = fields
        .iter()
        .filter(|field| field.direction != Direction::From);
    let halves = ["firstName", "lastName"];
    let mut clashing = writers.filter(|field| {
        let (one, other) = (field.place.id(), new.place.id());
        one == other
            || (one == "name" && halves.contains(&other))
            || (other == "name" && halves.contains(&one))
    });
    let other = clashing.next()?;
    let problem = format!(
        "it writes the same field of the contact as \"{}\"",
        other.name
    );
    let fix = Some("give one of them direction = \"from\"");
    Some(told(&new.name, &new.name, problem, fix))
}
