//! Signatures of webhooks.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canopy_highlevel::webhook::{HIGHLEVEL_KEY, KeyError, Signatures, Verifier, VerifyError};
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::Timestamp;
use serde_json::json;

fn sender(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(key: &SigningKey) -> String {
    STANDARD.encode(key.verifying_key().to_public_key_der().unwrap())
}

fn verifier(keys: &[&SigningKey]) -> Verifier {
    let keys: Vec<_> = keys.iter().map(|key| public(key)).collect();
    Verifier::with_keys(keys.iter().map(String::as_str)).unwrap()
}

fn sign(key: &SigningKey, body: &[u8]) -> String {
    STANDARD.encode(key.sign(body).to_bytes())
}

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn check(verifier: &Verifier, signature: &str, body: &[u8]) -> Result<(), VerifyError> {
    verifier.verify(
        Signatures {
            ed25519: Some(signature),
            rsa: None,
        },
        body,
        now(),
    )
}

const BODY: &[u8] = br#"{"type": "ContactCreate",  "id":"c"}"#;

#[test]
fn a_signed_body_is_taken_and_a_changed_one_is_not() {
    let key = sender(1);
    let verifier = verifier(&[&key]);
    let signature = sign(&key, BODY);
    assert_eq!(check(&verifier, &signature, BODY), Ok(()));
    // The same JSON, written again.
    assert_eq!(
        check(
            &verifier,
            &signature,
            br#"{"type":"ContactCreate","id":"c"}"#
        ),
        Err(VerifyError::Wrong)
    );
    assert_eq!(
        check(&verifier, &sign(&sender(2), BODY), BODY),
        Err(VerifyError::Wrong)
    );
}

#[test]
fn a_key_is_taken_as_a_file_too() {
    let key = sender(1);
    let (begin, end) = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----");
    let pem = format!("{begin}\n{}\n{end}\n", public(&key));
    let verifier = Verifier::with_keys([pem.as_str()]).unwrap();
    assert_eq!(check(&verifier, &sign(&key, BODY), BODY), Ok(()));
}

#[test]
fn during_a_rotation_both_keys_count() {
    let (old, new) = (sender(1), sender(2));
    let verifier = verifier(&[&old, &new]);
    for key in [&old, &new] {
        assert_eq!(check(&verifier, &sign(key, BODY), BODY), Ok(()));
    }
}

#[test]
fn what_is_not_signed_is_refused() {
    let verifier = verifier(&[&sender(1)]);
    for absent in [None, Some("N/A"), Some(""), Some(" n/a ")] {
        let with = |rsa| {
            verifier.verify(
                Signatures {
                    ed25519: absent,
                    rsa,
                },
                BODY,
                now(),
            )
        };
        assert_eq!(with(None), Err(VerifyError::Unsigned));
        assert_eq!(with(Some("N/A")), Err(VerifyError::Unsigned));
        let ended = with(Some("c2lnbmF0dXJl"));
        assert_eq!(ended, Err(VerifyError::EndedScheme));
        assert!(ended.unwrap_err().to_string().contains("ended"));
    }
    for odd in ["%%%", "c2hvcnQ=", "not base64"] {
        assert_eq!(check(&verifier, odd, BODY), Err(VerifyError::Malformed));
    }
}

#[test]
fn the_old_scheme_is_no_fallback_for_a_wrong_signature() {
    let verifier = verifier(&[&sender(1)]);
    let signature = sign(&sender(2), BODY);
    let both = Signatures {
        ed25519: Some(&signature),
        rsa: Some("c2lnbmF0dXJl"),
    };
    assert_eq!(verifier.verify(both, BODY, now()), Err(VerifyError::Wrong));
}

#[test]
fn the_window_counts_only_where_the_payload_tells_a_time() {
    let key = sender(1);
    let verifier = verifier(&[&key]);
    for (stamp, taken) in [
        (json!("2026-11-23T11:50:00Z"), true),
        // A person may have a delivery of the last 30 days sent again.
        (json!("2026-10-24T12:00:00Z"), true),
        (json!("2026-10-23T12:00:00Z"), true),
        (json!("2026-10-23T11:59:59Z"), false),
        (json!("2026-12-25T12:00:00Z"), false),
        (json!(now().as_millisecond()), true),
        (json!(now().as_second()), true),
        (json!(now().as_millisecond().to_string()), true),
        (json!(0), false),
        (json!("yesterday"), true),
        (json!(null), true),
    ] {
        let body = json!({ "timestamp": stamp }).to_string();
        let checked = check(&verifier, &sign(&key, body.as_bytes()), body.as_bytes());
        assert_eq!(checked.is_ok(), taken, "{stamp}: {checked:?}");
    }
    let hour = verifier.window(Duration::from_hours(1));
    let body = br#"{"timestamp":"2026-11-23T10:30:00Z"}"#;
    let stale = check(&hour, &sign(&key, body), body).unwrap_err();
    assert!(stale.to_string().contains("1h"), "{stale}");
}

#[test]
fn keys_that_are_none_are_named() {
    assert_eq!(Verifier::with_keys([]).unwrap_err(), KeyError::None);
    // The last one is of small order: anybody could sign for it.
    let weak = "MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for bad in ["", "c2hvcnQ=", "-----BEGIN PUBLIC KEY-----", weak] {
        assert_eq!(
            Verifier::with_keys([bad]).unwrap_err(),
            KeyError::Malformed {
                key: bad.to_owned()
            }
        );
    }
}

#[test]
fn the_published_key_is_usable() {
    assert!(Verifier::with_keys([HIGHLEVEL_KEY]).is_ok());
    assert_eq!(
        check(&Verifier::highlevel(), &sign(&sender(1), BODY), BODY),
        Err(VerifyError::Wrong)
    );
}

#[test]
fn a_body_that_comes_in_pieces_is_checked_as_a_whole_one() {
    let (key, other) = (sender(1), sender(2));
    let verifier = verifier(&[&other, &key]);
    for (signature, pieces, taken) in [
        (sign(&key, BODY), [&BODY[..5], &BODY[5..]], true),
        (sign(&other, BODY), [BODY, b""], true),
        (sign(&key, BODY), [&BODY[..5], &BODY[6..]], false),
        (sign(&sender(3), BODY), [&BODY[..5], &BODY[5..]], false),
    ] {
        let signatures = Signatures {
            ed25519: Some(&signature),
            rsa: None,
        };
        let mut stream = verifier.stream(signatures).unwrap();
        for piece in pieces {
            stream.update(piece);
        }
        assert_eq!(stream.finish().is_ok(), taken);
    }
    assert!(verifier.stream(Signatures::default()).is_none());
}
