//! What the facade relies on in generated code. Most of it is the same for both services.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use canopy_ecologi_api as api;

#[path = "../../../highlevel-api/tests/it/answers.rs"]
mod answers;
mod calls;
#[path = "../../../highlevel-api/tests/it/requests.rs"]
mod requests;
#[path = "../../../highlevel-api/tests/it/synth.rs"]
mod synth;
#[path = "../../../highlevel-api/tests/it/typed.rs"]
mod typed;
#[allow(unused_imports, reason = "generated: not every service has files or bodies")]
#[rustfmt::skip]
mod generated {
    pub mod answers;
    pub mod calls;
    pub mod requests;
}
