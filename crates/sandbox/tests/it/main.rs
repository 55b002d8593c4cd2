//! The sandbox over HTTP, as its users see it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod answers;
mod contacts;
mod control;
mod described;
mod ecologi;
mod faults;
mod harness;
mod limits;
mod notes_and_tasks;
mod oauth;
mod refusals;
mod search;
mod webhooks;
