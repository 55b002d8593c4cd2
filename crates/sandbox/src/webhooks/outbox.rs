//! The queue of webhooks, and the book of what became of each.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::payload::Event;
use crate::faults::WebhookEffect;
use crate::settings::{Settings, WebhookRetry};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In the window of a reorder fault.
    Held,
    Waiting,
    Sending,
    Delivered,
    /// Given up.
    Failed,
    /// Never sent, by a fault.
    Lost,
}

/// One event on its way to the receiver.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    pub id: u64,
    pub event: &'static str,
    pub record_id: String,
    pub at: Timestamp,
    pub state: State,
    pub attempts: u32,
    /// Status of the last attempt; absent when none was answered.
    pub status: Option<u16>,
    pub error: Option<String>,
    /// When it is due next, for those that wait.
    pub due: Option<Timestamp>,
    /// Which delivery this one repeats.
    pub copy_of: Option<u64>,
    pub payload: Value,
    #[serde(skip)]
    url: String,
}

/// One attempt to be made.
#[derive(Debug, Clone)]
pub struct Job {
    pub delivery: u64,
    pub url: String,
    pub body: Bytes,
}

/// How an attempt ended: the status, or why there is none.
pub type Outcome = Result<u16, String>;

#[derive(Debug, Default)]
pub struct Outbox {
    target: Option<String>,
    deliveries: Vec<Delivery>,
    /// Due time and place in line.
    waiting: BTreeMap<(Timestamp, u64), u64>,
    line: u64,
    held: Vec<u64>,
    held_until: Option<Instant>,
}

impl Outbox {
    pub fn has_target(&self) -> bool {
        self.target.is_some()
    }

    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    pub fn set_target(&mut self, target: Option<String>) {
        self.target = target;
    }

    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Takes an event in, as many times as the faults say.
    pub fn push(&mut self, event: &Event, at: Timestamp, effect: WebhookEffect) {
        let Some(url) = self.target.clone() else {
            return;
        };
        let first = self.deliveries.len() as u64 + 1;
        for copy in 0..u64::from(effect.copies) {
            let id = first + copy;
            self.deliveries.push(Delivery {
                id,
                event: event.name,
                record_id: event.record_id.clone(),
                at,
                state: State::Lost,
                attempts: 0,
                status: None,
                error: None,
                due: None,
                copy_of: (copy > 0).then_some(first),
                payload: event.body.clone(),
                url: url.clone(),
            });
            if effect.lost {
                continue;
            }
            match effect.held {
                Some((window, hold_ms)) => self.hold(id, at, window, hold_ms),
                None => self.line_up(id, at),
            }
        }
    }

    fn hold(&mut self, id: u64, at: Timestamp, window: usize, hold_ms: u64) {
        self.delivery(id).state = State::Held;
        self.held.push(id);
        if self.held.len() >= window {
            self.release(at);
        } else if self.held_until.is_none() {
            self.held_until = Some(Instant::now() + Duration::from_millis(hold_ms));
        }
    }

    /// Lets the held ones go, last first.
    pub fn release(&mut self, now: Timestamp) {
        self.held_until = None;
        for id in std::mem::take(&mut self.held).into_iter().rev() {
            self.line_up(id, now);
        }
    }

    fn line_up(&mut self, id: u64, due: Timestamp) {
        self.line += 1;
        self.waiting.insert((due, self.line), id);
        let delivery = self.delivery(id);
        delivery.state = State::Waiting;
        delivery.due = Some(due);
    }

    /// Takes the next delivery that is due.
    pub fn take_due(&mut self, now: Timestamp) -> Option<Job> {
        if self.held_until.is_some_and(|until| until <= Instant::now()) {
            self.release(now);
        }
        let (&key, &id) = self.waiting.first_key_value()?;
        if key.0 > now {
            return None;
        }
        self.waiting.remove(&key);
        let delivery = self.delivery(id);
        delivery.state = State::Sending;
        delivery.due = None;
        delivery.attempts += 1;
        Some(Job {
            delivery: id,
            url: delivery.url.clone(),
            body: Bytes::from(delivery.payload.to_string()),
        })
    }

    /// How long until something becomes due, if anything will by itself: nothing does while the clock stands.
    pub fn next_in(&self, now: Timestamp, frozen: bool) -> Option<Duration> {
        let first = self.waiting.first_key_value().filter(|_| !frozen);
        let due = first.map(|(&(due, _), _)| {
            Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO)
        });
        let held = self
            .held_until
            .map(|until| until.saturating_duration_since(Instant::now()));
        [due, held].into_iter().flatten().min()
    }

    /// Books how an attempt ended and decides whether another follows.
    pub fn finished(&mut self, id: u64, outcome: &Outcome, now: Timestamp, settings: &Settings) {
        let delivery = self.delivery(id);
        let repeat = match outcome {
            Ok(200..=299) => {
                delivery.state = State::Delivered;
                false
            }
            Ok(429) => true,
            _ => settings.webhook_retry == WebhookRetry::OnFailure,
        };
        delivery.status = outcome.as_ref().ok().copied();
        delivery.error = outcome.as_ref().err().cloned();
        if delivery.state == State::Delivered {
            return;
        }
        if repeat && delivery.attempts <= settings.retries() {
            let pause = SignedDuration::from_secs(i64::from(settings.webhook_retry_seconds));
            self.line_up(id, now + pause);
        } else {
            delivery.state = State::Failed;
        }
    }

    fn delivery(&mut self, id: u64) -> &mut Delivery {
        let at = usize::try_from(id - 1).expect("ids count the deliveries in memory");
        &mut self.deliveries[at]
    }
}
