//! Real purchases go one after the other, in the order in which what they are for happened: what the one before cost is
//! known when the next is decided, so caps hold also where things cost more than anybody thought, and nobody overtakes.
//! Ecologi bears no more than about two a second anyway.
//!
//! Contacts are worked off side by side, so a newer one can come to its purchase first. It waits for the older ones that
//! are under way and may still buy. Nobody waits for who is not under way (a run that waits for its next attempt, say),
//! and who waits for others at something else (merged tag writes) is waited for by nobody. As only older ones are waited
//! for, the oldest always goes on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, OwnedMutexGuard};

use crate::connection::Connection;

/// Whose turn it is, by what is shared: a connection's caps, and those of all connections in a currency.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    line: Mutex<Line>,
    moved: Notify,
}

/// When it happened, and the number of its event.
pub(crate) type Order = (Timestamp, i64);

#[derive(Debug, Default)]
struct Line {
    next: u64,
    standing: HashMap<u64, Standing>,
}

/// Somebody who is under way.
#[derive(Debug)]
struct Standing {
    groups: Vec<String>,
    /// `None`: nothing is to be bought any more, as far as is known.
    comes: Option<Order>,
}

/// A work item's place in the line; it leaves when dropped.
#[derive(Debug)]
pub(crate) struct InLine<'a> {
    turns: &'a Turns,
    /// `None`: nobody waits where nothing is really bought.
    id: Option<u64>,
}

/// Held while a purchase is decided and made.
pub(crate) struct Turn(#[expect(dead_code, reason = "they are held")] Vec<OwnedMutexGuard<()>>);

/// By what the caps of a connection are shared; in this order everywhere, so that nobody waits for ever.
fn groups(connection: &Connection) -> Vec<String> {
    if connection.test {
        return Vec::new();
    }
    let mut names = vec![format!("connection {}", connection.id)];
    let all = connection.budget.as_ref().map(|budget| budget.all);
    if all.is_some_and(|all| all.per_day.is_some() || all.per_month.is_some()) {
        names.push(format!("currency {}", connection.currency));
    }
    names
}

impl Turns {
    /// A work item is under way.
    pub fn stand(&self, connection: &Connection) -> InLine<'_> {
        let groups = groups(connection);
        if groups.is_empty() {
            return InLine {
                turns: self,
                id: None,
            };
        }
        let mut line = self.line();
        let id = line.next;
        line.next += 1;
        let comes = None;
        line.standing.insert(id, Standing { groups, comes });
        InLine {
            turns: self,
            id: Some(id),
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing that is done under the lock can leave it half done.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody older is under way with whom caps are shared.
    fn is_behind(&self, id: u64) -> bool {
        let line = self.line();
        let Some(own) = line.standing.get(&id) else {
            return false;
        };
        let Some(order) = own.comes else {
            return false;
        };
        let mut others = line.standing.iter().filter(|(other, _)| **other != id);
        others.any(|(_, other)| {
            other.comes.is_some_and(|comes| comes < order)
                && other.groups.iter().any(|group| own.groups.contains(group))
        })
    }
}

impl InLine<'_> {
    /// It may buy something for what happened then.
    pub fn comes(&self, order: Order) {
        self.set(Some(order));
    }

    /// Whether it may buy something for what happened then.
    pub fn set_to_buy(&self, is: bool, order: Order) {
        self.set(is.then_some(order));
    }

    /// It may buy something, and it is not known yet for what: the younger ones wait until it is.
    pub fn may_come(&self) {
        self.set(Some((Timestamp::MIN, 0)));
    }

    /// It has nothing to buy, or waits for others at something else.
    pub fn passes(&self) {
        self.set(None);
    }

    fn set(&self, comes: Option<Order>) {
        if let Some(id) = self.id {
            if let Some(standing) = self.turns.line().standing.get_mut(&id) {
                standing.comes = comes;
            }
            self.turns.moved.notify_waiters();
        }
    }

    /// Waits for the turn; in test mode nobody waits.
    pub async fn turn(&self, connection: &Connection) -> Turn {
        if let Some(id) = self.id {
            loop {
                let mut moved = std::pin::pin!(self.turns.moved.notified());
                // Before it is looked, so that nothing is missed in between.
                moved.as_mut().enable();
                if !self.turns.is_behind(id) {
                    break;
                }
                moved.await;
            }
        }
        let mut held = Vec::new();
        for name in groups(connection) {
            let lock = {
                let locks = self.turns.locks.lock();
                let mut locks = locks.unwrap_or_else(PoisonError::into_inner);
                locks.entry(name).or_default().clone()
            };
            held.push(lock.lock_owned().await);
        }
        Turn(held)
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.turns.line().standing.remove(&id);
            self.turns.moved.notify_waiters();
        }
    }
}
