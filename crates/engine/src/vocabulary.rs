//! What a workflow file can name, for the schema that editors complete it by. Names, arguments and what is missing are asked
//! of the same [`Catalog`] that checks the files, so that the schema refuses nothing that the check accepts.

use canopy_ecologi::{CarbonUnits, Country, InvalidOrder, OrderRequest};
use canopy_highlevel::{CATALOG, Field, FieldPlace, OPERATIONS};
use canopy_mapping::schema::{Name, TEMPLATE, Takes, Vocabulary};
use canopy_mapping::{ActionKind, Actions, ArgumentError};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::actions::Catalog;
use crate::arguments::json_kind;
use crate::profile_arguments;

/// The JSON Schema of a workflow file, with all names and arguments that there are.
///
/// ```
/// let schema = canopy_engine::workflow_schema();
/// assert_eq!(schema["additionalProperties"], false);
/// ```
pub fn workflow_schema() -> Value {
    canopy_mapping::schema::workflow(&vocabulary())
}

fn vocabulary() -> Vocabulary {
    Vocabulary {
        kinds: Catalog
            .event_kinds()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        triggers: triggers(),
        actions: actions(),
    }
}

fn actions() -> Vec<(ActionKind, Takes)> {
    let mut all: IndexMap<&str, (ActionKind, Takes)> = IndexMap::new();
    for name in Catalog.names() {
        let operation = Catalog.operation_of(name);
        let kind = Catalog.kind(operation);
        // `wait` and `stop` are of the workflow language itself.
        let Some(kind) = kind.filter(|kind| *kind != ActionKind::Control) else {
            continue;
        };
        let takes = || match kind {
            ActionKind::Purchase => of_purchase(operation),
            ActionKind::HighLevel => of_highlevel(operation),
            ActionKind::Profile | ActionKind::Control => of_profile(operation),
        };
        let (_, takes) = all.entry(operation).or_insert_with(|| (kind, takes()));
        add_name(takes, name);
    }
    all.into_values().collect()
}

fn add_name(takes: &mut Takes, name: &str) {
    if takes.names.iter().all(|known| known.name != name) {
        takes.names.push(Name {
            name: name.to_owned(),
            about: about(name),
        });
    }
}

fn about(name: &str) -> String {
    if let Some(entry) = CATALOG.iter().find(|entry| entry.name == name) {
        return format!("{} ({})", entry.title, entry.category);
    }
    let services = OPERATIONS.iter().chain(canopy_ecologi::OPERATIONS);
    let mut operations = services.filter(|operation| operation.name == name);
    match operations.next() {
        Some(operation) => operation.summary.to_owned(),
        None => profile_arguments::about(name).to_owned(),
    }
}

fn of_highlevel(operation: &str) -> Takes {
    let check = |given: &Map<String, Value>| Catalog.check_action(operation, given, false);
    Takes {
        arguments: arguments(operation, Some(TEMPLATE)),
        // A step's custom fields become this argument.
        required: missing(&check(&Map::new()), &["customFields"]),
        open: is_open(&check),
        ..Takes::default()
    }
}

fn triggers() -> Vec<Takes> {
    let mut all: IndexMap<&str, Takes> = IndexMap::new();
    let operations = OPERATIONS.iter().map(|operation| operation.name);
    for name in Catalog.triggers().into_iter().chain(operations) {
        if let Some(operation) = Catalog.trigger(name) {
            let takes = all
                .entry(operation)
                .or_insert_with(|| of_trigger(operation));
            add_name(takes, name);
        }
    }
    all.into_values().collect()
}

fn of_trigger(operation: &str) -> Takes {
    let check = |given: &Map<String, Value>| Catalog.check_trigger(operation, given);
    let mut arguments = arguments(operation, None);
    let trigger = canopy_highlevel::operation(operation).and_then(|found| found.trigger);
    if let Some(window) = trigger.and_then(|trigger| trigger.window) {
        for name in [window.from, window.to] {
            // It travels as text, so its schema lets words pass.
            let about = arguments[name]["description"].as_str().unwrap_or_default();
            let about = format!("{about} May move with the present: `now`, `today`, `now+30d`.");
            arguments[name]["description"] = json!(about.trim_start());
        }
    }
    Takes {
        arguments,
        required: missing(&check(&Map::new()), &[]),
        open: is_open(&check),
        ..Takes::default()
    }
}

/// What a check calls missing.
fn missing(found: &[ArgumentError], filled_in: &[&str]) -> Vec<String> {
    let missing = found.iter().filter(|error| {
        error.problem == "is missing"
            && !error.field.contains(['.', '['])
            && !filled_in.contains(&error.field.as_str())
    });
    missing.map(|error| error.field.clone()).collect()
}

/// Whether a check lets an argument pass that nobody has described.
fn is_open(check: &dyn Fn(&Map<String, Value>) -> Vec<ArgumentError>) -> bool {
    const NOBODYS: &str = "an argument that nobody has described";
    let given = Map::from_iter([(NOBODYS.to_owned(), json!("x"))]);
    !check(&given).iter().any(|error| error.field == NOBODYS)
}

fn arguments(operation: &str, template: Option<&str>) -> Map<String, Value> {
    let description = canopy_highlevel::describe(operation);
    let fields = description.map_or_else(|_| Vec::new(), |description| description.fields);
    fields
        .iter()
        .map(|field| (field.name.clone(), argument(field, template)))
        .collect()
}

/// Shape and meaning of an argument. Inside of lists and objects nothing is held: a template anywhere stands for all of it.
fn argument(field: &Field, template: Option<&str>) -> Value {
    let mut schema = Map::new();
    let about = about_field(field);
    if !about.is_empty() {
        schema.insert("description".to_owned(), json!(about));
    }
    let kinds: Vec<&str> = field.kind.split('|').map(json_kind).collect();
    let travels_as_text = field.place != FieldPlace::Body;
    if kinds.contains(&"any") || travels_as_text && kinds.contains(&"array") {
        return Value::Object(schema);
    }
    let is_scalar = |kind: &&str| !["array", "object"].contains(kind);
    if travels_as_text && kinds.iter().all(is_scalar) {
        // Numbers may be written as texts and the other way round.
        let kind = match kinds.as_slice() {
            ["string"] => json!(["string", "number", "boolean"]),
            [other] => json!([other, "string"]),
            _ => return Value::Object(schema),
        };
        if field.words.is_empty() {
            schema.insert("type".to_owned(), kind);
        } else {
            let choices = json!([{ "enum": field.words }, { "type": kind }]);
            schema.insert("anyOf".to_owned(), choices);
        }
        return Value::Object(schema);
    }
    let words: &[Value] = match kinds.as_slice() {
        ["string" | "integer" | "number"] => &field.words,
        _ => &[],
    };
    if !words.is_empty() {
        let mut choices = vec![json!({ "enum": words })];
        if field.open {
            choices.push(json!({ "type": kinds[0] }));
        }
        choices.extend(template.map(|template| json!({ "type": "string", "pattern": template })));
        schema.insert("anyOf".to_owned(), json!(choices));
        return Value::Object(schema);
    }
    let mut kinds: Vec<&str> = kinds;
    if !kinds.contains(&"string")
        && let Some(template) = template
    {
        kinds.push("string");
        schema.insert("pattern".to_owned(), json!(template));
    }
    let kinds = match kinds.as_slice() {
        [kind] => json!(kind),
        kinds => json!(kinds),
    };
    schema.insert("type".to_owned(), kinds);
    for (name, limit) in [("minimum", field.minimum), ("maximum", field.maximum)] {
        if let Some(limit) = limit {
            schema.insert(name.to_owned(), json!(limit));
        }
    }
    Value::Object(schema)
}

fn about_field(field: &Field) -> String {
    let mut about = field.description.replace('\n', " ");
    let members: Vec<_> = field
        .fields
        .iter()
        .map(|member| format!("`{}`", member.name))
        .collect();
    if !members.is_empty() {
        about = format!("{about} Members: {}.", members.join(", "));
    }
    about.trim().to_owned()
}

fn of_purchase(operation: &str) -> Takes {
    let check = |given: &Map<String, Value>| Catalog.check_action(operation, given, false);
    let required = missing(&check(&Map::new()), &[]);
    // An order with one argument too many is refused with all that there are.
    let mut given: Map<String, Value> = required
        .iter()
        .map(|name| (name.clone(), purchase_argument(name).1))
        .collect();
    given.insert("more".to_owned(), json!(1));
    let takes = match OrderRequest::from_action(operation, &Value::Object(given)) {
        Err(InvalidOrder::Unexpected { takes, .. }) => takes,
        _ => Vec::new(),
    };
    Takes {
        arguments: takes
            .into_iter()
            .map(|name| (name.to_owned(), purchase_argument(name).0))
            .collect(),
        required,
        ..Takes::default()
    }
}

/// The schema of a purchase's argument, and a value that fits it.
fn purchase_argument(name: &str) -> (Value, Value) {
    let one_of = |about: &str, words: Vec<&str>| {
        let first = json!(words[0]);
        let template = json!({ "type": "string", "pattern": TEMPLATE });
        (
            json!({ "description": about, "anyOf": [{ "enum": words }, template] }),
            first,
        )
    };
    match name {
        "number" => (
            json!({
                "description": "How much: a number above zero, or a template; whole numbers for trees. A template rounds by name: `{{ (opportunity.monetaryValue / 100) | round }}`.",
                "type": ["number", "string"],
                "exclusiveMinimum": 0,
            }),
            json!(1),
        ),
        "country" => one_of(
            "Where the trees grow.",
            [Country::Uk, Country::Us, Country::Au, Country::Br]
                .map(Country::as_str)
                .to_vec(),
        ),
        "units" => one_of(
            "What `number` counts.",
            [CarbonUnits::Kilograms, CarbonUnits::Tonnes]
                .map(CarbonUnits::as_str)
                .to_vec(),
        ),
        "name" => (
            json!({ "description": "Whom it is for, shown in public; goes out under a `consent` only.", "type": "string" }),
            json!("a"),
        ),
        "recipientEmail" => (
            json!({ "description": "Whom Ecologi writes to; goes out under a `consent` only.", "type": "string" }),
            json!("a"),
        ),
        "test" => (
            json!({
                "description": "`true`: this purchase is simulated, also where the connection's are real.",
                "type": ["boolean", "string"],
                "pattern": TEMPLATE,
            }),
            json!(true),
        ),
        _ => (json!({}), json!("a")),
    }
}

fn of_profile(action: &str) -> Takes {
    let known = profile_arguments::known(action);
    let names = known.unwrap_or(&["name", "email", "phone"]);
    Takes {
        arguments: names
            .iter()
            .map(|name| ((*name).to_owned(), profile_arguments::schema(name)))
            .collect(),
        // A linked task needs no title, and a tag may be added or removed: only a note is sure of what it needs.
        required: match action {
            crate::actions::PROFILE_NOTE => vec!["body".to_owned()],
            _ => Vec::new(),
        },
        open: known.is_none(),
        ..Takes::default()
    }
}
