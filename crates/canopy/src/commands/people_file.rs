//! CSV files of people.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use serde_json::{Map, Value};

use crate::cells;
use crate::exit::Failure;

/// A person as one line of a file says.
#[derive(Debug)]
pub(super) struct Person {
    pub line: u64,
    pub fields: Map<String, Value>,
}

/// One line's cells, as many as there are columns.
#[derive(Debug)]
pub(super) struct Row {
    pub line: u64,
    pub cells: Vec<String>,
}

/// A file's column titles and lines; a line is a row, or its number and what is wrong with it.
#[derive(Debug)]
pub(super) struct File {
    pub columns: Vec<String>,
    pub lines: Vec<Result<Row, (u64, String)>>,
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
    let mut lines = Vec::new();
    let mut record = StringRecord::new();
    let mut place = (0, 1);
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = line_at(text, record.position(), &mut place);
                lines.push(row(&columns, &record, line).map_err(|problem| (line, problem)));
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

fn row(columns: &[String], record: &StringRecord, line: u64) -> Result<Row, String> {
    if record.len() != columns.len() {
        return Err(format!(
            "it has {} columns, the first line has {}; put values with commas into double quotes",
            record.len(),
            columns.len()
        ));
    }
    let cells = record.iter().map(|cell| cells::original(cell).to_owned());
    Ok(Row {
        line,
        cells: cells.collect(),
    })
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
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_wrong_ones_told_with_their_number() {
        let text = "\u{feff}email,name,city\nada@example.com,\"King, Ada\",'=1\n\n,Nobody,\nc@example.com,Cy\n";
        let file = parse(text.as_bytes()).unwrap();
        assert_eq!(file.columns, ["email", "name", "city"]);
        let first = file.lines[0].as_ref().unwrap();
        assert_eq!(first.line, 2);
        assert_eq!(first.cells, ["ada@example.com", "King, Ada", "=1"]);
        let lines = file.lines.iter();
        let wrong: Vec<_> = lines.filter_map(|line| line.as_ref().err()).collect();
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].0, 5);
        assert!(
            wrong[0]
                .1
                .contains("it has 2 columns, the first line has 3")
        );
    }

    #[test]
    fn semicolons_part_columns_too() {
        let file = parse(b"email;name\na@example.com;Ada\n").unwrap();
        assert_eq!(file.lines[0].as_ref().unwrap().cells[1], "Ada");
    }

    #[test]
    fn an_address_is_one() {
        let fields = |email: &str| Map::from_iter([("email".to_owned(), email.into())]);
        assert!(check(&fields("ada@example.com")).is_ok());
        for wrong in [
            "bad",
            "a@b",
            "a b@example.com",
            "a@example.com, b@example.com",
        ] {
            let problem = check(&fields(wrong)).unwrap_err();
            assert!(problem.contains("is no e-mail address"), "{problem}");
        }
    }
}
