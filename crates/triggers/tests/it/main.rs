//! Polling and receiving against the sandbox.

mod poll;
mod receive;
mod support;
