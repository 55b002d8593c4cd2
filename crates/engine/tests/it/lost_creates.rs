//! Creates whose outcome is unknown: looked for by what makes the record known, then done or made again.

use canopy_engine::Catalog;
use canopy_mapping::Workflow;
use canopy_store::{Run, RunState};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::World;

/// Each new contact refers a friend.
fn friend(with: &str) -> String {
    format!(
        r#"
id = "friend"
title = "A friend"
on = ["contact.created"]

[[do]]
id = "it"
action = "create-contact"
once = "contact"
with = {with}
"#
    )
}

const DEAL: &str = r#"
id = "deal"
title = "A deal"
on = ["contact.created"]

[[do]]
id = "it"
action = "create-opportunity"
once = "contact"
with = { locationId = "{{ location.id }}", contactId = "{{ contact.id }}", name = "First", pipelineId = "PIPELINE", status = "open" }
"#;

const BY_ADDRESS: &str =
    r#"{ locationId = "{{ location.id }}", firstName = "Grace", email = "Grace@Example.com" }"#;
const BY_NUMBER: &str =
    r#"{ locationId = "{{ location.id }}", firstName = "Grace", phone = "+44 20 7946 0958" }"#;
const BY_NAME: &str = r#"{ locationId = "{{ location.id }}", firstName = "Grace" }"#;

async fn creates(world: &World, operation: &str) -> usize {
    let requests = world.requests().await;
    let is_create = |request: &&Value| request["operation"] == operation;
    requests.iter().filter(is_create).count()
}

async fn graces(world: &World) -> usize {
    let question = json!({ "locationId": world.location, "pageLimit": 100,
        "filters": [{ "field": "firstNameLowerCase", "operator": "eq", "value": "grace" }] });
    let found = world.invoke("search-contacts-advanced", question).await;
    found["contacts"].as_array().unwrap().len()
}

/// An answer that shows nothing, or a refusal, in place of the next ones.
async fn answers(world: &World, operation: &str, status: u16, body: Value, after_work: bool) {
    let fault = json!({ "kind": "answer", "operation": operation, "status": status, "body": body,
        "after_work": after_work });
    world.control("/faults", fault).await;
}

async fn later(world: &World) -> Run {
    world.clear_faults().await;
    world.pass(SignedDuration::from_hours(1)).await;
    world.drain().await;
    world.run().await
}

#[tokio::test]
async fn a_contact_is_looked_for_by_address_and_number_before_it_is_created_again() {
    for with in [BY_ADDRESS, BY_NUMBER] {
        for after_work in [true, false] {
            for (status, body) in [
                (200, json!({ "contact": null })),
                (
                    422,
                    json!({ "statusCode": 422, "message": "Could not save", "traceId": "t" }),
                ),
            ] {
                let case = format!("{with} {after_work} {status}");
                let world = World::new(&friend(with)).await;
                world.create("Ada").await;
                answers(&world, "create-contact", status, body, after_work).await;
                world.poll_and_drain().await;
                // The service's index may lag: the next attempt looks.
                assert_eq!(world.run().await.state, RunState::Waiting, "{case}");
                let run = later(&world).await;
                assert_eq!(run.state, RunState::Done, "{case}: {:?}", run.error);
                assert_eq!(graces(&world).await, 1, "{case}");
                let sent = if after_work { 1 } else { 2 };
                assert_eq!(creates(&world, "create-contact").await, sent, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_422_that_names_an_argument_is_looked_at_once_and_believed() {
    for (with, after_work, state) in [
        (BY_ADDRESS, true, RunState::Done),
        (BY_ADDRESS, false, RunState::Dead),
        // Nothing to look by: the text is all there is.
        (BY_NAME, false, RunState::Dead),
    ] {
        let world = World::new(&friend(with)).await;
        world.create("Ada").await;
        let body =
            json!({ "statusCode": 422, "message": ["email must be an email"], "traceId": "t" });
        answers(&world, "create-contact", 422, body, after_work).await;
        world.poll_and_drain().await;
        let run = world.run().await;
        assert_eq!(run.state, state, "{with}: {:?}", run.error);
        assert_eq!(creates(&world, "create-contact").await, 1, "{with}");
    }
}

#[tokio::test]
async fn a_second_422_without_a_record_is_a_refusal() {
    let world = World::new(&friend(BY_ADDRESS)).await;
    world.create("Ada").await;
    let body = json!({ "statusCode": 422, "message": "Could not save", "traceId": "t" });
    answers(&world, "create-contact", 422, body, false).await;
    world.poll_and_drain().await;
    world.pass(SignedDuration::from_hours(1)).await;
    world.drain().await;
    let run = world.run().await;
    let told = run.error.unwrap();
    assert_eq!(run.state, RunState::Dead, "{told}");
    assert!(
        told.contains("Could not save") && told.contains("is not there"),
        "{told}"
    );
    assert_eq!(
        (
            creates(&world, "create-contact").await,
            graces(&world).await
        ),
        (2, 0)
    );
}

#[tokio::test]
async fn what_nobody_can_look_for_waits_for_a_person() {
    let nothing = json!({ "contact": null });
    let world = World::new(&friend(BY_NAME)).await;
    world.create("Ada").await;
    answers(&world, "create-contact", 200, nothing.clone(), true).await;
    world.poll_and_drain().await;
    let run = later(&world).await;
    let told = run.error.unwrap();
    assert_eq!(run.state, RunState::Held, "{told}");
    assert!(
        told.contains("no way to look") && told.contains("canopy retry"),
        "{told}"
    );
    assert_eq!(
        (
            creates(&world, "create-contact").await,
            graces(&world).await
        ),
        (1, 1)
    );

    // One of before hides a newer one.
    let world = World::new(&friend(BY_ADDRESS)).await;
    world
        .control("/settings", json!({ "allow_duplicate_contacts": true }))
        .await;
    world
        .control(
            "/contacts",
            json!({ "firstName": "Old", "email": "grace@example.com" }),
        )
        .await;
    world.pass(SignedDuration::from_hours(2)).await;
    world.poll_and_drain().await;
    let before = world.runs().await.len();
    let earlier = creates(&world, "create-contact").await;
    world.create("Ada").await;
    answers(&world, "create-contact", 200, nothing, true).await;
    world.poll_and_drain().await;
    world.clear_faults().await;
    world.pass(SignedDuration::from_hours(1)).await;
    world.drain().await;
    let runs = world.runs().await;
    assert!(runs.len() > before);
    let held: Vec<_> = runs
        .iter()
        .filter(|run| run.state == RunState::Held)
        .collect();
    assert_eq!(held.len(), 1, "{runs:?}");
    assert!(
        held[0].error.as_ref().unwrap().contains("was there before"),
        "{held:?}"
    );
    assert_eq!(creates(&world, "create-contact").await, earlier + 1);
}

#[tokio::test]
async fn a_deal_is_looked_for_among_those_of_its_contact() {
    for after_work in [true, false] {
        let mut world = World::new(&friend(BY_NAME)).await;
        let question = json!({ "locationId": world.location });
        let pipelines = world.invoke("get-pipelines", question).await;
        let pipeline = pipelines["pipelines"][0]["id"].as_str().unwrap();
        let deal = DEAL.replace("PIPELINE", pipeline);
        let deal = Workflow::parse("deal", &deal, &Catalog).unwrap();
        world.restart(|connection| connection.workflows = [deal].into());
        let contact = world.create("Ada").await;
        let torn = json!({ "opportunity": null });
        answers(&world, "create-opportunity", 200, torn, after_work).await;
        world.poll_and_drain().await;
        let run = world.run().await;
        assert_eq!(run.state, RunState::Waiting, "{:?}", run.error);
        let run = later(&world).await;
        assert_eq!(run.state, RunState::Done, "{after_work}: {:?}", run.error);
        let question = json!({ "location_id": world.location, "contact_id": contact });
        let deals = world.invoke("search-opportunity", question).await;
        assert_eq!(
            deals["opportunities"].as_array().unwrap().len(),
            1,
            "{deals}"
        );
        let sent = if after_work { 1 } else { 2 };
        assert_eq!(
            creates(&world, "create-opportunity").await,
            sent,
            "{after_work}"
        );
    }
}

/// A search that lags is asked again before anything is sent again, however early the next attempt is.
#[tokio::test]
async fn what_a_search_may_not_show_yet_is_not_made_again() {
    let torn = json!({ "opportunity": null });
    let refused = json!({ "statusCode": 422, "message": "Could not save", "traceId": "t" });
    for (status, body) in [(200, torn), (422, refused)] {
        for after_work in [true, false] {
            let about = format!("{status} {after_work}");
            let mut world = World::new(&friend(BY_NAME)).await;
            let lag = json!({ "opportunity_lag_seconds": 30 });
            world.control("/settings", lag).await;
            let question = json!({ "locationId": world.location });
            let pipelines = world.invoke("get-pipelines", question).await;
            let pipeline = pipelines["pipelines"][0]["id"].as_str().unwrap();
            let deal = DEAL.replace("PIPELINE", pipeline);
            let deal = Workflow::parse("deal", &deal, &Catalog).unwrap();
            world.restart(|connection| connection.workflows = [deal].into());
            world.create("Ada").await;
            answers(
                &world,
                "create-opportunity",
                status,
                body.clone(),
                after_work,
            )
            .await;
            world.poll_and_drain().await;
            let before = creates(&world, "create-opportunity").await;
            world.clear_faults().await;
            // The first retry comes within seconds.
            for _ in 0..3 {
                world.pass(SignedDuration::from_secs(8)).await;
                world.drain().await;
                let run = world.run().await;
                assert_eq!(run.state, RunState::Waiting, "{about}: {:?}", run.error);
                assert_eq!(
                    creates(&world, "create-opportunity").await,
                    before,
                    "{about}"
                );
            }
            world.pass(SignedDuration::from_mins(2)).await;
            world.drain().await;
            let run = world.run().await;
            assert_eq!(run.state, RunState::Done, "{about}: {:?}", run.error);
            let sent = creates(&world, "create-opportunity").await - before;
            assert_eq!(sent, usize::from(!after_work), "{about}");
        }
    }
}
