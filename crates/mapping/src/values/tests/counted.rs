//! Tables, groups and counts take numbers that came as texts.

use serde_json::json;

use super::told;

#[test]
fn tables_are_ordered_and_groups_made_by_what_values_mean() {
    for (expression, right) in [
        (
            "{'a': v.t5, 'b': 7, 'c': '10'} | dictsort(by='value') | map('first')",
            json!(["a", "b", "c"]),
        ),
        (
            "{'a': v.t5, 'b': 7, 'c': '10'} | dictsort(by='value', reverse=true) | map('first')",
            json!(["c", "b", "a"]),
        ),
        (
            "{'a': v.null, 'b': 7} | dictsort(by='value') | map('first')",
            json!(["b", "a"]),
        ),
        (
            "{'10': 1, '9': 2} | dictsort | map('first')",
            json!(["9", "10"]),
        ),
        (
            "{'b': 1, 'A': 2} | dictsort | map('first')",
            json!(["A", "b"]),
        ),
        (
            "[{'q': v.t5}, {'q': 5}, {'q': 5.0}] | groupby('q') | length",
            json!(1),
        ),
        (
            "[{'q': '10'}, {'q': '9'}, {}, {'q': 9}] | groupby('q') | map('last') | map('length')",
            json!([2, 1, 1]),
        ),
        (
            "[{'q': 'b'}, {'q': 'A'}, {'q': 'B'}] | groupby('q') | map('first')",
            json!(["A", "b"]),
        ),
        (
            "[{'q': 1}, {}] | groupby('q', default=1) | map(attribute='list') | first | length",
            json!(2),
        ),
        (
            "[{'q': 'five'}, {'q': 5}] | groupby(attribute='q') | length",
            json!(2),
        ),
    ] {
        assert_eq!(told(expression), Ok(right), "{expression}");
    }
    for value in ["v.grouped", "v.word", "v.list"] {
        let expression = format!("{{'a': {value}, 'b': 7}} | dictsort(by='value')");
        assert!(told(&expression).is_err(), "{expression}");
    }
}

#[test]
fn counts_are_texts_that_are_numbers_or_a_mistake_that_names_them() {
    for (expression, right) in [
        ("v.numbers[:v.t5]", json!([3, 20, 100])),
        ("v.numbers[v.t5 - 4:]", json!([20, 100])),
        ("v.numbers[::-1]", json!([100, 20, 3])),
        ("v.numbers[:2]", json!([3, 20])),
        ("v.numbers | batch(v.t5) | length", json!(1)),
        ("2.123456 | round(v.t5)", json!(2.12346)),
        ("v.numbers | join(v.n5)", json!("35205100")),
        ("{true: 1}[v.yes]", json!(1)),
    ] {
        assert_eq!(told(expression), Ok(right), "{expression}");
    }
    for (expression, right) in [
        (
            "v.numbers[:v.word]",
            "v.word is \"five\", and is a text that is no number",
        ),
        (
            "v.numbers[:v.missing]",
            "v.missing has no value to reckon with",
        ),
        (
            "v.numbers[:v.t1_5]",
            "v.t1_5 is \"1.5\", and is no whole number",
        ),
        ("v.numbers[:v.yes]", "v.yes is true, and is no number"),
        ("v.numbers | batch(v.word)", "v.word is \"five\""),
        ("2.5 | round(v.list)", "v.list is [1]"),
        ("v.numbers[v.yes]", "is true, and is no place in a list"),
    ] {
        let problem = told(expression).unwrap_err();
        assert!(problem.contains(right), "{expression}: {problem}");
    }
}

#[test]
fn membership_in_a_table_is_by_what_its_names_mean() {
    for (expression, right) in [
        ("v.t5 in {5: 1}", Some(true)),
        ("v.n5 in {'5': 1}", Some(true)),
        ("v.t500 in {5: 1}", Some(false)),
        ("v.null in {5: 1}", Some(false)),
        ("v.empty in {5: 1}", Some(false)),
        ("v.word in {5: 1}", None),
        ("v.grouped in {5: 1}", None),
        ("v.word in {'a': 1, 5: 1}", Some(false)),
        ("v.t5 is in {5: 1}", Some(true)),
    ] {
        let found = told(expression).ok().map(|found| found == json!(true));
        assert_eq!(found, right, "{expression}");
    }
}
