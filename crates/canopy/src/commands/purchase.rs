//! `canopy purchase`: the newest purchases, and a person's word on what the network left open.

use canopy_store::{MoneyStore as _, Purchase, PurchaseState, SqliteStore, Store};
use jiff::Timestamp;
use serde_json::json;

use super::{modes, only, status};
use crate::cli::{Purchase as Command, PurchaseList, PurchaseResolve};
use crate::config::{self, Loaded};
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::program::open_store;
use crate::{health, polls};

pub(super) async fn purchase(
    command: &Command,
    environment: &Environment,
) -> Result<Ended, Failure> {
    match command {
        Command::List(options) => list(options).await,
        Command::Resolve(options) => resolve(options, environment).await,
    }
}

pub(super) async fn list(options: &PurchaseList) -> Result<Ended, Failure> {
    let store = status::open(&options.config).await?;
    let location = options.only.location(&options.config, &store).await?;
    let most = only::rows(location.as_ref(), options.limit);
    let purchases = store.purchases(most).await;
    let purchases = purchases.map(|purchases| {
        only::of(purchases, location.as_ref(), options.limit, |one| {
            &one.location
        })
    });
    let data = match &purchases {
        Ok(purchases) => modes::rows(&options.config, &store, purchases).await,
        Err(_) => Ok(json!([])),
    };
    store.close().await;
    let purchases = purchases.map_err(|error| Failure::failed(&error))?;
    if options.json {
        println!("{}", data?);
    } else {
        for purchase in &purchases {
            println!("{}", line(purchase));
        }
    }
    Ok(Ended::Well)
}

/// Takes a person's word on one purchase: unknown, unanswered for long, or waiting to be made.
pub(super) async fn resolve(
    options: &PurchaseResolve,
    environment: &Environment,
) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    let store = open_store(&loaded, environment).await?;
    let said = say(&loaded, &store, options).await;
    let told = health::people_again(&store).await;
    store.close().await;
    let (runs, workflow) = said?;
    told.map_err(|error| Failure::failed(&error))?;
    if runs.is_empty() {
        eprintln!("noted; no run here waits for it");
    }
    for run in runs {
        match config::switched_off(&loaded)(&workflow) {
            Some(off) => eprintln!("noted; {off}, so run {run} waits until it is switched on"),
            None => eprintln!("noted; run {run} goes on"),
        }
    }
    Ok(Ended::Well)
}

async fn say(
    loaded: &Loaded,
    store: &SqliteStore,
    options: &PurchaseResolve,
) -> Result<(Vec<i64>, String), Failure> {
    let failed = |error: canopy_store::StoreError| Failure::failed(&error);
    let (key, now) = (options.key.as_str(), Timestamp::now());
    let (word, note) = (options.bought, "said by the operator");
    let run: Option<i64> = key.strip_prefix("run:").and_then(|run| run.parse().ok());
    let is_meant =
        |of: i64, known: &str| run.map_or_else(|| known.starts_with(key), |run| run == of);
    let open = |one: &Purchase| matches!(one.state, PurchaseState::Unknown | PurchaseState::Sent);
    let mut purchases = store.purchases(u32::MAX).await.map_err(failed)?;
    purchases.retain(|one| open(one) && is_meant(one.run, &one.key));
    let mut waiting = store.waiting_purchases(None).await.map_err(failed)?;
    waiting.retain(|one| {
        // What is in the ledger already is meant by its own key.
        is_meant(one.run, &one.slot) && !purchases.iter().any(|known| known.slot == one.slot)
    });
    let bad = |text: String| Err(Failure::BadInput(text));
    match (purchases.as_slice(), waiting.as_slice()) {
        ([purchase], []) => {
            let window = polls::signed(loaded.config.purchases.window);
            let sent = purchase.sent_at.unwrap_or(purchase.created_at);
            let until = sent + window;
            if purchase.state == PurchaseState::Sent && now < until {
                return bad(format!(
                    "purchase {} was sent at {sent:.0} and is sent again under its key by itself until {until:.0}; say so after that, if it is not answered",
                    canopy_engine::short(&purchase.key)
                ));
            }
            store
                .doubt_purchase(&purchase.key, note, now)
                .await
                .map_err(failed)?;
            store
                .resolve_purchase(&purchase.key, word, note, now)
                .await
                .map_err(failed)?;
            // A purchase that was imported belongs to the import; who waits for it is another run.
            let runs = store.runs_that_buy(&purchase.slot).await.map_err(failed)?;
            for run in &runs {
                store.requeue_run(*run, now).await.map_err(failed)?;
            }
            Ok((runs, purchase.workflow.clone()))
        }
        ([], [one]) if word => {
            store
                .say_bought(&one.slot, note, now)
                .await
                .map_err(failed)?;
            Ok((vec![one.run], one.workflow.clone()))
        }
        ([], [one]) => bad(format!(
            "the purchase of run {} was not made and waits ({}); it goes on by itself in its turn, and `canopy budget` shows what lets it go on",
            one.run, one.gate
        )),
        (known, waiting) => bad(format!(
            "{} purchases that are open or wait have a key that begins with {key}; `canopy purchase list` shows the open ones, `canopy runs --state waiting` the runs of those that wait (run:NUMBER names one)",
            known.len() + waiting.len()
        )),
    }
}

fn line(purchase: &Purchase) -> String {
    let state = json!(purchase.state);
    let amount = purchase.amount.unwrap_or(purchase.estimate);
    format!(
        "{}  {:<9}  {:>8} {:<15}  {:>10.2} {}  {}{}",
        &purchase.key[..12.min(purchase.key.len())],
        state.as_str().unwrap_or_default(),
        purchase.quantity.normalize(),
        purchase.unit,
        amount,
        purchase.currency,
        purchase.contact.as_deref().unwrap_or("-"),
        match &purchase.url {
            // A simulation's leads nowhere.
            _ if purchase.test => "  (test)".to_owned(),
            Some(url) => format!("  {url}"),
            None => String::new(),
        },
    )
}
