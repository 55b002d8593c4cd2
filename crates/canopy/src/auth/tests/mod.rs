//! The token sources against the sandbox, which rotates and revokes as the service does. Both clocks stand still until
//! they are moved together.

mod app;
mod callback;
mod kinds;

use std::path::PathBuf;
use std::sync::Arc;

use canopy_highlevel::oauth::{OAuthApp, Tokens};
use canopy_sandbox::Sandbox;
use canopy_store::clock::{Clock as _, ManualClock};
use canopy_store::{Alert, SecretKey, SqliteStore, Store};
use canopy_transport::{TokenError, TokenSource};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::source::AppTokens;
use super::{Keeper, Kept, Time};

const CONNECTION: &str = "main";
const CHOOSER: &str = "https://marketplace.example/choose";
const TOKEN: &str = "get-access-token";

struct Rig {
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    store: SqliteStore,
    folder: TempDir,
    http: reqwest::Client,
}

impl Rig {
    async fn start() -> Self {
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let now = "2026-11-20T08:00:00Z".parse().unwrap();
        let sandbox = Sandbox::builder().limits(false).start_at(now);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canopy.db");
        let store = SqliteStore::open(&path, &SecretKey::generate()).await;
        let rig = Self {
            sandbox: sandbox.start().await.unwrap(),
            clock: Arc::new(ManualClock::new(now)),
            store: store.unwrap(),
            folder,
            http: reqwest::Client::new(),
        };
        let stand = json!({ "set": now.checked_add(SignedDuration::from_secs(10)).unwrap(), "frozen": true });
        rig.control("/clock", stand).await;
        rig.clock.advance(SignedDuration::from_secs(10));
        rig
    }

    fn time(&self) -> Time {
        Time(self.clock.clone())
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("canopy.db")
    }

    fn shared(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    async fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
        self.control("/clock", json!({ "advance_seconds": by.as_secs() }))
            .await;
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.sandbox.info().control_url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn revoke(&self, token: &str) {
        let url = format!("{}/tokens/{token}", self.sandbox.info().control_url);
        let answer = self.http.delete(url).send().await.unwrap();
        answer.error_for_status().unwrap();
    }

    /// How often an operation was asked for.
    async fn asked(&self, operation: &str) -> usize {
        let url = format!("{}/requests", self.sandbox.info().control_url);
        let requests: Vec<Value> = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let asked = requests.iter().filter(|one| one["operation"] == operation);
        asked.count()
    }

    /// The app, and the tokens of an installation.
    async fn install(&self, kind: &str) -> (OAuthApp, Tokens) {
        let code = self
            .control("/oauth/authorize", json!({ "user_type": kind }))
            .await;
        let text = |name: &str| code[name].as_str().unwrap().to_owned();
        let app = OAuthApp::new(text("client_id"), text("client_secret"))
            .redirect_uri("https://canopy.example/oauth/callback")
            .base_url(&self.sandbox.info().highlevel_url)
            .clock(Arc::new(self.time()));
        let tokens = app.exchange(&text("code")).await.unwrap();
        (app, tokens)
    }

    /// A process that begins with the tokens that are kept.
    fn process(&self, app: &OAuthApp, kept: Kept) -> AppTokens {
        let keeper = Keeper::new(self.shared(), CONNECTION, kept, None, self.time());
        AppTokens::new(app.clone(), keeper, CHOOSER.to_owned()).unwrap()
    }

    /// A location's tokens, kept, and a process on them.
    async fn installed(&self) -> (OAuthApp, AppTokens, Tokens) {
        let (app, tokens) = self.install("Location").await;
        let kept = self.keep(&tokens).await;
        let source = self.process(&app, kept);
        (app, source, tokens)
    }

    async fn keep(&self, tokens: &Tokens) -> Kept {
        let now = self.clock.now();
        let kept = Kept {
            tokens: tokens.clone(),
            connected_at: now,
            renewed_at: now,
        };
        super::kept::write(&self.store, CONNECTION, &kept)
            .await
            .unwrap();
        kept
    }

    async fn kept(&self) -> Kept {
        let kept = super::kept::read(&self.store, CONNECTION).await.unwrap();
        kept.unwrap()
    }

    async fn kept_access(&self) -> String {
        self.kept().await.tokens.access().expose_secret().to_owned()
    }

    /// The status of a call to the service by this token.
    async fn call(&self, token: &str) -> u16 {
        let info = self.sandbox.info();
        let url = format!(
            "{}/locations/{}/customFields",
            info.highlevel_url, info.location_id
        );
        let request = self.http.get(url).bearer_auth(token);
        let answer = request.header("Version", "2021-07-28").send().await;
        answer.unwrap().status().as_u16()
    }

    fn client(&self, source: impl TokenSource + 'static) -> canopy_highlevel::Client {
        let info = self.sandbox.info();
        canopy_highlevel::Client::builder()
            .base_url(&info.highlevel_url)
            .token_source(Arc::new(source))
            .location(&*info.location_id)
            .build()
            .unwrap()
    }

    /// A call of the client that needs nothing but the location.
    async fn read(&self, client: &canopy_highlevel::Client) {
        let at = &self.sandbox.info().location_id;
        let arguments = json!({ "locationId": at, "model": "contact" });
        let answer = client.invoke("get-custom-fields", &arguments).await;
        answer.unwrap();
    }

    async fn alerts(&self) -> Vec<Alert> {
        self.store.alerts(true, 10).await.unwrap()
    }
}

async fn token_of(source: &dyn TokenSource) -> Result<String, TokenError> {
    let token = source.token().await?;
    Ok(token.expose_secret().to_owned())
}
