//! What to write where, so that both sides say the same.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::datum::Datum;
use super::mapped::{FieldMapping, MappedField};
use super::rule::{Conflict, Direction};

/// Both sides as they are now, and what they last agreed on.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// HighLevel's contact.
    pub contact: &'a Value,
    /// When the contact changed last.
    pub contact_changed: Option<Timestamp>,
    /// The profile's fields.
    pub profile: &'a Map<String, Value>,
    /// When each of the profile's fields changed last.
    pub profile_changed: &'a BTreeMap<String, Timestamp>,
    /// [`SyncPlan::synced`] of the last plan that was carried out.
    pub synced: &'a Map<String, Value>,
}

/// A field that is left alone on both sides, because one of them says what the other cannot.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[error("field \"{field}\": {problem}")]
pub struct FieldProblem {
    /// The profile's field.
    pub field: String,
    pub problem: String,
}

/// What to do for one contact.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncPlan {
    /// Arguments of the contact's update, without its id; empty: nothing is to be written in HighLevel.
    pub contact: Map<String, Value>,
    /// The profile's fields that change; null empties one.
    pub profile: Map<String, Value>,
    /// What both sides agree on once the rest is done.
    pub synced: Map<String, Value>,
    pub problems: Vec<FieldProblem>,
    /// What is written to the contact: the field's place, what it said before, what it shall say.
    written: Vec<(usize, Option<Datum>, Option<Datum>)>,
}

impl SyncPlan {
    /// The profile's names of the fields that are written to the contact.
    pub fn written<'a>(&'a self, mapping: &'a FieldMapping) -> impl Iterator<Item = &'a str> {
        let names = self.written.iter();
        names.filter_map(|(index, ..)| Some(mapping.fields.get(*index)?.name.as_str()))
    }

    /// Holds the plan against the contact as it is after the write. What the service dropped without a word is told,
    /// and counts as not agreed on.
    pub fn verify(
        &mut self,
        mapping: &FieldMapping,
        contact: &Value,
        synced: &Map<String, Value>,
    ) -> Vec<String> {
        let mut lost = Vec::new();
        for (index, before, wanted) in &self.written {
            let Some(field) = mapping.fields.get(*index) else {
                continue;
            };
            // Another notation of the same value is no loss: the service writes phone numbers its own way.
            let is_there = match field.read_contact(contact) {
                Ok(now) => now == *wanted || (now != *before && now.is_some()),
                Err(_) => true,
            };
            if !is_there {
                lost.push(field.name.clone());
                keep(&mut self.synced, synced, field);
            }
        }
        lost
    }
}

impl FieldMapping {
    /// Compares both sides field by field.
    pub fn plan(&self, sides: Sides<'_>) -> SyncPlan {
        let mut plan = SyncPlan::default();
        // Fields that only read the contact see what the others write.
        let mut contact = sides.contact.clone();
        for (index, field) in self.fields.iter().enumerate() {
            match field.decide(&contact, sides) {
                Ok(decision) => plan.take(index, field, &mut contact, decision),
                Err(problem) => {
                    keep(&mut plan.synced, sides.synced, field);
                    plan.problems.push(FieldProblem {
                        field: field.name.clone(),
                        problem,
                    });
                }
            }
        }
        plan
    }
}

fn keep(into: &mut Map<String, Value>, from: &Map<String, Value>, field: &MappedField) {
    let name = field.base_name();
    match from.get(&name) {
        Some(before) => into.insert(name, before.clone()),
        None => into.remove(&name),
    };
}

/// What both sides last agreed on.
enum Base {
    Nothing,
    Agreed(Option<Datum>),
}

/// What becomes of one field.
struct Decision {
    before: Option<Datum>,
    /// The contact's new value and how it is written.
    contact: Option<(Option<Datum>, Value)>,
    /// The profile's new value.
    profile: Option<Value>,
    synced: Option<Datum>,
}

impl SyncPlan {
    fn take(&mut self, index: usize, field: &MappedField, contact: &mut Value, decision: Decision) {
        if let Some((datum, value)) = decision.contact {
            field.put(&mut self.contact, value.clone());
            field.pretend(contact, value);
            self.written.push((index, decision.before, datum));
        }
        if let Some(value) = decision.profile {
            self.profile.insert(field.name.clone(), value);
        }
        let synced = decision.synced.as_ref().map_or(Value::Null, Datum::json);
        self.synced.insert(field.base_name(), synced);
    }
}

impl MappedField {
    fn decide(&self, contact: &Value, sides: Sides<'_>) -> Result<Decision, String> {
        let there = self
            .read_contact(contact)
            .map_err(|problem| format!("the contact's {problem}"))?;
        let raw = sides.profile.get(&self.name).unwrap_or(&Value::Null);
        let base = self.base(sides.synced);
        let was_there = matches!(&base, Base::Agreed(Some(_)));
        let (value, synced) = match self.direction {
            Direction::From => {
                if there.is_none() && !was_there && !is_nothing(raw) {
                    // Nothing ever came from there, so nothing is taken away.
                    return Ok(Decision::nothing(there.clone(), there));
                }
                (
                    there.clone().or_else(|| self.default.clone()),
                    there.clone(),
                )
            }
            Direction::To => {
                let here = self.here(raw)?;
                if here.is_none() && !was_there && there.is_some() {
                    return Ok(Decision::nothing(there, here));
                }
                (here.clone().or_else(|| self.default.clone()), here)
            }
            Direction::Both => {
                let here = self.here(raw)?;
                let agreed = self.agree(base, there.as_ref(), here, sides);
                let value = agreed.or_else(|| self.default.clone());
                (value.clone(), value)
            }
        };
        let mut decision = Decision::nothing(there.clone(), synced);
        if self.direction != Direction::From && there != value {
            let written = self.write_contact(value.as_ref());
            let mut after = contact.clone();
            self.pretend(&mut after, written.clone());
            if self.read_contact(&after).ok() != Some(value.clone()) {
                return Err(format!("{written} cannot be said in the contact's field"));
            }
            decision.contact = Some((value.clone(), written));
        }
        if self.direction != Direction::To {
            let written = self.write_profile(value.as_ref())?;
            let is_readable = self.read_profile(&written).ok() == Some(value);
            if self.direction == Direction::Both && !is_readable {
                return Err(format!(
                    "{written} would not find its way back from the profile"
                ));
            }
            if written != *raw && !(is_nothing(raw) && written.is_null()) {
                decision.profile = Some(written);
            }
        }
        Ok(decision)
    }

    fn here(&self, raw: &Value) -> Result<Option<Datum>, String> {
        self.read_profile(raw)
            .map_err(|problem| format!("the profile's {problem}"))
    }

    fn base(&self, synced: &Map<String, Value>) -> Base {
        let value = synced.get(&self.base_name());
        match value.map(|value| self.read(value)) {
            Some(Ok(datum)) => Base::Agreed(datum),
            Some(Err(_)) | None => Base::Nothing,
        }
    }

    fn agree(
        &self,
        base: Base,
        there: Option<&Datum>,
        here: Option<Datum>,
        sides: Sides<'_>,
    ) -> Option<Datum> {
        let takes_profile = match base {
            _ if there == here.as_ref() => true,
            Base::Agreed(base) if base.as_ref() == there => true,
            Base::Agreed(base) if base == here => false,
            Base::Nothing if there.is_none() => true,
            Base::Nothing if here.is_none() => false,
            _ => self.profile_wins(sides),
        };
        if takes_profile { here } else { there.cloned() }
    }

    fn profile_wins(&self, sides: Sides<'_>) -> bool {
        match self.conflict {
            Conflict::Profile => true,
            Conflict::HighLevel => false,
            Conflict::Newest => {
                let here = sides.profile_changed.get(&self.name).copied();
                // An instant that is not known is no reason to overwrite what a person sees in HighLevel.
                here.is_some_and(|here| sides.contact_changed.is_some_and(|there| here > there))
            }
        }
    }

    /// The contact as it reads once this is written.
    fn pretend(&self, contact: &mut Value, value: Value) {
        let mut arguments = Map::new();
        self.put(&mut arguments, value);
        if let Some(after) = crate::after_write("update-contact", &arguments, contact) {
            *contact = after;
        }
        if arguments.contains_key("name") {
            split_name(contact);
        }
    }
}

impl Decision {
    fn nothing(before: Option<Datum>, synced: Option<Datum>) -> Self {
        Self {
            before,
            contact: None,
            profile: None,
            synced,
        }
    }
}

/// The service keeps a name as its halves.
fn split_name(contact: &mut Value) {
    let name = contact["name"].as_str().unwrap_or_default().to_owned();
    let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
    contact["firstName"] = first.into();
    contact["lastName"] = last.into();
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}
