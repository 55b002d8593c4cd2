//! Windows that move with the present: `with = { startTime = "now", endTime = "now+30d" }`.
//!
//! The ends are looked up at each poll, days by the clock of the location; the poll's name stays that of the text. What falls out of the window was not
//! deleted, and what slides into it was not created: a record that the window shows for the first time is new when it says
//! that it was made since the last poll, changed when it says that it was changed since, and else only remembered.

use canopy_highlevel::describe;
use canopy_mapping::{Moment, MomentError};
use jiff::{Timestamp, ZonedDateTime};
use serde_json::{Map, Value, json};

use super::plan::Poll;

/// Where a poll's window was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Poll {
    fn moment(&self, name: &str) -> Option<Result<Moment, MomentError>> {
        self.arguments.get(name)?.as_str().map(Moment::parse)
    }

    /// The ends of its window, where it has one.
    fn ends(&self) -> impl Iterator<Item = Moment> {
        let names = self.trigger.window.map(|window| [window.from, window.to]);
        let ends = names.into_iter().flatten();
        ends.filter_map(|name| self.moment(name)?.ok())
    }

    /// Whether what it shows changes as time passes.
    pub(super) fn moves(&self) -> bool {
        self.ends().any(Moment::moves)
    }

    /// Whether its window depends on when the day begins.
    pub(super) fn is_of_day(&self) -> bool {
        self.ends().any(Moment::is_of_day)
    }

    /// Nobody gave it a window, so it has one that shows all that is of interest: who made it smaller means to.
    pub(super) fn has_own_window(&self) -> bool {
        let usual = self
            .trigger
            .window
            .and_then(|window| Some((window, window.usual?)));
        usual.is_some_and(|(window, (from, to))| {
            self.arguments.get(window.from) == Some(&json!(from))
                && self.arguments.get(window.to) == Some(&json!(to))
        })
    }

    /// Puts instants in the place of the window's ends.
    pub(super) fn place_window(
        &self,
        arguments: &mut Map<String, Value>,
        now: &ZonedDateTime,
    ) -> Result<(), (&'static str, MomentError)> {
        let Some(window) = self.trigger.window else {
            return Ok(());
        };
        for name in [window.from, window.to] {
            let Some(moment) = self.moment(name) else {
                continue;
            };
            let at = moment.map_err(|error| (name, error))?.at(now);
            arguments.insert(name.to_owned(), self.milliseconds(name, at));
        }
        Ok(())
    }

    /// The service takes milliseconds, in some places as text.
    fn milliseconds(&self, name: &str, at: Timestamp) -> Value {
        let fields =
            describe(self.operation.name).map_or_else(|_| Vec::new(), |found| found.fields);
        let field = fields.iter().find(|field| field.name == name);
        if field.is_some_and(|field| field.kind == "string") {
            json!(at.as_millisecond().to_string())
        } else {
            json!(at.as_millisecond())
        }
    }

    /// Where a moving window is now.
    pub(super) fn span(&self, now: &ZonedDateTime) -> Option<Span> {
        if !self.moves() {
            return None;
        }
        let window = self.trigger.window?;
        let at = |name| match self.arguments.get(name)? {
            Value::String(text) => Some(Moment::parse(text).ok()?.at(now)),
            number => Timestamp::from_millisecond(number.as_i64()?).ok(),
        };
        Some(Span {
            from: at(window.from)?,
            to: at(window.to)?,
        })
    }
}

/// An answer without the times outside a span: of the part that two windows share nothing changes by their moving.
pub(super) fn within(answer: &Value, span: Span) -> Option<Value> {
    match answer {
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(at) if at < span.from || at > span.to => None,
            _ => Some(answer.clone()),
        },
        Value::Array(list) => {
            let kept: Vec<_> = list.iter().filter_map(|one| within(one, span)).collect();
            (!kept.is_empty()).then(|| kept.into())
        }
        Value::Object(members) => {
            let kept: Map<_, _> = members
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), within(value, span)?)))
                .collect();
            (!kept.is_empty()).then(|| kept.into())
        }
        other => Some(other.clone()),
    }
}
