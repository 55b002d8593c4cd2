//! The schema of a workflow file: its shape from the types, its names and arguments from a [`Vocabulary`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::Transform as _;
use serde_json::{Map, Value, json};

use super::text::{DATE, DURATION, TEMPLATE, or};
use super::vocabulary::{Takes, Vocabulary};
use super::{Plain, document, one_of, open_conditions};
use crate::ActionKind;
use crate::control::{STOP, WAIT};
use crate::on::Table;
use crate::workflow::Workflow;

/// So many actions are named in an argument's tooltip.
const MOST_USERS: usize = 4;

/// The schema of a workflow file. It completes event kinds, triggers, actions and their arguments.
pub fn workflow(vocabulary: &Vocabulary) -> Value {
    let mut schema = document::<Workflow>("workflow.schema.json", "A workflow of Canopy");
    let properties = &mut schema["properties"];
    add(&mut properties["on"], starts());
    let step = &mut properties["do"]["items"];
    let fields = &mut step["properties"];
    add(&mut fields["action"], actions(vocabulary));
    add(&mut fields["wait"], wait());
    add(
        &mut fields["stop"],
        json!({ "type": ["string", "boolean"], "not": { "const": false } }),
    );
    let takes = vocabulary.actions.iter().map(|(_, takes)| takes);
    add(&mut fields["with"], any_argument(takes));
    add(step, of_step());
    schema["definitions"] = json!({
        "action": of_action(vocabulary),
        "name": start_names(vocabulary),
        "table": start_table(vocabulary),
    });
    open_conditions(&mut schema);
    schema
}

fn add(schema: &mut Value, more: Value) {
    if let (Value::Object(schema), Value::Object(more)) = (schema, more) {
        schema.extend(more);
    }
}

/// A condition: it stands in `if` and `then`, where editors that complete from all alternatives do not look.
fn when(condition: Value, then: Value, otherwise: Value) -> Value {
    let mut schema = Map::new();
    schema.insert("if".to_owned(), condition);
    schema.insert("then".to_owned(), then);
    if otherwise != json!({}) {
        schema.insert("else".to_owned(), otherwise);
    }
    Value::Object(schema)
}

fn has(name: &str) -> Value {
    json!({ "required": [name] })
}

/// These must not be there.
fn without(names: &[&str]) -> Value {
    let names = names.iter().map(|name| ((*name).to_owned(), json!(false)));
    json!({ "properties": names.collect::<Map<_, _>>() })
}

/// What may stand under `on`: one, or a list of them.
fn starts() -> Value {
    let one = json!([
        { "$ref": "#/definitions/name" },
        { "$ref": "#/definitions/table" },
    ]);
    let many = json!({ "type": "array", "minItems": 1, "items": { "anyOf": one } });
    json!({ "anyOf": [one[0], one[1], many] })
}

/// What `on` names by a text.
fn start_names(vocabulary: &Vocabulary) -> Value {
    let kinds = vocabulary.kinds.iter().map(|kind| (kind.as_str(), ""));
    let mut names = one_of(kinds.chain(trigger_names(vocabulary)));
    names["description"] = json!(
        "An event kind, which starts it whether a webhook or a poll tells of the event, or a trigger, which starts it on what this poll finds."
    );
    names
}

fn trigger_names(vocabulary: &Vocabulary) -> impl Iterator<Item = (&str, &str)> {
    let names = vocabulary.triggers.iter().flat_map(|takes| &takes.names);
    names.map(|name| (name.name.as_str(), name.about.as_str()))
}

fn start_table(vocabulary: &Vocabulary) -> Value {
    let mut table = shape::<Table>();
    add(
        &mut table["properties"]["trigger"],
        one_of(trigger_names(vocabulary)),
    );
    let arguments = vocabulary.triggers.iter().map(|takes| {
        let then = with_arguments(takes, Map::new());
        when(
            json!({ "properties": { "trigger": takes.is_named() } }),
            then,
            json!({}),
        )
    });
    let mut of_trigger = without(&["schedule", "webhook", "timezone", "each"]);
    of_trigger["allOf"] = arguments.collect();
    let of_schedule = without(&["webhook", "with", "every", "backfill"]);
    let of_webhook = without(&["with", "every", "backfill", "timezone", "each"]);
    let neither = when(has("webhook"), of_webhook, has("trigger"));
    let conditions = when(
        has("trigger"),
        of_trigger,
        when(has("schedule"), of_schedule, neither),
    );
    add(&mut table, conditions);
    table
}

/// All arguments that there are, with nothing said of their values. Taplo does not look into `then`: it completes
/// `with.NAME` from this list, whatever the action is.
fn any_argument<'a>(all: impl Iterator<Item = &'a Takes>) -> Value {
    let mut users: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for takes in all {
        let user = takes.names.first().map_or("", |name| name.name.as_str());
        for (name, schema) in &takes.arguments {
            let about = schema["description"].as_str().unwrap_or_default();
            users.entry(name).or_default().push((user, about));
        }
    }
    let described = users.into_iter().map(|(name, users)| {
        let of: Vec<_> = users.iter().map(|(user, _)| format!("`{user}`")).collect();
        let of = match of.as_slice() {
            few if few.len() <= MOST_USERS => few.join(", "),
            many => format!(
                "{} and {} more",
                many[..MOST_USERS].join(", "),
                many.len() - MOST_USERS
            ),
        };
        let (_, about) = users[0];
        let is_same = users.iter().all(|(_, other)| *other == about);
        let about = if is_same && !about.is_empty() {
            format!("{about} For {of}.")
        } else {
            format!("For {of}.")
        };
        // With any type, so that an editor puts no braces for a start.
        let kinds = ["string", "number", "boolean", "array", "object"];
        (
            name.to_owned(),
            json!({ "description": about, "type": kinds }),
        )
    });
    json!({ "properties": described.collect::<Map<_, _>>() })
}

fn shape<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    Plain.transform(&mut schema);
    schema.remove("title");
    schema.to_value()
}

fn actions(vocabulary: &Vocabulary) -> Value {
    let control = [
        (WAIT, "Lets the run rest: `for` a time, or `until` a date."),
        (STOP, "Ends the run, with a `reason`."),
    ];
    let names = vocabulary
        .actions
        .iter()
        .flat_map(|(_, takes)| &takes.names);
    let names = names.map(|name| (name.name.as_str(), name.about.as_str()));
    one_of(control.into_iter().chain(names))
}

/// What a step may have beside its `action`, `wait` or `stop`.
fn of_step() -> Value {
    let mut short_wait = of_wait(false);
    short_wait["properties"]["stop"] = json!(false);
    let neither = when(has("stop"), of_stop(), has("action"));
    when(
        has("action"),
        json!({ "$ref": "#/definitions/action" }),
        when(has("wait"), short_wait, neither),
    )
}

/// What each action takes.
fn of_action(vocabulary: &Vocabulary) -> Value {
    let mut cases = vec![
        when(is_action(WAIT), of_wait(true), json!({})),
        when(is_action(STOP), of_stop(), json!({})),
    ];
    cases.extend(vocabulary.actions.iter().map(|(kind, takes)| {
        let condition = json!({ "properties": { "action": takes.is_named() } });
        when(condition, with_arguments(takes, beside(*kind)), json!({}))
    }));
    let mut schema = without(&["wait", "stop"]);
    schema["allOf"] = Value::Array(cases);
    schema
}

fn is_action(name: &str) -> Value {
    json!({ "properties": { "action": { "const": name } } })
}

fn with_arguments(takes: &Takes, mut properties: Map<String, Value>) -> Value {
    properties.insert("with".to_owned(), takes.table());
    let mut schema = json!({ "properties": properties });
    if !takes.required.is_empty() {
        schema["required"] = json!(["with"]);
    }
    schema
}

/// Keys of a step that mean nothing for some kinds of actions.
fn beside(kind: ActionKind) -> Map<String, Value> {
    let mut properties = Map::new();
    if kind != ActionKind::Purchase {
        properties.insert("consent".to_owned(), json!(false));
    }
    if kind != ActionKind::HighLevel {
        properties.insert("custom_fields".to_owned(), json!({ "maxProperties": 0 }));
    }
    properties
}

/// `wait = "3d"`, in either form.
fn wait() -> Value {
    json!({ "type": ["string", "integer"], "pattern": or(&[DURATION, DATE, TEMPLATE]) })
}

fn of_wait(is_long: bool) -> Value {
    let mut takes = Takes::default();
    for (name, schema) in [
        (
            "for",
            json!({
                "type": "string", "pattern": or(&[DURATION, TEMPLATE]),
                "description": "A length of time, such as `30m`, `12h` or `3d`; days have 24 hours.",
            }),
        ),
        (
            "until",
            json!({
                "type": ["string", "integer"], "pattern": or(&[DATE, TEMPLATE]),
                "description": "A date or a time, such as `2026-12-01` or `2026-12-01T09:00:00Z`, or milliseconds since 1970.",
            }),
        ),
        (
            "timezone",
            json!({
                "type": "string",
                "description": "Time zone of an `until` that names none, such as `Europe/London`. Default: UTC.",
            }),
        ),
    ] {
        takes.arguments.insert(name.to_owned(), schema);
    }
    let mut schema = with_arguments(&takes, beside(ActionKind::Control));
    if is_long {
        schema["required"] = json!(["with"]);
        let either = when(has("until"), without(&["for"]), has("for"));
        add(&mut schema["properties"]["with"], either);
    }
    schema
}

fn of_stop() -> Value {
    let mut takes = Takes::default();
    let reason =
        json!({ "type": "string", "description": "Why, for people: `canopy runs` shows it." });
    takes.arguments.insert("reason".to_owned(), reason);
    with_arguments(&takes, beside(ActionKind::Control))
}
