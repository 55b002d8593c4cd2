//! Pure mapping: an event and a customer view in, planned steps out.

mod event;
mod profile;

pub use event::{Event, Source};
pub use profile::{Impact, Profile, profile_id};
