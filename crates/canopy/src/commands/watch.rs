//! `canopy watch`: events as they arrive.

use std::time::Duration;

use canopy_store::{InboxRow, SqliteStore, Store, StoreError};
use clap::Args;
use serde_json::json;

use super::{Only, status};
use crate::cli::ConfigArgs;
use crate::config;
use crate::exit::{Ended, Failure};
use crate::output::Output;
use crate::shutdown;

/// How often the store is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// Events read at a time.
const ROWS: u32 = 500;

#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Only this kind, e.g. contact.created, or all kinds of a record, e.g. contact
    #[arg(long)]
    pub kind: Option<String>,
    /// Begin behind this event instead of with the next one; 0 begins with the first
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(0..))]
    pub since: Option<i64>,
    /// End after so many events
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Print each event as one line of JSON, with its record
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn watch(options: &Watch) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    for one in &loaded.config.connection {
        eprintln!("connection {}: {}", one.id, one.mode());
    }
    let store = status::open(&options.config).await?;
    let stop = shutdown::on_signal();
    let location = options.only.location(&options.config, &store).await?;
    let followed = tokio::select! {
        followed = follow(options, location.as_ref(), &store) => followed,
        () = stop.cancelled() => Ok(()),
    };
    store.close().await;
    followed.map(|()| Ended::Well)
}

async fn follow(
    options: &Watch,
    location: Option<&String>,
    store: &SqliteStore,
) -> Result<(), Failure> {
    let failed = |error: StoreError| Failure::failed(&error);
    let mut last = match options.since {
        Some(number) => number,
        None => store
            .recent_events(1)
            .await
            .map_err(failed)?
            .first()
            .map_or(0, |row| row.event.id),
    };
    let mut output = Output::Standard;
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            let rows = store.events_after(last, ROWS).await.map_err(failed)?;
            let Some(newest) = rows.last() else { break };
            last = newest.event.id;
            let here = |row: &&InboxRow| location.is_none_or(|one| row.event.location == *one);
            for row in rows.iter().filter(here).filter(|row| wanted(options, row)) {
                output.write(line(options, row).as_bytes())?;
                left -= 1;
                if left == 0 || output.is_closed() {
                    return Ok(());
                }
            }
        }
    }
}

fn wanted(options: &Watch, row: &InboxRow) -> bool {
    let Some(kind) = &options.kind else {
        return true;
    };
    let rest = row.event.kind.strip_prefix(kind.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Plain, it has nothing personal.
fn line(options: &Watch, row: &InboxRow) -> String {
    if options.json {
        return format!("{}\n", json!(row));
    }
    let event = &row.event;
    format!(
        "{:.0}  {:>6}  {:<8} {:<9} {}  {}  {}\n",
        row.received_at,
        event.id,
        event.source.as_str(),
        row.state,
        event.kind,
        event.record,
        event.contact.as_deref().unwrap_or("-"),
    )
}
