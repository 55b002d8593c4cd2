//! Whatever people write, both sides come to say the same, and nothing panics.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Pair, RULES, directory, mapping};
use crate::fields::{FieldMapping, FieldRule, FieldRules};

/// What people and other programs write into a field.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-10_000_i32..10_000).prop_map(|n| json!(f64::from(n) / 100.0)),
        "\\PC{0,12}".prop_map(Value::from),
        "[ aA]{0,4}".prop_map(Value::from),
        prop::sample::select(vec![
            "Gold",
            "silver",
            "g",
            "s",
            "S",
            "Trees",
            "sea, air",
            "first",
            "A,B",
            "yes",
            "M",
            "2024-02-29",
            "29.02.2024",
            "1990-05-01T10:00:00Z",
            "1714000000000",
            "1e3",
            "0.005",
            "-0",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..2)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[derive(Debug, Clone)]
enum Act {
    Profile(usize, Value),
    Contact(usize, Value),
    Sync,
}

const PROFILE: [&str; 16] = [
    "name", "email", "born", "quiet", "tier", "note", "points", "spent", "since", "ticked", "open",
    "topics", "groups", "size", "city", "copy",
];
const STANDARD: [&str; 6] = [
    "firstName",
    "lastName",
    "email",
    "dateOfBirth",
    "dnd",
    "city",
];
const CUSTOM: [&str; 10] = [
    "f-tier", "f-note", "f-number", "f-money", "f-date", "f-box", "f-open", "f-many", "f-group",
    "f-size",
];

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..PROFILE.len(), anything()).prop_map(|(field, value)| Act::Profile(field, value)),
        3 => (0..STANDARD.len() + CUSTOM.len(), anything()).prop_map(|(field, value)| Act::Contact(field, value)),
        1 => Just(Act::Sync),
    ]
}

/// Whether a mapped field of the profile has the JSON type that its field has.
fn has_its_type(name: &str, value: &Value) -> bool {
    match name {
        "points" | "spent" => value.is_number() || value.is_null(),
        "quiet" | "ticked" | "open" => value.is_boolean(),
        "topics" | "groups" => value.is_array() || value.is_null(),
        _ => value.is_string() || value.is_null(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever people do on both sides: one pass brings them in step, and the next one writes nothing anywhere.
    #[test]
    fn both_ways_converge(acts in prop::collection::vec(act(), 0..24)) {
        let mapping = mapping(RULES);
        let mut pair = Pair::new(json!({}), json!({}));
        for act in acts {
            match act {
                Act::Profile(field, value) => pair.edit_profile(PROFILE[field], value),
                Act::Contact(field, value) => match STANDARD.get(field) {
                    Some(name) => {
                        let mut arguments = Map::new();
                        arguments.insert((*name).to_owned(), value);
                        pair.write_contact(&arguments);
                    }
                    None => pair.edit_custom(CUSTOM[field - STANDARD.len()], &value),
                },
                Act::Sync => { pair.sync(&mapping); }
            }
        }
        let first = pair.sync(&mapping);
        let before = pair.clone();
        let second = pair.sync(&mapping);
        prop_assert!(second.contact.is_empty(), "{:?}\n{:?}", second, before);
        prop_assert!(second.profile.is_empty(), "{:?}\n{:?}", second, before);
        prop_assert_eq!(&second.synced, &before.synced);
        prop_assert_eq!(&second.problems, &first.problems);
        // What only one side writes stays there as it was written until the other one says something.
        for name in PROFILE.iter().filter(|name| !["size", "city", "copy"].contains(name)) {
            let is_told = second.problems.iter().any(|problem| problem.field == *name);
            let value = pair.profile.get(*name).unwrap_or(&Value::Null);
            let never = value.is_null() || value == "";
            prop_assert!(is_told || never || has_its_type(name, value), "{name}: {value}");
        }
    }

    #[test]
    fn rules_never_panic(field in "\\PC{0,12}", format in "[%dmYHa. -]{0,8}", word in anything()) {
        let mut rule = FieldRule::new(&field);
        rule.date = Some(format);
        rule.default = Some(word);
        let mut rules = FieldRules::default();
        rules.0.insert("a".to_owned(), rule);
        let (mapping, _) = FieldMapping::resolve(&rules, &directory());
        Pair::new(json!({}), json!({ "a": "2024-01-02" })).sync(&mapping);
    }
}
