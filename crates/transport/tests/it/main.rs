//! The transport over real sockets, on loopback.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod invoke;
mod schema;
mod server;
mod wire;
