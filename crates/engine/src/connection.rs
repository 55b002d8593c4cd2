//! A connection: one HighLevel location, one Ecologi account, and the workflows between them.

use std::sync::Arc;

use canopy_ecologi::PriceList;
use canopy_mapping::Workflow;
use canopy_store::Cap;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rust_decimal::Decimal;

/// Caps on real spending (`test = false`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Most that may be spent in a calendar day (UTC), in `currency`.
    pub per_day: Decimal,
    /// Most that may be spent in a calendar month (UTC), in `currency`.
    pub per_month: Decimal,
}

impl Budget {
    /// The caps in force at `now`, with the instants at which they begin anew.
    pub fn caps(&self, now: Timestamp) -> Vec<Cap> {
        let today = now.to_zoned_datetime(TimeZone::UTC).date();
        let start = |date: jiff::civil::Date| {
            date.to_zoned_datetime(TimeZone::UTC)
                .map_or(now, |midnight| midnight.timestamp())
        };
        let first = today.first_of_month();
        let next_month = today.last_of_month().tomorrow().unwrap_or(today);
        vec![
            Cap {
                name: "day",
                from: start(today),
                until: start(today) + SignedDuration::from_hours(24),
                limit: self.per_day,
            },
            Cap {
                name: "month",
                from: start(first),
                until: start(next_month),
                limit: self.per_month,
            },
        ]
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
    /// Simulated purchases: nothing is charged.
    pub test: bool,
    /// Required by the configuration when `test` is false.
    pub budget: Option<Budget>,
    /// Expected prices, in `currency`.
    pub prices: PriceList,
    /// ISO code of the Ecologi account's currency.
    pub currency: String,
    pub workflows: Arc<[Workflow]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_begin_anew_at_midnight_and_on_the_first() {
        let budget = Budget {
            per_day: Decimal::ONE,
            per_month: Decimal::TEN,
        };
        let caps = budget.caps("2026-12-31T23:30:00Z".parse().unwrap());
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
}
