//! Every operator, test and filter that means numbers, with every kind of value in both places, against a plain model: a
//! value is a number, nothing, or a mistake that names field and value.

use serde_json::{Value, json};

use super::told;

#[derive(Debug, Clone, Copy)]
enum Means {
    Number(f64),
    Nothing,
    Mistake,
}

use Means::{Mistake, Nothing, Number};

/// Names of the context's values, with what each means beside a number.
const KINDS: [(&str, Means); 21] = [
    ("n5", Number(5.0)),
    ("n500", Number(500.0)),
    ("n1_5", Number(1.5)),
    ("t5", Number(5.0)),
    ("t500", Number(500.0)),
    ("t1_5", Number(1.5)),
    ("spaced", Number(5.0)),
    ("grouped", Mistake),
    ("word", Mistake),
    ("day", Mistake),
    ("at", Mistake),
    ("tags", Mistake),
    ("list", Mistake),
    ("words", Mistake),
    ("object", Mistake),
    ("yes", Mistake),
    ("text_true", Mistake),
    ("empty", Nothing),
    ("blank", Nothing),
    ("null", Nothing),
    ("missing", Nothing),
];

type Compare = fn(f64, f64) -> bool;
type Reckon = fn(f64, f64) -> f64;
type Made = fn(f64) -> f64;

const ORDERS: [(&str, &str, Compare); 4] = [
    ("<", "lt", |a, b| a < b),
    ("<=", "le", |a, b| a <= b),
    (">", "gt", |a, b| a > b),
    (">=", "ge", |a, b| a >= b),
];

const RECKONINGS: [(&str, Reckon); 6] = [
    ("+", |a, b| a + b),
    ("-", |a, b| a - b),
    ("*", |a, b| a * b),
    ("/", |a, b| a / b),
    ("//", |a, b| (a / b).floor()),
    ("%", |a, b| a % b),
];

const FILTERS: [(&str, Made); 8] = [
    ("int", f64::trunc),
    ("float", |n| n),
    ("round", f64::round),
    ("round_even", f64::round_ties_even),
    ("floor", f64::floor),
    ("ceil", f64::ceil),
    ("trunc", f64::trunc),
    ("abs", f64::abs),
];

/// Holds an expression over one value: `number` is what it comes to for a number, `nothing` for nothing; `None` is a mistake.
fn hold(
    expression: &str,
    kind: (&str, Means),
    number: impl Fn(f64) -> Value,
    nothing: Option<&Value>,
) {
    let expression = expression.replace('X', &format!("v.{}", kind.0));
    let right = match kind.1 {
        Number(value) => Some(number(value)),
        Nothing => nothing.cloned(),
        Mistake => None,
    };
    match (told(&expression), right) {
        (Ok(found), Some(right)) => {
            let same = match (found.as_f64(), right.as_f64()) {
                (Some(found), Some(right)) => (found - right).abs() < 1e-9,
                _ => found == right,
            };
            assert!(same, "{expression}: {found} for {right}");
        }
        (Err(problem), None) => {
            let name = format!("v.{}", kind.0);
            assert!(problem.contains(&name), "{expression}: {problem}");
        }
        (found, right) => panic!("{expression}: {found:?} for {right:?}"),
    }
}

fn is_five(number: f64) -> bool {
    (number - 5.0).abs() < f64::EPSILON
}

#[test]
fn every_order_takes_every_kind_as_it_is_meant() {
    for kind in KINDS {
        for (operator, test, order) in ORDERS {
            let falsely = json!(false);
            hold(
                &format!("X {operator} 10"),
                kind,
                |n| json!(order(n, 10.0)),
                Some(&falsely),
            );
            hold(
                &format!("10 {operator} X"),
                kind,
                |n| json!(order(10.0, n)),
                Some(&falsely),
            );
            hold(
                &format!("X is {test}(10)"),
                kind,
                |n| json!(order(n, 10.0)),
                Some(&falsely),
            );
            hold(
                &format!("not X {operator} 10"),
                kind,
                |n| json!(!order(n, 10.0)),
                Some(&json!(true)),
            );
        }
        let (yes, no) = (json!(true), json!(false));
        for equal in ["X == 5", "5 == X", "X is eq(5)", "X in [5, 7]"] {
            hold(equal, kind, |n| json!(is_five(n)), Some(&no));
        }
        for other in ["X != 5", "5 != X", "X is ne(5)", "X not in [5, 7]"] {
            hold(other, kind, |n| json!(!is_five(n)), Some(&yes));
        }
    }
}

#[test]
fn every_reckoning_takes_every_kind_as_it_is_meant() {
    for kind in KINDS {
        for (operator, reckon) in RECKONINGS {
            hold(
                &format!("X {operator} 4"),
                kind,
                |n| json!(reckon(n, 4.0)),
                None,
            );
            hold(
                &format!("4 {operator} X"),
                kind,
                |n| json!(reckon(4.0, n)),
                None,
            );
        }
        hold("X ** 2", kind, |n| json!(n * n), None);
        hold("-X", kind, |n| json!(-n), None);
    }
}

#[test]
fn every_filter_for_numbers_takes_every_kind_as_it_is_meant() {
    let nothing = json!(null);
    for kind in KINDS {
        for (filter, made) in FILTERS {
            // To ask for a number by name makes one of true and false.
            let kind = match (filter, kind.0) {
                ("int" | "float", "yes") => ("yes", Number(1.0)),
                _ => kind,
            };
            hold(
                &format!("X | {filter}"),
                kind,
                |n| json!(made(n)),
                Some(&nothing),
            );
        }
        hold(
            "X | money",
            kind,
            |n| json!(format!("{n:.2}")),
            Some(&nothing),
        );
        hold(
            "[X, 20] | min",
            kind,
            |n| json!(n.min(20.0)),
            Some(&nothing),
        );
        hold(
            "[20, X] | max",
            kind,
            |n| json!(n.max(20.0)),
            Some(&nothing),
        );
        hold("[X, 20] | sum", kind, |n| json!(n + 20.0), Some(&json!(20)));
        hold(
            "[X, 20] | sort | first | float",
            kind,
            |n| json!(n.min(20.0)),
            Some(&json!(20)),
        );
    }
}
