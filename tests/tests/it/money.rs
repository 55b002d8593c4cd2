//! Caps, unanswered purchases, dead letters: what happens to money when things go wrong.

use canopy_store::{PurchaseState, Store};
use serde_json::{Value, json};

use crate::support::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn at_a_cap_purchases_wait_and_are_not_lost() {
    let world = World::new().await;
    // Two trees at 0.60 GBP.
    world.write_config(
        &world
            .config()
            .replace("per_day = 10000", "per_day = \"1.20\""),
    );
    world.succeed(&["run", "--once"]).await;
    world.seed(5).await;
    world.needs_person(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    // A person is told of the cap.
    let status = world.output(&["status", "--json"]).await;
    assert_eq!(status.status.code(), Some(3));
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["summary"]["runs_waiting"], 3);
    let alerts = world.store().await.alerts(true, 10).await.unwrap();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_whose_answer_was_dropped_is_asked_for_again_under_its_key() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(1).await;
    // The work is done, but nobody hears of it, more often than a call is repeated by itself.
    world
        .control(
            "/faults",
            json!({ "kind": "drop_answer", "service": "ecologi", "method": "POST" }),
        )
        .await;
    world.fails(&["run", "--once"]).await;
    let purchase = world.store().await.purchases(1).await.unwrap().remove(0);
    assert_eq!(purchase.state, PurchaseState::Sent);
    world.clear_faults().await;
    crate::support::eventually("the retry to be due", async || {
        world.succeed(&["run", "--once"]).await;
        world.store().await.purchases(1).await.unwrap()[0].state == PurchaseState::Confirmed
    })
    .await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_whose_answer_was_dropped_is_looked_up_and_not_written_twice() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(1).await;
    world
        .control(
            "/faults",
            json!({ "kind": "drop_answer", "operation": "create-note", "times": 1 }),
        )
        .await;
    crate::support::eventually("the run to end", async || {
        world.output(&["run", "--once"]).await;
        world.store().await.summary().await.unwrap().runs_done == 1
    })
    .await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_refused_goes_to_the_dead_letters_and_can_be_run_again() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(1).await;
    let refusal = json!({ "kind": "status", "status": 400, "operation": "create-note", "body": { "statusCode": 400, "message": "no notes today" } });
    world.control("/faults", refusal).await;
    let output = world.output(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let status = world.output(&["status"]).await;
    assert_eq!(status.status.code(), Some(3));
    assert!(
        text(&status.stdout).contains("no notes today"),
        "{}",
        text(&status.stdout)
    );
    world.clear_faults().await;
    world.succeed(&["retry", "--all"]).await;
    world.succeed(&["run", "--once"]).await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_ecologi_refuses_makes_runs_wait_until_it_is_good() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(2).await;
    world
        .control("/settings", json!({ "billing": false }))
        .await;
    let output = world.output(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(3));
    let status: Value =
        serde_json::from_slice(&world.output(&["status", "--json"]).await.stdout).unwrap();
    assert_eq!(status["summary"]["runs_waiting"], 2, "{status}");
    world.control("/settings", json!({ "billing": true })).await;
    world.succeed(&["run", "--once"]).await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_in_the_store_are_not_in_clear() {
    let world = World::new().await;
    let token = world.info().token.clone();
    let mut child = world
        .canopy(&["secret", "set", "highlevel"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, token.as_bytes())
        .await
        .unwrap();
    drop(stdin);
    assert!(child.wait().await.unwrap().success());
    world.write_config(&world.config().replace(&token, "secret:highlevel"));
    world.succeed(&["run", "--once"]).await;
    for file in world.files() {
        let bytes = std::fs::read(world.path(&file)).unwrap();
        assert!(
            !bytes
                .windows(token.len())
                .any(|window| window == token.as_bytes()),
            "{file}"
        );
    }
}
