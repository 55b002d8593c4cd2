//! The code comes back by the redirect.

use canopy_web::{Callback as _, NotTaken, Returned};

use super::super::{Callback, comes_here, link};
use super::*;
use crate::call_log::CallSink;
use crate::config::{self, Loaded};
use crate::connect::Connector;
use crate::environment::Environment;

const BACK: &str = "https://canopy.example/oauth/callback";

/// A configuration whose app comes back at `back`.
fn loaded(rig: &Rig, code: &Value, back: &str) -> Loaded {
    let info = rig.sandbox.info();
    let text = format!(
        "[[connection]]\n[connection.highlevel]\nbase_url = \"{}\"\n[connection.highlevel.oauth]\n\
         client_id = {}\nclient_secret = {}\nredirect_uri = \"{back}\"\n\
         [connection.ecologi]\nbase_url = \"{}\"\napi_key = \"{}\"\n",
        info.highlevel_url,
        code["client_id"],
        code["client_secret"],
        info.ecologi_url,
        info.ecologi_key,
    );
    config::parse("canopy.toml", text, rig.folder.path().to_owned()).unwrap()
}

struct Visit {
    callback: Callback,
    code: String,
    state: String,
}

impl Visit {
    /// A person has followed the link and granted access.
    async fn new(rig: &Rig) -> Self {
        let code = rig.control("/oauth/authorize", json!({})).await;
        let loaded = loaded(rig, &code, BACK);
        let environment = Environment::default();
        let (calls, _) = CallSink::new();
        let connector = Connector {
            loaded: &loaded,
            environment: &environment,
            store: Some(&rig.store),
            calls: &calls,
            limiters: None,
        };
        let config = &loaded.config.connection[0];
        let oauth = config.highlevel.oauth.as_ref().unwrap();
        let app = connector.app(config, oauth).await.unwrap();
        let now = rig.clock.now();
        let link = link(&loaded, config, oauth, &app, &rig.store, now).await;
        let link = link.unwrap();
        let state = link.query_pairs().find(|(name, _)| name == "state");
        let callback = Callback::new(connector, rig.shared(), rig.time()).await;
        Self {
            callback: callback.unwrap().unwrap(),
            code: code["code"].as_str().unwrap().to_owned(),
            state: state.unwrap().1.into_owned(),
        }
    }

    async fn back(&self, state: &str) -> Result<String, NotTaken> {
        self.callback
            .take(Returned {
                state: Some(state.to_owned()),
                code: Some(self.code.clone()),
                error: None,
            })
            .await
    }
}

#[tokio::test]
async fn a_code_with_its_state_connects_once() {
    let rig = Rig::start().await;
    let visit = Visit::new(&rig).await;
    let longer = format!("{}0", visit.state);
    for wrong in ["", "another", &visit.state[1..], &longer] {
        let refused = visit.back(wrong).await;
        assert!(matches!(refused, Err(NotTaken::State)), "{wrong}");
    }
    // The browser asks twice at the same time.
    let (one, other) = tokio::join!(visit.back(&visit.state), visit.back(&visit.state));
    let (told, refused) = if one.is_ok() {
        (one, other)
    } else {
        (other, one)
    };
    let at = &rig.sandbox.info().location_id;
    assert!(told.unwrap().contains(at.as_str()));
    assert!(matches!(refused, Err(NotTaken::State)));
    assert_eq!(rig.call(&rig.kept_access().await).await, 200);
    assert_eq!(rig.asked(TOKEN).await, 1);
}

#[tokio::test]
async fn a_state_ends_after_fifteen_minutes() {
    let rig = Rig::start().await;
    let visit = Visit::new(&rig).await;
    rig.clock.advance(SignedDuration::from_mins(15));
    let refused = visit.back(&visit.state).await;
    assert!(matches!(refused, Err(NotTaken::State)));
    assert_eq!(rig.asked(TOKEN).await, 0, "the code is not even tried");
}

#[tokio::test]
async fn a_refusal_at_the_chooser_is_told_without_markup_or_control_characters() {
    let rig = Rig::start().await;
    let visit = Visit::new(&rig).await;
    let returned = Returned {
        state: Some(visit.state.clone()),
        code: None,
        error: Some("access\u{1b}_denied".to_owned()),
    };
    let refused = visit.callback.take(returned).await.unwrap_err();
    assert!(refused.to_string().contains("access_denied"), "{refused}");
}

#[tokio::test]
async fn whoever_goes_away_leaves_the_tokens_behind() {
    let rig = Rig::start().await;
    let visit = Visit::new(&rig).await;
    let slow = json!({ "kind": "delay", "delay_ms": 50, "operation": TOKEN });
    rig.control("/faults", slow).await;
    let callback = visit.callback.clone();
    let returned = Returned {
        state: Some(visit.state.clone()),
        code: Some(visit.code.clone()),
        error: None,
    };
    let browser = tokio::spawn(async move { callback.take(returned).await });
    while rig.asked(TOKEN).await == 0 {
        tokio::task::yield_now().await;
    }
    browser.abort();
    assert!(browser.await.unwrap_err().is_cancelled());
    while super::super::kept::read(&rig.store, CONNECTION)
        .await
        .unwrap()
        .is_none()
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.call(&rig.kept_access().await).await, 200);
}

#[tokio::test]
async fn only_an_address_of_ours_is_taken_for_ours() {
    let rig = Rig::start().await;
    let code = rig.control("/oauth/authorize", json!({})).await;
    for (back, here) in [
        (BACK, true),
        ("https://canopy.example/at/oauth/callback", true),
        ("https://canopy.example/back", false),
    ] {
        let loaded = loaded(&rig, &code, back);
        let oauth = loaded.config.connection[0].highlevel.oauth.as_ref();
        assert_eq!(comes_here(&loaded.config, oauth.unwrap()), here, "{back}");
        let mut config = loaded.config.clone();
        config.webhooks.enabled = false;
        assert!(!comes_here(&config, oauth.unwrap()), "nothing listens");
    }
}
