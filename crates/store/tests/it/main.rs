//! What the rest of the program relies on, through the public interface.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are tests too, which the lint does not see"
)]

mod attempts;
mod backup;
mod caps;
mod deliveries;
mod fences;
mod found;
mod health;
mod inbox;
mod ledger;
mod marks;
mod opening;
mod polls;
mod profiles;
mod properties;
mod records;
mod runs;
mod secrets;
mod support;
mod upgrade;
mod views;
mod writer;
