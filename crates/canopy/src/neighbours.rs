//! Other programs that use up the day's calls: all private tokens of a location count on one number.

use canopy_engine::Engine;
use canopy_highlevel::DailyBudget;
use canopy_store::{NewAlert, SqliteStore, Store, StoreError};
use jiff::{SignedDuration, Timestamp};

use crate::connect::midnight;

/// Kind and subject of the alert.
const KIND: &str = "neighbour";
const SUBJECT: &str = "calls of the day";

/// In the first hour of a day a burst says nothing of the rest.
const LEAST: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Raises an alert for each location whose day others threaten, and ends it when they do not any more.
pub(crate) async fn look(
    store: &SqliteStore,
    engine: &Engine,
    now: Timestamp,
) -> Result<(), StoreError> {
    for connection in engine.connections() {
        let Some(daily) = connection.highlevel.rate_budget().daily else {
            continue;
        };
        let location = &connection.location;
        // Commands beside this program log their calls in the same store.
        let logged = store
            .calls_since(location, "highlevel", midnight(now))
            .await?;
        let others = u64::from(daily.used).saturating_sub(logged);
        let others = others.min(daily.others.into());
        if threatens(&daily, others, now) {
            let alert = NewAlert {
                location: location.clone(),
                kind: KIND.to_owned(),
                subject: SUBJECT.to_owned(),
                message: message(&daily, others),
            };
            store.raise_alert(alert, now).await?;
        } else {
            store.resolve_alert(location, KIND, SUBJECT, now).await?;
        }
    }
    Ok(())
}

/// Whether others take a good part of the day, and it is nearly spent or will be before its end at this pace.
fn threatens(daily: &DailyBudget, others: u64, now: Timestamp) -> bool {
    let (limit, used) = (u64::from(daily.limit), u64::from(daily.used));
    let left = daily.resets_at.duration_since(now);
    let gone = DAY.saturating_sub(left).max(LEAST);
    let seconds = |time: SignedDuration| u64::try_from(time.as_secs()).unwrap_or(1).max(1);
    let at_the_end = used.saturating_mul(seconds(DAY)) / seconds(gone);
    let nearly_spent = u64::from(daily.remaining).saturating_mul(5) < limit;
    others.saturating_mul(10) >= limit && (nearly_spent || at_the_end > limit)
}

fn message(daily: &DailyBudget, others: u64) -> String {
    format!(
        "other programs have made about {others} of the {} calls that HighLevel allows this location in a day, and {} are left until {}; when few are left polls stop, then workflows. All private tokens of a location share the day: slow the other program down, or connect Canopy as an app, which has a day of its own",
        daily.limit,
        daily.remaining,
        daily.resets_at.strftime("%H:%M UTC")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_threatened_by_what_others_take_and_not_by_our_own_calls() {
        let daily = |used: u32| DailyBudget {
            limit: 1000,
            used,
            others: used,
            remaining: 1000 - used,
            told: true,
            resets_at: "2026-12-01T00:00:00Z".parse().unwrap(),
        };
        for (at, used, others, right) in [
            // Half of it by noon is what a day has; more is not.
            ("12:00", 500, 400, false),
            ("12:00", 520, 400, true),
            // Our own doing, or nearly so.
            ("12:00", 900, 0, false),
            ("12:00", 900, 99, false),
            ("12:00", 900, 100, true),
            // Late in the day little is left, whatever the pace.
            ("23:50", 810, 200, true),
            ("23:50", 790, 200, false),
            // A burst at midnight says nothing yet, but for the whole of it.
            ("00:01", 40, 40, false),
            ("00:01", 150, 150, true),
        ] {
            let now = format!("2026-11-30T{at}:00Z").parse().unwrap();
            assert_eq!(
                threatens(&daily(used), others, now),
                right,
                "{at} {used} {others}"
            );
        }
    }
}
