//! The engine against the sandbox, with a clock that the tests move.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod account;
mod actions;
mod budgets;
mod caps;
mod custom_fields;
mod documents;
mod events;
mod evidence;
mod field_types;
mod fields;
mod gate;
mod integers;
mod judged;
mod language;
mod late_writes;
mod lookups;
mod lost_creates;
mod missing;
mod modes;
mod moved;
mod nulls;
mod one_body;
mod order;
mod own_key;
mod profiles;
mod purchases;
mod recipes;
mod retries;
mod somebody;
mod support;
mod tag_writes;
mod told;
mod unreadable;
mod upserts;
mod values;
