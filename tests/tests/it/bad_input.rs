//! Whatever a person can get wrong: a clear text, an exit code, and nothing written.

use crate::support::{World, text};

/// Expects `canopy run` to refuse this configuration before it writes anything.
async fn refused(world: &World, config: &str, code: i32, expected: &str) {
    world.write_config(config);
    let output = world.output(&["run", "--once"]).await;
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(
        stderr.contains(expected),
        "{expected:?} is not in: {stderr}"
    );
    assert_eq!(
        world.files(),
        [""; 0],
        "something was written for: {expected}"
    );
    assert!(world.books("/purchases").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_refused_with_line_and_remedy() {
    let world = World::new().await;
    let good = world.config();
    for (from, to, expected) in [
        (
            "max_attempts",
            "max_attemps",
            "unknown key \"max_attemps\"; did you mean \"max_attempts\"?",
        ),
        (
            "[connection.budget]\nper_day = 10000\nper_month = 100000\n",
            "",
            "test = false spends real money and needs caps",
        ),
        (
            "\n[server]",
            "recipes = [\"new-contakt\"]\n[server]",
            "there is no recipe \"new-contakt\"; did you mean \"new-contact\"?",
        ),
        (
            "public_keys = [\"",
            "public_keys = [\"x",
            "webhooks.public_keys",
        ),
        (
            "[[connection]]\n",
            "[[connection]]\nid = \"ü\"\n",
            "its id is not usable",
        ),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        refused(&world, &bad, 2, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_credential_is_refused_before_anything_is_written() {
    let world = World::new().await;
    let good = world.config();
    let token = &world.info().token;
    refused(&world, &good.replace(token.as_str(), "pit-wrong"), 2, "401").await;
    refused(
        &world,
        &good.replace(token.as_str(), "env:NO_SUCH_VARIABLE"),
        2,
        "NO_SUCH_VARIABLE is not set",
    )
    .await;
    refused(
        &world,
        &good.replace(token.as_str(), "secret:highlevel"),
        2,
        "canopy secret set highlevel",
    )
    .await;
    let elsewhere = good.replace(
        "requests_per_10_seconds",
        "location_id = \"another\"\nrequests_per_10_seconds",
    );
    refused(&world, &elsewhere, 2, "location").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_what_is_wrong_and_buys_nothing() {
    let world = World::new().await;
    let stdout = world.succeed(&["check"]).await;
    assert!(
        stdout.contains("Ecologi key") && !stdout.contains("problem"),
        "{stdout}"
    );
    let key = world.info().ecologi_key.clone();
    world.write_config(&world.config().replace(&key, "wrong"));
    let output = world.output(&["check"]).await;
    assert_eq!(output.status.code(), Some(2));
    let stdout = text(&output.stdout);
    assert!(stdout.contains("connection main: Ecologi key"), "{stdout}");
    assert!(
        !stdout.contains("wrong\""),
        "a credential must not be shown: {stdout}"
    );
    assert!(world.books("/purchases").await.is_empty());
    assert_eq!(world.files(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_file_with_a_mistake_stops_the_start() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let workflow =
        include_str!("../../../recipes/new-contact.toml").replace("buy-trees", "buy-tree");
    std::fs::write(folder.path().join("mine.toml"), workflow).unwrap();
    let config = world.config().replace(
        "[retry]",
        &format!("[retry]\n# {}", folder.path().display()),
    );
    let config = format!("workflows = \"{}\"\n{config}", folder.path().display());
    refused(
        &world,
        &config,
        2,
        "unknown action \"buy-tree\"; did you mean \"buy-trees\"?",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_store_is_refused() {
    let world = World::new().await;
    let running = world.start().await;
    let output = world.output(&["run", "--once"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("another canopy is running"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn init_writes_a_private_file_once() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new().await;
    world.succeed(&["init", "new.toml"]).await;
    let mode = std::fs::metadata(world.path("new.toml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let first = |path: &str| {
        let text = std::fs::read_to_string(world.path(path)).unwrap();
        text.lines().next().unwrap().to_owned()
    };
    // Editors complete it by the schema beside it, and the workflows of the folder as well.
    assert_eq!(first("new.toml"), "#:schema ./schema/canopy.schema.json");
    let printed = world.succeed(&["schema", "config"]).await;
    let written = std::fs::read_to_string(world.path("schema/canopy.schema.json")).unwrap();
    assert_eq!(printed, written);
    world.succeed(&["recipe", "add", "new-contact"]).await;
    assert_eq!(
        first("workflows/new-contact.toml"),
        "#:schema ../schema/workflow.schema.json"
    );
    world
        .succeed(&["recipe", "add", "new-contact", "--to", "a/b"])
        .await;
    assert!(!first("a/b/new-contact.toml").starts_with("#:"));
    let again = world.output(&["init", "new.toml"]).await;
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("is there already"));
}
