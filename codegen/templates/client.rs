//! The client that every resource adds its calls to.

use std::sync::Arc;

use canopy_transport::Execute;
use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo, ResponseValue};
use serde::de::{DeserializeOwned, Error as _};

use super::operations;

/// Calls the service. Cheap to clone.
///
/// Each enabled resource adds its calls as methods. A call is built member by member and ends with `send()`.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
    pub(crate) inner: Arc<dyn Execute>,
}

impl Client {
    /// Calls the service at `base_url` through `execute`, which adds the token and obeys the limits.
    pub fn new(base_url: impl Into<String>, execute: Arc<dyn Execute>) -> Self {
        let mut baseurl = base_url.into();
        baseurl.truncate(baseurl.trim_end_matches('/').len());
        Self { baseurl, client: canopy_transport::request_builder(), inner: execute }
    }

    /// Where the service is, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.baseurl
    }

    /// What sends the calls.
    pub fn execute(&self) -> &Arc<dyn Execute> {
        &self.inner
    }
}

impl ClientInfo<Arc<dyn Execute>> for Client {
    fn api_version() -> &'static str {
        ""
    }

    fn baseurl(&self) -> &str {
        &self.baseurl
    }

    fn client(&self) -> &reqwest::Client {
        &self.client
    }

    fn inner(&self) -> &Arc<dyn Execute> {
        &self.inner
    }
}

/// Hands every request to the transport, with its entry in the table of operations.
impl ClientHooks<Arc<dyn Execute>> for Client {
    async fn exec(
        &self,
        mut request: reqwest::Request,
        info: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        // The generator adds it to every request; the transport knows the version of each operation.
        request.headers_mut().remove("api-version");
        let operation = operations::by_method_name(info.operation_id)
            .expect("calls and table are generated from the same description");
        self.inner.execute(operation, request).await
    }
}

/// Reads a success. An empty body is an empty answer, and what cannot be read is not shown: it can be personal.
#[allow(dead_code)] // Without any resource nothing is read.
pub(crate) async fn answer<T: DeserializeOwned, E>(
    response: reqwest::Response,
) -> Result<ResponseValue<T>, Error<E>> {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(Error::ResponseBodyError)?;
    let text: &[u8] = if body.trim_ascii().is_empty() { b"{}" } else { &body };
    let inner = serde_json::from_slice(text).map_err(|error| {
        let place = format!("the answer is not what the description says ({:?} error)", error.classify());
        Error::InvalidResponsePayload(bytes::Bytes::new(), serde_json::Error::custom(place))
    })?;
    Ok(ResponseValue::new(inner, status, headers))
}
