//! What a token may do, found out by calls that change nothing: the service looks at token and scope before it looks at what
//! is asked for, so a call about a record that cannot exist tells by the way in which it is refused.

use canopy_transport::operation::{Body, Idempotency, Operation, Place, TokenKind};
use canopy_transport::{CallError, invoke};
use serde_json::{Map, Value};

use crate::{Client, Error, OPERATIONS, Refusal};

/// No record has this id: ids are letters and digits.
const NOBODY: &str = "canopy-check-no-such-record";
/// No body has this member, and HighLevel refuses members that it does not know. So a write is refused twice over: for its
/// record and for its content.
const UNKNOWN_MEMBER: &str = "canopyCheckThatChangesNothing";

/// Whether a token has a scope.
#[derive(Debug, Clone)]
pub enum Access {
    /// The call was refused for what it asked for, so not for the token.
    Granted,
    /// The token is refused, or lacks the scope.
    Refused(Error),
    /// Nobody can tell now: no answer, or the service has troubles of its own.
    Unknown(Error),
    /// No operation with this scope can be called without perhaps changing something; or it was refused in a way that may be
    /// about the record that is not there, and may be about the token.
    Untried,
}

impl Client {
    /// Finds out whether the token has a scope at a location, by a call that changes nothing: a read, or a change of a
    /// record that cannot exist with a content that is refused. HighLevel lists no scopes of private integration tokens.
    ///
    /// ```no_run
    /// # async fn example(client: canopy_highlevel::Client) {
    /// use canopy_highlevel::Access;
    ///
    /// if let Access::Refused(error) = client.access("contacts.write", "ocQHyuzHvysMo5N5VsXc").await {
    ///     println!("{error}");
    /// }
    /// # }
    /// ```
    pub async fn access(&self, scope: &str, location: &str) -> Access {
        let Some(operation) = harmless(scope) else {
            return Access::Untried;
        };
        let arguments = arguments(operation, location);
        let headers = http::HeaderMap::new();
        let answer = invoke::call(
            self.transport(),
            self.base(),
            operation,
            &arguments,
            headers,
        );
        match answer.await {
            Ok(_) => Access::Granted,
            Err(error) => judge(operation, error),
        }
    }
}

fn judge(operation: &'static Operation, error: CallError) -> Access {
    let error = Error::new(Some(operation), error);
    match error.refusal() {
        Some(
            Refusal::ScopeMissing { .. }
            | Refusal::UserTypeMismatch
            | Refusal::WrongAuthClass
            | Refusal::Unauthorized
            | Refusal::VersionHeader,
        ) => Access::Refused(error),
        Some(Refusal::Validation { .. } | Refusal::NotFound) => Access::Granted,
        // What is forbidden may be the record that is not there. Of reads others tell; money may be spent before a write.
        Some(Refusal::WrongLocation | Refusal::Forbidden)
            if operation.idempotency == Idempotency::Read =>
        {
            Access::Granted
        }
        Some(Refusal::WrongLocation | Refusal::Forbidden) => Access::Untried,
        _ if error.is_unreadable() => Access::Granted,
        _ => Access::Unknown(error),
    }
}

/// An operation with the scope that changes nothing when it is called about nobody.
fn harmless(scope: &str) -> Option<&'static Operation> {
    let with_scope = OPERATIONS.iter().filter(|one| one.scopes == [scope]);
    let ranked = with_scope.filter_map(|one| Some((rank(one)?, one)));
    let best = ranked.min_by_key(|(rank, _)| *rank);
    best.map(|(_, operation)| operation)
}

/// The lower, the better; `None` for what is not called.
fn rank(operation: &Operation) -> Option<u8> {
    let fits = operation.token_kinds.is_empty()
        || operation
            .token_kinds
            .iter()
            .any(|kind| matches!(kind, TokenKind::Location | TokenKind::LocationApp));
    let fillable = operation.parameters.iter().all(|parameter| {
        !parameter.required || parameter.place == Place::Path || parameter.name == LOCATION
    });
    if !fits || !fillable {
        return None;
    }
    let names_record = operation
        .parameters
        .iter()
        .any(|parameter| parameter.place == Place::Path && parameter.name != LOCATION);
    match (operation.http_method, names_record) {
        ("GET", true) if operation.idempotency == Idempotency::Read => Some(0),
        ("GET", false) if operation.idempotency == Idempotency::Read => Some(1),
        // Creates are left out: HighLevel is known to create and answer that it refused.
        ("PUT", true) if operation.body == Body::Json => Some(2),
        _ => None,
    }
}

const LOCATION: &str = "locationId";

fn arguments(operation: &Operation, location: &str) -> Value {
    let mut arguments = Map::new();
    for parameter in operation.parameters {
        if parameter.name == LOCATION {
            arguments.insert(LOCATION.to_owned(), location.into());
        } else if parameter.place == Place::Path {
            arguments.insert(parameter.name.to_owned(), NOBODY.into());
        }
    }
    if operation.body == Body::Json {
        arguments.insert(UNKNOWN_MEMBER.to_owned(), true.into());
    }
    Value::Object(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_scope_is_tried_by_a_call_that_could_change_something() {
        let scopes = OPERATIONS.iter().flat_map(|one| one.scopes);
        for operation in scopes.filter_map(|scope| harmless(scope)) {
            let arguments = arguments(operation, "l");
            if operation.idempotency == Idempotency::Read {
                continue;
            }
            // It is about a record that cannot exist, and says what nobody takes.
            assert_eq!(operation.http_method, "PUT", "{}", operation.name);
            let members = arguments.as_object().unwrap();
            assert!(
                members.values().any(|value| value == NOBODY),
                "{}",
                operation.name
            );
            assert!(members.contains_key(UNKNOWN_MEMBER), "{}", operation.name);
            assert!(
                crate::check(operation.name, &arguments).is_err(),
                "{}",
                operation.name
            );
        }
    }

    #[test]
    fn the_scopes_that_workflows_need_most_are_tried() {
        for scope in [
            "contacts.readonly",
            "contacts.write",
            "locations/customFields.readonly",
            "opportunities.write",
            "conversations/message.write",
            "calendars/events.write",
        ] {
            assert!(harmless(scope).is_some(), "{scope}");
        }
        // There is no other write with it than the creation.
        assert!(harmless("locations/customFields.write").is_none());
    }
}
