//! Keys, and secrets at rest.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use canopy_store::{KeyError, SecretKey, SqliteStore, Store, StoreError};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::Executor as _;

use crate::support::{Fixture, at, raw};

const TOKEN: &str = "pit-3f7c-very-secret-token";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

async fn read(store: &SqliteStore, name: &str) -> Option<String> {
    store
        .secret(name)
        .await
        .unwrap()
        .map(|secret| secret.expose_secret().to_owned())
}

fn contains(path: &Path, needle: &str) -> bool {
    fs::read(path)
        .unwrap()
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn secrets_come_back_and_are_nowhere_in_the_files() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store
        .put_secret("token", &SecretString::from("an older one"), at(0))
        .await
        .unwrap();
    store
        .put_secret("token", &SecretString::from(TOKEN), at(1))
        .await
        .unwrap();
    store
        .put_secret("empty", &SecretString::from(""), at(1))
        .await
        .unwrap();
    assert_eq!(read(store, "token").await.as_deref(), Some(TOKEN));
    assert_eq!(read(store, "empty").await.as_deref(), Some(""));
    assert_eq!(read(store, "other").await, None);

    let wal = fixture.path().with_extension("db-wal");
    assert!(contains(&wal, "token"), "the write-ahead log holds the row");
    assert!(!contains(&wal, TOKEN) && !contains(&fixture.path(), TOKEN));
    store.close().await;
    assert!(contains(&fixture.path(), "token") && !contains(&fixture.path(), TOKEN));

    let store = SqliteStore::open(&fixture.path(), &fixture.key)
        .await
        .unwrap();
    assert_eq!(read(&store, "token").await.as_deref(), Some(TOKEN));
    assert!(store.delete_secret("token").await.unwrap());
    assert!(!store.delete_secret("token").await.unwrap());
    assert_eq!(read(&store, "token").await, None);
}

#[tokio::test]
async fn a_secret_that_was_tampered_with_is_refused() {
    let fixture = Fixture::new().await;
    fixture
        .store
        .put_secret("a", &SecretString::from(TOKEN), at(0))
        .await
        .unwrap();
    fixture
        .store
        .put_secret("b", &SecretString::from("other"), at(0))
        .await
        .unwrap();
    let mut connection = raw(&fixture.path()).await;
    // Each is sound by itself; it is bound to its name.
    let moved = "UPDATE secrets SET (nonce, ciphertext) = (SELECT nonce, ciphertext FROM secrets WHERE name = 'a')
                 WHERE name = 'b'";
    connection.execute(moved).await.unwrap();
    connection
        .execute("UPDATE secrets SET nonce = x'00' WHERE name = 'a'")
        .await
        .unwrap();
    for name in ["a", "b"] {
        let error = fixture.store.secret(name).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Corrupt { table: "secrets", id, .. } if id == name),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains(TOKEN));
    }
}

#[tokio::test]
async fn nothing_secret_is_in_debug_output() {
    let fixture = Fixture::new().await;
    let key = SecretKey::from_base64(KEY, "CANOPY_KEY").unwrap();
    assert_eq!(format!("{key:?}"), "SecretKey(..)");
    let debug = format!("{:?}", fixture.store);
    assert!(debug.starts_with("SqliteStore { path: "), "{debug}");
    assert!(!debug.to_lowercase().contains("vault"), "{debug}");
}

#[tokio::test]
async fn a_key_opens_the_store_whichever_way_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("canopy.db");
    let file = folder.path().join("key");
    let created = SecretKey::create_file(&file).unwrap();
    SqliteStore::open(&path, &created)
        .await
        .unwrap()
        .close()
        .await;
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!((text.len(), text.ends_with('\n')), (45, true));
    let given = [
        SecretKey::from_file(&file).unwrap(),
        SecretKey::from_base64(&text, "CANOPY_KEY").unwrap(),
        SecretKey::from_credentials_folder(folder.path(), "key").unwrap(),
    ];
    for key in given {
        SqliteStore::open(&path, &key).await.unwrap().close().await;
    }
}

#[test]
fn a_key_file_must_be_private_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    SecretKey::create_file(&file).unwrap();
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let before = fs::read(&file).unwrap();
    assert!(matches!(
        SecretKey::create_file(&file),
        Err(KeyError::Exists { .. })
    ));
    assert_eq!(fs::read(&file).unwrap(), before);

    for exposed in [0o644, 0o640, 0o604, 0o660] {
        mode(exposed);
        let error = SecretKey::from_file(&file).unwrap_err();
        assert!(
            matches!(error, KeyError::Exposed { mode, .. } if mode == exposed),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains(&format!("chmod 600 {}", file.display())),
            "{error}"
        );
    }
    mode(0o400);
    SecretKey::from_file(&file).unwrap();
    let error = SecretKey::from_file(&folder.path().join("none")).unwrap_err();
    assert!(matches!(error, KeyError::File { .. }), "{error}");
}

#[test]
fn a_malformed_key_is_refused_without_being_shown() {
    let long = "A".repeat(4000);
    for text in [
        "",
        "short",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
        "!!!!",
        &KEY.replace('=', ""),
        &long,
    ] {
        let error = SecretKey::from_base64(text, "CANOPY_KEY").unwrap_err();
        assert!(matches!(error, KeyError::Malformed { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.starts_with("CANOPY_KEY does not hold a key"),
            "{message}"
        );
        assert!(text.is_empty() || !message.contains(text), "{message}");
    }
    SecretKey::from_base64(&format!("  {KEY}\n"), "CANOPY_KEY").unwrap();
}
