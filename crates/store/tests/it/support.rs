//! A store in a folder of its own, and short ways to the rows that tests need.

use std::path::{Path, PathBuf};

use canopy_mapping::{Source, Trace};
use canopy_store::{
    Cap, CapScope, Fence, Inserted, NewEvent, NewPurchase, NewRecord, NewRun, NewStep, Postponed,
    PurchaseIntent, PurchaseOutcome, SecretKey, SqliteStore, StepOutcome, StepState, Store,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;

pub const LOCATION: &str = "loc";
pub const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Hours after the tests' beginning of time.
pub fn at(hours: i64) -> Timestamp {
    "2026-11-02T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

pub fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub struct Fixture {
    pub folder: TempDir,
    pub key: SecretKey,
    pub store: SqliteStore,
    pub fence: Fence,
}

impl Fixture {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SecretKey::generate();
        let store = SqliteStore::open(&folder.path().join("canopy.db"), &key)
            .await
            .unwrap();
        let fence = store
            .acquire_lease(LOCATION, "me", at(0), HOUR)
            .await
            .unwrap()
            .unwrap();
        Self {
            folder,
            key,
            store,
            fence,
        }
    }

    pub fn path(&self) -> PathBuf {
        self.store.path().to_owned()
    }

    /// A new event of the fixture's location with one run.
    pub async fn run(&self, record: &str) -> i64 {
        let event = self.stored(event(record, Some("created"))).await;
        let runs = vec![NewRun {
            workflow: "plant".into(),
            definition: "name = \"plant\"".into(),
        }];
        self.store
            .start_runs(&self.fence, event, runs, at(0))
            .await
            .unwrap();
        let runs = self
            .store
            .due_runs(LOCATION, at(0), (0, 0), 1000)
            .await
            .unwrap();
        runs.iter().find(|run| run.event == event).unwrap().id
    }

    pub async fn stored(&self, event: NewEvent) -> i64 {
        match self.store.insert_events(vec![event], at(0)).await.unwrap()[..] {
            [Inserted::Stored(id)] => id,
            ref other => panic!("not stored: {other:?}"),
        }
    }

    pub async fn intend(
        &self,
        purchase: NewPurchase,
        caps: Vec<Cap>,
        now: Timestamp,
    ) -> PurchaseIntent {
        let step = step(purchase.run, "buy", &purchase.key);
        self.store
            .intend_purchase(&self.fence, purchase, step, caps, now)
            .await
            .unwrap()
    }

    /// Intends, sends and settles.
    pub async fn bought(&self, purchase: NewPurchase, outcome: PurchaseOutcome) {
        let (key, run) = (purchase.key.clone(), purchase.run);
        let intent = self.intend(purchase, vec![], at(0)).await;
        assert!(matches!(intent, PurchaseIntent::Intended(_)), "{intent:?}");
        self.store
            .mark_sent(&self.fence, &key, "account", at(0))
            .await
            .unwrap();
        let step = outcome_of(run, "buy", StepState::Done);
        self.store
            .settle_purchase(&self.fence, &key, outcome, step, at(0))
            .await
            .unwrap();
    }
}

/// A contact as read, last changed at this hour.
pub fn record(id: &str, changed: i64) -> NewRecord {
    NewRecord {
        kind: "contact".into(),
        record: id.into(),
        contact: Some(id.into()),
        payload: json!({ "id": id, "changed": changed }),
        version: Some(at(changed)),
    }
}

/// A contact's creation, delivered by webhook.
pub fn event(record: &str, version: Option<&str>) -> NewEvent {
    NewEvent {
        source: Source::Webhook,
        kind: "contact.created".into(),
        location: LOCATION.into(),
        contact: Some(record.into()),
        record: record.into(),
        occurred_at: at(0),
        version: version.map(Into::into),
        delivery: None,
        payload: json!({"id": record, "firstName": "Ada", "tags": ["a", "b"]}),
        trace: Trace::default(),
    }
}

pub fn step(run: i64, id: &str, key: &str) -> NewStep {
    NewStep {
        run,
        step: id.into(),
        key: key.into(),
        action: "ecologi.buy".into(),
        request: json!({"number": 1}),
        written: Vec::new(),
        links: Vec::new(),
    }
}

pub fn outcome_of(run: i64, step: &str, state: StepState) -> StepOutcome {
    StepOutcome {
        run,
        step: step.into(),
        state,
        output: Some(json!({"ok": true})),
        error: None,
        profile: None,
        links: vec![],
        written: vec![],
        changes: vec![],
        events: vec![],
    }
}

/// A first failure, to be tried again then.
pub fn postponed(until: Timestamp, error: &str) -> Postponed {
    Postponed {
        until,
        attempts: 1,
        error: error.into(),
        missing_since: None,
        missing: None,
    }
}

/// One real tree for 0.60.
pub fn tree(run: i64, key: &str) -> NewPurchase {
    NewPurchase {
        key: key.into(),
        connection: "main".into(),
        contact: Some("c1".into()),
        workflow: "plant".into(),
        step: "buy".into(),
        run,
        operation: "buy-trees".into(),
        request: json!({"number": 1}),
        quantity: Decimal::ONE,
        unit: "trees".into(),
        test: false,
        estimate: money("0.60"),
        currency: "GBP".into(),
    }
}

pub fn confirmed(amount: &str) -> PurchaseOutcome {
    PurchaseOutcome::Confirmed {
        amount: money(amount),
        currency: "GBP".into(),
        url: Some("https://ecologi.example/u?tree=1".into()),
        response: json!({"amount": amount}),
    }
}

pub fn day(limit: &str) -> Cap {
    Cap {
        name: "day",
        scope: CapScope::Connection,
        from: at(0),
        until: at(24),
        limit: money(limit),
    }
}

/// A connection beside the store's own, for looking and for mischief.
pub async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap()
}

/// Every row of every table, as text.
pub async fn dump(path: &Path) -> String {
    let mut connection = raw(path).await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let mut text = String::new();
    for table in tables {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?1)")
            .bind(&table)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let columns: Vec<_> = columns
            .iter()
            .map(|column| format!("quote(\"{column}\")"))
            .collect();
        let query = format!(
            "SELECT concat_ws('|', {}) FROM \"{table}\" ORDER BY 1",
            columns.join(", ")
        );
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for row in rows {
            text.extend([&table, ": ", &row, "\n"]);
        }
    }
    connection.close().await.unwrap();
    text
}
