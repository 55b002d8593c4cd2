//! Faults that tests order: how a request or a webhook is to go wrong.

mod order;

use std::collections::HashMap;

use serde::Serialize;

pub use self::order::{Kind, Order};
use crate::ids::Ids;

/// A standing fault.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    pub id: u64,
    #[serde(flatten)]
    pub order: Order,
    /// How often it matched, and how often it was applied.
    pub matched: u32,
    pub applied: u32,
    /// The change of the history that came last when this was ordered.
    #[serde(skip)]
    since: u64,
    /// For `late_record`: how often each record was not there yet.
    #[serde(skip)]
    missed: HashMap<String, u32>,
}

impl Fault {
    /// Counts a match and tells whether the fault applies to it.
    fn strikes(&mut self, random: &mut Ids) -> bool {
        if self.order.times.is_some_and(|times| self.applied >= times) {
            return false;
        }
        self.matched += 1;
        if self.matched <= self.order.skip
            || self
                .order
                .chance
                .is_some_and(|chance| !random.chance(chance))
        {
            return false;
        }
        self.applied += 1;
        true
    }

    /// Whether this strikes the reading of a record.
    fn hides(&mut self, target: Target<'_>, random: &mut Ids) -> bool {
        let Some((id, created)) = target.created else {
            return false;
        };
        let missed = self.missed.get(id).copied().unwrap_or_default();
        if target.method != "GET"
            || created <= self.since
            || missed >= self.order.reads.unwrap_or(1)
            || !self.strikes(random)
        {
            return false;
        }
        self.missed.insert(id.to_owned(), missed + 1);
        true
    }
}

/// What the faults do to one webhook event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookEffect {
    pub copies: u32,
    pub lost: bool,
    /// Size of the window it is held in, and for how many milliseconds at most.
    pub held: Option<(usize, u64)>,
}

#[derive(Debug)]
pub struct Faults {
    standing: Vec<Fault>,
    random: Ids,
    next_id: u64,
}

/// What a fault is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub service: &'a str,
    pub operation: Option<&'a str>,
    pub template: Option<&'a str>,
    pub method: &'a str,
    pub path: &'a str,
    /// The record that the path names, and the change that created it, where the history has that.
    pub created: Option<(&'a str, u64)>,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        Self {
            standing: Vec::new(),
            random: Ids::new(seed, 4),
            next_id: 1,
        }
    }

    /// `since` is the newest change of the history.
    pub fn add(&mut self, order: Order, since: u64) -> Result<&Fault, String> {
        order.check()?;
        self.standing.push(Fault {
            id: self.next_id,
            order,
            matched: 0,
            applied: 0,
            since,
            missed: HashMap::new(),
        });
        self.next_id += 1;
        Ok(&self.standing[self.standing.len() - 1])
    }

    pub fn all(&self) -> &[Fault] {
        &self.standing
    }

    pub fn clear(&mut self) {
        self.standing.clear();
    }

    /// The first fault that strikes this request.
    pub fn for_request(&mut self, target: Target<'_>) -> Option<Order> {
        let Self {
            standing, random, ..
        } = self;
        standing
            .iter_mut()
            .filter(|fault| {
                !fault.order.kind.is_for_webhooks() && matches_request(&fault.order, target)
            })
            .find_map(|fault| {
                let strikes = if fault.order.kind == Kind::LateRecord {
                    fault.hides(target, random)
                } else {
                    fault.strikes(random)
                };
                strikes.then(|| fault.order.clone())
            })
    }

    /// What all faults together do to this event.
    pub fn for_webhook(&mut self, event: &str) -> WebhookEffect {
        let Self {
            standing, random, ..
        } = self;
        let mut effect = WebhookEffect {
            copies: 1,
            lost: false,
            held: None,
        };
        for fault in standing.iter_mut() {
            let order = &fault.order;
            let matches = order.kind.is_for_webhooks()
                && order.event.as_deref().is_none_or(|name| name == event);
            if !matches || !fault.strikes(random) {
                continue;
            }
            let order = &fault.order;
            match order.kind {
                Kind::DuplicateWebhooks => effect.copies = order.copies.unwrap_or(2),
                Kind::LoseWebhooks => effect.lost = true,
                Kind::ReorderWebhooks => {
                    effect.held = Some((order.window.unwrap_or(4), order.hold_ms.unwrap_or(500)));
                }
                _ => {}
            }
        }
        effect
    }
}

fn matches_request(order: &Order, target: Target<'_>) -> bool {
    let is = |wanted: &Option<String>, actual: Option<&str>| {
        wanted
            .as_deref()
            .is_none_or(|wanted| actual == Some(wanted))
    };
    is(&order.service, Some(target.service))
        && is(&order.operation, target.operation)
        && order
            .method
            .as_deref()
            .is_none_or(|method| method.eq_ignore_ascii_case(target.method))
        && (is(&order.path, Some(target.path)) || is(&order.path, target.template))
}
