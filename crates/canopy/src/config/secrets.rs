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

/// The key of a store that is there: from `CANOPY_KEY`, from systemd's credential `canopy-key`, or from the key file.
pub(crate) fn store_key(
    store: &Path,
    config: &Config,
    folder: &Path,
    environment: &Environment,
) -> Result<SecretKey, Failure> {
    let path = folder.join(&config.key_file);
    if let Some(key) = given_key(environment)? {
        return Ok(key);
    }
    settle_key_file(&path)?;
    if path.exists() {
        return SecretKey::from_file(&path).map_err(|error| Failure::bad_input(&error));
    }
    Err(Failure::BadInput(format!(
        "{} exists, but its key {} does not; restore the key file, or set CANOPY_KEY",
        store.display(),
        path.display()
    )))
}

/// The key for a store that is not there yet.
pub(crate) fn new_store_key(
    config: &Config,
    folder: &Path,
    environment: &Environment,
) -> Result<SecretKey, Failure> {
    if let Some(key) = given_key(environment)? {
        return Ok(key);
    }
    let path = folder.join(&config.key_file);
    let bad = |error: canopy_store::KeyError| Failure::bad_input(&error);
    let coming = coming(&path);
    if coming.exists() {
        return SecretKey::from_file(&coming).map_err(bad);
    }
    SecretKey::create_file(&coming).map_err(bad)
}

/// Gives the key file of a store that is in place its name. Until then it has another one, so that a start that was
/// killed in between is told from a store that was lost.
pub(crate) fn settle_key_file(path: &Path) -> Result<(), Failure> {
    let coming = coming(path);
    if path.exists() || !coming.exists() {
        return Ok(());
    }
    std::fs::rename(&coming, path).map_err(|error| {
        Failure::Failed(format!(
            "{} cannot be renamed to {}: {error}",
            coming.display(),
            path.display()
        ))
    })
}

fn coming(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// What shows that there was a store, where there is none now. One that was lost is not begun anew, because the new one
/// would know nothing of what was bought.
pub(crate) fn trace_of_a_store(
    store: &Path,
    lock: &Path,
    config: &Config,
    folder: &Path,
    environment: &Environment,
) -> Result<Option<PathBuf>, Failure> {
    if store.exists() {
        return Ok(None);
    }
    let key = folder.join(&config.key_file);
    if given_key(environment)?.is_none() && key.exists() {
        return Ok(Some(key));
    }
    let marked = std::fs::metadata(lock).is_ok_and(|lock| lock.len() > 0);
    Ok(marked.then(|| lock.to_owned()))
}

/// A key from outside of the folder.
fn given_key(environment: &Environment) -> Result<Option<SecretKey>, Failure> {
    let bad = |error: canopy_store::KeyError| Failure::bad_input(&error);
    if let Some(text) = environment.var("CANOPY_KEY") {
        let key = SecretKey::from_base64(&text, "the environment variable CANOPY_KEY");
        return key.map(Some).map_err(bad);
    }
    if let Some(credentials) = environment.var("CREDENTIALS_DIRECTORY") {
        let credentials = PathBuf::from(credentials);
        if credentials.join(CREDENTIAL).exists() {
            let key = SecretKey::from_credentials_folder(&credentials, CREDENTIAL);
            return key.map(Some).map_err(bad);
        }
    }
    Ok(None)
}

/// Name of the systemd credential that holds the store's key.
const CREDENTIAL: &str = "canopy-key";
