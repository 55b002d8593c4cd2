//! The right answers, written by hand: what each operator, filter and test makes of each kind of value.
//!
//! What minijinja 3.1.0 does by itself, and why these tables are: `"5" > 100`, `[1] > 100` and `"1,000" > 100` are true
//! (it orders by kind: none, numbers, texts, lists), `missing < 10` is true, `"5" == 5` is false, `"5" * 3` is `"555"`,
//! `['x', 20] | min` is 20 and `['5', 20] | min` 20 as well, `'vip' in "vipers"` is true, null prints as `None`, a missing
//! value is 0 for `| int`.

mod checked;
mod conditions;
mod counted;
mod lists;
mod missing;
mod operators;
mod phones;
mod printing;
mod table;

use serde_json::{Value, json};

use crate::template;

/// One value of each kind, by names that the tables use.
fn context() -> Value {
    json!({ "location": { "timezone": "Europe/London" }, "v": {
        "n5": 5, "n500": 500, "n1_5": 1.5,
        "t5": "5", "t500": "500", "t1_5": "1.5", "spaced": " 5 ",
        "grouped": "1,000", "word": "five",
        "empty": "", "blank": "  ", "day": "2026-11-30", "at": "2026-11-30T10:00:00Z",
        "list": [1], "none_in_it": [], "object": { "a": 1 },
        "yes": true, "text_true": "true",
        "null": null,
        "words": ["vip", "gold"], "numbers": [3, 20, 100], "texts": ["3", "20", "100"],
        "with_null": [3, null, 20], "mixed": [3, "20", "five"], "tags": "vip, gold",
        "answers": ["no", "false", "0", "off", "yes", "", null, "1"],
        "paid": [{ "n": 1, "paid": "false" }, { "n": 2, "paid": "no" }, { "n": 3, "paid": "true" }, { "n": 4 }],
        "people": [{ "name": "Bea", "age": "9" }, { "name": "Al", "age": 10 }, { "name": "cy", "age": null }],
    } })
}

/// What an expression comes to: its value, or the beginning of what is wrong.
fn told(expression: &str) -> Result<Value, String> {
    template::check_expression(expression).map_err(|error| error.to_string())?;
    template::render(&json!(format!("{{{{ {expression} }}}}")), &context())
        .map_err(|error| error.problem)
}

fn printed(template: &str) -> Result<String, String> {
    template::check(&json!(template)).map_err(|error| error.to_string())?;
    let text = template::render(&json!(format!("{template}|")), &context());
    let text = text.map_err(|error| error.problem)?;
    Ok(text.as_str().unwrap().strip_suffix('|').unwrap().to_owned())
}
