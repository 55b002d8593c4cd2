//! Workflows that are switched off: what had begun of them waits, and spends nothing more.

use canopy_mapping::Workflow;
use canopy_store::{RunState, Store};
use jiff::SignedDuration;

use crate::support::{TREE_ONLY, World};

fn switched(on: bool, text: &str) -> Workflow {
    let text = if on {
        text.to_owned()
    } else {
        format!("enabled = false\n{text}")
    };
    Workflow::parse("test", &text, &canopy_engine::Catalog).unwrap()
}

/// A run that rests for an hour before it buys, and the workflow's text.
async fn resting() -> (World, String) {
    let text = TREE_ONLY.replace("[[do]]", "[[do]]\nid = \"rest\"\nwait = \"1h\"\n\n[[do]]");
    let world = World::new(&text).await;
    world.create("Ada").await;
    world.poll_and_drain().await;
    (world, text)
}

async fn waiting(world: &World) -> usize {
    let runs = world.store.runs(Some(RunState::Waiting), 100).await;
    runs.unwrap().len()
}

#[tokio::test]
async fn a_run_that_rests_does_not_buy_while_its_workflow_is_off_and_goes_on_when_it_is_on() {
    let (world, text) = resting().await;
    let workflows = &world.connection().workflows;
    workflows.replace([switched(false, &text)]);
    // Nothing new begins, either.
    world.create("Joan").await;
    world.poll_and_drain().await;
    world.pass(SignedDuration::from_hours(3)).await;
    world.drain().await;
    assert!(world.bought().await.is_empty());
    assert_eq!(waiting(&world).await, 1);
    let run = world.run_in(RunState::Waiting).await;
    assert!(run.error.unwrap().contains("switched off"));
    let last = world.store.last_runs(None).await.unwrap();
    assert_eq!(last[0].switched_off, 1);
    assert_eq!(
        world.store.next_due(&world.location).await.unwrap(),
        None,
        "nothing is looked at again and again"
    );
    workflows.replace([switched(true, &text)]);
    world.drain().await;
    assert_eq!(world.bought().await.len(), 1);
    assert_eq!(waiting(&world).await, 0);
}

#[tokio::test]
async fn a_workflow_that_is_gone_while_it_is_off_is_not_taken_for_on() {
    let (world, text) = resting().await;
    let workflows = &world.connection().workflows;
    workflows.replace([switched(false, &text)]);
    world.drain().await;
    workflows.replace([]);
    world.pass(SignedDuration::from_hours(3)).await;
    world.drain().await;
    assert!(world.bought().await.is_empty());
    workflows.replace([switched(true, &text)]);
    world.drain().await;
    assert_eq!(world.bought().await.len(), 1);
}
