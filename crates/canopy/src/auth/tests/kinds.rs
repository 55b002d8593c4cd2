//! An agency's tokens, and private integration tokens.

use futures::future::join_all;

use super::super::age::{TOKEN_AGE, remind};
use super::super::agency::LocationTokens;
use super::super::private::PrivateTokens;
use super::*;

const LOCATION_TOKEN: &str = "get-location-access-token";

#[tokio::test]
async fn an_agencys_app_gets_one_token_for_all_calls_of_a_location() {
    let rig = Rig::start().await;
    let (app, tokens) = rig.install("Company").await;
    assert!(tokens.is_agency());
    let kept = rig.keep(&tokens).await;
    let info = rig.sandbox.info();
    let agency = Arc::new(rig.process(&app, kept));
    let company = tokens.company_id().unwrap().to_owned();
    let location = info.location_id.clone();
    let source =
        LocationTokens::new(&info.highlevel_url, agency, company, location, rig.time()).unwrap();
    let first = token_of(&source).await.unwrap();
    assert_eq!(rig.call(tokens.access().expose_secret()).await, 401);
    assert_eq!(rig.call(&first).await, 200);
    for token in join_all((0..20).map(|_| token_of(&source))).await {
        assert_eq!(token.unwrap(), first);
    }
    assert_eq!(rig.asked(LOCATION_TOKEN).await, 1);

    // Revoked: asked for again once, for all that were refused.
    rig.advance(SignedDuration::from_mins(2)).await;
    rig.revoke(&first).await;
    let stale = first.clone().into();
    let refused = join_all((0..20).map(|_| source.rejected(&stale))).await;
    let second = token_of(&source).await.unwrap();
    for token in refused {
        assert_eq!(token.unwrap().unwrap().expose_secret(), second);
    }
    assert_eq!(
        (rig.call(&second).await, rig.asked(LOCATION_TOKEN).await),
        (200, 2)
    );

    // A day later both have ended: the agency's is renewed and kept, the location's comes by it.
    rig.advance(SignedDuration::from_hours(24)).await;
    let third = token_of(&source).await.unwrap();
    assert_eq!(rig.call(&third).await, 200);
    assert_ne!(rig.kept_access().await, tokens.access().expose_secret());
    assert_eq!(rig.asked(TOKEN).await, 2, "the code, and one renewal");
}

#[tokio::test]
async fn a_private_token_is_rotated_without_a_stop() {
    let rig = Rig::start().await;
    let old = rig.sandbox.info().token.clone();
    let rotate = format!("/tokens/{old}/rotate");
    let rotated = rig.control(&rotate, json!({})).await;
    let next = rotated["token"].as_str().unwrap().to_owned();
    let both = || vec![old.clone().into(), next.clone().into()];
    let load = || PrivateTokens::load(both(), CONNECTION, Some(rig.shared()), rig.time());
    let client = rig.client(load().await.unwrap());
    rig.read(&client).await;
    let used = async || token_of(&load().await.unwrap()).await.unwrap();
    assert_eq!(used().await, old);
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    rig.advance(days(6)).await;
    rig.read(&client).await;
    assert_eq!(used().await, old, "both work in the overlap");
    // The overlap ends while calls are under way: not one of them fails.
    let calls = join_all((0..30).map(|_| rig.read(&client)));
    tokio::join!(calls, rig.advance(days(1)));
    rig.read(&client).await;
    // A restart begins with the one that works.
    assert_eq!(used().await, next);
}

#[tokio::test]
async fn after_ninety_days_a_person_is_asked_to_rotate() {
    let rig = Rig::start().await;
    let at = "location-1";
    let old = [secrecy::SecretString::from("pit-old")];
    let both = [old[0].clone(), "pit-new".into()];
    let look = async |tokens: &[secrecy::SecretString]| {
        let now = rig.clock.now();
        let told = remind(&rig.store, CONNECTION, at, tokens, now).await;
        told.unwrap()
    };
    assert_eq!(look(&old).await, None);
    rig.clock.advance(SignedDuration::from_hours(90 * 24 - 1));
    assert_eq!(look(&old).await, None);
    rig.clock.advance(SignedDuration::from_hours(1));
    let told = look(&old).await.unwrap();
    assert!(told.contains("90 days"), "{told}");
    // It is looked at every hour; the person is told once.
    look(&old).await.unwrap();
    let alerts = rig.alerts().await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!((&*alerts[0].kind, &*alerts[0].location), (TOKEN_AGE, at));
    assert!(!alerts[0].message.contains("pit-"));
    // The rotation has begun.
    assert_eq!(look(&both).await, None);
    assert_eq!(rig.alerts().await, []);
}
