//! `canopy status` and `canopy retry`.

use canopy_mapping::Workflow;
use canopy_store::{BreakerStore as _, HealthStore as _, RunState, SqliteStore, Store};
use canopy_triggers::DayPlan;
use jiff::Timestamp;
use serde_json::json;

use super::retry_withheld::Simulated;
use super::{cannot, only, plan, secret};
use crate::cli::{ConfigArgs, Retry, Status};
use crate::config::{self, ConnectionConfig, Loaded};
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::health::{self, Health};
use crate::{polls, schedules, show};

/// Rows of a list of runs.
const ROWS: u32 = 1000;

pub(super) async fn status(options: &Status) -> Result<Ended, Failure> {
    let mut loaded = config::load(&options.config.config)?;
    options.only.keep(&mut loaded)?;
    let store = open_store(&loaded).await?;
    let failed = |error: canopy_store::StoreError| Failure::failed(&error);
    let location = options.only.location(&options.config, &store).await?;
    let location = location.as_ref();
    // What belongs to no location is everybody's.
    let is_shown = |at: &String| at.is_empty() || location.is_none_or(|location| at == location);
    let summary = store.summary_of(location.map(String::as_str)).await;
    let summary = summary.map_err(failed)?;
    let most = only::rows(location, ROWS);
    let mut stopped = Vec::new();
    for state in [RunState::Held, RunState::Dead] {
        let runs = store.runs(Some(state), most).await.map_err(failed)?;
        stopped.extend(only::of(runs, location, ROWS, |run| &run.location));
    }
    let mut alerts = store.alerts(true, most).await.map_err(failed)?;
    alerts.retain(|alert| is_shown(&alert.location));
    let now = Timestamp::now();
    let mut missed = canopy_triggers::missed_by_webhooks(&store, now)
        .await
        .map_err(failed)?;
    missed.retain(|missed| is_shown(&missed.location));
    let addresses = canopy_triggers::address_health(&store, now)
        .await
        .map_err(failed)?;
    let mut parts = store.health().await.map_err(failed)?;
    parts.retain(|part| is_shown(&part.location));
    let plans = plans(&loaded, &store).await;
    let mut days = store
        .days_of_calls("highlevel", crate::connect::midnight(now))
        .await
        .map_err(failed)?;
    days.retain(|day| is_shown(&day.location));
    let broken = store.breakers(location.map(String::as_str)).await;
    let broken = broken.map_err(failed)?;
    store.close().await;
    // The figures are worth showing although a workflow file is being written.
    let timetables = config::workflows(&loaded).and_then(|all| schedules::schedules(&all));
    let due = schedules::next_due(&timetables.unwrap_or_default(), now);
    let plans = plans?;
    let room = health::room_seen(&loaded.store_path(), loaded.config.health.free_bytes());
    let health = Health::new(parts, alerts.clone(), &summary, room, now);
    if options.json {
        let polls: Vec<_> = plans
            .iter()
            .map(|(connection, plan)| json!({ "connection": connection.id, "polls": plan.polls, "limit": plan.limit }))
            .collect();
        println!(
            "{}",
            json!({ "connections": show::modes_as_data(&loaded.config.connection), "stopped": broken, "health": health.json(), "schedules": due, "missed_by_webhooks": show::missed(&missed), "webhooks": addresses, "summary": summary, "need_a_person": stopped,
                "alerts": alerts, "polls": polls, "calls_today": show::days_of_calls(&days) })
        );
    } else {
        // What is wrong comes first.
        println!("{}", health.text());
        print!("{}", show::modes(&loaded.config.connection, &broken));
        print!("{}", show::summary(&summary));
        print!("{}", show::address_lines(&addresses));
        print!("{}", show::missed_lines(&missed));
        if !due.is_empty() {
            println!("\ndue next:\n{}", show::due(&due));
        }
        let polls: String = plans
            .iter()
            .map(|(connection, day)| plan::intervals(&connection.id, day))
            .collect();
        if !polls.is_empty() {
            print!("\npolls:\n{polls}");
        }
        print!("{}", show::day_lines(&days));
        if summary.events_held > 0 {
            println!(
                "\n{} event(s) wait for approval: `canopy events --state held`, then `canopy approve`",
                summary.events_held
            );
        }
        if !stopped.is_empty() {
            println!(
                "\nneed a person; once mended, `canopy retry RUN`:\n{}",
                show::stopped(&stopped)
            );
        }
        if !health.notices.is_empty() {
            println!(
                "\nhappened within a day:\n{}",
                show::alerts(&health.notices)
            );
        }
    }
    let good = health.reasons.is_empty() && health.notices.is_empty();
    Ok(if good && stopped.is_empty() {
        Ended::Well
    } else {
        Ended::NeedsPerson
    })
}

/// The polls that are made, unless polling is off or a workflow has mistakes, which `canopy check` tells.
async fn plans<'a>(
    loaded: &'a Loaded,
    store: &SqliteStore,
) -> Result<Vec<(&'a ConnectionConfig, DayPlan)>, Failure> {
    if !loaded.config.poll.enabled {
        return Ok(Vec::new());
    }
    let wanted = config::workflows(loaded).and_then(|workflows| polls::polls(loaded, &workflows));
    match wanted {
        Ok(wanted) => plan::of_all(loaded, &wanted, Some(store)).await,
        Err(_) => Ok(Vec::new()),
    }
}

pub(super) async fn retry(options: &Retry, environment: &Environment) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    let current = if options.current {
        config::workflows(&loaded)?
    } else {
        Vec::new()
    };
    let store = secret::open(&options.config, environment).await?;
    let result = requeue(&store, options, &loaded, &current).await;
    let waiting = cannot::of_waiting(&store).await;
    let told = health::people_again(&store).await;
    store.close().await;
    told.map_err(|error| Failure::failed(&error))?;
    let Some(count) = result? else {
        return Ok(Ended::Well);
    };
    eprintln!("{count} run(s) go on; a running canopy takes them up within half a minute");
    if let (true, Ok(Some(waiting))) = (options.all, waiting) {
        eprintln!("{waiting}");
    }
    Ok(Ended::Well)
}

/// Lets runs go on, and tells how many; `None`: it was only told what that would buy.
async fn requeue(
    store: &SqliteStore,
    options: &Retry,
    loaded: &Loaded,
    current: &[Workflow],
) -> Result<Option<u32>, Failure> {
    let failed = |error: canopy_store::StoreError| Failure::failed(&error);
    let simulated = Simulated::of(store, loaded).await?;
    let ids = if let Some(id) = options.run {
        vec![id]
    } else if options.withheld {
        let plan = simulated.all()?;
        if let Some(bought) = &plan.bought {
            let runs = plan.runs.len();
            println!("{runs} run(s) of test mode would be carried out, for real: {bought}");
            if !options.yes {
                println!("nothing was started; add --yes to start it");
                return Ok(None);
            }
        }
        plan.runs
    } else {
        let mut runs = store
            .runs(Some(RunState::Dead), ROWS)
            .await
            .map_err(failed)?;
        runs.extend(
            store
                .runs(Some(RunState::Held), ROWS)
                .await
                .map_err(failed)?,
        );
        let (ids, left) = simulated.without(store, runs).await?;
        if left > 0 {
            eprintln!(
                "{left} run(s) that began in test mode are left as they are, because they would buy for real now; `canopy status` lists them, `canopy retry RUN` carries one out"
            );
        }
        ids
    };
    let mut count = 0;
    let off = config::switched_off(loaded);
    for id in ids {
        let now = Timestamp::now();
        let run = store.run(id).await.map_err(failed)?;
        let off = run.and_then(|run| off(&run.workflow)).map(|off| {
            format!(
                "run {id}: {off}, so nothing of it runs; switch it on, and then `canopy retry {id}`. What only waits goes on by itself then"
            )
        });
        let nobody = cannot::be_carried_out(store, loaded, id).await;
        if let Some(why) = nobody.map_err(failed)?.or(off) {
            if options.run.is_some() {
                return Err(Failure::BadInput(why));
            }
            eprintln!("{why}");
            continue;
        }
        if simulated.carry_out(store, id, now).await? {
            count += 1;
            continue;
        }
        let goes_on = if options.current {
            let workflow = current_of(store, id, current).await?;
            let definition = json!(workflow).to_string();
            store.requeue_run_with(id, &definition, now).await
        } else {
            store.requeue_run(id, now).await
        };
        if goes_on.map_err(failed)? {
            count += 1;
        } else if options.run.is_some() {
            let why = cannot::retry(store, id).await.map_err(failed)?;
            return Err(Failure::BadInput(why));
        }
    }
    Ok(Some(count))
}

/// The workflow of a run as its file says it now.
async fn current_of<'a>(
    store: &SqliteStore,
    id: i64,
    current: &'a [Workflow],
) -> Result<&'a Workflow, Failure> {
    let run = store
        .run(id)
        .await
        .map_err(|error| Failure::failed(&error))?;
    let run = run.ok_or_else(|| Failure::BadInput(format!("there is no run {id}")))?;
    let known = current.iter().find(|workflow| workflow.id == run.workflow);
    known.ok_or_else(|| {
        Failure::BadInput(format!(
            "run {id} is of workflow \"{}\", which the configuration no longer has; without --current it goes on as it began",
            run.workflow
        ))
    })
}

/// Opens the store of a configuration for reading; it may be in use.
pub(super) async fn open(config: &ConfigArgs) -> Result<SqliteStore, Failure> {
    open_store(&config::load(&config.config)?).await
}

async fn open_store(loaded: &Loaded) -> Result<SqliteStore, Failure> {
    SqliteStore::open_read_only(&loaded.store_path())
        .await
        .map_err(|error| Failure::opening(&error))
}
