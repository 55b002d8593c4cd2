//! A YAML file as JSON, with the line of each of its values.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::{Map, Number, Value};

use crate::pointer;
use crate::problem::Problem;
use crate::source::Source;

/// A parsed file.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub path: String,
    pub value: Value,
    lines: HashMap<String, usize>,
}

impl Document {
    pub fn parse(source: &Source) -> Result<Self, Problem> {
        let mut reader = Reader {
            events: Parser::new_from_str(&source.text),
            lines: HashMap::new(),
        };
        match reader.document() {
            Ok(value) => Ok(Self {
                path: source.path.clone(),
                value,
                lines: reader.lines,
            }),
            Err(Mistake { line, message }) => Err(Problem {
                file: source.path.clone(),
                line,
                place: String::new(),
                message,
            }),
        }
    }

    /// The line of what a JSON pointer leads to, or of the nearest thing around it.
    pub fn line(&self, pointer: &str) -> usize {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.lines.get(pointer) {
                return *line;
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return 1,
            }
        }
    }
}

struct Mistake {
    line: usize,
    message: String,
}

impl Mistake {
    fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            line: span.start.line(),
            message: message.into(),
        }
    }
}

impl From<ScanError> for Mistake {
    fn from(error: ScanError) -> Self {
        Self {
            line: error.marker().line(),
            message: format!("this is not YAML: {}", error.info()),
        }
    }
}

struct Reader<I> {
    events: I,
    lines: HashMap<String, usize>,
}

impl<'t, I> Reader<I>
where
    I: Iterator<Item = Result<(Event<'t>, Span), ScanError>>,
{
    fn document(&mut self) -> Result<Value, Mistake> {
        let mut whole = None;
        while let Some((event, span)) = self.events.next().transpose()? {
            match event {
                Event::Nothing
                | Event::StreamStart
                | Event::DocumentStart(_)
                | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                event if whole.is_none() => whole = Some(self.value(event, span, "")?),
                _ => {
                    return Err(Mistake::at(
                        span,
                        "a second document begins; put it into a file of its own",
                    ));
                }
            }
        }
        whole.ok_or(Mistake {
            line: 0,
            message: "the file is empty".into(),
        })
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Mistake> {
        self.events.next().transpose()?.ok_or(Mistake {
            line: 0,
            message: "the file ends too early".into(),
        })
    }

    fn value(&mut self, event: Event<'t>, span: Span, pointer: &str) -> Result<Value, Mistake> {
        self.lines
            .entry(pointer.to_owned())
            .or_insert_with(|| span.start.line());
        match event {
            Event::Scalar(text, style, ..) => Ok(scalar(&text, style)),
            Event::SequenceStart(..) => self.sequence(pointer),
            Event::MappingStart(..) => self.mapping(pointer),
            Event::Alias(_) => Err(Mistake::at(
                span,
                "anchors are not supported; use `$ref` to a component",
            )),
            _ => Err(Mistake::at(span, "a value is missing")),
        }
    }

    fn sequence(&mut self, pointer: &str) -> Result<Value, Mistake> {
        let mut elements = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Value::Array(elements));
            }
            let element = self.value(
                event,
                span,
                &pointer::join(pointer, &elements.len().to_string()),
            )?;
            elements.push(element);
        }
    }

    fn mapping(&mut self, pointer: &str) -> Result<Value, Mistake> {
        let mut members = Map::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Object(members)),
                Event::Scalar(key, ..) => key.into_owned(),
                _ => return Err(Mistake::at(span, "a key must be text")),
            };
            let inner = pointer::join(pointer, &key);
            self.lines.insert(inner.clone(), span.start.line());
            let (event, value_span) = self.next()?;
            let value = self.value(event, value_span, &inner)?;
            if members.contains_key(&key) {
                return Err(Mistake::at(
                    span,
                    format!("`{key}` is there twice; keep one of them"),
                ));
            }
            members.insert(key, value);
        }
    }
}

/// The value of a scalar by YAML's core schema, as far as an OpenAPI document needs it.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" => return Value::Null,
        "true" => return true.into(),
        "false" => return false.into(),
        _ => {}
    }
    if let Ok(whole) = text.parse::<i64>() {
        return whole.into();
    }
    let is_numeric = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    let number = is_numeric
        .then(|| text.parse().ok().and_then(Number::from_f64))
        .flatten();
    number.map_or_else(|| text.into(), Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Document, Problem> {
        Document::parse(&Source::new("a.yaml", text))
    }

    #[test]
    fn values_have_types_and_lines() {
        let document =
            parse("a: 1\nb:\n  - x: 2.5\n    'y/z': \"7\"\n  - { c: null, d: true }\n").unwrap();
        assert_eq!(
            document.value,
            json!({ "a": 1, "b": [{ "x": 2.5, "y/z": "7" }, { "c": null, "d": true }] })
        );
        assert_eq!(document.line("/b/0/y~1z"), 4);
        assert_eq!(document.line("/b/1/d/unknown"), 5);
        assert_eq!(document.line(""), 1);
    }

    #[test]
    fn mistakes_have_lines() {
        assert_eq!(parse("a: 1\nb: [1\nc: 2\n").unwrap_err().line, 3);
        let twice = parse("a: 1\na: 2\n").unwrap_err();
        assert_eq!(
            (twice.line, twice.message.as_str()),
            (2, "`a` is there twice; keep one of them")
        );
        assert!(
            parse("a: &x 1\nb: *x\n")
                .unwrap_err()
                .message
                .contains("anchors")
        );
        assert!(parse("").unwrap_err().message.contains("empty"));
    }
}
