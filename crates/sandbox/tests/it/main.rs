//! The sandbox over HTTP, as its users see it.

mod contacts;
mod harness;
