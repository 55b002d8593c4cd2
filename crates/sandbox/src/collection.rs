//! Records that are kept as they are written, and collections of them. Contacts, notes, tasks and custom fields have
//! types of their own; everything else is one of these.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::answer::Answer;

/// A record: its id, and members by the names that answers show.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub id: String,
    pub members: Map<String, Value>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Record {
    /// A record with the members of `members`, which is an object.
    pub fn new(id: String, at: Timestamp, members: Value) -> Self {
        let members = match members {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Self {
            id,
            members,
            created_at: at,
            updated_at: at,
        }
    }

    /// A member's value; null when there is none.
    pub fn member(&self, name: &str) -> &Value {
        self.members.get(name).unwrap_or(&Value::Null)
    }

    pub fn text(&self, member: &str) -> Option<&str> {
        self.members.get(member).and_then(Value::as_str)
    }

    /// Whether a member is there and equal to a text.
    pub fn has(&self, member: &str, text: &str) -> bool {
        self.text(member) == Some(text)
    }

    pub fn flag(&self, member: &str) -> Option<bool> {
        self.members.get(member).and_then(Value::as_bool)
    }

    pub fn number(&self, member: &str) -> Option<u64> {
        let value = self.members.get(member)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    pub fn time(&self, member: &str) -> Option<Timestamp> {
        self.text(member)?.parse().ok()
    }

    pub fn list(&self, member: &str) -> &[Value] {
        let list = self.members.get(member).and_then(Value::as_array);
        list.map(Vec::as_slice).unwrap_or_default()
    }

    pub fn set(&mut self, member: &str, value: impl Into<Value>) {
        let value = value.into();
        if value.is_null() {
            self.members.shift_remove(member);
        } else {
            self.members.insert(member.to_owned(), value);
        }
    }

    /// Writes those of the named members that a body has; null clears one.
    pub fn write(&mut self, body: &Value, members: &[&str]) {
        for member in members {
            if let Some(value) = body.get(*member) {
                self.set(member, value.clone());
            }
        }
    }

    /// The record as answers show it: `id`, then its members.
    pub fn json(&self) -> Value {
        self.json_as("id")
    }

    /// The same with the id under another name: some resources call it `_id`.
    pub fn json_as(&self, id: &str) -> Value {
        let mut object = Map::new();
        object.insert(id.to_owned(), self.id.clone().into());
        object.extend(self.members.clone());
        Value::Object(object)
    }

    /// Names of the members in which this record differs from another.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let new_or_changed = self
            .members
            .iter()
            .filter(|(name, value)| other.members.get(*name) != Some(*value));
        let gone = other
            .members
            .iter()
            .filter(|(name, _)| !self.members.contains_key(*name));
        new_or_changed
            .chain(gone)
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// Records of one kind, oldest first.
#[derive(Debug)]
pub struct Collection {
    /// What a refusal calls one of them.
    name: &'static str,
    records: IndexMap<String, Record>,
}

impl Collection {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            records: IndexMap::new(),
        }
    }

    /// The record, or the refusal that it is not there.
    pub fn get(&self, id: &str) -> Result<&Record, Answer> {
        self.records.get(id).ok_or_else(|| self.missing(id))
    }

    /// The record that a request's body names: a wrong one is the request's fault, not a wrong address.
    pub fn named(&self, id: &str) -> Result<&Record, Answer> {
        self.records.get(id).ok_or_else(|| {
            Answer::bad_request(format!("{} with id {id} does not exist", self.name))
        })
    }

    pub fn has(&self, id: &str) -> bool {
        self.records.contains_key(id)
    }

    /// Stores a new record, or a known one's new state in its old place.
    pub fn put(&mut self, record: Record) {
        self.records.insert(record.id.clone(), record);
    }

    pub fn remove(&mut self, id: &str) -> Result<Record, Answer> {
        self.records
            .shift_remove(id)
            .ok_or_else(|| self.missing(id))
    }

    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.values()
    }

    /// Those with this text in this member.
    pub fn with<'c>(&'c self, member: &'c str, text: &'c str) -> impl Iterator<Item = &'c Record> {
        self.all().filter(move |record| record.has(member, text))
    }

    /// Ids of those with this text in this member.
    pub fn ids_with(&self, member: &str, text: &str) -> Vec<String> {
        self.with(member, text)
            .map(|record| record.id.clone())
            .collect()
    }

    fn missing(&self, id: &str) -> Answer {
        Answer::not_found(format!("{} with id {id} not found", self.name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_name_what_came_went_and_changed() {
        let record = |members| Record::new("r".to_owned(), Timestamp::UNIX_EPOCH, members);
        let before = record(json!({ "same": 1, "changed": 1, "gone": 1 }));
        let mut after = before.clone();
        after.write(
            &json!({ "changed": 2, "new": 3, "gone": null, "unknown": 4 }),
            &["same", "changed", "gone", "new"],
        );
        assert_eq!(after.differences(&before), ["changed", "new", "gone"]);
    }
}
