//! Lists and objects that have templates in some places: what is literal in them is held against the description.

use canopy_highlevel::{Field, InvokeError, mistake};
use canopy_mapping::{ArgumentError, template};
use serde_json::{Map, Value};

use crate::arguments::a_value;

/// What is wrong with the literal parts of these arguments, one mistake an argument. `others`: arguments that pass.
pub(crate) fn mistakes(
    operation: &str,
    fields: &[Field],
    given: &Map<String, Value>,
    others: &Map<String, Value>,
) -> Vec<ArgumentError> {
    let mut found = Vec::new();
    for (name, value) in given {
        let is_partly = !value.is_string() && template::is_dynamic(value);
        let Some(field) = fields.iter().find(|field| field.name == *name) else {
            continue;
        };
        if !is_partly {
            continue;
        }
        let mut arguments = others.clone();
        arguments.insert(name.clone(), filled(value, Some(field)));
        let Some(error) = mistake(operation, &Value::Object(arguments)) else {
            continue;
        };
        found.extend(told(error, field, given));
    }
    found
}

/// The mistake, unless a template could be its cause: the description of just this place must bear it out.
fn told(error: InvokeError, top: &Field, given: &Map<String, Value>) -> Option<ArgumentError> {
    let path = error.field()?.to_owned();
    let parts: Vec<&str> = path.split(['.', '[']).collect();
    let (last, before) = parts.split_last()?;
    if before.first() != Some(&&*top.name) {
        return None;
    }
    // The object in which it stands, as it was written and as it is described.
    let (mut value, mut field) = (given.get(&top.name)?, top);
    for part in &before[1..] {
        if let Some(index) = part.strip_suffix(']') {
            value = value.get(index.parse::<usize>().ok()?)?;
        } else {
            value = value.get(part)?;
            field = field.fields.iter().find(|field| field.name == *part)?;
        }
    }
    let described = field.fields.iter().find(|field| field.name == *last);
    match error {
        InvokeError::Missing { .. } => {
            (value.is_object() && described?.required).then(|| ArgumentError::missing(&path))
        }
        InvokeError::Unexpected { nearest, takes, .. } => {
            let is_unknown = value.is_object() && !field.fields.is_empty() && described.is_none();
            is_unknown.then(|| ArgumentError::unknown(&path, nearest, &takes))
        }
        InvokeError::Invalid { problem, .. } => {
            let literal = match last.strip_suffix(']') {
                Some(index) => value.get(index.parse::<usize>().ok()?)?,
                None => value.get(last)?,
            };
            // Whatever its templates give, a list in a list of texts is none.
            let is_list = literal.is_array() && field.kind == "string[]" && last.ends_with(']');
            (is_list || !template::is_dynamic(literal))
                .then(|| ArgumentError::wrong(&path, &problem))
        }
        _ => None,
    }
}

/// The value with something that may fit in place of each template.
fn filled(value: &Value, field: Option<&Field>) -> Value {
    match value {
        Value::String(text) if template::is_dynamic(value) => field.map_or_else(
            || Value::String(text.clone()),
            |field| a_value(field.kind.trim_end_matches("[]"), &field.words),
        ),
        Value::Array(items) => items.iter().map(|item| filled(item, field)).collect(),
        Value::Object(members) => {
            let fields = field.map_or(&[][..], |field| &field.fields);
            let members = members.iter().map(|(name, member)| {
                let field = fields.iter().find(|field| field.name == *name);
                (name.clone(), filled(member, field))
            });
            members.collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::arguments::of_highlevel;

    fn told(operation: &str, arguments: &serde_json::Value) -> Vec<String> {
        let given = arguments.as_object().unwrap();
        let found = of_highlevel(operation, given, &[]);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn literal_parts_beside_templates_are_held() {
        let tags = json!({ "contactId": "{{ contact.id }}", "tags": ["{{ x }}", 5] });
        assert_eq!(told("add-tags", &tags), ["\"tags[1]\" must be a text"]);
        let tags = json!({ "contactId": "{{ contact.id }}", "tags": ["y", ["{{ x }}"]] });
        assert_eq!(told("add-tags", &tags), ["\"tags[1]\" must be a text"]);
        let field = |field: serde_json::Value| json!({ "contactId": "c", "customFields": [field] });
        let slip = field(json!({ "id": "f", "field_valu": "{{ x }}" }));
        let slip = told("update-contact", &slip);
        assert_eq!(slip.len(), 1, "{slip:?}");
        assert!(
            slip[0].contains("field_valu\" is unknown here; did you mean \"field_value\"?"),
            "{slip:?}"
        );
    }

    #[test]
    fn a_template_may_stand_for_any_part() {
        for fields in [
            json!("{{ list }}"),
            json!(["{{ one }}"]),
            json!([{ "id": "{{ id }}", "field_value": "{{ value }}" }]),
            json!([{ "key": "{{ key }}", "field_value": ["{{ value }}"] }, "{{ one }}"]),
        ] {
            let given = json!({ "contactId": "c", "customFields": fields });
            assert_eq!(told("update-contact", &given), [""; 0], "{given}");
        }
        let tags = json!({ "contactId": "{{ contact.id }}", "tags": ["{{ x }}", "y"] });
        assert_eq!(told("add-tags", &tags), [""; 0]);
    }
}
