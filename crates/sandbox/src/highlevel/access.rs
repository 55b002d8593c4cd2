//! Who may call what: tokens and the refusals that HighLevel tells apart.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::records::Location;

/// What kind of token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Private integration token of the location.
    LocationKey,
    /// Private integration token of the agency.
    AgencyKey,
    /// OAuth token of the location.
    Location,
    /// OAuth token of the agency.
    Company,
}

impl Class {
    /// A private integration's token, not an app's.
    pub fn is_private(self) -> bool {
        matches!(self, Self::LocationKey | Self::AgencyKey)
    }

    pub fn is_agency(self) -> bool {
        matches!(self, Self::AgencyKey | Self::Company)
    }
}

/// Which tokens an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// None: the request carries its own credentials.
    Open,
    Location,
    Agency,
    Either,
}

/// A token as it was issued.
#[derive(Debug, Clone)]
pub struct Token {
    pub class: Class,
    /// `None`: all scopes, as the sandbox's own tokens have.
    pub scopes: Option<Vec<String>>,
    pub expires_at: Option<Timestamp>,
    /// Which private integration or app it belongs to; a rotated token keeps it. Calls in ten seconds are counted by it.
    pub integration: u64,
}

/// Who calls, after the token was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller {
    pub class: Class,
    pub integration: u64,
}

pub fn check(
    token: Option<&Token>,
    access: Access,
    scope: Option<&str>,
    now: Timestamp,
) -> Result<Caller, Answer> {
    let Some(token) = token else {
        return Err(Answer::unauthorized("Invalid JWT"));
    };
    if token.expires_at.is_some_and(|end| end <= now) {
        return Err(Answer::unauthorized("The token has expired."));
    }
    match (access, token.class) {
        (Access::Location, Class::Company) | (Access::Agency, Class::Location) => {
            return Err(Answer::unauthorized(
                "This authClass type is not allowed to access this scope.",
            ));
        }
        (Access::Location, Class::AgencyKey) | (Access::Agency, Class::LocationKey) => {
            return Err(Answer::unauthorized(
                "The token's user type mismatch: this operation takes another kind of token.",
            ));
        }
        _ => {}
    }
    if let (Some(scope), Some(granted)) = (scope, &token.scopes)
        && !granted.iter().any(|name| name == scope)
    {
        return Err(Answer::unauthorized(
            "The token is not authorized for this scope.",
        ));
    }
    Ok(Caller {
        class: token.class,
        integration: token.integration,
    })
}

/// Refuses a request that names a location or agency other than the token's.
pub fn check_tenant(
    caller: Caller,
    location: &Location,
    location_id: Option<&str>,
    company_id: Option<&str>,
) -> Result<(), Answer> {
    if location_id.is_some_and(|id| id != location.id) {
        return Err(Answer::forbidden(
            "The token does not have access to this location.",
        ));
    }
    if caller.class.is_agency() && company_id.is_some_and(|id| id != location.company_id) {
        return Err(Answer::forbidden(
            "The token does not have access to this company.",
        ));
    }
    Ok(())
}
