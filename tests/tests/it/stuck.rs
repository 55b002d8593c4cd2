//! A store that cannot be written because somebody else holds it, or its disk hangs: it is told within a bound, once, and
//! nothing is lost. And whatever hangs, the program ends in time.

use std::time::{Duration, Instant};

use canopy_store::{RunState, Store as _};
use rustix::process::Signal;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::process::{Process, served};
use crate::receiver::{FORGED, address, head};
use crate::support::{World, eventually, text};

/// Holds the store as another program would that writes to it and does not end.
async fn hold(world: &World) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(world.path("canopy.db"));
    let mut other = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_somebody_holds_is_told_once_and_loses_nothing() {
    let world = World::new().await;
    let mut command = world.canopy(&["run"]);
    command.env("CANOPY_LOG", "debug");
    let process = Process::of(command);
    process.ready(&world).await;
    let page = process.told("status page: ").await;
    let ready = format!("{page}readyz");
    eventually("all to be good", async || {
        world.get(&ready).await.status() == 200
    })
    .await;
    let mut other = hold(&world).await;
    let contacts = world.seed(1).await;
    eventually("to be told", async || {
        world.get(&ready).await.status() == 503
    })
    .await;
    let told = world.get(&ready).await.text().await.unwrap();
    assert!(
        told.contains("nothing can be stored") && told.contains("locked"),
        "{told}"
    );
    let alive = world.get(&format!("{page}healthz")).await;
    assert_eq!(alive.status(), 200);
    let lines = |part: &str| {
        let lines = process.lines().into_iter();
        lines.filter(|line| line.contains(part)).collect::<Vec<_>>()
    };
    eventually("several tries", async || {
        lines("the store could not write").len() > 3
    })
    .await;
    for part in [
        "drain stopped",
        "nothing can be stored",
        "WARN canopy_store",
    ] {
        assert!(lines(part).len() <= 1, "{:#?}", lines(part));
    }
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    eventually("all to be good", async || {
        world.get(&ready).await.status() == 200
    })
    .await;
    process.says("the store writes again").await;
    served(&world, &process, 1).await;
    process.stop().await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_while_everything_hangs_it_ends_in_time() {
    let world = World::new().await;
    let mut process = Process::start(&world, &["run"]);
    let webhooks = process.ready(&world).await;
    let page = process.told("status page: ").await;
    // A purchase is under way, and its answer never comes.
    let fault = json!({ "kind": "hang", "operation": "buy-trees", "after_work": true });
    let contacts = world.seed(1).await;
    served(&world, &process, 1).await;
    world.control("/faults", fault).await;
    let more = world.seed(2).await;
    eventually("a call to hang", async || {
        let requests = world.books("/requests").await;
        requests.iter().any(|one| one["fault"] == "hang")
    })
    .await;
    world.control("/faults", json!({ "kind": "hang" })).await;
    let mut open = Vec::new();
    for _ in 0..40 {
        let mut half = TcpStream::connect(address(&webhooks)).await.unwrap();
        half.write_all(head(Some(FORGED), 1000).as_bytes())
            .await
            .unwrap();
        open.push(half);
        open.push(TcpStream::connect(address(&webhooks)).await.unwrap());
        open.push(TcpStream::connect(address(&page)).await.unwrap());
    }
    let mut other = hold(&world).await;
    let told = Instant::now();
    process.signal(Signal::TERM);
    process.child.wait().await.unwrap();
    println!(
        "everything hangs: from SIGTERM to the end: {:.1} s",
        told.elapsed().as_secs_f64()
    );
    // The promise is 10 s; a busy machine is not what is tested.
    assert!(told.elapsed() < Duration::from_secs(20));
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    drop(open);
    world.clear_faults().await;
    let all: Vec<String> = contacts.into_iter().chain(more).collect();
    eventually("the rest to be done", async || {
        world.output(&["run", "--once"]).await;
        world.books("/purchases").await.len() == all.len()
            && world
                .store()
                .await
                .runs(Some(RunState::Done), 10)
                .await
                .unwrap()
                .len()
                == all.len()
    })
    .await;
    world.assert_served_once(&all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_store_is_refused_as_bad_input() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    std::fs::write(world.path("canopy.db"), "").unwrap();
    for arguments in [
        &["run"][..],
        &["run", "--once"],
        &["check"],
        &["status"],
        &["runs"],
    ] {
        let output = world.output(arguments).await;
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains("is empty (0 bytes)"), "{told}");
    }
    assert!(world.books("/purchases").await.is_empty());
}
