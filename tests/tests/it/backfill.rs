//! Back-fills, events as they arrive, and the ledger for accounting.

use canopy_store::Store;
use serde_json::{Value, json};

use crate::support::{World, eventually, text};

async fn json_of(world: &World, arguments: &[&str]) -> Value {
    serde_json::from_str(&world.succeed(arguments).await).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_fill_fills_the_view_and_exports_it_and_starts_nothing() {
    let world = World::new().await;
    world.seed(7).await;
    let report = json_of(&world, &["backfill", "--json", "--to", "all.jsonl"]).await;
    assert_eq!(report["finished"], true);
    assert_eq!(report["connections"][0]["records"]["contact"], 7);
    let lines = std::fs::read_to_string(world.path("all.jsonl")).unwrap();
    let records: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records.len(), 7);
    assert_eq!(records[0]["kind"], "contact");
    world
        .succeed(&["backfill", "--kind", "contacts", "--to", "all.csv"])
        .await;
    let csv = std::fs::read_to_string(world.path("all.csv")).unwrap();
    let mut lines = csv.lines();
    let header = lines.next().unwrap();
    assert!(
        header.starts_with("location,kind,record,contact,changed,id,"),
        "{header}"
    );
    assert_eq!(lines.count(), 7);
    let store = world.store().await;
    assert_eq!(store.summary().await.unwrap().events, 0);
    let wrong = world.output(&["backfill", "--to", "all.xls"]).await;
    assert_eq!(wrong.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_fill_works_beside_a_running_canopy() {
    let world = World::new().await;
    world.seed(3).await;
    let running = world.start().await;
    world
        .succeed(&["backfill", "--kind", "contacts", "--to", "all.jsonl"])
        .await;
    let all = std::fs::read_to_string(world.path("all.jsonl")).unwrap();
    assert_eq!(all.lines().count(), 3);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_share_of_the_day_is_used_up_it_stops_and_keeps_its_place() {
    let world = World::new().await;
    world.seed(20).await;
    let config = world.config();
    let limit = "requests_per_10_seconds = 1000000";
    // A back-fill may use 70 % of them: the page of contacts, then both lists of 13 and one of another.
    world.write_config(&config.replace(limit, &format!("{limit}\nrequests_per_day = 40")));
    let arguments = ["backfill", "--json", "--fire", "new-contact", "--yes"];
    let stopped = world.output(&arguments).await;
    assert_eq!(stopped.status.code(), Some(4), "{}", text(&stopped.stderr));
    let told = text(&stopped.stderr);
    assert!(told.contains("share of today's calls"), "{told}");
    let report: Value = serde_json::from_slice(&stopped.stdout).unwrap();
    assert_eq!(report["finished"], false);
    let made = world.store().await.summary().await.unwrap();
    assert_eq!(made.events, 0, "what is half read fires nothing");
    // One more tells which location the token is for.
    assert!(made.calls <= 29, "{} calls", made.calls);
    // A restart does not begin the day anew, and asks nobody which location it is.
    let again = world.output(&arguments).await;
    assert_eq!(again.status.code(), Some(4));
    let then = world.store().await.summary().await.unwrap();
    assert_eq!(then.calls, made.calls);
    world.write_config(&config);
    let report = json_of(&world, &["backfill", "--json"]).await;
    assert_eq!(report["connections"][0]["resumed"], true);
    assert_eq!(report["connections"][0]["contacts"], 20);
    let calls = world.store().await.summary().await.unwrap().calls;
    assert!(calls <= 3 + 42 + 8, "{calls}");
}

#[tokio::test(flavor = "multi_thread")]
async fn firing_says_what_it_costs_and_buys_only_when_told_to_and_once() {
    let world = World::new().await;
    let contacts = world.seed(4).await;
    let fire = [
        "backfill",
        "--kind",
        "contacts",
        "--fire",
        "new-contact",
        "--json",
    ];
    let plan = json_of(&world, &fire).await["connections"][0]["fire"]["plan"].clone();
    assert_eq!(plan["events"], 4);
    assert_eq!(plan["purchases"], 4);
    assert_eq!(plan["quantities"]["trees"], "4");
    assert_eq!(plan["cost"], "2.40");
    assert_eq!(world.store().await.summary().await.unwrap().events, 0);
    assert!(world.books("/purchases").await.is_empty());
    let told = world
        .succeed(&["backfill", "--kind", "contacts", "--fire", "new-contact"])
        .await;
    assert!(told.contains("nothing was started"), "{told}");
    assert!(told.contains("4 trees"), "{told}");
    let yes = [&fire[..], &["--yes"]].concat();
    let started = json_of(&world, &yes).await["connections"][0]["fire"]["started"].clone();
    assert_eq!(started, json!({ "pending": 4, "left": 0 }));
    world.succeed(&["run", "--once"]).await;
    world.assert_served_once(&contacts).await;
    let again = json_of(&world, &yes).await["connections"][0]["fire"].clone();
    assert_eq!(again["plan"]["purchases"], 0);
    assert_eq!(again["plan"]["bought_before"], 4);
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 4);
    let unknown = world.output(&["backfill", "--fire", "new-contct"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("new-contact"));
}

#[tokio::test(flavor = "multi_thread")]
async fn firing_a_workflow_for_a_part_of_the_contacts_says_that_it_is_for_all() {
    let world = World::new().await;
    std::fs::create_dir(world.path("workflows")).unwrap();
    let workflow = |on: &str| {
        let text = format!(
            "id = \"one\"\ntitle = \"One\"\non = [{on}]\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = {{ number = 1 }}\n"
        );
        std::fs::write(world.path("workflows/one.toml"), text).unwrap();
    };
    world.write_config(&format!(
        "recipes = []\nworkflows = \"workflows\"\n{}",
        world.config()
    ));
    world.seed(2).await;
    let fire = ["backfill", "--kind", "contacts", "--fire", "one"];
    let part = r#"{ trigger = "get-contacts-by-business", with = { businessId = "b" } }"#;
    workflow(part);
    let told = world.succeed(&fire).await;
    assert!(told.contains("2 event(s)"), "{told}");
    assert!(
        told.contains("cannot tell which of it get-contacts-by-business"),
        "{told}"
    );
    workflow(&format!(r#"{part}, "contact.created""#));
    let told = world.succeed(&fire).await;
    assert!(!told.contains("cannot tell"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fired_event_starts_no_other_workflow() {
    let world = World::new().await;
    let workflow = |id: &str| {
        format!(
            "id = \"{id}\"\ntitle = \"{id}\"\non = [\"contact.created\"]\n\n[[do]]\nid = \"tree\"\naction = \"buy-trees\"\nwith = {{ number = 1 }}\n"
        )
    };
    std::fs::create_dir(world.path("workflows")).unwrap();
    for id in ["one", "other"] {
        std::fs::write(world.path(&format!("workflows/{id}.toml")), workflow(id)).unwrap();
    }
    world.write_config(&format!(
        "recipes = []\nworkflows = \"workflows\"\n{}",
        world.config()
    ));
    world.seed(3).await;
    world
        .succeed(&["backfill", "--kind", "contacts", "--fire", "one", "--yes"])
        .await;
    world.succeed(&["run", "--once"]).await;
    let purchases = world.store().await.purchases(10).await.unwrap();
    assert_eq!(purchases.len(), 3);
    assert!(purchases.iter().all(|purchase| purchase.workflow == "one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn watch_prints_what_arrives_and_nothing_personal() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let running = world.start().await;
    let watch = async |arguments: &[&str]| {
        let output = world.output(arguments).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let seeding = async { world.seed(2).await };
    let following = [
        "watch",
        "--json",
        "--since",
        "0",
        "--limit",
        "2",
        "--kind",
        "contact.created",
    ];
    let (lines, contacts) = tokio::join!(watch(&following), seeding);
    let mut records: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|row| row["event"]["record"].as_str().unwrap().to_owned())
        .collect();
    records.sort();
    let mut expected = contacts.clone();
    expected.sort();
    assert_eq!(records, expected);
    let plain = watch(&["watch", "--since", "0", "--limit", "2", "--kind", "contact"]).await;
    assert_eq!(plain.lines().count(), 2);
    assert!(plain.contains(" contact.created  "), "{plain}");
    let contact = world.highlevel(&format!("/contacts/{}", contacts[0])).await["contact"].clone();
    for member in ["firstName", "email", "phone"] {
        if let Some(value) = contact[member].as_str() {
            assert!(!plain.contains(value), "{plain}");
        }
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_exported_and_held_against_the_services_figures() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    world.seed(2).await;
    world.succeed(&["run", "--once"]).await;
    let csv = world.succeed(&["ledger", "export"]).await;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "key,time,workflow,contact,operation,quantity,unit,amount,currency,test,state,url,slot,connection,location,simulated_amount,expected_amount,whole"
    );
    assert_eq!(lines.len(), 3);
    let purchases = world.store().await.purchases(10).await.unwrap();
    for purchase in &purchases {
        let expected = format!(
            "{},{:.3},new-contact,{},buy-trees,1,trees,0.60,GBP,false,confirmed,{},{},main,{},,,true",
            purchase.key,
            purchase.updated_at,
            purchase.contact.as_deref().unwrap(),
            purchase.url.as_deref().unwrap(),
            purchase.slot,
            purchase.location,
        );
        assert!(lines.contains(&&*expected), "{expected}\n{csv}");
    }
    let past = [
        "ledger",
        "export",
        "--to",
        "2020-01-01",
        "--csv",
        "past.csv",
    ];
    world.succeed(&past).await;
    let past = std::fs::read_to_string(world.path("past.csv")).unwrap();
    assert_eq!(past.lines().count(), 1);

    let agreed = json_of(&world, &["ledger", "reconcile", "--json"]).await;
    assert_eq!(agreed["agree"], true, "{agreed}");
    assert_eq!(agreed["accounts"][0]["figures"]["trees"]["ledger"], "2");
    // Somebody buys by hand.
    let info = world.info();
    let url = format!("{}/impact/trees", info.ecologi_url);
    let bought = reqwest::Client::new()
        .post(url)
        .bearer_auth(&info.ecologi_key)
        .json(&json!({ "number": 3 }))
        .send()
        .await
        .unwrap();
    assert!(bought.status().is_success());
    let differs = world.output(&["ledger", "reconcile"]).await;
    assert_eq!(differs.status.code(), Some(3));
    assert!(text(&differs.stdout).contains("DIFFERS"));
    let alerts = world.store().await.alerts(true, 10).await.unwrap();
    assert_eq!((alerts.len(), alerts[0].kind.as_str()), (1, "drift"));
    assert!(
        alerts[0]
            .message
            .contains("the ledger has 2 trees, Ecologi reports 5")
    );
    world
        .control("/settings", json!({ "report_lag_seconds": 0 }))
        .await;
    eventually("the alert to be counted up", async || {
        world.output(&["ledger", "reconcile"]).await;
        world.store().await.alerts(true, 10).await.unwrap()[0].times >= 2
    })
    .await;
}
