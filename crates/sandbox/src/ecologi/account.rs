//! The Ecologi account: its key, its user, and the book of its purchases.

use std::collections::HashMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::purchases::json_number;
use crate::answer::Answer;
use crate::ids::Ids;
use crate::settings::{OtherBody, Settings};

/// A purchase that was made (or, with `test`, simulated).
#[derive(Debug, Clone, Serialize)]
pub struct Purchase {
    pub seq: u64,
    pub at: Timestamp,
    /// The request's `Idempotency-Key`.
    pub key: Option<String>,
    pub operation: String,
    #[serde(serialize_with = "as_number")]
    pub quantity: Decimal,
    /// `tree`, `kg`, `tonne`, `square metre`.
    pub unit: &'static str,
    /// Country of a local tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// A decimal, as a text.
    pub amount: Decimal,
    pub currency: String,
    pub test: bool,
    /// `treeUrl` or `tileUrl`.
    pub url: Option<String>,
    pub name: Option<String>,
    pub recipient_email: Option<String>,
    /// How often the same key came again and was answered without buying.
    pub replays: u64,
}

fn as_number<S: serde::Serializer>(quantity: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    json_number(*quantity).serialize(serializer)
}

#[derive(Debug)]
struct Remembered {
    at: Timestamp,
    /// Place in the book.
    purchase: usize,
    answer: Answer,
}

#[derive(Debug)]
pub struct Account {
    pub key: String,
    pub user: String,
    pub ids: Ids,
    book: Vec<Purchase>,
    remembered: HashMap<(String, String), Remembered>,
    /// The body that each key first came with, whatever was answered.
    bodies: HashMap<String, (Timestamp, String, Value)>,
    minute_since: Timestamp,
    minute_used: u32,
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

impl Account {
    pub fn new(key: String, user: String, seed: u64) -> Self {
        Self {
            key,
            user,
            ids: Ids::new(seed, 5),
            book: Vec::new(),
            remembered: HashMap::new(),
            bodies: HashMap::new(),
            minute_since: Timestamp::UNIX_EPOCH,
            minute_used: 0,
        }
    }

    pub fn book(&self) -> &[Purchase] {
        &self.book
    }

    /// Counts a call, or refuses it.
    pub fn take(&mut self, now: Timestamp, settings: &Settings) -> Result<(), Answer> {
        let age = now.duration_since(self.minute_since);
        if age >= MINUTE {
            self.minute_since = now;
            self.minute_used = 0;
        }
        if self.minute_used >= settings.ecologi_minute_limit {
            let left = (MINUTE - now.duration_since(self.minute_since)).as_millis();
            let seconds = u64::try_from(left).unwrap_or_default().div_ceil(1_000);
            let refusal = Answer::refused(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
            return Err(refusal.with_header("retry-after", seconds));
        }
        self.minute_used += 1;
        Ok(())
    }

    /// Refuses a key that came before with another body, where the settings say so.
    pub fn one_body(
        &mut self,
        operation: &str,
        key: &str,
        body: &Value,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<(), Answer> {
        if settings.idempotency_other_body != OtherBody::Refuse {
            return Ok(());
        }
        let is_forgotten = |at: Timestamp| forgotten(at, now, settings);
        match self.bodies.get(key) {
            Some((at, known, first)) if !is_forgotten(*at) => {
                if known == operation && first == body {
                    return Ok(());
                }
                Err(Answer::refused(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "This Idempotency-Key was used with another body",
                ))
            }
            _ => {
                let first = (now, operation.to_owned(), body.clone());
                self.bodies.insert(key.to_owned(), first);
                Ok(())
            }
        }
    }

    /// The first answer to this key, if it is still remembered; counts the replay.
    pub fn replay(
        &mut self,
        operation: &str,
        key: &str,
        now: Timestamp,
        settings: &Settings,
    ) -> Option<Answer> {
        let known = self
            .remembered
            .get(&(operation.to_owned(), key.to_owned()))?;
        if forgotten(known.at, now, settings) {
            return None;
        }
        self.book[known.purchase].replays += 1;
        Some(known.answer.clone())
    }

    /// Enters a purchase, and remembers its answer under its key.
    pub fn enter(&mut self, mut purchase: Purchase, answer: &Answer) {
        purchase.seq = self.book.len() as u64 + 1;
        if let Some(key) = &purchase.key {
            self.remembered.insert(
                (purchase.operation.clone(), key.clone()),
                Remembered {
                    at: purchase.at,
                    purchase: self.book.len(),
                    answer: answer.clone(),
                },
            );
        }
        self.book.push(purchase);
    }
}

fn forgotten(at: Timestamp, now: Timestamp, settings: &Settings) -> bool {
    let memory = settings.idempotency_memory_seconds;
    memory.is_some_and(|seconds| {
        now.duration_since(at) > SignedDuration::from_secs(i64::from(seconds))
    })
}
