//! The stand-in for HighLevel.

pub mod access;
mod contacts;
mod fields;
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
