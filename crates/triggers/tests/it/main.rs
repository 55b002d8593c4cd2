//! Polling and receiving against the sandbox.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod lists;
mod backfill;
mod poll;
mod receive;
mod support;
