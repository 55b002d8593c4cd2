//! The routes, over a store of their own.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod routes;
mod serve;
mod support;
mod webhooks;
mod workflow;
