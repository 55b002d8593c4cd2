//! What was written by a clock that was ahead, once it is set right.

use jiff::{SignedDuration, Timestamp};

use super::fault::Op;
use super::fence::Held;
use super::row::micros;

/// Clocks of machines that share a store differ by less.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(2);

/// Lets what waits for a moment that was reckoned in the future be looked at now, and counts what was bought there as of
/// today. Tells how many there were.
pub(super) async fn set_right(held: &mut Held<'_>, now: Timestamp) -> Op<u64> {
    let latest = micros(now.saturating_add(TOLERANCE).unwrap_or(now));
    let mut changed = 0;
    for statement in [
        "UPDATE runs SET next_attempt_at = ?2, updated_at = ?2
         WHERE location = ?1 AND state = 'waiting' AND updated_at > ?3",
        "UPDATE inbox SET next_attempt_at = ?2, updated_at = ?2
         WHERE location = ?1 AND state = 'pending' AND next_attempt_at IS NOT NULL AND updated_at > ?3",
        "UPDATE purchases SET counted_at = ?2 WHERE location = ?1 AND counted_at > ?3",
    ] {
        let done = sqlx::query(statement)
            .bind(&held.fence.location)
            .bind(micros(now))
            .bind(latest)
            .execute(&mut *held.connection)
            .await?;
        changed += done.rows_affected();
    }
    Ok(changed)
}
