//! `canopy ledger`: the book for accounting, and whether Ecologi's figures agree with it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use canopy_ecologi::Totals;
use canopy_store::{NewAlert, Purchase, PurchaseState, SqliteStore, Store};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::ledger_account::{Acknowledge, Import, acknowledge, import};
use super::{Only, instant, modes, purchase, status};
use crate::call_log::CallSink;
use crate::cells;
use crate::cli::{ConfigArgs, PurchaseList, PurchaseResolve};
use crate::config::{self, Loaded};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Ended, Failure, chain};
use crate::output::{self, Output};
use crate::program::open_store;
use crate::show;

/// Kind of the alert about figures that differ.
const DRIFT: &str = "drift";

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Write the purchases as CSV, oldest first
    Export(Export),
    /// Compare what was really bought with Ecologi's own figures; exits with 3 when they differ
    Reconcile(Reconcile),
    /// Say that what the account has more was bought elsewhere; real purchases that waited for this go on
    Acknowledge(Acknowledge),
    /// Take in what a newer store had bought, by the file that its `ledger export` wrote
    Import(Import),
    /// `canopy purchase list`
    #[command(hide = true)]
    List(PurchaseList),
    /// `canopy purchase resolve`
    #[command(hide = true)]
    Resolve(PurchaseResolve),
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// From this time on: 2026-11-01 (UTC), 2026-11-01T08:00:00Z, or how long ago (30d)
    #[arg(long, value_parser = instant::check)]
    pub from: Option<String>,
    /// Before this time
    #[arg(long, value_parser = instant::check)]
    pub to: Option<String>,
    /// The file to write; "-" is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub csv: PathBuf,
    /// Write JSON in place of CSV
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn ledger(
    command: &LedgerCommand,
    environment: &Environment,
) -> Result<Ended, Failure> {
    match command {
        LedgerCommand::Export(options) => export(options).await,
        LedgerCommand::Reconcile(options) => reconcile(options, environment).await,
        LedgerCommand::Acknowledge(options) => acknowledge(options, environment).await,
        LedgerCommand::Import(options) => import(options, environment).await,
        LedgerCommand::List(options) => purchase::list(options).await,
        LedgerCommand::Resolve(options) => purchase::resolve(options, environment).await,
    }
}

async fn export(options: &Export) -> Result<Ended, Failure> {
    let now = Timestamp::now();
    let instant = |text: &Option<String>| {
        let parsed = text.as_deref().map(|text| instant::parse(text, now));
        parsed.transpose().map_err(Failure::BadInput)
    };
    let (from, to) = (instant(&options.from)?, instant(&options.to)?);
    let loaded = config::load(&options.config.config)?;
    options.only.find(&loaded)?;
    let store = status::open(&options.config).await?;
    let purchases = all(&store).await;
    let wanted = |purchase: &&Purchase| {
        let connection = options.only.connection.as_ref();
        connection.is_none_or(|id| purchase.connection == *id)
            && from.is_none_or(|from| purchase.updated_at >= from)
            && to.is_none_or(|to| purchase.updated_at < to)
    };
    let mut purchases: Vec<_> = purchases?;
    purchases.sort_by(|a, b| (a.updated_at, &a.key).cmp(&(b.updated_at, &b.key)));
    let wanted = purchases.iter().filter(wanted);
    let wanted: Vec<_> = wanted.collect();
    let data = modes::rows(&options.config, &store, &wanted).await;
    store.close().await;
    let text = if options.json {
        format!("{}\n", data?).into_bytes()
    } else {
        let is_whole = options.only.connection.is_none() && from.is_none() && to.is_none();
        csv_of(wanted.into_iter(), is_whole).map_err(|error| Failure::failed(&error))?
    };
    let path = (options.csv.as_os_str() != "-").then_some(&*options.csv);
    let mut output = Output::to(path)?;
    output.write(&text)?;
    output.finish()
}

/// `is_whole`: it has all that the store has, so an import knows all of it.
fn csv_of<'a>(
    purchases: impl Iterator<Item = &'a Purchase>,
    is_whole: bool,
) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
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
        "simulated_amount",
        "expected_amount",
        "whole",
    ])?;
    for purchase in purchases {
        // What was charged: an estimate is no money.
        let amount = purchase.amount.map(|amount| format!("{amount:.2}"));
        // A column of its own, so that a sum over a column never mixes test and real.
        let (simulated, amount) = if purchase.test {
            (amount, None)
        } else {
            (None, amount)
        };
        // What is open may have cost this; an import into another store reckons with it.
        let is_open = matches!(purchase.state, PurchaseState::Sent | PurchaseState::Unknown);
        let expected = is_open.then(|| purchase.estimate.normalize().to_string());
        let row = [
            &*purchase.key,
            &format!("{:.3}", purchase.updated_at),
            &purchase.workflow,
            purchase.contact.as_deref().unwrap_or_default(),
            &purchase.operation,
            &purchase.quantity.normalize().to_string(),
            &purchase.unit,
            amount.as_deref().unwrap_or_default(),
            &purchase.currency,
            &purchase.test.to_string(),
            purchase.state.as_str(),
            purchase.url.as_deref().unwrap_or_default(),
            &purchase.slot,
            &purchase.connection,
            &purchase.location,
            simulated.as_deref().unwrap_or_default(),
            expected.as_deref().unwrap_or_default(),
            if is_whole { "true" } else { "false" },
        ];
        let cells = row.map(cells::safe);
        writer.write_record(cells.iter().map(|cell| cell.as_bytes()))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

async fn all(store: &SqliteStore) -> Result<Vec<Purchase>, Failure> {
    let purchases = store.purchases(u32::MAX).await;
    purchases.map_err(|error| Failure::failed(&error))
}

/// One figure of one account. Carbon is in tonnes, as Ecologi reports it.
struct Figure {
    kind: &'static str,
    ledger: Decimal,
    /// Bought elsewhere, as far as it was agreed.
    elsewhere: Decimal,
    /// `None`: Ecologi does not report it for this account.
    ecologi: Option<Decimal>,
}

impl Figure {
    fn differs(&self) -> bool {
        match self.ecologi {
            Some(ecologi) => {
                // A report may be rounded, to hundredths of a tonne, say.
                let decimals = ecologi.normalize().scale().clamp(2, 9);
                let least = Decimal::new(1, decimals);
                (self.ledger + self.elsewhere - ecologi).abs() >= least
            }
            None => false,
        }
    }
}

/// An Ecologi account, and which connections buy with it.
struct Account<'a> {
    user: &'a str,
    connections: Vec<&'a config::ConnectionConfig>,
}

async fn reconcile(options: &Reconcile, environment: &Environment) -> Result<Ended, Failure> {
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
    let compared = compare_all(connector, &loaded, &store, options).await;
    calls.flush().await;
    store.close().await;
    compared
}

async fn compare_all(
    connector: Connector<'_>,
    loaded: &Loaded,
    store: &SqliteStore,
    options: &Reconcile,
) -> Result<Ended, Failure> {
    let as_json = options.json;
    let purchases = all(store).await?;
    let mut accounts: BTreeMap<(&str, &str), Account<'_>> = BTreeMap::new();
    for config in &loaded.config.connection {
        let Some(user) = config.ecologi.username.as_deref() else {
            eprintln!(
                "connection {}: not compared; ecologi.username is not in {}",
                config.id, loaded.file
            );
            continue;
        };
        let account = accounts.entry((&config.ecologi.base_url, user));
        let account = account.or_insert_with(|| Account {
            user,
            connections: Vec::new(),
        });
        account.connections.push(config);
    }
    // Others that buy with the same account are in its figures.
    if let Some(id) = options.only.find(loaded)? {
        accounts.retain(|_, account| account.connections.iter().any(|one| one.id == *id));
    }
    if accounts.is_empty() {
        return Err(Failure::BadInput(format!(
            "{}: no connection has ecologi.username, so there is nothing to compare with",
            loaded.file
        )));
    }
    let (mut report, mut agree) = (Vec::new(), true);
    for account in accounts.values() {
        let figures = figures(connector, account, &purchases, store).await?;
        for figure in &figures {
            note(store, account, figure).await?;
            agree &= !figure.differs();
            if !as_json {
                println!("{}", line(account, figure));
            }
        }
        let open = of(account, &purchases)
            .filter(|one| matches!(one.state, PurchaseState::Sent | PurchaseState::Unknown));
        let open = open.count();
        if open > 0 {
            eprintln!(
                "{}: {open} purchase(s) are unanswered or unknown and not in the ledger's figures; `canopy purchase list` shows them",
                account.user
            );
        }
        report.push(json(account, &figures, open));
    }
    if as_json {
        // Simulations are in neither side's figures.
        let modes = show::modes_as_data(&loaded.config.connection);
        output::line(&json!({ "agree": agree, "accounts": report, "connections": modes }))?;
    }
    Ok(if agree {
        Ended::Well
    } else {
        Ended::NeedsPerson
    })
}

/// The account's purchases that cost money.
fn of<'a>(account: &Account<'_>, purchases: &'a [Purchase]) -> impl Iterator<Item = &'a Purchase> {
    let ids: Vec<String> = account
        .connections
        .iter()
        .map(|config| config.id.clone())
        .collect();
    purchases
        .iter()
        .filter(move |purchase| !purchase.test && ids.contains(&purchase.connection))
}

async fn figures(
    connector: Connector<'_>,
    account: &Account<'_>,
    purchases: &[Purchase],
    store: &SqliteStore,
) -> Result<Vec<Figure>, Failure> {
    let Some(config) = account.connections.first() else {
        return Ok(Vec::new());
    };
    let client = connector.ecologi(config, "").await?;
    let impact = client.impact(account.user).await.map_err(|error| {
        Failure::Failed(format!(
            "Ecologi's figures of {} could not be read: {}",
            account.user,
            chain(&error)
        ))
    })?;
    let reported = |pick: fn(&Totals) -> Option<Decimal>| {
        let (done, pending) = (pick(&impact.done), pick(&impact.pending));
        done.map(|done| done + pending.unwrap_or_default())
            .or(pending)
    };
    let bought = |unit: &str| -> Decimal {
        of(account, purchases)
            .filter(|one| one.state == PurchaseState::Confirmed && one.unit == unit)
            .map(|one| one.quantity)
            .sum()
    };
    let tonnes = |unit: &str| bought(unit) / Decimal::from(1000);
    let known = match super::ledger_account::account(
        connector.loaded,
        config,
        client.base_url().as_str(),
    ) {
        Some(account) => account.remembered(store).await,
        None => Ok(None),
    };
    let known = known.map_err(|error| Failure::failed(&error))?;
    let elsewhere = |kind: &str| {
        let agreed = known.as_ref().and_then(|known| known.agreed.get(kind));
        agreed.map_or(Decimal::ZERO, |agreed| agreed.apart - agreed.open)
    };
    Ok(vec![
        Figure {
            kind: "trees",
            elsewhere: elsewhere("trees"),
            ledger: bought("trees"),
            ecologi: reported(|totals| totals.trees),
        },
        Figure {
            kind: "carbon",
            elsewhere: elsewhere("carbon"),
            ledger: tonnes("kg_co2e"),
            ecologi: reported(|totals| totals.carbon_offset),
        },
        Figure {
            kind: "removal",
            elsewhere: elsewhere("removal"),
            ledger: tonnes("kg_co2e_removed"),
            ecologi: reported(|totals| totals.carbon_removal),
        },
        Figure {
            kind: "habitat",
            elsewhere: elsewhere("habitat"),
            ledger: bought("m2"),
            ecologi: reported(|totals| totals.habitat_restoration),
        },
    ])
}

/// Raises the alert of a figure that differs, or resolves it. It belongs to an account, so to no location.
async fn note(store: &SqliteStore, account: &Account<'_>, figure: &Figure) -> Result<(), Failure> {
    let subject = format!("{}: {}", account.user, figure.kind);
    let now = Timestamp::now();
    let noted = if figure.differs() {
        let reported = figure.ecologi.unwrap_or_default();
        let remedy = if reported < figure.ledger + figure.elsewhere {
            "which is less: its figures are about ten minutes late, so compare again then; if it stays so, see in the Ecologi account which of `canopy purchase list` is not there, above all of those that a person resolved as bought"
        } else {
            "look for purchases made outside Canopy (`canopy ledger acknowledge` takes them for known), and settle unknown ones with `canopy purchase resolve`"
        };
        let message = format!(
            "the ledger has {} {}{}, Ecologi reports {}; {remedy}",
            figure.ledger.normalize(),
            figure.kind,
            more(figure),
            reported.normalize(),
        );
        let alert = NewAlert {
            location: String::new(),
            kind: DRIFT.to_owned(),
            subject,
            message,
        };
        store.raise_alert(alert, now).await
    } else {
        store.resolve_alert("", DRIFT, &subject, now).await
    };
    noted.map(drop).map_err(|error| Failure::failed(&error))
}

/// What is known to be bought elsewhere.
fn more(figure: &Figure) -> String {
    if figure.elsewhere.is_zero() {
        return String::new();
    }
    format!(" and {} bought elsewhere", figure.elsewhere.normalize())
}

fn line(account: &Account<'_>, figure: &Figure) -> String {
    let verdict = match figure.ecologi {
        None => "not reported",
        Some(_) if figure.differs() => "DIFFERS",
        Some(_) => "agrees",
    };
    let reported = figure
        .ecologi
        .map_or_else(|| "-".to_owned(), |figure| figure.normalize().to_string());
    format!(
        "{}  {:<8}  ledger {:>10}{}  Ecologi {reported:>10}  {verdict}",
        account.user,
        figure.kind,
        figure.ledger.normalize(),
        more(figure)
    )
}

fn json(account: &Account<'_>, figures: &[Figure], open: usize) -> Value {
    let kinds: serde_json::Map<_, _> = figures
        .iter()
        .map(|figure| {
            let value = json!({
                "ledger": figure.ledger.normalize(),
                "elsewhere": figure.elsewhere.normalize(),
                "ecologi": figure.ecologi.map(|figure| figure.normalize()),
                "agrees": figure.ecologi.map(|_| !figure.differs()),
            });
            (figure.kind.to_owned(), value)
        })
        .collect();
    let connections: Vec<_> = account.connections.iter().map(|one| &one.id).collect();
    json!({ "user": account.user, "connections": connections, "figures": kinds, "unsettled": open })
}
