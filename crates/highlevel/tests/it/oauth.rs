//! Tokens that renew themselves.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use canopy_highlevel::oauth::{OAuthApp, OAuthTokens, StoreFailure, TokenStore, Tokens};
use canopy_highlevel::{Client, Clock, RetryPolicy, TokenError, TokenSource};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::sync::Semaphore;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::builder;

/// A clock that stands until it is moved.
#[derive(Debug)]
struct Hands(Mutex<Timestamp>);

impl Hands {
    fn forward(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now += by;
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Keeps pairs in memory; can be told to fail, or to wait.
#[derive(Debug)]
struct Memory {
    kept: Mutex<Vec<(String, String)>>,
    fails: AtomicBool,
    gate: Semaphore,
    asked: Semaphore,
}

#[async_trait]
impl TokenStore for Memory {
    async fn save(&self, tokens: &Tokens) -> Result<(), StoreFailure> {
        self.asked.add_permits(1);
        self.gate.acquire().await?.forget();
        if self.fails.load(Ordering::SeqCst) {
            return Err("the disk is full".into());
        }
        let refresh = tokens.refresh().unwrap().expose_secret().to_owned();
        self.kept
            .lock()
            .unwrap()
            .push((tokens.access().expose_secret().to_owned(), refresh));
        Ok(())
    }
}

struct World {
    server: MockServer,
    source: OAuthTokens,
    clock: Arc<Hands>,
    store: Arc<Memory>,
}

const FREELY: usize = 1_000;

impl World {
    /// A pair `access-0`, `refresh-0` that lives for a day; the service gives `access-1`, `refresh-1` and so on.
    async fn start() -> Self {
        let server = MockServer::start().await;
        let clock = Arc::new(Hands(Mutex::new("2026-11-23T12:00:00Z".parse().unwrap())));
        let store = Arc::new(Memory {
            kept: Mutex::default(),
            fails: AtomicBool::new(false),
            gate: Semaphore::new(FREELY),
            asked: Semaphore::new(0),
        });
        let app = OAuthApp::new("client-1", "app-secret").base_url(server.uri());
        let ends = clock.now() + Duration::from_hours(24);
        let tokens = Tokens::new("access-0".into(), Some("refresh-0".into()), ends);
        let quick = RetryPolicy {
            first_delay: Duration::from_millis(1),
            max_delay: Duration::from_millis(1),
            ..RetryPolicy::default()
        };
        let source = OAuthTokens::builder(app, tokens, Arc::clone(&store) as Arc<dyn TokenStore>)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .retry(quick)
            .build()
            .unwrap();
        Self {
            server,
            source,
            clock,
            store,
        }
    }

    async fn renews(&self) {
        let count = AtomicUsize::new(0);
        let respond = move |request: &Request| {
            let n = count.fetch_add(1, Ordering::SeqCst) + 1;
            let form = String::from_utf8(request.body.clone()).unwrap();
            assert!(
                form.contains(&format!("refresh_token=refresh-{}&", n - 1)),
                "{form}"
            );
            ResponseTemplate::new(200).set_body_json(pair(n))
        };
        self.answers(respond).await;
    }

    async fn answers(&self, respond: impl wiremock::Respond + 'static) {
        Mock::given(method("POST"))
            .and(path("/oauth/token"))
            .respond_with(respond)
            .mount(&self.server)
            .await;
    }

    async fn token(&self) -> Result<String, TokenError> {
        self.source
            .token()
            .await
            .map(|token| token.expose_secret().to_owned())
    }

    async fn renewals(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.unwrap();
        let renewals = requests
            .into_iter()
            .filter(|request| request.url.path() == "/oauth/token");
        renewals
            .map(|request| String::from_utf8(request.body).unwrap())
            .collect()
    }

    fn kept(&self) -> Vec<(String, String)> {
        self.store.kept.lock().unwrap().clone()
    }
}

fn pair(n: usize) -> serde_json::Value {
    json!({"access_token": format!("access-{n}"), "refresh_token": format!("refresh-{n}"), "expires_in": "86399", "locationId": "loc-1"})
}

fn kept(n: usize) -> (String, String) {
    (format!("access-{n}"), format!("refresh-{n}"))
}

#[tokio::test]
async fn either_spelling_of_an_answer_is_read_and_the_request_says_its_version() {
    let camel = json!({"accessToken": "access-1", "refreshToken": "refresh-1", "expiresIn": 86399, "tokenType": "Bearer", "locationId": "loc-1"});
    let mut both = pair(1);
    both.as_object_mut()
        .unwrap()
        .extend(camel.as_object().unwrap().clone());
    for answer in [pair(1), camel, both] {
        let world = World::start().await;
        world
            .answers(ResponseTemplate::new(200).set_body_json(&answer))
            .await;
        world.clock.forward(Duration::from_hours(24));
        assert_eq!(world.token().await.unwrap(), "access-1", "{answer}");
        assert_eq!(world.kept(), [kept(1)], "{answer}");
        // The life that the answer names, in its spelling.
        world.clock.forward(Duration::from_hours(23));
        assert_eq!(world.token().await.unwrap(), "access-1", "{answer}");
        let requests = world.server.received_requests().await.unwrap();
        assert_eq!(requests.len(), 1, "{answer}");
        assert_eq!(requests[0].headers["Version"], "2021-07-28");
        assert_eq!(
            requests[0].headers["Content-Type"],
            "application/x-www-form-urlencoded"
        );
    }
}

#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_end_and_kept() {
    let world = World::start().await;
    world.renews().await;
    world.clock.forward(Duration::from_secs(24 * 3600 - 301));
    assert_eq!(world.token().await.unwrap(), "access-0");
    assert!(world.renewals().await.is_empty());
    world.clock.forward(Duration::from_secs(1));
    assert_eq!(world.token().await.unwrap(), "access-1");
    assert_eq!(world.kept(), [kept(1)]);
    let form = &world.renewals().await[0];
    for part in [
        "grant_type=refresh_token",
        "client_id=client-1",
        "client_secret=app-secret",
    ] {
        assert!(form.contains(part), "{form}");
    }
    // The answer's life counts from now.
    world.clock.forward(Duration::from_hours(23));
    assert_eq!(world.token().await.unwrap(), "access-1");
    world.clock.forward(Duration::from_hours(1));
    assert_eq!(world.token().await.unwrap(), "access-2");
    assert_eq!(world.kept(), [kept(1), kept(2)]);
}

#[tokio::test]
async fn many_callers_share_one_renewal() {
    let world = World::start().await;
    world.renews().await;
    world.clock.forward(Duration::from_hours(24));
    let calls = (0..50).map(|_| world.token());
    for token in futures::future::join_all(calls).await {
        assert_eq!(token.unwrap(), "access-1");
    }
    assert_eq!((world.renewals().await.len(), world.kept().len()), (1, 1));
}

#[tokio::test]
async fn a_pair_is_not_used_before_it_is_kept() {
    let world = World::start().await;
    world.renews().await;
    world.clock.forward(Duration::from_hours(24));
    world.store.gate.forget_permits(FREELY);
    let source = world.source.clone();
    let waiting = tokio::spawn(async move { source.token().await });
    world.store.asked.acquire().await.unwrap().forget();
    assert!(!waiting.is_finished());
    world.store.gate.add_permits(FREELY);
    assert_eq!(waiting.await.unwrap().unwrap().expose_secret(), "access-1");
}

#[tokio::test]
async fn a_renewal_outlives_the_call_that_asked_for_it() {
    let world = World::start().await;
    world.renews().await;
    world.clock.forward(Duration::from_hours(24));
    world.store.gate.forget_permits(FREELY);
    let source = world.source.clone();
    let call = tokio::spawn(async move { source.token().await });
    // The service has answered and the old pair is spent, when the caller goes away.
    world.store.asked.acquire().await.unwrap().forget();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    world.store.gate.add_permits(FREELY);
    assert_eq!(world.token().await.unwrap(), "access-1");
    assert_eq!(
        (world.renewals().await.len(), world.kept()),
        (1, vec![kept(1)])
    );
}

#[tokio::test]
async fn a_pair_that_could_not_be_kept_is_offered_again_and_not_lost() {
    let world = World::start().await;
    world.renews().await;
    world.clock.forward(Duration::from_hours(24));
    world.store.fails.store(true, Ordering::SeqCst);
    let error = world.token().await.unwrap_err();
    assert!(
        error.is_retryable() && error.to_string().contains("the disk is full"),
        "{error}"
    );
    world.store.fails.store(false, Ordering::SeqCst);
    assert_eq!(world.token().await.unwrap(), "access-1");
    assert_eq!(
        (world.renewals().await.len(), world.kept()),
        (1, vec![kept(1)])
    );
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_token() {
    let world = World::start().await;
    let count = AtomicUsize::new(0);
    let respond = move |_: &Request| match count.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => ResponseTemplate::new(502),
        _ => ResponseTemplate::new(200).set_body_json(pair(1)),
    };
    world.answers(respond).await;
    world.clock.forward(Duration::from_hours(24));
    assert_eq!(world.token().await.unwrap(), "access-1");
    let renewals = world.renewals().await;
    assert_eq!(renewals.len(), 3);
    assert!(
        renewals
            .iter()
            .all(|form| form.contains("refresh_token=refresh-0&")),
        "{renewals:?}"
    );
}

#[tokio::test]
async fn a_refused_refresh_asks_for_a_new_connection() {
    let world = World::start().await;
    let body = json!({"error": "invalid_grant", "error_description": "x", "message": "This refresh token is invalid"});
    world
        .answers(ResponseTemplate::new(400).set_body_json(body))
        .await;
    world.clock.forward(Duration::from_hours(24));
    let error = world.token().await.unwrap_err();
    assert!(matches!(error, TokenError::Reconnect { .. }) && !error.is_retryable());
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("refresh token is invalid") && !shown.contains("refresh-0"),
        "{shown}"
    );
    assert_eq!(
        world.renewals().await.len(),
        1,
        "a refusal is not tried again"
    );
    let ends = world.clock.now() + Duration::from_hours(24);
    world.source.replace(Tokens::new("anew".into(), None, ends));
    assert_eq!(world.token().await.unwrap(), "anew");
}

#[tokio::test]
async fn while_the_token_works_a_failed_renewal_is_no_matter() {
    let world = World::start().await;
    world.answers(ResponseTemplate::new(503)).await;
    world
        .clock
        .forward(Duration::from_hours(24) - Duration::from_mins(2));
    assert_eq!(world.token().await.unwrap(), "access-0");
    let tries = world.renewals().await.len();
    assert_eq!(world.token().await.unwrap(), "access-0");
    assert_eq!(world.renewals().await.len(), tries, "not at every call");
    world.clock.forward(Duration::from_mins(1));
    assert_eq!(world.token().await.unwrap(), "access-0");
    assert!(world.renewals().await.len() > tries);
    world.clock.forward(Duration::from_mins(2));
    assert!(matches!(
        world.token().await,
        Err(TokenError::Unavailable { .. })
    ));
}

async fn client_of(world: &World) -> Client {
    Mock::given(path("/contacts/c"))
        .respond_with(|request: &Request| {
            let token = request.headers["authorization"].to_str().unwrap();
            if token == "Bearer access-0" {
                ResponseTemplate::new(401).set_body_json(json!({"message": "Invalid JWT"}))
            } else if token == "Bearer access-1" {
                ResponseTemplate::new(200).set_body_json(json!({"contact": {"id": "c"}}))
            } else {
                panic!("{token}")
            }
        })
        .mount(&world.server)
        .await;
    builder(&world.server.uri())
        .token_source(Arc::new(world.source.clone()))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_token_that_the_service_refuses_is_renewed_once_for_all_calls() {
    let world = World::start().await;
    world.renews().await;
    let client = client_of(&world).await;
    let args = json!({"contactId": "c"});
    let calls = (0..10).map(|_| client.invoke("get-contact", &args));
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer.unwrap()["contact"]["id"], "c");
    }
    assert_eq!(world.renewals().await.len(), 1);
}

#[tokio::test]
async fn a_401_for_another_reason_does_not_spend_refresh_tokens() {
    let world = World::start().await;
    world.renews().await;
    let body = json!({"message": "The token is not authorized for this scope."});
    Mock::given(path("/contacts/c"))
        .respond_with(ResponseTemplate::new(401).set_body_json(body))
        .mount(&world.server)
        .await;
    let client = builder(&world.server.uri())
        .token_source(Arc::new(world.source.clone()))
        .build()
        .unwrap();
    for _ in 0..5 {
        let error = client
            .invoke("get-contact", &json!({"contactId": "c"}))
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(401));
    }
    assert_eq!(world.renewals().await.len(), 1);
}

#[tokio::test]
async fn a_renewal_of_the_tokens_before_does_not_overwrite_those_after() {
    let world = World::start().await;
    world.renews().await;
    world.clock.forward(Duration::from_hours(24));
    world.store.gate.forget_permits(FREELY);
    let source = world.source.clone();
    let waiting = tokio::spawn(async move { source.token().await });
    world.store.asked.acquire().await.unwrap().forget();
    let ends = world.clock.now() + Duration::from_hours(24);
    world.source.replace(Tokens::new("anew".into(), None, ends));
    world.store.gate.add_permits(FREELY);
    // Who waited gets them, too.
    assert_eq!(waiting.await.unwrap().unwrap().expose_secret(), "anew");
    assert_eq!(world.token().await.unwrap(), "anew");
}

#[tokio::test]
async fn a_code_becomes_tokens() {
    let world = World::start().await;
    world
        .answers(ResponseTemplate::new(200).set_body_json(pair(7)))
        .await;
    let app = OAuthApp::new("client-1", "app-secret")
        .base_url(world.server.uri())
        .redirect_uri("https://a.example/back");
    let url = app
        .authorize_url(&["contacts.readonly", "contacts.write"], "s&t")
        .unwrap();
    let query: Vec<_> = url
        .query_pairs()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        query,
        [
            "response_type=code",
            "client_id=client-1",
            "scope=contacts.readonly contacts.write",
            "state=s&t",
            "redirect_uri=https://a.example/back"
        ]
    );
    let tokens = app.exchange("code 1").await.unwrap();
    assert_eq!(
        (tokens.access().expose_secret(), tokens.location_id()),
        ("access-7", Some("loc-1"))
    );
    assert!(world.renewals().await[0].contains("code=code+1"));
    let shown = format!("{app:?} {tokens:?} {:?}", world.source);
    for secret in ["app-secret", "access-7", "refresh-7", "access-0"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
