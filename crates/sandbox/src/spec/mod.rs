//! The bundled descriptions: which operations there are and what their requests may hold.

mod bundle;
mod checks;
mod convert;
mod messages;

pub use bundle::{Bundle, Described};
pub use checks::Checks;
