//! Waiting: for a record that a service says is not there, for one that cannot be read, and what a person is told of it.

use std::time::Duration;

use canopy_mapping::{Event, Source};
use canopy_store::{EventEnd, Fence, InboxRow, NewAlert, Postponed};
use jiff::{SignedDuration, Timestamp};

use crate::Engine;
use crate::error::EngineError;

/// Kind of the alert that webhooks told of records which are not there; its subject is the events' kind.
const GONE: &str = "gone";
/// Kind of the alert that work has been waiting for a service for long.
const WAITING: &str = "waiting";
/// So long work may fail before a person is told: by then a service that only stumbles has come back.
const QUIET: SignedDuration = SignedDuration::from_mins(30);
/// Open alerts that are looked through; far more than a person would leave open.
const OPEN: u32 = 1000;

/// A time some time after another, at most the end of time.
pub(crate) fn later(since: Timestamp, time: SignedDuration) -> Timestamp {
    since.checked_add(time).unwrap_or(Timestamp::MAX)
}

impl Engine {
    /// The record of an event is not there. It may not have been replicated yet, so it is read again for a while; then
    /// the event ends.
    pub(crate) async fn missing(
        &self,
        fence: &Fence,
        row: &InboxRow,
        error: &str,
    ) -> Result<(), EngineError> {
        let patience = self.options.retry.gone_after;
        self.missing_for(fence, row, error, patience).await
    }

    pub(crate) async fn missing_for(
        &self,
        fence: &Fence,
        row: &InboxRow,
        error: &str,
        patience: SignedDuration,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let (since, attempts) = match row.missing_since {
            // It may have been written by a clock that was ahead.
            Some(since) => (since.min(now), row.attempts + 1),
            None => (now, 1),
        };
        if now.duration_since(since) >= patience || self.is_told_gone(&row.event).await? {
            return self.give_up(fence, row).await;
        }
        let wait = self.options.retry.reading_delay(attempts);
        let postponed = Postponed {
            // The last look is at the end of the time, not long after it.
            until: (now + wait).min(later(since, patience)),
            attempts,
            error: format!(
                "{error}; it counts as gone at {:.0}",
                later(since, patience)
            ),
            missing_since: Some(since),
        };
        let id = row.event.id;
        self.store.postpone_event(fence, id, postponed, now).await?;
        Ok(())
    }

    /// Whether another event says that the record was deleted: then nobody needs to wait for it.
    async fn is_told_gone(&self, event: &Event) -> Result<bool, EngineError> {
        let word = event.kind.split('.').next().unwrap_or_default();
        let store = &self.store;
        Ok(store
            .is_removed(&event.location, word, &event.record)
            .await?)
    }

    async fn give_up(&self, fence: &Fence, row: &InboxRow) -> Result<(), EngineError> {
        let now = self.clock.now();
        let event = &row.event;
        let explained = self.is_told_gone(event).await?;
        self.store
            .settle_event(fence, event.id, EventEnd::Gone, now)
            .await?;
        if event.source != Source::Webhook || explained {
            return Ok(());
        }
        let alert = NewAlert {
            location: fence.location.clone(),
            kind: GONE.to_owned(),
            subject: event.kind.clone(),
            message: format!(
                "webhooks told \"{}\" of records that HighLevel then said are not there, and of whose deletion nothing was told; `canopy events --state gone` lists them. One that a poll finds is taken up again",
                event.kind
            ),
        };
        self.store.raise_alert(alert, now).await?;
        Ok(())
    }

    /// An event is never given up for want of a readable answer: reading it goes on at the longest interval.
    pub(crate) async fn read_later(
        &self,
        fence: &Fence,
        row: &InboxRow,
        asked: Option<Duration>,
        error: &str,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let attempts = row.attempts + 1;
        let retry = self.options.retry;
        let wait = retry.within(asked, retry.reading_delay(attempts));
        let postponed = Postponed {
            until: now + wait,
            attempts,
            error: error.to_owned(),
            // An answer that says nothing is no answer in a row.
            missing_since: row.missing_since,
        };
        let id = row.event.id;
        self.store.postpone_event(fence, id, postponed, now).await?;
        Ok(())
    }

    /// Tells a person what has been waiting for long, while it does.
    pub(crate) async fn tell_waiting(&self, fence: &Fence) -> Result<(), EngineError> {
        let now = self.clock.now();
        let location = &fence.location;
        let stuck = self.store.stuck(location, now - QUIET).await?;
        let open = self.store.alerts(true, OPEN).await?;
        let told = open
            .into_iter()
            .find(|alert| alert.kind == WAITING && alert.location == *location);
        if stuck.runs + stuck.events == 0 {
            if told.is_some() {
                self.store
                    .resolve_alert(location, WAITING, location, now)
                    .await?;
            }
            return Ok(());
        }
        // Once for each time that it gets worse, not at every look.
        if told.is_some_and(|alert| now.duration_since(alert.updated_at).abs() < QUIET) {
            return Ok(());
        }
        let since = stuck
            .since
            .map(|since| format!(" since {since:.0}"))
            .unwrap_or_default();
        let alert = NewAlert {
            location: location.clone(),
            kind: WAITING.to_owned(),
            subject: location.clone(),
            message: format!(
                "{} run(s) and {} event(s) wait{since}, because calls fail; they go on by themselves once calls succeed, and runs are given up after {:#}. The newest failure: {}",
                stuck.runs,
                stuck.events,
                self.options.retry.give_up_after,
                stuck.error.as_deref().unwrap_or("not known")
            ),
        };
        self.store.raise_alert(alert, now).await?;
        Ok(())
    }
}
