//! The sandbox's control address, as the demo uses it.

use serde_json::Value;

use crate::exit::Failure;

/// A client of one sandbox's control address.
#[derive(Debug)]
pub(crate) struct Control {
    http: reqwest::Client,
    url: String,
}

impl Control {
    pub fn new(url: &str) -> Result<Self, Failure> {
        // An error means that a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build();
        Ok(Self {
            http: http.map_err(|error| Failure::failed(&error))?,
            url: url.to_owned(),
        })
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(self.http.post(self.address(path)).json(body))
            .await
    }

    async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(self.http.get(self.address(path))).await
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        let answer = async { request.send().await?.error_for_status()?.json().await };
        answer
            .await
            .map_err(|error: reqwest::Error| Failure::failed(&error))
    }

    /// Deliveries that are under way or wait for their next attempt.
    pub async fn webhooks_outstanding(&self) -> Result<u64, Failure> {
        let deliveries = self.get("/webhooks").await?;
        let under_way = deliveries
            .as_array()
            .into_iter()
            .flatten()
            .filter(|delivery| {
                let state = delivery["state"].as_str().unwrap_or_default();
                ["held", "waiting", "sending"].contains(&state)
            });
        Ok(under_way.count() as u64)
    }

    /// Ids of the contacts that were created, by the sandbox's history.
    pub async fn created_contacts(&self) -> Result<Vec<String>, Failure> {
        let history = self.get("/history").await?;
        let created = history
            .as_array()
            .into_iter()
            .flatten()
            .filter(|change| change["kind"] == "contact.created");
        Ok(created
            .filter_map(|change| change["record_id"].as_str().map(str::to_owned))
            .collect())
    }

    /// Idempotency keys of all purchases in the book.
    pub async fn purchase_keys(&self) -> Result<Vec<Option<String>>, Failure> {
        let book = self.get("/purchases").await?;
        let purchases = book.as_array().into_iter().flatten();
        Ok(purchases
            .map(|purchase| purchase["key"].as_str().map(str::to_owned))
            .collect())
    }
}
