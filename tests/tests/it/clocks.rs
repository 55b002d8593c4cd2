//! A clock that was ahead and is set right: whatever it has written, nothing waits for the length of the jump.

use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use crate::support::{World, eventually};

const HOURS: i64 = 5;
/// Microseconds since 1970 are more than this, and nothing else in the store is.
const TIMES: i64 = 1_500_000_000_000_000;

/// Everything in the store as a clock would have written it that was ahead. What the ledger says stays: nobody can
/// rewrite it.
async fn written_ahead(world: &World) {
    let options = SqliteConnectOptions::new().filename(world.path("canopy.db"));
    let mut store = options.connect().await.unwrap();
    let tables = "SELECT m.name AS tab, c.name AS col FROM sqlite_schema m, pragma_table_info(m.name) c
        WHERE m.type = 'table' AND c.type = 'INTEGER' AND c.pk = 0 AND m.name NOT IN ('ledger', '_sqlx_migrations')";
    let columns = sqlx::query(tables).fetch_all(&mut store).await.unwrap();
    let ahead = HOURS * 3600 * 1_000_000;
    let mut changed = 0;
    for column in columns {
        let (table, column): (String, String) = (column.get("tab"), column.get("col"));
        let shift = format!(
            "UPDATE \"{table}\" SET \"{column}\" = \"{column}\" + {ahead} WHERE \"{column}\" > {TIMES}"
        );
        let done = sqlx::query(AssertSqlSafe(shift)).execute(&mut store).await;
        changed += done.unwrap().rows_affected();
    }
    assert!(changed > 20, "{changed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_clock_wrote_that_was_ahead_holds_nothing_up() {
    let world = World::new().await;
    let config = world
        .config()
        .replace("max_attempts = 5", "max_attempts = 1000");
    world.write_config(&config.replace("per_day = 10000", "per_day = 100"));
    world.succeed(&["run", "--once"]).await;
    // One is served, and one waits for its next try.
    let mut contacts = world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    let refused = json!({ "kind": "status", "status": 503, "operation": "create-note" });
    world.control("/faults", refused).await;
    contacts.extend(world.seed(1).await);
    world.output(&["run", "--once"]).await;
    world.clear_faults().await;
    written_ahead(&world).await;
    contacts.extend(world.seed(1).await);
    let running = world.start().await;
    contacts.extend(world.seed(1).await);
    // Far less than the jump: whoever waited for it would be here for hours.
    eventually("all to be served", async || {
        let summary = running.status(&world).await["summary"].clone();
        summary["runs_done"] == contacts.len() && summary["runs_open"] == 0
    })
    .await;
    running.stop().await;
    world.assert_served_once(&contacts).await;
    let alerts = crate::process::alerts(&world, "clock").await;
    assert!(!alerts.is_empty(), "and a person is told");
}
