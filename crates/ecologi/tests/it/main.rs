//! The client against a mocked service.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod buy;
mod order;
mod refusals;
mod report;

use std::time::Duration;

use canopy_ecologi::{Builder, Client, RetryPolicy};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

pub(crate) const KEY: &str = "ecologi-secret-key";

pub(crate) fn builder(url: &str) -> Builder {
    let quick = RetryPolicy {
        first_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    Client::builder()
        .base_url(url)
        .api_key(KEY.to_owned().into())
        .location("conn-1")
        .retry(quick)
}

/// A client of a service that always gives this answer.
pub(crate) async fn answering(answer: ResponseTemplate) -> (Client, MockServer) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    (builder(&server.uri()).build().unwrap(), server)
}

pub(crate) async fn requests(server: &MockServer) -> Vec<wiremock::Request> {
    server.received_requests().await.unwrap()
}
