//! `canopy alerts`: what a person should know.

use canopy_store::{Alert, HealthStore as _, Part, SqliteStore, Store, StoreError};
use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use super::{Only, modes, secret, status};
use crate::cli::ConfigArgs;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::log::note;
use crate::{config, health, show};

#[derive(Debug, Args)]
pub(crate) struct Alerts {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Show resolved ones, too
    #[arg(long)]
    pub all: bool,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
    /// Mark this alert as dealt with; it comes again if its cause is still there
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["all", "json"])]
    pub resolve: Option<i64>,
}

/// Alerts that are shown at most.
const ROWS: u32 = 1000;

pub(super) async fn alerts(options: &Alerts, environment: &Environment) -> Result<Ended, Failure> {
    if let Some(number) = options.resolve {
        return resolve(options, environment, number).await;
    }
    let store = status::open(&options.config).await?;
    let location = options.only.location(&options.config, &store).await;
    let alerts = store.alerts(!options.all, ROWS).await;
    let told = match (&location, &alerts) {
        (Ok(location), Ok(alerts)) => told(options, &store, alerts, location.as_ref()).await,
        _ => Ok((Vec::new(), Value::Null)),
    };
    store.close().await;
    location?;
    alerts.map_err(|error| Failure::failed(&error))?;
    let (alerts, data) = told?;
    if options.json {
        println!("{data}");
    } else if alerts.is_empty() {
        println!("no alerts");
    } else {
        println!("{}", show::alerts(&alerts));
    }
    let open = alerts.iter().any(|alert| alert.resolved_at.is_none());
    let loaded = config::load(&options.config.config)?;
    let room = health::room_seen(&loaded.store_path(), loaded.config.health.free_bytes());
    if room.is_some()
        && !alerts
            .iter()
            .any(|alert| alert.kind == Part::Store.as_str())
    {
        note(
            "the disk of the store is nearly full, and no alert can be kept of it; `canopy status` tells more",
        );
        return Ok(Ended::NeedsPerson);
    }
    Ok(if open {
        Ended::NeedsPerson
    } else {
        Ended::Well
    })
}

async fn resolve(
    options: &Alerts,
    environment: &Environment,
    number: i64,
) -> Result<Ended, Failure> {
    let store = secret::open(&options.config, environment).await?;
    let resolved = end(&store, number).await;
    store.close().await;
    if resolved.map_err(|error| Failure::failed(&error))? {
        eprintln!("resolved");
        return Ok(Ended::Well);
    }
    Err(Failure::BadInput(format!(
        "there is no open alert {number}; `canopy alerts` lists them"
    )))
}

/// Ends an alert, and forgets the state that it was about: both come again with the next failure.
async fn end(store: &SqliteStore, number: i64) -> Result<bool, StoreError> {
    let now = Timestamp::now();
    let open = store.alerts(true, ROWS).await?;
    let Some(alert) = open.into_iter().find(|alert| alert.id == number) else {
        return Ok(false);
    };
    let (location, kind, subject) = (&alert.location, &alert.kind, &alert.subject);
    let ended = store.resolve_alert(location, kind, subject, now).await?;
    let of_kind = Part::ALL.into_iter().find(|part| part.as_str() == kind);
    if let Some(part) = of_kind {
        let parts = store.health().await?.into_iter();
        let others = parts.filter(|one| one.part == part && one.location == *location);
        let others = others.map(|one| one.name).filter(|name| name != subject);
        store
            .keep_parts(location, part, others.collect(), now)
            .await?;
    }
    Ok(ended)
}

/// Those that are to be shown, and as data.
async fn told(
    options: &Alerts,
    store: &SqliteStore,
    alerts: &[Alert],
    location: Option<&String>,
) -> Result<(Vec<Alert>, Value), Failure> {
    // What belongs to no location is everybody's.
    let is_wanted = |alert: &&Alert| {
        alert.location.is_empty() || location.is_none_or(|one| alert.location == *one)
    };
    let alerts: Vec<Alert> = alerts.iter().filter(is_wanted).cloned().collect();
    let data = modes::rows(&options.config, store, &alerts).await?;
    Ok((alerts, data))
}
