//! `canopy plan`: how many calls a day the polls of each location take.

use std::fmt::Write as _;

use canopy_store::{SqliteStore, Store as _};
use canopy_triggers::{DayPlan, FirstReading, PollPlan, Polls};
use clap::Args;
use serde_json::json;

use super::Only;
use crate::cli::ConfigArgs;
use crate::config::{self, ConnectionConfig, Loaded};
use crate::exit::{Ended, Failure};
use crate::{polls, show};

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn plan(options: &Plan) -> Result<Ended, Failure> {
    let mut loaded = config::load(&options.config.config)?;
    options.only.keep(&mut loaded)?;
    let workflows = config::workflows(&loaded)?;
    let wanted = polls::polls(&loaded, &workflows)?;
    let store = open(&loaded).await?;
    let plans = of_all(&loaded, &wanted, store.as_ref()).await?;
    if let Some(store) = store {
        store.close().await;
    }
    if options.json {
        let plans: Vec<_> = plans
            .iter()
            .map(|(connection, plan)| json!({ "connection": connection.id, "test": connection.test, "mode": connection.mode(), "enabled": loaded.config.poll.enabled, "plan": plan, "refusal": plan.refusal() }))
            .collect();
        println!("{}", json!(plans));
    } else {
        if !loaded.config.poll.enabled {
            println!("polling is off (poll.enabled = false); this is what it would take");
        }
        for (connection, plan) in &plans {
            print!("{}", text(&connection.id, plan));
        }
    }
    for (connection, plan) in &plans {
        if let Some(refusal) = plan.refusal() {
            return Err(Failure::BadInput(format!(
                "{}: connection \"{}\": {refusal}",
                loaded.file, connection.id
            )));
        }
    }
    Ok(Ended::Well)
}

/// The store tells what the last polls took; without one each takes one call.
async fn open(loaded: &Loaded) -> Result<Option<SqliteStore>, Failure> {
    if !loaded.store_path().exists() {
        return Ok(None);
    }
    SqliteStore::open_read_only(&loaded.store_path())
        .await
        .map(Some)
        .map_err(|error| Failure::opening(&error))
}

/// The plan of each connection.
pub(super) async fn of_all<'a>(
    loaded: &'a Loaded,
    wanted: &Polls,
    store: Option<&SqliteStore>,
) -> Result<Vec<(&'a ConnectionConfig, DayPlan)>, Failure> {
    let connections = &loaded.config.connection;
    let mut polled = match store {
        Some(store) => store
            .polled_locations()
            .await
            .map_err(|error| Failure::failed(&error))?,
        None => Vec::new(),
    };
    let named: Vec<_> = connections
        .iter()
        .map(|connection| connection.highlevel.location_id.as_ref())
        .collect();
    polled.retain(|location| !named.contains(&Some(location)));
    // A connection may leave it to its token to tell the location: of one such it is the one that nobody else names.
    let nameless = named.iter().filter(|name| name.is_none()).count();
    let other = (nameless == 1 && polled.len() == 1).then(|| polled.remove(0));
    let mut plans = Vec::new();
    for connection in connections {
        let location = connection.highlevel.location_id.as_ref().or(other.as_ref());
        plans.push((
            connection,
            of(loaded, connection, location, wanted, store).await?,
        ));
    }
    Ok(plans)
}

async fn of(
    loaded: &Loaded,
    connection: &ConnectionConfig,
    location: Option<&String>,
    wanted: &Polls,
    store: Option<&SqliteStore>,
) -> Result<DayPlan, Failure> {
    let limit = connection.highlevel.requests_per_day;
    match (store, location) {
        (Some(store), Some(location)) => {
            let options = polls::options(&loaded.config.poll);
            DayPlan::measured(wanted, limit, &options, store, location)
                .await
                .map_err(|error| Failure::failed(&error))
        }
        _ => Ok(DayPlan::at_least(wanted, limit)),
    }
}

/// How often a poll is made, and why it is made less often now.
fn interval(poll: &PollPlan, limit: u32) -> String {
    let Some(stretched) = poll.stretched else {
        return format!("every {} s", poll.every);
    };
    format!(
        "every {} s, now every {stretched} s because {} of the day's {limit} calls are used",
        poll.every,
        poll.used_today.unwrap_or_default()
    )
}

/// The polls of a connection, a line each.
pub(super) fn intervals(connection: &str, plan: &DayPlan) -> String {
    let mut text = String::new();
    for poll in &plan.polls {
        let every = interval(poll, plan.limit);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {connection}  {}  {every}", poll.poll);
    }
    text
}

fn text(connection: &str, plan: &DayPlan) -> String {
    let mut rows = Vec::new();
    for poll in &plan.polls {
        let note = format!(
            "{}, {} call(s) each, {} %",
            interval(poll, plan.limit),
            poll.calls_per_poll,
            poll.percent
        );
        rows.push((poll.poll.as_str(), poll.calls_per_day.to_string(), note));
        if let Some(first) = &poll.first_reading {
            let calls = first.calls_per_day.to_string();
            rows.push(("  first reading", calls, first_reading(first)));
        }
    }
    let share = format!(
        "calls a day, of {} that are for polls ({} in all)",
        plan.for_polls, plan.limit
    );
    rows.push(("total", plan.calls_per_day.to_string(), share));
    if let Some(calls) = plan.calls_per_day_at_first {
        let longer = if calls > u64::from(plan.for_polls) {
            "; more than is for polls, so that they wait longer and it takes longer"
        } else {
            ""
        };
        let note = format!("until the first reading is done{longer}");
        rows.push(("at first", calls.to_string(), note));
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, figure, note)| (*name, figure.clone(), note.as_str()))
        .collect();
    let figures = show::lines(&rows);
    let others = plan.webhooks_only.join(", ");
    let others = if others.is_empty() {
        others
    } else {
        format!("  no poll finds {others}; webhooks do\n")
    };
    format!("connection {connection}\n{figures}{others}")
}

fn first_reading(first: &FirstReading) -> String {
    let left = match (first.left, first.hours) {
        (Some(left), Some(hours)) => format!("{left} left, {hours} h"),
        _ => "at most".to_owned(),
    };
    format!(
        "until each {} has been read once, {} a poll, {left}, {} %",
        first.of, first.per_poll, first.percent
    )
}
