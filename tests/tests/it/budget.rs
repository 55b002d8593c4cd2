//! Caps by the real binary: what waits is shown, and goes on when the cap is raised, also killed in between.

use canopy_store::Store;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::support::{World, text};

fn capped(world: &World, per_day: &str) {
    let config = world.config();
    world.write_config(&config.replace("per_day = 10000", &format!("per_day = \"{per_day}\"")));
}

/// Five contacts at a cap for two.
async fn at_the_cap() -> (World, Vec<String>) {
    let world = World::new().await;
    capped(&world, "1.20");
    world.succeed(&["run", "--once"]).await;
    let contacts = world.seed(5).await;
    world.needs_person(&["run", "--once"]).await;
    assert_eq!(world.books("/purchases").await.len(), 2);
    (world, contacts)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_shows_what_is_spent_and_waits_and_says_what_frees_it() {
    let (world, contacts) = at_the_cap().await;
    let told = world.succeed(&["budget", "--json"]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let main = &told["connections"][0];
    assert_eq!(main["waiting"], json!({ "count": 3, "amount": "1.8" }));
    let day = &main["caps"][0];
    assert_eq!(
        (&day["cap"], &day["limit"]),
        (&json!("a day"), &json!("1.2"))
    );
    assert_eq!((&day["spent"], &day["left"]), (&json!("1.2"), &json!("0")));
    assert_eq!(day["waiting"]["count"], 3);
    let resets: jiff::Timestamp = day["resets"].as_str().unwrap().parse().unwrap();
    assert!(resets > jiff::Timestamp::now());
    let shown = world.succeed(&["budget"]).await;
    assert!(
        shown.contains("waiting 3 (1.80)") && shown.contains("1.20"),
        "{shown}"
    );

    // The other commands say what they cannot do.
    let runs = world
        .succeed(&["runs", "--state", "waiting", "--json"])
        .await;
    let runs: Value = serde_json::from_str(&runs).unwrap();
    let (run, event) = (&runs[0]["id"], &runs[0]["event"]);
    for arguments in [["retry", &run.to_string()], ["approve", &event.to_string()]] {
        let output = world.output(&arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let stderr = text(&output.stderr);
        assert!(stderr.contains("canopy budget"), "{arguments:?}: {stderr}");
    }
    let all = world.output(&["retry", "--all"]).await;
    assert!(
        text(&all.stderr).contains("canopy budget"),
        "{}",
        text(&all.stderr)
    );

    capped(&world, "100");
    world.succeed(&["run", "--once"]).await;
    world.assert_served_once(&contacts).await;
    let open = world.store().await.alerts(true, 10).await.unwrap();
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_a_raised_cap_frees_what_waits_it_buys_each_once() {
    let boundaries = [
        "BeforeIntent",
        "AfterIntent",
        "AfterCall",
        "BeforeOutcome",
        "AfterOutcome",
    ];
    stream::iter(boundaries)
        .for_each_concurrent(2, async |boundary| {
            let (world, contacts) = at_the_cap().await;
            capped(&world, "100");
            world
                .killed_at(&["run", "--once"], &format!("{boundary}:tree:2"))
                .await;
            world.succeed(&["run", "--once"]).await;
            world.assert_served_once(&contacts).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_a_mail_that_is_refused_it_buys_once() {
    let workflow = r#"
id = "mail"
title = "A tree with a mail"
on = "contact.created"

[[do]]
id = "tree"
action = "buy-trees"
consent = "true"
with = { number = 1, recipientEmail = "ada@example.com" }
"#;
    // The second time of each is the purchase without the mail.
    let cases = [
        ("AfterIntent", 1),
        ("AfterIntent", 2),
        ("AfterCall", 1),
        ("AfterCall", 2),
        ("BeforeOutcome", 1),
    ];
    stream::iter(cases)
        .for_each_concurrent(2, async |(boundary, time)| {
            let world = World::new().await;
            world.write_config(&format!("workflows = \"workflows\"\n{}", world.config()));
            std::fs::create_dir(world.path("workflows")).unwrap();
            std::fs::write(world.path("workflows/mail.toml"), workflow).unwrap();
            world.succeed(&["run", "--once"]).await;
            world.seed(1).await;
            world
                .killed_at(&["run", "--once"], &format!("{boundary}:tree:{time}"))
                .await;
            if time == 1 && boundary == "AfterCall" {
                // By then the account may mail: whatever goes out, it is one purchase.
                let enabled = json!({ "recipient_email_enabled": true });
                world.control("/settings", enabled).await;
            }
            world.succeed(&["run", "--once"]).await;
            world.succeed(&["run", "--once"]).await;
            assert_eq!(
                world.books("/purchases").await.len(),
                1,
                "{boundary} {time}"
            );
            let confirmed = world.store().await.purchases(10).await.unwrap();
            let confirmed = confirmed.iter().filter(|one| one.amount.is_some());
            assert_eq!(confirmed.count(), 1, "{boundary} {time}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_and_months_end_at_midnight_of_the_zone_that_the_file_names() {
    let world = World::new().await;
    let with = |zone: &str| {
        let config = world.config();
        let config = config.replace(
            "per_day = 10000",
            &format!("per_day = 10\ntimezone = \"{zone}\""),
        );
        world.write_config(&config);
    };
    with("location");
    world.succeed(&["run", "--once"]).await;
    world.seed(1).await;
    world.succeed(&["run", "--once"]).await;
    let location = world.info().location_id.clone();
    let location = world.highlevel(&format!("/locations/{location}")).await;
    let own = location["location"]["timezone"]
        .as_str()
        .unwrap()
        .to_owned();
    for (said, zone) in [
        ("location", own.as_str()),
        ("Pacific/Auckland", "Pacific/Auckland"),
        ("UTC", "UTC"),
    ] {
        with(said);
        let told = world.succeed(&["budget", "--json"]).await;
        let told: Value = serde_json::from_str(&told).unwrap();
        let main = &told["connections"][0];
        assert_eq!(main["timezone"], zone, "{main}");
        for (cap, of) in main["caps"]
            .as_array()
            .unwrap()
            .iter()
            .zip(["a day", "a month"])
        {
            assert_eq!(cap["cap"], of);
            let ends: jiff::Timestamp = cap["resets"].as_str().unwrap().parse().unwrap();
            let ends = ends.in_tz(zone).unwrap();
            assert_eq!(
                (ends.hour(), ends.minute(), ends.second()),
                (0, 0, 0),
                "{ends}"
            );
            assert!(of == "a day" || ends.day() == 1, "{ends}");
        }
    }
}
