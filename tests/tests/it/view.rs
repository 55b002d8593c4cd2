//! What an operator sees of one contact, and the recipes.

use canopy_store::Store as _;
use serde_json::Value;

use crate::support::{World, text};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_contact_is_shown_with_profile_purchases_and_what_happened() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let contact = world.seed(1).await.remove(0);
    world.succeed(&["run", "--once"]).await;

    let views = json(
        &world
            .succeed(&["profile", "show", &contact, "--json"])
            .await,
    );
    let view = &views[0];
    assert_eq!(view["impact"]["trees"], "1");
    assert_eq!(view["purchases"][0]["state"], "confirmed");
    let started: Vec<_> = view["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|moment| !moment["runs"].as_array().unwrap().is_empty())
        .collect();
    let steps = started[0]["runs"][0]["steps"].as_array().unwrap();
    assert!(
        steps
            .iter()
            .any(|step| step["action"] == "buy-trees" && step["state"] == "done")
    );

    // The profile's own id leads there as well.
    let id = view["profile"]["ecologiProfileId"].as_str().unwrap();
    let shown = world.succeed(&["profile", "show", id]).await;
    assert!(
        shown.contains(&contact) && shown.contains("contact.created"),
        "{shown}"
    );
    assert!(shown.contains("tree buy-trees: done"), "{shown}");

    let unknown = world.output(&["profile", "show", "nobody"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("knows no contact or profile \"nobody\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn recipes_are_listed_shown_and_copied_without_overwriting() {
    let world = World::new().await;
    let list = json(&world.succeed(&["recipe", "list", "--json"]).await);
    let first = &list[0];
    assert_eq!(first["name"], "new-contact");
    assert!(first["title"].is_string() && first["on"].is_array());
    assert_eq!(first["steps"][2]["action"], "buy-trees");

    let shown = world.succeed(&["recipe", "show", "new-contact"]).await;
    world.succeed(&["recipe", "add", "new-contact"]).await;
    let copy = world.path("workflows/new-contact.toml");
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), shown);

    std::fs::write(&copy, "mine").unwrap();
    let again = world.output(&["recipe", "add", "new-contact"]).await;
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "mine");
    let wrong = world.output(&["recipe", "show", "new-contakt"]).await;
    assert!(text(&wrong.stderr).contains("did you mean \"new-contact\"?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_shown_until_a_person_resolves_them() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    assert_eq!(world.succeed(&["alerts"]).await, "no alerts\n");
    let key = canopy_store::SecretKey::from_file(&world.path("canopy.key")).unwrap();
    let store = canopy_store::SqliteStore::open(&world.path("canopy.db"), &key)
        .await
        .unwrap();
    let alert = canopy_store::NewAlert {
        location: world.info().location_id.clone(),
        kind: "budget".into(),
        subject: "month".into(),
        message: "the cap is reached until 1 December".into(),
    };
    store
        .raise_alert(alert, jiff::Timestamp::now())
        .await
        .unwrap();
    store.close().await;

    for command in [&["alerts"][..], &["status"]] {
        let shown = world.output(command).await;
        assert_eq!(shown.status.code(), Some(3));
        assert!(
            text(&shown.stdout).contains("budget (month, since"),
            "{}",
            text(&shown.stdout)
        );
    }
    world.succeed(&["alerts", "--resolve", "1"]).await;
    let again = world.output(&["alerts", "--resolve", "1"]).await;
    assert_eq!(again.status.code(), Some(2));
    world.succeed(&["status"]).await;
    assert!(
        world
            .succeed(&["alerts", "--all"])
            .await
            .contains("resolved")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_shown_of_one_connection_alone() {
    let world = World::new().await;
    world.succeed(&["run", "--once"]).await;
    let contact = world.seed(2).await.remove(0);
    world.succeed(&["run", "--once"]).await;
    let other = "\n[[connection]]\nid = \"other\"\n[connection.highlevel]\ntoken = \"pit-x\"\nlocation_id = \"elsewhere\"\n\
                 [connection.ecologi]\napi_key = \"key\"\nusername = \"x\"\n";
    world.write_config(&(world.config() + other));
    let rows = async |words: &[&str]| -> usize {
        let output = world.output(words).await;
        // Open alerts end with 3.
        assert!(
            matches!(output.status.code(), Some(0 | 3)),
            "{words:?}: {}",
            text(&output.stderr)
        );
        json(&text(&output.stdout)).as_array().unwrap().len()
    };
    for command in [
        &["runs"][..],
        &["events"],
        &["purchase", "list"],
        &["ledger", "export"],
        &["profile", "show", &contact],
        &["plan"],
    ] {
        let main = [command, &["--json", "--connection", "main"]].concat();
        let all = [command, &["--json"]].concat();
        let is_plan = command == ["plan"];
        assert_eq!(
            rows(&main).await,
            rows(&all).await - usize::from(is_plan),
            "{command:?}"
        );
        assert!(rows(&main).await > 0, "{command:?}");
        let elsewhere = [command, &["--json", "--connection", "other"]].concat();
        if command[0] == "profile" {
            assert_eq!(world.output(&elsewhere).await.status.code(), Some(2));
        } else {
            assert_eq!(rows(&elsewhere).await, usize::from(is_plan), "{command:?}");
        }
        let wrong = [command, &["--connection", "mian"]].concat();
        let wrong = world.output(&wrong).await;
        assert_eq!(wrong.status.code(), Some(2), "{command:?}");
        assert!(
            text(&wrong.stderr).contains("did you mean \"main\"?"),
            "{}",
            text(&wrong.stderr)
        );
    }
}
