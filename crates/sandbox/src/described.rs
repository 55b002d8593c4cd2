//! Members of the described records, so that no list of them is kept by hand.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

/// The members of each component of HighLevel's description, by its name.
static COMPONENTS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let text = include_str!("../openapi/highlevel.json");
    let document: Value = serde_json::from_str(text)
        .expect("the bundle is generated, and a test holds it to be JSON");
    let schemas = &document["components"]["schemas"];
    let names = schemas.as_object().into_iter().flatten();
    let members = names.map(|(name, schema)| {
        let mut all = Vec::new();
        gather(schemas, schema, &mut all);
        (name.clone(), all)
    });
    members.collect()
});

fn gather(schemas: &Value, schema: &Value, all: &mut Vec<String>) {
    let reference = schema["$ref"].as_str();
    if let Some(name) = reference.and_then(|reference| reference.rsplit('/').next()) {
        gather(schemas, &schemas[name], all);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        gather(schemas, part, all);
    }
    let own = schema["properties"].as_object().into_iter().flatten();
    all.extend(own.map(|(name, _)| name.clone()));
}

/// What the description says that a record of this component can have.
pub fn members(component: &str) -> &'static [String] {
    COMPONENTS.get(component).map_or(&[], Vec::as_slice)
}

/// The record with null for each described member that it has no value of, as recorded answers of the service have it.
/// What is `absent` stays away.
pub fn with_nulls(component: &str, absent: &[&str], mut record: Value) -> Value {
    if let Value::Object(record) = &mut record {
        for member in members(component) {
            if !absent.contains(&member.as_str()) {
                record.entry(member.as_str()).or_insert(Value::Null);
            }
        }
    }
    record
}

/// The members of a contact that are written and shown again.
pub fn contact_members() -> impl Iterator<Item = &'static str> {
    let shown = members("Contact");
    let written = members("UpsertContact").iter();
    written
        .filter(|member| shown.contains(member))
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_description_has_is_there_as_null() {
        for component in [
            "Contact",
            "UpsertContact",
            "Task",
            "Note",
            "CalendarEvent",
            "ConversationMatch",
            "User",
        ] {
            assert!(members(component).len() > 3, "{component}");
        }
        let task = with_nulls("Task", &["dueDate"], serde_json::json!({ "id": "t" }));
        assert_eq!(task["id"], "t");
        assert_eq!(task.get("assignedTo"), Some(&Value::Null));
        assert_eq!(task.get("dueDate"), None);
    }
}
