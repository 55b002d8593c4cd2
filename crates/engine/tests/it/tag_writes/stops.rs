//! Programs that are killed, stop or lose their lease while tag writes wait for each other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use canopy_engine::{Boundary, LocalDispatch, Observer};
use canopy_store::clock::Clock;
use canopy_store::{RunState, Store};
use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::Notify;

use super::{TAG, all_have, calls, done, people, with_note, world};
use crate::support::World;

/// Tells when a step has come to a boundary so often.
#[derive(Debug)]
struct Bell {
    boundary: Boundary,
    left: AtomicU32,
    told: Arc<Notify>,
}

impl Observer for Bell {
    fn at(&self, boundary: Boundary, step: &str) {
        if boundary == self.boundary
            && step == "tag"
            && self.left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            self.told.notify_one();
        }
    }
}

/// A world whose bell rings then.
async fn with_bell(workflow: &str, boundary: Boundary, times: u32) -> (World, Arc<Notify>) {
    let bell = Arc::new(Notify::new());
    let mut world = world(workflow).await;
    world.engine = world.engine.observed_by(Arc::new(Bell {
        boundary,
        left: AtomicU32::new(times),
        told: bell.clone(),
    }));
    (world, bell)
}

#[tokio::test]
async fn stopped_between_the_call_and_the_outcomes_it_loses_nothing() {
    for (boundary, times) in [
        (Boundary::AfterIntent, 5),
        (Boundary::AfterCall, 1),
        (Boundary::AfterOutcome, 2),
    ] {
        let (world, bell) = with_bell(TAG, boundary, times).await;
        let contacts = people(&world, 20).await;
        world.poll.poll().await.unwrap();
        tokio::select! {
            // As in a crash: what is under way is dropped in the middle.
            biased;
            () = bell.notified() => {}
            _ = world.engine.drain(&world.location) => panic!("nobody rang"),
        }
        assert!(done(&world).await < 20);
        world.drain().await;
        all_have(&world, &contacts, json!(["ecologi", "green"])).await;
        assert_eq!(done(&world).await, 20, "{boundary:?}");
        world.poll_and_drain().await;
        assert_eq!(
            done(&world).await,
            20,
            "{boundary:?}: what came back was an echo"
        );
    }
}

/// Runs until the bell rings and then stops in order.
async fn serve(mut world: World, bell: Arc<Notify>) -> World {
    let bells = LocalDispatch::new([world.location.clone()]);
    let engine = Arc::new(world.engine);
    engine.clone().serve(bells, bell.notified()).await;
    world.engine = Arc::try_unwrap(engine).unwrap();
    world
}

#[tokio::test]
async fn a_program_that_stops_sends_no_more_and_goes_on_later() {
    let (world, bell) = with_bell(TAG, Boundary::AfterIntent, 3).await;
    let contacts = people(&world, 30).await;
    world.poll.poll().await.unwrap();
    let mut world = serve(world, bell).await;
    assert_eq!(calls(&world).await, BTreeMap::new());
    let runs = world.store.runs(None, 100).await.unwrap();
    assert!(!runs.is_empty());
    for run in runs {
        assert_eq!((run.state, run.attempts), (RunState::Ready, 0));
    }
    world.restart(|_| {});
    world.drain().await;
    all_have(&world, &contacts, json!(["ecologi", "green"])).await;
    assert_eq!(done(&world).await, 30);
}

#[tokio::test]
async fn a_program_that_stops_leaves_the_steps_behind_a_merged_call_for_later() {
    let (world, bell) = with_bell(&with_note(), Boundary::AfterOutcome, 1).await;
    let contacts = people(&world, 60).await;
    world.poll.poll().await.unwrap();
    let mut world = serve(world, bell).await;
    assert!(done(&world).await < 60);
    world.restart(|_| {});
    world.drain().await;
    all_have(&world, &contacts, json!(["ecologi", "green"])).await;
    for contact in &contacts {
        assert_eq!(world.notes(contact).await.len(), 1);
    }
    assert_eq!(done(&world).await, 60);
}

#[tokio::test]
async fn a_lease_that_is_lost_ends_the_drain_and_nobody_waits_for_ever() {
    let (world, bell) = with_bell(TAG, Boundary::AfterIntent, 3).await;
    let contacts = people(&world, 30).await;
    world.poll.poll().await.unwrap();
    let hour = SignedDuration::from_hours(1);
    let steal = async {
        bell.notified().await;
        world.wait(hour);
        let (location, now) = (&world.location, world.clock.now());
        let lease = world.store.acquire_lease(location, "other", now, hour);
        lease.await.unwrap().unwrap()
    };
    let (drained, stolen) = tokio::join!(world.engine.drain(&world.location), steal);
    assert!(drained.unwrap_err().to_string().contains("lease"));
    world.store.release_lease(&stolen).await.unwrap();
    world.drain().await;
    all_have(&world, &contacts, json!(["ecologi", "green"])).await;
    assert_eq!(done(&world).await, 30);
}
