//! Test and real never mix, and what runs is what the files say.

use canopy_store::{RunState, StepState, Store};
use serde_json::{Value, json};

use crate::support::{World, is_write, text};

async fn json_of(world: &World, arguments: &[&str]) -> Value {
    let output = world.output(arguments).await;
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

/// The world's configuration in test mode.
fn in_test(world: &World) -> String {
    world.config().replace("test = false", "test = true")
}

async fn written_to_highlevel(world: &World) -> Vec<Value> {
    let requests = world.books("/requests").await;
    let of = |one: &Value| one["service"] == "highlevel" && is_write(one);
    requests.into_iter().filter(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_test_mode_nothing_is_written_and_going_live_carries_it_out_on_a_word_only() {
    let world = World::new().await;
    world.write_config(&in_test(&world));
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(2).await;
    let before = world.books("/history").await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/history").await, before);
    assert_eq!(written_to_highlevel(&world).await, [] as [Value; 0]);
    // What would be sent is kept, as it would be sent, and only simulations were ordered.
    let store = world.store().await;
    let runs = store.runs(Some(RunState::Done), 10).await.unwrap();
    assert_eq!(runs.len(), 2);
    for run in &runs {
        let steps = store.steps(run.id).await.unwrap();
        let note = steps.iter().find(|step| step.action == "create-note");
        let note = note.unwrap();
        assert_eq!(note.state, StepState::Withheld);
        assert_eq!(note.request["contactId"], json!(run.contact));
        assert!(note.request["body"].as_str().unwrap().contains("tree"));
    }
    let simulated = world.books("/purchases").await;
    assert_eq!(simulated.len(), 2);
    assert!(simulated.iter().all(|one| one["test"] == true));
    // Nothing can be carried out as long as nothing is written.
    let refused = world.output(&["retry", "--withheld"]).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("is in test mode"));
    // Going live by itself does nothing of the past.
    world.write_config(&world.config());
    world.succeed(&["run", "--once"]).await;
    assert_eq!(written_to_highlevel(&world).await, [] as [Value; 0]);
    assert_eq!(world.books("/purchases").await.len(), 2);
    // On the operator's word it is bought and written, for real: first it is told what that costs.
    let told = world.succeed(&["retry", "--withheld"]).await;
    assert!(
        told.contains("2 purchase(s): 2 trees, about 1.20 GBP") && told.contains("add --yes"),
        "{told}"
    );
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    world.succeed(&["retry", "--withheld", "--yes"]).await;
    world.succeed(&["run", "--once"]).await;
    let bought = world.books("/purchases").await;
    let real: Vec<_> = bought.iter().filter(|one| one["test"] == false).collect();
    assert_eq!(real.len(), 2);
    for id in &contacts {
        let notes = world.highlevel(&format!("/contacts/{id}/notes")).await;
        let notes = notes["notes"].as_array().unwrap().clone();
        assert_eq!(notes.len(), 1, "{notes:?}");
        let body = notes[0]["body"].as_str().unwrap();
        assert!(
            !body.contains("undefined") && !body.contains("planned"),
            "nothing simulated is told: {body}"
        );
    }
    // Once more there is nothing to carry out.
    let again = world.output(&["retry", "--withheld"]).await;
    assert!(again.status.success() && text(&again.stderr).starts_with("0 run"));
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_mode_writes_to_highlevel_where_that_is_asked_for() {
    let world = World::new().await;
    let config = in_test(&world).replace("test = true", "test = true\nwrite_in_test = true");
    world.write_config(&config);
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    let contact = world.highlevel(&format!("/contacts/{}", contacts[0])).await;
    let tags = contact["contact"]["tags"].as_array().unwrap();
    assert!(tags.contains(&json!("ecologi")), "{contact}");
    assert!(
        world
            .books("/purchases")
            .await
            .iter()
            .all(|one| one["test"] == true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sum_has_test_and_real_apart() {
    let world = World::new().await;
    world.write_config(&in_test(&world));
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(3).await;
    world.succeed(&["run", "--once"]).await;
    world.write_config(&world.config());
    world.seed(2).await;
    world.succeed(&["run", "--once"]).await;
    let summary = json_of(&world, &["status", "--json"]).await["summary"].clone();
    assert_eq!(
        (&summary["purchases"], &summary["trees"]),
        (&json!(2), &json!("2"))
    );
    assert_eq!(summary["cost"], json!([["GBP", "1.2"]]));
    let test = &summary["test"];
    assert_eq!(
        (&test["purchases"], &test["trees"]),
        (&json!(3), &json!("3"))
    );
    assert_eq!(test["cost"], json!([["GBP", "1.8"]]));
    let view = json_of(&world, &["profile", "show", &contacts[0], "--json"]).await;
    let view = view.as_array().map_or(view.clone(), |all| all[0].clone());
    assert_eq!(view["impact"]["trees"], "0");
    assert_eq!(view["impactInTestMode"]["trees"], "1");
    // A sum over a column of the export is of one kind.
    let csv = world.succeed(&["ledger", "export"]).await;
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let titles = lines.next().unwrap();
    let column = |name: &str| titles.iter().position(|title| *title == name).unwrap();
    let (amount, simulated) = (column("amount"), column("simulated_amount"));
    let rows: Vec<_> = lines.collect();
    let filled = |at: usize| rows.iter().filter(|row| !row[at].is_empty()).count();
    assert_eq!((filled(amount), filled(simulated)), (2, 3));
    // And who asks is told which mode a connection is in.
    let status = world.output(&["status"]).await;
    let status = text(&status.stdout);
    assert!(status.contains("main  real"), "{status}");
    assert!(status.contains("in test mode"), "{status}");
    let running = world.start().await;
    let page = world.get(&running.page).await.text().await.unwrap();
    assert!(page.contains("real purchases") && page.contains("In test mode"));
    let told = running.status(&world).await;
    assert_eq!(told["connections"][0]["test"], false);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_began_in_test_mode_does_not_go_on_for_real_by_itself() {
    let world = World::new().await;
    std::fs::create_dir(world.path("mine")).unwrap();
    let workflow = r#"
id = "later"
title = "A note later"
on = "contact.created"

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }

[[do]]
id = "pause"
action = "wait"
with = { for = "1s" }

[[do]]
id = "note"
action = "create-note"
with = { contactId = "{{ contact.id }}", body = "{{ steps.tree.treeUrl }}" }
"#;
    std::fs::write(world.path("mine/later.toml"), workflow).unwrap();
    let with = |config: String| format!("workflows = \"mine\"\n{config}");
    world.write_config(&with(in_test(&world)));
    world.succeed(&["run", "--once"]).await;
    world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    world.write_config(&with(world.config()));
    crate::support::eventually("the wait to end", async || {
        world.output(&["run", "--once"]).await;
        let store = world.store().await;
        store.summary().await.unwrap().runs_held == 1
    })
    .await;
    assert_eq!(written_to_highlevel(&world).await, [] as [Value; 0]);
    world.succeed(&["retry", "1"]).await;
    crate::support::eventually("the run to end", async || {
        world.output(&["run", "--once"]).await;
        let store = world.store().await;
        store.summary().await.unwrap().runs_done == 1
    })
    .await;
    let bought = world.books("/purchases").await;
    assert_eq!(bought.iter().filter(|one| one["test"] == false).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_test_mode_no_command_writes_to_highlevel() {
    let world = World::new().await;
    world.write_config(&in_test(&world));
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(1).await;
    let id = format!("contactId={}", contacts[0]);
    for arguments in [
        &["call", "create-note", "--param", &id, "--param", "body=x"][..],
        &["profile", "create", "--email", "new@example.com"],
    ] {
        let output = world.output(arguments).await;
        assert!(!output.status.success(), "{arguments:?}");
        let told = text(&output.stderr) + &text(&output.stdout);
        assert!(told.contains("test mode"), "{arguments:?}: {told}");
    }
    assert_eq!(written_to_highlevel(&world).await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_listed_and_what_is_switched_off_does_not_run() {
    let world = World::new().await;
    std::fs::create_dir(world.path("mine")).unwrap();
    let file = |id: &str, more: &str| {
        let text = format!(
            "id = \"{id}\"\ntitle = \"Trees\"\n{more}on = [\"contact.created\"]\n\n[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nwith = {{ number = 2 }}\n"
        );
        std::fs::write(world.path("mine").join(format!("{id}.toml")), text).unwrap();
    };
    file("on", "");
    file("off", "enabled = false\n");
    world.write_config(&format!("workflows = \"mine\"\n{}", world.config()));
    world.succeed(&["run", "--once"]).await;
    world.seed(1).await;
    let output = world.output(&["run", "--once"]).await;
    assert!(
        text(&output.stderr).contains("the recipe new-contact is not active"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(world.books("/purchases").await.len(), 1);
    let listed = json_of(&world, &["workflows", "--json"]).await;
    assert_eq!(listed["left_out"], "new-contact");
    let of = |id: &str| {
        let all = listed["workflows"].as_array().unwrap();
        all.iter().find(|one| one["id"] == id).unwrap().clone()
    };
    assert_eq!(
        (&of("on")["enabled"], &of("off")["enabled"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(of("on")["starts_on"], json!(["contact.created"]));
    assert_eq!(of("on")["buys"][0]["number"], 2);
    assert_eq!(
        (&of("on")["runs"], &of("off")["runs"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(of("on")["last_run"]["state"], "done");
    let told = world.succeed(&["workflows"]).await;
    assert!(
        told.contains("off: Trees") && told.contains("switched off"),
        "{told}"
    );
    let check = world.succeed(&["check"]).await;
    assert!(check.contains("active: on\n"), "{check}");
    // With all of them off nothing runs, and that is no mistake.
    file("on", "enabled = false\n");
    world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_test_mode_left_open_is_not_bought_for_real_by_itself() {
    let world = World::new().await;
    let soon = |config: String| config.replace("max_attempts = 5", "max_attempts = 1000");
    world.write_config(&soon(in_test(&world)));
    world.succeed(&["run", "--once"]).await;
    let down = json!({ "kind": "status", "service": "ecologi", "method": "POST", "status": 503 });
    world.control("/faults", down).await;
    world.seed(2).await;
    let running = world.start().await;
    crate::support::eventually("the purchases to be unanswered", async || {
        let store = world.store().await;
        let all = store.purchases(10).await.unwrap();
        all.len() == 2
            && all
                .iter()
                .all(|one| one.state == canopy_store::PurchaseState::Sent)
    })
    .await;
    running.stop().await;
    world.clear_faults().await;
    world.write_config(&soon(world.config()));
    let real = async || {
        let bought = world.books("/purchases").await;
        bought.iter().filter(|one| one["test"] == false).count()
    };
    let of = async || {
        let store = world.store().await;
        store.runs(Some(RunState::Held), 10).await.unwrap()
    };
    crate::support::eventually("the runs to be held", async || {
        world.output(&["run", "--once"]).await;
        assert_eq!(real().await, 0);
        of().await.len() == 2
    })
    .await;
    let held = of().await;
    let store = world.store().await;
    let open = store.purchases(10).await.unwrap();
    assert!(
        open.iter()
            .all(|one| one.state == canopy_store::PurchaseState::Refused),
        "{open:?}"
    );
    drop(store);
    // What retries all that failed is no word about purchases that were never meant to be real.
    let all = world.output(&["retry", "--all"]).await;
    let told = crate::support::text(&all.stderr);
    assert!(
        told.contains("2 run(s) that began in test mode are left"),
        "{told}"
    );
    world.output(&["run", "--once"]).await;
    assert_eq!(real().await, 0);
    world.succeed(&["retry", &held[0].id.to_string()]).await;
    world.output(&["run", "--once"]).await;
    assert_eq!(real().await, 1);
}

/// A workflow that buys and writes nothing.
const TREE_ONLY: &str = "id = \"tree\"\ntitle = \"A tree\"\non = [\"contact.created\"]\n\n[[do]]\nid = \"buy\"\naction = \"buy-trees\"\nwith = { number = 1 }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_back_fill_that_was_rehearsed_promises_nothing_and_one_word_carries_all_of_it_out() {
    let world = World::new().await;
    std::fs::create_dir(world.path("mine")).unwrap();
    std::fs::write(world.path("mine/tree.toml"), TREE_ONLY).unwrap();
    let with = |config: String| format!("workflows = \"mine\"\n{config}");
    let fire = &["backfill", "--kind", "contacts", "--fire", "tree", "--yes"][..];
    world.seed(3).await;
    world.write_config(&with(in_test(&world)));
    let told = world.succeed(fire).await;
    assert!(told.contains("3 event(s) wait for"), "{told}");
    world.succeed(&["run", "--once"]).await;
    world.write_config(&with(world.config()));
    world.seed(1).await;
    // What is new is counted, and what began in test mode is told with the command that carries it out.
    let told = world.succeed(fire).await;
    assert!(
        told.contains("1 event(s) would start it, with 1 purchase(s): 1 trees, about 0.60 GBP"),
        "{told}"
    );
    assert!(
        told.contains("3 started it in test mode, and `canopy retry --withheld`"),
        "{told}"
    );
    assert!(told.contains("1 event(s) wait for"), "{told}");
    world.succeed(&["run", "--once"]).await;
    let real = async || {
        let bought = world.books("/purchases").await;
        bought.iter().filter(|one| one["test"] == false).count()
    };
    assert_eq!(real().await, 1);
    let status = text(&world.output(&["status"]).await.stdout);
    assert!(
        status.contains("`canopy retry --withheld` carries 3 run(s) out"),
        "{status}"
    );
    // They wrote nothing, and are of the word all the same.
    let told = world.succeed(&["retry", "--withheld"]).await;
    assert!(told.contains("3 trees, about 1.80 GBP"), "{told}");
    let carried = world.output(&["retry", "--withheld", "--yes"]).await;
    assert!(text(&carried.stderr).starts_with("3 run(s) go on"));
    world.succeed(&["run", "--once"]).await;
    assert_eq!(real().await, 4);
    let again = world.output(&["retry", "--withheld", "--yes"]).await;
    assert!(text(&again.stderr).starts_with("0 run(s) go on"));
    let status = text(&world.output(&["status"]).await.stdout);
    assert!(!status.contains("retry --withheld"), "{status}");
    let told = world.succeed(fire).await;
    assert!(
        told.contains("0 event(s) would start it") && told.contains("4 started it before"),
        "{told}"
    );
    assert!(told.contains("0 event(s) wait for"), "{told}");
    assert_eq!(real().await, 4);
}
