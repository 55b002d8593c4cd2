//! CSV files of people.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use serde_json::{Map, Value, json};

use crate::exit::Failure;

/// A person as one line of a file says.
#[derive(Debug)]
pub(super) struct Person {
    pub line: u64,
    pub fields: Map<String, Value>,
}

/// A file's columns and lines; a line is a person, or its number and what is wrong with it.
#[derive(Debug)]
pub(super) struct File {
    pub columns: Vec<String>,
    pub lines: Vec<Result<Person, (u64, String)>>,
}

pub(super) fn read(path: &Path) -> Result<File, Failure> {
    let text = std::fs::read(path).map_err(|error| {
        Failure::BadInput(format!("{} cannot be read: {error}", path.display()))
    })?;
    parse(&text).map_err(|problem| Failure::BadInput(format!("{}:{problem}", path.display())))
}

fn parse(text: &[u8]) -> Result<File, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let head = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // Spreadsheets of some countries part columns by semicolons.
    let delimiter = if head.contains(&b';') && !head.contains(&b',') {
        b';'
    } else {
        b','
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text);
    let header = reader.headers().map_err(|error| format!("1: {error}"))?;
    let columns: Vec<String> = header.iter().map(str::to_owned).collect();
    for (index, name) in columns.iter().enumerate() {
        if name.is_empty() {
            return Err(format!("1: column {} has no name", index + 1));
        }
        if columns[..index].contains(name) {
            return Err(format!(
                "1: there are two columns \"{name}\"; leave one out"
            ));
        }
    }
    let mut lines = Vec::new();
    let mut record = StringRecord::new();
    let mut place = (0, 1);
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = line_at(text, record.position(), &mut place);
                lines.push(person(&columns, &record, line).map_err(|problem| (line, problem)));
            }
            Err(error) => {
                let line = line_at(text, error.position(), &mut place);
                lines.push(Err((
                    line,
                    "it is not written in UTF-8; save the file as CSV UTF-8".to_owned(),
                )));
            }
        }
    }
    Ok(File { columns, lines })
}

/// The line on which a record begins: its position counts the empty lines before it to it. `place` is a byte and its line
/// from which to count on.
fn line_at(text: &[u8], position: Option<&csv::Position>, place: &mut (usize, u64)) -> u64 {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok());
    let mut end = start.unwrap_or(place.0).clamp(place.0, text.len());
    while text
        .get(end)
        .is_some_and(|byte| matches!(byte, b'\r' | b'\n'))
    {
        end += 1;
    }
    let passed = text.get(place.0..end).unwrap_or_default();
    let breaks = passed.split(|byte| *byte == b'\n').skip(1).count();
    *place = (end, place.1 + breaks as u64);
    place.1
}

fn person(columns: &[String], record: &StringRecord, line: u64) -> Result<Person, String> {
    if record.len() != columns.len() {
        return Err(format!(
            "it has {} columns, the first line has {}; put values with commas into double quotes",
            record.len(),
            columns.len()
        ));
    }
    let values = columns.iter().zip(record);
    let fields: Map<String, Value> = values
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    check(&fields)?;
    Ok(Person { line, fields })
}

/// What HighLevel would refuse.
pub(super) fn check(fields: &Map<String, Value>) -> Result<(), String> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if let Some(email) = text("email") {
        let mut parts = email.split('@');
        let (user, host) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let is_address = !user.is_empty()
            && host.contains('.')
            && parts.next().is_none()
            && !email.contains(char::is_whitespace);
        if !is_address {
            return Err(format!(
                "\"{email}\" is no e-mail address; write name@example.com"
            ));
        }
    }
    if let Some(phone) = text("phone") {
        let fits = |letter: char| letter.is_ascii_digit() || " +-()./".contains(letter);
        let digits = phone.chars().filter(char::is_ascii_digit).count();
        if digits < 5 || !phone.chars().all(fits) {
            return Err(format!(
                "\"{phone}\" is no phone number; write it with country code, +44 20 7946 0000"
            ));
        }
    }
    Ok(())
}

/// By what a person is known within the file.
pub(super) fn names(fields: &Map<String, Value>) -> Vec<String> {
    let email = fields.get("email").and_then(Value::as_str);
    let phone = fields.get("phone").and_then(Value::as_str);
    let digits = phone.map(|phone| phone.chars().filter(char::is_ascii_digit).collect());
    email
        .map(str::to_lowercase)
        .into_iter()
        .chain(digits)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_wrong_ones_told_with_their_number() {
        let text = "\u{feff}email,name,city\nada@example.com,\"King, Ada\",\n\nbad,Bob,Rome\n,Nobody,\nc@example.com,Cy\n";
        let file = parse(text.as_bytes()).unwrap();
        assert_eq!(file.columns, ["email", "name", "city"]);
        let first = file.lines[0].as_ref().unwrap();
        assert_eq!(first.line, 2);
        assert_eq!(
            json!(first.fields),
            json!({ "email": "ada@example.com", "name": "King, Ada" })
        );
        let lines = file.lines.iter();
        let wrong: Vec<_> = lines.filter_map(|line| line.as_ref().err()).collect();
        assert_eq!(wrong[0].0, 4);
        assert!(wrong[0].1.contains("\"bad\" is no e-mail address"));
        assert_eq!(wrong[1].0, 6);
        assert!(
            wrong[1]
                .1
                .contains("it has 2 columns, the first line has 3")
        );
        assert_eq!(wrong.len(), 2);
    }

    #[test]
    fn semicolons_part_columns_too_and_a_bad_header_is_refused() {
        let file = parse(b"email;name\na@example.com;Ada\n").unwrap();
        assert_eq!(file.lines[0].as_ref().unwrap().fields["name"], "Ada");
        for (text, expected) in [
            ("email,email\n", "two columns \"email\""),
            ("email,\n", "column 2 has no name"),
        ] {
            assert!(
                parse(text.as_bytes()).unwrap_err().contains(expected),
                "{text}"
            );
        }
    }
}
