//! Null in every member that the services describe: nothing in texts, left out as a whole value, nothing in conditions,
//! empty where a list is meant. A message to a customer cannot be called back.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use canopy_mapping::template;
use serde_json::{Map, Value, json};

const HIGHLEVEL: &str = "/../highlevel-api/openapi/highlevel.json";
const ECOLOGI: &str = "/../ecologi-api/openapi/ecologi.json";
const WEBHOOKS: &str = "/../sandbox/openapi/webhooks.json";
/// Objects within objects are followed so far.
const DEPTH: usize = 3;

const FILTERS: [&str; 32] = [
    "upper",
    "lower",
    "title",
    "capitalize",
    "trim",
    "string",
    "round",
    "money",
    "amount",
    "date",
    "date('%d %B %Y')",
    "int",
    "float",
    "join",
    "first",
    "last",
    "length | string | replace('0', '')",
    "default('')",
    "tojson",
    "abs",
    "split(',')",
    "sort",
    "unique",
    "list",
    "reverse",
    "lines",
    "indent",
    "later('1d')",
    "min",
    "max",
    "map('upper') | join",
    "select | join",
];

/// What a condition over a member that is null comes to.
const CONDITIONS: [(&str, bool); 14] = [
    ("X", false),
    ("not X", true),
    ("X or false", false),
    ("X and true", false),
    ("X == none", true),
    ("X is none", true),
    ("X is defined", false),
    ("X == 'a'", false),
    ("X < 10", false),
    ("X >= 10", false),
    ("'a' in X", false),
    ("'a' not in X", true),
    ("X | length == 0", true),
    ("X | default('a') == 'a'", true),
];

fn bundle(path: &str) -> Value {
    let path = format!("{}{path}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A member that a description has, with the way to it.
struct Member {
    path: Vec<String>,
    is_nullable: bool,
}

/// Follows references.
fn described<'a>(bundle: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str();
    reference.map_or(schema, |reference| {
        described(
            bundle,
            bundle.pointer(reference.trim_start_matches('#')).unwrap(),
        )
    })
}

fn members(bundle: &Value, schema: &Value, path: &[String], found: &mut Vec<Member>) {
    let properties = described(bundle, schema)["properties"].as_object();
    for (name, member) in properties.into_iter().flatten() {
        let path = [path, std::slice::from_ref(name)].concat();
        if path.len() < DEPTH {
            members(bundle, member, &path, found);
        }
        found.push(Member {
            is_nullable: member["nullable"] == true,
            path,
        });
    }
}

/// `record` with null at this path.
fn with_null(path: &[String]) -> Value {
    path.iter().rev().fold(Value::Null, |inner, name| {
        Value::Object(Map::from_iter([(name.clone(), inner)]))
    })
}

fn hold(context: &Value, read: &str) {
    let mut text = format!("<{{{{ {read} }}}}{{{{ {read} ~ '' }}}}{{{{ [{read}, none] }}}}");
    for filter in FILTERS {
        let _ = write!(text, "{{{{ {read} | {filter} }}}}");
    }
    let _ = write!(
        text,
        "{{% for one in {read} %}}x{{% endfor %}}{{% if {read} or 'x' in {read} or {read} < 1 %}}y{{% endif %}}>"
    );
    assert_eq!(
        template::render(&json!(text), context),
        Ok(json!("<>")),
        "{read}"
    );
    let whole = format!("{{{{ {read} }}}}");
    let values = json!({ "value": whole, "list": [whole, "b"], "text": format!("{whole}, b"), "in": { "value": whole } });
    assert_eq!(
        template::render(&values, context),
        Ok(json!({ "list": ["b"], "text": ", b", "in": {} })),
        "{read}"
    );
    for (condition, right) in CONDITIONS {
        let condition = condition.replace('X', read);
        assert_eq!(
            template::holds(&condition, context),
            Ok(right),
            "{condition}"
        );
    }
}

/// The services answer null for any member that is empty, whether or not their description says so: all are tried, and each
/// that is called nullable is among them.
#[test]
fn a_null_in_any_member_that_is_described_is_nothing_wherever_it_is_read() {
    let (mut tried, mut nullable) = (BTreeSet::new(), 0);
    for path in [HIGHLEVEL, ECOLOGI, WEBHOOKS] {
        let bundle = bundle(path);
        for (name, schema) in bundle["components"]["schemas"].as_object().unwrap() {
            let mut found = Vec::new();
            members(&bundle, schema, &[], &mut found);
            let of_its_own = found.iter().filter(|member| member.path.len() == 1);
            nullable += of_its_own.filter(|member| member.is_nullable).count();
            let is_contact = name == "Contact" || name.ends_with("Contact");
            for member in found {
                if !tried.insert((is_contact, member.path.clone())) {
                    continue;
                }
                let record = with_null(&member.path);
                let zone = json!({ "timezone": "Europe/London" });
                let context = json!({ "record": record, "contact": record, "location": zone });
                let quoted = format!("['{}']", member.path.join("']['"));
                hold(&context, &format!("record{quoted}"));
                // A contact's members are read as merge fields and as custom fields as well.
                if is_contact {
                    hold(&context, &format!("contact.{}", member.path.join(".")));
                }
            }
        }
        let words = bundle["components"]["schemas"].to_string();
        nullable -= words.matches("\"nullable\":true").count();
    }
    assert_eq!(
        nullable, 0,
        "a member that is called nullable was not tried"
    );
    assert!(tried.len() > 1500, "{}", tried.len());
}

/// A record that is handed on as a whole keeps what it is; in a text its nulls are no words.
#[test]
fn a_record_with_nulls_in_all_members_is_printed_without_a_word_for_them() {
    let bundle = bundle(HIGHLEVEL);
    for (name, schema) in bundle["components"]["schemas"].as_object().unwrap() {
        let mut found = Vec::new();
        members(&bundle, schema, &[], &mut found);
        let own = found.iter().filter(|member| member.path.len() == 1);
        let record: Map<String, Value> = own
            .map(|member| (member.path[0].clone(), Value::Null))
            .collect();
        let context = json!({ "record": record });
        let text = template::render(&json!("<{{ record }}>"), &context).unwrap();
        assert_eq!(text, json!("<{}>"), "{name}");
        let whole = template::render(&json!("{{ record }}"), &context).unwrap();
        assert_eq!(whole, Value::Object(record), "{name}");
    }
}
