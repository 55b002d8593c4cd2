//! Secrets, encrypted before they come near the database.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, AeadCore as _, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Row as _, SqliteConnection};
use zeroize::Zeroizing;

use super::fault::{Fault, Op};
use super::row::micros;
use crate::error::StoreError;
use crate::key::SecretKey;

/// Length of a nonce. It is random: 24 bytes are enough for that without ever repeating.
const NONCE: usize = 24;
/// What the canary says. Only its decryption matters.
const CANARY: &[u8] = b"canopy";

/// An encrypted value as stored.
#[derive(Clone)]
pub(super) struct Sealed {
    pub(super) nonce: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

/// Encrypts and decrypts. The purpose and name of a value are bound into it: moved to another row it is refused.
#[derive(Clone)]
pub(super) struct Vault(XChaCha20Poly1305);

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

impl Vault {
    pub(super) fn new(key: &SecretKey) -> Self {
        Self(key.cipher())
    }

    /// Encrypts a secret.
    pub(super) fn seal(&self, name: &str, secret: &SecretString) -> Op<Sealed> {
        self.encrypt(&label(name), secret.expose_secret().as_bytes())
            .ok_or_else(|| Fault::conflict(format!("secret {name} is too long to be encrypted")))
    }

    fn open(&self, name: &str, sealed: &Sealed) -> Op<SecretString> {
        let corrupt = |reason: &str| StoreError::Corrupt {
            table: "secrets",
            id: name.to_owned(),
            reason: reason.into(),
        };
        let plain = self
            .decrypt(&label(name), sealed)
            .ok_or_else(|| corrupt("it does not decrypt with this key"))?;
        let text = std::str::from_utf8(&plain).map_err(|_| corrupt("it is not text"))?;
        Ok(SecretString::from(text))
    }

    /// The value by which a wrong key is noticed.
    pub(super) fn canary(&self) -> Option<Sealed> {
        self.encrypt("canary", CANARY)
    }

    pub(super) fn knows(&self, canary: &Sealed) -> bool {
        self.decrypt("canary", canary).is_some()
    }

    fn encrypt(&self, label: &str, msg: &[u8]) -> Option<Sealed> {
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let ciphertext = self
            .0
            .encrypt(
                &nonce,
                Payload {
                    msg,
                    aad: label.as_bytes(),
                },
            )
            .ok()?;
        Some(Sealed {
            nonce: nonce.to_vec(),
            ciphertext,
        })
    }

    fn decrypt(&self, label: &str, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        if sealed.nonce.len() != NONCE {
            return None;
        }
        let payload = Payload {
            msg: &sealed.ciphertext,
            aad: label.as_bytes(),
        };
        self.0
            .decrypt(XNonce::from_slice(&sealed.nonce), payload)
            .ok()
            .map(Zeroizing::new)
    }
}

fn label(name: &str) -> String {
    format!("secret {name}")
}

pub(super) async fn put(
    connection: &mut SqliteConnection,
    name: &str,
    sealed: Sealed,
    now: Timestamp,
) -> Op<()> {
    sqlx::query(
        "INSERT INTO secrets (name, nonce, ciphertext, updated_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE SET
             nonce = excluded.nonce, ciphertext = excluded.ciphertext, updated_at = excluded.updated_at",
    )
    .bind(name)
    .bind(sealed.nonce)
    .bind(sealed.ciphertext)
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn get(
    connection: &mut SqliteConnection,
    vault: &Vault,
    name: &str,
) -> Op<Option<SecretString>> {
    let row = sqlx::query("SELECT nonce, ciphertext FROM secrets WHERE name = ?1")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let sealed = Sealed {
        nonce: row.try_get("nonce")?,
        ciphertext: row.try_get("ciphertext")?,
    };
    vault.open(name, &sealed).map(Some)
}

pub(super) async fn delete(connection: &mut SqliteConnection, name: &str) -> Op<bool> {
    let done = sqlx::query("DELETE FROM secrets WHERE name = ?1")
        .bind(name)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn canary(
    connection: &mut SqliteConnection,
) -> Result<Option<Sealed>, sqlx::Error> {
    let row = sqlx::query("SELECT nonce, ciphertext FROM canary")
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(Sealed {
            nonce: row.try_get("nonce")?,
            ciphertext: row.try_get("ciphertext")?,
        })
    })
    .transpose()
}

/// Keeps the canary that is there: another process may have created the store at the same time.
pub(super) async fn put_canary(
    connection: &mut SqliteConnection,
    canary: Sealed,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO canary (id, nonce, ciphertext) VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING",
    )
    .bind(canary.nonce)
    .bind(canary.ciphertext)
    .execute(connection)
    .await?;
    Ok(())
}
