//! Polling and receiving against the sandbox.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod absent;
mod backfill;
mod deliveries;
mod documented;
mod every;
mod first;
mod health;
mod lists;
mod model;
mod poll;
mod receive;
mod schedule;
mod support;
mod windows;
