//! What the rest of the program relies on, through the public interface.

mod fences;
mod inbox;
mod ledger;
mod opening;
mod properties;
mod runs;
mod secrets;
mod support;
mod views;
mod writer;
