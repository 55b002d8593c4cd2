//! What the description of the service says, looked up by operation name or by a name of the catalog.

use std::sync::LazyLock;

use canopy_transport::CallError;
use canopy_transport::invoke::InvokeError;
use canopy_transport::operation::Operation;
use canopy_transport::schema::{Description, Document, Forms};
use serde_json::Value;

use crate::names::{self, Named};
use crate::{Error, api};

/// Read when it is first needed: a program that makes typed calls only never pays for it.
static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    Document::parse(api::OPENAPI).expect("the embedded description is JSON, as a test shows")
});

pub(crate) fn find(name: &str) -> Result<Named, Error> {
    names::find(name).ok_or_else(|| names::unknown(name))
}

/// The operation and its own arguments, if these fit.
pub(crate) fn prepared(name: &str, args: &Value) -> Result<(&'static Operation, Value), Error> {
    let named = find(name)?;
    let args = plain(&named, args).map_err(|error| wrong(&named, error))?;
    Ok((named.operation, args))
}

/// The operation's own arguments, held against the description.
fn plain(named: &Named, args: &Value) -> Result<Value, InvokeError> {
    let args = named.expand(args)?;
    let args = DOCUMENT.typed(named.operation, &args, Forms::Numbers);
    DOCUMENT.check(named.operation, &args)?;
    Ok(args)
}

fn wrong(named: &Named, error: InvokeError) -> Error {
    let error = CallError::arguments(named.name, error);
    Error::new(Some(named.operation), error)
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
    let named = find(name)?;
    let mut description = of(named.operation);
    named.describe(&mut description);
    Ok(description)
}

/// The arguments of an entry of the catalog as its operation takes them: a preset's parameter is replaced by what it
/// stands for. Those of an operation stay as they are.
///
/// ```
/// use serde_json::json;
///
/// let args = canopy_highlevel::expand("find-contact", &json!({"email": "ada@example.com", "pageLimit": 5}))?;
/// assert_eq!(args["filters"][0]["value"], "ada@example.com");
/// assert_eq!(args["pageLimit"], 5);
/// # Ok::<(), canopy_highlevel::Error>(())
/// ```
pub fn expand(name: &str, args: &Value) -> Result<Value, Error> {
    let named = find(name)?;
    let own = named.expand(args).map_err(|error| wrong(&named, error))?;
    Ok(own.into_owned())
}

/// The arguments in the forms that their fields have: `20.0` as 20 for a whole number and, by [`Forms::Texts`], JSON that
/// was written as a text (`"[\"a\"]"` for a list), as several assistants send it. What is wanted as a text stays one.
/// [`Client::invoke`](crate::Client::invoke) does the former by itself.
///
/// ```
/// use canopy_highlevel::Forms;
/// use serde_json::json;
///
/// let args = json!({"contactId": "c", "tags": "[\"vip\"]"});
/// assert_eq!(canopy_highlevel::typed("add-tags", &args, Forms::Texts)?["tags"], json!(["vip"]));
/// # Ok::<(), canopy_highlevel::Error>(())
/// ```
pub fn typed(name: &str, args: &Value, forms: Forms) -> Result<Value, Error> {
    find(name).map(|named| DOCUMENT.typed(named.operation, args, forms))
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
    find(name).map(|named| DOCUMENT.placeholder(named.operation, text))
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
    prepared(name, args).map(drop)
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
    match names::find(name) {
        Some(named) => plain(&named, args).err(),
        None => Some(InvokeError::UnknownOperation { nearest: None }),
    }
}
