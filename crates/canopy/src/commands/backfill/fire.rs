//! A workflow for what was there before: what it would cost, and its events.

use std::collections::{BTreeMap, HashSet};

use canopy_ecologi::OrderRequest;
use canopy_engine::{Catalog, Connection};
use canopy_mapping::{
    ActionKind, Actions, Event, KeyScope, Source, Step, Trace, Workflow, step_key, template,
};
use canopy_store::{
    Fence, Fired, NewEvent, ProfileStore, PurchaseState, SqliteStore, Store, StoreError,
    StoredRecord,
};
use canopy_triggers::RecordKind;
use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use serde_json::{Value, json};

use super::export::ROWS;
use crate::exit::Failure;

/// The version of an event of a kind that happens once.
const CREATED: &str = "created";

/// What firing would do. Purchases whose key the ledger has are bought already and not in the cost.
#[derive(Debug, Default, Serialize)]
pub(super) struct Plan {
    /// Events that would start the workflow.
    pub events: u64,
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
        let mut keys = HashSet::new();
        for kind in &self.kinds {
            let mut after = String::new();
            while let Some(page) = self.page(*kind, &mut after).await? {
                for record in page {
                    self.count(&mut plan, &mut keys, &record).await?;
                }
            }
        }
        Ok(plan)
    }

    /// Makes the events pending, page by page: once more in the same way starts nothing twice.
    pub async fn start(&self, fence: &Fence) -> Result<Fired, Failure> {
        let mut all = Fired::default();
        for kind in &self.kinds {
            let mut after = String::new();
            while let Some(page) = self.page(*kind, &mut after).await? {
                let events = page.iter().map(|record| self.event(record)).collect();
                let fired = self
                    .store
                    .fire_events(fence, events, Timestamp::now())
                    .await;
                let fired = fired.map_err(failed)?;
                all.pending += fired.pending;
                all.left += fired.left;
            }
        }
        Ok(all)
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

    fn event(&self, record: &StoredRecord) -> NewEvent {
        let added = record.payload["dateAdded"]
            .as_str()
            .and_then(|text| text.parse().ok());
        NewEvent {
            source: Source::Manual,
            kind: format!("{}.{CREATED}", record.kind),
            location: record.location.clone(),
            contact: record.contact.clone(),
            record: record.record.clone(),
            occurred_at: added.or(record.version).unwrap_or(record.read_at),
            version: Some(CREATED.to_owned()),
            delivery: None,
            payload: record.payload.clone(),
            trace: Trace {
                found_by: vec![format!("{}{}", canopy_engine::FIRED, self.workflow.id)],
                ..Trace::default()
            },
        }
    }

    async fn count(
        &self,
        plan: &mut Plan,
        keys: &mut HashSet<String>,
        record: &StoredRecord,
    ) -> Result<(), Failure> {
        let new = self.event(record);
        let event = Event {
            id: 0,
            source: new.source,
            kind: new.kind,
            location: new.location,
            contact: new.contact,
            record: new.record,
            occurred_at: new.occurred_at,
            version: new.version,
            payload: new.payload,
            trace: new.trace,
        };
        let context = self.context(&event).await?;
        let holds = |when: &Option<String>| {
            when.as_ref()
                .is_none_or(|when| template::holds(when, &context).unwrap_or(true))
        };
        if !holds(&self.workflow.when) {
            return Ok(());
        }
        plan.events += 1;
        for step in &self.workflow.steps {
            if Catalog.kind(&step.action) == Some(ActionKind::Purchase) && holds(&step.when) {
                self.count_purchase(plan, keys, &event, step, &context)
                    .await?;
            }
        }
        Ok(())
    }

    async fn count_purchase(
        &self,
        plan: &mut Plan,
        keys: &mut HashSet<String>,
        event: &Event,
        step: &Step,
        context: &Value,
    ) -> Result<(), Failure> {
        let scope = KeyScope {
            connection: &self.connection.id,
            test: self.connection.test,
            workflow: &self.workflow.id,
            step: &step.id,
        };
        let Ok(key) = step_key(scope, step.once(ActionKind::Purchase), event) else {
            // Such a step is refused when it runs.
            return Ok(());
        };
        if !keys.insert(key.clone()) {
            return Ok(());
        }
        let known = self.store.purchase(&key).await.map_err(failed)?;
        if known.is_some_and(|purchase| purchase.state != PurchaseState::Refused) {
            plan.bought_before += 1;
            return Ok(());
        }
        plan.purchases += 1;
        let order = template::render(&Value::Object(step.with.clone()), context)
            .ok()
            .and_then(|arguments| OrderRequest::from_action(&step.action, &arguments).ok());
        let Some(order) = order else {
            plan.unpriced += 1;
            return Ok(());
        };
        let quantity = plan.quantities.entry(order.order.unit().to_owned());
        *quantity.or_default() += order.order.quantity();
        let Connection {
            prices, currency, ..
        } = self.connection;
        match prices.estimate(&order.order, currency) {
            Some(price) => plan.cost += price,
            None => plan.unpriced += 1,
        }
        Ok(())
    }

    /// What templates see, as far as it is known without a call.
    async fn context(&self, event: &Event) -> Result<Value, Failure> {
        let contact = match &event.contact {
            _ if event.kind.starts_with("contact.") => event.payload.clone(),
            Some(id) => {
                let records = self.store.records_of_contact(&event.location, id).await;
                let records = records.map_err(failed)?;
                let contact = records.into_iter().find(|record| record.kind == "contact");
                contact.map_or_else(|| json!({ "id": id }), |contact| contact.payload)
            }
            None => Value::Null,
        };
        let (mut profile, mut impact) = (Value::Null, Value::Null);
        if let Some(id) = &event.contact {
            profile = json!(
                self.store
                    .profile(&event.location, id)
                    .await
                    .map_err(failed)?
            );
            let known = self
                .store
                .impact(&event.location, id)
                .await
                .map_err(failed)?;
            impact = json!({
                "trees": known.trees.to_f64(),
                "carbonKg": known.carbon_kg.to_f64(),
                "carbonRemovalKg": known.carbon_removal_kg.to_f64(),
                "habitatM2": known.habitat_m2.to_f64(),
                "purchases": known.purchases,
            });
        }
        Ok(json!({
            "event": {
                "kind": event.kind,
                "source": event.source,
                "occurredAt": event.occurred_at,
                "recordId": event.record,
                "version": event.version,
            },
            "record": event.payload,
            "contact": contact,
            "profile": profile,
            "impact": impact,
            "location": { "id": self.connection.location },
            "connection": {
                "id": self.connection.id,
                "ecologiUser": self.connection.ecologi_user,
                "test": self.connection.test,
            },
            "steps": {},
        }))
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
            ""
        },
    );
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
