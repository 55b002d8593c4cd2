//! What holds, and what stands in for what is not there.

use serde_json::{Value, json};

use crate::consent::consents;
use crate::template;

fn context(value: &Value) -> Value {
    json!({ "webhook": { "x": value, "word": "yes", "list": ["a"] } })
}

/// HighLevel sends true and false, and the answers of forms, as texts.
#[test]
fn a_text_that_says_no_does_not_hold_wherever_a_condition_stands() {
    for (value, right) in [
        (json!("false"), false),
        (json!("False"), false),
        (json!("no"), false),
        (json!(" NO "), false),
        (json!("n"), false),
        (json!("off"), false),
        (json!("0"), false),
        (json!("0.00"), false),
        (json!(" "), false),
        (json!(""), false),
        (json!(null), false),
        (json!(false), false),
        (json!(0), false),
        (json!([]), false),
        (json!({}), false),
        (json!("true"), true),
        (json!("yes"), true),
        (json!("1"), true),
        (json!("Norway"), true),
        (json!("none at all"), true),
        (json!(-1), true),
        (json!(["no"]), true),
    ] {
        let context = context(&value);
        for condition in [
            "webhook.x",
            "not not webhook.x",
            "webhook.x and webhook.word",
            "webhook.word and webhook.x",
            "webhook.x or webhook.missing",
            "webhook.missing or webhook.x",
            "webhook.x or 0",
            "webhook.x | bool",
            "(true if webhook.x else false)",
            "('a' if webhook.x else 'b') == 'a'",
        ] {
            assert_eq!(
                template::holds(condition, &context),
                Ok(right),
                "{condition} of {value}"
            );
        }
        for text in [
            "{{ 'a' if webhook.x else 'b' }}.",
            "{% if webhook.x %}a{% else %}b{% endif %}.",
            "{% if not webhook.x %}b{% else %}a{% endif %}.",
            "{% for one in webhook.list if webhook.x %}a{% else %}b{% endfor %}.",
        ] {
            let told = template::render(&json!(text), &context);
            let right = if right { "a." } else { "b." };
            assert_eq!(told, Ok(json!(right)), "{text} of {value}");
        }
        // A list of answers that all say no is no consent.
        let consent = right && value != json!(["no"]);
        assert_eq!(consents("webhook.x", &context), Ok(consent), "{value}");
    }
}

/// A call that says 0 means none, and is not one that says nothing.
#[test]
fn what_is_given_is_replaced_by_nothing() {
    for expression in [
        "webhook.x | default(1)",
        "webhook.x or 1",
        "webhook.x or webhook.missing or 1",
        "webhook.missing or webhook.x or 1",
        "webhook.missing or (webhook.x or 1)",
        "webhook.x | default(webhook.missing) | default(1)",
    ] {
        for (value, right) in [
            (json!(0), Some(0)),
            (json!("0"), Some(0)),
            (json!("0.4"), Some(0)),
            (json!("5"), Some(5)),
            (json!(7.9), Some(7)),
            (json!("250"), Some(20)),
            (json!(null), Some(1)),
            (json!(""), Some(1)),
            (json!("  "), Some(1)),
            (json!(false), None),
            (json!(true), None),
            (json!([]), None),
            (json!([3]), None),
            (json!({}), None),
            (json!("five"), None),
            (json!("1,000"), None),
        ] {
            let number = json!(format!("{{{{ [({expression}) | floor, 20] | min }}}}"));
            let told = template::render(&number, &context(&value));
            if let Some(right) = right {
                assert_eq!(told, Ok(json!(right)), "{expression} of {value}");
                continue;
            }
            let problem = told.unwrap_err().to_string();
            assert!(
                problem.contains(&value.to_string()),
                "{expression}: {problem}"
            );
        }
    }
    let filled = |expression: &str, value: Value| {
        template::render(&json!(format!("{{{{ {expression} }}}}.")), &context(&value)).unwrap()
    };
    for (expression, value, right) in [
        // What is read in its place leaves 0 as it is; a text stands for it as well.
        ("webhook.x or webhook.word", json!(0), "0."),
        ("webhook.x or webhook.word", json!(""), "yes."),
        ("webhook.x or webhook.word", json!([]), "yes."),
        ("webhook.x or webhook.word", json!(false), "yes."),
        ("webhook.x or 'none'", json!(0), "none."),
        ("webhook.x or 'none'", json!("No"), "No."),
        (
            "webhook.x or webhook.missing or 'friend'",
            json!(""),
            "friend.",
        ),
        ("(webhook.x or []) | join('-')", json!(null), "."),
        ("webhook.x and webhook.word", json!("no"), "no."),
        (
            "webhook.word and webhook.list and webhook.x",
            json!(3),
            "3.",
        ),
        ("webhook.x | default('friend')", json!(""), "friend."),
    ] {
        assert_eq!(
            filled(expression, value.clone()),
            json!(right),
            "{expression} of {value}"
        );
    }
}

#[test]
fn a_long_chain_is_no_larger_than_it_is_written() {
    let chain = |word: &str, end: &str| {
        let parts: Vec<String> = (0..200)
            .map(|number| format!("webhook.a{number}"))
            .collect();
        format!("{} {word} {end}", parts.join(&format!(" {word} ")))
    };
    let render = |text: &str| {
        template::render(&json!(format!("{{{{ {text} }}}}")), &context(&json!(2))).unwrap()
    };
    assert_eq!(render(&chain("or", "webhook.x")), json!(2));
    assert_eq!(render(&chain("or", "4")), json!(4));
    assert_eq!(render(&format!("({}) or 3", chain("and", "4"))), json!(3));
}
