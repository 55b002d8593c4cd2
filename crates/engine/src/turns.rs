//! Real purchases go one after the other, so that what the one before cost is known when the next is decided: caps hold
//! also where things cost more than anybody thought. Ecologi bears no more than about two a second anyway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::connection::Connection;

/// Whose turn it is, by what is shared: a connection's caps, and those of all connections in a currency.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// Held while a purchase is decided and made.
pub(crate) struct Turn(#[expect(dead_code, reason = "they are held")] Vec<OwnedMutexGuard<()>>);

impl Turns {
    /// Waits for a connection's turn; in test mode nobody waits.
    pub async fn wait(&self, connection: &Connection) -> Turn {
        let mut names = Vec::new();
        if !connection.test {
            names.push(format!("connection {}", connection.id));
            let all = connection.budget.as_ref().map(|budget| budget.all);
            if all.is_some_and(|all| all.per_day.is_some() || all.per_month.is_some()) {
                // In this order everywhere, so that nobody waits for ever.
                names.push(format!("currency {}", connection.currency));
            }
        }
        let mut held = Vec::new();
        for name in names {
            let lock = {
                let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                locks.entry(name).or_default().clone()
            };
            held.push(lock.lock_owned().await);
        }
        Turn(held)
    }
}
