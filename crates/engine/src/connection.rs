//! A connection: one HighLevel location, one Ecologi account, and the workflows between them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use canopy_ecologi::PriceList;
use canopy_mapping::Workflow;
use canopy_mapping::fields::FieldRules;
use canopy_store::{Cap, CapScope, Purchase};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;

/// Where days and months of caps begin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BudgetZone {
    #[default]
    Utc,
    /// In the location's time zone, which is read.
    Location,
    Named(TimeZone),
}

/// Caps on real spending (`test = false`), over calendar days and months.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    /// Most that the connection may spend in a day, in its currency.
    pub per_day: Decimal,
    /// Most that the connection may spend in a month, in its currency.
    pub per_month: Decimal,
    /// Most that may be spent for one contact in a day.
    pub per_contact_per_day: Option<Decimal>,
    /// Caps of single workflows, by workflow id.
    pub workflows: BTreeMap<String, Caps>,
    /// Caps of all connections with this currency together.
    pub all: Caps,
    pub zone: BudgetZone,
}

/// Caps that one may do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps {
    pub per_day: Option<Decimal>,
    pub per_month: Option<Decimal>,
}

impl Budget {
    /// The caps in force at `now` for a purchase of this workflow, with the instants at which they begin anew. A day that
    /// clocks make longer or shorter is one day.
    pub fn caps(&self, workflow: &str, now: Timestamp, zone: &TimeZone) -> Vec<Cap> {
        let today = now.to_zoned_datetime(zone.clone()).date();
        let start = |date: jiff::civil::Date| {
            let begins = date
                .to_zoned_datetime(zone.clone())
                .and_then(|day| day.start_of_day());
            begins.map_or(now, |day| day.timestamp())
        };
        let tomorrow = today.tomorrow().unwrap_or(today);
        let first = today.first_of_month();
        let next_month = today.last_of_month().tomorrow().unwrap_or(today);
        let day = |scope, limit| Cap {
            name: "day",
            scope,
            from: start(today),
            until: start(tomorrow),
            limit,
        };
        let month = |scope, limit| Cap {
            name: "month",
            scope,
            from: start(first),
            until: start(next_month),
            limit,
        };
        let workflow = self.workflows.get(workflow).copied().unwrap_or_default();
        let own = Caps {
            per_day: Some(self.per_day),
            per_month: Some(self.per_month),
        };
        let mut caps = Vec::new();
        for (scope, limits) in [
            (CapScope::Connection, own),
            (CapScope::Workflow, workflow),
            (CapScope::All, self.all),
        ] {
            caps.extend(limits.per_day.map(|limit| day(scope, limit)));
            caps.extend(limits.per_month.map(|limit| month(scope, limit)));
        }
        let contact = self.per_contact_per_day;
        caps.extend(contact.map(|limit| day(CapScope::Contact, limit)));
        caps
    }
}

/// Everything that the engine needs to work for one location.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Immutable: part of every purchase key.
    pub id: String,
    /// The HighLevel location's id.
    pub location: String,
    pub highlevel: canopy_highlevel::Client,
    pub ecologi: canopy_ecologi::Client,
    /// The Ecologi account's user name, for links to its public page.
    pub ecologi_user: Option<String>,
    /// Tells its Ecologi account from others, also where it has no name: a purchase that was sent to one account cannot be
    /// repeated at another.
    pub ecologi_account: String,
    /// Simulated purchases: nothing is charged.
    pub test: bool,
    /// Whether HighLevel is written to although purchases are simulated. Says nothing where they are real.
    pub write_in_test: bool,
    /// Required by the configuration when `test` is false.
    pub budget: Option<Budget>,
    /// Expected prices, in `currency`.
    pub prices: PriceList,
    /// ISO code of the Ecologi account's currency.
    pub currency: String,
    pub workflows: Workflows,
    /// Which fields of contacts and profiles belong together.
    pub fields: Arc<FieldRules>,
}

impl Connection {
    /// Whether a purchase was sent to the account that the connection has now, as far as the store knows.
    pub(crate) fn is_sent_here(&self, purchase: &Purchase) -> bool {
        let sent_to = purchase.sent_to.as_ref();
        sent_to.is_none_or(|account| *account == self.ecologi_account)
    }

    /// Whether what workflows write to HighLevel is sent.
    pub fn writes(&self) -> bool {
        !self.test || self.write_in_test
    }
}

/// The workflows of a connection. They can be replaced while the engine runs: runs that have begun keep theirs, and wait
/// while it is switched off. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Workflows(Arc<RwLock<Arc<Present>>>);

/// The workflows at a time.
#[derive(Debug, Default)]
pub(crate) struct Present {
    active: Arc<[Workflow]>,
    /// Ids of those that are switched off (`enabled = false`).
    pub off: Vec<String>,
}

impl Present {
    /// Ids of those that may run.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.active.iter().map(|workflow| workflow.id.as_str())
    }
}

impl FromIterator<Workflow> for Present {
    fn from_iter<T: IntoIterator<Item = Workflow>>(workflows: T) -> Self {
        let (active, off): (Vec<_>, Vec<_>) =
            workflows.into_iter().partition(|workflow| workflow.enabled);
        Self {
            active: active.into(),
            off: off.into_iter().map(|workflow| workflow.id).collect(),
        }
    }
}

impl Workflows {
    /// The present ones, without those that are switched off.
    pub fn current(&self) -> Arc<[Workflow]> {
        Arc::clone(&self.present().active)
    }

    /// Whether a workflow is there and switched off: nothing of it is carried out.
    pub fn is_off(&self, id: &str) -> bool {
        self.present().off.iter().any(|off| off == id)
    }

    pub(crate) fn present(&self) -> Arc<Present> {
        let present = self.0.read();
        // Nothing that is done under the lock can leave it half done.
        Arc::clone(&present.unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others in their place, all at once; with those that are switched off, or what was begun of them goes on.
    pub fn replace(&self, workflows: impl IntoIterator<Item = Workflow>) {
        let workflows = Arc::new(workflows.into_iter().collect());
        let mut present = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *present = workflows;
    }
}

impl FromIterator<Workflow> for Workflows {
    fn from_iter<T: IntoIterator<Item = Workflow>>(workflows: T) -> Self {
        let present = workflows.into_iter().collect();
        Self(Arc::new(RwLock::new(Arc::new(present))))
    }
}

impl From<Vec<Workflow>> for Workflows {
    fn from(workflows: Vec<Workflow>) -> Self {
        workflows.into_iter().collect()
    }
}

impl<const N: usize> From<[Workflow; N]> for Workflows {
    fn from(workflows: [Workflow; N]) -> Self {
        workflows.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_begin_anew_at_midnight_and_on_the_first() {
        let budget = Budget {
            per_day: Decimal::ONE,
            per_month: Decimal::TEN,
            ..Budget::default()
        };
        let utc = TimeZone::UTC;
        let caps = budget.caps("w", "2026-12-31T23:30:00Z".parse().unwrap(), &utc);
        let at = |cap: &Cap| (cap.from.to_string(), cap.until.to_string());
        assert_eq!(
            at(&caps[0]),
            ("2026-12-31T00:00:00Z".into(), "2027-01-01T00:00:00Z".into())
        );
        assert_eq!(
            at(&caps[1]),
            ("2026-12-01T00:00:00Z".into(), "2027-01-01T00:00:00Z".into())
        );
    }

    #[test]
    fn days_of_a_zone_have_as_many_hours_as_its_clocks_make() {
        let budget = Budget {
            per_day: Decimal::ONE,
            per_month: Decimal::TEN,
            ..Budget::default()
        };
        for (now, zone, from, until) in [
            // 25 and 23 hours.
            (
                "2026-10-25T12:00:00Z",
                "Europe/London",
                "2026-10-24T23:00:00Z",
                "2026-10-26T00:00:00Z",
            ),
            (
                "2026-03-29T12:00:00Z",
                "Europe/London",
                "2026-03-29T00:00:00Z",
                "2026-03-29T23:00:00Z",
            ),
            // The day begins at one o'clock, because there is no midnight.
            (
                "2026-09-06T12:00:00Z",
                "America/Santiago",
                "2026-09-06T04:00:00Z",
                "2026-09-07T03:00:00Z",
            ),
            // Already tomorrow there.
            (
                "2026-11-23T12:00:00Z",
                "Pacific/Auckland",
                "2026-11-23T11:00:00Z",
                "2026-11-24T11:00:00Z",
            ),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let day = budget.caps("w", now.parse().unwrap(), &zone).remove(0);
            assert_eq!(
                (day.from.to_string(), day.until.to_string()),
                (from.into(), until.into())
            );
        }
    }
}
