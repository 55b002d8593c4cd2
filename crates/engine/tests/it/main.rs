//! The engine against the sandbox, with a clock that the tests move.

mod events;
mod purchases;
mod retries;
mod support;
