//! The arguments of the profile actions: which there are, and what is wrong with those of a workflow file.

use canopy_mapping::schema::TEMPLATE;
use canopy_mapping::{ArgumentError, nearest, template};
use serde_json::{Map, Value, json};

use crate::actions::{PROFILE_NOTE, PROFILE_TAG, PROFILE_TASK, SAVE_PROFILE, SYNC_PROFILE};

/// How a task stands, in words, with the progress that they mean.
pub(crate) const STATUSES: [(&str, u32); 5] = [
    ("not_started", 0),
    ("in_progress", 50),
    ("completed", 100),
    ("open", 0),
    ("done", 100),
];

/// The arguments that an action takes; `None`: whatever fields the profile shall have.
pub(crate) fn known(action: &str) -> Option<&'static [&'static str]> {
    match action {
        PROFILE_NOTE => Some(&["body", "linked"]),
        PROFILE_TASK => Some(&["title", "progress", "status", "completed", "linked"]),
        PROFILE_TAG => Some(&["add", "remove"]),
        SYNC_PROFILE => Some(&[]),
        _ => None,
    }
}

/// What an action does, in a few words.
pub(crate) fn about(action: &str) -> &'static str {
    match action {
        SAVE_PROFILE => {
            "Keeps fields on the contact's Ecologi profile, and makes the profile where there is none."
        }
        PROFILE_NOTE => "Keeps a note on the contact's Ecologi profile.",
        PROFILE_TASK => "Keeps a task with its progress on the contact's Ecologi profile.",
        PROFILE_TAG => "Adds and removes tags of the contact's Ecologi profile.",
        SYNC_PROFILE => {
            "Brings the fields of contact and profile in step that [connection.fields] of the configuration names."
        }
        _ => "",
    }
}

/// The JSON Schema of an argument.
pub(crate) fn schema(name: &str) -> Value {
    let (kind, about) = match name {
        "body" => (json!(["string", "number"]), "The note's text."),
        "title" => (json!(["string", "number"]), "The task's title."),
        "linked" => (
            json!(["string", "number"]),
            "Id of the record in HighLevel that it belongs to, such as `{{ record.id }}`.",
        ),
        "progress" => {
            return json!({
                "description": "How far it is, 0 to 100 per cent.",
                "type": ["number", "string"], "minimum": 0, "maximum": 100,
            });
        }
        "completed" => {
            return json!({
                "description": "Whether it is done.", "type": ["boolean", "string"], "pattern": TEMPLATE,
            });
        }
        "status" => {
            let words = STATUSES.map(|(word, _)| word);
            return json!({
                "description": "How the task stands.",
                "anyOf": [{ "enum": words }, { "type": "string", "pattern": TEMPLATE }],
            });
        }
        "add" => (
            json!(["string", "array"]),
            "A tag, or a list of tags, to add.",
        ),
        "remove" => (
            json!(["string", "array"]),
            "A tag, or a list of tags, to remove.",
        ),
        _ => return json!({ "description": "A field of the profile; it may have any." }),
    };
    json!({ "description": about, "type": kind })
}

/// All that a step would be refused for, as far as this can be told without its templates' values.
pub(crate) fn mistakes(action: &str, given: &Map<String, Value>) -> Vec<ArgumentError> {
    let Some(takes) = known(action) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for name in given.keys() {
        if !takes.contains(&name.as_str()) {
            let near = nearest(name, takes.iter().copied()).map(str::to_owned);
            found.push(ArgumentError::unknown(name, near, takes));
        }
    }
    let has = |name: &str| given.contains_key(name);
    match action {
        PROFILE_NOTE if !has("body") => found.push(ArgumentError::missing("body")),
        PROFILE_TASK if !has("title") && !has("linked") => {
            found.push(ArgumentError::missing("title"));
        }
        PROFILE_TAG if !has("add") && !has("remove") => found.push(ArgumentError {
            fix: Some("add add = [\"tag\"] or remove = [\"tag\"] to \"with\"".to_owned()),
            ..ArgumentError::missing("add")
        }),
        _ => {}
    }
    for (name, value) in given {
        let is_list = ["add", "remove"].contains(&name.as_str()) && value.is_array();
        if !(template::is_dynamic(value) && (value.is_string() || is_list)) {
            found.extend(of_value(name, value).filter(|_| takes.contains(&name.as_str())));
        }
    }
    found
}

fn of_value(name: &str, value: &Value) -> Option<ArgumentError> {
    let wrong = |problem: &str| Some(ArgumentError::wrong(name, problem));
    match name {
        "body" | "title" | "linked" => match value {
            Value::String(text) if text.trim().is_empty() => wrong("is empty"),
            Value::String(_) | Value::Number(_) => None,
            _ => wrong("must be a text"),
        },
        "progress" => match value {
            Value::Number(_) | Value::String(_) if percent(value).is_some() => None,
            _ => wrong("must be a number from 0 to 100"),
        },
        "status" => {
            let words = STATUSES.map(|(word, _)| word);
            let text = value.as_str().unwrap_or_default();
            if words.contains(&text) {
                return None;
            }
            Some(ArgumentError {
                field: name.to_owned(),
                problem: format!("is {value}, which is no status of a task"),
                fix: Some(match nearest(text, words) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("write one of {}", words.join(", ")),
                }),
            })
        }
        "completed" if !value.is_boolean() => wrong("must be true or false"),
        "add" | "remove" => {
            let is_text = |item: &Value| item.as_str().is_some_and(|text| !text.trim().is_empty());
            let fits = match value {
                Value::Array(items) => items.iter().all(is_text),
                one => is_text(one),
            };
            if fits {
                None
            } else {
                wrong("must be a tag or a list of tags")
            }
        }
        _ => None,
    }
}

fn percent(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|number| (0.0..=100.0).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told_with_the_nearest_right_one() {
        for (action, with, expected) in [
            (
                PROFILE_NOTE,
                json!({ "bodi": "x" }),
                vec![
                    "\"bodi\" is unknown here; did you mean \"body\"?",
                    "\"body\" is missing",
                ],
            ),
            (
                PROFILE_NOTE,
                json!({ "body": " " }),
                vec!["\"body\" is empty"],
            ),
            (
                PROFILE_TASK,
                json!({ "progress": 40 }),
                vec!["\"title\" is missing"],
            ),
            (
                PROFILE_TASK,
                json!({ "title": "x", "progress": 140 }),
                vec!["\"progress\" must be a number from 0 to 100"],
            ),
            (
                PROFILE_TASK,
                json!({ "title": "x", "status": "complete" }),
                vec!["did you mean \"completed\"?"],
            ),
            (
                PROFILE_TASK,
                json!({ "title": "x", "completed": "yes" }),
                vec!["\"completed\" must be true or false"],
            ),
            (PROFILE_TAG, json!({}), vec!["add = [\"tag\"]"]),
            (
                PROFILE_TAG,
                json!({ "add": 3 }),
                vec!["\"add\" must be a tag"],
            ),
            (
                SYNC_PROFILE,
                json!({ "fields": "all" }),
                vec!["\"fields\" is unknown here; leave it out"],
            ),
        ] {
            let told: Vec<_> = mistakes(action, with.as_object().unwrap())
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(told.len(), expected.len(), "{with}: {told:?}");
            for text in expected {
                assert!(
                    told.iter().any(|one| one.contains(text)),
                    "{text}: {told:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_right_or_a_template_is_no_mistake() {
        for (action, with) in [
            (
                PROFILE_NOTE,
                json!({ "body": "{{ record.body }}", "linked": "{{ record.id }}" }),
            ),
            (
                PROFILE_TASK,
                json!({ "title": "x", "status": "{{ record.status }}", "progress": "40" }),
            ),
            (
                PROFILE_TASK,
                json!({ "linked": "{{ record.id }}", "completed": true }),
            ),
            (PROFILE_TAG, json!({ "add": ["a", "{{ record.tag }}"] })),
            (SYNC_PROFILE, json!({})),
            ("profile.save", json!({ "whatever": [1, 2] })),
        ] {
            assert_eq!(mistakes(action, with.as_object().unwrap()), [], "{with}");
        }
    }
}
