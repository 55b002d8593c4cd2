//! An app's tokens in the real program: killed where a pair can be lost, and connected by the redirect.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::auth::{authorize, state_of, with_app};
use crate::support::{World, text};

const TOKEN: &str = "get-access-token";
/// The page of the chooser, as an alert names it.
const CHOOSER: &str = "https://marketplace.gohighlevel.com/v2/oauth/chooselocation";

/// A world that is connected by an app; its access token has ended at the service, whose clock stands.
async fn connected() -> World {
    let world = World::new().await;
    let code = authorize(&world, "Location").await;
    world.write_config(&with_app(&world, &code, ""));
    let code = code["code"].as_str().unwrap();
    world.succeed(&["auth", "finish", code]).await;
    let day = json!({ "advance_seconds": 24 * 3600, "frozen": true });
    world.control("/clock", day).await;
    world
}

/// Kills the program when the service has spent its refresh token and it has not heard of the new pair.
async fn kill_in_renewal(world: &World, arguments: &[&str]) {
    world.kill_at_request(arguments, TOKEN, 0).await;
}

/// Nothing fails. That the service's clock is a day ahead may be told.
async fn round(world: &World) {
    let round = world.output(&["run", "--once"]).await;
    let told = text(&round.stderr);
    assert!(matches!(round.status.code(), Some(0 | 3)), "{told}");
    let status = world.output(&["status", "--json"]).await;
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    for reason in status["health"]["reasons"].as_array().unwrap() {
        assert_eq!(reason["kind"], "clock_off", "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_renewal_and_save_it_gets_the_same_pair_again() {
    let world = connected().await;
    kill_in_renewal(&world, &["call", "get-custom-fields"]).await;
    let before = world.asked(TOKEN).await;
    world
        .control("/clock", json!({ "advance_seconds": 29 }))
        .await;
    world.succeed(&["call", "get-custom-fields"]).await;
    assert_eq!(world.asked(TOKEN).await, before + 1);
    assert_eq!(world.asked("reconnect").await, 0);
    // What came is kept: the next process asks for nothing.
    world.succeed(&["call", "get-custom-fields"]).await;
    assert_eq!(world.asked(TOKEN).await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_too_late_it_connects_by_itself() {
    let world = connected().await;
    kill_in_renewal(&world, &["run", "--once"]).await;
    world
        .control("/clock", json!({ "advance_seconds": 31 }))
        .await;
    round(&world).await;
    assert_eq!(world.asked("reconnect").await, 1);
    let contacts = world.seed(2).await;
    round(&world).await;
    world.assert_served_once(&contacts).await;
    assert_eq!(world.asked("reconnect").await, 1, "the new pair is kept");
}

/// A world whose tokens are lost: killed in their renewal, and started when nothing can recover them any more.
pub async fn lost() -> World {
    let world = connected().await;
    kill_in_renewal(&world, &["run", "--once"]).await;
    world
        .control("/clock", json!({ "advance_seconds": 31 }))
        .await;
    let refusal = json!({ "kind": "status", "status": 401, "operation": "reconnect" });
    world.control("/faults", refusal).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recovered_is_told_with_the_link() {
    let world = lost().await;
    let refused = world.output(&["run", "--once"]).await;
    assert_eq!(refused.status.code(), Some(2));
    let told = text(&refused.stderr);
    assert!(
        told.contains(CHOOSER) && told.contains("canopy auth url"),
        "{told}"
    );
    let alerts = world.output(&["alerts", "--json"]).await;
    assert_eq!(alerts.status.code(), Some(3), "{}", text(&alerts.stderr));
    let alerts: Vec<Value> = serde_json::from_slice(&alerts.stdout).unwrap();
    let alert = alerts
        .iter()
        .find(|one| one["kind"] == "reconnect")
        .unwrap();
    assert!(
        alert["message"].as_str().unwrap().contains(CHOOSER),
        "{alert}"
    );

    // A person follows it.
    let code = authorize(&world, "Location").await;
    world
        .succeed(&["auth", "finish", code["code"].as_str().unwrap()])
        .await;
    let alerts = world.succeed(&["alerts", "--json"]).await;
    assert!(!alerts.contains("reconnect"), "{alerts}");
    round(&world).await;
}

/// The configuration of an app that comes back to this program.
async fn comes_here(world: &World) -> Value {
    let code = authorize(world, "Location").await;
    let config = with_app(world, &code, "").replace("/back\"", "/oauth/callback\"");
    world.write_config(&config);
    code
}

async fn link(world: &World) -> String {
    let output = world.output(&["auth", "url"]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = text(&output.stderr);
    assert!(told.contains("takes the code by itself"), "{told}");
    state_of(text(&output.stdout).trim())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_program_takes_the_code_of_the_redirect() {
    let world = World::new().await;
    let code = comes_here(&world).await;
    let code = code["code"].as_str().unwrap();
    // Not connected yet: it waits, and says what for.
    let mut child = world
        .canopy(&["run"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut address = async |start: &str| loop {
        let line = lines.next_line().await.unwrap();
        let line = line.unwrap_or_else(|| panic!("it ended before \"{start}\""));
        if let Some(address) = line.strip_prefix(start) {
            break address.trim().to_owned();
        }
    };
    // Its port is open from the beginning.
    let told = address("webhooks:").await;
    let callback = address("waiting for:").await;
    let origin = callback.strip_suffix("/oauth/callback").unwrap().to_owned();
    let state = link(&world).await;
    for wrong in [
        format!("?code={code}"),
        format!("?code={code}&state=another"),
        format!("?code={code}&state={state}&state={state}"),
        String::new(),
    ] {
        let refused = world.get(&format!("{callback}{wrong}")).await;
        assert_eq!(refused.status().as_u16(), 400, "{wrong}");
        assert!(!refused.text().await.unwrap().contains(code));
    }
    let webhooks = format!("{origin}/webhooks/highlevel");
    let early = world.post(&webhooks, &[], b"{}".to_vec()).await;
    assert_eq!(early, 429, "it is to come again");
    let back = format!("{callback}?code={code}&state={state}");
    let page = world.get(&back).await;
    assert_eq!(page.status().as_u16(), 200);
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    let page = page.text().await.unwrap();
    assert!(page.contains(&world.info().location_id), "{page}");
    assert!(!page.contains(code) && !page.contains(&state), "{page}");

    // It goes on at the same address.
    let status_page = address("status page:").await;
    assert_eq!(told, webhooks);
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    assert_eq!(world.get(&back).await.status().as_u16(), 400, "used up");
    let running = crate::support::Running {
        child,
        page: status_page,
        webhooks,
    };
    let target = json!({ "url": running.webhooks });
    world.control("/webhook-target", target).await;
    let mut contacts = world.seed(1).await;
    running.until_idle(&world, 1).await;

    // Installed anew while it runs: it goes on with what came last.
    let kept = async || {
        let status = world.succeed(&["auth", "status", "--json"]).await;
        let status: Value = serde_json::from_str(&status).unwrap();
        status[0]["expires_at"].as_str().unwrap().to_owned()
    };
    let first = kept().await;
    let code = authorize(&world, "Location").await;
    let code = code["code"].as_str().unwrap();
    let state = link(&world).await;
    let back = format!("{callback}?code={code}&state={state}");
    assert_eq!(world.get(&back).await.status().as_u16(), 200);
    assert_ne!(kept().await, first);
    contacts.extend(world.seed(1).await);
    running.until_idle(&world, 2).await;
    running.stop().await;
    world.assert_served_once(&contacts).await;
    assert_eq!(world.asked("reconnect").await, 0);
}
