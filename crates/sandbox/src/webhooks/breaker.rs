//! The circuit breaker of webhooks: every few days each busy address is judged by how many deliveries it took.

use std::collections::VecDeque;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::settings::Settings;

/// How an address does.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    pub url: String,
    /// Attempts of the days that count, and how many of them were answered with 2xx.
    pub deliveries: usize,
    pub delivered: usize,
    /// When it was found below the bound for the first time.
    pub warned: Option<Timestamp>,
    /// Since when nothing is sent to it.
    pub paused: Option<Timestamp>,
    pub next_look: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Address {
    attempts: VecDeque<(Timestamp, bool)>,
    warned: Option<Timestamp>,
    paused: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub struct Breaker {
    addresses: IndexMap<String, Address>,
    next_look: Option<Timestamp>,
}

impl Breaker {
    pub fn is_paused(&self, url: &str) -> bool {
        let address = self.addresses.get(url);
        address.is_some_and(|address| address.paused.is_some())
    }

    /// Books an attempt.
    pub fn book(&mut self, url: &str, at: Timestamp, delivered: bool) {
        let address = self.addresses.entry(url.to_owned()).or_default();
        address.attempts.push_back((at, delivered));
    }

    /// Judges the addresses when it is time, and answers those that are paused now.
    pub fn look(&mut self, now: Timestamp, settings: &Settings) -> Vec<String> {
        let days = SignedDuration::from_hours(24 * i64::from(settings.breaker_days.max(1)));
        let next = *self.next_look.get_or_insert(now + days);
        if now < next {
            return Vec::new();
        }
        self.next_look = Some(now + days);
        let mut paused = Vec::new();
        for (url, address) in &mut self.addresses {
            let since = now - days;
            address.attempts.retain(|(at, _)| *at >= since);
            let all = address.attempts.len() as u64;
            if all <= u64::from(settings.breaker_deliveries) || address.paused.is_some() {
                continue;
            }
            let delivered = address.attempts.iter().filter(|(_, ok)| *ok).count() as u64;
            if delivered * 100 >= all * u64::from(settings.breaker_percent) {
                address.warned = None;
            } else if address.warned.is_none() {
                address.warned = Some(now);
            } else {
                address.paused = Some(now);
                paused.push(url.clone());
            }
        }
        paused
    }

    /// Switches paused addresses on again: one, or all. Answers how many.
    pub fn switch_on(&mut self, url: Option<&str>) -> usize {
        let mut count = 0;
        for (known, address) in &mut self.addresses {
            if url.is_none_or(|url| url == known) && address.paused.take().is_some() {
                address.warned = None;
                address.attempts.clear();
                count += 1;
            }
        }
        count
    }

    pub fn judged(&self) -> Vec<Judged> {
        let addresses = self.addresses.iter();
        addresses
            .map(|(url, address)| Judged {
                url: url.clone(),
                deliveries: address.attempts.len(),
                delivered: address.attempts.iter().filter(|(_, ok)| *ok).count(),
                warned: address.warned,
                paused: address.paused,
                next_look: self.next_look,
            })
            .collect()
    }
}
