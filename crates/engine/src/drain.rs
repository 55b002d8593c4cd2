//! `drain(location)`: take the location's pending events in order and run them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use canopy_store::{Fence, InboxRow, NewAlert, Run};
use futures::{StreamExt, TryStreamExt, stream};

use crate::Engine;
use crate::connection::Connection;
use crate::due::{DueEvents, DueRuns, PAGE};
use crate::error::EngineError;
use crate::steps::tag_writes::TagWrites;
use crate::turns::InLine;

/// What a drain did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    /// `false`: another process holds the location.
    pub owner: bool,
    /// Events taken and runs executed.
    pub events: u64,
    pub runs: u64,
}

/// What there is to do for one contact, oldest first.
#[derive(Debug, Default)]
struct Work {
    runs: Vec<Run>,
    events: Vec<InboxRow>,
}

impl Engine {
    /// Does everything that is due at a location: contacts side by side, the events of a contact in order.
    pub async fn drain(&self, location: &str) -> Result<Drained, EngineError> {
        let connection = self
            .connections
            .get(location)
            .cloned()
            .ok_or_else(|| EngineError::UnknownLocation(location.to_owned()))?;
        let Some(fence) = self.lease(location).await? else {
            return Ok(Drained::default());
        };
        let work = self.drain_owned(&connection, &fence);
        let renewal = self.renew(location);
        tokio::select! {
            drained = work => drained,
            lost = renewal => Err(lost),
        }
    }

    async fn drain_owned(
        &self,
        connection: &Arc<Connection>,
        fence: &Fence,
    ) -> Result<Drained, EngineError> {
        let mut drained = Drained {
            owner: true,
            ..Drained::default()
        };
        self.set_right(fence).await?;
        self.enter_mode(connection).await?;
        self.look_again(fence).await?;
        let (mut due_runs, mut due_events) = (DueRuns::runs(), DueEvents::events());
        loop {
            self.fit_to_switches(connection, fence).await?;
            self.free_waiting(connection, fence).await?;
            let now = self.clock.now();
            let (store, location) = (&self.store, &fence.location);
            let runs = loop {
                let after = due_runs.after();
                let page = store.due_runs(location, now, after, PAGE).await?;
                if let Some(runs) = due_runs.take(page) {
                    break runs;
                }
            };
            let events = loop {
                let after = due_events.after();
                let page = store.pending_events(location, now, after, PAGE).await?;
                if let Some(events) = due_events.take(page) {
                    break events;
                }
            };
            if self.is_stopping() || (runs.is_empty() && events.is_empty()) {
                if drained.events + drained.runs > 0 {
                    self.tell_waiting(fence).await?;
                }
                return Ok(drained);
            }
            drained.events += events.len() as u64;
            drained.runs += runs.len() as u64;
            let contacts = by_contact(runs, events);
            self.note_locations().await?;
            let tags = TagWrites::new(contacts.len(), self.options.concurrency);
            // How many work at the same time is up to the slots: who waits for a merged write has none.
            stream::iter(contacts)
                .map(Ok)
                .try_for_each_concurrent(None, async |work| {
                    tags.begin().await;
                    let line = self.turns.stand(connection);
                    let item = Item { tags: &tags, line };
                    // Boxed, so that those who have not begun take no room.
                    Box::pin(self.work_off(connection, fence, &item, work)).await?;
                    drop(item);
                    tags.end();
                    Ok::<_, EngineError>(())
                })
                .await?;
        }
    }

    /// A clock that was ahead left moments behind that would silence waits and budgets until they come.
    async fn set_right(&self, fence: &Fence) -> Result<(), EngineError> {
        let now = self.clock.now();
        let found = self.store.set_right(fence, now).await?;
        if found == 0 {
            return Ok(());
        }
        tracing::warn!(location = %fence.location, found, "the clock was ahead, and is set right; what lay in the future is looked at again");
        let alert = NewAlert {
            location: fence.location.clone(),
            kind: "clock".to_owned(),
            subject: "waits and purchases".to_owned(),
            message: format!(
                "the clock was ahead and was set right: {found} wait(s) and purchase(s) lay in the future; waits are looked at again, and the purchases count as of today"
            ),
        };
        self.store.raise_alert(alert, now).await?;
        Ok(())
    }

    async fn work_off(
        &self,
        connection: &Connection,
        fence: &Fence,
        item: &Item<'_>,
        work: Work,
    ) -> Result<(), EngineError> {
        for run in &work.runs {
            if self.is_stopping() {
                return Ok(());
            }
            item.line.may_come();
            self.execute(connection, (fence, item), run, None).await?;
        }
        for row in work.events {
            if self.is_stopping() {
                return Ok(());
            }
            let order = (row.event.occurred_at, row.event.id);
            item.line.comes(order);
            let (runs, mut contact) = self.take_in(connection, fence, row).await?;
            for run in runs {
                item.line.comes(order);
                // What the first of them makes of it the others read.
                let read = contact.take();
                self.execute(connection, (fence, item), &run, read).await?;
            }
        }
        Ok(())
    }

    /// Once: at a cap that connections share, what waits at those that are not worked for any more keeps nobody waiting.
    async fn note_locations(&self) -> Result<(), EngineError> {
        let noted = self.noted.get_or_try_init(async || {
            let mut locations: Vec<String> = self.connections.keys().cloned().collect();
            locations.sort_unstable();
            let now = self.clock.now();
            self.store.work_for(locations, now).await
        });
        noted.await?;
        Ok(())
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) async fn lease(&self, location: &str) -> Result<Option<Fence>, EngineError> {
        let now = self.clock.now();
        let fence = self
            .store
            .acquire_lease(location, &self.owner, now, self.options.lease)
            .await?;
        Ok(fence)
    }

    /// Keeps the lease while a drain goes on; ends only when it is lost.
    async fn renew(&self, location: &str) -> EngineError {
        let third = self.options.lease.unsigned_abs() / 3;
        loop {
            tokio::time::sleep(third).await;
            match self.lease(location).await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    return EngineError::Store(canopy_store::StoreError::Fenced {
                        location: location.to_owned(),
                        epoch: 0,
                    });
                }
                Err(error) => return error,
            }
        }
    }
}

/// What a work item shares with others of its drain.
pub(crate) struct Item<'a> {
    /// Where tag writes meet.
    pub tags: &'a TagWrites,
    /// Where purchases wait for older ones.
    pub line: InLine<'a>,
}

/// Groups work by contact, or by record where there is no contact; what happened first is begun first.
fn by_contact(runs: Vec<Run>, events: Vec<InboxRow>) -> Vec<Work> {
    let mut order: Vec<Work> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut place = |key: String, order: &mut Vec<Work>| {
        *places.entry(key).or_insert_with(|| {
            order.push(Work::default());
            order.len() - 1
        })
    };
    for run in runs {
        let key = run
            .contact
            .clone()
            .unwrap_or_else(|| format!("event {}", run.event));
        let index = place(key, &mut order);
        order[index].runs.push(run);
    }
    for row in events {
        let key = row
            .event
            .contact
            .clone()
            .unwrap_or_else(|| row.event.record.clone());
        let index = place(key, &mut order);
        order[index].events.push(row);
    }
    // Runs that are due are of events that came before.
    order.sort_by_key(|work| match work.events.first() {
        Some(row) if work.runs.is_empty() => Some((row.event.occurred_at, row.event.id)),
        _ => None,
    });
    order
}
