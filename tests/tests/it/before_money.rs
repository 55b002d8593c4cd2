//! What is found out before money is spent, and what stops spending it: refused credentials, scopes, billing, currency.

use canopy_store::{BreakerStore as _, RunState, Store};
use serde_json::{Value, json};

use crate::auth::with_app;
use crate::support::{World, eventually, text};

/// What `canopy check` says, with its exit code.
async fn check(world: &World) -> (Vec<Value>, i32) {
    let output = world.output(&["check", "--json"]).await;
    let rows: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    (
        rows.as_array().unwrap().clone(),
        output.status.code().unwrap(),
    )
}

fn row<'a>(rows: &'a [Value], what: &str) -> &'a Value {
    rows.iter()
        .find(|row| row["what"] == what)
        .unwrap_or_else(|| panic!("{what}: {rows:#?}"))
}

fn says(row: &Value, member: &str, words: &str) {
    let told = row[member].as_str().unwrap_or_default();
    assert!(told.contains(words), "{words}: {row}");
}

/// A private token with these scopes.
async fn token(world: &World, scopes: &[&str]) -> String {
    let order = json!({ "class": "location_key", "scopes": scopes });
    let answer = world.control("/tokens", order).await;
    answer["token"].as_str().unwrap().to_owned()
}

const READS: [&str; 3] = [
    "contacts.readonly",
    "locations/customFields.readonly",
    "locations.readonly",
];

async fn alerts(world: &World) -> Vec<canopy_store::Alert> {
    let store = world.store().await;
    let all = store.alerts(true, 100).await.unwrap();
    all.into_iter()
        .filter(|alert| alert.kind == "stopped")
        .collect()
}

/// How many runs are in a state.
async fn runs(world: &World, state: RunState) -> Vec<canopy_store::Run> {
    world.store().await.runs(Some(state), 100).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_where_how_and_within_what_money_would_be_spent() {
    let world = World::new().await;
    let before = world.books("/history").await;
    let (rows, code) = check(&world).await;
    assert_eq!(code, 0, "{rows:#?}");
    let location = world.info().location_id.clone();
    says(row(&rows, "connection main: HighLevel"), "info", &location);
    says(
        row(&rows, "connection main: Ecologi key"),
        "info",
        &world.info().ecologi_user,
    );
    says(row(&rows, "connection main: mode"), "info", "real");
    let caps = row(&rows, "connection main: caps");
    says(caps, "info", "10000 GBP a day");
    says(caps, "info", "100000 GBP a month");
    says(row(&rows, "connection main: currency"), "info", "GBP");
    says(row(&rows, "workflows"), "info", "new-contact");
    says(row(&rows, "webhooks"), "note", "none has reached");
    assert!(row(&rows, "connection main: prices")["ok"] == true);
    // Nothing came of it anywhere.
    assert_eq!(world.books("/history").await, before);
    assert!(world.books("/purchases").await.is_empty());
    assert_eq!(world.files(), [""; 0]);
    // What workflows write is tried where nothing can come of it.
    let requests = world.books("/requests").await;
    let written = requests.iter().find(|one| one["method"] == "PUT");
    let status = written.unwrap()["status"].as_u64().unwrap();
    assert!((400..500).contains(&status), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_ends_although_both_services_hang() {
    let world = World::new().await;
    let config = world.config().replace(
        "requests_per_10_seconds",
        &format!(
            "location_id = \"{}\"\nrequests_per_10_seconds",
            world.info().location_id
        ),
    );
    world.write_config(&config);
    for service in ["highlevel", "ecologi"] {
        let fault = json!({ "kind": "hang", "service": service });
        world.control("/faults", fault).await;
    }
    let (rows, code) = check(&world).await;
    assert_eq!(code, 2);
    for what in ["HighLevel", "writes", "Ecologi key", "Ecologi user"] {
        let row = row(&rows, &format!("connection main: {what}"));
        says(row, "problem", "did not answer within 4 s");
    }
    // What needs no answer is told.
    says(row(&rows, "connection main: mode"), "info", "real");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_write_buys_nothing_and_a_good_check_lets_what_waits_go_on() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let good = world.config();
    let reading = token(&world, &READS).await;
    world.write_config(&good.replace(&world.info().token, &reading));
    let contacts = world.seed(3).await;
    let (rows, code) = check(&world).await;
    assert_eq!(code, 2);
    let writes = row(&rows, "connection main: writes");
    says(writes, "problem", "contacts.write");
    says(writes, "problem", "workflow new-contact, step");
    let output = world.output(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(world.books("/purchases").await.is_empty());
    let waiting = runs(&world, RunState::Waiting).await;
    assert_eq!(waiting.len(), 3);
    for run in &waiting {
        assert!(run.error.as_deref().unwrap().contains("contacts.write"));
        let steps = world.store().await.steps(run.id).await.unwrap();
        assert_eq!(steps, [], "it is not started");
    }
    assert_eq!(alerts(&world).await.len(), 1);
    // Again, and nothing more happens.
    world.output(&["run", "--once"]).await;
    assert!(world.books("/purchases").await.is_empty());
    assert_eq!(alerts(&world).await.len(), 1);
    world.write_config(&good);
    let (rows, code) = check(&world).await;
    assert_eq!(code, 0, "{rows:#?}");
    says(row(&rows, "connection main: purchases"), "info", "go on");
    assert!(alerts(&world).await.is_empty());
    world.succeed(&["run", "--once"]).await;
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_in_the_middle_stops_purchases_across_a_kill_until_a_good_check() {
    let world = World::new().await;
    // The check at the start is the only one that this test lets happen by itself.
    world.write_config(&format!("[check]\nevery = \"1d\"\n{}", world.config()));
    let running = world.start().await;
    eventually("the check at the start", async || {
        world.asked("buy-trees").await > 0
    })
    .await;
    world
        .control("/settings", json!({ "billing": false }))
        .await;
    let contacts = world.seed(12).await;
    running
        .until(&world, "all runs to wait", |summary| {
            summary["runs_waiting"] == 12
        })
        .await;
    assert_eq!(alerts(&world).await.len(), 1);
    let asked = world.asked("buy-trees").await;
    assert!(
        asked <= 9,
        "those that were under way, and no more: {asked}"
    );
    running.kill().await;
    // A restart does not forget it, and its own check finds no better.
    let running = world.start().await;
    eventually("the check at the start", async || {
        world.asked("buy-trees").await > asked
    })
    .await;
    running.stop().await;
    assert_eq!(alerts(&world).await.len(), 1);
    assert_eq!(runs(&world, RunState::Waiting).await.len(), 12);
    assert_eq!(world.asked("buy-trees").await, asked + 1, "the check alone");
    for state in [RunState::Dead, RunState::Held] {
        assert_eq!(runs(&world, state).await, []);
    }
    assert!(world.books("/purchases").await.is_empty());
    world.control("/settings", json!({ "billing": true })).await;
    world.succeed(&["run", "--once"]).await;
    assert!(alerts(&world).await.is_empty());
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_canopy_finds_by_itself_that_it_may_buy_again() {
    let world = World::new().await;
    world.write_config(&format!("[check]\nevery = \"1s\"\n{}", world.config()));
    world.succeed(&["run", "--once"]).await;
    world
        .control("/settings", json!({ "billing": false }))
        .await;
    let running = world.start().await;
    let contacts = world.seed(2).await;
    running
        .until(&world, "the runs to wait", |summary| {
            summary["runs_waiting"] == 2
        })
        .await;
    world.control("/settings", json!({ "billing": true })).await;
    running.until_idle(&world, 2).await;
    running.stop().await;
    assert!(alerts(&world).await.is_empty());
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_makes_runs_wait_and_not_die() {
    let world = World::new().await;
    world.write_config(&format!("[check]\nevery = \"1d\"\n{}", world.config()));
    let running = world.start().await;
    eventually("the check at the start", async || {
        world.asked("buy-trees").await > 0
    })
    .await;
    // Each call is refused as with a token that was withdrawn.
    let refusal = json!({
        "kind": "status", "status": 401, "service": "highlevel",
        "body": { "statusCode": 401, "message": "Invalid JWT" },
    });
    // Contacts tell themselves, so their runs get as far as the first write.
    world.control("/faults", refusal).await;
    let contacts = world.seed(3).await;
    running
        .until(&world, "the runs to wait", |summary| {
            summary["runs_waiting"] == 3 || summary["events_waiting"] == 3
        })
        .await;
    world.clear_faults().await;
    let (rows, code) = check(&world).await;
    assert_eq!(code, 0, "{rows:#?}");
    running.until_idle(&world, 3).await;
    running.stop().await;
    for state in [RunState::Dead, RunState::Held] {
        assert_eq!(runs(&world, state).await, []);
    }
    world.assert_served_once(&contacts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_another_currency_buys_nothing_for_real() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    world
        .control("/settings", json!({ "currency": "EUR" }))
        .await;
    world.seed(1).await;
    let (rows, code) = check(&world).await;
    assert_eq!(code, 2);
    says(
        row(&rows, "connection main: currency"),
        "problem",
        "currency is EUR, and ecologi.currency says GBP",
    );
    let output = world.output(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert!(world.books("/purchases").await.is_empty());
    let open = world.store().await.breakers(None).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].cause, "currency");
    // With the account's own currency it goes on.
    let config = world.config().replace(
        "[connection.ecologi]",
        "[connection.ecologi]\ncurrency = \"EUR\"",
    );
    world.write_config(&config);
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_workflows_buy_for_and_what_has_no_price_is_told() {
    let world = World::new().await;
    std::fs::create_dir(world.path("mine")).unwrap();
    for (id, action) in [("one", "buy-trees"), ("two", "buy-carbon-removal")] {
        let workflow = format!(
            "id = \"{id}\"\ntitle = \"T\"\non = \"contact.created\"\n\n[[do]]\nid = \"buy\"\naction = \"{action}\"\nwith = {{ number = 1 }}\n"
        );
        std::fs::write(world.path("mine").join(format!("{id}.toml")), workflow).unwrap();
    }
    world.write_config(&format!("workflows = \"mine\"\n{}", world.config()));
    for arguments in [&["check", "--json", "--offline"][..], &["check", "--json"]] {
        let output = world.output(arguments).await;
        assert_eq!(output.status.code(), Some(2));
        let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = rows.as_array().unwrap();
        says(row(rows, "bought for contact.created"), "note", "one, two");
        let prices = row(rows, "connection main: prices");
        says(prices, "problem", "buy-carbon-removal in GBP");
        says(prices, "problem", "workflow two, step buy");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_no_check_can_try_is_tried_by_the_run_that_has_bought() {
    let world = World::new().await;
    std::fs::create_dir(world.path("mine")).unwrap();
    let workflow = r#"
id = "field"
title = "A tree, then a field"
on = "contact.created"

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }

[[do]]
id = "field"
action = "create-custom-field"
with = { locationId = "{{ location.id }}", name = "T {{ contact.id }}", dataType = "TEXT" }
"#;
    std::fs::write(world.path("mine/field.toml"), workflow).unwrap();
    world.write_config(&format!("workflows = \"mine\"\n{}", world.config()));
    world.succeed(&["run", "--once"]).await;
    let body =
        json!({ "statusCode": 401, "message": "The token is not authorized for this scope." });
    let fault = json!({ "kind": "status", "operation": "create-custom-field", "status": 401, "body": body, "times": 4 });
    world.control("/faults", fault).await;
    world.seed(1).await;
    world.output(&["run", "--once"]).await;
    world.seed(3).await;
    for _ in 0..2 {
        world.output(&["run", "--once"]).await;
        assert_eq!(world.books("/purchases").await.len(), 1);
        assert_eq!(alerts(&world).await.len(), 1);
    }
    let (rows, _) = check(&world).await;
    let purchases = row(&rows, "connection main: purchases");
    says(
        purchases,
        "note",
        "one of the runs that wait tries it again",
    );
    eventually("the others to go on", async || {
        world.output(&["run", "--once"]).await;
        runs(&world, RunState::Done).await.len() == 4
    })
    .await;
    assert_eq!(world.books("/purchases").await.len(), 4);
    assert!(alerts(&world).await.is_empty());
}

/// Of an app that an agency has installed the location's own token is tried; what no harmless call tells is looked up among
/// the scopes of the agency's.
#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_an_agencys_app_may_do_at_the_location() {
    const LEAST: [&str; 6] = [
        "contacts.readonly",
        "contacts.write",
        "locations.readonly",
        "locations/customFields.readonly",
        "oauth.readonly",
        "oauth.write",
    ];
    const MADE: &str = "locations/customFields.write";
    for makes_fields in [true, false] {
        let world = World::new().await;
        let made = makes_fields.then_some(MADE);
        let scopes: Vec<_> = LEAST.into_iter().chain(made).collect();
        let order = json!({ "user_type": "Company", "scopes": scopes });
        let code = world.control("/oauth/authorize", order).await;
        let location = format!(
            "base_url = \"{}\"\nlocation_id = \"{}\"",
            world.info().highlevel_url,
            world.info().location_id
        );
        let plain = format!("base_url = \"{}\"", world.info().highlevel_url);
        let config = with_app(&world, &code, "agency = true").replace(&plain, &location);
        world.write_config(&config);
        world
            .succeed(&["auth", "finish", code["code"].as_str().unwrap()])
            .await;
        let (rows, code) = check(&world).await;
        assert_eq!(code, 0, "{rows:#?}");
        let writes = row(&rows, "connection main: writes");
        assert_eq!(writes["ok"], true, "{writes}");
        let note = writes["note"].as_str().unwrap_or_default();
        assert_eq!(note.contains(MADE), !makes_fields, "{writes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agencys_own_token_is_refused_with_the_remedy() {
    let world = World::new().await;
    let made = world
        .control("/tokens", json!({ "class": "agency_key" }))
        .await;
    let token = made["token"].as_str().unwrap();
    let location = format!(
        "location_id = \"{}\"\ntoken = \"{token}\"",
        world.info().location_id
    );
    let plain = format!("token = \"{}\"", world.info().token);
    world.write_config(&world.config().replace(&plain, &location));
    let (rows, code) = check(&world).await;
    assert_eq!(code, 2);
    let told = row(&rows, "connection main: HighLevel");
    says(told, "problem", "in the location's own settings");
    let output = world.output(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(world.books("/purchases").await.is_empty());
}

/// Whatever the services refuse with: one alert, all wait, nobody dies, and the next good check lets all go on.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_refusal_stops_purchases_until_a_good_check() {
    let scope = "The token is not authorized for this scope.";
    let place = "The token does not have access to this location.";
    for (operation, status, words) in [
        ("buy-trees", 401, "Unauthorized"),
        ("buy-trees", 402, "Billing details are missing"),
        ("buy-trees", 403, "Forbidden"),
        ("update-contact", 401, scope),
        ("update-contact", 403, place),
    ] {
        let world = World::new().await;
        world.write_config(&format!("[check]\nevery = \"1d\"\n{}", world.config()));
        world.succeed(&["run", "--once"]).await;
        let body = json!({ "responseCode": words, "statusCode": status, "message": words });
        let fault =
            json!({ "kind": "status", "operation": operation, "status": status, "body": body });
        world.control("/faults", fault).await;
        let running = world.start().await;
        let contacts = world.seed(3).await;
        running
            .until(&world, "the runs to wait", |summary| {
                summary["runs_waiting"] == 3
            })
            .await;
        let open = alerts(&world).await;
        assert_eq!(open.len(), 1, "{operation} {status}: {open:?}");
        assert!(
            open[0].message.contains(&status.to_string()),
            "{operation}: {open:?}"
        );
        for state in [RunState::Dead, RunState::Held] {
            assert_eq!(runs(&world, state).await, [], "{operation} {status}");
        }
        world.clear_faults().await;
        let (rows, code) = check(&world).await;
        assert_eq!(code, 0, "{rows:#?}");
        running.until_idle(&world, 3).await;
        running.stop().await;
        assert!(alerts(&world).await.is_empty(), "{operation} {status}");
        world.assert_served_once(&contacts).await;
    }
}
