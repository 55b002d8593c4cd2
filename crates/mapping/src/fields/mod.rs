//! Field mapping: which fields of a contact in HighLevel and of a profile belong together, and what to write where so
//! that they say the same.
//!
//! [`FieldRules`] are what a person wrote; [`FieldMapping::resolve`] finds their fields among those of the location;
//! [`FieldMapping::plan`] compares both sides with what they last agreed on. Carrying out a plan makes the next one
//! empty: a value is only ever written where it reads back as itself.

mod contact_field;
mod datum;
mod mapped;
mod plan;
mod resolve;
mod rule;
#[cfg(test)]
mod tests;

pub use contact_field::{
    CustomFieldInfo, KEY, SeveralFields, are_known, custom_values, written_fields,
};
pub use mapped::{FieldMapping, MappedField};
pub use plan::{FieldProblem, Sides, SyncPlan};
pub use resolve::RuleProblem;
pub use rule::{Conflict, Direction, FieldRule, FieldRules, Tidy};
