//! A store that may have forgotten purchases: it was restored from a backup, or is an older copy of the one that wrote
//! last. Nothing is really bought until the account's totals can tell, or a person says so.

use canopy_store::clock::{Clock, Moment};
use canopy_store::{Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The name under which the store remembers it.
const FACT: &str = "older copy";
/// Settles it for all accounts.
const ALL: &str = "all";

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// When it was put in place, or noticed: what happened since is known.
    pub at: Timestamp,
    /// The same by clocks that nobody sets.
    #[serde(default)]
    moment: Option<Moment>,
    /// How, for people.
    pub how: String,
    /// `false`: it may as well have been moved as it was.
    pub certain: bool,
    /// For which accounts and connections the matter is settled.
    #[serde(default)]
    settled: Vec<String>,
}

impl Copied {
    /// What the store says of itself; `None`: nothing was ever noticed.
    pub async fn of(store: &dyn Store) -> Result<Option<Self>, StoreError> {
        let fact = store.fact(FACT).await?;
        Ok(fact.and_then(|(value, _)| serde_json::from_value(value).ok()))
    }

    /// Notes that the store is such a copy, before anything is bought on it.
    pub async fn note(
        store: &dyn Store,
        how: &str,
        certain: bool,
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        let before = Self::of(store).await?;
        let was_certain = before.is_some_and(|before| before.certain && before.settled.is_empty());
        let now = clock.now();
        let copied = Self {
            at: now,
            moment: Some(clock.moment()),
            how: how.to_owned(),
            certain: certain || was_certain,
            settled: Vec::new(),
        };
        store.put_fact(FACT, json!(copied), now).await
    }

    /// A person's word, or the account's totals: the matter is settled for this account (or connection).
    pub async fn settle(
        mut self,
        store: &dyn Store,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if !self.holds(name) {
            return Ok(());
        }
        self.settled.push(name.to_owned());
        store.put_fact(FACT, json!(self), now).await
    }

    /// Whether purchases of this account (or connection without one) wait for it.
    pub fn holds(&self, name: &str) -> bool {
        !self.settled.iter().any(|one| one == name || one == ALL)
    }

    /// How long it has really been in place at least. The machine's clock may have been set since, and what it was set by
    /// is no time in which a report could have caught up.
    pub(super) fn passed(&self, clock: &dyn Clock) -> SignedDuration {
        let since = self.moment.as_ref();
        since.map_or(SignedDuration::ZERO, |since| clock.moment().since(since))
    }

    /// How much longer the totals may lack what it has forgotten.
    pub(super) async fn left(
        &mut self,
        store: &dyn Store,
        delay: SignedDuration,
        clock: &dyn Clock,
    ) -> Result<SignedDuration, StoreError> {
        let passed = self.passed(clock);
        if passed.is_zero() {
            // The machine was started again, or tells no time of its own: it counts from now on.
            self.moment = Some(clock.moment());
            store.put_fact(FACT, json!(self), clock.now()).await?;
        }
        Ok((delay - passed).max(SignedDuration::ZERO))
    }

    /// When that will be over, for people.
    pub(super) fn due(
        &self,
        left: SignedDuration,
        (delay, now): (SignedDuration, Timestamp),
    ) -> Timestamp {
        let (due, by_now) = (self.at.checked_add(delay), now.checked_add(left));
        match (due, by_now) {
            // One and the same moment, as long as nobody sets the clock.
            (Ok(due), Ok(by_now))
                if due.duration_since(by_now).abs() < SignedDuration::from_secs(5) =>
            {
                due
            }
            (_, by_now) => by_now.unwrap_or(Timestamp::MAX),
        }
    }

    /// What a person is told, `whose` purchases wait and until when.
    pub(super) fn told(&self, whose: &str, until: &str) -> String {
        format!(
            "this store may have forgotten purchases: {how} at {at:.0}. Real purchases {whose} wait {until}. To have them go on at once: put the newer store back; or `canopy ledger import FILE` what it exported, which says what it had bought; or, where nothing was bought that is not in here, `canopy ledger acknowledge`",
            how = self.how,
            at = self.at,
        )
    }
}
