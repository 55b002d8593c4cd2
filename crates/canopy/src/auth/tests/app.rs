//! An app's tokens.

use futures::future::join_all;
use sqlx::{Connection as _, SqliteConnection};

use super::*;

/// Nobody else can write to the store while this lives.
struct Locked(SqliteConnection);

impl Locked {
    async fn new(rig: &Rig) -> Self {
        let url = format!("sqlite://{}", rig.database().display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .unwrap();
        Self(connection)
    }

    async fn release(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.0).await.unwrap();
    }
}

/// Waits until the service has been asked for tokens `times` times.
async fn until_asked(rig: &Rig, times: usize) {
    while rig.asked(TOKEN).await < times {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_end() {
    let rig = Rig::start().await;
    let (_, source, first) = rig.installed().await;
    let first = first.access().expose_secret().to_owned();
    rig.advance(SignedDuration::from_secs(86_399 - 301)).await;
    assert_eq!(token_of(&source).await.unwrap(), first);
    assert_eq!(rig.asked(TOKEN).await, 1, "only the code was exchanged");
    rig.advance(SignedDuration::from_secs(2)).await;
    let second = token_of(&source).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(rig.kept_access().await, second);
    assert_eq!((rig.call(&second).await, rig.asked(TOKEN).await), (200, 2));
    let kept = rig.kept().await;
    assert!(kept.connected_at < kept.renewed_at);
}

#[tokio::test]
async fn fifty_calls_refused_at_once_renew_once() {
    let rig = Rig::start().await;
    let (_, source, first) = rig.installed().await;
    let client = rig.client(source);
    // The token is good for a day yet, and the service takes it no more.
    rig.revoke(first.access().expose_secret()).await;
    join_all((0..50).map(|_| rig.read(&client))).await;
    assert_eq!(rig.asked(TOKEN).await, 2, "the code, and one renewal");
    let kept = rig.kept_access().await;
    assert_ne!(kept, first.access().expose_secret());
    assert_eq!(rig.call(&kept).await, 200);
}

#[tokio::test]
async fn a_pair_is_durable_before_anybody_uses_it() {
    let rig = Rig::start().await;
    let (_, source, first) = rig.installed().await;
    rig.advance(SignedDuration::from_hours(24)).await;
    let locked = Locked::new(&rig).await;
    let caller = tokio::spawn(async move { token_of(&source).await });
    until_asked(&rig, 2).await;
    assert!(!caller.is_finished(), "it cannot be kept yet");
    assert_eq!(rig.kept_access().await, first.access().expose_secret());
    locked.release().await;
    let token = caller.await.unwrap().unwrap();
    assert_eq!(token, rig.kept_access().await);
}

#[tokio::test]
async fn a_caller_that_goes_away_loses_no_pair() {
    let rig = Rig::start().await;
    let (_, source, first) = rig.installed().await;
    rig.advance(SignedDuration::from_hours(24)).await;
    let locked = Locked::new(&rig).await;
    let of_caller = source.clone();
    let caller = tokio::spawn(async move { token_of(&of_caller).await });
    until_asked(&rig, 2).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    locked.release().await;
    let token = token_of(&source).await.unwrap();
    assert_ne!(token, first.access().expose_secret());
    assert_eq!(token, rig.kept_access().await);
    assert_eq!(rig.asked(TOKEN).await, 2, "the code, and one renewal");
}

#[tokio::test]
async fn a_pair_that_was_not_kept_comes_again_within_thirty_seconds() {
    let rig = Rig::start().await;
    let (app, _, first) = rig.installed().await;
    rig.advance(SignedDuration::from_hours(24)).await;
    // A process that renewed and ended before it could keep the pair.
    let lost = rig.spend(&app, &first).await;
    rig.advance(SignedDuration::from_secs(29)).await;
    let source = rig.process(&app, rig.kept().await);
    assert_eq!(token_of(&source).await.unwrap(), lost);
    assert_eq!(rig.kept_access().await, lost);
    assert_eq!(rig.asked("reconnect").await, 0);
}

#[tokio::test]
async fn a_pair_that_is_lost_for_good_is_recovered_by_the_app() {
    let rig = Rig::start().await;
    let (app, _, first) = rig.installed().await;
    rig.advance(SignedDuration::from_hours(24)).await;
    rig.spend(&app, &first).await;
    rig.advance(SignedDuration::from_secs(31)).await;
    let source = rig.process(&app, rig.kept().await);
    let calls = join_all((0..20).map(|_| token_of(&source))).await;
    let kept = rig.kept_access().await;
    for token in calls {
        assert_eq!(token.unwrap(), kept);
    }
    assert_eq!(rig.call(&kept).await, 200);
    assert_eq!(rig.asked("reconnect").await, 1, "for all callers");
    assert_eq!(rig.alerts().await, []);
}

#[tokio::test]
async fn what_cannot_be_recovered_is_told_with_the_link_until_it_is_mended() {
    let rig = Rig::start().await;
    let (app, _, first) = rig.installed().await;
    rig.advance(SignedDuration::from_hours(24)).await;
    rig.spend(&app, &first).await;
    rig.advance(SignedDuration::from_secs(31)).await;
    let refusal = json!({ "kind": "status", "status": 401, "operation": "reconnect" });
    rig.control("/faults", refusal).await;
    let source = rig.process(&app, rig.kept().await);
    for _ in 0..3 {
        let error = token_of(&source).await.unwrap_err();
        assert!(matches!(error, TokenError::Reconnect { .. }), "{error}");
        assert!(error.to_string().contains(CHOOSER), "{error}");
    }
    assert_eq!(rig.asked("reconnect").await, 1, "it is not hammered");
    let alerts = rig.alerts().await;
    let [alert] = alerts.as_slice() else {
        panic!("{alerts:?}");
    };
    let at = rig.sandbox.info().location_id.as_str();
    assert_eq!(
        (&*alert.kind, &*alert.location),
        (super::super::RECONNECT, at)
    );
    assert!(alert.message.contains(CHOOSER), "{}", alert.message);
    for secret in [first.access(), first.refresh().unwrap()] {
        assert!(!alert.message.contains(secret.expose_secret()));
    }

    // A person installs the app again, in another process.
    let (_, anew) = rig.install("Location").await;
    let other = Keeper::new(rig.shared(), CONNECTION, rig.kept().await, None, rig.time());
    other.connected(&anew).await.unwrap();
    assert_eq!(
        token_of(&source).await.unwrap(),
        anew.access().expose_secret()
    );
    assert_eq!(rig.alerts().await, []);
}

#[tokio::test]
async fn a_service_that_is_down_is_no_reason_to_call_a_person() {
    let rig = Rig::start().await;
    let (app, _, first) = rig.installed().await;
    rig.advance(SignedDuration::from_hours(24)).await;
    rig.spend(&app, &first).await;
    rig.advance(SignedDuration::from_secs(31)).await;
    let down = json!({ "kind": "status", "status": 503, "operation": "reconnect" });
    rig.control("/faults", down).await;
    let source = rig.process(&app, rig.kept().await);
    let error = token_of(&source).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(rig.alerts().await, []);
}

impl Rig {
    /// What a process does that renews and is killed before it keeps the pair; the access token that is lost.
    async fn spend(&self, app: &OAuthApp, tokens: &Tokens) -> String {
        let Self { clock, .. } = self;
        let forgetful = Arc::new(Forgetful);
        let source =
            canopy_highlevel::oauth::OAuthTokens::builder(app.clone(), tokens.clone(), forgetful)
                .clock(Arc::new(Time(clock.clone())))
                .build()
                .unwrap();
        token_of(&source).await.unwrap()
    }
}

#[derive(Debug)]
struct Forgetful;

#[async_trait::async_trait]
impl canopy_highlevel::oauth::TokenStore for Forgetful {
    async fn save(&self, _: &Tokens) -> Result<(), canopy_highlevel::oauth::StoreFailure> {
        Ok(())
    }
}
