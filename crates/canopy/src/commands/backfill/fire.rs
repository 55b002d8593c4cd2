//! A workflow for what was there before: what it would cost, and its events.

use std::collections::{BTreeMap, HashSet};

use canopy_engine::{Connection, Foreseen, foresee};
use canopy_mapping::fields::CustomFieldInfo;
use canopy_mapping::{CUSTOM, Event, Source, Trace, Workflow, record_version};
use canopy_store::{
    BreakerStore as _, Fired, NewEvent, ProfileStore, PurchaseState, SqliteStore, Store,
    StoreError, StoredRecord,
};
use canopy_triggers::RecordKind;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::Serialize;

use super::export::ROWS;
use crate::exit::Failure;
use crate::program::OWNER;

/// How long a lease lasts that firing takes for each location.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// Times that it may be lost between taking and using it.
const FENCED: u32 = 5;

/// The version of an event of a kind that happens once.
const CREATED: &str = "created";

/// What firing would do. Purchases whose key the ledger has are bought already and not in the cost.
#[derive(Debug, Default, Serialize)]
pub(super) struct Plan {
    /// Events that would start the workflow, and did not before.
    pub events: u64,
    /// Events that started it before, and start it once.
    pub ran: u64,
    /// Events that started it in test mode, of a connection that buys for real now.
    pub in_test: u64,
    pub purchases: u64,
    /// Quantities by unit.
    pub quantities: BTreeMap<String, Decimal>,
    pub cost: Decimal,
    pub currency: String,
    pub test: bool,
    /// Purchases that were made before under the same key.
    pub bought_before: u64,
    /// Purchases whose quantity or price is not known before they are made: the cost is more than this.
    pub unpriced: u64,
}

/// A workflow for one connection's records.
pub(super) struct Fire<'a> {
    pub store: &'a SqliteStore,
    pub connection: &'a Connection,
    pub workflow: &'a Workflow,
    pub kinds: Vec<RecordKind>,
    pub since: Option<Timestamp>,
}

impl Fire<'_> {
    pub async fn plan(&self) -> Result<Plan, Failure> {
        let mut plan = Plan {
            currency: self.connection.currency.clone(),
            test: self.connection.test,
            ..Plan::default()
        };
        let custom = self.custom().await?;
        let mut keys = HashSet::new();
        for kind in &self.kinds {
            let mut after = String::new();
            while let Some(page) = self.page(*kind, &mut after).await? {
                for record in page {
                    self.count(&mut plan, &mut keys, (&record, &custom)).await?;
                }
            }
        }
        Ok(plan)
    }

    /// Makes the events pending, page by page: once more in the same way starts nothing twice.
    pub async fn start(&self) -> Result<Fired, Failure> {
        // They are of the mode that the configuration says now, also where nothing has run since it was changed.
        let of = (&*self.connection.location, self.connection.test);
        let entered = self.store.enter_mode(of.0, of.1, Timestamp::now()).await;
        entered.map_err(failed)?;
        let mut all = Fired::default();
        for kind in &self.kinds {
            let mut after = String::new();
            while let Some(page) = self.page(*kind, &mut after).await? {
                let mut events = Vec::with_capacity(page.len());
                for record in &page {
                    let event = fired(record, &self.workflow.id);
                    if self.run_of(&event).await?.is_none() {
                        events.push(event);
                    }
                }
                let fired = self.fire(&events).await?;
                all.pending += fired.pending;
                all.left += fired.left;
            }
        }
        Ok(all)
    }

    /// The run that an event started before, by itself or by a word like this one.
    async fn run_of(&self, event: &NewEvent) -> Result<Option<i64>, Failure> {
        let run = self.store.run_of(event, &self.workflow.id).await;
        run.map_err(failed)
    }

    /// Makes events pending. A `canopy run` that ends meanwhile takes the lease away, so it is taken again.
    async fn fire(&self, events: &[NewEvent]) -> Result<Fired, Failure> {
        let location = &self.connection.location;
        let mut attempts = 0;
        loop {
            let now = Timestamp::now();
            let lease = self.store.acquire_lease(location, OWNER, now, LEASE);
            let Some(fence) = lease.await.map_err(failed)? else {
                return Err(Failure::Failed(format!(
                    "another process holds location {location}; stop it first"
                )));
            };
            match self.store.fire_events(&fence, events.to_vec(), now).await {
                Err(StoreError::Fenced { .. }) if attempts < FENCED => attempts += 1,
                fired => return fired.map_err(failed),
            }
        }
    }

    /// The location's custom fields, where the workflow reads a contact's.
    async fn custom(&self) -> Result<Vec<CustomFieldInfo>, Failure> {
        if !self.workflow.reads(CUSTOM) {
            return Ok(Vec::new());
        }
        let (client, location) = (&self.connection.highlevel, &self.connection.location);
        let custom = canopy_engine::custom_fields(client, location).await;
        custom.map_err(|error| Failure::Failed(crate::exit::chain(&error)))
    }

    async fn page(
        &self,
        kind: RecordKind,
        after: &mut String,
    ) -> Result<Option<Vec<StoredRecord>>, Failure> {
        let location = &self.connection.location;
        let page = self
            .store
            .records(location, kind.as_str(), after, ROWS)
            .await;
        let mut page = page.map_err(failed)?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        after.clone_from(&last.record);
        page.retain(|record| match (self.since, record.version) {
            (Some(since), Some(changed)) => changed >= since,
            _ => true,
        });
        Ok(Some(page))
    }

    async fn count(
        &self,
        plan: &mut Plan,
        keys: &mut HashSet<String>,
        (record, custom): (&StoredRecord, &[CustomFieldInfo]),
    ) -> Result<(), Failure> {
        let new = fired(record, &self.workflow.id);
        let run = self.run_of(&new).await?;
        let ran = run.is_some();
        if let (Some(run), false) = (run, self.connection.test) {
            let began = self.store.began_in_test(run).await.map_err(failed)?;
            if began == Some(true) {
                plan.in_test += 1;
                return Ok(());
            }
        }
        let event = read(&new);
        let foreseen = foresee(self.store, self.connection, self.workflow, custom, &event);
        let Some(purchases) = foreseen.await.map_err(failed)? else {
            return Ok(());
        };
        *if ran { &mut plan.ran } else { &mut plan.events } += 1;
        for purchase in purchases {
            if !keys.insert(purchase.key.clone()) {
                continue;
            }
            if self.is_bought(&purchase).await? {
                plan.bought_before += 1;
            } else if !ran {
                count_purchase(plan, &purchase);
            }
        }
        Ok(())
    }

    async fn is_bought(&self, purchase: &Foreseen) -> Result<bool, Failure> {
        let known = self.store.purchase_for(&purchase.key).await;
        let known = known.map_err(failed)?;
        Ok(known.is_some_and(|purchase| purchase.state != PurchaseState::Refused))
    }
}

fn count_purchase(plan: &mut Plan, purchase: &Foreseen) {
    plan.purchases += 1;
    let Some(order) = &purchase.order else {
        plan.unpriced += 1;
        return;
    };
    let quantity = plan.quantities.entry(order.order.unit().to_owned());
    *quantity.or_default() += order.order.quantity();
    match purchase.estimate {
        Some(price) => plan.cost += price,
        None => plan.unpriced += 1,
    }
}

/// The creation of a record, for a workflow.
pub(crate) fn fired(record: &StoredRecord, workflow: &str) -> NewEvent {
    let at = time_of(record, "dateAdded").or(record.version);
    let version = Some(CREATED.to_owned());
    event_of(record, workflow, CREATED, version, at)
}

/// The last change of a record, where it is not its creation.
pub(crate) fn updated(record: &StoredRecord, workflow: &str) -> Option<NewEvent> {
    let changed = record.version?;
    let version = record_version(&record.payload["dateUpdated"])?;
    let is_new = time_of(record, "dateAdded") == Some(changed);
    (!is_new).then(|| event_of(record, workflow, "updated", Some(version), Some(changed)))
}

fn time_of(record: &StoredRecord, member: &str) -> Option<Timestamp> {
    record.payload[member].as_str()?.parse().ok()
}

fn event_of(
    record: &StoredRecord,
    workflow: &str,
    verb: &str,
    version: Option<String>,
    occurred_at: Option<Timestamp>,
) -> NewEvent {
    NewEvent {
        source: Source::Manual,
        kind: format!("{}.{verb}", record.kind),
        location: record.location.clone(),
        contact: record.contact.clone(),
        record: record.record.clone(),
        occurred_at: occurred_at.unwrap_or(record.read_at),
        version,
        delivery: None,
        payload: record.payload.clone(),
        trace: Trace {
            found_by: vec![mark(workflow)],
            ..Trace::default()
        },
    }
}

/// The mark of an event that a person fires for a workflow.
pub(crate) fn mark(workflow: &str) -> String {
    format!("{}{workflow}", canopy_engine::FIRED)
}

/// The event as a workflow sees it.
pub(crate) fn read(event: &NewEvent) -> Event {
    let event = event.clone();
    Event {
        id: 0,
        source: event.source,
        kind: event.kind,
        location: event.location,
        contact: event.contact,
        record: event.record,
        occurred_at: event.occurred_at,
        version: event.version,
        payload: event.payload,
        trace: event.trace,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn failed(error: StoreError) -> Failure {
    Failure::failed(&error)
}

/// The plan in words.
pub(super) fn describe(plan: &Plan, workflow: &str) -> String {
    let quantities: Vec<_> = plan
        .quantities
        .iter()
        .map(|(unit, quantity)| format!("{} {unit}", quantity.normalize()))
        .collect();
    let mut text = format!(
        "workflow {workflow}: {} event(s) would start it, with {} purchase(s){}{}, about {:.2} {}{}",
        plan.events,
        plan.purchases,
        if quantities.is_empty() { "" } else { ": " },
        quantities.join(", "),
        plan.cost,
        plan.currency,
        if plan.test {
            " (test mode: nothing is charged)"
        } else {
            " (real: charged)"
        },
    );
    if plan.ran > 0 {
        let ran = format!("; {} started it before and do not again", plan.ran);
        text.push_str(&ran);
    }
    if plan.in_test > 0 {
        let in_test = format!(
            "; {} started it in test mode, and `canopy retry --withheld` carries them out for real",
            plan.in_test
        );
        text.push_str(&in_test);
    }
    if plan.bought_before > 0 {
        let bought = format!(
            "; {} bought before are not bought again",
            plan.bought_before
        );
        text.push_str(&bought);
    }
    if plan.unpriced > 0 {
        let unpriced = format!(
            "; the cost of {} purchase(s) is not known before they are made",
            plan.unpriced
        );
        text.push_str(&unpriced);
    }
    text
}
