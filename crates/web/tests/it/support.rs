//! A store, a receiver and the routes before them.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canopy_engine::{Dispatch, Engine, Options};
use canopy_store::clock::ManualClock;
use canopy_store::{SecretKey, SqliteStore, Store};
use canopy_triggers::{Receiver, Verifier, WorkflowHook};
use canopy_web::{App, page_router, webhook_router};
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub const LOCATION: &str = "locElmbrook";
pub const SECRET: &str = "open sesame";
/// Name of the header that carries the secret.
pub const HEADER: &str = "X-Canopy-Secret";

/// Remembers which doorbells rang.
#[derive(Debug, Default)]
struct Bells(Mutex<Vec<String>>);

impl Dispatch for Bells {
    fn ring(&self, location: &str) {
        self.0.lock().unwrap().push(location.to_owned());
    }
}

pub struct World {
    pub store: SqliteStore,
    app: App,
    bells: Arc<Bells>,
    key: SigningKey,
    _folder: TempDir,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canopy.db");
        let store = SqliteStore::open(&path, &SecretKey::generate())
            .await
            .unwrap();
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let clock = Arc::new(ManualClock::new("2026-11-23T12:00:00Z".parse().unwrap()));
        let key = SigningKey::from_bytes(&[5; 32]);
        let spki = STANDARD.encode(key.verifying_key().to_public_key_der().unwrap());
        let verifier = Verifier::with_keys([spki.as_str()]).unwrap();
        let hook = WorkflowHook {
            name: "won".to_owned(),
            location: LOCATION.to_owned(),
            header: HEADER.to_owned(),
            secret: SECRET.to_owned().into(),
            dedupe: None,
        };
        let places = [LOCATION.to_owned()];
        let receiver = Receiver::new(shared.clone(), clock.clone(), verifier, places);
        let bells = Arc::new(Bells::default());
        let engine = Engine::new(shared.clone(), clock, [], "test", Options::default());
        Self {
            app: App {
                store: shared,
                engine: Arc::new(engine),
                receiver: Arc::new(receiver.with_hooks([hook])),
                dispatch: bells.clone(),
                callback: None,
                title: "test".to_owned(),
            },
            store,
            bells,
            key,
            _folder: folder,
        }
    }

    /// The signature of these bytes, as the header has it.
    pub fn sign(&self, body: &[u8]) -> String {
        STANDARD.encode(self.key.sign(body).to_bytes())
    }

    /// Status and text of the answer to a request from the internet.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let request = request.body(body.into()).unwrap();
        let router = webhook_router(self.app.clone());
        read(router.oneshot(request).await.unwrap()).await
    }

    /// The same for a request to the operator's page.
    pub async fn open(&self, path: &str, host: &str) -> (StatusCode, String) {
        let request = Request::builder().uri(path).header("host", host);
        let request = request.body(Body::empty()).unwrap();
        let router = page_router(self.app.clone());
        read(router.oneshot(request).await.unwrap()).await
    }

    /// The doorbells that rang since this was last asked.
    pub fn rung(&self) -> Vec<String> {
        std::mem::take(&mut *self.bells.0.lock().unwrap())
    }

    /// Kinds in the inbox, oldest first.
    pub async fn kinds(&self) -> Vec<String> {
        let rows = self.store.recent_events(100).await.unwrap();
        rows.into_iter().rev().map(|row| row.event.kind).collect()
    }

    pub async fn health(&self) -> Vec<canopy_triggers::AddressHealth> {
        self.app.receiver.health().await.unwrap()
    }

    pub fn deliveries(&self) -> canopy_triggers::Deliveries {
        self.app.receiver.deliveries()
    }
}

/// A body that breaks off.
pub fn broken() -> Body {
    let pieces = [Ok("the "), Err(std::io::Error::other("reset"))];
    Body::from_stream(futures::stream::iter(pieces))
}

async fn read(answer: axum::response::Response) -> (StatusCode, String) {
    let status = answer.status();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
    (status, String::from_utf8(bytes.unwrap().to_vec()).unwrap())
}
