//! Null is a missing value everywhere: no filter prints it, and none fails on it.

use serde_json::{Value, json};

use crate::template;
use crate::words;

/// What filters want besides the value.
fn arguments(filter: &str) -> &'static str {
    match filter {
        "attr" | "groupby" | "rejectattr" | "selectattr" => "('a')",
        "batch" | "indent" | "slice" => "(2)",
        "chain" | "zip" => "([1])",
        "later" => "('3d')",
        "map" => "(attribute='a')",
        "replace" => "('a', 'b')",
        _ => "",
    }
}

#[test]
fn no_filter_prints_or_fails_on_what_is_missing() {
    let context = json!({ "v": { "null": null, "list": [null], "object": { "a": null } } });
    let mut tried = 0;
    for filter in words::filters() {
        for value in [
            "v.null",
            "v.missing",
            "none",
            "v.list | first",
            "v.object.a",
            "v.list",
            "v.object",
        ] {
            // `format` begins with the format; a list is no text or number.
            let is_own = !matches!(value, "v.list" | "v.object");
            let code = match filter {
                "format" => format!("'<%s>' | format({value})"),
                _ => format!("{value} | {filter}{}", arguments(filter)),
            };
            let text = template::render(&json!(format!("<{{{{ {code} }}}}>")), &context);
            if !is_own && text.is_err() {
                continue;
            }
            let text = text.unwrap_or_else(|error| panic!("{code}: {error}"));
            let text = text.as_str().unwrap().to_lowercase();
            assert!(
                !text.contains("none") && !text.contains("null") && !text.contains("undefined"),
                "{code}: {text}"
            );
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn a_whole_value_that_is_null_is_left_out() {
    let context = json!({ "contact": { "city": null, "tags": null, "dndSettings": { "line": null, "zip": "1" } } });
    let value = json!({
        "city": "{{ contact.city }}",
        "none": "{{ none }}",
        "upper": "{{ contact.city | default(none) }}",
        "list": ["{{ contact.city }}", "{{ contact.tags }}", "x"],
        "nested": { "city": "{{ contact.city }}" },
        "whole": "{{ contact.dndSettings }}",
    });
    assert_eq!(
        template::render(&value, &context).unwrap(),
        json!({ "list": ["x"], "nested": {}, "whole": { "line": null, "zip": "1" } })
    );
}

#[test]
fn a_condition_reads_null_as_false_and_null_lists_as_empty() {
    let context: Value = json!({ "contact": { "tags": null, "city": null, "score": null } });
    for (expression, right) in [
        ("contact.city", false),
        ("not contact.city", true),
        ("'gold' in contact.tags", false),
        ("not ('gold' in contact.tags)", true),
        ("'gold' not in contact.tags", true),
        ("contact.score < 10", false),
        ("contact.score > 10", false),
        ("contact.score <= contact.score", false),
        ("contact.city == none", true),
        ("contact.city is none", true),
        ("contact.city is defined", false),
        ("contact.city != ''", false),
        ("contact.city == 'Oslo'", false),
        ("contact.tags | length == 0", true),
        ("contact.tags | first", false),
    ] {
        assert_eq!(
            template::holds(expression, &context),
            Ok(right),
            "{expression}"
        );
    }
}
