//! A write that was refused stops purchases until it goes through: one run tries it for the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use canopy_engine::{Buyer, Catalog, Cause, Options, Went};
use canopy_mapping::Workflow;
use canopy_store::{BreakerStore as _, RunState, Store as _};
use jiff::SignedDuration;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::{TREE_ONLY, World};

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
    let went = buyer.found_well(Cause::HighLevel, |_| tried, false, world.now());
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

/// An Ecologi that takes each simulated order, and refuses real ones while it is told to.
#[derive(Clone)]
struct Declined {
    refuses: Arc<AtomicBool>,
    /// Real orders that arrived.
    real: Arc<AtomicUsize>,
}

impl Respond for Declined {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let order: Value = request.body_json().unwrap();
        let is_real = order["test"] != true;
        if is_real {
            self.real.fetch_add(1, Ordering::Relaxed);
        }
        if is_real && self.refuses.load(Ordering::Relaxed) {
            let body = json!({ "message": "Payment required: card declined" });
            return ResponseTemplate::new(402).set_body_json(body);
        }
        let tree = "https://ecologi.example/of?tree=1";
        let receipt = json!({ "amount": 0.6, "currency": "GBP", "treeUrl": tree });
        ResponseTemplate::new(201).set_body_json(receipt)
    }
}

/// Five people, and how many real orders were sent for them.
async fn declined() -> (World, Declined, MockServer) {
    let ecologi = Declined {
        refuses: Arc::new(AtomicBool::new(true)),
        real: Arc::default(),
    };
    let server = MockServer::start().await;
    let mock = Mock::given(any()).respond_with(ecologi.clone());
    mock.mount(&server).await;
    let there = canopy_ecologi::Client::builder()
        .base_url(server.uri())
        .api_key("key".to_owned().into());
    let there = there.build().unwrap();
    let world = World::with(
        TREE_ONLY,
        |connection| connection.ecologi = there,
        Options::default(),
    );
    let world = world.await;
    for name in ["Ada", "Bob", "Cleo", "Dan", "Eve"] {
        world.create(name).await;
    }
    world.poll_and_drain().await;
    (world, ecologi, server)
}

/// What a check does that finds a simulated order taken.
async fn order_check(world: &World, is_asked: bool) -> Went {
    let buyer = Buyer {
        store: &world.store,
        connection: "main",
        location: &world.location,
    };
    let went = buyer.found_well(Cause::Ecologi, |_| false, is_asked, world.now());
    went.await.unwrap()
}

#[tokio::test]
async fn where_only_real_orders_are_refused_one_is_sent_now_and_then_until_one_goes_through() {
    let (world, ecologi, _server) = declined().await;
    let sent = || ecologi.real.load(Ordering::Relaxed);
    // After the first refusal nobody behind it sends theirs.
    assert_eq!((sent(), waiting(&world).await), (1, 5));
    let open = world.store.breakers(None).await.unwrap().remove(0);
    assert_eq!(open.need.as_deref(), Some("buy-trees"));
    assert!(
        open.reason.contains("card declined") && open.reason.contains("tries buy-trees again"),
        "{}",
        open.reason
    );
    // A day of checks, one a minute: they come to an order an hour.
    for minute in 0..24 * 60 {
        if order_check(&world, false).await == Went::One {
            assert_ne!(minute, 0, "at once");
            world.drain().await;
        }
        world.wait(SignedDuration::from_mins(1));
    }
    assert!((24..=32).contains(&sent()), "{}", sent());
    let tried = world.store.purchases(100).await.unwrap();
    assert_eq!(tried.len(), 1, "only the oldest tries");
    assert_eq!(waiting(&world).await, 5);
    // Nobody who is told of alerts is told again.
    let told = world.store.alerts(false, 100).await.unwrap();
    let told: Vec<_> = told.iter().filter(|one| one.kind == "stopped").collect();
    assert!(
        matches!(&told[..], [one] if one.resolved_at.is_none()),
        "{told:?}"
    );
    // Who mended it has it tried at once, and the rest goes on.
    let before = sent();
    ecologi.refuses.store(false, Ordering::Relaxed);
    assert_eq!(order_check(&world, true).await, Went::One);
    world.drain().await;
    assert_eq!((sent() - before, waiting(&world).await), (5, 0));
    assert_eq!(world.store.breakers(None).await.unwrap(), []);
    assert_eq!(world.store.alerts(true, 100).await.unwrap(), []);
    let runs = world.runs().await;
    assert!(
        runs.iter().all(|run| run.state == RunState::Done),
        "{runs:?}"
    );
}

#[tokio::test]
async fn where_a_simulated_order_is_refused_as_well_the_good_check_lets_all_go_on() {
    for status in [401, 402] {
        let world = World::new(TREE_ONLY).await;
        let refusal = json!({ "kind": "status", "status": status, "service": "ecologi" });
        world.control("/faults", refusal).await;
        for name in ["Ada", "Bob", "Cleo"] {
            world.create(name).await;
        }
        world.poll_and_drain().await;
        let purchases = world.store.purchases(100).await.unwrap();
        assert_eq!((purchases.len(), waiting(&world).await), (1, 3), "{status}");
        let open = world.store.breakers(None).await.unwrap().remove(0);
        assert_eq!(open.need, None, "{status}");
        world.clear_faults().await;
        assert_eq!(order_check(&world, false).await, Went::On, "{status}");
        world.drain().await;
        assert_eq!((world.bought().await.len(), waiting(&world).await), (3, 0));
    }
}

#[tokio::test]
async fn a_refused_order_that_nobody_waits_for_stops_nobody() {
    let world = World::new(TREE_ONLY).await;
    let (store, now) = (&world.store, world.now());
    let of = ("ecologi", Some("buy-trees"));
    let opened = store.open_breaker(&world.location, of, "refused", now);
    assert!(opened.await.unwrap());
    assert_eq!(order_check(&world, false).await, Went::No);
    world.wait(SignedDuration::from_mins(1));
    assert_eq!(order_check(&world, false).await, Went::On);
    assert_eq!(world.store.breakers(None).await.unwrap(), []);
}
