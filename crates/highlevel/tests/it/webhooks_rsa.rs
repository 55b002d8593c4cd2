//! Signatures of the scheme that ended: RSA-SHA256, where it is switched on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canopy_highlevel::webhook::{HIGHLEVEL_KEY, KeyError, Signatures, Verifier, VerifyError};
use jiff::Timestamp;

/// What `openssl genpkey` and `openssl dgst -sha256 -sign` made; the private keys are thrown away.
const KEY: &str = include_str!("../fixtures/rsa.pem");
const ANOTHER: &str = include_str!("../fixtures/rsa-another.pem");
const SHORT: &str = include_str!("../fixtures/rsa-short.pem");
const SIGNATURE: &str = include_str!("../fixtures/rsa.sig.txt");
/// What was signed.
const BODY: &[u8] = br#"{"type": "ContactCreate",  "id":"c"}"#;

fn accepting(keys: &[&str]) -> Verifier {
    let keys = keys.iter().copied();
    Verifier::highlevel().accept_rsa(keys).unwrap()
}

fn check(verifier: &Verifier, signature: &str, body: &[u8]) -> Result<(), VerifyError> {
    let signatures = Signatures {
        ed25519: None,
        rsa: Some(signature),
    };
    verifier.verify(signatures, body, Timestamp::UNIX_EPOCH)
}

#[test]
fn a_signed_body_is_taken_once_it_is_switched_on() {
    assert_eq!(check(&accepting(&[KEY]), SIGNATURE, BODY), Ok(()));
    // While a key is replaced, both count.
    assert_eq!(check(&accepting(&[ANOTHER, KEY]), SIGNATURE, BODY), Ok(()));
    let off = check(&Verifier::highlevel(), SIGNATURE, BODY);
    assert_eq!(off, Err(VerifyError::EndedScheme));
}

#[test]
fn a_key_is_taken_as_a_file_or_as_its_text_without_the_lines_around_it() {
    let lines = KEY.lines().filter(|line| !line.starts_with("-----"));
    let text: String = lines.collect();
    assert_eq!(check(&accepting(&[&text]), SIGNATURE, BODY), Ok(()));
}

#[test]
fn changed_bytes_and_another_key_are_refused() {
    let verifier = accepting(&[KEY]);
    let rewritten = br#"{"type":"ContactCreate","id":"c"}"#;
    let longer = [BODY, b" "].concat();
    for body in [&rewritten[..], &longer, b""] {
        assert_eq!(
            check(&verifier, SIGNATURE, body),
            Err(VerifyError::WrongRsa)
        );
    }
    let another = accepting(&[ANOTHER]);
    assert_eq!(check(&another, SIGNATURE, BODY), Err(VerifyError::WrongRsa));
    let mut bytes = STANDARD.decode(SIGNATURE.trim()).unwrap();
    bytes[17] ^= 1;
    let forged = STANDARD.encode(bytes);
    assert_eq!(check(&verifier, &forged, BODY), Err(VerifyError::WrongRsa));
    for odd in ["%%%", "not base64"] {
        assert_eq!(check(&verifier, odd, BODY), Err(VerifyError::MalformedRsa));
    }
}

#[test]
fn what_stands_for_none_is_none() {
    let verifier = accepting(&[KEY]);
    for absent in ["N/A", "n/a", "", "  "] {
        assert_eq!(check(&verifier, absent, BODY), Err(VerifyError::Unsigned));
    }
    // The other header's `N/A` leaves this one in force.
    let both = Signatures {
        ed25519: Some("N/A"),
        rsa: Some(SIGNATURE),
    };
    assert_eq!(verifier.verify(both, BODY, Timestamp::UNIX_EPOCH), Ok(()));
}

#[test]
fn it_never_stands_in_for_a_wrong_signature_of_the_scheme_in_force() {
    let verifier = accepting(&[KEY]);
    for (ed25519, told) in [
        (STANDARD.encode([7; 64]), VerifyError::Wrong),
        ("%%%".to_owned(), VerifyError::Malformed),
    ] {
        let both = Signatures {
            ed25519: Some(&ed25519),
            rsa: Some(SIGNATURE),
        };
        let refused = verifier.verify(both, BODY, Timestamp::UNIX_EPOCH);
        assert_eq!(refused, Err(told));
    }
}

#[test]
fn a_short_key_and_one_of_the_other_scheme_are_none() {
    for key in [SHORT, HIGHLEVEL_KEY, "", "AAAA"] {
        let refused = Verifier::highlevel().accept_rsa([key]);
        let told = KeyError::MalformedRsa {
            key: key.to_owned(),
        };
        assert_eq!(refused.unwrap_err(), told);
    }
    let refused = Verifier::with_keys([KEY]).unwrap_err();
    assert!(matches!(refused, KeyError::Malformed { .. }));
}
