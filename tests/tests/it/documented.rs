//! Every documented webhook over HTTP, signed, at the address of its event and at the common one.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canopy_store::Store as _;
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::Value;

use crate::support::World;

/// The location of the samples.
const LOCATION: &str = "locElmbrook";

#[tokio::test(flavor = "multi_thread")]
async fn all_documented_events_are_taken_over_http() {
    let world = World::new().await;
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = STANDARD.encode(key.verifying_key().to_public_key_der().unwrap());
    let info = world.info();
    let config = world.config().replace(&info.webhook_public_key, &public);
    // The samples are of the year's beginning.
    let config = config.replace("public_keys", "window = \"3650d\"\npublic_keys");
    world.write_config(&config);
    let running = world.start().await;
    let text = include_str!("../../../crates/highlevel/tests/fixtures/webhooks.json");
    let fixtures: Vec<Value> =
        serde_json::from_str(&text.replace(LOCATION, &info.location_id)).unwrap();
    let events: BTreeSet<_> = fixtures
        .iter()
        .map(|one| one["event"].to_string())
        .collect();
    assert_eq!(events.len(), 77);
    for fixture in &fixtures {
        let event = fixture["event"].as_str().unwrap();
        let body = fixture["payload"].to_string();
        let signature = STANDARD.encode(key.sign(body.as_bytes()).to_bytes());
        for address in [
            running.webhooks.clone(),
            format!("{}/{event}", running.webhooks),
        ] {
            let headers = [
                ("X-GHL-Signature", &*signature),
                ("Content-Type", "application/json"),
            ];
            let status = world
                .post(&address, &headers, body.clone().into_bytes())
                .await;
            assert_eq!(status, 200, "{address}: {body}");
        }
    }
    let told = running.status(&world).await;
    let deliveries = &told["deliveries"];
    for nothing in ["refused", "malformed", "put_off", "foreign", "too_old"] {
        assert!(
            deliveries[nothing].as_u64().unwrap_or(0) == 0,
            "{nothing}: {deliveries}"
        );
    }
    let rows = world.store().await.recent_events(1000).await.unwrap();
    let kinds: BTreeSet<_> = rows.iter().map(|row| row.event.kind.as_str()).collect();
    for fixture in &fixtures {
        let kind = fixture["kind"].as_str().unwrap();
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
    let addresses = told["webhooks"].as_array().unwrap();
    assert_eq!(addresses.len(), 78, "each address has figures of its own");
    for address in addresses {
        assert_eq!(address["percent"], 100.0, "{address}");
    }
    running.kill().await;
}
