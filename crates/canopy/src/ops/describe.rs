//! An entry, shown.

use canopy_highlevel::operation::TokenKind;
use canopy_highlevel::{AnswerKind, Description, Field};
use serde_json::{Map, Value, json};

use super::Entry;
use crate::show;

/// So many words of a list are shown to people; all of them are in `--json`.
const MOST_WORDS: usize = 60;

/// An entry as one element of `canopy ops --json`.
pub(crate) fn row(entry: &Entry, description: &Description) -> Value {
    let operation = entry.operation;
    json!({
        "name": entry.name,
        "title": entry.title,
        "kind": entry.kind,
        "category": entry.category,
        "method": operation.http_method,
        "path": operation.path,
        "operation_id": operation.name,
        "api_version": operation.api_version,
        "scopes": operation.scopes,
        "fields": description.fields,
    })
}

/// Everything that is to be known before calling it.
pub(crate) fn as_json(entry: &Entry, description: &Description) -> Value {
    let mut all = row(entry, description);
    all["description"] = description.description.clone().into();
    all["tokens"] = tokens(entry).into();
    all["only_reads"] = entry.only_reads().into();
    all["deprecated"] = description.deprecated.into();
    all["answer"] = json!(description.answer);
    all["example"] = description.example.clone();
    all
}

/// The same for people.
pub(crate) fn as_text(entry: &Entry, description: &Description) -> String {
    let operation = entry.operation;
    let effect = if entry.only_reads() {
        "only reads"
    } else {
        "changes something"
    };
    let mut rows = vec![
        ("kind", format!("{}, {effect}", entry.kind)),
        ("category", entry.category.to_owned()),
        (
            "request",
            format!("{} {}", operation.http_method, operation.path),
        ),
        (
            "version",
            operation.api_version.unwrap_or("none").to_owned(),
        ),
        ("scopes", or_none(operation.scopes)),
        ("tokens", or_none(&tokens(entry))),
    ];
    if description.answer == AnswerKind::Bytes {
        rows.push(("answer", "a file; give --out FILE".to_owned()));
    }
    if description.deprecated {
        rows.push(("deprecated", "the service advises against it".to_owned()));
    }
    let about = match description.description.as_str() {
        "" => String::new(),
        about => format!("{about}\n"),
    };
    format!(
        "{}: {}\n{about}\n{}\nfields\n{}\nexample\n  {}\n",
        entry.name,
        entry.title,
        show::pairs(&rows),
        fields(&description.fields),
        example(entry, description)
    )
}

fn or_none(words: &[&str]) -> String {
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join(", ")
    }
}

fn tokens(entry: &Entry) -> Vec<&'static str> {
    let kinds = entry.operation.token_kinds.iter();
    kinds
        .map(|kind| match kind {
            TokenKind::Location => "location",
            TokenKind::Agency => "agency",
            TokenKind::LocationApp => "location (of an app)",
            TokenKind::AgencyApp => "agency (of an app)",
        })
        .collect()
}

/// The fields as aligned lines; members of objects are below them, indented.
fn fields(fields: &[Field]) -> String {
    let mut rows = Vec::new();
    gather(fields, &mut Vec::new(), &mut rows);
    if rows.is_empty() {
        return "  it takes none\n".to_owned();
    }
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let lines = rows.iter().map(|[name, place, kind, required, about]| {
        let [a, b, c, d] = widths;
        let line = format!("  {name:a$}  {place:b$}  {kind:c$}  {required:d$}  {about}");
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// `above` holds the lists of members that the fields are inside of.
fn gather<'a>(fields: &'a [Field], above: &mut Vec<&'a [Field]>, rows: &mut Vec<[String; 5]>) {
    above.push(fields);
    for field in fields {
        let depth = above.len() - 1;
        let place = json!(field.place);
        let repeats =
            !field.fields.is_empty() && above.iter().any(|outer| same(outer, &field.fields));
        let mut about = about(field);
        if repeats {
            about.push_str(" Members as above.");
        }
        rows.push([
            format!("{}{}", "  ".repeat(depth), field.name),
            if depth == 0 {
                place.as_str().unwrap_or_default().to_owned()
            } else {
                String::new()
            },
            field.kind.clone(),
            if field.required { "required" } else { "" }.to_owned(),
            about.trim_start().to_owned(),
        ]);
        if !repeats {
            gather(&field.fields, above, rows);
        }
    }
    above.pop();
}

/// Whether two lists have the same members: a filter inside a filter is described once.
fn same(one: &[Field], other: &[Field]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(a, b)| a.name == b.name && a.kind == b.kind)
}

fn about(field: &Field) -> String {
    let mut parts = Vec::new();
    if !field.description.is_empty() {
        parts.push(field.description.replace('\n', " "));
    }
    if !field.words.is_empty() {
        let words = field.words.iter().map(|word| match word {
            Value::String(word) => word.clone(),
            other => other.to_string(),
        });
        let shown: Vec<String> = words.take(MOST_WORDS).collect();
        let rest = match (field.words.len() - shown.len(), field.open) {
            (0, false) => String::new(),
            (0, true) => ", or what the service adds".to_owned(),
            (more, false) => format!(" and {more} more (`--json` has all)"),
            (more, true) => {
                format!(" and {more} more (`--json` has all), or what the service adds")
            }
        };
        parts.push(format!("One of: {}{rest}.", shown.join(", ")));
    }
    parts.extend(bounds(field));
    parts.join(" ")
}

/// What a number, a text or a list must keep to, from the schema.
fn bounds(field: &Field) -> Vec<String> {
    let between = |least: Option<f64>, most: Option<f64>| match (least, most) {
        (Some(least), Some(most)) => Some(format!("From {least} to {most}")),
        (Some(least), None) => Some(format!("At least {least}")),
        (None, Some(most)) => Some(format!("At most {most}")),
        (None, None) => None,
    };
    let of = if field.kind.ends_with("[]") {
        "elements"
    } else {
        "characters"
    };
    let number = between(field.minimum, field.maximum).map(|range| format!("{range}."));
    let step = field.step.map(|step| format!("In steps of {step}."));
    let length = between(field.shortest, field.longest).map(|range| format!("{range} {of}."));
    [number, step, length].into_iter().flatten().collect()
}

/// A call that passes the check, to be changed and pasted into a shell.
fn example(entry: &Entry, description: &Description) -> String {
    let mut words = vec!["canopy call".to_owned(), entry.name.to_owned()];
    let mut body = Map::new();
    for (name, value) in description.example.as_object().into_iter().flatten() {
        let is_text = |field: &Field| field.name == *name && field.kind == "string";
        match value {
            Value::String(text) if description.fields.iter().any(is_text) => {
                words.push(format!("--param {}", quoted(&format!("{name}={text}"))));
            }
            Value::Number(_) | Value::Bool(_) => words.push(format!("--param {name}={value}")),
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
    if !body.is_empty() {
        let body = Value::Object(body).to_string();
        words.push(format!("--body {}", quoted(&body)));
    }
    words.join(" ")
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=.,/:@+".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use canopy_highlevel::FieldPlace;

    use super::*;
    use crate::ops::catalog;

    /// Each bound that a description has is said where its field is, whatever its text says.
    #[test]
    fn every_bound_of_a_field_is_told() {
        let mut of_queries = 0;
        for entry in catalog::entries() {
            let description = entry.describe();
            let text = as_text(&entry, &description);
            for field in &description.fields {
                let all = [field.minimum, field.maximum, field.step, field.longest];
                let bounds: Vec<f64> = all.into_iter().flatten().collect();
                let mut lines = text.lines().map(str::trim_start);
                let line = lines.find(|line| line.split(' ').next() == Some(&field.name));
                let line = line.unwrap();
                for bound in &bounds {
                    let words = line.split([' ', '.']);
                    assert!(
                        words.clone().any(|word| word == bound.to_string()),
                        "{}: {line}",
                        entry.name
                    );
                }
                let is_query = field.place == FieldPlace::Query;
                of_queries += usize::from(is_query && !bounds.is_empty());
            }
        }
        assert!(of_queries >= 6, "{of_queries}");
        let shown = |name: &str| {
            let entry = catalog::find(name).unwrap();
            as_text(&entry, &entry.describe())
        };
        assert!(
            shown("list-contacts-deprecated").contains("Page size; 20 when absent. At most 100.")
        );
        assert!(shown("search-contacts").contains("Page size. From 1 to 500."));
        assert!(shown("search-contacts").contains("numbers. At most 75 characters."));
    }
}
