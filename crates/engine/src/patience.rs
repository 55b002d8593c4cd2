//! Waiting: for a record that a service says is not there, for one that cannot be read, and what a person is told of it.

use std::time::Duration;

use canopy_mapping::{Event, Source};
use canopy_store::{Fence, GivenUp, InboxRow, NewAlert, Postponed, Run};
use jiff::{SignedDuration, Timestamp};

use crate::Engine;
use crate::error::{EngineError, Verdict};

/// Kind of the alert that webhooks told of records which are not there; its subject is the events' kind.
const GONE: &str = "gone";
/// So long a record is waited for of which nobody has told whose it is: longer than the slowest poll takes to come round.
const UNTOLD: SignedDuration = SignedDuration::from_hours(8 * 24);
/// Kind of the alert that work has been waiting for a service for long.
const WAITING: &str = "waiting";
/// So long work may fail before a person is told: by then a service that only stumbles has come back.
const QUIET: SignedDuration = SignedDuration::from_mins(30);
/// When what was given up is looked for again: so long after it was missing first. A poll that reads only what changed may
/// never show it.
const LOOKS: [SignedDuration; 2] = [SignedDuration::from_hours(1), SignedDuration::from_hours(6)];
/// Then each day, as long as a webhook can be sent again.
const DAILY: SignedDuration = SignedDuration::from_hours(24);
const DAYS: i32 = 31;
/// So many records of a location are looked for again within this time at most.
const AT_ONCE: u32 = 25;
const WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// Open alerts that are looked through; far more than a person would leave open.
const OPEN: u32 = 1000;

/// A time some time after another, at most the end of time.
pub(crate) fn later(since: Timestamp, time: SignedDuration) -> Timestamp {
    since.checked_add(time).unwrap_or(Timestamp::MAX)
}

/// The first look after `now` at what has been missing since then.
fn next_look(since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let days = (1..=DAYS).filter_map(|day| DAILY.checked_mul(day));
    let looks = LOOKS
        .into_iter()
        .chain(days)
        .map(|after| later(since, after));
    let mut looks = looks;
    looks.find(|look| *look > now)
}

impl Engine {
    /// What an event is about is not there: its own record, or `contact`. It may not have been replicated yet, so it is read
    /// again for a while; then the event ends.
    pub(crate) async fn missing(
        &self,
        fence: &Fence,
        row: &InboxRow,
        contact: Option<&str>,
        error: &str,
    ) -> Result<(), EngineError> {
        let patience = self.options.retry.gone_after;
        self.missing_for(fence, row, (contact, error), patience)
            .await
    }

    /// A webhook told of a record without saying whose it is, and it can be read only by that. It waits for the poll that
    /// finds the record; after the time in which others count as gone a person is told.
    pub(crate) async fn told_without_contact(
        &self,
        fence: &Fence,
        row: &InboxRow,
        error: &str,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        if let Some(since) = row.missing_since.map(|since| since.min(now)) {
            let limit = later(since, self.options.retry.gone_after);
            let is_first = row.next_attempt_at.is_none_or(|at| at <= limit);
            if now >= limit && is_first {
                let kind = &row.event.kind;
                let alert = NewAlert {
                    location: fence.location.clone(),
                    kind: GONE.to_owned(),
                    subject: format!("{kind} without contact"),
                    message: format!(
                        "\"{kind}\" was told without its contact, and without that HighLevel shows no such record. It waits for the poll that finds it, at most {} days; where that is too slow, start the workflow on the trigger that reads these records",
                        UNTOLD.as_hours() / 24
                    ),
                };
                self.store.raise_alert(alert, now).await?;
            }
        }
        self.missing_for(fence, row, (None, error), UNTOLD).await
    }

    async fn missing_for(
        &self,
        fence: &Fence,
        row: &InboxRow,
        (contact, error): (Option<&str>, &str),
        patience: SignedDuration,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let (since, attempts) = match row.missing_since {
            // It may have been written by a clock that was ahead.
            Some(since) => (since.min(now), row.attempts + 1),
            None => (now, 1),
        };
        let explained = self.is_told_gone(&row.event, contact).await?;
        if explained || now.duration_since(since) >= patience {
            let since = (!explained).then_some(since);
            return self.give_up(fence, row, (contact, error), since).await;
        }
        let wait = self.options.retry.reading_delay(attempts);
        let mut until = (now + wait).min(later(since, patience));
        // There is a look at the end of each time, not long after it.
        let told = later(since, self.options.retry.gone_after);
        if now < told {
            until = until.min(told);
        }
        let postponed = Postponed {
            until,
            attempts,
            error: format!(
                "{error}; it counts as gone at {:.0}",
                later(since, patience)
            ),
            missing_since: Some(since),
            missing: contact.map(str::to_owned),
        };
        let id = row.event.id;
        self.store.postpone_event(fence, id, postponed, now).await?;
        Ok(())
    }

    /// Whether another event says that the record was deleted, or the contact that is not there: then nobody needs to wait
    /// for it.
    pub(crate) async fn is_told_gone(
        &self,
        event: &Event,
        contact: Option<&str>,
    ) -> Result<bool, EngineError> {
        let (store, location) = (&self.store, &event.location);
        if let Some(contact) = contact
            && store.is_removed(location, "contact", contact).await?
        {
            return Ok(true);
        }
        let word = event.kind.split('.').next().unwrap_or_default();
        Ok(store.is_removed(location, word, &event.record).await?)
    }

    /// `since`: how long it has been missing; `None`: its deletion was told.
    async fn give_up(
        &self,
        fence: &Fence,
        row: &InboxRow,
        (contact, error): (Option<&str>, &str),
        since: Option<Timestamp>,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let event = &row.event;
        let next = since.and_then(|since| next_look(since, now));
        let error = match (since, next) {
            (None, _) => format!("{error}; its deletion was told"),
            (Some(since), Some(next)) => {
                format!("not there since {since:.0}; looked for again at {next:.0}: {error}")
            }
            (Some(since), None) => {
                format!("not there since {since:.0}, and not looked for any more: {error}")
            }
        };
        let given_up = GivenUp {
            missing: contact.map(str::to_owned),
            since,
            next,
            error,
        };
        self.store
            .give_up_event(fence, event.id, given_up, now)
            .await?;
        // A second look that finds nothing is no news. Of the record itself only a webhook tells unseen; a poll has seen it.
        let counts = match event.source {
            Source::Webhook => true,
            Source::Poll => contact.is_some(),
            _ => false,
        };
        if since.is_none() || row.looked_at.is_some() || !counts {
            return Ok(());
        }
        self.tell_gone(fence, &event.kind, contact.is_some()).await
    }

    async fn tell_gone(
        &self,
        fence: &Fence,
        kind: &str,
        of_contact: bool,
    ) -> Result<(), EngineError> {
        let what = if of_contact {
            "records whose contacts"
        } else {
            "records that"
        };
        let alert = NewAlert {
            location: fence.location.clone(),
            kind: GONE.to_owned(),
            subject: kind.to_owned(),
            message: format!(
                "\"{kind}\" was told of {what} HighLevel then said are not there, and of whose deletion nothing was told; `canopy events --state gone` lists them. They are looked for again for {DAYS} days, and taken up when they are there"
            ),
        };
        self.store.raise_alert(alert, self.clock.now()).await?;
        Ok(())
    }

    /// Has what was given up be looked for again where that is due.
    pub(crate) async fn look_again(&self, fence: &Fence) -> Result<(), EngineError> {
        let now = self.clock.now();
        let looked = self.store.look_again(fence, AT_ONCE, WITHIN, now).await?;
        if looked > 0 {
            tracing::info!(location = %fence.location, looked, "records that were not there are looked for again");
        }
        Ok(())
    }

    /// The contact of an event could not be read: it waits, and starts no run.
    pub(crate) async fn wait_for_contact(
        &self,
        fence: &Fence,
        (row, event): (&InboxRow, &Event),
        verdict: Verdict,
    ) -> Result<(), EngineError> {
        match verdict {
            Verdict::Missing(error) => {
                self.missing(fence, row, event.contact.as_deref(), &error)
                    .await
            }
            Verdict::Retry { error, after } => self.read_later(fence, row, after, &error).await,
            other => {
                let error = format!("its condition cannot be judged now: {other:?}");
                self.read_later(fence, row, None, &error).await
            }
        }
    }

    /// A run ends because its contact, which was there when it began, is not there any more.
    pub(crate) async fn tell_run_ended(&self, fence: &Fence, run: &Run) -> Result<(), EngineError> {
        let Some(row) = self.store.event(run.event).await? else {
            return Ok(());
        };
        let event = row.event;
        let counts = matches!(event.source, Source::Webhook | Source::Poll);
        if !counts || self.is_told_gone(&event, run.contact.as_deref()).await? {
            return Ok(());
        }
        self.tell_gone(fence, &event.kind, true).await
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
            missing: row.missing.clone(),
        };
        let id = row.event.id;
        self.store.postpone_event(fence, id, postponed, now).await?;
        Ok(())
    }

    /// The list was read, and lags behind.
    pub(crate) async fn list_lags(
        &self,
        fence: &Fence,
        row: &InboxRow,
        error: &str,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let attempts = row.attempts + 1;
        let postponed = Postponed {
            until: now + self.options.retry.reading_delay(attempts),
            attempts,
            error: error.to_owned(),
            missing_since: row.missing_since.or(Some(now)),
            missing: row.missing.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_is_looked_for_after_an_hour_after_six_and_then_daily_for_a_month() {
        let since: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let mut now = since;
        let mut hours = Vec::new();
        while let Some(next) = next_look(since, now) {
            hours.push(next.duration_since(since).as_hours());
            now = next;
        }
        assert_eq!(hours[..4], [1, 6, 24, 48]);
        assert_eq!((hours.len(), hours[hours.len() - 1]), (33, 31 * 24));
    }
}
