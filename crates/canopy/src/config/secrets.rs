//! Where tokens and keys come from: the environment, a file, the store, or (least well) the configuration itself.

use std::fmt;
use std::path::{Path, PathBuf};

use canopy_store::{SecretKey, SqliteStore, Store};
use secrecy::SecretString;
use serde::Deserialize;

use super::Config;
use crate::environment::Environment;
use crate::exit::Failure;

/// How a configuration refers to a secret.
#[derive(Clone, Deserialize, schemars::JsonSchema)]
#[serde(from = "String")]
#[schemars(with = "String")]
pub(crate) enum SecretRef {
    /// `env:NAME`
    Environment(String),
    /// `file:PATH`, relative to the configuration
    File(PathBuf),
    /// `secret:NAME`, kept in the store by `canopy secret set NAME`
    Stored(String),
    /// The secret itself.
    Literal(SecretString),
}

impl From<String> for SecretRef {
    fn from(text: String) -> Self {
        if let Some(name) = text.strip_prefix("env:") {
            Self::Environment(name.to_owned())
        } else if let Some(path) = text.strip_prefix("file:") {
            Self::File(path.into())
        } else if let Some(name) = text.strip_prefix("secret:") {
            Self::Stored(name.to_owned())
        } else {
            Self::Literal(text.into())
        }
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Stored(name) => write!(f, "secret:{name}"),
            Self::Literal(_) => f.write_str("[literal]"),
        }
    }
}

/// A secret that could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    #[error("{path} cannot be read: {source}")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the store has no secret \"{0}\"; run `canopy secret set {0}`")]
    NotStored(String),
    #[error("it is empty")]
    Empty,
    #[error(transparent)]
    Store(#[from] canopy_store::StoreError),
}

impl SecretRef {
    pub async fn resolve(
        &self,
        folder: &Path,
        environment: &Environment,
        store: Option<&SqliteStore>,
    ) -> Result<SecretString, SecretError> {
        use secrecy::ExposeSecret;
        let secret = match self {
            Self::Environment(name) => environment
                .var(name)
                .map(SecretString::from)
                .ok_or_else(|| SecretError::NotSet(name.clone()))?,
            Self::File(path) => {
                let path = folder.join(path);
                let text = std::fs::read_to_string(&path)
                    .map_err(|source| SecretError::File { path, source })?;
                text.trim().to_owned().into()
            }
            Self::Stored(name) => {
                let stored = match store {
                    Some(store) => store.secret(name).await?,
                    None => None,
                };
                stored.ok_or_else(|| SecretError::NotStored(name.clone()))?
            }
            Self::Literal(secret) => secret.clone(),
        };
        if secret.expose_secret().trim().is_empty() {
            return Err(SecretError::Empty);
        }
        Ok(secret)
    }
}

/// The key of the store: from `CANOPY_KEY`, from systemd's credential `canopy-key`, or from the key file, which is
/// created together with a new store.
pub(crate) fn store_key(
    store: &Path,
    config: &Config,
    folder: &Path,
    environment: &Environment,
) -> Result<SecretKey, Failure> {
    let bad = |error: canopy_store::KeyError| Failure::bad_input(&error);
    if let Some(text) = environment.var("CANOPY_KEY") {
        return SecretKey::from_base64(&text, "the environment variable CANOPY_KEY").map_err(bad);
    }
    if let Some(credentials) = environment.var("CREDENTIALS_DIRECTORY") {
        let credentials = PathBuf::from(credentials);
        if credentials.join(CREDENTIAL).exists() {
            return SecretKey::from_credentials_folder(&credentials, CREDENTIAL).map_err(bad);
        }
    }
    let path = folder.join(&config.key_file);
    if path.exists() {
        return SecretKey::from_file(&path).map_err(bad);
    }
    if store.exists() {
        return Err(Failure::BadInput(format!(
            "{} exists, but its key {} does not; restore the key file, or set CANOPY_KEY",
            store.display(),
            path.display()
        )));
    }
    SecretKey::create_file(&path).map_err(bad)
}

/// Name of the systemd credential that holds the store's key.
const CREDENTIAL: &str = "canopy-key";
