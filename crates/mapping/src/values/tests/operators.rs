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
        // What HighLevel writes for no value is before nothing.
        ("v.empty < '2026-12-01'", false),
        ("v.blank <= v.day", false),
        ("'2026-01-01' > v.empty", false),
        ("v.empty is lt '2026-12-01'", false),
        ("v.empty < v.word", false),
        ("v.empty < v.empty", false),
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
        ("v.n5 + '1'", json!(6)),
        ("'2' + v.n5", json!(7)),
        ("5 + '1.5'", json!(6.5)),
        ("'Nr ' + '1' + v.t5", json!("Nr 15")),
        // 15 digits are exact, whatever is made of them.
        ("1.1 * 3", json!(3.3)),
        ("0.1 + 0.2", json!(0.3)),
        ("'0.30' * 3 if false else v.t1_5 * 0.2", json!(0.3)),
        ("2.675 * 3", json!(8.025)),
        ("1.1 ** 2", json!(1.21)),
        ("1.1 - 1", json!(0.1)),
        ("0.29 * 100", json!(29)),
        ("(4.35 * 100) | int", json!(435)),
        ("('£19.99' | amount * 100) | int", json!(1999)),
        ("1 // 0.1", json!(10)),
        ("0.3 // 0.1", json!(3)),
        ("0.3 % 0.1", json!(0)),
        ("-7 // 2", json!(-4)),
        ("-7 % 2", json!(1)),
        ("7.5 // 2", json!(3)),
        ("7.5 % 2", json!(1.5)),
        ("0.1 + 0.2 == 0.3", json!(true)),
        ("[0.1, 0.2] | sum == 0.3", json!(true)),
        ("1.1 * 3 >= 3.3", json!(true)),
        ("9007199254740993 + 0", json!(9_007_199_254_740_993_i64)),
        ("'-' * 3", json!("---")),
        ("'3' * v.t5", json!(15)),
        ("v.t5 * '3'", json!(15)),
        ("(v.t5 ~ '') * 2", json!(10)),
        ("(v.word ~ '') * 2", json!("fivefive")),
        ("v.null + 'x'", json!("x")),
        ("v.word + v.missing", json!("five")),
        ("v.empty + v.word", json!("five")),
        ("v.words + v.null", json!(["vip", "gold"])),
        ("v.t5 + (v.null or 0)", json!(5)),
        ("v.t5 ~ v.missing", json!("5")),
        ("[v.t5, v.null, v.empty] | sum", json!(5)),
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
        (
            "v.t5 is number and v.n5 is number and v.t1_5 is number",
            json!(true),
        ),
        (
            "v.spaced is integer and v.n5 is int and not (v.t1_5 is integer)",
            json!(true),
        ),
        (
            "v.t1_5 is float and v.n1_5 is float and not (v.t5 is float)",
            json!(true),
        ),
        (
            "v.word is number or v.grouped is number or v.empty is number or v.null is number or v.yes is number or v.list is number",
            json!(false),
        ),
        ("v.t5 if v.t5 is number else 20", json!("5")),
        ("v.t5 | int(0)", json!(5)),
        ("v.null | int(0)", json!(0)),
        ("v.empty | float(2.5)", json!(2.5)),
        // A table of prices is looked up by a number that came as a text.
        ("{5: 50, 6: 60}[v.t5] | default(1)", json!(50)),
        ("{5: 50}[v.n5]", json!(50)),
        ("{'5': 50}[v.n5]", json!(50)),
        ("{'5': 50}[v.t5]", json!(50)),
        ("{5: 50}[v.t500] | default(1)", json!(1)),
        ("[10, 20, 30][v.t5 - 4]", json!(20)),
        ("v.numbers['1']", json!(20)),
        ("['5'] == [5]", json!(true)),
        ("[5] in [[v.t5]]", json!(true)),
        ("[5, 6] == [5]", json!(false)),
        ("{'a': '1'} == v.object", json!(true)),
        ("{'a': 1, 'b': none} == v.object", json!(true)),
        ("{'a': 2} == v.object", json!(false)),
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
        ("'2' + v.t5", "is a text, as is what is added"),
        // A number that came as a text is not the sum, where the other part is missing.
        ("v.t5 + v.null", "v.null has no value to add"),
        ("v.missing + v.t5", "v.missing has no value to add"),
        ("v.t5 + v.empty", "v.empty is \"\", and has no value to add"),
        (
            "v.blank + v.spaced",
            "v.blank is \"  \", and has no value to add",
        ),
        ("v.t5 + v.null + 1", "v.null has no value to add"),
        (
            "(v.t5 + v.missing) | float",
            "v.missing has no value to add",
        ),
        ("'5' + v.null", "v.null has no value to add"),
        ("v.n5 + v.null", "v.null has no value to reckon with"),
        ("v.yes + v.null", "v.yes is true, and is no number"),
        ("v.null + v.object", "is no number, but an object"),
        ("range(1, v.null)", "has no value to reckon with"),
        ("range(1, v.missing)", "has no value to reckon with"),
    ] {
        let problem = told(expression).unwrap_err();
        assert!(problem.contains(right), "{expression}: {problem}");
    }
}

/// What a message proposes is what the filter does: one reader for both.
#[test]
fn the_remedy_of_a_dressed_number_reads_it_as_the_message_says() {
    let mut held = 0;
    for text in [
        "1,000",
        "1.000",
        "1,000,000",
        "1.000.000",
        "1 000",
        "1'000",
        "12,50",
        "12,5",
        "0,125",
        "-12,50",
        "1.000,50",
        "1,000.50",
        "£12",
        "€ 12,50",
        "$1,234",
        "12.50 €",
        "50%",
        "12,5%",
        "12-50",
        "1,2,3",
        "1.2.3",
        "+7",
        " 5 ",
        ",",
        "1_000",
        "12.345,6",
        "1\u{a0}234,5",
        "12,34,567.5",
        "0,5",
        ".5",
        "5.",
        "1,",
        ",5",
        "--5",
        "1.234.567,89",
        "$",
        "1,0000",
    ] {
        let quoted = format!("{text:?}");
        let Err(told) = told(&format!("2 * {quoted}")) else {
            continue;
        };
        let Some((_, proposal)) = told.split_once("to read it as ") else {
            if told.contains("in two ways") {
                for mark in ["'.'", "','"] {
                    let read = super::told(&format!("{quoted} | amount({mark}) + 1")).unwrap();
                    assert!(read.is_number(), "{text}: {read}");
                    held += 1;
                }
            } else {
                // Nothing is proposed that does not read it.
                super::told(&format!("{quoted} | amount")).unwrap_err();
            }
            continue;
        };
        let (number, filter) = proposal.split_once(" write ").unwrap();
        let filter = filter.split(", and").next().unwrap();
        let read = super::told(&format!("({quoted} {filter}) + 0")).unwrap();
        let number: f64 = number.parse().unwrap();
        assert_eq!(read.as_f64(), Some(number), "{text}: {proposal}");
        held += 1;
    }
    assert!(held > 20, "{held}");
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
        (
            "2 * '1,000'",
            "is no number as programs read it; can be read in two ways, 1000 and 1.000; name what stands before the fraction: | amount('.') or | amount(',')",
        ),
        ("2 * '1,000,000'", "to read it as 1000000 write | amount"),
        ("2 * '12,50'", "to read it as 12.50 write | amount"),
        ("2 * '12,5'", "to read it as 12.5 write | amount"),
        ("2 * '0,125'", "to read it as 0.125 write | amount"),
        ("2 * '-12,50'", "to read it as -12.50 write | amount"),
        ("2 * '1.000,50'", "to read it as 1000.50 write | amount"),
        ("2 * '1,000.50'", "to read it as 1000.50 write | amount"),
        ("2 * '1.000.000'", "to read it as 1000000 write | amount"),
        ("2 * '€ 12,50'", "to read it as 12.50 write | amount"),
        ("2 * \"1'000\"", "to read it as 1000 write | amount"),
        ("2 * '50 %'", "to read it as 50 write | replace('%', '')"),
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
        // What is no currency is no part of an amount: this one would be a thousandth of what is meant.
        ("'10k' | amount", "is no amount of money"),
        ("'5 kg' | amount", "is no amount of money"),
        ("'0.500' | amount(',')", "is no amount of money"),
        ("'Room 5' | amount", "is no amount of money"),
        ("'2 Mio' | amount", "is no amount of money"),
    ] {
        let problem = told(expression).unwrap_err();
        assert!(problem.contains(right), "{expression}: {problem}");
    }
}
