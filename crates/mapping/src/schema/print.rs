//! A schema as text: what fits into a line stands in one, so that thousands of lines stay readable.

use std::fmt::Write;

use serde_json::Value;

/// The longest line of what is not one long text.
const WIDTH: usize = 120;

/// The text of a document, in the order of its members.
pub fn print(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text.push('\n');
    text
}

fn write(text: &mut String, value: &Value, depth: usize) {
    let start = text.rfind('\n').map_or(0, |at| at + 1);
    let column = text[start..].chars().count();
    let line = line(value);
    let is_short = column + line.chars().count() < WIDTH;
    match value {
        Value::Array(items) if !is_short => {
            let items = items.iter().map(|item| (None, item));
            members(text, items, "[]", depth);
        }
        Value::Object(fields) if !is_short => {
            let fields = fields.iter().map(|(name, value)| (Some(name), value));
            members(text, fields, "{}", depth);
        }
        _ => text.push_str(&line),
    }
}

fn members<'a>(
    text: &mut String,
    members: impl Iterator<Item = (Option<&'a String>, &'a Value)>,
    brackets: &str,
    depth: usize,
) {
    let (open, close) = brackets.split_at(1);
    text.push_str(open);
    for (index, (name, value)) in members.enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&"  ".repeat(depth + 1));
        if let Some(name) = name {
            text.push_str(&quoted(name));
            text.push_str(": ");
        }
        write(text, value, depth + 1);
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push_str(close);
}

/// All in one line, with spaces where people put them.
fn line(value: &Value) -> String {
    match value {
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(line).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(fields) if !fields.is_empty() => {
            let mut text = String::from("{ ");
            for (index, (name, value)) in fields.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                // Writing to a String does not fail.
                let _ = write!(text, "{comma}{}: {}", quoted(name), line(value));
            }
            text + " }"
        }
        other => other.to_string(),
    }
}

fn quoted(name: &str) -> String {
    Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_reads_back_as_itself_and_keeps_short_things_in_a_line() {
        let value = json!({ "a": { "type": ["string", "number"] }, "b": ["x".repeat(70), "y".repeat(70), "\"\n"], "c": {} });
        let text = print(&value);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert_eq!(text.lines().count(), 9, "{text}");
        assert!(
            text.contains("\n  \"a\": { \"type\": [\"string\", \"number\"] },\n"),
            "{text}"
        );
    }
}
