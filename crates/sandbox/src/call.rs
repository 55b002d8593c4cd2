//! A request as handlers see it, and the handlers' type.

use std::str::FromStr;

use jiff::Timestamp;
use serde_json::Value;

use crate::answer::{Answer, Handled};
use crate::highlevel::access::Caller;
use crate::history::Origin;
use crate::world::{Act, World};

/// Does an operation's work.
pub type Handler = fn(&mut World, &Call<'_>) -> Handled;

#[derive(Debug)]
pub struct Call<'a> {
    /// Values of the path's parameters, in order.
    pub arguments: Vec<&'a str>,
    pub query: &'a [(String, String)],
    pub body: &'a Value,
    /// Who calls HighLevel; `None` for open operations and Ecologi.
    pub caller: Option<Caller>,
    pub idempotency_key: Option<&'a str>,
    pub now: Timestamp,
    /// The service's address, for links in answers.
    pub base_url: &'a str,
}

impl<'a> Call<'a> {
    pub fn act(&self) -> Act {
        Act {
            at: self.now,
            origin: Origin::Api,
        }
    }

    /// A path parameter by its place.
    ///
    /// # Panics
    /// When the handler's route has fewer parameters.
    pub fn argument(&self, place: usize) -> &'a str {
        self.arguments[place]
    }

    pub fn query(&self, name: &str) -> Option<&'a str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a query key that may be repeated.
    pub fn queries(&self, name: &str) -> Vec<&'a str> {
        let pairs = self.query.iter().filter(|(key, _)| key == name);
        pairs.map(|(_, value)| value.as_str()).collect()
    }

    /// A query value that is a number.
    pub fn number<N: FromStr>(&self, name: &str, default: N) -> Result<N, Answer> {
        match self.query(name) {
            None | Some("") => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| Answer::invalid(vec![format!("{name} must be a number")])),
        }
    }

    pub fn body_text(&self, member: &str) -> Option<&'a str> {
        self.body.get(member).and_then(Value::as_str)
    }

    /// A list of texts; absent members are empty.
    pub fn body_texts(&self, member: &str) -> Vec<String> {
        texts(self.body.get(member))
    }

    /// A text that must be there, for operations without a described body.
    pub fn required(&self, member: &str) -> Result<&'a str, Answer> {
        self.body_text(member)
            .ok_or_else(|| Answer::invalid(vec![format!("{member} must be a string")]))
    }
}

pub fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(ToOwned::to_owned))
        .collect()
}
