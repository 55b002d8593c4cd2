//! How deliveries were answered, by address and ten minutes. It is kept in memory for some seconds, so that strangers who
//! send what is refused cannot make the store write for each request.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use canopy_highlevel::webhook;
use canopy_store::{DeliveryCount, Store, StoreError};
use jiff::Timestamp;

/// Seconds that are counted together.
const SLOT: i64 = 600;

/// How a delivery was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answered {
    Taken,
    Duplicate,
    Useless,
    Unsigned,
    Forged,
    Failed,
}

/// Figures that are not in the store yet.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Mutex<BTreeMap<(String, Timestamp), DeliveryCount>>,
}

impl Tally {
    pub(crate) fn note(&self, address: String, answered: Answered, now: Timestamp) {
        let slot = slot_of(now);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts
            .entry((address.clone(), slot))
            .or_insert_with(|| DeliveryCount {
                address,
                slot,
                ..DeliveryCount::default()
            });
        *match answered {
            Answered::Taken => &mut count.taken,
            Answered::Duplicate => &mut count.duplicate,
            Answered::Useless => &mut count.useless,
            Answered::Unsigned => &mut count.unsigned,
            Answered::Forged => &mut count.forged,
            Answered::Failed => &mut count.failed,
        } += 1;
    }

    /// The figures that are not in the store yet.
    pub(crate) fn waiting(&self) -> Vec<DeliveryCount> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.values().cloned().collect()
    }

    /// `true`: there were some.
    pub(crate) async fn flush(&self, store: &dyn Store) -> Result<bool, StoreError> {
        let taken = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *counts)
        };
        if taken.is_empty() {
            return Ok(false);
        }
        let written = store
            .count_deliveries(taken.values().cloned().collect())
            .await;
        if written.is_err() {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, count) in taken {
                counts
                    .entry(key)
                    .and_modify(|later| later.add(&count))
                    .or_insert(count);
            }
        }
        written.map(|()| true)
    }
}

/// When the ten minutes began in which an instant lies.
pub(crate) fn slot_of(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(SLOT)).unwrap_or(at)
}

/// The address as it is counted. Names that are no event's share one line: anybody can make them up.
pub(crate) fn address(event: Option<&str>) -> String {
    const COMMON: &str = "/webhooks/highlevel";
    match event.map(webhook::named) {
        None => COMMON.to_owned(),
        Some(None) => format!("{COMMON}/*"),
        Some(Some(event)) => format!("{COMMON}/{}", event.also.first().unwrap_or(&event.name)),
    }
}
