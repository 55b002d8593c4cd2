//! Operators and tests.

use serde_json::json;

use super::{context, told};
use crate::template;

/// The kinds of value that an operator can meet.
const KINDS: [&str; 18] = [
    "n5",
    "n500",
    "n1_5",
    "t5",
    "t500",
    "t1_5",
    "spaced",
    "grouped",
    "word",
    "empty",
    "blank",
    "list",
    "none_in_it",
    "object",
    "yes",
    "text_true",
    "null",
    "missing",
];

/// One column a kind: T true, F false, ! a mistake that ends the run.
const COMPARED: [(&str, &str); 20] = [
    //                    5 500 1.5 "5" "500" "1.5" " 5 " "1,000" "five" "" "  " [1] [] {a:1} true "true" null missing
    ("v.X > 100", "F T F F T F F ! ! F F ! ! ! ! ! F F"),
    ("v.X >= 100", "F T F F T F F ! ! F F ! ! ! ! ! F F"),
    ("v.X < 100", "T F T T F T T ! ! F F ! ! ! ! ! F F"),
    ("v.X <= 100", "T F T T F T T ! ! F F ! ! ! ! ! F F"),
    ("100 < v.X", "F T F F T F F ! ! F F ! ! ! ! ! F F"),
    ("100 >= v.X", "T F T T F T T ! ! F F ! ! ! ! ! F F"),
    ("v.X is gt 100", "F T F F T F F ! ! F F ! ! ! ! ! F F"),
    ("v.X is ge(100)", "F T F F T F F ! ! F F ! ! ! ! ! F F"),
    ("v.X is lessthan 100", "T F T T F T T ! ! F F ! ! ! ! ! F F"),
    ("v.X is le 100", "T F T T F T T ! ! F F ! ! ! ! ! F F"),
    ("v.X == 5", "T F F T F F T ! ! F F ! ! ! ! ! F F"),
    ("5 == v.X", "T F F T F F T ! ! F F ! ! ! ! ! F F"),
    ("v.X is eq 5", "T F F T F F T ! ! F F ! ! ! ! ! F F"),
    ("v.X != 5", "F T T F T T F ! ! T T ! ! ! ! ! T T"),
    ("v.X is ne 5", "F T T F T T F ! ! T T ! ! ! ! ! T T"),
    // A quoted number is one, too.
    ("v.X > '100'", "F T F F T F F ! ! F F ! ! ! ! ! F F"),
    // Nothing is equal to nothing, to an empty text and to an empty list.
    ("v.X == none", "F F F F F F F F F T T F T F F F T T"),
    ("v.X == ''", "F F F F F F F F F T F ! ! F F F T T"),
    // True and false, and texts that say so.
    ("v.X == true", "! ! ! ! ! ! ! ! ! F F ! ! F T T F F"),
    ("4 < v.X <= 5", "T F F T F F T ! ! F F ! ! ! ! ! F F"),
];

#[test]
fn comparisons_go_by_what_values_mean() {
    for (expression, answers) in COMPARED {
        let answers: Vec<&str> = answers.split(' ').collect();
        assert_eq!(answers.len(), KINDS.len(), "{expression}");
        for (kind, right) in KINDS.iter().zip(answers) {
            let expression = expression.replace('X', kind);
            let found = told(&expression);
            let letter = match &found {
                Ok(value) if *value == json!(true) => "T",
                Ok(value) if *value == json!(false) => "F",
                Ok(other) => panic!("{expression} is {other}"),
                Err(_) => "!",
            };
            assert_eq!(letter, right, "{expression}: {found:?}");
            if right == "!" {
                // A condition fails likewise, before anything is bought.
                template::holds(&expression, &context()).unwrap_err();
            }
        }
    }
}

#[test]
fn the_order_of_texts_is_that_of_what_they_say() {
    for (expression, right) in [
        ("'10' > '9'", true),
        ("'abc' < 'abd'", true),
        ("'007' == '7'", false),
        ("'2026-11-29T10:00:00+01:00' < '2026-11-29T09:30:00Z'", true),
        ("'2026-02-01' > '2026-01-31T10:00:00Z'", true),
        ("'2026-02-01' > '2026'", true),
        ("v.yes > false", true),
        ("v.day > '2026'", true),
        ("v.day >= '2026-11'", true),
        ("v.day < v.at", true),
        ("v.empty < v.at", false),
        ("v.word < 'six'", true),
        ("'false' == false", true),
    ] {
        assert_eq!(told(expression), Ok(json!(right)), "{expression}");
    }
}

/// What is a member of what. A list of words is never searched as a text.
const WITHIN: [(&str, &str); 27] = [
    ("'vip' in v.words", "T"),
    ("'vi' in v.words", "F"),
    ("'vip' not in v.words", "F"),
    ("'vip' is in v.words", "T"),
    ("'vip' in v.tags", "!"),
    ("'vip' not in v.tags", "!"),
    ("'vip' is in v.tags", "!"),
    ("'vip' in v.tags | split(',')", "T"),
    ("'gold' in v.tags | split(',')", "T"),
    ("'gold' in v.words | split(',')", "T"),
    ("'vip' in v.null", "F"),
    ("'vip' in v.missing", "F"),
    ("'vip' not in v.null", "T"),
    ("'vip' in v.empty", "F"),
    ("'vip' in v.n5", "!"),
    ("v.null in v.words", "F"),
    ("v.t500 in [500, 3]", "T"),
    ("v.n5 in ['5']", "T"),
    ("v.n5 in v.words", "F"),
    ("v.word in v.numbers", "!"),
    ("v.n5 in [v.grouped]", "!"),
    ("v.words in v.words", "!"),
    ("'a' in v.object", "T"),
    ("'b' in v.object", "F"),
    ("v.tags is containing 'gold'", "T"),
    ("v.null is containing('gold')", "F"),
    ("v.words is containing 'gold'", "T"),
];

#[test]
fn membership_is_that_of_lists() {
    for (expression, right) in WITHIN {
        let found = told(expression);
        let letter = match &found {
            Ok(value) if *value == json!(true) => "T",
            Ok(_) => "F",
            Err(_) => "!",
        };
        assert_eq!(letter, right, "{expression}: {found:?}");
    }
}

#[test]
fn reckoning_takes_texts_that_are_numbers_and_nothing_else() {
    for (expression, right) in [
        ("v.t5 * 3", json!(15)),
        ("3 * v.t5", json!(15)),
        ("v.t5 + 1", json!(6)),
        ("v.spaced + v.n1_5", json!(6.5)),
        ("v.t500 / 100", json!(5)),
        ("v.t500 // 100", json!(5)),
        ("v.t500 % 7", json!(3)),
        ("v.t5 - 1", json!(4)),
        ("-v.t5", json!(-5)),
        ("v.t5 ** 2", json!(25)),
        ("v.tags + '!'", json!("vip, gold!")),
        ("v.tags + v.word", json!("vip, goldfive")),
        ("'Nr ' + v.n5", json!("Nr 5")),
        ("'-' * 3", json!("---")),
        ("v.null + 'x'", json!("x")),
        ("v.words + ['x']", json!(["vip", "gold", "x"])),
        ("(v.null or 0) + 1", json!(1)),
        ("v.t5 | int + 1", json!(6)),
        ("v.t1_5 | float", json!(1.5)),
        ("v.t1_5 | int", json!(1)),
        ("v.null | int", json!(null)),
        ("v.text_true | bool", json!(true)),
        ("'false' | bool", json!(false)),
        ("v.t5 | abs", json!(5)),
        ("v.t500 is divisibleby 100", json!(true)),
        ("v.t5 | int(0)", json!(5)),
        ("v.null | int(0)", json!(0)),
        ("v.empty | float(2.5)", json!(2.5)),
        ("range(v.t5)", json!([0, 1, 2, 3, 4])),
        ("range(1, v.t5, 2)", json!([1, 3])),
        ("'%.2f' | format(v.t1_5)", json!("1.50")),
        ("'%d of %s' | format(v.t5, '007')", json!("5 of 007")),
        (
            "'%5.1f|%-3d|%%|%s' | format(' 2.25 ', 7, v.words)",
            json!("  2.2|7  |%|vip, gold"),
        ),
        ("v.object | items", json!([["a", 1]])),
        ("v.null | items", json!([])),
        ("v.t5 is odd", json!(true)),
        ("v.null is even", json!(false)),
    ] {
        assert_eq!(told(expression), Ok(right), "{expression}");
    }
    for (expression, right) in [
        (
            "v.word * 3",
            "v.word is \"five\", and is a text that is no number",
        ),
        (
            "v.grouped * 2",
            "v.grouped is \"1,000\", and is no number as programs read it",
        ),
        ("v.list * 2", "v.list is [1], and is a list and no number"),
        ("v.null + 1", "v.null has no value to reckon with"),
        ("v.missing / 100", "v.missing has no value to reckon with"),
        ("1 / (v.n5 - 5)", "0 nothing can be divided by it"),
        (
            "v.t5 + v.t500",
            "v.t5 is \"5\", and is a text, as is what is added",
        ),
        (
            "v.word | int",
            "v.word is \"five\", and is a text that is no number",
        ),
        (
            "v.grouped | round",
            "v.grouped is \"1,000\", and is no number as programs read it",
        ),
        ("v.yes - 1", "v.yes is true, and is no number"),
    ] {
        let problem = told(expression).unwrap_err();
        assert!(problem.contains(right), "{expression}: {problem}");
    }
}

#[test]
fn a_mistake_names_field_and_value() {
    for (expression, right) in [
        ("v.grouped > 100", "v.grouped is \"1,000\""),
        ("100 < v.word", "v.word is \"five\""),
        ("v.list > 100", "v.list is [1]"),
        (
            "'vip' in v.tags",
            "v.tags is \"vip, gold\", and is a text where a list is meant: split it, e.g. | split(',')",
        ),
        ("[v.word or 1, 20] | min", "v.word is \"five\""),
        (
            "v.words == 'vip'",
            "v.words is [\"vip\",\"gold\"], and is a list",
        ),
        (
            "v.word == true",
            "v.word is \"five\", and is neither true nor false",
        ),
        // Where the other is written in the file, the field is the odd one.
        (
            "v.n5 == 'five'",
            "v.n5 is 5, and is compared with \"five\", which is a text that is no number",
        ),
        (
            "v.yes > '100'",
            "v.yes is true, and is compared with \"100\", which is neither true nor false",
        ),
        ("v.yes == 5", "v.yes is true, and is no number"),
        ("0 == false", "false is no number"),
        ("v.n5 is eq 'five'", "\"five\""),
        (
            "v.day > '100'",
            "v.day is \"2026-11-30\", and is a text that is no number",
        ),
        (
            "v.grouped < v.at",
            "v.grouped is \"1,000\", and is neither a date nor a time",
        ),
        (
            "v.at > '0x10'",
            "v.at is \"2026-11-30T10:00:00Z\", and is compared with \"0x10\", which is neither a date",
        ),
        (
            "['soon', v.at] | min",
            "\"soon\" is neither a date nor a time",
        ),
        ("v.n5 | date", "v.n5 is 5, and is neither a date nor a time"),
        ("v.word | later('1d')", "v.word is \"five\", and is neither"),
        ("v.tags | items", "v.tags is \"vip, gold\""),
        ("v.n5 | items", "v.n5 is 5, and is no list"),
        (
            "v.words | items",
            "v.words is [\"vip\",\"gold\"], and is no object",
        ),
        (
            "range(v.word)",
            "v.word is \"five\", and is a text that is no number",
        ),
        ("range(v.n1_5)", "v.n1_5 is 1.5, and is no whole number"),
        (
            "'%.2f' | format(v.word)",
            "v.word is \"five\", and is a text that is no number",
        ),
        (
            "v.word | int(0)",
            "v.word is \"five\", and is a text that is no number",
        ),
        ("v['grouped'] > 100", "v['grouped'] is \"1,000\""),
        // The remedy gives the number that is meant.
        ("2 * '1,000'", "to read it as 1000 write | replace(',', '')"),
        (
            "2 * '1,000,000'",
            "to read it as 1000000 write | replace(',', '')",
        ),
        (
            "2 * '12,50'",
            "to read it as 12.50 write | replace(',', '.')",
        ),
        ("2 * '12,5'", "to read it as 12.5 write | replace(',', '.')"),
        (
            "2 * '0,125'",
            "to read it as 0.125 write | replace(',', '.')",
        ),
        (
            "2 * '-12,50'",
            "to read it as -12.50 write | replace(',', '.')",
        ),
        (
            "2 * '1.000,50'",
            "to read it as 1000.50 write | replace('.', '') | replace(',', '.')",
        ),
        (
            "2 * '1,000.50'",
            "to read it as 1000.50 write | replace(',', '')",
        ),
        (
            "2 * '1.000.000'",
            "to read it as 1000000 write | replace('.', '')",
        ),
        (
            "2 * '€ 12,50'",
            "to read it as 12.50 write | replace('€', '') | replace(' ', '') | replace(',', '.')",
        ),
        (
            "2 * \"1'000\"",
            "to read it as 1000 write | replace(\"'\", '')",
        ),
        (
            "2 * '12-50'",
            "have it sent as digits with at most one point",
        ),
        ("v.grouped | money", "v.grouped is \"1,000\", and "),
        (
            "v.grouped | amount",
            "v.grouped is \"1,000\", and can be read in two ways, 1000 and 1.000; name what stands before the fraction: | amount('.')",
        ),
        (
            "v.word | amount",
            "v.word is \"five\", and is no amount of money",
        ),
        ("v.list | amount", "v.list is [1], and is a list"),
    ] {
        let problem = told(expression).unwrap_err();
        assert!(problem.contains(right), "{expression}: {problem}");
    }
}
