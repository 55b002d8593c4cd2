//! What the HighLevel token may do.

use canopy_highlevel::{Access, Error, Refusal};
use futures::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use super::{Listed, Standing, Subject, in_time, late};
use crate::auth::Need;
use crate::exit::chain;

/// Reads that every connection begins with: they show a wrong token or location, too.
pub(crate) const FIRST_READS: [(&str, &str); 2] = [
    ("search-contacts-advanced", "contacts.readonly"),
    ("get-custom-fields", "locations/customFields.readonly"),
];

/// How the token stands.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub reads: Standing,
    pub writes: Standing,
    /// Scopes that are needed and that no harmless call tells.
    pub untried: Vec<&'static str>,
    /// Scopes of which a call showed that they are granted; that a token lists one shows nothing.
    pub tried: Vec<&'static str>,
}

impl Token {
    pub(super) async fn assess(subject: Subject<'_>, deadline: Instant) -> Self {
        let first = FIRST_READS.map(|(operation, _)| first_read(subject, operation, deadline));
        let others = subject
            .needs
            .iter()
            .filter(|need| FIRST_READS.iter().all(|(_, scope)| *scope != need.scope))
            .filter(|need| !is_shown_by_first_reads(subject.listed, need.scope));
        let others = others.map(|need| async move { (need, scope(subject, need, deadline).await) });
        let (first, others) = tokio::join!(join_all(first), join_all(others));
        let mut token = Self {
            reads: first.into_iter().fold(Standing::Good, Standing::and),
            writes: Standing::Good,
            untried: Vec::new(),
            tried: Vec::new(),
        };
        for (need, told) in others {
            let Some(standing) = told else {
                let by_agency =
                    matches!(subject.listed, Listed::Agency(scopes) if lists(scopes, need.scope));
                if !by_agency {
                    token.untried.push(need.scope);
                }
                continue;
            };
            if standing == Standing::Good && !matches!(subject.listed, Listed::Token(_)) {
                token.tried.push(need.scope);
            }
            let so_far = if need.scope.ends_with(".readonly") {
                &mut token.reads
            } else {
                &mut token.writes
            };
            *so_far = std::mem::replace(so_far, Standing::Good).and(standing);
        }
        token
    }
}

/// The arguments of a read that every connection begins with.
pub(crate) fn first_arguments(operation: &str, location: &str) -> serde_json::Value {
    match operation {
        "get-custom-fields" => json!({ "locationId": location, "model": "contact" }),
        _ => json!({ "locationId": location, "page": 1, "pageLimit": 1 }),
    }
}

async fn first_read(subject: Subject<'_>, operation: &str, deadline: Instant) -> Standing {
    let arguments = first_arguments(operation, subject.location);
    let call = subject.highlevel.invoke(operation, &arguments);
    match in_time("HighLevel", deadline, call).await {
        Err(late) => Standing::Unknown(late),
        Ok(Ok(_)) => Standing::Good,
        Ok(Err(error)) => judge(&error),
    }
}

fn judge(error: &Error) -> Standing {
    match error.refusal() {
        Some(
            Refusal::ScopeMissing { .. }
            | Refusal::UserTypeMismatch
            | Refusal::WrongAuthClass
            | Refusal::WrongLocation
            | Refusal::Unauthorized
            | Refusal::VersionHeader
            | Refusal::Forbidden,
        ) => Standing::Bad(chain(error)),
        _ => Standing::Unknown(chain(error)),
    }
}

fn lists(scopes: &[String], wanted: &str) -> bool {
    scopes.iter().any(|scope| scope == wanted)
}

/// What an agency's token needs so that the location's can be had: no read would go through without it.
fn is_shown_by_first_reads(listed: &Listed, scope: &str) -> bool {
    let exchange = canopy_highlevel::operation("get-location-access-token");
    matches!(listed, Listed::Agency(_)) && exchange.is_some_and(|one| one.scopes.contains(&scope))
}

/// Whether the token has a scope; `None`: nothing tells.
async fn scope(subject: Subject<'_>, need: &Need, deadline: Instant) -> Option<Standing> {
    if let Listed::Token(scopes) = subject.listed {
        return Some(if lists(scopes, need.scope) {
            Standing::Good
        } else {
            Standing::Bad(format!(
                "the app's token lacks the scope {} ({}); add it to a version of the app and connect again",
                need.scope,
                need.needed_by.join(", ")
            ))
        });
    }
    let access = subject.highlevel.access(need.scope, subject.location);
    let Ok(access) = tokio::time::timeout_at(deadline, access).await else {
        return Some(Standing::Unknown(late("HighLevel")));
    };
    Some(match access {
        Access::Granted => Standing::Good,
        // The first reads tell a token that is wrong altogether; here it may be the operation that is special.
        Access::Refused(error) if error.refusal() == Some(Refusal::Unauthorized) => {
            Standing::Unknown(chain(&error))
        }
        Access::Refused(error) => Standing::Bad(format!(
            "{} is missing, which is needed by {}: {}",
            need.scope,
            need.needed_by.join(", "),
            chain(&error)
        )),
        Access::Unknown(error) => Standing::Unknown(chain(&error)),
        Access::Untried => return None,
    })
}
