//! Before money: whether a connection can do what its workflows need, found out by calls that change nothing, side by side
//! and within a bound.

mod account;
mod guard;
mod overlap;
mod prices;
mod token;

use std::fmt::Display;
use std::time::Duration;

use canopy_engine::{Buyer, Cause, Went};
use canopy_mapping::Workflow;
use canopy_store::{Store, StoreError};
use jiff::Timestamp;
use tokio::time::Instant;

pub(crate) use account::Account;
pub(crate) use guard::Guard;
pub(crate) use overlap::overlaps;
pub(crate) use prices::without_price;
pub(crate) use token::{FIRST_READS, Token, first_arguments};

use crate::auth::{self, Need};
use crate::config::ConnectionConfig;

/// All calls of an assessment have answered by then, or count as unanswered.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// How one thing stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    /// Refused, with the remedy.
    Bad(String),
    /// Nobody can tell now, and why.
    Unknown(String),
}

impl Standing {
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Bad(_))
    }

    /// The worse of the two.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bad(one), Self::Bad(two)) => Self::Bad(format!("{one}; {two}")),
            (bad @ Self::Bad(_), _) | (_, bad @ Self::Bad(_)) => bad,
            (unknown @ Self::Unknown(_), _) | (_, unknown @ Self::Unknown(_)) => unknown,
            (Self::Good, Self::Good) => Self::Good,
        }
    }

    /// What is wrong, or cannot be told.
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Good => None,
            Self::Bad(problem) | Self::Unknown(problem) => Some(problem),
        }
    }
}

/// Where the scopes of a connection are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Private integration tokens list none.
    Nowhere,
    /// By the token that calls are made with.
    Token(Vec<String>),
    /// By the agency's, for which the location's own token is exchanged: that one can do no more.
    Agency(Vec<String>),
}

impl Listed {
    pub async fn of(config: &ConnectionConfig, store: Option<&dyn Store>) -> Self {
        let (Some(oauth), Some(store)) = (&config.highlevel.oauth, store) else {
            return Self::Nowhere;
        };
        match auth::granted(store, &config.id).await {
            None => Self::Nowhere,
            Some(scopes) if oauth.agency => Self::Agency(scopes),
            Some(scopes) => Self::Token(scopes),
        }
    }
}

/// What is to be assessed of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub location: &'a str,
    pub highlevel: &'a canopy_highlevel::Client,
    pub ecologi: &'a canopy_ecologi::Client,
    pub currency: &'a str,
    pub needs: &'a [Need],
    pub listed: &'a Listed,
    pub workflows: &'a [Workflow],
}

/// How a connection stands.
#[derive(Debug, Clone)]
pub(crate) struct Assessment {
    pub token: Token,
    pub account: Account,
}

impl Assessment {
    /// Makes all calls side by side; what has not answered at `deadline` is unknown.
    pub async fn of(subject: Subject<'_>, deadline: Instant) -> Self {
        let (token, account) = tokio::join!(
            Token::assess(subject, deadline),
            Account::assess(subject, deadline)
        );
        Self { token, account }
    }

    /// Stops the purchases of the connection, or lets them go on. What nobody can tell now changes nothing.
    pub async fn enforce(
        &self,
        buyer: Buyer<'_>,
        mode: Mode,
        now: Timestamp,
    ) -> Result<Went, StoreError> {
        let highlevel = if mode.writes {
            self.token.reads.clone().and(self.token.writes.clone())
        } else {
            self.token.reads.clone()
        };
        let currency = if mode.test {
            // Nothing is charged in any currency.
            Standing::Good
        } else {
            self.account.currency.clone()
        };
        if let (false, Standing::Good, Some(told)) = (mode.test, &currency, &self.account.told) {
            buyer.has_currency(&told.to_ascii_uppercase(), now).await?;
        }
        let mut went = Went::No;
        let tried = |scope: &str| self.token.tried.contains(&scope);
        for (cause, standing) in [
            (Cause::HighLevel, highlevel),
            (Cause::Ecologi, self.account.key.clone()),
            (Cause::Currency, currency),
        ] {
            match standing {
                Standing::Good => {
                    went = went.max(buyer.found_well(cause, tried, mode.is_asked, now).await?);
                }
                Standing::Bad(error) => {
                    buyer.stop(cause, &error, now).await?;
                }
                Standing::Unknown(_) => {}
            }
        }
        Ok(went)
    }
}

/// What a connection does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode {
    pub test: bool,
    /// Whether it writes to HighLevel.
    pub writes: bool,
    /// Whether a person asked for the check.
    pub is_asked: bool,
}

/// What became of a call, where it answered in time.
async fn in_time<T, E: std::error::Error>(
    service: &str,
    deadline: Instant,
    call: impl Future<Output = Result<T, E>>,
) -> Result<Result<T, E>, String> {
    tokio::time::timeout_at(deadline, call)
        .await
        .map_err(|_| late(service))
}

pub(crate) fn late(service: impl Display) -> String {
    format!(
        "{service} did not answer within {} s; try again",
        PATIENCE.as_secs()
    )
}
