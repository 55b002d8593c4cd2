//! Looks at what nobody else reports: credentials, limits, the room for the store, the clock, what waits for a person.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use canopy_engine::{Cause, Connection, Engine};
use canopy_store::{
    BreakerStore as _, HealthStore as _, NewAlert, Part, PartReport, PartState, Reports,
    SqliteStore, Store as _, StoreError, Summary,
};
use jiff::{SignedDuration, Timestamp};

use super::answers::Answers;
use super::room;
use super::services::Services;
use crate::connect::Connector;

const HIGHLEVEL: &str = "highlevel";
const ECOLOGI: &str = "ecologi";
/// What a refusal may have meant is looked into after so long at the earliest, because that takes calls.
const AGAIN: Duration = Duration::from_secs(30);
/// While credentials are refused they are tried so often: a token may have been put right.
const RETRY: Duration = Duration::from_mins(1);
/// Looks are this far apart.
pub(super) const EVERY: SignedDuration = SignedDuration::from_secs(10);
/// As soon as less than one in so many of the day's calls is left, nothing more is polled.
const LEFT: u32 = 10;
/// A clock that is wrong by more than this makes events late that are not, or has tokens refused.
const WRONG: SignedDuration = SignedDuration::from_mins(5);
/// Longer than any pause of a busy machine.
const JUMP: SignedDuration = SignedDuration::from_mins(2);
/// What only tells of something that happened is told so long.
const NOTICE: SignedDuration = SignedDuration::from_hours(24);

/// Looks now and again.
pub(crate) struct Look<'a> {
    pub store: &'a SqliteStore,
    pub engine: &'a Engine,
    pub answers: &'a Answers,
    /// Bytes that are to be free where the store is.
    pub room: u64,
    reports: Reports,
    /// By location.
    tokens: HashMap<String, Tried>,
    clock: Option<(Timestamp, Instant)>,
    served: HashMap<String, Timestamp>,
    services: Services,
    /// Nothing is looked at again by this process.
    ends: bool,
}

/// How the last look at a token ended.
struct Tried {
    at: Instant,
    refused: bool,
}

impl<'a> Look<'a> {
    pub fn new(
        store: &'a SqliteStore,
        engine: &'a Engine,
        answers: &'a Answers,
        room: u64,
    ) -> Self {
        Self {
            store,
            engine,
            answers,
            room,
            reports: Reports::default(),
            tokens: HashMap::new(),
            clock: None,
            served: HashMap::new(),
            services: Services::default(),
            ends: false,
        }
    }

    /// This is the only look: none is announced.
    pub fn ends(&mut self) {
        self.ends = true;
    }

    async fn tell(&mut self, mut found: Vec<PartReport>, now: Timestamp) -> Result<(), StoreError> {
        if self.ends {
            for report in &mut found {
                report.next_try = None;
            }
        }
        let news = self.reports.news(found, now);
        self.store.report_health(news, now).await
    }

    /// Looks at everything and writes what is new.
    pub async fn all(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut found = vec![self.room(now)];
        let unread = self.store.unread().await?;
        for connection in self.engine.connections() {
            found.extend(limit(connection, now));
            let seen = self.answers.take(ECOLOGI, &connection.location);
            found.extend(self.key(connection, seen.taken, now).await?);
            found.extend(self.services.ecologi(connection, seen));
            found.extend(self.services.reading(connection, &unread, now));
        }
        found.extend(people(&self.store.summary().await?));
        self.tell(found, now).await?;
        self.store.end_notices(now - NOTICE, now).await?;
        Ok(())
    }

    /// Looks into refusals, and notes credentials that were taken.
    pub async fn credentials(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut found = Vec::new();
        for connection in self.engine.connections() {
            found.extend(self.token(connection, now).await);
        }
        self.tell(found, now).await
    }

    async fn token(&mut self, connection: &Connection, now: Timestamp) -> Option<PartReport> {
        let location = &connection.location;
        let seen = self.answers.take(HIGHLEVEL, location);
        let last = self.tokens.get(location);
        let since = last.map(|last| last.at.elapsed());
        let was_refused = last.is_some_and(|last| last.refused);
        let again = if was_refused { RETRY } else { AGAIN };
        let is_due = since.is_none_or(|since| since >= again);
        // Where one call is taken and another refused it is a matter of scopes, which that call's part tells.
        let is_doubtful = seen.refused.is_some() && !seen.taken;
        if !(is_due && (is_doubtful || was_refused)) {
            // While refused only a look of its own says that it is good: some calls need no scope.
            let good = seen.taken && !was_refused;
            if good {
                self.answers.settle(HIGHLEVEL, location);
            }
            return good.then(|| report(connection, Part::Token, PartState::Good, None));
        }
        let tried = Connector::verify(&connection.highlevel, location).await;
        self.answers.settle(HIGHLEVEL, location);
        // The look's own calls are no news.
        self.answers.take(HIGHLEVEL, location);
        let state = match &tried {
            Ok(()) => Some(PartState::Good),
            // `None`: nobody knows now.
            Err(error) => super::token_state(error),
        };
        let noted = Tried {
            at: Instant::now(),
            refused: state
                .as_ref()
                .map_or(was_refused, |state| *state != PartState::Good),
        };
        self.tokens.insert(location.clone(), noted);
        let retry = SignedDuration::try_from(RETRY).unwrap_or_default();
        let next = tried.is_err().then(|| now + retry);
        Some(report(connection, Part::Token, state?, next))
    }

    /// Ecologi's key is looked into before money and by each purchase; what they found stops purchases.
    async fn key(
        &self,
        connection: &Connection,
        taken: bool,
        now: Timestamp,
    ) -> Result<Option<PartReport>, StoreError> {
        let location = &connection.location;
        let open = self.store.breakers(Some(location)).await?;
        let stopped = open
            .into_iter()
            .find(|one| one.cause == Cause::Ecologi.as_str());
        let state = match stopped {
            Some(breaker) => PartState::ToldElsewhere {
                cause: breaker.reason,
                remedy: "see to the key and the account's billing; the alert `stopped` tells more"
                    .to_owned(),
            },
            None if taken => PartState::Good,
            None => {
                // It goes on once a check found all well, and was good if nothing else is known.
                let parts = self.store.health().await?;
                let mut keys = parts.iter().filter(|one| one.part == Part::Key);
                let was_bad =
                    keys.any(|one| one.location == *location && one.failing_since.is_some());
                if !was_bad {
                    return Ok(None);
                }
                PartState::Good
            }
        };
        // A good one is next looked at when something is bought or checked.
        let next = (state != PartState::Good).then(|| now + EVERY);
        Ok(Some(report(connection, Part::Key, state, next)))
    }

    fn room(&self, now: Timestamp) -> PartReport {
        let place = self.store.path();
        let state = match self.store.trouble() {
            Some(error) => PartState::Failing {
                cause: format!("nothing can be stored: {error}"),
                remedy: "webhooks are told to come again and nothing is bought meanwhile; it goes on by itself".to_owned(),
                at_once: true,
            },
            None => room::too_little(place, self.room).unwrap_or(PartState::Good),
        };
        PartReport {
            next_try: Some(now + EVERY),
            ..room::of_store(state)
        }
    }

    /// Compares the clock with one that nobody can set, and with HighLevel's.
    pub async fn clock(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let at = Instant::now();
        if let Some((was, then)) = self.clock.replace((now, at)) {
            let passed = SignedDuration::try_from(at - then).unwrap_or_default();
            let jump = now.duration_since(was) - passed;
            if jump.abs() > JUMP {
                self.jumped(jump, now).await?;
            }
        }
        let mut found = Vec::new();
        for connection in self.engine.connections() {
            let Some(theirs) = connection.highlevel.service_time() else {
                continue;
            };
            let known = self.served.insert(connection.location.clone(), theirs);
            // Only a new answer tells the time.
            if known == Some(theirs) {
                continue;
            }
            found.push(clock_of(connection, now.duration_since(theirs)));
        }
        self.tell(found, now).await
    }

    async fn jumped(&self, jump: SignedDuration, now: Timestamp) -> Result<(), StoreError> {
        let way = if jump.is_positive() {
            "ahead (or the machine slept)"
        } else {
            "back"
        };
        let by = SignedDuration::from_secs(jump.as_secs()).abs();
        tracing::warn!(%by, way, "the clock jumped");
        let alert = NewAlert {
            location: String::new(),
            kind: "clock".to_owned(),
            subject: "jump".to_owned(),
            message: format!(
                "the clock jumped {by:#} {way}; what waits is looked at again. See that the machine's time is kept by NTP; occurrences of timetables in between are made up for once"
            ),
        };
        self.store.raise_alert(alert, now).await.map(drop)
    }
}

fn clock_of(connection: &Connection, ahead: SignedDuration) -> PartReport {
    let by = SignedDuration::from_secs(ahead.as_secs()).abs();
    let way = if ahead.is_positive() {
        "ahead of"
    } else {
        "behind"
    };
    let state = if ahead.abs() > WRONG {
        PartState::Failing {
            cause: format!("this machine's clock is {by:#} {way} HighLevel's"),
            remedy: "set the clock (NTP); until then events count as late or early, and caps and timetables begin their days at the wrong time".to_owned(),
            // One answer may come from somewhere else, or have been kept.
            at_once: false,
        }
    } else {
        PartState::Good
    };
    report(connection, Part::ClockOff, state, None)
}

pub(super) fn report(
    connection: &Connection,
    part: Part,
    state: PartState,
    next_try: Option<Timestamp>,
) -> PartReport {
    PartReport {
        location: connection.location.clone(),
        part,
        name: connection.id.clone(),
        state,
        next_try,
    }
}

/// How the day's calls stand.
fn limit(connection: &Connection, now: Timestamp) -> Option<PartReport> {
    let day = connection.highlevel.rate_budget().daily?;
    let state = if day.remaining < day.limit / LEFT {
        let others = match day.others {
            0 => String::new(),
            others => format!(", {others} of them by other programs"),
        };
        PartState::Failing {
            cause: format!(
                "{} of the day's {} calls to HighLevel are used{others}",
                day.used, day.limit
            ),
            remedy: format!(
                "polls wait longer, and without calls everything waits until {:.0}; poll less often, have other programs with this location's tokens call less, or ask HighLevel for more",
                day.resets_at
            ),
            at_once: true,
        }
    } else {
        PartState::Good
    };
    let next = if state == PartState::Good {
        now + EVERY
    } else {
        day.resets_at
    };
    Some(report(connection, Part::Limit, state, Some(next)))
}

/// What waits for a person.
pub(crate) fn people(summary: &Summary) -> Vec<PartReport> {
    let counts = [
        (
            Part::DeadRuns,
            summary.runs_dead,
            "run(s) have ended in failure",
            "`canopy status` lists them with their errors; once mended, `canopy retry RUN`",
        ),
        (
            Part::HeldRuns,
            summary.runs_held,
            "run(s) wait for a person",
            "`canopy status` lists them with their reasons; once mended, `canopy retry RUN`",
        ),
    ];
    let reports = counts.map(|(part, count, what, remedy)| PartReport {
        location: String::new(),
        part,
        name: "all".to_owned(),
        state: match count {
            0 => PartState::Good,
            _ => PartState::Failing {
                cause: format!("{count} {what}"),
                remedy: remedy.to_owned(),
                at_once: true,
            },
        },
        next_try: None,
    });
    let mut reports = Vec::from(reports);
    reports.push(canopy_engine::unknown_purchases(summary.purchases_unknown));
    reports
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use canopy_engine::Options;
    use canopy_store::clock::SystemClock;
    use canopy_store::{Alert, SecretKey};

    use super::*;

    async fn told(store: &SqliteStore) -> Vec<Alert> {
        store.alerts(true, 10).await.unwrap()
    }

    #[tokio::test]
    async fn a_clock_that_jumps_is_told_and_one_that_runs_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canopy.db");
        let store = SqliteStore::open(&path, &SecretKey::generate())
            .await
            .unwrap();
        let shared = Arc::new(store.clone());
        let engine = Engine::new(
            shared,
            Arc::new(SystemClock),
            [],
            "test",
            Options::default(),
        );
        let answers = Answers::default();
        let mut look = Look::new(&store, &engine, &answers, 0);
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for seconds in [0, 1, 30] {
            let then = now + SignedDuration::from_secs(seconds);
            look.clock(then).await.unwrap();
        }
        assert!(told(&store).await.is_empty());
        for (hours, way) in [(5, "ahead"), (-3, "back")] {
            look.clock(now + SignedDuration::from_hours(hours))
                .await
                .unwrap();
            let alert = told(&store).await.remove(0);
            assert_eq!((&*alert.kind, &*alert.subject), ("clock", "jump"));
            assert!(alert.message.contains(way), "{}", alert.message);
            let subject = &alert.subject;
            store
                .resolve_alert("", "clock", subject, now)
                .await
                .unwrap();
        }
    }
}
