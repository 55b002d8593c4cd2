//! `canopy events` and `canopy approve`: what came in, and what waits for a person's approval.

use canopy_mapping::Source;
use canopy_store::{EventState, InboxRow, SqliteStore, Store};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Only, cannot, modes, only, secret, status};
use crate::cli::ConfigArgs;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::output;

/// A webhook that took longer to arrive was sent again by hand, or held up.
const LATE: SignedDuration = SignedDuration::from_hours(24);
/// Held events that one `approve --all` lets go on.
const MOST: u32 = 100_000;

#[derive(Debug, Args)]
pub(crate) struct Events {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Only those in this state
    #[arg(long, value_parser = ["pending", "held", "started", "echo", "no_match", "gone", "duplicate"])]
    pub state: Option<String>,
    /// How many, the newest first
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The events' numbers, as `canopy events --state held` shows them
    #[arg(required_unless_present = "all")]
    pub event: Vec<i64>,
    /// All held events
    #[arg(long, conflicts_with = "event")]
    pub all: bool,
}

pub(super) async fn events(options: &Events) -> Result<Ended, Failure> {
    let store = status::open(&options.config).await?;
    let location = options.only.location(&options.config, &store).await?;
    let most = only::rows(location.as_ref(), options.limit);
    let rows = match options.state.as_deref() {
        Some(word) => store.events_in(state_of(word)?, most).await,
        None => store.recent_events(most).await,
    };
    let rows = rows.map(|rows| {
        only::of(rows, location.as_ref(), options.limit, |row| {
            &row.event.location
        })
    });
    let data = match &rows {
        Ok(rows) if options.json => Some(modes::rows(&options.config, &store, rows).await),
        _ => None,
    };
    store.close().await;
    let rows = rows.map_err(|error| Failure::failed(&error))?;
    if let Some(data) = data {
        return output::line(&data?);
    }
    output::text(&table(&rows))
}

pub(super) async fn approve(
    options: &Approve,
    environment: &Environment,
) -> Result<Ended, Failure> {
    let store = secret::open(&options.config, environment).await?;
    let result = let_go(&store, options).await;
    store.close().await;
    result
}

async fn let_go(store: &SqliteStore, options: &Approve) -> Result<Ended, Failure> {
    let failed = |error: canopy_store::StoreError| Failure::failed(&error);
    let mut rows = Vec::new();
    if options.all {
        rows = store
            .events_in(EventState::Held, MOST)
            .await
            .map_err(failed)?;
        // In the order in which they came.
        rows.reverse();
    }
    for id in &options.event {
        match store.event(*id).await.map_err(failed)? {
            Some(row) if row.state == EventState::Held => rows.push(row),
            _ => {
                let why = cannot::approve(store, *id).await.map_err(failed)?;
                return Err(Failure::BadInput(why));
            }
        }
    }
    eprint!("{} event(s) go on:\n{}", rows.len(), table(&rows));
    let mut count = 0;
    for row in &rows {
        let approved = store.approve_event(row.event.id, Timestamp::now()).await;
        count += u32::from(approved.map_err(failed)?);
    }
    eprintln!("{count} approved; a running canopy takes them up within half a minute");
    if options.all
        && let Some(waiting) = cannot::of_waiting(store).await.map_err(failed)?
    {
        eprintln!("{waiting}");
    }
    Ok(Ended::Well)
}

fn state_of(word: &str) -> Result<EventState, Failure> {
    serde_json::from_value(json!(word))
        .map_err(|_| Failure::BadInput(format!("\"{word}\" is no state of an event")))
}

/// Why it waits, and until when.
fn why(row: &InboxRow) -> String {
    let error = row.error.as_deref().unwrap_or_default();
    match row.next_attempt_at {
        Some(next) if row.state == EventState::Pending => {
            format!("next try {}: {error}", next.strftime("%Y-%m-%d %H:%M:%S"))
        }
        _ => error.to_owned(),
    }
}

fn table(rows: &[InboxRow]) -> String {
    let mut text = String::new();
    for row in rows {
        let event = &row.event;
        let late = event.trace.made_at.filter(|at| {
            event.source == Source::Webhook && row.received_at.duration_since(*at) > LATE
        });
        let late = late.map_or_else(String::new, |at| {
            format!("late, made {}  ", at.strftime("%Y-%m-%d %H:%M:%S"))
        });
        let line = format!(
            "  {:>6}  {}  {:<9}  {:<24}  {}  {late}{}",
            event.id,
            event.occurred_at.strftime("%Y-%m-%d %H:%M:%S"),
            row.state.as_str(),
            event.kind,
            event.record,
            why(row)
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if rows.is_empty() {
        text.push_str("  none\n");
    }
    text
}
