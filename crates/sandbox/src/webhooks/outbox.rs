//! The queue of webhooks, and the book of what became of each.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::delivery::{Attempt, Delivery, State, is_success};
use super::payload::{Envelope, Event};
use crate::faults::WebhookEffect;
use crate::ids::Ids;
use crate::settings::{Settings, WebhookRetry};

/// How long the log of deliveries is kept, and how long one can be sent again.
const LOG_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// One attempt to be made.
#[derive(Debug, Clone)]
pub struct Job {
    pub delivery: u64,
    /// Sent again by hand, beside the schedule.
    pub by_hand: bool,
    pub url: String,
    pub body: Bytes,
}

/// How an attempt ended: the status, or why there is none.
pub type Outcome = Result<u16, String>;

#[derive(Debug)]
pub struct Outbox {
    target: Option<String>,
    /// Addresses of single events.
    overrides: IndexMap<String, String>,
    is_silent: bool,
    deliveries: Vec<Delivery>,
    /// Due time and place in line.
    waiting: BTreeMap<(Timestamp, u64), (u64, bool)>,
    line: u64,
    held: Vec<u64>,
    held_until: Option<Instant>,
    pub breaker: Breaker,
    random: Ids,
}

impl Outbox {
    pub fn new(seed: u64) -> Self {
        Self {
            target: None,
            overrides: IndexMap::new(),
            is_silent: false,
            deliveries: Vec::new(),
            waiting: BTreeMap::new(),
            line: 0,
            held: Vec::new(),
            held_until: None,
            breaker: Breaker::default(),
            random: Ids::new(seed, 7),
        }
    }

    /// Where this event goes, if anywhere.
    pub fn target_of(&self, event: &str) -> Option<&str> {
        let own = self.overrides.get(event).or(self.target.as_ref());
        let own = own.filter(|_| !self.is_silent);
        own.map(String::as_str)
    }

    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    pub fn overrides(&self) -> &IndexMap<String, String> {
        &self.overrides
    }

    pub fn set_target(&mut self, target: Option<String>, overrides: IndexMap<String, String>) {
        self.target = target;
        self.overrides = overrides;
    }

    /// Whether what happens now is told to nobody.
    pub fn silence(&mut self, silent: bool) {
        self.is_silent = silent;
    }

    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Takes an event in, as many times as the faults say.
    pub fn push(
        &mut self,
        event: &Event,
        at: Timestamp,
        effect: WebhookEffect,
        (envelope, settings): (&Envelope<'_>, &Settings),
    ) {
        let Some(url) = self.target_of(event.name).map(ToOwned::to_owned) else {
            return;
        };
        let webhook_id = self.random.uuid();
        let payload = envelope.around(event, &webhook_id, at, settings);
        let paused = self.breaker.is_paused(&url) && !settings.webhook_pause_keeps;
        let first = self.deliveries.len() as u64 + 1;
        for copy in 0..u64::from(effect.copies) {
            let id = first + copy;
            self.deliveries.push(Delivery {
                id,
                event: event.name,
                webhook_id: webhook_id.clone(),
                record_id: event.record_id.clone(),
                at,
                state: State::Lost,
                attempts: 0,
                status: None,
                error: None,
                due: None,
                copy_of: (copy > 0).then_some(first),
                url: url.clone(),
                payload: payload.clone(),
                log: Vec::new(),
                resending: false,
            });
            if effect.lost || paused {
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
        self.waiting.insert((due, self.line), (id, false));
        let delivery = self.delivery(id);
        delivery.state = State::Waiting;
        delivery.due = Some(due);
    }

    /// Lets the breaker judge, when it is time. What waits for an address that is paused now is lost, unless the
    /// settings keep it.
    pub fn look(&mut self, now: Timestamp, settings: &Settings) {
        let paused = self.breaker.look(now, settings);
        if paused.is_empty() || settings.webhook_pause_keeps {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        for (key, (id, by_hand)) in waiting {
            let delivery = self.delivery(id);
            if paused.contains(&delivery.url) {
                delivery.state = State::Lost;
                delivery.due = None;
                delivery.resending = false;
            } else {
                self.waiting.insert(key, (id, by_hand));
            }
        }
    }

    /// Takes the next delivery that is due.
    pub fn take_due(&mut self, now: Timestamp) -> Option<Job> {
        if self.held_until.is_some_and(|until| until <= Instant::now()) {
            self.release(now);
        }
        let due = self.waiting.range(..=(now, u64::MAX));
        let mut due = due.filter(|(_, (id, _))| !self.breaker.is_paused(&self.at(*id).url));
        let (&key, &(id, by_hand)) = due.next()?;
        drop(due);
        self.waiting.remove(&key);
        let delivery = self.delivery(id);
        if !by_hand {
            delivery.state = State::Sending;
            delivery.due = None;
            delivery.attempts += 1;
        }
        Some(Job {
            delivery: id,
            by_hand,
            url: delivery.url.clone(),
            body: Bytes::from(delivery.payload.to_string()),
        })
    }

    /// How long until something becomes due, if anything will by itself: nothing does while the clock stands.
    pub fn next_in(&self, now: Timestamp, frozen: bool) -> Option<Duration> {
        let mut waiting = self.waiting.iter().filter(|_| !frozen);
        let first = waiting.find(|(_, (id, _))| !self.breaker.is_paused(&self.at(*id).url));
        let due = first.map(|(&(due, _), _)| {
            Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO)
        });
        let held = self
            .held_until
            .map(|until| until.saturating_duration_since(Instant::now()));
        [due, held].into_iter().flatten().min()
    }

    /// Books how an attempt ended and decides whether another follows.
    pub fn finished(&mut self, job: &Job, outcome: &Outcome, now: Timestamp, settings: &Settings) {
        let delivered = matches!(outcome, Ok(status) if is_success(*status));
        self.breaker.book(&job.url, now, delivered);
        let delivery = self.delivery(job.delivery);
        delivery.status = outcome.as_ref().ok().copied();
        delivery.error = outcome.as_ref().err().cloned();
        delivery.log.push(Attempt {
            at: now,
            number: if job.by_hand {
                "-".to_owned()
            } else {
                delivery.attempts.to_string()
            },
            status: delivery.status,
            error: delivery.error.clone(),
        });
        if job.by_hand {
            delivery.resending = false;
        }
        if delivered {
            delivery.state = State::Delivered;
            delivery.due = None;
            // The retries that were still to come are not made any more.
            self.waiting.retain(|_, (id, _)| *id != job.delivery);
            return;
        }
        // A resend that fails starts no retries of its own and leaves those that are scheduled.
        if job.by_hand || delivery.state == State::Delivered {
            return;
        }
        let repeats = match outcome {
            Ok(429) => true,
            _ => settings.webhook_retry == WebhookRetry::OnFailure,
        };
        let attempts = delivery.attempts;
        if repeats && attempts <= settings.retries() {
            let pause = self.pause(attempts, settings);
            self.line_up(job.delivery, now + pause);
        } else {
            delivery.state = State::Failed;
        }
    }

    /// How long after this attempt the next one comes: twice as long each time, with random jitter.
    fn pause(&mut self, attempts: u32, settings: &Settings) -> SignedDuration {
        if let Some(seconds) = settings.webhook_retry_seconds {
            return SignedDuration::from_secs(i64::from(seconds));
        }
        let first = u64::from(settings.webhook_backoff_seconds) * 1_000;
        let doubled = first.saturating_mul(1 << (attempts - 1).min(20));
        let longest = u64::from(settings.webhook_backoff_most_seconds) * 1_000;
        let longest = doubled.min(longest);
        let jittered = self.random.between(longest / 2, longest);
        SignedDuration::from_millis(i64::try_from(jittered).unwrap_or(i64::MAX))
    }

    /// Sends a delivery once more, at once, as a person does in the dashboard.
    pub fn resend(&mut self, id: u64, now: Timestamp) -> Result<(), &'static str> {
        let known = usize::try_from(id.wrapping_sub(1)).ok();
        let delivery = known.and_then(|at| self.deliveries.get_mut(at));
        let Some(delivery) = delivery.filter(|delivery| delivery.at + LOG_LIFE >= now) else {
            return Err("there is no such delivery in the log of the last 30 days");
        };
        if delivery.state == State::Sending || delivery.resending {
            return Err("the delivery is under way");
        }
        if !delivery.has_failed() {
            return Err("only a delivery whose newest attempt failed can be sent again");
        }
        delivery.resending = true;
        self.line += 1;
        self.waiting.insert((now, self.line), (id, true));
        Ok(())
    }

    /// The attempts of the last 30 days, oldest first, each with its delivery.
    pub fn log(&self, now: Timestamp) -> Vec<(&Delivery, &Attempt)> {
        let deliveries = self.deliveries.iter();
        let mut log: Vec<_> = deliveries
            .flat_map(|delivery| delivery.log.iter().map(move |attempt| (delivery, attempt)))
            .filter(|(_, attempt)| attempt.at + LOG_LIFE >= now)
            .collect();
        log.sort_by_key(|(_, attempt)| attempt.at);
        log
    }

    fn at(&self, id: u64) -> &Delivery {
        let at = usize::try_from(id - 1).expect("ids count the deliveries in memory");
        &self.deliveries[at]
    }

    fn delivery(&mut self, id: u64) -> &mut Delivery {
        let at = usize::try_from(id - 1).expect("ids count the deliveries in memory");
        &mut self.deliveries[at]
    }
}

/// Whether a payload has a text anywhere in it.
pub fn mentions(payload: &Value, text: &str) -> bool {
    payload.to_string().contains(text)
}
