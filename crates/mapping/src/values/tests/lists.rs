//! Filters over lists.

use serde_json::json;

use super::{context, told};
use crate::template;

#[test]
fn least_most_sorted_and_summed_go_by_what_values_mean() {
    for (expression, right) in [
        ("[v.t5 or 1, 20] | min", json!(5)),
        ("[v.null or 1, 20] | min", json!(1)),
        ("[v.missing or 1, 20] | min", json!(1)),
        ("[v.t500 or 1, 20] | min", json!(20)),
        ("[v.t1_5, 20] | min", json!(1.5)),
        ("[v.spaced, 20] | max", json!(20)),
        ("v.texts | max", json!(100)),
        ("v.texts | min", json!(3)),
        ("v.words | max", json!("vip")),
        // Where one is not known, nobody knows.
        ("[v.null, 20] | min", json!(null)),
        ("[v.missing, 20] | max", json!(null)),
        ("[v.empty, 20] | min", json!(null)),
        ("v.null | min", json!(null)),
        ("v.none_in_it | max", json!(null)),
        (
            "v.people[:2] | max(attribute='age') | attr('name')",
            json!("Al"),
        ),
        ("v.texts | sort", json!(["3", "20", "100"])),
        ("[100, '20', 3] | sort", json!([3, "20", 100])),
        ("v.with_null | sort", json!([3, 20, null])),
        ("v.with_null | sort(reverse=true)", json!([20, 3, null])),
        ("['b', 'A', '7'] | sort", json!(["7", "A", "b"])),
        (
            "v.people | sort(attribute='age') | map(attribute='name')",
            json!(["Bea", "Al", "cy"]),
        ),
        (
            "v.people | sort(attribute='name') | map(attribute='name')",
            json!(["Al", "Bea", "cy"]),
        ),
        ("v.numbers | sum", json!(123)),
        ("v.texts | sum", json!(123)),
        ("v.with_null | sum", json!(23)),
        ("v.null | sum", json!(0)),
        ("v.people | sum(attribute='age')", json!(19)),
        ("[5, '5', 6] | unique", json!([5, 6])),
        ("['a', 'A', 'b'] | unique", json!(["a", "b"])),
        ("v.numbers | select('gt', '10')", json!([20, 100])),
        (
            "v.people | selectattr('age', 'lt', 10) | map(attribute='name')",
            json!(["Bea"]),
        ),
        (
            "v.people | selectattr('age', 'eq', 9) | map(attribute='name')",
            json!(["Bea"]),
        ),
        // Without a test it counts whether an item holds as a condition.
        ("v.answers | select | list", json!(["yes", "1"])),
        ("v.answers | reject | length", json!(6)),
        (
            "v.paid | selectattr('paid') | map(attribute='n')",
            json!([3]),
        ),
        (
            "v.paid | rejectattr('paid') | map(attribute='n')",
            json!([1, 2, 4]),
        ),
        ("v.mixed | select('number') | sum", json!(23)),
        ("v.mixed | reject('number')", json!(["five"])),
        ("v.null | select", json!([])),
        ("v.tags | split(',')", json!(["vip", "gold"])),
        ("v.tags | split(',') | length", json!(2)),
        ("v.null | split(',')", json!([])),
        ("v.words | split(',')", json!(["vip", "gold"])),
        ("'a b' | split", json!(["a", "b"])),
        ("v.words | join(' and ')", json!("vip and gold")),
        ("v.with_null | join(', ')", json!("3, 20")),
        ("v.null | join(', ')", json!("")),
        ("v.tags | join(', ')", json!("vip, gold")),
    ] {
        assert_eq!(told(expression), Ok(right), "{expression}");
    }
    // A text has letters and no items, whichever way one is asked for.
    for expression in [
        "v.tags | length",
        "v.tags | count",
        "v.tags | first",
        "v.tags | last",
        "v.tags | reverse",
        "v.tags | items",
        "v.tags | list",
        "v.tags[0]",
        "v.tags[-1]",
        "v.tags[v.n5 - 5]",
        "v.tags[:2]",
        "v.tags[1:]",
        "v.tags[::-1]",
        "v.t500 | length",
        "v.t500 | first",
        "v.t500[0]",
    ] {
        let problem = told(expression).unwrap_err();
        assert!(
            problem.starts_with("cannot be told: v.t")
                && problem.contains("is a text where a list is meant: split it, e.g. | split(',')"),
            "{expression}: {problem}"
        );
        template::holds(expression, &context()).unwrap_err();
    }
    for (expression, right) in [
        ("v.words | length", json!(2)),
        ("v.null | length", json!(0)),
        ("v.empty | length", json!(0)),
        ("v.empty | first", json!(null)),
        ("v.missing[0]", json!(null)),
        ("v.empty[0]", json!(null)),
        ("v.words[0]", json!("vip")),
        ("v.words[-1]", json!("gold")),
        ("v.numbers[1:]", json!([20, 100])),
        ("v.null[:2]", json!([])),
        ("v.words | reverse", json!(["gold", "vip"])),
        ("v.object['a']", json!(1)),
        ("v['object'].a", json!(1)),
        ("v[v.word]", json!(null)),
        ("v.people[0].name", json!("Bea")),
        // For the letters themselves.
        ("v.word | letters", json!(["f", "i", "v", "e"])),
        ("v.word | letters | first", json!("f")),
        ("(v.word | letters)[:2] | join", json!("fi")),
        ("v.word | letters | length", json!(4)),
        ("v.null | letters | length", json!(0)),
    ] {
        assert_eq!(told(expression), Ok(right), "{expression}");
    }
    for (expression, right) in [
        ("[v.word, 20] | min", "\"five\""),
        ("[v.word, '20'] | min", "\"five\""),
        ("[v.grouped, 20] | max", "\"1,000\""),
        ("[v.list, 20] | min", "[1]"),
        ("v.mixed | sort", "\"five\""),
        ("v.mixed | sum", "\"five\""),
        ("[v.yes, 20] | min", "true"),
        ("v.tags | map('upper')", "is a text where a list is meant"),
        ("v.tags | max", "is a text where a list is meant"),
        ("v.n5 | select", "is no list"),
        ("v.n5 | length", "v.n5 is 5, and is no list"),
        ("v.yes | first", "v.yes is true, and is no list"),
        ("v.n5[0]", "v.n5 is 5, and is no list"),
        (
            "v.word + v.tags[0]",
            "v.tags is \"vip, gold\", and is a text",
        ),
    ] {
        let problem = told(expression).unwrap_err();
        assert!(problem.contains(right), "{expression}: {problem}");
    }
}
