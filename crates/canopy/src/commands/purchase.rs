//! `canopy purchase`: the newest purchases, and a person's word on what the network left open.

use canopy_store::{Purchase, PurchaseState, Store};
use jiff::Timestamp;
use serde_json::json;

use super::{only, secret, status};
use crate::cli::{Purchase as Command, PurchaseList, PurchaseResolve};
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::health;

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
    store.close().await;
    let purchases = purchases.map_err(|error| Failure::failed(&error))?;
    let purchases = only::of(purchases, location.as_ref(), options.limit, |one| {
        &one.location
    });
    if options.json {
        println!("{}", json!(purchases));
    } else {
        for purchase in &purchases {
            println!("{}", line(purchase));
        }
    }
    Ok(Ended::Well)
}

pub(super) async fn resolve(
    options: &PurchaseResolve,
    environment: &Environment,
) -> Result<Ended, Failure> {
    let failed = |error: canopy_store::StoreError| Failure::failed(&error);
    let key = &options.key;
    let store = secret::open(&options.config, environment).await?;
    let unknown: Vec<Purchase> = store
        .purchases(u32::MAX)
        .await
        .map_err(failed)?
        .into_iter()
        .filter(|purchase| {
            purchase.state == PurchaseState::Unknown && purchase.key.starts_with(key)
        })
        .collect();
    let [purchase] = unknown.as_slice() else {
        store.close().await;
        return Err(Failure::BadInput(format!(
            "{} unknown purchases have a key that begins with {key}; `canopy purchase list` shows them",
            unknown.len()
        )));
    };
    let now = Timestamp::now();
    let resolved = store
        .resolve_purchase(&purchase.key, options.bought, "said by the operator", now)
        .await;
    if matches!(resolved, Ok(true)) {
        let subject = canopy_engine::short(&purchase.key);
        let kind = canopy_engine::UNKNOWN;
        let mended = store.resolve_alert(&purchase.location, kind, subject, now);
        mended.await.map_err(failed)?;
    }
    let requeued = match resolved {
        Ok(true) => store.requeue_run(purchase.run, now).await,
        other => other,
    };
    let told = health::people_again(&store).await;
    store.close().await;
    requeued.map_err(failed)?;
    told.map_err(failed)?;
    eprintln!("noted; run {} goes on", purchase.run);
    Ok(Ended::Well)
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
        if purchase.test { "  (test)" } else { "" },
    )
}
