use std::path::{Path, PathBuf};

use canopy_engine::Catalog;
use canopy_mapping::{ActionKind, Actions, ArgumentError, Workflow, template};
use serde_json::{Map, Value, json};

use super::{Described, read, root, told, validator, variations};
use crate::config::recipes;

fn parse(document: &Value) -> Result<(), String> {
    let text = toml::to_string(document).map_err(|error| error.to_string())?;
    let read = Workflow::parse_all("workflow.toml", &text, &Catalog);
    read.map(drop).map_err(|mistakes| {
        let all: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        all.join("\n")
    })
}

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The workflows that the documents show; other examples are parts of a file.
fn shown() -> Vec<String> {
    let mut pages = vec![root().join("README.md")];
    documents(&root().join("docs"), &mut pages);
    let texts = pages
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap());
    let blocks = texts.flat_map(|text| {
        let blocks = text.split("```toml\n").skip(1);
        blocks
            .map(|block| block.split("```").next().unwrap().to_owned())
            .collect::<Vec<_>>()
    });
    blocks.filter(|block| block.starts_with("id = ")).collect()
}

/// One workflow with everything that a file can say.
const EVERYTHING: &str = r#"
id = "all"
title = "All"
description = "Everything"
when = "contact.email"
consent = "'yes' in contact.tags"
on = [
    "contact.created",
    "get-contact-notes",
    { trigger = "get-contact-notes", with = { contactId = "c" }, every = "5m", backfill = true },
    { schedule = "0 9 1 * *", timezone = "Europe/London", each = "profile" },
    { webhook = "gift" },
]

[[do]]
id = "tree"
action = "buy-trees"
once = "month"
consent = "contact.ok"
with = { number = 1, name = "{{ contact.firstName }}", test = true }

[[do]]
id = "rest"
wait = "3d"

[[do]]
id = "rest-until"
action = "wait"
with = { until = "2026-12-01", timezone = "Europe/London" }

[[do]]
id = "gone"
stop = "no mail"
when = "contact.dnd"

[[do]]
id = "task"
action = "profile.task"
with = { title = "x", progress = 40, status = "open", completed = false, linked = "{{ record.id }}" }

[[do]]
id = "tags"
action = "profile.tag"
with = { add = ["a"], remove = "b" }

[[do]]
id = "fields"
action = "update-contact"
with = { contactId = "{{ contact.id }}", tags = ["a"], dnd = true }
[do.custom_fields]
"Trees" = { value = 3, type = "number" }
"#;

const SMALL: &str = "id = \"a\"\ntitle = \"A\"\non = \"contact.created\"\n[[do]]\nid = \"x\"\n";

#[test]
fn recipes_and_documented_workflows_validate() {
    let validator = validator(Described::Workflow);
    let shown = shown();
    assert!(shown.len() >= 3, "the documents show workflows");
    let recipes = recipes().iter().map(|recipe| recipe.text.to_owned());
    for text in recipes.chain(shown).chain([EVERYTHING.to_owned()]) {
        let document = read(&text);
        assert_eq!(told(&validator, &document), [""; 0], "{text}");
        assert_eq!(parse(&document), Ok(()), "{text}");
    }
}

#[test]
fn typical_mistakes_are_refused() {
    let validator = validator(Described::Workflow);
    let note = "action = \"create-note\"\nwith = { contactId = \"c\", body = \"x\" }";
    for (from, to, expected) in [
        ("id = \"x\"", "", "\"id\" is a required property"),
        (
            "create-note",
            "create-nite",
            "\"create-nite\" is not one of",
        ),
        ("body =", "bodi =", "'bodi' was unexpected"),
        (", body = \"x\"", "", "\"body\" is a required property"),
        ("body = \"x\"", "body = 5", "5 is not of type \"string\""),
        ("action =", "actoin =", "'actoin' was unexpected"),
        (note, "", "\"action\" is a required property"),
        (note, "wait = \"5 parsecs\"", "does not match"),
        (note, "wait = \"3d\"\nstop = true", "False schema"),
        (note, "stop = false", "is not allowed"),
        (
            note,
            "action = \"buy-trees\"\nwith = { number = true }",
            "is not of type",
        ),
        (
            note,
            "action = \"buy-carbon-avoidance\"\nwith = { number = 1, units = \"lb\" }",
            "is not valid under any",
        ),
        (
            note,
            "action = \"profile.sync\"\nconsent = \"contact.ok\"",
            "False schema",
        ),
        (
            "\"contact.created\"",
            "\"contact.creatd\"",
            "is not valid under any",
        ),
        ("\"contact.created\"", "[]", "is not valid under any"),
        (
            "\"contact.created\"",
            "{ schedule = \"0 9 1 *\" }",
            "is not valid under any",
        ),
        (
            "\"contact.created\"",
            "{ webhook = \"a\", every = \"5m\" }",
            "is not valid under any",
        ),
        (
            "\"contact.created\"",
            "{ trigger = \"get-contact-notes\", with = { contact = \"c\" } }",
            "is not valid under any",
        ),
        ("title = \"A\"", "", "\"title\" is a required property"),
    ] {
        let right = format!("{SMALL}{note}\n");
        let text = right.replacen(from, to, 1);
        assert_ne!(text, right);
        let document = read(&text);
        let told = told(&validator, &document);
        assert!(
            told.iter().any(|text| text.contains(expected)),
            "{to}: {told:?}"
        );
        assert!(parse(&document).is_err(), "the program takes {to}");
    }
}

/// Values of every kind, templates among them.
fn values() -> Vec<Value> {
    vec![
        json!(true),
        json!(0),
        json!(-1),
        json!(7),
        json!(0.5),
        json!(""),
        json!("x"),
        json!("5m"),
        json!("2026-12-01"),
        json!("contact.created"),
        json!("get-contact-notes"),
        json!("create-note"),
        json!("profile"),
        json!("month"),
        json!("{{ contact.id }}"),
        json!("a {{ contact.id }}"),
        json!(["{{ contact.id }}", 5]),
        json!({ "a": "{{ contact.id }}" }),
        json!([]),
        json!(["x"]),
        json!({}),
        json!({ "webhook": "a" }),
        json!({ "value": 1 }),
    ]
}

#[test]
fn schema_and_program_agree_on_every_key() {
    let validator = validator(Described::Workflow);
    let values = values();
    let (mut accepted, mut refused) = (0, 0);
    for (what, document) in variations(&read(EVERYTHING), &values) {
        let told = told(&validator, &document);
        let parsed = parse(&document);
        if parsed.is_ok() {
            assert!(told.is_empty(), "the schema is stricter, {what}: {told:?}");
            accepted += 1;
        } else {
            refused += 1;
        }
        if told.is_empty() {
            let text = toml::to_string(&document).unwrap();
            let shape = toml::from_str::<Workflow>(&text);
            assert!(
                shape.is_ok(),
                "the program is stricter, {what}: {}",
                shape.unwrap_err()
            );
        }
    }
    assert!(
        accepted > 200 && refused > 500,
        "{accepted} accepted, {refused} refused"
    );
}

/// Arguments from which variations of an action are made: all that it needs.
fn arguments(operation: &str) -> Map<String, Value> {
    let example = match Catalog.kind(operation) {
        Some(ActionKind::HighLevel) => canopy_highlevel::describe(operation).unwrap().example,
        Some(ActionKind::Purchase) => json!({ "number": 1, "country": "UK", "units": "KG" }),
        _ => json!({ "title": "x" }),
    };
    let mut arguments = example.as_object().unwrap().clone();
    // What is not one of this action's.
    let wrong = Catalog.check_action(operation, &arguments, false);
    arguments.retain(|name, _| wrong.iter().all(|error| error.field != *name));
    arguments
}

fn step(action: &str, with: &Map<String, Value>) -> Value {
    json!({ "id": "a", "title": "A", "on": "contact.created", "do": [{ "id": "x", "action": action, "with": with }] })
}

/// These arguments as they are, without each, with other values for each, and with one that there is not.
fn cases(right: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let mut cases = vec![Map::new(), right.clone()];
    for name in right.keys() {
        let mut without = right.clone();
        without.shift_remove(name);
        cases.push(without);
        cases.extend(values().into_iter().map(|value| {
            let mut other = right.clone();
            other[name] = value;
            other
        }));
    }
    let mut more = right.clone();
    more.insert("unheardOf".to_owned(), json!("x"));
    cases.push(more);
    cases
}

/// What the program says is wrong with arguments, and what the schema says, must fit.
fn agree(what: &str, told: &[String], wrong: &[ArgumentError]) {
    if wrong.is_empty() {
        assert!(told.is_empty(), "the schema is stricter, {what}: {told:?}");
    }
    let of_names = |error: &&ArgumentError| {
        let is_inside = error.field.contains(['.', '[']);
        error.problem == "is unknown here" && !is_inside
    };
    if told.is_empty()
        && let Some(error) = wrong.iter().find(of_names)
    {
        panic!("the program is stricter, {what}: {error}");
    }
}

#[test]
fn schema_and_program_agree_on_the_arguments_of_every_action() {
    let validator = validator(Described::Workflow);
    let mut tried = 0;
    for action in Catalog.names() {
        let operation = Catalog.operation_of(action);
        let is_control = Catalog.kind(operation) == Some(ActionKind::Control);
        // Another name of an action that is tried under its own.
        if is_control || operation != action {
            continue;
        }
        for with in cases(&arguments(operation)) {
            let told = told(&validator, &step(action, &with));
            let wrong = Catalog.check_action(operation, &with, false);
            agree(&format!("{action} {with:?}"), &told, &wrong);
            tried += 1;
        }
    }
    assert!(tried > 5000, "{tried}");
}

#[test]
fn schema_and_program_agree_on_the_arguments_of_every_trigger() {
    let validator = validator(Described::Workflow);
    let mut tried = 0;
    for trigger in Catalog.triggers() {
        let operation = Catalog.trigger(trigger).unwrap();
        let example = canopy_highlevel::describe(operation).unwrap().example;
        for with in cases(example.as_object().unwrap()) {
            if template::is_dynamic(&json!(with)) {
                continue;
            }
            let on = json!({ "trigger": trigger, "with": with });
            let mut document = step("profile.sync", &Map::new());
            document["on"] = on;
            let told = told(&validator, &document);
            let wrong = Catalog.check_trigger(operation, &with);
            agree(&format!("{trigger} {with:?}"), &told, &wrong);
            tried += 1;
        }
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn every_name_and_trigger_is_completed() {
    let schema = Described::Workflow.schema();
    let words = |pointer: &str| -> Vec<String> {
        let words = schema.pointer(pointer).unwrap().as_array().unwrap();
        words
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    };
    let actions = words("/properties/do/items/properties/action/enum");
    for name in Catalog.names() {
        assert!(actions.iter().any(|known| known == name), "{name}");
    }
    let starts = words("/definitions/name/enum");
    let triggers = words("/definitions/table/properties/trigger/enum");
    for name in Catalog.event_kinds().into_iter().chain(Catalog.triggers()) {
        assert!(starts.iter().any(|known| known == name), "{name}");
    }
    for name in Catalog.triggers() {
        assert!(triggers.iter().any(|known| known == name), "{name}");
        let operation = Catalog.trigger(name).unwrap();
        assert!(
            triggers.iter().any(|known| known == operation),
            "{operation}"
        );
    }
    // Each action's meaning is told in as many words as there are actions.
    let about = schema["properties"]["do"]["items"]["properties"]["action"]["x-taplo"]["docs"]["enumValues"].as_array();
    assert_eq!(about.unwrap().len(), actions.len());
    assert!(about.unwrap().iter().all(Value::is_string));
}
