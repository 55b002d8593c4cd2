//! The key that secrets are encrypted with.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{KeyInit, OsRng};
use chacha20poly1305::{Key, XChaCha20Poly1305};
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::files;

const LENGTH: usize = 32;

/// 32 random bytes; as text (file, environment, credential) they are base64. Wiped from memory when dropped.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; LENGTH]>);

impl SecretKey {
    /// A new random key, for stores that need not be opened again.
    pub fn generate() -> Self {
        let mut key = XChaCha20Poly1305::generate_key(&mut OsRng);
        let copy = Self(Zeroizing::new(key.into()));
        zeroize::Zeroize::zeroize(key.as_mut_slice());
        copy
    }

    /// Reads a key file, which only its owner may be able to read.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        // Of the open handle, so that it is this file's mode that is checked.
        let mode = files::mode(&file.metadata().map_err(failed)?);
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        Self::read(file, path)
    }

    /// Reads credential `name` from a credentials folder of systemd. Its mode is not checked: systemd guards the
    /// folder, and shows an access list as group permission.
    pub fn from_credentials_folder(folder: &Path, name: &str) -> Result<Self, KeyError> {
        let path = folder.join(name);
        let file = File::open(&path).map_err(|source| KeyError::File {
            path: path.clone(),
            source,
        })?;
        Self::read(file, &path)
    }

    /// A key as text, e.g. the value of the environment variable that `origin` names for the error message.
    pub fn from_base64(text: &str, origin: &str) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed {
            origin: origin.to_owned(),
        };
        // Decoded straight into memory that is wiped; the decoder wants room for its last quantum.
        let mut bytes = Zeroizing::new([0_u8; LENGTH + 3]);
        let length = STANDARD
            .decode_slice(text.trim(), bytes.as_mut_slice())
            .map_err(|_| malformed())?;
        if length != LENGTH {
            return Err(malformed());
        }
        let mut key = Zeroizing::new([0; LENGTH]);
        key.copy_from_slice(&bytes[..LENGTH]);
        Ok(Self(key))
    }

    /// Writes a new key to `path` with mode 0600, and refuses to overwrite one.
    pub fn create_file(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        let mut file = files::private(options.write(true).create_new(true))
            .open(path)
            .map_err(|source| match source.kind() {
                io::ErrorKind::AlreadyExists => KeyError::Exists {
                    path: path.to_owned(),
                },
                _ => failed(source),
            })?;
        let key = Self::generate();
        let mut text = Zeroizing::new(STANDARD.encode(key.bytes()));
        text.push('\n');
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        Ok(key)
    }

    fn read(file: File, path: &Path) -> Result<Self, KeyError> {
        let mut text = Zeroizing::new(String::with_capacity(256));
        // Far more than a key has, so that a wrong path does not fill the memory.
        file.take(256)
            .read_to_string(&mut text)
            .map_err(|source| KeyError::File {
                path: path.to_owned(),
                source,
            })?;
        Self::from_base64(&text, &format!("the file {}", path.display()))
    }

    fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(self.bytes()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}
