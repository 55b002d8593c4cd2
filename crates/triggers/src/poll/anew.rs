//! What a person hears of a poll: that a trigger begins anew because it asks for something else now, and that a large part
//! of a list has gone.

use canopy_store::{Cursor, Fence, NewAlert, Store, StoreError};
use jiff::{SignedDuration, Timestamp};

use super::step::Step;
use super::{Poll, Poller, Polls};

/// Kind of the alert that a trigger begins anew; its subject is the poll's name. It ends a day later.
const ANEW: &str = "trigger";
/// Kind of the alert that a large part of a list has gone; its subject is the poll's name. It ends by itself.
const DOUBT: &str = "list";
/// What was polled within this time is a trigger that was edited; what was not was taken away long ago.
const LATELY: SignedDuration = SignedDuration::from_hours(24);

impl Poll {
    /// When something else was last asked of this operation that nobody asks for any more: then this trigger is the same
    /// one with other arguments. `cursors`: all of the location.
    pub(super) fn follows(
        &self,
        polls: &Polls,
        cursors: &[Cursor],
        now: Timestamp,
    ) -> Option<Timestamp> {
        let name = |cursor: &&Cursor| {
            let operation = cursor.name.split(':').next();
            operation == Some(self.operation.name)
        };
        let in_use = |cursor: &&Cursor| polls.iter().any(|poll| poll.name == cursor.name);
        cursors
            .iter()
            .filter(name)
            .filter(|cursor| !in_use(cursor) && cursor.updated_at >= now - LATELY)
            .map(|cursor| cursor.updated_at)
            .max()
    }

    /// What is said of a trigger that asks for something else than it did.
    pub(super) fn anew(&self, since: Timestamp) -> String {
        format!(
            "the arguments of trigger {} are others than at its last poll ({since}), so it begins anew: what its first poll \
             finds is the baseline and starts nothing, also what came since then; look at what that is with `canopy \
             trigger test`, and fire it with `canopy backfill --fire` where it is to run",
            self.operation.name
        )
    }
}

/// What is said of the triggers of a location that will begin anew, before anything is polled.
pub async fn begins_anew(
    store: &dyn Store,
    location: &str,
    polls: &Polls,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let cursors = store.cursors(location).await?;
    let is_known = |name: &String| cursors.iter().any(|cursor| cursor.name == *name);
    let new = polls.iter().filter(|poll| {
        let known = is_known(&poll.name) || poll.former.iter().any(is_known);
        poll.named && !poll.backfill && !known
    });
    Ok(new
        .filter_map(|poll| Some(poll.anew(poll.follows(polls, &cursors, now)?)))
        .collect())
}

impl Poller {
    /// Goes on with what an earlier version of the program kept under another name. `true`: nothing is kept of it.
    pub(super) async fn adopt(&self, poll: &Poll, fence: &Fence) -> Result<bool, StoreError> {
        if self.site.cursor(&poll.name).await?.is_some() {
            return Ok(false);
        }
        for former in &poll.former {
            let store = &self.site.store;
            if store.rename_poll(fence, former, &poll.name).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Says that a trigger begins anew, where it was polled with other arguments a short while ago.
    pub(super) async fn tell_anew(&self, poll: &Poll) -> Result<(), StoreError> {
        if !poll.named || poll.backfill {
            return Ok(());
        }
        let now = self.site.clock.now();
        let cursors = self.site.store.cursors(&self.site.location).await?;
        let Some(since) = poll.follows(&self.polls(), &cursors, now) else {
            return Ok(());
        };
        let message = poll.anew(since);
        tracing::warn!(location = %self.site.location, "{message}");
        self.raise(ANEW, poll, message, now).await
    }

    /// Says that a large part of a list has gone, until the next poll has decided.
    pub(super) async fn tell_doubt(
        &self,
        poll: &Poll,
        step: &Step,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let doubt = step.doubt;
        let alone = poll.parents().is_none();
        if doubt.missing > 1 || (alone && doubt.missing > 0) {
            let message = format!(
                "{} shows {} of {} records no longer; nothing is told of them unless the next poll agrees. See in HighLevel whether they were deleted",
                poll.operation.name, doubt.missing, doubt.known
            );
            tracing::warn!(location = %self.site.location, poll = %poll.name, "{message}");
            return self.raise(DOUBT, poll, message, now).await;
        }
        if step.doubted {
            let store = &self.site.store;
            store
                .resolve_alert(&self.site.location, DOUBT, &poll.name, now)
                .await?;
        }
        Ok(())
    }

    async fn raise(
        &self,
        kind: &str,
        poll: &Poll,
        message: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let alert = NewAlert {
            location: self.site.location.clone(),
            kind: kind.to_owned(),
            subject: poll.name.clone(),
            message,
        };
        self.site.store.raise_alert(alert, now).await.map(drop)
    }
}
