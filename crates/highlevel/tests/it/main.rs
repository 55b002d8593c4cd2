//! The client against a mocked service.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod catalog;
mod checks;
mod downloads;
mod evidence;
mod examples;
mod invoke;
mod oauth;
mod paging;
mod payloads;
mod raw;
mod readme;
mod refusals;
mod tolerance;
mod webhooks;
mod webhooks_rsa;

use std::time::Duration;

use canopy_highlevel::{Builder, Client, RetryPolicy};
use wiremock::{MockServer, ResponseTemplate};

/// An app's, which all operations take.
pub(crate) const TOKEN: &str = "app-0123-secret";

pub(crate) fn builder(url: &str) -> Builder {
    let quick = RetryPolicy {
        first_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    Client::builder()
        .base_url(url)
        .token(TOKEN.to_owned().into())
        .location("loc-1")
        .retry(quick)
}

/// A client of a service that always gives this answer.
pub(crate) async fn answering(answer: ResponseTemplate) -> (Client, MockServer) {
    let server = MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(answer)
        .mount(&server)
        .await;
    (builder(&server.uri()).build().unwrap(), server)
}

pub(crate) async fn requests(server: &MockServer) -> Vec<wiremock::Request> {
    server.received_requests().await.unwrap()
}
