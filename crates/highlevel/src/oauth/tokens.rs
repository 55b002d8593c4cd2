//! A pair of tokens, and where pairs are kept.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use canopy_transport::SecretString;
use canopy_transport::lenient::Lenient as _;
use jiff::Timestamp;
use serde_json::Value;

/// A member of a token answer: the service writes them in snake case, in camel case, or both, by version and date.
///
/// ```
/// use canopy_highlevel::oauth::member;
/// use serde_json::json;
///
/// assert_eq!(member(&json!({ "accessToken": "a" }), "access_token"), Some(&json!("a")));
/// assert_eq!(member(&json!({ "company_id": "c" }), "company_id"), Some(&json!("c")));
/// ```
pub fn member<'a>(answer: &'a Value, snake: &str) -> Option<&'a Value> {
    let mut camel = String::with_capacity(snake.len());
    for (index, word) in snake.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if index > 0 => camel.extend(first.to_uppercase()),
            first => camel.extend(first),
        }
        camel.push_str(letters.as_str());
    }
    let there = |name: &str| answer.get(name).filter(|value| !value.is_null());
    there(snake).or_else(|| there(&camel))
}

/// How long an access token lives where the answer does not say.
const USUAL_LIFE: i64 = 86_399;

/// An access token and what renews it. `Debug` shows neither.
#[derive(Debug, Clone)]
pub struct Tokens {
    access: SecretString,
    refresh: Option<SecretString>,
    expires_at: Timestamp,
    location_id: Option<String>,
    company_id: Option<String>,
    scopes: Option<Vec<String>>,
}

impl Tokens {
    /// Tokens that were kept. Without a refresh token they end for good.
    pub fn new(access: SecretString, refresh: Option<SecretString>, expires_at: Timestamp) -> Self {
        Self {
            access,
            refresh,
            expires_at,
            location_id: None,
            company_id: None,
            scopes: None,
        }
    }

    /// Names where they belong, as [`location_id`](Self::location_id) and [`company_id`](Self::company_id) told it.
    #[must_use]
    pub fn at(mut self, location_id: Option<String>, company_id: Option<String>) -> Self {
        self.location_id = location_id;
        self.company_id = company_id;
        self
    }

    /// Names what they may do, as [`scopes`](Self::scopes) told it.
    #[must_use]
    pub fn granted(mut self, scopes: Option<Vec<String>>) -> Self {
        self.scopes = scopes;
        self
    }

    /// Reads the answer of the token endpoint.
    pub(super) fn read(answer: &Value, now: Timestamp) -> Option<Self> {
        let text = |name: &str| {
            member(answer, name)?
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let life = member(answer, "expires_in").cloned();
        let life = life.and_then(i64::from_json).unwrap_or(USUAL_LIFE);
        let life = Duration::from_secs(u64::try_from(life).unwrap_or(0));
        Some(Self {
            access: text("access_token")?.into(),
            refresh: text("refresh_token").map(Into::into),
            expires_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
            location_id: text("location_id"),
            company_id: text("company_id"),
            scopes: text("scope")
                .map(|scopes| scopes.split_whitespace().map(str::to_owned).collect()),
        })
    }

    /// What an answer to a renewal leaves out stays as it was.
    pub(super) fn or(mut self, before: &Self) -> Self {
        self.refresh = self.refresh.or_else(|| before.refresh.clone());
        self.location_id = self.location_id.or_else(|| before.location_id.clone());
        self.company_id = self.company_id.or_else(|| before.company_id.clone());
        self.scopes = self.scopes.or_else(|| before.scopes.clone());
        self
    }

    /// The scopes that a person granted, where the service told them.
    pub fn scopes(&self) -> Option<&[String]> {
        self.scopes.as_deref()
    }

    pub fn access(&self) -> &SecretString {
        &self.access
    }

    pub fn refresh(&self) -> Option<&SecretString> {
        self.refresh.as_ref()
    }

    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The location that they speak for, as the service told at the exchange. An agency's tokens have none.
    pub fn location_id(&self) -> Option<&str> {
        self.location_id.as_deref()
    }

    /// Whether they speak for an agency and not for one location.
    pub fn is_agency(&self) -> bool {
        self.location_id.is_none() && self.company_id.is_some()
    }

    /// The agency that they belong to, as the service told at the exchange.
    pub fn company_id(&self) -> Option<&str> {
        self.company_id.as_deref()
    }
}

/// Keeps tokens over a restart.
#[async_trait]
pub trait TokenStore: Send + Sync + Debug {
    /// Returns when the pair is durable. Until then it is not used; a pair that could not be kept is offered again at the
    /// next call.
    async fn save(&self, tokens: &Tokens) -> Result<(), StoreFailure>;
}

/// Why tokens could not be kept. Its text is shown: it must not hold them.
pub type StoreFailure = Box<dyn std::error::Error + Send + Sync>;
