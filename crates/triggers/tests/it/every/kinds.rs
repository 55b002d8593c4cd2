//! Kinds of their own for the change of one member (tags, a status, a stage), by each trigger that tells them.

use std::collections::BTreeSet;

use canopy_triggers::PollOptions;
use serde_json::{Value, json};

use super::{By, Do, Play, call, control};

/// What is done to the record of each of these triggers, and the kinds that tell it.
struct Told {
    triggers: Vec<(&'static str, Value)>,
    before: Vec<Do>,
    done: Vec<(Do, &'static [&'static str])>,
}

fn appointments() -> Told {
    let among = json!({ "calendarId": "$calendar", "startTime": "4102444800000", "endTime": "4105036800000" });
    let booking = json!({ "calendarId": "$calendar", "contactId": "$contact", "title": "Visit",
        "startTime": "2100-01-04T09:00:00-08:00", "endTime": "2100-01-04T09:30:00-08:00",
        "ignoreFreeSlotValidation": true });
    let status = |status: &str| {
        let body = json!({ "appointmentStatus": status });
        control("", "/appointments/$appointment", body)
    };
    Told {
        triggers: vec![
            ("get-calendar-events", among),
            ("get-appointment", json!({ "eventId": "$appointment" })),
            (
                "get-appointments-for-contact",
                json!({ "contactId": "$contact" }),
            ),
        ],
        before: vec![control("appointment", "/appointments", booking)],
        done: vec![
            (status("cancelled"), &["appointment.cancelled"]),
            (status("confirmed"), &["appointment.confirmed"]),
            (status("showed"), &["appointment.showed"]),
            (status("noshow"), &["appointment.no_show"]),
            // Once more is a change like the first one.
            (status("showed"), &["appointment.showed"]),
        ],
    }
}

fn contacts() -> Told {
    let edit = |body| control("", "/contacts/$contact", body);
    let join = json!({ "locationId": "$location", "businessId": "$business", "ids": ["$contact"] });
    let business = json!({ "name": "Grove", "locationId": "$location" });
    Told {
        triggers: vec![
            ("get-contact", json!({ "contactId": "$contact" })),
            ("get-contacts", json!({})),
            ("search-contacts-advanced", json!({})),
            (
                "get-contacts-by-business-id",
                json!({ "businessId": "$business" }),
            ),
        ],
        before: vec![
            control("business", "/records/businesses", business),
            call("", "add-remove-contact-from-business", "", join),
        ],
        done: vec![
            (edit(json!({ "tags": ["oak"] })), &["contact.tags_updated"]),
            (edit(json!({ "dnd": true })), &["contact.dnd_updated"]),
            (
                edit(json!({ "dndSettings": { "SMS": { "status": "active" } } })),
                &["contact.dnd_updated"],
            ),
            (edit(json!({ "firstName": "Eve" })), &[]),
        ],
    }
}

fn tasks() -> Told {
    let task = json!({ "contactId": "$contact", "title": "Call", "dueDate": "2100-02-01T00:00:00Z", "completed": false });
    let complete = |completed: bool| {
        let body = json!({ "contactId": "$contact", "taskId": "$task", "completed": completed });
        call("", "update-task-completed", "", body)
    };
    Told {
        triggers: vec![
            ("get-all-tasks", json!({ "contactId": "$contact" })),
            (
                "get-task",
                json!({ "contactId": "$contact", "taskId": "$task" }),
            ),
        ],
        before: vec![call("task", "create-task", "/task/id", task)],
        done: vec![
            (complete(true), &["task.completed"]),
            (complete(false), &[]),
            (complete(true), &["task.completed"]),
        ],
    }
}

fn opportunities() -> Told {
    let deal = json!({ "name": "Hedge", "pipelineId": "$pipeline", "contactId": "$contact", "status": "open" });
    let edit = |body| control("", "/opportunities/$deal", body);
    let status = |status: &str| edit(json!({ "status": status }));
    Told {
        triggers: vec![
            ("search-opportunity", json!({})),
            ("get-opportunity", json!({ "id": "$deal" })),
        ],
        before: vec![control("deal", "/opportunities", deal)],
        done: vec![
            (
                edit(json!({ "monetaryValue": 120 })),
                &["opportunity.monetary_value_updated"],
            ),
            (
                edit(json!({ "assignedTo": "$user" })),
                &["opportunity.assigned_to_updated"],
            ),
            (
                edit(json!({ "pipelineStageId": "$stage" })),
                &["opportunity.stage_updated"],
            ),
            (
                status("lost"),
                &["opportunity.lost", "opportunity.status_updated"],
            ),
            (
                status("won"),
                &["opportunity.status_updated", "opportunity.won"],
            ),
            (status("open"), &["opportunity.status_updated"]),
            (
                status("won"),
                &["opportunity.status_updated", "opportunity.won"],
            ),
        ],
    }
}

fn conversations() -> Told {
    let message = || json!({ "type": "SMS", "contactId": "$contact", "message": "Hi" });
    let first = Do {
        name: "conversation",
        by: By::Control("/messages", "/conversationId"),
        body: message(),
    };
    Told {
        triggers: vec![
            ("search-conversation", json!({})),
            (
                "get-conversation",
                json!({ "conversationId": "$conversation" }),
            ),
        ],
        before: vec![first],
        done: vec![(
            control("", "/messages", message()),
            &["conversation.unread_updated"],
        )],
    }
}

fn messages() -> Told {
    let message = |direction: &str| {
        let body = json!({ "type": "SMS", "contactId": "$contact", "message": "Hi", "direction": direction });
        control("message", "/messages", body)
    };
    Told {
        triggers: vec![("get-messages", json!({ "conversationId": "$conversation" }))],
        before: conversations().before,
        done: vec![
            (message("inbound"), &["message.received"]),
            (message("outbound"), &["message.sent"]),
        ],
    }
}

fn all() -> Vec<Told> {
    vec![
        appointments(),
        contacts(),
        tasks(),
        opportunities(),
        conversations(),
        messages(),
    ]
}

async fn hold(told: &Told, operation: &str, arguments: &Value) -> Result<(), String> {
    let mut play = Play::new().await;
    let pipelines = play.world.books("/records/pipelines").await;
    let stage = pipelines[0]["stages"][1]["id"].as_str().unwrap();
    play.ids.insert("stage".to_owned(), stage.to_owned());
    for done in &told.before {
        play.act(done).await?;
    }
    let trigger = canopy_highlevel::operation(operation)
        .unwrap()
        .trigger
        .unwrap();
    let finer: BTreeSet<_> = trigger.changes.iter().map(|change| change.kind).collect();
    let spec = play.spec(operation, arguments);
    let waited: Vec<_> = finer.iter().copied().collect();
    let poller = play
        .world
        .poller(PollOptions::default(), "test", &[spec], &waited);
    let polls = poller.polls();
    // Others find these kinds, too; this one must find them alone.
    let poll = polls
        .iter()
        .find(|poll| poll.operation.name == operation && poll.named)
        .unwrap();
    poller
        .poll_once(poll)
        .await
        .map_err(|error| error.to_string())?;
    for (done, kinds) in &told.done {
        play.world.advance(600).await;
        play.act(done).await?;
        // The second poll sees nothing new.
        for expected in [*kinds, &[]] {
            let before = play.world.events().await.len();
            poller
                .poll_once(poll)
                .await
                .map_err(|error| error.to_string())?;
            let events = play.world.events().await;
            let new: BTreeSet<_> = events[before..].iter().map(|(kind, _)| &**kind).collect();
            let finer: BTreeSet<_> = new.intersection(&finer).copied().collect();
            if finer != expected.iter().copied().collect() {
                let body = &done.body;
                return Err(format!("{body} told {finer:?} and not {expected:?}"));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_change_that_is_a_kind_of_its_own_is_told_as_that() {
    let mut wrong = Vec::new();
    for told in all() {
        for (operation, arguments) in &told.triggers {
            if let Err(problem) = hold(&told, operation, arguments).await {
                wrong.push(format!("{operation}: {problem}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_kind_of_each_trigger_is_shown() {
    let shown: BTreeSet<_> = all()
        .iter()
        .flat_map(|told| {
            let kinds = told
                .done
                .iter()
                .flat_map(|(_, kinds)| kinds.iter().copied());
            let kinds: Vec<_> = kinds.collect();
            let triggers = told.triggers.iter();
            triggers
                .flat_map(move |(name, _)| kinds.clone().into_iter().map(move |kind| (*name, kind)))
                .collect::<Vec<_>>()
        })
        .collect();
    let mut described = BTreeSet::new();
    for operation in canopy_highlevel::OPERATIONS {
        let changes = operation.trigger.map_or(&[][..], |trigger| trigger.changes);
        for change in changes {
            // A message is received or sent once and for all: reading one by its id cannot see it become so.
            if operation.name != "get-message" {
                described.insert((operation.name, change.kind));
            }
        }
    }
    assert_eq!(shown, described);
}
