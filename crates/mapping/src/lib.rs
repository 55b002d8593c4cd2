//! The pure half of Canopy: workflow files, conditions, templates, deterministic keys, record content.
//!
//! Values in, values out. It may depend on data and template libraries only: nothing here is async, speaks HTTP,
//! reads a clock, a file or the environment. What there is to call (the operation tables) it learns through
//! [`Actions`].
//!
//! ```
//! use canopy_mapping::template;
//! use serde_json::json;
//!
//! let context = json!({ "contact": { "id": "c1", "firstName": "Ada" } });
//! let value = json!({ "contactId": "{{ contact.id }}", "body": "Thank you, {{ contact.firstName }}!" });
//! assert_eq!(
//!     template::render(&value, &context)?,
//!     json!({ "contactId": "c1", "body": "Thank you, Ada!" }),
//! );
//! assert!(template::holds("contact.firstName == 'Ada'", &context)?);
//! # Ok::<(), template::TemplateError>(())
//! ```

mod actions;
mod advice;
mod caps;
mod check;
mod consent;
mod control;
mod dates;
mod event;
pub mod fields;
mod file_error;
#[rustfmt::skip]
mod generated {
    pub(crate) mod contact_members;
}
mod key;
mod merge;
mod moment;
mod names;
mod on;
mod once;
pub mod people;
mod poll;
mod profile;
mod record;
mod rounding;
mod schedule;
#[cfg(feature = "schema")]
pub mod schema;
#[cfg(test)]
mod some_actions;
mod step;
pub mod template;
mod values;
mod when;
mod words;
mod workflow;
mod zones;

pub use actions::{ActionKind, Actions, ArgumentError};
pub use consent::{PERSONAL, consents};
pub use control::{STOP, WAIT, check_control, wait_until, waits_by_local_clock};
pub use event::{Event, FIRST_POLL, Source, Trace, record_name};
pub use file_error::{FileError, nearest};
pub use key::{KeyError, KeyScope, step_key};
pub use merge::{LOCATION, MEMBERS as CONTACT_WORDS, USER};
pub use moment::{Moment, MomentError};
pub use names::{CUSTOM, fields_made_by, unknown_custom_fields};
pub use on::{Each, On, SCHEDULE_DUE, ScheduleOn, TriggerOn, WebhookOn};
pub use once::{NoValue, Once};
pub use poll::poll_name;
pub use profile::{Impact, Profile, ProfileNote, ProfileTask, profile_id, profile_record_id};
pub use record::{
    after_write, content_hash, has_custom_fields, once_version, record_hash, record_version,
};
pub use rounding::NAME_A_MODE;
pub use schedule::{Due, ScheduleError, Timetable};
pub use step::{CustomField, FieldType, Step};
pub use when::When;
pub use workflow::Workflow;
pub use zones::zone;
