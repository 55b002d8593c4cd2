//! What a rehearsal came to, from the runs in the copy of the store.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Rehearsal;
use canopy_engine::Catalog;
use canopy_mapping::{ActionKind, Actions as _};
use canopy_store::{
    EventState, Run, RunState, SqliteStore, StepRecord, StepState, Store, StoreError,
};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

/// Runs and events that are looked at most.
const MOST: u32 = 1_000_000;

/// What would happen.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Always true: nothing of it was done.
    pub dry_run: bool,
    /// In which mode each connection is.
    pub connections: Vec<Mode>,
    pub runs: Vec<RunPlan>,
    /// Of a simulated workflow's timetables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub occurrences: Vec<Occurrence>,
    pub totals: Totals,
}

/// In which mode a connection is.
#[derive(Debug, Serialize)]
pub(crate) struct Mode {
    pub id: String,
    pub test: bool,
    pub writes_to_highlevel: bool,
}

/// A time at which a timetable was due.
#[derive(Debug, Serialize)]
pub(crate) struct Occurrence {
    pub connection: String,
    pub at: Timestamp,
    /// The same as its zone's clocks show it.
    pub local: String,
    pub schedule: String,
    /// Runs that it would have started.
    pub runs: u64,
    /// Why it would have started none.
    pub nothing: Option<String>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    pub runs: u64,
    /// Runs that would wait, need a person, or be refused.
    pub waiting: u64,
    pub held: u64,
    pub refused: u64,
    /// Events that would wait for approval.
    pub events_held: u64,
    /// Real ones, as all sums here that do not say otherwise.
    pub purchases: u64,
    /// By unit, e.g. `trees`.
    pub quantities: BTreeMap<String, Decimal>,
    /// By currency.
    pub cost: BTreeMap<String, Decimal>,
    /// What test mode would simulate, and what that would cost if it were real.
    pub purchases_in_test_mode: u64,
    pub quantities_in_test_mode: BTreeMap<String, Decimal>,
    pub cost_in_test_mode: BTreeMap<String, Decimal>,
    /// Calls that write, by operation, at both services.
    pub calls: BTreeMap<String, u64>,
    /// Steps that would not be carried out.
    pub skipped: u64,
    /// Times at which the workflow's timetables were due.
    pub occurrences: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct RunPlan {
    pub workflow: String,
    pub event: EventPlan,
    pub state: RunState,
    /// Why it would not come to its end.
    pub why: Option<String>,
    pub until: Option<Timestamp>,
    pub steps: Vec<StepPlan>,
}

#[derive(Debug, Serialize)]
pub(crate) struct EventPlan {
    pub kind: String,
    pub location: String,
    pub record: String,
    pub contact: Option<String>,
    pub occurred_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Would {
    Call,
    Buy,
    Keep,
    Skip,
    /// It would be refused, or come to no end.
    Stop,
}

#[derive(Debug, Serialize)]
pub(crate) struct StepPlan {
    pub step: String,
    pub action: String,
    pub would: Would,
    /// As rendered; what an earlier step would have to be answered first is marked.
    pub arguments: Value,
    pub why: Option<String>,
    pub quantity: Option<Decimal>,
    pub unit: Option<String>,
    pub cost: Option<Decimal>,
    pub currency: Option<String>,
}

fn modes(rehearsal: &Rehearsal) -> Vec<Mode> {
    let connections = rehearsal.engine.connections();
    let modes = connections.map(|one| Mode {
        id: one.id.clone(),
        test: one.test,
        writes_to_highlevel: one.writes(),
    });
    modes.collect()
}

pub(super) async fn collect(
    rehearsal: &Rehearsal,
    workflow: Option<&str>,
    calls: BTreeMap<&'static str, u64>,
) -> Result<Report, StoreError> {
    let (store, began) = (&rehearsal.store, rehearsal.began);
    let mut report = Report {
        dry_run: true,
        connections: modes(rehearsal),
        ..Report::default()
    };
    let mut runs = store.runs(None, MOST).await?;
    runs.retain(|run| rehearsal.is_new(run) && workflow.is_none_or(|id| run.workflow == id));
    runs.sort_by_key(|run| run.id);
    for run in &runs {
        if let Some(plan) = plan(rehearsal, run, &mut report.totals).await? {
            report.runs.push(plan);
        }
    }
    let held = store.events_in(EventState::Held, MOST).await?;
    let held = held.iter().filter(|row| row.received_at >= began);
    report.totals.events_held = held.count() as u64;
    // Other workflows of the copy may have had work that was due.
    report.totals.calls = match workflow {
        None => calls
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .collect(),
        Some(_) => of_steps(&report.runs),
    };
    Ok(report)
}

fn of_steps(runs: &[RunPlan]) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    for step in runs.iter().flat_map(|run| &run.steps) {
        if matches!(step.would, Would::Call | Would::Buy) {
            *calls.entry(step.action.clone()).or_default() += 1;
        }
    }
    calls
}

async fn plan(
    rehearsal: &Rehearsal,
    run: &Run,
    totals: &mut Totals,
) -> Result<Option<RunPlan>, StoreError> {
    let store = &rehearsal.store;
    let Some(row) = store.event(run.event).await? else {
        return Ok(None);
    };
    totals.runs += 1;
    match run.state {
        RunState::Waiting | RunState::Ready => totals.waiting += 1,
        RunState::Held => totals.held += 1,
        RunState::Dead => totals.refused += 1,
        RunState::Done => {}
    }
    let mut steps = Vec::new();
    for record in store.steps(run.id).await? {
        // What an earlier attempt did is done.
        if run.id > rehearsal.last_run || record.updated_at >= rehearsal.began {
            steps.push(step(store, &record, totals).await?);
        }
    }
    Ok(Some(RunPlan {
        workflow: run.workflow.clone(),
        event: EventPlan {
            kind: row.event.kind,
            location: row.event.location,
            record: row.event.record,
            contact: row.event.contact,
            occurred_at: row.event.occurred_at,
        },
        state: run.state,
        why: run.error.clone(),
        until: run.next_attempt_at,
        steps,
    }))
}

async fn step(
    store: &SqliteStore,
    record: &StepRecord,
    totals: &mut Totals,
) -> Result<StepPlan, StoreError> {
    let kind = Catalog.kind(&record.action);
    let would = match (record.state, kind) {
        (StepState::Done, Some(ActionKind::Purchase)) => Would::Buy,
        (StepState::Done, Some(ActionKind::HighLevel)) => Would::Call,
        (StepState::Done, _) => Would::Keep,
        (StepState::Skipped, _) => Would::Skip,
        _ => Would::Stop,
    };
    let mut plan = StepPlan {
        step: record.step.clone(),
        action: record.action.clone(),
        would,
        arguments: record.request.clone(),
        why: record.error.clone(),
        quantity: None,
        unit: None,
        cost: None,
        currency: None,
    };
    if would == Would::Skip {
        totals.skipped += 1;
        plan.why = Some(why_skipped(record, kind));
    }
    if would == Would::Buy
        && let Some(purchase) = store.purchase_for(&record.key).await?
    {
        let cost = pence(purchase.amount.unwrap_or(purchase.estimate));
        let (count, quantities, sums) = if purchase.test {
            (
                &mut totals.purchases_in_test_mode,
                &mut totals.quantities_in_test_mode,
                &mut totals.cost_in_test_mode,
            )
        } else {
            (
                &mut totals.purchases,
                &mut totals.quantities,
                &mut totals.cost,
            )
        };
        *count += 1;
        *quantities.entry(purchase.unit.clone()).or_default() += purchase.quantity;
        *sums.entry(purchase.currency.clone()).or_default() += cost;
        plan.quantity = Some(purchase.quantity);
        plan.unit = Some(purchase.unit);
        plan.cost = Some(cost);
        plan.currency = Some(purchase.currency);
    }
    Ok(plan)
}

/// With two places at least, as people write sums.
fn pence(sum: Decimal) -> Decimal {
    let mut sum = sum.normalize();
    if sum.scale() < 2 {
        sum.rescale(2);
    }
    sum
}

fn why_skipped(record: &StepRecord, kind: Option<ActionKind>) -> String {
    let output = record.output.as_ref().unwrap_or(&Value::Null);
    if let Some(condition) = output["skipped"].as_str() {
        return format!("its condition does not hold: {condition}");
    }
    if output["unchanged"] == true {
        return "the contact has these values already".to_owned();
    }
    match kind {
        Some(ActionKind::Purchase) => "it was bought before, under the same key".to_owned(),
        _ => "it was done before, under the same key".to_owned(),
    }
}

/// For people.
pub(crate) fn describe(report: &Report) -> String {
    let mut text = String::new();
    for run in &report.runs {
        let event = &run.event;
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "{}: {} of {} ({})",
            run.workflow,
            event.kind,
            event.record,
            event.occurred_at.strftime("%Y-%m-%d %H:%M UTC")
        );
        for step in &run.steps {
            let _ = writeln!(text, "  {}", line(step));
        }
        if let Some(why) = &run.why {
            let _ = writeln!(text, "  {}: {why}", run.state);
        }
    }
    for occurrence in &report.occurrences {
        if let Some(why) = &occurrence.nothing {
            let _ = writeln!(text, "{}: nothing: {why}", occurrence.local);
        }
    }
    text.push_str(&totals(&report.totals));
    text
}

fn line(step: &StepPlan) -> String {
    let what = match (step.would, &step.why) {
        (Would::Buy, _) => format!(
            "would buy {} {}, about {:.2} {}, with",
            step.quantity.unwrap_or_default().normalize(),
            step.unit.as_deref().unwrap_or_default(),
            step.cost.unwrap_or_default(),
            step.currency.as_deref().unwrap_or_default()
        ),
        (Would::Call, _) => "would call with".to_owned(),
        (Would::Keep, _) => "would keep".to_owned(),
        (Would::Skip, Some(why)) => {
            return format!("{} ({}) skipped: {why}", step.step, step.action);
        }
        (Would::Stop, Some(why)) => return format!("{} ({}) stops: {why}", step.step, step.action),
        (Would::Skip, None) => "skipped".to_owned(),
        (Would::Stop, None) => "stops before".to_owned(),
    };
    format!("{} ({}) {what} {}", step.step, step.action, step.arguments)
}

fn totals(totals: &Totals) -> String {
    let sums = |sums: &BTreeMap<String, Decimal>| {
        let sums: Vec<_> = sums
            .iter()
            .map(|(currency, sum)| format!("{sum:.2} {currency}"))
            .collect();
        sums.join(", ")
    };
    let mut parts = vec![format!("{} run(s)", totals.runs)];
    if totals.occurrences > 0 {
        parts.insert(0, format!("due {} time(s)", totals.occurrences));
    }
    if !totals.quantities.is_empty() {
        let quantities = totals.quantities.iter();
        parts.extend(quantities.map(|(unit, amount)| format!("{} {unit}", amount.normalize())));
    }
    if !totals.cost.is_empty() {
        parts.push(format!("about {}", sums(&totals.cost)));
    }
    if totals.purchases_in_test_mode > 0 {
        let quantities = totals.quantities_in_test_mode.iter();
        let quantities: Vec<_> = quantities
            .map(|(unit, amount)| format!("{} {unit}", amount.normalize()))
            .collect();
        parts.push(format!(
            "{}, about {} (test mode: simulated, nothing is charged)",
            quantities.join(", "),
            sums(&totals.cost_in_test_mode)
        ));
    }
    if !totals.calls.is_empty() {
        let calls: Vec<_> = totals
            .calls
            .iter()
            .map(|(operation, count)| format!("{count} {operation}"))
            .collect();
        parts.push(format!("calls: {}", calls.join(", ")));
    }
    for (count, what) in [
        (totals.skipped, "step(s) skipped"),
        (totals.waiting, "run(s) would wait"),
        (totals.held, "run(s) would need a person"),
        (totals.refused, "run(s) would be refused"),
        (totals.events_held, "event(s) would wait for approval"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    format!(
        "{}\nnothing was written, neither to HighLevel, Ecologi nor the store\n",
        parts.join("; ")
    )
}
