//! Lists of several pages: more records than the service gives at once, and nothing is lost or told twice at the borders.

use std::collections::BTreeSet;

use canopy_highlevel::operation::Paging;
use canopy_triggers::PollOptions;
use serde_json::{Value, json};

use super::{Do, Play, call, control};

/// More than two pages of the longest that these lists give.
const RECORDS: usize = 203;

/// A list, how its records are made and changed, and how one is deleted. `$n` is a record's number, `$one` its id.
struct List {
    operation: &'static str,
    arguments: Value,
    before: Vec<Do>,
    make: Vec<Do>,
    edit: Do,
    /// Path of the control API. `None`: the list does not show all that there is, so what is missing tells nothing.
    delete: Option<&'static str>,
}

/// A list whose records the sandbox keeps as they are given.
fn kept(
    operation: &'static str,
    arguments: Value,
    collection: (&'static str, &'static str),
    mut record: Value,
) -> List {
    record["name"] = json!("Oak $n");
    List {
        operation,
        arguments,
        before: Vec::new(),
        make: vec![control("one", collection.0, record)],
        edit: control("", collection.1, json!({ "name": "Elm" })),
        delete: Some(collection.1),
    }
}

fn of_the_location() -> Vec<List> {
    let here = || json!({ "locationId": "$location" });
    let room = || json!({ "locationId": "$location", "resourceType": "rooms" });
    let post =
        json!({ "blogId": "$blog", "title": "Oaks", "urlSlug": "oaks", "status": "PUBLISHED" });
    let notice = json!({ "calendarId": "$calendar", "channel": "email", "isActive": true });
    macro_rules! paths {
        ($name:literal) => {
            (
                concat!("/records/", $name),
                concat!("/records/", $name, "/$one"),
            )
        };
    }
    let user = json!({ "email": "eve$n@example.com", "roles": { "locationIds": ["$location"] } });
    let emails: Vec<String> = (0..=RECORDS)
        .map(|number| format!("eve{number}@example.com"))
        .collect();
    let by_email = json!({ "companyId": "$company", "emails": emails.join(","), "deleted": false });
    vec![
        kept("get-blogs", json!({}), paths!("blogs"), here()),
        kept(
            "get-blog-post",
            json!({ "blogId": "$blog" }),
            paths!("posts"),
            post,
        ),
        kept(
            "get-all-blog-authors-by-location",
            json!({}),
            paths!("authors"),
            here(),
        ),
        kept(
            "get-all-categories-by-location",
            json!({}),
            paths!("categories"),
            here(),
        ),
        kept(
            "get-businesses-by-location",
            json!({}),
            paths!("businesses"),
            here(),
        ),
        kept(
            "get-calendar-resources",
            json!({ "resourceType": "rooms" }),
            paths!("calendar_resources"),
            room(),
        ),
        kept(
            "get-calendar-notifications",
            json!({ "calendarId": "$calendar" }),
            paths!("calendar_notifications"),
            notice,
        ),
        kept("search-users", json!({}), paths!("users"), user.clone()),
        List {
            delete: None,
            ..kept("filter-users-by-email", by_email, paths!("users"), user)
        },
        kept(
            "find-associations",
            json!({}),
            paths!("associations"),
            here(),
        ),
        kept(
            "search-locations",
            json!({}),
            paths!("locations"),
            json!({ "companyId": "$company" }),
        ),
    ]
}

fn of_people() -> Vec<List> {
    let rename = || control("", "/contacts/$one", json!({ "firstName": "Elm" }));
    let contact = |name| control(name, "/contacts", json!({ "firstName": "Oak $n" }));
    let contacts = |operation, delete| List {
        operation,
        arguments: json!({}),
        before: Vec::new(),
        make: vec![contact("one")],
        edit: rename(),
        delete,
    };
    let business = json!({ "name": "Grove", "locationId": "$location" });
    let join = json!({ "locationId": "$location", "businessId": "$business", "ids": ["$one"] });
    let deal = json!({ "name": "Hedge $n", "pipelineId": "$pipeline", "contactId": "$other", "status": "open" });
    let text = |contact: &str| json!({ "type": "SMS", "contactId": contact, "message": "Hi $n" });
    let talk = Do {
        by: super::By::Control("/messages", "/conversationId"),
        ..control("conversation", "/messages", text("$contact"))
    };
    let talk_of = |name| Do {
        by: super::By::Control("/messages", "/conversationId"),
        ..control(name, "/messages", text("$other"))
    };
    let booking = json!({ "calendarId": "$calendar", "contactId": "$contact", "title": "Visit",
        "startTime": "2100-01-04T09:00:00-08:00", "endTime": "2100-01-04T09:30:00-08:00",
        "ignoreFreeSlotValidation": true });
    let association = json!({ "locationId": "$location", "key": "tree_of", "firstObjectKey": "contact",
        "firstObjectLabel": "Owner", "secondObjectKey": "contact", "secondObjectLabel": "Tree" });
    let relation = json!({ "locationId": "$location", "associationId": "$association",
        "firstRecordId": "$contact", "secondRecordId": "$other" });
    vec![
        contacts("search-contacts-advanced", None),
        contacts("get-contacts", Some("/contacts/$one")),
        List {
            arguments: json!({ "businessId": "$business" }),
            before: vec![control("business", "/records/businesses", business)],
            make: vec![
                contact("one"),
                call("", "add-remove-contact-from-business", "", join),
            ],
            ..contacts("get-contacts-by-business-id", None)
        },
        List {
            make: vec![contact("other"), control("one", "/opportunities", deal)],
            edit: control("", "/opportunities/$one", json!({ "status": "won" })),
            ..contacts("search-opportunity", Some("/opportunities/$one"))
        },
        List {
            make: vec![contact("other"), talk_of("one")],
            edit: control(
                "",
                "/records/conversations/$one",
                json!({ "starred": true }),
            ),
            ..contacts("search-conversation", Some("/records/conversations/$one"))
        },
        List {
            arguments: json!({ "conversationId": "$conversation" }),
            before: vec![talk],
            make: vec![control("one", "/messages", text("$contact"))],
            edit: control("", "/records/messages/$one", json!({ "status": "read" })),
            ..contacts("get-messages", None)
        },
        List {
            arguments: json!({ "appointmentId": "$appointment" }),
            before: vec![control("appointment", "/appointments", booking)],
            make: vec![call(
                "one",
                "create-appointment-note",
                "/note/id",
                json!({ "appointmentId": "$appointment", "body": "Oak $n" }),
            )],
            edit: call(
                "",
                "update-appointment-note",
                "",
                json!({ "appointmentId": "$appointment", "noteId": "$one", "body": "Elm" }),
            ),
            ..contacts(
                "get-appointment-notes",
                Some("/records/appointment_notes/$one"),
            )
        },
        List {
            arguments: json!({ "recordId": "$contact" }),
            before: vec![call(
                "association",
                "create-association",
                "/id",
                association,
            )],
            make: vec![
                contact("other"),
                call("one", "create-relation", "/id", relation),
            ],
            // Nobody edits a relation; should the service ever, it is told.
            edit: control(
                "",
                "/records/relations/$one",
                json!({ "firstObjectKey": "tree" }),
            ),
            ..contacts(
                "get-relations-by-record-id",
                Some("/records/relations/$one"),
            )
        },
    ]
}

#[test]
fn every_trigger_that_comes_in_pages_is_read_across_their_borders() {
    let lists = of_the_location().into_iter().chain(of_people());
    let lists: BTreeSet<_> = lists.map(|list| list.operation).collect();
    let paged: BTreeSet<_> = canopy_highlevel::OPERATIONS
        .iter()
        .filter(|operation| operation.trigger.is_some() && operation.paging != Paging::None)
        .map(|operation| operation.name)
        .collect();
    assert_eq!(lists, paged);
}

/// Lists whose records this token can read one by one.
const READS: [&str; 8] = [
    "get-contacts",
    "get-businesses-by-location",
    "get-calendar-notifications",
    "get-calendar-resources",
    "find-associations",
    "search-users",
    "search-opportunity",
    "search-conversation",
];

async fn hold(list: &List) -> Result<(), String> {
    let mut play = Play::new().await;
    play.ids.insert("n".to_owned(), "0".to_owned());
    for done in &list.before {
        play.act(done).await?;
    }
    let mut ids = Vec::new();
    for number in 0..RECORDS {
        ids.push(make(&mut play, list, number).await?);
    }
    let spec = play.spec(list.operation, &list.arguments);
    let token = play.token(list.operation);
    let poller = play.world.poller_as(token, PollOptions::default(), &[spec]);
    let poll = async || poller.poll().await.map_err(|error| error.to_string());
    if !poll().await?.baseline {
        return Err("the first poll is no baseline".to_owned());
    }
    let trigger = canopy_highlevel::operation(list.operation).and_then(|found| found.trigger);
    let word = trigger.unwrap().record;
    let event = |verb: &str, id: &str| (format!("{word}.{verb}"), id.to_owned());
    let told = async |play: &Play, mut expected: Vec<(String, String)>| {
        let before = play.world.events().await.len();
        poll().await?;
        let mut told = play.world.events().await.split_off(before);
        told.sort();
        expected.sort();
        if told == expected {
            return Ok(());
        }
        Err(format!("it told {told:?} and not {expected:?}"))
    };
    play.world.advance(600).await;
    told(&play, Vec::new()).await?;

    play.world.advance(600).await;
    let new = make(&mut play, list, RECORDS).await?;
    let mut expected = vec![event("created", &new)];
    // The first and the last of pages of twenty and of a hundred, and the ends of the list.
    for place in [0, 19, 20, 99, 100, 199, 200, RECORDS - 1] {
        play.ids.insert("one".to_owned(), ids[place].clone());
        play.act(&list.edit).await?;
        expected.push(event("updated", &ids[place]));
    }
    told(&play, expected).await?;
    play.world.advance(600).await;
    told(&play, Vec::new()).await?;

    // The records behind it move up, across the borders.
    play.ids.insert("one".to_owned(), ids[100].clone());
    let gone = list.delete.map(|path| play.text(path));
    if let Some(path) = &gone {
        play.world.delete(path).await;
    }
    play.world.advance(600).await;
    let mut expected: Vec<_> = gone.iter().map(|_| event("deleted", &ids[100])).collect();
    if !READS.contains(&list.operation) {
        // No read says that it is gone, so the next poll has to agree.
        told(&play, Vec::new()).await?;
        play.world.advance(600).await;
    }
    told(&play, std::mem::take(&mut expected)).await?;
    play.world.advance(600).await;
    told(&play, Vec::new()).await
}

/// Makes a record and answers its id.
async fn make(play: &mut Play, list: &List, number: usize) -> Result<String, String> {
    play.ids.insert("n".to_owned(), number.to_string());
    for done in &list.make {
        play.act(done).await?;
    }
    Ok(play.ids["one"].clone())
}

async fn hold_all(lists: Vec<List>) {
    let mut wrong = Vec::new();
    for list in &lists {
        if let Err(problem) = hold(list).await {
            wrong.push(format!("{}: {problem}", list.operation));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn pages_of_the_location() {
    hold_all(of_the_location()).await;
}

#[tokio::test]
async fn pages_of_people_and_what_is_theirs() {
    hold_all(of_people()).await;
}
