//! `canopy plan`: how many calls a day the polls of each location take.

use canopy_store::SqliteStore;
use canopy_triggers::{DayPlan, Polls};
use clap::Args;
use serde_json::json;

use crate::cli::ConfigArgs;
use crate::config::{self, ConnectionConfig, Loaded};
use crate::exit::{Ended, Failure};
use crate::{polls, show};

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn plan(options: &Plan) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    let workflows = config::workflows(&loaded)?;
    let wanted = polls::polls(&loaded, &workflows)?;
    let store = open(&loaded).await?;
    let mut plans = Vec::new();
    for connection in &loaded.config.connection {
        let plan = of(&loaded, connection, &wanted, store.as_ref()).await?;
        plans.push((connection, plan));
    }
    if let Some(store) = store {
        store.close().await;
    }
    if options.json {
        let plans: Vec<_> = plans
            .iter()
            .map(|(connection, plan)| json!({ "connection": connection.id, "enabled": loaded.config.poll.enabled, "plan": plan, "refusal": plan.refusal() }))
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
        .map_err(|error| Failure::failed(&error))
}

async fn of(
    loaded: &Loaded,
    connection: &ConnectionConfig,
    wanted: &Polls,
    store: Option<&SqliteStore>,
) -> Result<DayPlan, Failure> {
    let limit = connection.highlevel.requests_per_day;
    match (store, &connection.highlevel.location_id) {
        (Some(store), Some(location)) => {
            let options = polls::options(&loaded.config.poll);
            DayPlan::measured(wanted, limit, &options, store, location)
                .await
                .map_err(|error| Failure::failed(&error))
        }
        _ => Ok(DayPlan::at_least(wanted, limit)),
    }
}

fn text(connection: &str, plan: &DayPlan) -> String {
    let mut rows = Vec::new();
    for poll in &plan.polls {
        let stretched = poll.stretched.map_or_else(String::new, |stretched| {
            format!(" (now every {stretched} s, as the day's calls run low)")
        });
        let note = format!(
            "every {} s, {} call(s) each, {} %{stretched}",
            poll.every, poll.calls_per_poll, poll.percent
        );
        rows.push((poll.poll.as_str(), poll.calls_per_day.to_string(), note));
    }
    let note = format!(
        "calls a day, of {} that are for polls ({} in all)",
        plan.for_polls, plan.limit
    );
    rows.push(("total", plan.calls_per_day.to_string(), note));
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
