//! Calls of workflow webhooks that are the same to the letter and come at once: which are one, and which are several.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use canopy_store::Store as _;
use futures::future::join_all;
use serde_json::json;

use crate::support::World;

/// Ten identical calls, each with this header besides, of webhooks of which each buys another number of trees.
#[tokio::test(flavor = "multi_thread")]
async fn ten_identical_calls_at_once_are_ten_unless_the_sender_or_the_file_says_otherwise() {
    let world = World::new().await;
    let id = "\"{{ webhook.orderId }}\"";
    let event = "\"event\"";
    // Name, once, line of the section, header; how many events and purchases ten calls are.
    let hooks = [
        ("plain", event, "", None, (10, 10)),
        ("numbered", id, "", None, (10, 1)),
        ("deduped", event, "dedupe = \"10m\"\n", None, (1, 1)),
        ("keyed", event, "", Some(("Idempotency-Key", "o-7")), (1, 1)),
    ];
    std::fs::create_dir(world.path("flows")).unwrap();
    let mut sections = String::new();
    for (trees, (name, once, line, ..)) in (1..).zip(hooks) {
        let _ = write!(
            sections,
            "\n[[webhooks.workflow]]\nname = \"{name}\"\nsecret = \"open sesame\"\n{line}"
        );
        let workflow = format!(
            "id = \"{name}\"\ntitle = \"T\"\non = {{ webhook = \"{name}\" }}\n\n[[do]]\nid = \"trees\"\naction = \"buy-trees\"\nonce = {once}\nwith = {{ number = {trees} }}\n"
        );
        std::fs::write(world.path("flows").join(format!("{name}.toml")), workflow).unwrap();
    }
    let config = world.config();
    world.write_config(&format!("workflows = \"flows\"\n{config}{sections}"));
    let running = world.start().await;
    let body = json!({ "orderId": 7, "email": "ada@example.com" }).to_string();
    let calls = hooks.iter().flat_map(|(name, _, _, header, _)| {
        let address = format!("/webhooks/workflow/{name}");
        let url = running.webhooks.replace("/webhooks/highlevel", &address);
        let headers: Vec<_> = [("X-Canopy-Secret", "open sesame")]
            .into_iter()
            .chain(*header)
            .collect();
        (0..10).map(move |_| (url.clone(), headers.clone()))
    });
    let answers =
        join_all(calls.map(async |(url, headers)| {
            world.post(&url, &headers, body.clone().into_bytes()).await
        }));
    assert_eq!(answers.await, [200; 40]);
    let events: u64 = hooks.iter().map(|(.., (events, _))| events).sum();
    running.until_idle(&world, events).await;
    running.stop().await;
    let rows = world.store().await.recent_events(100).await.unwrap();
    let mut bought = BTreeMap::new();
    for purchase in world.books("/purchases").await {
        *bought
            .entry(purchase["quantity"].as_i64().unwrap())
            .or_insert(0) += 1;
    }
    for (trees, (name, .., (events, purchases))) in (1..).zip(hooks) {
        let kind = format!("hook.{name}");
        let came = rows.iter().filter(|row| row.event.kind == kind).count();
        assert_eq!(came as u64, events, "{name}");
        assert_eq!(bought.get(&trees), Some(&purchases), "{name}");
    }
}
