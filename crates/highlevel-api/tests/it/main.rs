//! What the facade relies on in generated code.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use canopy_highlevel_api as api;

mod answers;
mod calls;
mod requests;
mod synth;
mod typed;
#[allow(unused_imports, reason = "generated: not every service has files or bodies")]
#[rustfmt::skip]
mod generated {
    pub mod answers;
    pub mod calls;
    pub mod requests;
}
