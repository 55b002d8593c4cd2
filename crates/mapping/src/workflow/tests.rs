use serde_json::json;

use super::*;
use crate::actions::ActionKind;
use crate::event::{Source, Trace};
use crate::once::Once;
use crate::poll::poll_name;
use crate::some_actions::SomeActions;

const GOOD: &str = r#"
id = "thanks"
title = "Thank a contact"
on = ["contact.created"]
when = "contact.email"

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }

[[do]]
id = "note"
action = "create-note"
once = "contact"
with = { contactId = "{{ contact.id }}", body = "Your tree: {{ steps.tree.treeUrl }}" }
"#;

fn problem(text: &str) -> String {
    Workflow::parse("thanks.toml", text, &SomeActions)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_good_file_is_read() {
    let workflow = Workflow::parse("thanks.toml", GOOD, &SomeActions).unwrap();
    assert_eq!(workflow.steps.len(), 2);
    assert_eq!(workflow.steps[0].once(ActionKind::Purchase), Once::Contact);
    assert_eq!(workflow.steps[1].once(ActionKind::HighLevel), Once::Contact);
}

#[test]
fn mistakes_are_told_with_line_and_remedy() {
    for (from, to, expected) in [
        (
            "buy-trees",
            "buy-tree",
            "thanks.toml:9: unknown action \"buy-tree\"; did you mean \"buy-trees\"?",
        ),
        (
            "contact.created",
            "contact.create",
            "thanks.toml:4: unknown event kind or trigger \"contact.create\"; did you mean \"contact.created\"?",
        ),
        (
            "once =",
            "onse =",
            "thanks.toml:15: unknown key \"onse\"; did you mean \"once\"?",
        ),
        (
            "id = \"note\"",
            "id = \"tree\"",
            "thanks.toml:13: step id \"tree\" is used twice",
        ),
        (
            "id = \"thanks\"",
            "id = \"Thanks!\"",
            "thanks.toml:2: id \"Thanks!\" is not usable",
        ),
        (
            "contactId = \"{{ contact.id }}\", ",
            "",
            "thanks.toml:14: step \"note\", create-note: \"contactId\" is missing",
        ),
        (
            "steps.tree.treeUrl }}",
            "steps.tree. }}",
            "thanks.toml:16: step \"note\", \"body\"",
        ),
        (
            "when = \"contact.email\"",
            "when = \"contact.email and\"",
            "thanks.toml:5: \"when\"",
        ),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert!(
            problem(&text).contains(expected),
            "{from} -> {to}: {}",
            problem(&text)
        );
    }
}

#[test]
fn a_file_without_steps_is_refused() {
    let text = "id = \"x\"\ntitle = \"X\"\non = [\"contact.created\"]\ndo = []\n";
    assert!(problem(text).contains("there is no step"));
}

fn on(text: &str) -> Result<Vec<On>, String> {
    let file = GOOD.replacen("[\"contact.created\"]", text, 1).replacen(
        "\"buy-trees\"",
        "\"buy-trees\"\nonce = \"event\"",
        1,
    );
    Workflow::parse("thanks.toml", &file, &SomeActions)
        .map(|workflow| workflow.on)
        .map_err(|error| error.to_string())
}

fn event(kind: &str, found_by: &[&str]) -> Event {
    Event {
        id: 1,
        source: Source::Poll,
        kind: kind.to_owned(),
        location: "l".to_owned(),
        contact: None,
        record: "r".to_owned(),
        occurred_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        version: None,
        payload: json!({}),
        trace: Trace {
            found_by: found_by.iter().map(|&name| name.to_owned()).collect(),
            ..Trace::default()
        },
    }
}

#[test]
fn every_way_to_start_is_read_and_matches_its_events_only() {
    let one = on("\"contact.created\"").unwrap();
    assert_eq!(one, [On::Kind("contact.created".to_owned())]);
    let all = on(r#"[
        "contact.updated",
        "get-contact-notes",
        { trigger = "get-contact-notes", with = { contactId = "c" }, every = "5m", backfill = true },
        { schedule = "0 9 1 * *", timezone = "Europe/London", each = "profile" },
        { webhook = "gift" },
    ]"#)
    .unwrap();
    let On::Trigger(bare) = &all[1] else {
        panic!("{all:?}");
    };
    assert_eq!(bare.poll_name(), "get-all-notes");
    let On::Trigger(trigger) = &all[2] else {
        panic!("{all:?}");
    };
    let name = trigger.poll_name();
    assert_eq!(trigger.every.map(|every| every.as_mins()), Some(5));
    let due = Event {
        source: Source::Schedule,
        record: "w".to_owned(),
        ..event("schedule.due", &[])
    };
    let started =
        |event: &Event| -> Vec<bool> { all.iter().map(|on| on.matches("w", event)).collect() };
    let only = |place: usize| (0..5).map(|index| index == place).collect::<Vec<_>>();
    assert_eq!(started(&event("contact.updated", &[])), only(0));
    assert_eq!(started(&event("note.created", &["get-all-notes"])), only(1));
    assert_eq!(started(&event("note.created", &[&name])), only(2));
    assert_eq!(started(&due), only(3));
    assert_eq!(started(&event("hook.gift", &[])), only(4));
    // What the first poll tells is history to all that do not ask for it.
    let history = |kind: &str, poll: &str| Event {
        source: Source::Manual,
        ..event(kind, &[poll, crate::FIRST_POLL])
    };
    assert_eq!(started(&history("note.created", &name)), only(2));
    assert_eq!(
        started(&history("note.created", "get-all-notes")),
        [false; 5]
    );
    assert_eq!(started(&history("contact.updated", "x")), [false; 5]);
}

#[test]
fn the_order_of_a_list_makes_no_other_poll() {
    let poll = |with: &str| {
        let text = format!("{{ trigger = \"get-contact-notes\", with = {{ {with} }} }}");
        let mut all = on(&text).unwrap();
        match all.remove(0) {
            On::Trigger(trigger) => trigger,
            other => panic!("{other:?}"),
        }
    };
    let plain = poll("contactId = \"c\"");
    let ordered = poll("contactId = \"c\", order = \"desc\"");
    assert_eq!(ordered.poll_name(), plain.poll_name());
    assert_ne!(ordered.poll_name(), poll("contactId = \"d\"").poll_name());
    // What was found under the name that the poll had once still starts.
    let former = poll_name("get-all-notes", &ordered.with);
    for name in [plain.poll_name(), former] {
        let event = event("note.created", &[&name]);
        assert!(On::Trigger(ordered.clone()).matches("w", &event), "{name}");
    }
}

#[test]
fn how_often_a_timetable_buys_is_said() {
    for (schedule, once, expected) in [
        (
            "{ schedule = \"0 9 * * *\" }",
            "",
            "thanks.toml:8: step \"tree\" does not say how often it buys",
        ),
        (
            "{ schedule = \"0 9 * * *\", each = \"profile\" }",
            "",
            "does not say how often",
        ),
        (
            "{ schedule = \"0 9 * * *\" }",
            "once = \"month\"",
            "this timetable has none",
        ),
    ] {
        let file = GOOD
            .replacen("[\"contact.created\"]", schedule, 1)
            .replacen("with = { number", &format!("{once}\nwith = {{ number"), 1);
        assert!(
            problem(&file).contains(expected),
            "{schedule}: {}",
            problem(&file)
        );
    }
}

fn steps(text: &str) -> Result<Vec<Step>, String> {
    let head = "id = \"rest\"\ntitle = \"Rest\"\non = \"contact.created\"\n\n[[do]]\n";
    Workflow::parse("rest.toml", &format!("{head}{text}\n"), &SomeActions)
        .map(|workflow| workflow.steps)
        .map_err(|error| error.to_string())
}

#[test]
fn waits_and_stops_have_a_short_and_a_long_form() {
    for (short, long) in [
        (
            "wait = \"3d\"",
            "action = \"wait\"\nwith = { for = \"3d\" }",
        ),
        (
            "wait = \"{{ record.startTime }}\"",
            "action = \"wait\"\nwith = { until = \"{{ record.startTime }}\" }",
        ),
        (
            "stop = \"gone\"\nwhen = \"not contact.email\"",
            "action = \"stop\"\nwhen = \"not contact.email\"\nwith = { reason = \"gone\" }",
        ),
        ("stop = true", "action = \"stop\""),
    ] {
        let read = steps(&format!("id = \"a\"\n{short}")).unwrap();
        assert_eq!(read, steps(&format!("id = \"a\"\n{long}")).unwrap());
        // Runs keep the version that they began with.
        let again: Vec<Step> = serde_json::from_value(json!(read)).unwrap();
        assert_eq!(again, read);
    }
    for (wrong, expected) in [
        ("id = \"a\"", "step \"a\" does nothing"),
        ("id = \"a\"\nstop = false", "\"reason\" must be a text"),
        (
            "id = \"a\"\nwait = [\"{{ record.startTime }}\"]",
            "must be a date",
        ),
        (
            "id = \"a\"\naction = \"wait\"\nwith = { for = \"soon\", timezone = \"{{ contact.timezone }}\" }",
            "\"for\" is \"soon\"",
        ),
        (
            "id = \"a\"\nwait = \"1d\"\nstop = \"x\"",
            "more than one of",
        ),
        (
            "id = \"a\"\nwait = \"soon\"",
            "rest.toml:7: step \"a\", wait: \"until\" is \"soon\" and must be a date",
        ),
        ("id = \"a\"\naction = \"wait\"", "\"for\" is missing"),
        (
            "id = \"a\"\naction = \"wait\"\nwith = { fro = \"1d\" }",
            "did you mean \"for\"?",
        ),
        (
            "id = \"a\"\nwiat = \"1d\"",
            "unknown key \"wiat\"; did you mean \"wait\"?",
        ),
    ] {
        let told = steps(wrong).unwrap_err();
        assert!(told.contains(expected), "{wrong}: {told}");
    }
}

#[test]
fn mistakes_under_on_are_told_with_remedy() {
    for (text, expected) in [
        ("[]", "\"on\" is empty"),
        (
            "\"get-contact-note\"",
            "unknown event kind or trigger \"get-contact-note\"; did you mean \"get-contact-notes\"?",
        ),
        (
            "{ trigger = \"get-contact-nots\" }",
            "unknown trigger \"get-contact-nots\"; did you mean \"get-contact-notes\"?",
        ),
        (
            "{ triger = \"get-contact-notes\" }",
            "thanks.toml:4: unknown key \"triger\"; did you mean \"trigger\"?",
        ),
        (
            "{ trigger = \"get-contact-notes\", with = { contactid = \"c\" } }",
            "thanks.toml:4: trigger \"get-contact-notes\": \"contactid\" is unknown here",
        ),
        (
            "{ trigger = \"get-contact-notes\", every = \"20m\" }",
            "write \"1m\" to \"15m\"",
        ),
        (
            "{ trigger = \"get-contact-notes\", timezone = \"UTC\" }",
            "belongs to a schedule",
        ),
        (
            "{ schedule = \"0 9 * * *\", timezone = \"Europe/Lodon\" }",
            "unknown time zone \"Europe/Lodon\"; did you mean \"Europe/London\"?",
        ),
        (
            "{ schedule = \"0 9 * * *\", timezone = \"PST\" }",
            "unknown time zone \"PST\"; write the name of a place, e.g. \"America/Los_Angeles\"",
        ),
        (
            "{ schedule = \"0 25 * * *\" }",
            "thanks.toml:4: schedule \"0 25 * * *\" is not usable",
        ),
        ("{ webhook = \"a b\" }", "webhook \"a b\" is not usable"),
        ("{ }", "one of \"trigger\", \"schedule\" and \"webhook\""),
    ] {
        let told = on(text).unwrap_err();
        assert!(told.contains(expected), "{text}: {told}");
    }
}

#[test]
fn a_definition_of_the_previous_version_is_readable() {
    let stored = json!({
        "id": "w", "title": "W", "description": "", "on": ["contact.created"], "when": null,
        "do": [{ "id": "s", "action": "buy-trees", "once": null, "when": null, "with": { "number": 1 }, "custom_fields": {} }],
    });
    let workflow: Workflow = serde_json::from_value(stored).unwrap();
    assert_eq!(workflow.on, [On::Kind("contact.created".to_owned())]);
    let again: Workflow = serde_json::from_value(json!(workflow)).unwrap();
    assert_eq!(again, workflow);
}

#[test]
fn a_definition_keeps_every_way_to_start() {
    let all = on(r#"[{ trigger = "get-contact-notes", every = "90s" }, { schedule = "0 9 * * *" }, { webhook = "x" }]"#).unwrap();
    let stored = serde_json::to_value(&all).unwrap();
    let again: Vec<On> = serde_json::from_value(stored).unwrap();
    assert_eq!(again, all);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = GOOD
        .replacen("buy-trees", "buy-tree", 1)
        .replacen("contact.email", "contact.", 1)
        .replacen("contactId = ", "contactid = ", 1);
    let told = Workflow::parse_all("thanks.toml", &text, &SomeActions).unwrap_err();
    let lines: Vec<_> = told.iter().map(|error| error.line).collect();
    assert_eq!(lines, [Some(5), Some(9), Some(14), Some(16)], "{told:#?}");
}

#[test]
fn the_locations_zone_is_read_only_where_it_may_matter() {
    for (when, right) in [
        ("appointment.startTime > event.occurredAt", true),
        ("custom.expires < '2026-12-01'", true),
        ("contact.dateAdded is lt webhook.day", true),
        ("[webhook.a, webhook.b] | min", true),
        ("webhook.day | later('3d')", true),
        (
            "webhook.items | selectattr('due', 'lt', event.occurredAt)",
            true,
        ),
        ("webhook.t | date(zone='Asia/Tokyo')", true),
        ("webhook.amount > 100", false),
        ("(webhook.amount or 0) / 100 > webhook.least", false),
        ("[webhook.trees or 1, 20] | min > 3", false),
        ("contact.tags | length > webhook.n", false),
        ("opportunity.status == 'won'", false),
        ("event.occurredAt | later('3d')", false),
        ("event.occurredAt | date('%d %B %Y')", false),
        ("impact.trees < webhook.trees", false),
        ("webhook.items | selectattr('n', 'gt', 3)", false),
    ] {
        let text = format!(
            "id = \"w\"\ntitle = \"W\"\non = {{ webhook = \"gift\" }}\nwhen = \"{when}\"\n[[do]]\nid = \"a\"\naction = \"profile.save\"\n"
        );
        let workflow: Workflow = toml::from_str(&text).unwrap();
        assert_eq!(workflow.may_need_zone(), right, "{when}");
    }
}

/// Quotes around the path are a usual slip: the first call would be the last that buys.
#[test]
fn a_once_that_reads_nothing_is_told() {
    let file = |once: &str| {
        GOOD.replacen(
            "\"buy-trees\"",
            &format!("\"buy-trees\"\nonce = \"{once}\""),
            1,
        )
    };
    for once in ["{{ 'webhook.orderId' }}", "{{ 'a' }}", "gift-{{ 5 }}"] {
        let told = problem(&file(once));
        assert!(
            told.contains("reads nothing of the event"),
            "{once}: {told}"
        );
    }
    let right = file("gift-{{ event.occurredAt }}");
    Workflow::parse("thanks.toml", &right, &SomeActions).unwrap();
}
