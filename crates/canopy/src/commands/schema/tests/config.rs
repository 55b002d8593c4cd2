use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::super::init;
use super::{Described, read, told, validator, variations};
use crate::config::{self, Config};

const SMALL: &str = r#"
[[connection]]
[connection.highlevel]
token = "env:TOKEN"
[connection.ecologi]
api_key = "env:KEY"
"#;

fn parse(document: &Value) -> Result<String, String> {
    let text = toml::to_string(document).map_err(|error| error.to_string())?;
    let loaded = config::parse("canopy.toml", text, PathBuf::new());
    let config = loaded.map_err(|error| error.to_string())?.config;
    for name in config.recipes.iter().flatten() {
        config::recipe(name).map_err(|error| error.to_string())?;
    }
    Ok(format!("{config:?}"))
}

/// Whether it is a configuration, whatever may be wrong with the values.
fn has_the_shape(document: &Value) -> Result<(), String> {
    let text = toml::to_string(document).map_err(|error| error.to_string())?;
    toml::from_str::<Config>(&text)
        .map(drop)
        .map_err(|error| error.to_string())
}

#[test]
fn the_template_validates_as_it_is_and_with_all_its_settings() {
    let validator = validator(Described::Config);
    assert_eq!(told(&validator, &read(init::TEMPLATE)), [""; 0]);
    for text in init::switched_on() {
        assert_eq!(told(&validator, &read(&text)), [""; 0]);
    }
    // And the template shows every setting that there is.
    let schema = Described::Config.schema();
    let settings = schema["properties"].as_object().unwrap();
    for name in settings.keys() {
        assert!(
            init::switched_on()
                .iter()
                .any(|text| read(text).get(name).is_some()),
            "the template does not show {name}"
        );
    }
}

#[test]
fn typical_mistakes_are_refused() {
    let validator = validator(Described::Config);
    assert_eq!(told(&validator, &read(SMALL)), [""; 0]);
    for (more, expected) in [
        ("[poll]\nevry = \"5m\"", "'evry' was unexpected"),
        ("[poll]\nevery = 5", "is not of type \"string\""),
        ("[poll]\nevery = \"5 parsecs\"", "does not match"),
        ("[retry]\nmax_attempts = 0", "is less than the minimum"),
        (
            "[retry]\nmax_attempts = \"10\"",
            "is not of type \"integer\"",
        ),
        ("[server]\nlisten = \"127.0.0.1\"", "does not match"),
        ("[budget.GBP]", "less than 1 propert"),
        (
            "[budget.GBP]\nper_day = 0",
            "less than or equal to the minimum of 0",
        ),
        (
            "[prices.GBP]\nbuy-tree = \"1\"",
            "'buy-tree' was unexpected",
        ),
        (
            "[[webhooks.workflow]]\nname = \"a\"",
            "\"secret\" is a required property",
        ),
        (
            "[connection.budget]\nper_day = \"1\"",
            "\"per_month\" is a required property",
        ),
    ] {
        let file = read(&format!("{SMALL}\n{more}\n"));
        let told = told(&validator, &file);
        assert!(
            told.iter().any(|text| text.contains(expected)),
            "{more}: {told:?}"
        );
        assert!(parse(&file).is_err(), "the program takes {more}");
    }
    for (from, to, expected) in [
        (
            "token = \"env:TOKEN\"",
            "",
            "\"token\" is a required property",
        ),
        (
            "[[connection]]",
            "[[connection]]\ntest = false",
            "\"budget\" is a required property",
        ),
        (
            "[[connection]]",
            "recipes = [\"new-contract\"]\n[[connection]]",
            "is not one of",
        ),
    ] {
        let told = told(&validator, &read(&SMALL.replace(from, to)));
        assert!(
            told.iter().any(|text| text.contains(expected)),
            "{to}: {told:?}"
        );
    }
}

#[test]
fn schema_and_program_agree_on_every_setting() {
    let validator = validator(Described::Config);
    let values = [
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(7),
        json!(0.5),
        json!(""),
        json!("x y"),
        json!("5m"),
        json!("1.50"),
        json!("env:NAME"),
        json!("127.0.0.1:80"),
        json!("GBP"),
        json!("both"),
        json!("trim"),
        json!([]),
        json!(["trim", "upper"]),
        json!(["new-contact"]),
        json!({}),
        json!({ "per_day": "1" }),
        json!({ "field": "email" }),
    ];
    let (mut accepted, mut refused) = (0, 0);
    for text in init::switched_on() {
        let document = read(&text);
        for (what, document) in variations(&document, &values) {
            let told = told(&validator, &document);
            match parse(&document) {
                Ok(_) => {
                    assert!(told.is_empty(), "the schema is stricter, {what}: {told:?}");
                    accepted += 1;
                }
                Err(_) => refused += 1,
            }
            if told.is_empty()
                && let Err(error) = has_the_shape(&document)
            {
                // A port is looked for, not a whole address.
                assert!(
                    what.contains("listen"),
                    "the program is stricter, {what}: {error}"
                );
            }
        }
    }
    assert!(
        accepted > 500 && refused > 1000,
        "{accepted} accepted, {refused} refused"
    );
}

/// Places of settings with a default, as JSON pointers.
fn defaults(schema: &Value, place: &str, found: &mut Vec<(String, Value)>) {
    if let Some(default) = schema.get("default") {
        found.push((place.to_owned(), default.clone()));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        defaults(property, &format!("{place}/{name}"), found);
    }
    if schema["items"].is_object() {
        defaults(&schema["items"], &format!("{place}/0"), found);
    }
}

#[test]
fn the_defaults_are_those_of_the_program_and_are_told_in_words() {
    let schema = Described::Config.schema();
    let mut found = Vec::new();
    defaults(&schema, "", &mut found);
    let files = init::switched_on().map(|text| {
        let mut file = read(&text);
        // Only beside `agency = true`, so that could not be left out.
        if let Some(Value::Object(oauth)) = file.pointer_mut("/connection/0/highlevel/oauth") {
            oauth.shift_remove("company_id");
        }
        file
    });
    let mut tried = 0;
    for (place, default) in &found {
        for file in files.iter().filter(|file| file.pointer(place).is_some()) {
            let (parent, name) = place.rsplit_once('/').unwrap();
            let mut left_out = file.clone();
            let section = left_out
                .pointer_mut(parent)
                .unwrap()
                .as_object_mut()
                .unwrap();
            section.shift_remove(name);
            let mut given = file.clone();
            *given.pointer_mut(place).unwrap() = default.clone();
            assert_eq!(parse(&left_out).unwrap(), parse(&given).unwrap(), "{place}");
            tried += 1;
        }
        let in_schema = place
            .replace("/0/", "/items/")
            .replace('/', "/properties/")
            .replace("/properties/items", "/items");
        let about = schema.pointer(&in_schema).unwrap()["description"]
            .as_str()
            .unwrap();
        let in_words = match default {
            // Too long to read in a tooltip.
            Value::String(url) if place.ends_with("chooser_url") && url.starts_with("https:") => {
                "HighLevel's chooser"
            }
            Value::String(text) => text,
            other => &other.to_string(),
        };
        let told = about.split_once("Default: ").map_or("", |(_, told)| told);
        assert!(
            told.contains(in_words),
            "{place}: {about}, and it is {default}"
        );
    }
    assert!(
        found.len() >= 25 && tried >= found.len(),
        "{tried} of {}",
        found.len()
    );
}
