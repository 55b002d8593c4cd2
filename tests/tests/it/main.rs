//! The real binary against the sandbox. Every test has a sandbox, a folder and processes of its own.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod approvals;
mod auth;
mod backfill;
mod backfill_kills;
mod backup;
mod bad_input;
mod before_money;
mod books;
mod budget;
mod call;
mod crashes;
mod daemon;
mod demo;
mod first_poll;
mod language;
mod machines;
mod mcp;
mod missed;
mod money;
mod oauth;
mod ops;
mod order_kills;
mod people;
mod people_same;
mod polls;
mod process;
mod profiles;
mod receiver;
mod recipes;
mod recipes_profiles;
mod rehearsal;
mod support;
mod view;
mod webhooks;
