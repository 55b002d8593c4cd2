//! Every create that the tables say can be looked for: after an unknown outcome it is looked for, and then done or made
//! again. A new one of the table needs its arguments here.

use canopy_engine::Catalog;
use canopy_highlevel::OPERATIONS;
use canopy_highlevel::operation::{Idempotency, Lookup, Operation};
use canopy_mapping::Workflow;
use canopy_store::RunState;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::support::World;

/// What a create is called with, and what its look-up is asked for.
struct Case {
    arguments: Value,
    question: Value,
}

async fn case(world: &World, operation: &str, contact: &str) -> Case {
    let location = &world.location;
    match operation {
        "create-appointment-note" => {
            let calendars = json!({ "locationId": location });
            let calendars = world.invoke("get-calendars", calendars).await;
            let booking = json!({ "calendarId": calendars["calendars"][0]["id"], "contactId": contact,
                "startTime": "2027-03-01T09:00:00-08:00" });
            let appointment = world.control("/appointments", booking).await["id"].clone();
            Case {
                arguments: json!({ "appointmentId": appointment, "body": "Welcome" }),
                question: json!({ "appointmentId": appointment, "limit": 20, "offset": 0 }),
            }
        }
        "create-association" => Case {
            arguments: json!({ "locationId": location, "key": "owns", "firstObjectKey": "contact",
                "firstObjectLabel": "owner", "secondObjectKey": "custom_objects.car", "secondObjectLabel": "car" }),
            question: json!({ "locationId": location, "skip": 0, "limit": 100 }),
        },
        "create-business" => Case {
            arguments: json!({ "locationId": location, "name": "Hedges" }),
            question: json!({ "locationId": location }),
        },
        "create-calendar-group" => Case {
            arguments: json!({ "locationId": location, "name": "Visits", "slug": "visits", "description": "At home" }),
            question: json!({ "locationId": location }),
        },
        "create-contact" => Case {
            arguments: json!({ "locationId": location, "firstName": "Grace", "email": "grace@example.com" }),
            question: json!({ "locationId": location, "email": "grace@example.com" }),
        },
        "create-custom-field" => Case {
            arguments: json!({ "locationId": location, "name": "Trees", "dataType": "TEXT", "model": "contact" }),
            question: json!({ "locationId": location }),
        },
        "create-note" => Case {
            arguments: json!({ "contactId": contact, "body": "Welcome" }),
            question: json!({ "contactId": contact }),
        },
        "create-opportunity" => {
            let pipelines = json!({ "locationId": location });
            let pipelines = world.invoke("get-pipelines", pipelines).await;
            Case {
                arguments: json!({ "locationId": location, "contactId": contact, "name": "First", "status": "open",
                    "pipelineId": pipelines["pipelines"][0]["id"] }),
                question: json!({ "location_id": location, "contact_id": contact }),
            }
        }
        "create-task" => Case {
            arguments: json!({ "contactId": contact, "title": "Call", "dueDate": "2027-01-01T00:00:00Z",
                "completed": false }),
            question: json!({ "contactId": contact }),
        },
        other => panic!(
            "say here with which arguments {other} is called, and what its look-up is asked for"
        ),
    }
}

fn lookups() -> Vec<(&'static Operation, Lookup)> {
    let of = |operation: &'static Operation| match operation.idempotency {
        Idempotency::Lookup(lookup) => Some((operation, lookup)),
        _ => None,
    };
    OPERATIONS.iter().filter_map(of).collect()
}

/// How many of the service's records say what was asked for.
async fn there(world: &World, lookup: &Lookup, case: &Case) -> usize {
    let answer = world.invoke(lookup.operation, case.question.clone()).await;
    let reads = OPERATIONS
        .iter()
        .find(|operation| operation.name == lookup.operation)
        .unwrap();
    let items = reads.items.or(reads.record).unwrap_or_default();
    let found = answer.pointer(items).cloned().unwrap_or_default();
    let records = match found {
        Value::Array(records) => records,
        Value::Null => Vec::new(),
        record => vec![record],
    };
    let equal = |record: &&Value| {
        lookup.equal.iter().all(|name| {
            case.arguments
                .get(*name)
                .is_none_or(|asked| *asked == record[*name])
        })
    };
    records.iter().filter(equal).count()
}

async fn sent(world: &World, operation: &str) -> usize {
    let requests = world.requests().await;
    requests
        .iter()
        .filter(|request| request["operation"] == operation)
        .count()
}

fn workflow(operation: &str, arguments: &Value) -> Workflow {
    let arguments: Map<String, Value> = arguments.as_object().unwrap().clone();
    let with: Vec<_> = arguments
        .iter()
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let text = format!(
        "id = \"it\"\ntitle = \"It\"\non = [\"contact.updated\"]\n[[do]]\nid = \"it\"\naction = \"{operation}\"\nonce = \"contact\"\nwith = {{ {} }}\n",
        with.join(", ")
    );
    Workflow::parse("it", &text, &Catalog).unwrap()
}

/// A world whose next poll starts a workflow of this one create.
async fn about_to(name: &str) -> (World, Case) {
    let mut world = World::new(NOTHING).await;
    let contact = world.create("Ada").await;
    world.poll_and_drain().await;
    let case = case(&world, name, &contact).await;
    let workflow = workflow(name, &case.arguments);
    world.restart(|connection| connection.workflows = [workflow].into());
    world.be_impatient();
    world.rename(&contact, "Eve").await;
    (world, case)
}

/// Carried out or not, with an answer that shows nothing, none at all, or a 422 that says no more.
#[tokio::test]
async fn each_create_that_can_be_looked_for_is_done_once_whatever_its_answer_was() {
    let lookups = lookups();
    assert!(lookups.len() >= 9, "{lookups:?}");
    for (operation, lookup) in lookups {
        let name = operation.name;
        for after_work in [true, false] {
            let nothing = json!({ "kind": "answer", "operation": name, "status": 200, "body": {}, "after_work": after_work });
            let lost = json!({ "kind": if after_work { "drop_answer" } else { "drop_request" }, "operation": name });
            for fault in [nothing, lost] {
                let about = format!("{name} {fault}");
                let (world, case) = about_to(name).await;
                world.control("/faults", fault).await;
                world.poll_and_drain().await;
                let run = world.runs_of("it").await.remove(0);
                assert_eq!(run.state, RunState::Waiting, "{about}: {:?}", run.error);
                let before = sent(&world, name).await;
                world.clear_faults().await;
                assert_eq!(
                    there(&world, &lookup, &case).await,
                    usize::from(after_work),
                    "{about}"
                );
                world.pass(SignedDuration::from_hours(1)).await;
                world.drain().await;
                let run = world.runs_of("it").await.remove(0);
                assert_eq!(run.state, RunState::Done, "{about}: {:?}", run.error);
                assert_eq!(there(&world, &lookup, &case).await, 1, "{about}");
                let more = sent(&world, name).await - before;
                assert_eq!(more, usize::from(!after_work), "{about}");
            }
        }
    }
}

/// While the look-up itself shows nothing, nothing is sent again.
#[tokio::test]
async fn no_create_is_sent_again_while_its_look_up_cannot_tell() {
    for (operation, lookup) in lookups() {
        let name = operation.name;
        let (world, case) = about_to(name).await;
        let nothing = json!({ "kind": "answer", "operation": name, "status": 200, "body": {}, "after_work": true, "times": 1 });
        world.control("/faults", nothing).await;
        world.poll_and_drain().await;
        let page = json!({ "kind": "answer", "operation": lookup.operation, "text": "<html>Soon</html>",
            "content_type": "text/html" });
        world.control("/faults", page).await;
        for _ in 0..2 {
            world.pass(SignedDuration::from_hours(1)).await;
            world.drain().await;
            let run = world.runs_of("it").await.remove(0);
            assert_eq!(run.state, RunState::Waiting, "{name}: {:?}", run.error);
            assert_eq!(sent(&world, name).await, 1, "{name}");
        }
        world.clear_faults().await;
        world.pass(SignedDuration::from_hours(1)).await;
        world.drain().await;
        let run = world.runs_of("it").await.remove(0);
        assert_eq!(run.state, RunState::Done, "{name}: {:?}", run.error);
        assert_eq!(sent(&world, name).await, 1, "{name}");
        assert_eq!(there(&world, &lookup, &case).await, 1, "{name}");
    }
}

/// Runs on nothing that happens here.
const NOTHING: &str = "id = \"none\"\ntitle = \"None\"\non = [\"appointment.deleted\"]\n[[do]]\nid = \"a\"\naction = \"profile.note\"\nwith = { body = \"x\" }\n";
