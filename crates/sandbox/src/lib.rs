//! A stand-in for HighLevel and Ecologi on loopback, to develop and test against: it keeps state, holds requests
//! against the services' descriptions, limits rates, signs webhooks, fails on request, and lets tests read its books.
//!
//! It shares no code with the clients, so that a mistake of theirs is not repeated here: it may depend on none of our
//! crates, only on the descriptions bundled in `openapi/`. Its README documents the control API.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), canopy_sandbox::SandboxError> {
//! use canopy_sandbox::Sandbox;
//!
//! let sandbox = Sandbox::builder().contacts(3).seed(7).start().await?;
//! assert!(sandbox.info().highlevel_url.starts_with("http://127.0.0.1:"));
//! sandbox.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod answer;
mod body;
mod call;
mod clock;
mod collection;
mod collections;
mod connection;
mod contacts;
mod control;
mod described;
mod ecologi;
mod faults;
mod fixtures;
mod highlevel;
mod history;
mod ids;
mod misbehave;
mod operations;
mod phone;
mod records;
mod requests;
mod seed;
mod server;
mod service;
mod settings;
mod shared;
mod spec;
mod webhooks;
mod work;
mod world;

/// The example of the README, which is run like those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use faults::{Kind as FaultKind, Order as FaultOrder};
pub use server::{Builder, Options, Sandbox, SandboxError, SandboxInfo, run};
