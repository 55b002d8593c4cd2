//! A write that was refused stops purchases until it goes through: one run tries it for the others.

use canopy_engine::{Buyer, Catalog, Cause, Went};
use canopy_mapping::Workflow;
use canopy_store::{BreakerStore as _, RunState, Store as _};
use serde_json::{Value, json};

use crate::support::World;

/// Buys, then makes something for which no check can tell the scope.
fn field_after() -> String {
    r#"
id = "field-after"
title = "A tree, then a field"
on = ["contact.created"]

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }

[[do]]
id = "field"
action = "create-custom-field"
with = { locationId = "{{ location.id }}", name = "T {{ contact.id }}", dataType = "TEXT" }
"#
    .to_owned()
}

async fn refuse(world: &World, operation: &str, status: u16, message: &str) {
    let body = json!({ "statusCode": status, "message": message });
    let fault = json!({ "kind": "status", "operation": operation, "status": status, "body": body });
    world.control("/faults", fault).await;
}

/// A check that finds nothing wrong.
async fn check(world: &World, tried: bool) -> Went {
    let buyer = Buyer {
        store: &world.store,
        connection: "main",
        location: &world.location,
    };
    let went = buyer.found_well(Cause::HighLevel, |_| tried, world.now());
    went.await.unwrap()
}

async fn waiting(world: &World) -> usize {
    let mut runs = world.runs().await;
    runs.retain(|run| run.state == RunState::Waiting);
    runs.len()
}

#[tokio::test]
async fn a_refused_write_is_tried_by_the_run_that_has_bought_and_nobody_else_buys() {
    for (status, message) in [
        (401, "The token is not authorized for this scope."),
        (403, "The token does not have access to this location"),
    ] {
        let world = World::new(&field_after()).await;
        refuse(&world, "create-custom-field", status, message).await;
        world.create("Ada").await;
        world.poll_and_drain().await;
        for name in ["Bob", "Cleo", "Dan"] {
            world.create(name).await;
        }
        world.poll_and_drain().await;
        assert_eq!((world.bought().await.len(), waiting(&world).await), (1, 4));
        // However often a check cannot tell, or thinks that it can.
        for tried in [false, true, false] {
            assert_eq!(check(&world, tried).await, Went::One);
            world.drain().await;
            assert_eq!((world.bought().await.len(), waiting(&world).await), (1, 4));
        }
        let open = world.store.breakers(None).await.unwrap();
        assert_eq!(open[0].need.as_deref(), Some("create-custom-field"));
        assert!(
            open[0].reason.contains("tries create-custom-field again"),
            "{}",
            open[0].reason
        );
        world.clear_faults().await;
        assert_eq!(check(&world, false).await, Went::One);
        world.drain().await;
        assert_eq!(world.store.breakers(None).await.unwrap(), []);
        let runs = world.runs().await;
        assert!(
            runs.iter().all(|run| run.state == RunState::Done),
            "{runs:?}"
        );
        assert_eq!(world.bought().await.len(), 4);
    }
}

/// Plainly forbidden: for all records, or for one.
const FORBIDDEN: &str = "Forbidden resource";

#[tokio::test]
async fn what_is_forbidden_to_two_buys_for_no_third() {
    let world = World::new(&field_after()).await;
    refuse(&world, "create-custom-field", 403, FORBIDDEN).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    for name in ["Bob", "Cleo", "Dan"] {
        world.create(name).await;
    }
    world.poll_and_drain().await;
    assert_eq!((world.bought().await.len(), waiting(&world).await), (1, 4));
    // Ada's record may be special, so somebody else tries it as well; then it is clear.
    for bought in [1, 2, 2, 2] {
        assert_eq!(check(&world, false).await, Went::One);
        world.drain().await;
        assert_eq!(
            (world.bought().await.len(), waiting(&world).await),
            (bought, 3)
        );
    }
    let held = world.run_in(RunState::Held).await;
    assert!(held.error.unwrap().contains("403"));
    world.clear_faults().await;
    assert_eq!(check(&world, false).await, Went::One);
    world.drain().await;
    assert_eq!((world.bought().await.len(), waiting(&world).await), (4, 0));
    assert_eq!(world.store.breakers(None).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_forbidden_for_one_record_keeps_the_others_no_longer_than_a_check() {
    let world = World::new(&field_after()).await;
    refuse(&world, "create-custom-field", 403, FORBIDDEN).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    check(&world, false).await;
    world.drain().await;
    world.clear_faults().await;
    for name in ["Bob", "Cleo"] {
        world.create(name).await;
    }
    world.poll_and_drain().await;
    assert_eq!((world.bought().await.len(), waiting(&world).await), (1, 2));
    assert_eq!(check(&world, false).await, Went::One);
    world.drain().await;
    assert_eq!((world.bought().await.len(), waiting(&world).await), (3, 0));
    let held = world.run_in(RunState::Held).await;
    assert!(held.error.unwrap().contains("403"));
}

#[tokio::test]
async fn where_none_has_bought_one_does_and_no_more() {
    let world = World::new(&field_after()).await;
    let (store, now) = (&world.store, world.now());
    let of = ("highlevel", Some("create-custom-field"));
    store
        .open_breaker(&world.location, of, "refused", now)
        .await
        .unwrap();
    let message = "The token is not authorized for this scope.";
    refuse(&world, "create-custom-field", 401, message).await;
    for name in ["Ada", "Bob"] {
        world.create(name).await;
    }
    world.poll_and_drain().await;
    assert_eq!(world.bought().await, [] as [Value; 0]);
    for _ in 0..3 {
        assert_eq!(check(&world, false).await, Went::One);
        world.drain().await;
        assert_eq!((world.bought().await.len(), waiting(&world).await), (1, 2));
    }
    world.clear_faults().await;
    check(&world, false).await;
    world.drain().await;
    assert_eq!((world.bought().await.len(), waiting(&world).await), (2, 0));
}

#[tokio::test]
async fn where_the_file_was_at_fault_the_mended_run_lets_the_others_go_on() {
    let mut world = World::new(&field_after()).await;
    refuse(
        &world,
        "create-custom-field",
        401,
        "The token is not authorized for this scope.",
    )
    .await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    let run = world.run_in(RunState::Waiting).await;
    let mended = field_after().replace("create-custom-field", "create-note").replace(
        r#"with = { locationId = "{{ location.id }}", name = "T {{ contact.id }}", dataType = "TEXT" }"#,
        r#"with = { contactId = "{{ contact.id }}", body = "x" }"#,
    );
    let workflow = Workflow::parse("test", &mended, &Catalog).unwrap();
    let (text, now) = (json!(workflow).to_string(), world.now());
    world.restart(|connection| connection.workflows = [workflow].into());
    world.create("Bob").await;
    world.poll_and_drain().await;
    assert!(
        world
            .store
            .requeue_run_with(run.id, &text, now)
            .await
            .unwrap()
    );
    world.drain().await;
    assert_eq!((world.bought().await.len(), waiting(&world).await), (1, 2));
    check(&world, false).await;
    world.drain().await;
    assert_eq!((world.bought().await.len(), waiting(&world).await), (2, 0));
}

#[tokio::test]
async fn where_nobody_waits_a_check_that_tried_the_scope_ends_it() {
    let world = World::new(&field_after()).await;
    let of = ("highlevel", Some("create-note"));
    let now = world.now();
    let opened = world
        .store
        .open_breaker(&world.location, of, "refused", now);
    assert!(opened.await.unwrap());
    assert_eq!(check(&world, false).await, Went::No);
    assert_eq!(check(&world, true).await, Went::On);
    assert_eq!(check(&world, true).await, Went::No);
}
