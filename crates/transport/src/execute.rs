//! The seam between generated clients and the stack that sends.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::operation::Operation;

/// Sends one request of an operation. Generated clients carry an `Arc<dyn Execute>` and know nothing else of the stack.
///
/// The error type is what generated clients can pass on. A failure that is not a `reqwest::Error` (no token, budget used
/// up) therefore travels as an answer made here: status 401 or 429 with [`crate::Facts`] among its extensions.
#[async_trait]
pub trait Execute: Send + Sync + Debug {
    async fn execute(
        &self,
        operation: &'static Operation,
        request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response>;
}
