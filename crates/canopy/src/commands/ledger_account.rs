//! `canopy ledger import`: what a newer store had bought, into one that has forgotten it. `canopy ledger acknowledge`: what
//! the account has more was bought elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use canopy_engine::account::{Account, Copied, Line, connection_fact};
use canopy_store::clock::SystemClock;
use canopy_store::{Imported, MoneyStore as _, PurchaseState, SqliteStore, Store as _};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::json;

use super::{secret, status};
use crate::call_log::CallSink;
use crate::cells;
use crate::cli::ConfigArgs;
use crate::config::{self, ConnectionConfig, Loaded};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Ended, Failure, chain};
use crate::health;
use crate::output;
use crate::polls;
use crate::program::open_store;
use crate::show;

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What `canopy ledger export` wrote, on the newer store
    pub file: PathBuf,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Acknowledge {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Only the account of this connection
    #[arg(long, value_name = "ID")]
    pub connection: Option<String>,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// The column of what simulations would have cost.
const SIMULATED: &str = "simulated_amount";
/// The column of what an open one may have cost; older exports have none.
const EXPECTED: &str = "expected_amount";
/// The column that says `false` where the export left something out.
const WHOLE: &str = "whole";
/// The columns that are needed, in the order of [`Row`]'s members.
const NEEDED: [&str; 15] = [
    "key",
    "time",
    "workflow",
    "contact",
    "operation",
    "quantity",
    "unit",
    "amount",
    "currency",
    "test",
    "state",
    "url",
    "slot",
    "connection",
    "location",
];

pub(super) async fn import(options: &Import, environment: &Environment) -> Result<Ended, Failure> {
    let name = options.file.display().to_string();
    let text = std::fs::read(&options.file)
        .map_err(|error| Failure::BadInput(format!("{name} cannot be read: {error}")))?;
    let (rows, is_whole) = read(&name, &text)?;
    let loaded = config::load(&options.config.config)?;
    for row in &rows {
        if !loaded
            .config
            .connection
            .iter()
            .any(|one| one.id == row.connection)
        {
            return Err(Failure::BadInput(format!(
                "{name}: purchase {} is of connection \"{}\", which {} does not have",
                row.key, row.connection, loaded.file
            )));
        }
    }
    let store = secret::open(&options.config, environment).await?;
    let count = rows.len();
    let simulated = rows.iter().filter(|row| row.test).count();
    let now = Timestamp::now();
    let news = news(&store, &rows).await;
    let done = store.import_purchases(rows, &name, now).await;
    // A file that has nothing new, or not all, does not say that nothing else was bought.
    let said = if is_whole { news? } else { BTreeSet::new() };
    let compared = match &done {
        Ok(_) => compare(&loaded, environment, &store, &said).await,
        Err(_) => Ok(Vec::new()),
    };
    let told = health::people_again(&store).await;
    store.close().await;
    let done = done.map_err(|error| Failure::failed(&error))?;
    told.map_err(|error| Failure::failed(&error))?;
    if options.json {
        return output::line(
            &json!({ "rows": count, "real": count - simulated, "simulated": simulated,
            "connections": show::modes_as_data(&loaded.config.connection), "added": done.added, "confirmed": done.confirmed,
            "known": done.known, "in_the_way": done.in_the_way, "waiting": compared.as_ref().ok() }),
        );
    }
    eprintln!(
        "{} real and {simulated} simulated purchase(s) read: {} added, {} that were open here are confirmed, {} known already",
        count - simulated,
        done.added,
        done.confirmed,
        done.known
    );
    for key in &done.in_the_way {
        eprintln!(
            "{key}: not imported, because another attempt at the same stands here; `canopy purchase list` shows it"
        );
    }
    match compared {
        Ok(waiting) if waiting.is_empty() => eprintln!(
            "ledger and account were compared again; `canopy alerts` says whether anything is still missing, and what waited goes on where nothing is"
        ),
        Ok(waiting) => eprintln!(
            "real purchases of {} go on waiting for what this store may have forgotten, because the file {}; import a whole export of the newer store, or say `canopy ledger acknowledge` where nothing else was bought",
            waiting.join(", "),
            if is_whole {
                "tells nothing new of them"
            } else {
                "is a part of an export (--connection, --from, --to)"
            },
        ),
        Err(error) => eprintln!(
            "ledger and account could not be compared now ({error}); a running canopy does so within ten minutes, others at their first purchase"
        ),
    }
    Ok(if done.in_the_way.is_empty() {
        Ended::Well
    } else {
        Ended::NeedsPerson
    })
}

/// The connections of which the file tells something that is not in the store, or open there.
async fn news(store: &SqliteStore, rows: &[Imported]) -> Result<BTreeSet<String>, Failure> {
    let mut news = BTreeSet::new();
    for row in rows.iter().filter(|row| !row.test) {
        let known = store.purchase(&row.key).await;
        let known = known.map_err(|error| Failure::failed(&error))?;
        if known.is_none_or(|known| known.state != PurchaseState::Confirmed) {
            news.insert(row.connection.clone());
        }
    }
    Ok(news)
}

/// Compares ledger and accounts by what is known now, so that what is settled is told no more. Returned are the connections
/// that go on waiting for what the store may have forgotten.
async fn compare(
    loaded: &Loaded,
    environment: &Environment,
    store: &SqliteStore,
    said: &BTreeSet<String>,
) -> Result<Vec<String>, Failure> {
    let (calls, log) = CallSink::new();
    log.start(std::sync::Arc::new(store.clone()));
    let connector = Connector {
        loaded,
        environment,
        store: Some(store),
        calls: &calls,
        limiters: None,
    };
    let compared = compare_all(connector, loaded, store, said).await;
    calls.flush().await;
    compared
}

async fn compare_all(
    connector: Connector<'_>,
    loaded: &Loaded,
    store: &SqliteStore,
    said: &BTreeSet<String>,
) -> Result<Vec<String>, Failure> {
    let (mut seen, mut waiting) = (Vec::new(), Vec::new());
    for config in loaded.config.connection.iter().filter(|one| !one.test) {
        let client = connector.ecologi(config, "").await?;
        let account = account(loaded, config, client.base_url().as_str());
        let name = match &account {
            Some(account) => account.fact(),
            None => connection_fact(&config.id),
        };
        if said.contains(&config.id)
            && let Some(copied) = copied(store).await?
        {
            // A person has said what the newer store had bought.
            let settled = copied.settle(store, &name, Timestamp::now()).await;
            settled.map_err(|error| Failure::failed(&error))?;
        }
        if let Some(account) = account.filter(|account| !seen.contains(account)) {
            let compared = account.compare(store, &client, delay(loaded), &SystemClock);
            compared
                .await
                .map_err(|error| Failure::Failed(chain(&error)))?;
            seen.push(account);
        }
        if copied(store)
            .await?
            .is_some_and(|copied| copied.holds(&name))
        {
            waiting.push(config.id.clone());
        }
    }
    Ok(waiting)
}

async fn copied(store: &SqliteStore) -> Result<Option<Copied>, Failure> {
    let copied = Copied::of(store).await;
    copied.map_err(|error| Failure::failed(&error))
}

/// The purchases of the file, and whether it has all that its store had.
fn read(name: &str, text: &[u8]) -> Result<(Vec<Imported>, bool), Failure> {
    let mut reader = csv::Reader::from_reader(text);
    let bad = |error: String| Failure::BadInput(format!("{name}: {error}"));
    let titles = reader
        .headers()
        .map_err(|error| bad(error.to_string()))?
        .clone();
    let mut places = BTreeMap::new();
    for wanted in NEEDED {
        let Some(place) = titles.iter().position(|title| title == wanted) else {
            return Err(bad(format!(
                "it has no column \"{wanted}\"; only what `canopy ledger export` of this version writes can be imported"
            )));
        };
        places.insert(wanted, place);
    }
    // What was simulated has its amounts in a column of its own.
    let place = titles.iter().position(|title| title == SIMULATED);
    places.insert(SIMULATED, place.unwrap_or(places["amount"]));
    let expected = titles.iter().position(|title| title == EXPECTED);
    let whole = titles.iter().position(|title| title == WHOLE);
    let mut is_whole = true;
    let mut rows = Vec::new();
    for (line, record) in reader.records().enumerate() {
        let line = line + 2;
        let record = record.map_err(|error| bad(error.to_string()))?;
        let cell =
            |title: &str| cells::original(record.get(places[title]).unwrap_or_default()).to_owned();
        let maybe = |title: &str| Some(cell(title)).filter(|text| !text.is_empty());
        let wrong = |title: &str| bad(format!("line {line}: \"{}\" is no {title}", cell(title)));
        let decimal = |title: &str| cell(title).parse::<Decimal>().map_err(|_| wrong(title));
        let state: PurchaseState =
            serde_json::from_value(json!(cell("state"))).map_err(|_| wrong("state"))?;
        let simulated: bool = cell("test").parse().map_err(|_| wrong("test"))?;
        let column = if simulated { SIMULATED } else { "amount" };
        let amount = match (state, maybe(column)) {
            (PurchaseState::Confirmed, Some(_)) => Some(decimal(column)?),
            (PurchaseState::Confirmed, None) => return Err(wrong(column)),
            _ => None,
        };
        if whole.and_then(|place| record.get(place)) == Some("false") {
            is_whole = false;
        }
        let estimate = expected.and_then(|place| record.get(place));
        let estimate = match estimate.map(cells::original) {
            Some(text) if !text.is_empty() => Some(
                text.parse::<Decimal>()
                    .map_err(|_| bad(format!("line {line}: \"{text}\" is no {EXPECTED}")))?,
            ),
            _ => None,
        };
        // What was refused was not bought.
        if state == PurchaseState::Refused {
            continue;
        }
        rows.push(Imported {
            key: cell("key"),
            slot: cell("slot"),
            location: cell("location"),
            connection: cell("connection"),
            workflow: cell("workflow"),
            contact: maybe("contact"),
            operation: cell("operation"),
            quantity: decimal("quantity")?,
            unit: cell("unit"),
            amount,
            estimate,
            currency: cell("currency"),
            test: simulated,
            url: maybe("url"),
            at: cell("time").parse().map_err(|_| wrong("time"))?,
        });
    }
    Ok((rows, is_whole))
}

pub(super) async fn acknowledge(
    options: &Acknowledge,
    environment: &Environment,
) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    // Before a store is created by a look at it.
    status::open(&options.config).await?.close().await;
    let store = open_store(&loaded, environment).await?;
    let (calls, log) = CallSink::new();
    log.start(std::sync::Arc::new(store.clone()));
    let connector = Connector {
        loaded: &loaded,
        environment,
        store: Some(&store),
        calls: &calls,
        limiters: None,
    };
    let done = accept(connector, &loaded, &store, options).await;
    calls.flush().await;
    store.close().await;
    let done = done?;
    if options.json {
        let accounts: Vec<_> = done
            .iter()
            .map(|(user, lines)| json!({ "user": user, "figures": lines }))
            .collect();
        let modes = show::modes_as_data(&loaded.config.connection);
        return output::line(&json!({ "accounts": accounts, "connections": modes }));
    }
    for (user, lines) in &done {
        for line in lines {
            eprintln!(
                "{user}: {} {} reported and {} pending, {} in the ledger; {} taken for bought elsewhere",
                line.reported.total.normalize(),
                line.kind,
                line.reported.pending.normalize(),
                line.booked.confirmed.normalize(),
                line.elsewhere.normalize()
            );
            if !line.booked.open.is_zero() {
                eprintln!(
                    "{user}: {} {} of your own purchases are not answered or unknown, and may be in that report; they are settled by themselves or by `canopy purchase resolve`",
                    line.booked.open.normalize(),
                    line.kind
                );
            }
        }
    }
    eprintln!(
        "purchases that waited for this go on; a running canopy takes them up within half a minute"
    );
    Ok(Ended::Well)
}

async fn accept(
    connector: Connector<'_>,
    loaded: &Loaded,
    store: &SqliteStore,
    options: &Acknowledge,
) -> Result<Vec<(String, Vec<Line>)>, Failure> {
    let mut done: Vec<(String, Vec<Line>)> = Vec::new();
    let mut seen = Vec::new();
    for config in &loaded.config.connection {
        if options
            .connection
            .as_ref()
            .is_some_and(|id| *id != config.id)
        {
            continue;
        }
        let client = connector.ecologi(config, "").await?;
        let Some(account) = account(loaded, config, client.base_url().as_str()) else {
            let copied = Copied::of(store).await;
            if let Some(copied) = copied.map_err(|error| Failure::failed(&error))? {
                let name = connection_fact(&config.id);
                let settled = copied.settle(store, &name, Timestamp::now());
                settled.await.map_err(|error| Failure::failed(&error))?;
                done.push((format!("connection {}", config.id), Vec::new()));
            }
            continue;
        };
        if seen.contains(&account) {
            continue;
        }
        let lines = account.acknowledge(store, &client, delay(loaded), Timestamp::now());
        let lines = lines
            .await
            .map_err(|error| Failure::Failed(chain(&error)))?;
        done.push((account.user.clone(), lines));
        seen.push(account);
    }
    if done.is_empty() {
        return Err(Failure::BadInput(format!(
            "{}: no such connection has ecologi.username, so no account is compared with the ledger",
            loaded.file
        )));
    }
    Ok(done)
}

/// The account of a connection, where its user name is known.
pub(super) fn account(loaded: &Loaded, config: &ConnectionConfig, base: &str) -> Option<Account> {
    let user = config.ecologi.username.clone()?;
    let all = &loaded.config.connection;
    let shares = |one: &&ConnectionConfig| {
        one.ecologi.username.as_ref() == Some(&user)
            && one.ecologi.base_url == config.ecologi.base_url
    };
    let ids = |connections: Vec<&ConnectionConfig>| -> Vec<String> {
        let mut ids: Vec<_> = connections.iter().map(|one| one.id.clone()).collect();
        ids.sort_unstable();
        ids
    };
    let elsewhere = |one: &&ConnectionConfig| one.ecologi.username.is_some() && !shares(one);
    Some(Account {
        base: base.to_owned(),
        connections: ids(all.iter().filter(shares).collect()),
        others: ids(all.iter().filter(elsewhere).collect()),
        only: all.iter().all(|one| shares(&one)),
        units: Vec::new(),
        user,
    })
}

/// How late reports may be.
pub(super) fn delay(loaded: &Loaded) -> SignedDuration {
    polls::signed(loaded.config.purchases.report_delay)
}
