//! What a late run yields to is durable with the write itself: the process is really killed around it.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::{Value, json};

use crate::support::{World, text};

const WORKFLOW: &str = r#"
id = "late"
title = "Late"
on = ["contact.created", "contact.updated"]

[[do]]
id = "tree"
action = "buy-trees"
once = "event"
with = { number = 1 }

[[do]]
id = "write"
action = "update-contact"
with = { contactId = "{{ contact.id }}", city = "City of {{ contact.firstName }}" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_late_run_writes_over_no_newer_write_wherever_the_process_was_killed() {
    for boundary in ["AfterIntent", "AfterCall", "BeforeOutcome", "AfterOutcome"] {
        let world = World::new().await;
        world.write_config(&format!("workflows = \"workflows\"\n{}", world.config()));
        std::fs::create_dir(world.path("workflows")).unwrap();
        std::fs::write(world.path("workflows/late.toml"), WORKFLOW).unwrap();
        world.succeed(&["run", "--once"]).await;
        let contact = world
            .control("/contacts", json!({ "firstName": "Ada" }))
            .await;
        let contact = contact["id"].as_str().unwrap().to_owned();
        let rename = async |name: &str| {
            let path = format!("/contacts/{contact}");
            world.control(&path, json!({ "firstName": name })).await;
        };
        world.succeed(&["run", "--once"]).await;
        // The older event comes no further than its purchase.
        let refusal = json!({ "kind": "status", "status": 400, "operation": "buy-trees" });
        world.control("/faults", refusal).await;
        rename("Old").await;
        let output = world.output(&["run", "--once"]).await;
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        world.clear_faults().await;
        rename("New").await;
        let killed = world
            .canopy(&["run", "--once"])
            .env("E2E_KILL", format!("{boundary}:write:1"))
            .output()
            .await
            .unwrap();
        assert_eq!(
            killed.status.signal(),
            Some(9),
            "{boundary}: {}",
            text(&killed.stderr)
        );
        world.succeed(&["retry", "--all"]).await;
        world.succeed(&["run", "--once"]).await;
        let city = |contact: &Value| contact["contact"]["city"].clone();
        let shown = world.highlevel(&format!("/contacts/{contact}")).await;
        assert_eq!(city(&shown), "City of New", "{boundary}");
        assert_eq!(world.books("/purchases").await.len(), 3, "{boundary}");
        // And it stays so.
        world.succeed(&["run", "--once"]).await;
        let shown = world.highlevel(&format!("/contacts/{contact}")).await;
        assert_eq!(city(&shown), "City of New", "{boundary}");
    }
}
