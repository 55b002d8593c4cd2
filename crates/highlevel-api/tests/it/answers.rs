//! Answers take whatever the service sends.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::generated::answers::ANSWERS;

/// A type of answer.
pub struct Answer {
    pub name: &'static str,
    /// It is a list and nothing around it; the members are those of its elements.
    pub is_list: bool,
    pub members: &'static [&'static str],
    pub read: fn(Value) -> serde_json::Result<Value>,
}

/// Reads an answer and writes it again.
pub fn read<T: DeserializeOwned + Serialize>(value: Value) -> serde_json::Result<Value> {
    serde_json::to_value(serde_json::from_value::<T>(value)?)
}

/// Values that no member was described to have, or that some members were.
fn nasty() -> [Value; 14] {
    [
        json!(null),
        json!(""),
        json!("text"),
        json!("false"),
        json!("12"),
        json!(12),
        json!(-1.5),
        json!(u64::MAX),
        json!(true),
        json!([]),
        json!([null, {}, [], "a", 1]),
        json!({}),
        json!({ "unknown": { "deep": [1, null] } }),
        json!([[{ "id": 7 }]]),
    ]
}

impl Answer {
    /// The object as such an answer has it.
    fn with(&self, object: Value) -> Value {
        if self.is_list {
            json!([object])
        } else {
            object
        }
    }
}

fn all(members: &[&str], value: &Value) -> Value {
    Value::Object(
        members
            .iter()
            .map(|member| ((*member).to_owned(), value.clone()))
            .collect(),
    )
}

#[test]
fn an_empty_answer_is_read() {
    for answer in ANSWERS {
        let read = (answer.read)(json!({}));
        let empty = if answer.is_list { json!([]) } else { json!({}) };
        assert_eq!(read.expect(answer.name), empty, "{}", answer.name);
    }
}

#[test]
fn nulls_are_absent_and_unknown_members_are_kept() {
    for answer in ANSWERS {
        let mut document = all(answer.members, &json!(null));
        document["neverHeardOf"] = json!({ "a": [1] });
        let read = (answer.read)(answer.with(document)).expect(answer.name);
        let left = answer.with(json!({ "neverHeardOf": { "a": [1] } }));
        assert_eq!(read, left, "{}", answer.name);
    }
}

#[test]
fn no_value_of_a_member_spoils_an_answer() {
    for answer in ANSWERS {
        for value in nasty() {
            for member in answer.members {
                let document = Map::from_iter([((*member).to_owned(), value.clone())]);
                let read = (answer.read)(answer.with(Value::Object(document)));
                assert!(read.is_ok(), "{}.{member} = {value}: {read:?}", answer.name);
            }
            let read = (answer.read)(answer.with(all(answer.members, &value)));
            assert!(
                read.is_ok(),
                "{} = {value} throughout: {read:?}",
                answer.name
            );
        }
    }
}
