//! What codegen promises: a wrong spec is told, a right one always gives the same files.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod diff;
mod diff_breaks;
mod emitted;
mod lint;
mod lint_evidence;
mod lint_pointers;
mod lint_triggers;
mod lint_webhooks;
mod output;
