//! What the description of the service says, looked up by operation name.

use std::sync::LazyLock;

use canopy_transport::invoke::InvokeError;
use canopy_transport::operation::Operation;
use canopy_transport::schema::{Description, Document};
use canopy_transport::{CallError, invoke};
use serde_json::Value;

use crate::{Error, OPERATIONS, api};

/// Read when it is first needed: a program that makes typed calls only never pays for it.
static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    Document::parse(api::OPENAPI).expect("the embedded description is JSON, as a test shows")
});

pub(crate) fn find(name: &str) -> Result<&'static Operation, Error> {
    invoke::find(OPERATIONS, name).ok_or_else(|| invoke::unknown(OPERATIONS, name).into())
}

pub(crate) fn hold(operation: &'static Operation, args: &Value) -> Result<(), Error> {
    DOCUMENT
        .check(operation, args)
        .map_err(|error| Error::new(Some(operation), CallError::arguments(operation.name, error)))
}

pub(crate) fn of(operation: &Operation) -> Description {
    DOCUMENT.describe(operation)
}

/// What an operation takes and gives: fields with place, type and words, and arguments to start from.
///
/// ```
/// let create = canopy_highlevel::describe("create-note")?;
/// let body = create.fields.iter().find(|field| field.name == "body").unwrap();
/// assert!(body.required && body.kind == "string");
/// assert!(canopy_highlevel::check("create-note", &create.example).is_ok());
/// # Ok::<(), canopy_highlevel::Error>(())
/// ```
pub fn describe(name: &str) -> Result<Description, Error> {
    find(name).map(of)
}

/// An answer of the form that the operation's has, for what is planned and not sent: each text in it is what `text`
/// makes of its member's name.
///
/// ```
/// let answer = canopy_highlevel::placeholder("create-note", &|name| format!("<{name}>"))?;
/// assert_eq!(answer["note"]["id"], "<id>");
/// # Ok::<(), canopy_highlevel::Error>(())
/// ```
pub fn placeholder(name: &str, text: &dyn Fn(&str) -> String) -> Result<Value, Error> {
    find(name).map(|operation| DOCUMENT.placeholder(operation, text))
}

/// Holds arguments against the description, without sending anything; [`Client::invoke`](crate::Client::invoke) does it
/// before each call. The error names the first field that does not fit, such as `customFields[0].id`.
///
/// ```
/// use serde_json::json;
///
/// let args = json!({"locationId": "l", "pageLimit": 10, "filters": [{"group": "ANY"}]});
/// let error = canopy_highlevel::check("search-contacts-advanced", &args).unwrap_err();
/// assert_eq!(error.field(), Some("filters[0].group"));
/// assert!(error.to_string().contains("one of AND, OR"));
/// ```
pub fn check(name: &str, args: &Value) -> Result<(), Error> {
    hold(find(name)?, args)
}

/// What [`check`] would refuse, as data: for programs that go on and look for the next mistake.
///
/// ```
/// use canopy_highlevel::{InvokeError, mistake};
///
/// let found = mistake("create-note", &serde_json::json!({"contactId": "c", "body": "Hello", "bodi": 1}));
/// assert!(matches!(found, Some(InvokeError::Unexpected { field, .. }) if field == "bodi"));
/// ```
pub fn mistake(name: &str, args: &Value) -> Option<InvokeError> {
    match invoke::find(OPERATIONS, name) {
        Some(operation) => DOCUMENT.check(operation, args).err(),
        None => Some(InvokeError::UnknownOperation { nearest: None }),
    }
}
