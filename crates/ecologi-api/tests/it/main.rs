//! What the facade relies on in generated code.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod answers;
mod calls;
#[rustfmt::skip]
mod generated {
    pub mod answers;
}
