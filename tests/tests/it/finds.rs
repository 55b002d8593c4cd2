//! What `check`, `status` and exports say and refuse, before anything is lost or silent.

use serde_json::{Value, json};

use crate::process::alerts;
use crate::support::{World, text};

async fn problems(world: &World, arguments: &[&str]) -> (Vec<String>, Option<i32>) {
    let output = world.output(arguments).await;
    let rows: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let rows = rows.as_array().unwrap().iter();
    let told = rows.filter_map(|row| row["problem"].as_str().map(str::to_owned));
    (told.collect(), output.status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_that_cannot_be_read_are_told_and_end_by_themselves() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let good = world.config();
    let user = format!("username = \"{}\"", world.info().ecologi_user);
    world.write_config(&good.replace(&user, "username = \"nobody-knows-me\""));
    world.seed(1).await;
    let output = world.output(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(world.books("/purchases").await.is_empty());
    let told = alerts(&world, "totals").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].message.contains("ecologi.username"), "{told:?}");
    assert_eq!(world.output(&["status"]).await.status.code(), Some(3));
    world.write_config(&good);
    crate::support::eventually("the purchase", async || {
        world.output(&["run", "--once"]).await;
        world.books("/purchases").await.len() == 1
    })
    .await;
    assert!(alerts(&world, "totals").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_changed_its_id_or_shares_its_location_is_refused_by_check() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let good = world.config();
    world.write_config(&good.replace("[[connection]]", "[[connection]]\nid = \"renamed\""));
    let (told, code) = problems(&world, &["check", "--json"]).await;
    assert_eq!(code, Some(2));
    assert!(
        told.iter()
            .any(|one| one.contains("known as connection \"main\"")),
        "{told:?}"
    );
    let connection = &good[good.find("[[connection]]").unwrap()..];
    let twice = format!(
        "{good}\n{}",
        connection.replace("[[connection]]", "[[connection]]\nid = \"second\"")
    );
    let location = format!("location_id = \"{}\"\ntoken", world.info().location_id);
    world.write_config(&twice.replace("\ntoken", &format!("\n{location}")));
    let (told, code) = problems(&world, &["check", "--json"]).await;
    assert_eq!(code, Some(2));
    assert!(
        told.iter().any(|one| one.contains("are both for location")),
        "{told:?}"
    );
    // Of one of them alone nothing is wrong.
    let (told, code) = problems(&world, &["check", "--json", "--connection", "main"]).await;
    assert_eq!((told, code), (vec![], Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_never_writes_over_a_store_a_backup_or_a_configuration() {
    let world = World::new().await;
    world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    world.succeed(&["backup", "copy"]).await;
    let read = |name: &str| std::fs::read(world.path(name)).unwrap();
    for name in ["canopy.db", "copy", "canopy.toml", "canopy.db.lock"] {
        let before = read(name);
        let output = world.output(&["ledger", "export", "--csv", name]).await;
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(text(&output.stderr).contains("name another file"));
        assert_eq!(read(name), before, "{name}");
    }
    // An export of before is what a nightly job writes over.
    for _ in 0..2 {
        world
            .succeed(&["ledger", "export", "--csv", "ledger.csv"])
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_reads_knows_the_connections_that_there_are() {
    let world = World::new().await;
    world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    for command in [
        &["alerts"][..],
        &["auth", "scopes"],
        &["auth", "status"],
        &["backfill"],
        &["budget"],
        &["call", "get-custom-fields"],
        &["check"],
        &["events"],
        &["ledger", "export"],
        &["ledger", "reconcile"],
        &["plan"],
        &["profile", "show", "x"],
        &["purchase", "list"],
        &["run", "--dry-run"],
        &["runs"],
        &["runs", "1"],
        &["simulate", "new-contact"],
        &["status"],
        &["trigger", "test", "get-all-tasks"],
        &["watch"],
        &["workflows"],
    ] {
        let arguments = [command, &["--connection", "nope"]].concat();
        let output = world.output(&arguments).await;
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(
            told.contains("canopy.toml: no connection has the id \"nope\"; there are: main"),
            "{arguments:?}: {told}"
        );
    }
    // On a busy machine the services may not answer within the bound of a check.
    for command in [&["status"][..], &["check", "--offline"], &["workflows"]] {
        let arguments = [command, &["--json", "--connection", "main"]].concat();
        let told = world.succeed(&arguments).await;
        assert!(serde_json::from_str::<Value>(&told).is_ok());
    }
    let recipe = world
        .succeed(&["recipe", "show", "new-contact", "--json"])
        .await;
    let recipe: Value = serde_json::from_str(&recipe).unwrap();
    assert_eq!(recipe["name"], json!("new-contact"));
    assert!(recipe["text"].as_str().unwrap().contains("[[do]]"));
}
