//! What polls cost, what they would find, and how often they are made.

use canopy_store::{CallEntry, SecretKey, SqliteStore, Store as _};
use serde_json::{Value, json};

use crate::support::{World, eventually, text};

/// A workflow that waits for a trigger, and one for a kind.
const WORKFLOWS: &str = r#"id = "watch-notes"
title = "Notes"
on = [{ trigger = "get-contact-notes", every = "10m" }, "contact.created"]

[[do]]
id = "tag"
action = "add-tags"
with = { contactId = "{{ contact.id }}", tags = ["seen"] }
"#;

/// A world whose location has so many calls a day.
async fn world(calls: u32) -> World {
    let world = World::new().await;
    let config = world.config().replacen(
        "requests_per_10_seconds",
        &format!(
            "requests_per_day = {calls}\nlocation_id = \"{}\"\nrequests_per_10_seconds",
            world.info().location_id
        ),
        1,
    );
    world.write_config(&format!("workflows = \"workflows\"\n{config}"));
    std::fs::create_dir(world.path("workflows")).unwrap();
    std::fs::write(world.path("workflows/notes.toml"), WORKFLOWS).unwrap();
    world
}

async fn json_of(world: &World, arguments: &[&str]) -> Value {
    serde_json::from_str(&world.succeed(arguments).await).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_tells_the_calls_of_each_poll() {
    let world = world(200_000).await;
    let expected = "\
connection main
search-contacts-advanced     288  every 300 s, 1 call(s) each, 0.1 %
get-all-notes                144  every 600 s, 1 call(s) each, 0.1 %
total                        432  calls a day, of 180000 that are for polls (200000 in all)
";
    let plan = world.succeed(&["plan"]).await;
    assert_eq!(squeezed(&plan), squeezed(expected));
    let plan = json_of(&world, &["plan", "--json"]).await;
    assert_eq!(plan[0]["plan"]["calls_per_day"], 432);
    assert_eq!(plan[0]["refusal"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_counts_the_first_reading_of_all_tasks_until_it_is_done() {
    let world = world(200_000).await;
    let workflow = WORKFLOWS.replace("get-contact-notes", "get-contact-tasks");
    std::fs::write(world.path("workflows/notes.toml"), workflow).unwrap();
    // Nobody knows yet how many contacts there are.
    let expected = "\
connection main
search-contacts-advanced     288  every 300 s, 1 call(s) each, 0.1 %
get-all-tasks                144  every 600 s, 1 call(s) each, 0.1 %
first reading               7200  until each contact has been read once, 50 a poll, at most, 3.6 %
total                        432  calls a day, of 180000 that are for polls (200000 in all)
at first                    7632  until the first reading is done
";
    let plan = world.succeed(&["plan"]).await;
    assert_eq!(squeezed(&plan), squeezed(expected));

    // The first poll sets the baseline, each of the others reads fifty.
    world.seed(120).await;
    world.succeed(&["run", "--once"]).await;
    let before = world.asked("get-all-tasks").await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.asked("get-all-tasks").await - before, 50);
    let plan = world.succeed(&["plan"]).await;
    let told =
        "first reading 70 until each contact has been read once, 50 a poll, 70 left, 0.4 h, 0 %";
    assert!(squeezed(&plan).contains(&told.to_owned()), "{plan}");
    let plan = json_of(&world, &["plan", "--json"]).await;
    let plan = &plan[0]["plan"];
    let reading = &plan["polls"][1]["first_reading"];
    assert_eq!(
        (&reading["left"], &reading["hours"]),
        (&json!(70), &json!(0.4))
    );
    let total = plan["calls_per_day"].as_u64().unwrap();
    assert_eq!(plan["calls_per_day_at_first"], total + 70);

    for _ in 0..3 {
        world.succeed(&["run", "--once"]).await;
    }
    let plan = json_of(&world, &["plan", "--json"]).await;
    let plan = &plan[0]["plan"];
    assert_eq!(plan["calls_per_day_at_first"], Value::Null);
    assert_eq!(plan["polls"][1]["first_reading"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_that_cannot_fit_are_refused_with_the_arithmetic() {
    let world = world(100).await;
    let sum = "the polls take 432 calls a day, and 90 of the location's 100 are for polls (search-contacts-advanced: \
        86400 s / 300 s x 1 call(s) = 288; get-all-notes: 86400 s / 600 s x 1 call(s) = 144)";
    for arguments in [&["plan"][..], &["run", "--once"], &["check", "--offline"]] {
        let output = world.output(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = text(&output.stderr) + &text(&output.stdout);
        assert!(told.contains(sum), "{arguments:?}: {told}");
    }
    assert_eq!(world.files(), ["workflows"], "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_is_tested_fires_nothing_and_moves_no_cursor() {
    let world = world(200_000).await;
    let contacts = world.seed(2).await;
    let first = world.succeed(&["trigger", "test", "search-contacts"]).await;
    assert_eq!(
        first,
        told(
            &first,
            "2 event(s)\n  it was never polled: the first poll remembers what is there and fires nothing;\n  \
            with backfill = true it would fire these:",
            &contacts
        )
    );
    assert_eq!(world.files(), ["workflows"], "no store was made");

    world.succeed(&["run", "--once"]).await;
    let late = world.seed(1).await;
    let location = world.info().location_id.clone();
    let store = world.store().await;
    let poll = "search-contacts-advanced";
    let cursor = store.cursor(&location, poll).await.unwrap();
    assert!(cursor.is_some());
    for _ in 0..2 {
        let found = json_of(&world, &["trigger", "test", "search-contacts", "--json"]).await;
        let found = &found[0];
        assert_eq!(
            (&found["poll"], &found["first"]),
            (&json!(poll), &json!(false))
        );
        let events = found["events"].as_array().unwrap();
        assert_eq!(events.len(), 1, "{found}");
        assert_eq!(
            (&events[0]["kind"], &events[0]["record"]),
            (&json!("contact.created"), &json!(late[0]))
        );
    }
    assert_eq!(store.cursor(&location, poll).await.unwrap(), cursor);
    let summary = store.summary().await.unwrap();
    assert_eq!(
        (summary.events, summary.runs_done, summary.runs_open),
        (0, 0, 0)
    );
    let unknown = world.output(&["trigger", "test", "serch-contacts"]).await;
    assert!(text(&unknown.stderr).contains("did you mean \"search-contacts\"?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_is_tested_with_the_arguments_that_its_workflow_gives_it() {
    let world = world(200_000).await;
    let contact = world.seed(1).await.remove(0);
    let workflow = WORKFLOWS.replace(
        r#""get-contact-notes", every = "10m""#,
        &format!(r#""get-contact", with = {{ contactId = "{contact}" }}"#),
    );
    std::fs::write(world.path("workflows/notes.toml"), workflow).unwrap();
    world.succeed(&["run", "--once"]).await;
    let change = json!({ "firstName": "Renamed" });
    world.control(&format!("/contacts/{contact}"), change).await;
    let found = json_of(&world, &["trigger", "test", "get-contact", "--json"]).await;
    let poll = found[0]["poll"].as_str().unwrap();
    assert!(poll.starts_with("get-contact:"), "its own poll: {found}");
    assert_eq!(found[0]["first"], false);
    assert_eq!(found[0]["events"][0]["kind"], "contact.updated");
    assert_eq!(found[0]["events"][0]["record"], json!(contact));
    // Others may be tried all the same.
    let other = ["trigger", "test", "get-contact", "--with", "{}"];
    let refused = world.output(&other).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("contactId"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_no_moment_is_reported_with_the_nearest_one() {
    let world = world(200_000).await;
    let workflow = WORKFLOWS.replace(
        r#"{ trigger = "get-contact-notes", every = "10m" }"#,
        r#"{ trigger = "get-calendar-events", with = { calendarId = "c", startTime = "now", endTime = "now+30days" } }"#,
    );
    std::fs::write(world.path("workflows/notes.toml"), &workflow).unwrap();
    let output = world.output(&["check", "--offline"]).await;
    let told = text(&output.stderr) + &text(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("notes.toml:3"), "{told}");
    assert!(told.contains("did you mean \"now+30d\"?"), "{told}");
    std::fs::write(
        world.path("workflows/notes.toml"),
        workflow.replace("30days", "30d"),
    )
    .unwrap();
    world.succeed(&["check", "--offline"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_how_often_polls_are_made_and_why_less_often() {
    let world = world(600).await;
    world.succeed(&["run", "--once"]).await;
    let status = world.succeed(&["status"]).await;
    assert!(
        status.contains("search-contacts-advanced  every 300 s\n"),
        "{status}"
    );
    // The polls' share is 540 calls: beyond 80 % of it they wait longer.
    let location = &world.info().location_id;
    let key = SecretKey::from_file(&world.path("canopy.key")).unwrap();
    let store = SqliteStore::open(&world.path("canopy.db"), &key)
        .await
        .unwrap();
    let call = CallEntry {
        at: jiff::Timestamp::now(),
        service: "highlevel".into(),
        location: location.clone(),
        operation: "get-location".into(),
        method: "GET".into(),
        status: Some(200),
        elapsed_ms: 1,
        attempt: 1,
        trace_id: None,
        error: None,
        day_limit: None,
        day_used: None,
    };
    store.log_calls(vec![call; 460]).await.unwrap();
    store.close().await;
    world.succeed(&["run", "--once"]).await;
    let status = world.succeed(&["status"]).await;
    assert!(
        status.contains("search-contacts-advanced  every 300 s, now every 600 s because 4"),
        "{status}"
    );
    assert!(
        status.contains(" of the day's 600 calls are used\n"),
        "{status}"
    );
    let status = json_of(&world, &["status", "--json"]).await;
    let poll = &status["polls"][0]["polls"][0];
    assert_eq!(
        (&poll["every"], &poll["stretched"]),
        (&json!(300), &json!(600)),
        "{status}"
    );
    assert!(poll["used_today"].as_u64().unwrap() > 432, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_that_an_edited_trigger_begins_anew_and_the_alert_about_it_ends_after_a_day() {
    let world = world(200_000).await;
    let file = world.path("workflows/notes.toml");
    let trigger = r#"{ trigger = "get-contact-notes", every = "10m" }"#;
    let with = |status: &str| {
        let search =
            format!(r#"{{ trigger = "search-opportunity", with = {{ status = "{status}" }} }}"#);
        WORKFLOWS.replace(trigger, &search)
    };
    std::fs::write(&file, with("open")).unwrap();
    world.succeed(&["run", "--once"]).await;
    let checked = world.succeed(&["check", "--offline"]).await;
    assert!(!checked.contains("begins anew"), "{checked}");
    std::fs::write(&file, with("won")).unwrap();
    for arguments in [&["check", "--offline"][..], &["check"]] {
        let checked = world.succeed(arguments).await;
        assert!(
            checked.contains("trigger search-opportunity are others"),
            "{checked}"
        );
        assert!(checked.contains("begins anew"), "{checked}");
    }
    let told = world.output(&["run", "--once"]).await;
    assert_eq!(told.status.code(), Some(0));
    assert!(
        text(&told.stderr).contains("begins anew"),
        "{}",
        text(&told.stderr)
    );
    let checked = world.succeed(&["check", "--offline"]).await;
    assert!(
        !checked.contains("begins anew"),
        "the new baseline stands: {checked}"
    );
    let open = async || {
        let store = world.store().await;
        let alerts = store.alerts(true, 10).await.unwrap();
        alerts
            .into_iter()
            .map(|alert| alert.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(open().await, ["trigger"]);
    world.succeed(&["run", "--once"]).await;
    assert_eq!(open().await, ["trigger"], "a day has not passed");
    // It was told the day before yesterday.
    let key = SecretKey::from_file(&world.path("canopy.key")).unwrap();
    let store = SqliteStore::open(&world.path("canopy.db"), &key)
        .await
        .unwrap();
    let alert = store.alerts(true, 10).await.unwrap().remove(0);
    let now = jiff::Timestamp::now();
    let (kind, place) = (&alert.kind, &alert.location);
    store
        .resolve_alert(place, kind, &alert.subject, now)
        .await
        .unwrap();
    let again = canopy_store::NewAlert {
        location: alert.location.clone(),
        kind: alert.kind.clone(),
        subject: alert.subject,
        message: alert.message,
    };
    let before = now - jiff::SignedDuration::from_hours(25);
    store.raise_alert(again, before).await.unwrap();
    store.close().await;
    world.succeed(&["run", "--once"]).await;
    assert!(open().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trigger_of_calendar_events_needs_no_arguments() {
    let world = world(200_000).await;
    for trigger in [
        r#""get-calendar-events""#,
        r#"{ trigger = "get-calendar-events", every = "10m" }"#,
    ] {
        let workflow = WORKFLOWS.replace(
            r#"{ trigger = "get-contact-notes", every = "10m" }"#,
            trigger,
        );
        std::fs::write(world.path("workflows/notes.toml"), workflow).unwrap();
        world.succeed(&["check", "--offline"]).await;
    }
    world.succeed(&["run", "--once"]).await;
    let before = world.asked("get-calendar-events").await;
    assert!(before > 0, "each calendar is read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_fails_in_part_ends_a_single_round_with_a_failure() {
    let world = world(200_000).await;
    let contacts = world.seed(3).await;
    world.succeed(&["run", "--once"]).await;
    for contact in &contacts {
        let change = json!({ "firstName": "Renamed" });
        world.control(&format!("/contacts/{contact}"), change).await;
    }
    world.succeed(&["run", "--once"]).await;
    for contact in &contacts {
        let change = json!({ "firstName": "Again" });
        world.control(&format!("/contacts/{contact}"), change).await;
    }
    // One of three lists of notes cannot be read.
    let fault = json!({ "kind": "status", "operation": "get-all-notes", "status": 500, "times": 4, "skip": 1 });
    world.control("/faults", fault).await;
    let told = world.output(&["run", "--once"]).await;
    assert_eq!(told.status.code(), Some(1), "{}", text(&told.stderr));
    assert!(
        text(&told.stderr).contains("get-all-notes"),
        "{}",
        text(&told.stderr)
    );
    world.clear_faults().await;
    world.succeed(&["run", "--once"]).await;
}

/// The answer of `trigger test` for these contacts, whose order is that of the search, with the times that it has.
fn told(answer: &str, head: &str, contacts: &[String]) -> String {
    let lines: Vec<_> = answer.lines().skip(3).collect();
    assert_eq!(lines.len(), contacts.len(), "{answer}");
    for contact in contacts {
        let end = format!("  contact.created  {contact}");
        assert!(lines.iter().any(|line| line.ends_with(&end)), "{answer}");
    }
    let body = lines.join("\n");
    format!("connection main, poll search-contacts-advanced: {head}\n{body}\n")
}

/// Without the columns' width.
fn squeezed(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_that_uses_up_the_day_raises_an_alert() {
    let world = World::new().await;
    world
        .control(
            "/settings",
            json!({ "limits": true, "burst_limit": 100_000, "daily_limit": 1000 }),
        )
        .await;
    // All private tokens of the location count on one number.
    let usage = json!({ "class": "location_key", "calls": 900 });
    world.control("/usage", usage).await;
    let running = world.start().await;
    let told = async || {
        let output = world.output(&["alerts", "--json"]).await;
        let alerts: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut alerts = alerts.as_array().unwrap().iter();
        alerts.find(|one| one["kind"] == "neighbour").cloned()
    };
    eventually("the alert", async || told().await.is_some()).await;
    let alert = told().await.unwrap();
    let message = alert["message"].as_str().unwrap();
    // A call that is under way is counted by one side and not by the other yet.
    let about = ["89", "90"].map(|tens| format!("have made about {tens}"));
    assert!(
        about.iter().any(|text| message.contains(text)) && message.contains("of the 1000 calls"),
        "{message}"
    );
    assert!(message.contains("connect Canopy as an app"), "{message}");
    running.stop().await;
}
