//! Why HighLevel said no. Status codes alone do not tell: four different causes come as 401 or 403.

use std::fmt;

use canopy_transport::operation::Operation;
use canopy_transport::{CallError, Cause, NotSent};

/// The cause of a refusal; its text is what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The token lacks the scope of the operation.
    ScopeMissing { scopes: &'static [&'static str] },
    /// An agency's token on a location's call, or the other way round.
    UserTypeMismatch,
    /// The token is of another location.
    WrongLocation,
    /// An agency's OAuth token where a location's is needed.
    WrongAuthClass,
    /// The `Version` header was missing or unknown to the service.
    VersionHeader,
    /// The token is wrong, expired or withdrawn.
    Unauthorized,
    /// Forbidden for another reason.
    Forbidden,
    /// The arguments are wrong.
    Validation { message: String },
    /// No such record.
    NotFound,
    /// Over the limits.
    TooMany,
}

impl Refusal {
    pub(crate) fn of(operation: Option<&'static Operation>, error: &CallError) -> Option<Self> {
        if error.is_foreign() {
            return None;
        }
        let (status, message) = match error.cause() {
            Cause::Refused {
                status, message, ..
            } => (status.as_u16(), message.as_deref().unwrap_or_default()),
            Cause::NotSent(NotSent::Token(error)) if !error.is_retryable() => {
                return Some(Self::Unauthorized);
            }
            _ => return None,
        };
        let lower = message.to_lowercase();
        let says = |words: &str| lower.contains(words);
        Some(match status {
            401 if says("not authorized for this scope") => Self::ScopeMissing {
                scopes: operation.map_or(&[], |operation| operation.scopes),
            },
            401 if says("user type mismatch") => Self::UserTypeMismatch,
            401 | 403 if says("authclass") => Self::WrongAuthClass,
            401 | 403 if says("access to this location") => Self::WrongLocation,
            400 | 401 if says("version header") => Self::VersionHeader,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            400 | 422 => Self::Validation {
                message: message.to_owned(),
            },
            404 => Self::NotFound,
            429 => Self::TooMany,
            _ => return None,
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ScopeMissing { scopes: [] } => {
                f.write_str("the token lacks a scope: add it in the integration's settings and use the token that they show then")
            }
            Self::ScopeMissing { scopes } => write!(
                f,
                "the token lacks a scope: add {} in the integration's settings and use the token that they show then",
                scopes.join(" or ")
            ),
            Self::UserTypeMismatch => f.write_str(
                "the token is of the wrong kind: this call wants a location's token and got an agency's, or the other way round; \
                 make a private integration in the location's own settings",
            ),
            Self::WrongLocation => f.write_str(
                "the token belongs to another location: check `location_id` against the location where the token was made",
            ),
            Self::WrongAuthClass => f.write_str(
                "the token is an agency's and this call wants a location's: exchange it for one of the location, \
                 or install the app in the location itself",
            ),
            Self::VersionHeader => f.write_str(
                "the service no longer takes this API version: update the program, as the version comes from its description of the API",
            ),
            Self::Unauthorized => {
                f.write_str("the token is wrong, expired or withdrawn: copy it again, make a new one, or connect again")
            }
            Self::Forbidden => f.write_str("the account may not do this: check the plan and the permissions of the token's user"),
            Self::Validation { .. } => f.write_str("correct the arguments that the message names"),
            Self::NotFound => f.write_str("there is no such record at this location: it was deleted, or the id is of something else"),
            Self::TooMany => f.write_str("the limits are used up, perhaps by another program with the same token: try again later"),
        }
    }
}
