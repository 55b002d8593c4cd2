//! Templates as a whole; what values mean in them is held in `values/tests`.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn context() -> Value {
    json!({
        "contact": { "id": "c1", "firstName": "Ada", "tags": ["vip"], "score": 4, "quoted": "{{ 7 }}" },
        "steps": { "tree": { "number": 2.0 } },
    })
}

#[test]
fn a_single_expression_keeps_its_type() {
    assert_eq!(
        render(&json!("{{ contact.score * 2 }}"), &context()).unwrap(),
        json!(8)
    );
    assert_eq!(
        render(&json!("{{ contact.tags }}"), &context()).unwrap(),
        json!(["vip"])
    );
    assert_eq!(
        render(&json!("{{ steps.tree.number }}"), &context()).unwrap(),
        json!(2)
    );
    assert_eq!(
        render(&json!("Hi {{ contact.firstName }}!"), &context()).unwrap(),
        json!("Hi Ada!")
    );
}

#[test]
fn a_missing_value_leaves_the_member_out() {
    let value =
        json!({ "company": "{{ contact.company.name }}", "name": "{{ contact.firstName }}" });
    assert_eq!(
        render(&value, &context()).unwrap(),
        json!({ "name": "Ada" })
    );
    assert_eq!(
        render(&json!("<{{ contact.company }}>"), &context()).unwrap(),
        json!("<>")
    );
}

#[test]
fn values_are_not_templates() {
    assert_eq!(
        render(&json!("{{ contact.quoted }}"), &context()).unwrap(),
        json!("{{ 7 }}")
    );
}

#[test]
fn comments_are_left_out_also_where_nothing_else_is_filled_in() {
    for (text, right) in [
        ("{# for the team #}Hello", "Hello"),
        (
            "Hello{# {{ contact.firstName }} #} {{ contact.firstName }}",
            "Hello Ada",
        ),
        ("{{ contact.firstName }}{# a name #}", "Ada"),
        ("# {1} #}", "# {1} #}"),
        ("{#1", "{#1"),
    ] {
        assert_eq!(render(&json!(text), &context()).unwrap(), json!(right));
    }
}

#[test]
fn what_is_no_value_is_not_written() {
    for text in ["{{ range }}", "{{ dict }}."] {
        let told = render(&json!(text), &context()).unwrap_err().to_string();
        assert!(told.contains("is no value that could be written"), "{told}");
    }
    // Told before a run as a name that nothing has.
    assert!(names(&json!("{{ debug() }}")).contains("debug"));
    render(&json!("{{ debug() }}"), &context()).unwrap_err();
}

#[test]
fn nothing_is_escaped() {
    let context = json!({ "contact": { "firstName": "<O'Neil & Söhne>" } });
    assert_eq!(
        render(&json!("{{ contact.firstName }}."), &context).unwrap(),
        json!("<O'Neil & Söhne>.")
    );
}

#[test]
fn conditions_read_empty_as_false() {
    assert!(holds("contact.firstName and 'vip' in contact.tags", &context()).unwrap());
    assert!(!holds("contact.company", &context()).unwrap());
    assert!(!holds("contact.company.name == 'x'", &context()).unwrap());
}

/// Any JSON value, as records of a service may hold it.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,40}", wrapped in any::<bool>()) {
        let text = if wrapped { format!("{{{{ {text} }}}}") } else { text };
        let _ = check(&json!(text));
        let _ = render(&json!(text), &context());
        let _ = holds(&text, &context());
    }

    #[test]
    fn no_record_panics(record in json(), text in "[a-z0-9+*/|. ()\\[\\]'~]{0,30}") {
        let context = json!({ "contact": record.clone(), "record": record });
        let value = json!({ "one": format!("{{{{ {text} }}}}"), "more": [format!("a {{{{ {text} }}}}"), "{{ record | round }}"] });
        let _ = render(&value, &context);
        let _ = holds(&text, &context);
    }

    #[test]
    fn a_single_expression_gives_the_value_itself(record in json()) {
        let given = render(&json!("{{ record }}"), &json!({ "record": record.clone() })).unwrap();
        prop_assert_eq!(given, without_zeros(record));
    }

    #[test]
    fn plain_values_stay_as_they_are(number in any::<i64>(), flag in any::<bool>(), text in "[a-z ]{0,20}") {
        let value = json!({ "number": number, "flag": flag, "text": text, "none": null });
        prop_assert_eq!(render(&value, &context()).unwrap(), value);
    }
}

/// The notation's marks for "no space here" are none of the expression's.
#[test]
fn marks_of_spaces_around_a_whole_value_change_nothing_of_it() {
    let context = json!({ "x": "5", "n": 5.5 });
    for (text, right) in [
        ("{{- x }}", json!("5")),
        ("{{ x -}}", json!("5")),
        ("{{- n -}}", json!(5.5)),
        ("{{+ n +}}", json!(5.5)),
        ("{{ -n }}", json!(-5.5)),
        ("{{- -n }}", json!(-5.5)),
    ] {
        check(&json!(text)).unwrap();
        assert_eq!(render(&json!(text), &context), Ok(right), "{text}");
    }
}

/// minijinja 3.1.0's `undeclared_variables` leaves out what is sliced: `custom.topics[:2]` was read from nowhere, and printed
/// nothing.
#[test]
fn names_that_are_sliced_are_told() {
    for (text, right) in [
        ("{{ custom.topics[:2] }}", &["custom.topics"][..]),
        (
            "of {{ (custom.topics | sort)[1:] | first }}",
            &["custom.topics"],
        ),
        (
            "{{ ([webhook.trees, 20] | sort)[:1] | first }}",
            &["webhook.trees"],
        ),
        ("{{ (user.name | letters)[:1] | join }}.", &["user.name"]),
        (
            "{% for tag in contact.tags %}{{ (tag | letters)[:2] }}{% endfor %}",
            &["contact.tags"],
        ),
        (
            "{% set a = webhook.list %}{{ a[:2] }}{% with b = webhook.other %}{{ b.c[1:] }}{% endwith %}",
            &["webhook.list", "webhook.other"],
        ),
    ] {
        let found: Vec<String> = names(&json!(text)).into_iter().collect();
        assert_eq!(found, right, "{text}");
    }
}
