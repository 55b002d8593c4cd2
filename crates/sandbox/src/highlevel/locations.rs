//! The location and its custom fields.

use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::history::Origin;
use crate::records::CustomField;
use crate::world::World;

pub fn search(world: &mut World, call: &Call<'_>) -> Handled {
    let skip = call
        .query("skip")
        .and_then(|skip| skip.parse::<usize>().ok())
        .unwrap_or(0);
    let matches = call
        .query("email")
        .is_none_or(|email| email == "hello@example.com");
    let locations: Vec<Value> = matches
        .then(|| world.location.json())
        .into_iter()
        .skip(skip)
        .collect();
    Ok(Answer::ok(json!({ "locations": locations })))
}

pub fn get(world: &mut World, _call: &Call<'_>) -> Handled {
    Ok(Answer::ok(json!({ "location": world.location.json() })))
}

pub fn custom_fields(world: &mut World, call: &Call<'_>) -> Handled {
    let model = call.query("model").unwrap_or("all");
    let fields: Vec<Value> = world
        .custom_fields
        .iter()
        .filter(|field| model == "all" || field.model == model)
        .map(|field| field.json(&world.location.id))
        .collect();
    Ok(Answer::ok(json!({ "customFields": fields })))
}

pub fn create_custom_field(world: &mut World, call: &Call<'_>) -> Handled {
    let name = call.required("name")?.to_owned();
    let model = call.body_text("model").unwrap_or("contact").to_owned();
    let key = format!("{model}.{}", slug(&name));
    if world.custom_fields.iter().any(|field| field.key == key) {
        return Err(Answer::refused(
            StatusCode::BAD_REQUEST,
            format!("A custom field with the key {key} already exists"),
        ));
    }
    let lines = call
        .body
        .get("textBoxListOptions")
        .and_then(Value::as_array);
    let label = |line: &Value| {
        line.get("label")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    let options = lines.into_iter().flatten().filter_map(label).collect();
    let field = CustomField {
        id: world.ids.record(),
        name,
        key,
        data_type: call.required("dataType")?.to_owned(),
        model,
        placeholder: call.body_text("placeholder").unwrap_or_default().to_owned(),
        options,
        position: call
            .body
            .get("position")
            .and_then(Value::as_u64)
            .unwrap_or(world.custom_fields.len() as u64 * 50),
    };
    let view = field.json(&world.location.id);
    world.history.push(
        call.now,
        "custom_field.created",
        &field.id,
        None,
        Origin::Api,
        Vec::new(),
    );
    world.custom_fields.push(field);
    Ok(Answer::created(json!({ "customField": view })))
}

/// `Trees funded` is `trees_funded`.
fn slug(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if letter.is_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            ' '
        }
    });
    let words: String = letters.collect();
    words.split_whitespace().collect::<Vec<_>>().join("_")
}
