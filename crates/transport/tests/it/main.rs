//! The transport over real sockets, on loopback.

mod invoke;
mod server;
mod wire;
