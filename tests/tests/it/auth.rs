//! An app connected on the command line.

use serde_json::{Value, json};

use crate::support::{World, text};

/// The world's configuration with an app in place of the token.
fn with_app(world: &World, code: &Value, more: &str) -> String {
    let oauth = format!(
        "[connection.highlevel.oauth]\nclient_id = {}\nclient_secret = {}\n\
         redirect_uri = \"https://canopy.example/back\"\n{more}\n\n[connection.ecologi]",
        code["client_id"], code["client_secret"],
    );
    let token = format!("token = \"{}\"\n", world.info().token);
    world
        .config()
        .replace(&token, "")
        .replace("[connection.ecologi]", &oauth)
}

async fn authorize(world: &World, kind: &str) -> Value {
    world
        .control("/oauth/authorize", json!({ "user_type": kind }))
        .await
}

fn state_of(link: &str) -> String {
    let (_, state) = link.split_once("&state=").unwrap();
    state.split('&').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_connected_by_pasting_the_address() {
    let world = World::new().await;
    let code = authorize(&world, "Location").await;
    world.write_config(&with_app(&world, &code, ""));
    let refused = world.output(&["call", "list-locations"]).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("canopy auth url --connection main"));

    let link = world.succeed(&["auth", "url"]).await;
    for part in [
        "response_type=code",
        "client_id=",
        "contacts.readonly",
        "redirect_uri=",
    ] {
        assert!(link.contains(part), "{link}");
    }
    let back = |state: &str| {
        let code = code["code"].as_str().unwrap();
        format!("https://canopy.example/back?code={code}&state={state}")
    };
    for address in [back("another"), back("")] {
        let refused = world.output(&["auth", "finish", &address]).await;
        assert_eq!(refused.status.code(), Some(2), "{address}");
        assert!(text(&refused.stderr).contains("state"));
    }
    let address = back(&state_of(link.trim()));
    let told = world.succeed(&["auth", "finish", &address]).await;
    assert!(told.contains(&world.info().location_id), "{told}");
    // The state is used up, and so is the code.
    for pasted in [address.as_str(), code["code"].as_str().unwrap()] {
        let refused = world.output(&["auth", "finish", pasted]).await;
        assert_eq!(refused.status.code(), Some(2), "{pasted}");
    }
    world.succeed(&["call", "get-custom-fields"]).await;
    let status = world.succeed(&["auth", "status", "--json"]).await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status[0]["kind"], "oauth");
    assert_eq!(status[0]["location"], world.info().location_id.as_str());
    assert_eq!(status[0]["reminders"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agencys_app_works_by_the_locations_token() {
    let world = World::new().await;
    let code = authorize(&world, "Company").await;
    let location = format!(
        "base_url = \"{}\"\nlocation_id = \"{}\"",
        world.info().highlevel_url,
        world.info().location_id
    );
    let plain = format!("base_url = \"{}\"", world.info().highlevel_url);
    let config = with_app(&world, &code, "agency = true").replace(&plain, &location);
    world.write_config(&config);
    let code = code["code"].as_str().unwrap();
    let told = world.succeed(&["auth", "finish", code]).await;
    assert!(told.contains("by the agency"), "{told}");
    world.succeed(&["call", "get-custom-fields"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_token_takes_over() {
    let world = World::new().await;
    let token = format!("token = \"{}\"", world.info().token);
    let both = format!("token = \"pit-ended\"\nnext_{token}");
    world.write_config(&world.config().replace(&token, &both));
    world.succeed(&["run", "--once"]).await;
    let status = world.succeed(&["auth", "status", "--json"]).await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status[0]["tokens"].as_array().unwrap().len(), 2);
    assert!(!status.to_string().contains("pit-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_told_with_who_needs_them() {
    let world = World::new().await;
    let scopes = world.succeed(&["auth", "scopes", "--json"]).await;
    let scopes: Value = serde_json::from_str(&scopes).unwrap();
    let scopes = scopes.as_array().unwrap();
    let write = scopes.iter().find(|one| one["scope"] == "contacts.write");
    let who = write.unwrap()["needed_by"].to_string();
    assert!(
        who.contains("workflow new-contact, step tag (add-tags)"),
        "{who}"
    );
    assert!(
        !scopes
            .iter()
            .any(|one| one["scope"] == "opportunities.write")
    );
}
