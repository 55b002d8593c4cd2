//! The stand-in for HighLevel.

#![allow(
    clippy::unnecessary_wraps,
    reason = "handlers have one type, also those that never refuse"
)]

pub mod access;
mod agency;
mod associations;
mod automations;
mod blogs;
mod businesses;
pub mod calendars;
mod contacts;
pub mod conversations;
pub mod describing;
mod fields;
mod filters;
mod followers;
pub mod limits;
mod listing;
pub mod locations;
mod notes;
pub mod oauth;
pub mod opportunities;
mod paging;
pub mod plain;
mod relations;
pub mod routes;
mod search;
mod tags;
mod tasks;
mod users;
mod views;

use crate::world::{Act, World};

pub use fields::{Rules, write_members};
pub use listing::mentions;
pub use views::full as contact_view;

/// Removes what goes with a contact: its opportunities, appointments, conversation and relations.
pub fn forget_contact(world: &mut World, contact_id: &str, act: Act) {
    world.remove_with(&opportunities::KIND, "contactId", contact_id, act);
    calendars::events::remove_all(world, "contactId", contact_id, act);
    conversations::forget_contact(world, contact_id, act);
    for side in ["firstRecordId", "secondRecordId"] {
        world.remove_with(&relations::KIND, side, contact_id, act);
    }
}
