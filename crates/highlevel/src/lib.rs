//! A client for HighLevel: every operation of the catalog, typed or by name, below the service's limits.
//!
//! It may depend on `canopy-transport` (limits, retries, redaction) and `canopy-highlevel-api` (what is generated from the
//! service's description), and knows neither store nor engine: it stands alone. `examples/` has five small programs, and
//! [`guide`] an example for each resource.
//!
//! # Quick start
//!
//! A private integration token of a location is all that is needed. Typed calls are built member by member below
//! [`Client::raw`]; `?` makes an [`Error`] of theirs where the function says so, and that is what `main` prints.
//!
//! ```no_run
//! use canopy_highlevel::api::contacts::types::CreateContact;
//! use canopy_highlevel::{Client, Error};
//!
//! async fn create(client: &Client) -> Result<Option<String>, Error> {
//!     let ada = CreateContact::builder()
//!         .location_id("ve9EPM428h8vShlRW1KT")
//!         .first_name("Ada".to_owned())
//!         .email("ada@example.com".to_owned());
//!     let answer = client.raw().create_contact().body(ada).send().await?;
//!     Ok(answer.into_inner().contact.and_then(|contact| contact.id))
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().token(std::env::var("HIGHLEVEL_TOKEN")?.into()).build()?;
//! println!("{:?}", create(&client).await?);
//! # Ok(())
//! # }
//! ```
//!
//! In an update, [`Patch::Clear`] empties a field, and what is not named stays. Answers are read leniently: every member
//! can be absent, members that the description does not know are in `extra`, new words of a word list are
//! `Open::Other`, numbers may be text and the other way round.
//!
//! # By name
//!
//! [`Client::invoke`] calls any of [`OPERATIONS`], also by its names in the [`CATALOG`], with one flat JSON object. The arguments are held against the
//! description before anything is sent ([`check`]); [`describe`] tells what an operation takes.
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use serde_json::json;
//!
//! let answer = client.invoke("get-contact", &json!({"contactId": "ocQHyuzHvysMo5N5VsXc"})).await?;
//! println!("{}", answer["contact"]["firstName"]);
//!
//! let error = client.invoke("get-contact", &json!({"contactID": "ocQHyuzHvysMo5N5VsXc"})).await.unwrap_err();
//! assert_eq!(error.to_string(), "get-contact: `contactID` is unknown here; the nearest is `contactId`");
//! # Ok(())
//! # }
//! ```
//!
//! # Paging
//!
//! [`Client::pages`], [`Client::items`] and [`Client::items_as`] read any list to its end as a [`Stream`], whichever of
//! the service's ways of paging it has; the searches go beyond 10,000 records. One odd record is an error of its own and
//! the others still come; a list that runs in a circle ends with an error. More in [`paging`].
//!
//! ```no_run
//! use canopy_highlevel::api::opportunities::types::Opportunity;
//! use canopy_highlevel::TryStreamExt as _;
//! use serde_json::json;
//!
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let args = json!({"location_id": "ve9EPM428h8vShlRW1KT", "status": "won"});
//! let won: Vec<Opportunity> = client.items_as("search-opportunity", &args).try_collect().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Answers that are files come as a stream of bytes from [`Client::download`].
//!
//! # Errors
//!
//! An [`Error`] says what happened and what to do, without token, URL or personal data.
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) {
//! use canopy_highlevel::Refusal;
//! use serde_json::json;
//!
//! if let Err(error) = client.invoke("delete-contact", &json!({"contactId": "c"})).await {
//!     match error.refusal() {
//!         Some(Refusal::NotFound) => println!("it was gone already"),
//!         Some(Refusal::ScopeMissing { scopes }) => println!("add {scopes:?} to the integration"),
//!         // Nobody knows whether it was carried out: look before doing it again.
//!         _ if error.outcome_unknown() => println!("in doubt: {error}"),
//!         _ if error.is_retryable() => println!("again after {:?}", error.retry_after()),
//!         _ => println!("{:?} {:?} {:?} {:?}", error.status(), error.trace_id(), error.field(), error.body()),
//!     }
//! }
//! # }
//! ```
//!
//! Reads are retried by themselves, and so is what can be sent twice without harm; a create is sent once.
//!
//! # Webhooks
//!
//! [`webhook::Verifier`] checks a delivery's signature over its raw bytes, [`webhook::parse`] reads it as the type of its
//! event.
//!
//! ```
//! use canopy_highlevel::api::webhooks::Payload;
//! use canopy_highlevel::webhook::{Signatures, Verifier, parse};
//! use canopy_highlevel::{Clock as _, SystemClock};
//!
//! fn receive(signature: Option<&str>, body: &[u8]) -> Result<Payload, Box<dyn std::error::Error>> {
//!     let signatures = Signatures { ed25519: signature, rsa: None };
//!     Verifier::highlevel().verify(signatures, body, SystemClock.now())?;
//!     Ok(parse(body)?)
//! }
//! assert!(receive(None, b"{}").is_err());
//! ```
//!
//! # OAuth
//!
//! An app that others install gets its tokens by [`oauth::OAuthApp`] and renews them by [`oauth::OAuthTokens`]: ahead of
//! their end, once for all callers, durable before their first use, and whoever stops waiting. See [`oauth`].
//!
//! # Features
//!
//! One for each resource, named like its module in [`api`] and on by default. [`OPERATIONS`], [`Client::invoke`] and the
//! streams know all operations without any of them; without the typed calls a build is quicker.

mod access;
mod arranging;
mod client;
mod describe;
mod download;
mod error;
#[cfg(feature = "all")]
pub mod guide;
mod names;
pub mod oauth;
pub mod paging;
mod refusal;
pub mod webhook;

pub use access::Access;
pub use arranging::arranges;
pub use canopy_highlevel_api as api;
pub use canopy_highlevel_api::{CATALOG, OPERATIONS, WEBHOOKS};
pub use canopy_transport::invoke::InvokeError;
pub use canopy_transport::schema::{AnswerKind, Description, Field, FieldPlace, Forms};
pub use canopy_transport::{
    Budget, BuildError, CallLog, CallRecord, Cause, Clock, DailyBudget, DailyLimit, Exhausted,
    Limiter, Limits, NotSent, OddRecord, PagingError, Patch, Priority, Reserves, RetryPolicy,
    SecretString, SharedPace, StaticToken, SystemClock, Timeouts, TokenError, TokenSource,
    Unreadable, WindowLimit, operation, tolerant,
};
pub use client::{Builder, Client, DEFAULT_BASE_URL, default_limits};
pub use describe::{check, describe, expand, mistake, placeholder, typed};
pub use download::Download;
pub use error::Error;
pub use futures::{Stream, StreamExt, TryStreamExt};
pub use paging::{Item, Page};
pub use refusal::Refusal;

/// The operation of this name, e.g. `get-contact`.
pub fn operation(name: &str) -> Option<&'static operation::Operation> {
    canopy_transport::invoke::find(OPERATIONS, name)
}
