//! A client for HighLevel: every operation of the catalog, typed or by name, below the service's limits.
//!
//! It adds to the generated client ([`Client::raw`]) what a program needs: tokens, limits and retries from
//! `canopy-transport`, errors that tell what to do ([`Error`], [`Refusal`]), calls by operation name
//! ([`Client::invoke`]) and the check of webhook signatures ([`webhook`]). It may depend on `canopy-transport` and
//! `canopy-highlevel-api` and knows neither store nor engine.
//!
//! ```no_run
//! use canopy_highlevel::Client;
//! use serde_json::json;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder()
//!     .token(std::env::var("HIGHLEVEL_TOKEN")?.into())
//!     .location("ve9EPM428h8vShlRW1KT")
//!     .build()?;
//! let answer = client.invoke("get-contact", &json!({"contactId": "ocQHyuzHvysMo5N5VsXc"})).await?;
//! println!("{}", answer["contact"]["firstName"]);
//! # Ok(())
//! # }
//! ```

mod client;
mod describe;
mod download;
mod error;
pub mod oauth;
pub mod paging;
mod refusal;
pub mod webhook;

pub use canopy_highlevel_api as api;
pub use canopy_highlevel_api::{OPERATIONS, WEBHOOKS};
pub use canopy_transport::schema::{AnswerKind, Description, Field, FieldPlace};
pub use canopy_transport::{
    Budget, BuildError, CallLog, CallRecord, Cause, Clock, DailyLimit, Limiter, Limits, OddRecord,
    PagingError, Patch, Priority, Reserves, RetryPolicy, SecretString, StaticToken, Timeouts,
    TokenError, TokenSource, WindowLimit, operation,
};
pub use client::{Builder, Client, DEFAULT_BASE_URL, default_limits};
pub use describe::{check, describe};
pub use download::Download;
pub use error::Error;
pub use futures::{Stream, StreamExt, TryStreamExt};
pub use paging::{Item, Page};
pub use refusal::Refusal;

/// The operation of this name, e.g. `get-contact`.
pub fn operation(name: &str) -> Option<&'static operation::Operation> {
    canopy_transport::invoke::find(OPERATIONS, name)
}
