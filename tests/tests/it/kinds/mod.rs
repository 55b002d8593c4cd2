//! Every kind of alert that `docs/alerts.md` lists, by the real binary: something that is good fails, the alert tells cause
//! and remedy, `canopy alerts` and `canopy status` end with 3, and once the cause is over it ends by itself.
//!
//! What only tells that something happened ends a day later.

mod machine;
mod money;
mod polls;
mod services;
mod webhooks;
mod work;

use canopy_store::{ALERT_KINDS, Alert, Part};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, SqliteConnection};

use crate::process::alerts;
use crate::support::{World, eventually, text};

/// One case for each kind, in the order of the documents.
macro_rules! kinds {
    ($($kind:literal => $name:ident: $case:path,)*) => {
        const KINDS: &[&str] = &[$($kind),*];
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                $case().await;
            }
        )*
    };
}

kinds! {
    "account" => account: money::account,
    "approval" => approval: work::approval,
    "budget" => budget: money::budget,
    "clock" => clock: machine::clock,
    "clock_off" => clock_off: machine::clock_off,
    "configuration" => configuration: machine::configuration,
    "currency" => currency: money::currency,
    "dead_runs" => dead_runs: work::dead_runs,
    "drain" => drain: machine::drain,
    "drift" => drift: money::drift,
    "ecologi" => ecologi: services::ecologi,
    "fields" => fields: work::fields,
    "gone" => gone: work::gone,
    "held_runs" => held_runs: money::unknown,
    "key" => key: services::key,
    "limit" => limit: services::limit,
    "list" => list: polls::list,
    "loop" => a_loop: work::a_loop,
    "neighbour" => neighbour: services::neighbour,
    "poll" => poll: polls::poll,
    "price" => price: money::price,
    "reading" => reading: services::reading,
    "reconnect" => reconnect: services::reconnect,
    "schedule" => schedule: machine::schedule,
    "stopped" => stopped: services::stopped,
    "store" => store: machine::store,
    "timetables" => timetables: machine::timetables,
    "token" => token: services::token,
    "token_age" => token_age: services::token_age,
    "totals" => totals: money::totals,
    "trigger" => trigger: polls::trigger,
    "unknown_purchases" => unknown_purchases: money::unknown,
    "unreadable" => unreadable: webhooks::unreadable,
    "waiting" => waiting: work::waiting,
    "webhook_name" => webhook_name: webhooks::name,
    "webhook_rate" => webhook_rate: webhooks::rate,
    "webhook_signatures" => webhook_signatures: webhooks::signatures,
    "webhook_silence" => webhook_silence: webhooks::silence,
    "workflows" => workflows: machine::workflows,
}

/// Who adds a kind writes a case for it.
#[test]
fn each_kind_that_is_documented_has_a_case() {
    let text = include_str!("../../../../docs/alerts.md");
    let headings: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    assert_eq!(headings, KINDS);
    let known: Vec<_> = ALERT_KINDS.iter().map(|one| one.kind).collect();
    assert_eq!(headings, known);
}

/// These failures pass by themselves, so the first is none yet.
const TWICE: [&str; 6] = [
    "clock_off",
    "drain",
    "ecologi",
    "poll",
    "reading",
    "timetables",
];

async fn is_open(world: &World, kind: &str) -> bool {
    !alerts(world, kind).await.is_empty()
}

/// Waits for the only alert of a kind, and expects cause and remedy wherever a person looks.
async fn raised(world: &World, kind: &str, cause: &str, remedy: &str) -> Alert {
    eventually(kind, async || is_open(world, kind).await).await;
    let mut open = alerts(world, kind).await;
    assert_eq!(open.len(), 1, "{kind}: {open:?}");
    let alert = open.remove(0);
    for part in [cause, remedy] {
        assert!(alert.message.contains(part), "{kind}, {part}: {alert:?}");
    }
    for command in ["alerts", "status"] {
        let output = world.output(&[command]).await;
        let told = text(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{command}: {told}");
        for part in [kind, remedy] {
            assert!(told.contains(part), "{command}, {part}: {told}");
        }
    }
    if Part::ALL.iter().any(|part| part.as_str() == kind) {
        let parts = parts(world, kind).await;
        let failing = parts.iter().find(|part| part["alerting"] == true);
        let failing = failing.unwrap_or_else(|| panic!("{kind}: {parts:?}"));
        for known in ["failing_since", "cause", "remedy"] {
            assert!(failing[known].is_string(), "{known}: {failing}");
        }
        let failures = failing["failures"].as_u64().unwrap();
        let least = if TWICE.contains(&kind) { 2 } else { 1 };
        assert!(failures >= least, "{failing}");
    }
    alert
}

/// The parts of a kind, as `status` has them.
async fn parts(world: &World, kind: &str) -> Vec<Value> {
    let output = world.output(&["status", "--json"]).await;
    let mut status: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let Value::Array(mut parts) = status["health"]["parts"].take() else {
        panic!("{status}");
    };
    parts.retain(|part| part["part"] == kind);
    parts
}

/// Waits until the alert has ended by itself, and the part is good.
async fn ended(world: &World, kind: &str) {
    let end = format!("{kind} to end");
    eventually(&end, async || !is_open(world, kind).await).await;
    for part in parts(world, kind).await {
        assert_eq!(part["alerting"], false, "{part}");
    }
}

/// Expects an alert that only tells of something that happened to last for a day. Nothing may run on the store.
async fn ended_after_a_day(world: &World, kind: &str) {
    once(world).await;
    assert!(is_open(world, kind).await, "{kind}: a day has not passed");
    let hours = i64::from(25 * 3600) * 1_000_000;
    let text = format!("UPDATE alerts SET updated_at = updated_at - {hours} WHERE kind = '{kind}'");
    sql(world, &text).await;
    once(world).await;
    assert!(!is_open(world, kind).await, "{kind}");
}

/// One round, however it ends; its exit code.
async fn once(world: &World) -> i32 {
    let output = world.output(&["run", "--once"]).await;
    output.status.code().unwrap()
}

/// What time has done to the store, or a fault of it, as no other way leads there within a test.
async fn sql(world: &World, text: &str) {
    let mut other = connection(world).await;
    let done = sqlx::query(AssertSqlSafe(text)).execute(&mut other).await;
    done.unwrap_or_else(|error| panic!("{text}: {error}"));
}

async fn connection(world: &World) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(world.path("canopy.db"));
    options.connect().await.unwrap()
}

/// Has an operation answered with this status until the faults are cleared.
async fn refuse(world: &World, operation: &str, status: u16) {
    let fault = serde_json::json!({ "kind": "status", "operation": operation, "status": status });
    world.control("/faults", fault).await;
}

/// A workflow beside the recipe.
fn with_workflow(world: &World, workflow: &str) {
    std::fs::create_dir_all(world.path("workflows")).unwrap();
    std::fs::write(world.path("workflows/mine.toml"), workflow).unwrap();
    world.write_config(&format!(
        "recipes = [\"new-contact\"]\nworkflows = \"workflows\"\n{}",
        world.config()
    ));
}

/// The world's configuration with something before a section.
fn before(world: &World, section: &str, text: &str) -> String {
    let config = world.config();
    let changed = config.replacen(section, &format!("{text}\n\n{section}"), 1);
    assert_ne!(changed, config, "{section}");
    changed
}
