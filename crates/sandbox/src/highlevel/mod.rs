//! The stand-in for HighLevel.

#![allow(
    clippy::unnecessary_wraps,
    reason = "handlers have one type, also those that never refuse"
)]

pub mod access;
mod contacts;
mod fields;
mod filters;
pub mod limits;
mod listing;
mod locations;
mod membership;
mod notes;
pub mod oauth;
pub mod routes;
mod search;
mod tags;
mod tasks;
mod views;

pub use fields::write_members;
pub use views::full as contact_view;
