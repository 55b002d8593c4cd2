//! The sandbox over HTTP, as its users see it.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod agency;
mod answers;
mod associations;
mod blogs;
mod businesses;
mod calendars;
mod contacts;
mod control;
mod conversations;
mod delivery;
mod described;
mod ecologi;
mod faults;
mod harness;
mod limits;
mod misbehaviour;
mod notes_and_tasks;
mod oauth;
mod opportunities;
mod plain;
mod readme;
mod refusals;
mod search;
mod slots;
mod users;
mod webhooks;
