//! `canopy budget`: what the caps have left, and what waits for them. It looks, and changes nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use canopy_engine::{BudgetZone, zone_fact};
use canopy_store::{Cap, CapOf, CapScope, CapUse, MoneyStore as _, SqliteStore, WaitingPurchase};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Only, status};
use crate::cli::ConfigArgs;
use crate::config::{self, ConnectionConfig, Loaded};
use crate::connect;
use crate::exit::{Ended, Failure};
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct Budget {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// What people ask next.
const ADVICE: &str = "What waits at a cap goes on in its order when the day or month begins anew, or at once when the cap is raised in the
configuration, once that is in force (a restart, or the signal HUP). `canopy retry` is for runs that stopped, `canopy approve` for events that came
late; neither lifts a cap.\n";

/// One cap of a connection.
struct Row {
    subject: String,
    cap: Cap,
    used: CapUse,
    waiting: Waiting,
}

#[derive(Default, Clone)]
struct Waiting {
    count: u64,
    amount: Decimal,
}

impl Waiting {
    fn add(&mut self, purchase: &WaitingPurchase) {
        self.count += 1;
        self.amount += purchase.estimate;
    }

    fn json(&self) -> Value {
        json!({ "count": self.count, "amount": self.amount.normalize() })
    }
}

/// All that there is to say of a connection.
struct Report<'a> {
    config: &'a ConnectionConfig,
    zone: String,
    caps: Vec<Row>,
    /// By what they wait for, caps too.
    gates: BTreeMap<String, Waiting>,
    going: Waiting,
    /// Charged this month in other currencies, which these caps do not count.
    elsewhere: Vec<(String, Decimal)>,
}

pub(super) async fn budget(options: &Budget) -> Result<Ended, Failure> {
    let mut loaded = config::load(&options.config.config)?;
    options.only.keep(&mut loaded)?;
    let connections = &loaded.config.connection;
    let store = status::open(&options.config).await?;
    let mut reports = Vec::new();
    for config in connections {
        reports.push(report(&loaded, config, &store, Timestamp::now()).await);
    }
    store.close().await;
    let reports = reports.into_iter().collect::<Result<Vec<_>, _>>();
    let reports = reports.map_err(|error| Failure::failed(&error))?;
    if options.json {
        let all: Vec<_> = reports.iter().map(as_json).collect();
        return output::line(&json!({ "connections": all }));
    }
    let mut text: String = reports.iter().map(lines).collect();
    if reports.iter().any(|report| !report.gates.is_empty()) {
        text.push('\n');
        text.push_str(ADVICE);
    }
    output::text(&text)
}

async fn report<'a>(
    loaded: &Loaded,
    config: &'a ConnectionConfig,
    store: &SqliteStore,
    now: Timestamp,
) -> Result<Report<'a>, canopy_store::StoreError> {
    let (mut gates, mut going) = (BTreeMap::<String, Waiting>::new(), Waiting::default());
    let waiting = store.waiting_purchases(None).await?;
    let waiting = waiting
        .into_iter()
        .filter(|one| one.connection == config.id);
    let waiting: Vec<_> = waiting.collect();
    for purchase in &waiting {
        if purchase.freed {
            going.add(purchase);
        } else {
            gates
                .entry(purchase.gate.clone())
                .or_default()
                .add(purchase);
        }
    }
    let mut report = Report {
        config,
        zone: "UTC".to_owned(),
        caps: Vec::new(),
        gates,
        going,
        elsewhere: Vec::new(),
    };
    let Some(budget) = connect::budget(loaded, config) else {
        return Ok(report);
    };
    let zone = match &budget.zone {
        BudgetZone::Utc => TimeZone::UTC,
        BudgetZone::Named(zone) => zone.clone(),
        BudgetZone::Location => {
            let known = store.fact(&zone_fact(&config.id)).await?;
            let zone = known.and_then(|(name, _)| TimeZone::get(name.as_str()?).ok());
            // As long as nothing was bought it has not been read.
            zone.unwrap_or(TimeZone::UTC)
        }
    };
    report.zone = zone.iana_name().unwrap_or("UTC").to_owned();
    let mut asked: Vec<(Cap, CapOf)> = Vec::new();
    let of = |workflow: &str, contact: Option<&str>, location: &str| CapOf {
        location: location.to_owned(),
        connection: config.id.clone(),
        workflow: workflow.to_owned(),
        contact: contact.map(str::to_owned),
        currency: config.ecologi.currency.clone(),
    };
    let of_all = budget.caps("", now, &zone);
    if let Some(from) = of_all.iter().map(|cap| cap.from).min() {
        let currency = &config.ecologi.currency;
        report.elsewhere = store.spent_elsewhere(&config.id, currency, from).await?;
    }
    let common = |cap: &&Cap| matches!(cap.scope, CapScope::Connection | CapScope::All);
    asked.extend(
        of_all
            .iter()
            .filter(common)
            .map(|cap| (cap.clone(), of("", None, ""))),
    );
    for id in budget.workflows.keys() {
        let caps = budget.caps(id, now, &zone);
        let own = caps
            .into_iter()
            .filter(|cap| cap.scope == CapScope::Workflow);
        asked.extend(own.map(|cap| (cap, of(id, None, ""))));
    }
    for cap in of_all.iter().filter(|cap| cap.scope == CapScope::Contact) {
        let mut seen = Vec::new();
        for purchase in &waiting {
            let contact = purchase.contact.as_deref();
            let subject = cap.subject("", contact, "");
            if purchase.gate == subject && !seen.contains(&subject) {
                seen.push(subject);
                asked.push((cap.clone(), of("", contact, &purchase.location)));
            }
        }
    }
    for (cap, of) in asked {
        let used = store.cap_use(&cap, &of).await?;
        let subject = cap.subject(&of.workflow, of.contact.as_deref(), &of.currency);
        let waiting = report.gates.get(&subject).cloned().unwrap_or_default();
        report.caps.push(Row {
            subject,
            cap,
            used,
            waiting,
        });
    }
    Ok(report)
}

fn resets(report: &Report<'_>, cap: &Cap) -> String {
    let zone = TimeZone::get(&report.zone).unwrap_or(TimeZone::UTC);
    let at = cap.until.to_zoned_datetime(zone);
    at.strftime("%Y-%m-%d %H:%M %Z").to_string()
}

fn lines(report: &Report<'_>) -> String {
    let config = report.config;
    let mut text = String::new();
    let _ = write!(
        text,
        "connection {}: {}, days and months in {}",
        config.id, config.ecologi.currency, report.zone
    );
    text.push_str(if config.test {
        "; test mode: nothing is charged, and no cap counts\n"
    } else {
        "; real purchases\n"
    });
    if report.caps.is_empty() {
        text.push_str("  no caps\n");
    }
    for row in &report.caps {
        let _ = write!(
            text,
            "  {:<32}  spent {:>10.2}  reserved {:>8.2}  of {:>10.2}  begins anew {}",
            row.subject,
            row.used.spent,
            row.used.reserved,
            row.cap.limit,
            resets(report, &row.cap)
        );
        if row.waiting.count > 0 {
            let _ = write!(
                text,
                "  waiting {} ({:.2})",
                row.waiting.count, row.waiting.amount
            );
        }
        text.push('\n');
    }
    for (currency, amount) in &report.elsewhere {
        let _ = writeln!(
            text,
            "  charged this month in {currency}, which these caps do not count: {amount:.2}"
        );
    }
    for (gate, waiting) in &report.gates {
        if !report.caps.iter().any(|row| row.subject == *gate) {
            let _ = writeln!(
                text,
                "  waiting for {gate}: {} ({:.2})",
                waiting.count, waiting.amount
            );
        }
    }
    text
}

fn as_json(report: &Report<'_>) -> Value {
    let caps: Vec<_> = report
        .caps
        .iter()
        .map(|row| {
            let left = row.cap.limit - row.used.spent - row.used.reserved;
            json!({
                "cap": row.subject, "limit": row.cap.limit.normalize(), "spent": row.used.spent.normalize(),
                "reserved": row.used.reserved.normalize(), "left": left.max(Decimal::ZERO).normalize(),
                "from": row.cap.from, "resets": row.cap.until, "waiting": row.waiting.json(),
            })
        })
        .collect();
    let mut all = Waiting::default();
    for waiting in report.gates.values() {
        all.count += waiting.count;
        all.amount += waiting.amount;
    }
    let gates: BTreeMap<_, _> = report
        .gates
        .iter()
        .map(|(gate, one)| (gate, one.json()))
        .collect();
    let elsewhere = report.elsewhere.iter();
    let elsewhere: BTreeMap<_, _> = elsewhere
        .map(|(currency, amount)| (currency, amount.normalize()))
        .collect();
    json!({
        "connection": report.config.id, "test": report.config.test, "mode": report.config.mode(), "currency": report.config.ecologi.currency,
        "timezone": report.zone, "caps": caps, "waiting": all.json(), "waiting_for": gates,
        "other_currencies": elsewhere,
        "about_to_go": report.going.json(),
    })
}
