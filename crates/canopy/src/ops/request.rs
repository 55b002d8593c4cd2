//! What would be sent, for a look at it.

use canopy_highlevel::AnswerKind;
use canopy_transport::invoke;
use serde_json::{Map, Value, json};
use url::Url;

use super::Entry;
use crate::exit::Failure;

/// A request that is not sent. It holds no token.
#[derive(Debug)]
pub(crate) struct Preview {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    /// Text of a form, JSON of anything else; null when there is none.
    body: Value,
}

impl Preview {
    /// Puts the request together from arguments that have passed the check.
    pub fn new(base_url: &str, entry: &Entry, arguments: &Value) -> Result<Self, Failure> {
        let base = Url::parse(base_url).map_err(|error| Failure::bad_input(&error))?;
        let request = invoke::request(&base, entry.operation, arguments)
            .map_err(|error| Failure::bad_input(&error))?;
        let accept = match entry.describe().answer {
            AnswerKind::Json => "application/json",
            AnswerKind::Bytes => "*/*",
        };
        // What the client's transport adds to each request.
        let added = [
            ("authorization", "Bearer [redacted]"),
            ("version", entry.operation.api_version.unwrap_or_default()),
            ("accept", accept),
            ("user-agent", concat!("canopy/", env!("CARGO_PKG_VERSION"))),
        ];
        let added = added.iter().filter(|(_, value)| !value.is_empty());
        let mut headers: Vec<_> = added
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        for (name, value) in request.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.push((name.to_string(), value));
        }
        let body = request.body().and_then(reqwest::Body::as_bytes);
        let body = body.map_or(Value::Null, |bytes| {
            serde_json::from_slice(bytes)
                .unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into())
        });
        Ok(Self {
            method: request.method().to_string(),
            url: request.url().to_string(),
            headers,
            body,
        })
    }

    pub fn as_json(&self) -> Value {
        let headers = self.headers.iter();
        let headers: Map<_, _> = headers
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        json!({ "method": self.method, "url": self.url, "headers": headers, "body": self.body })
    }

    pub fn as_text(&self) -> String {
        let request = format!("{} {}", self.method, self.url);
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"));
        let body = match &self.body {
            Value::Null => Vec::new(),
            Value::String(form) => vec![String::new(), form.clone()],
            body => vec![String::new(), format!("{body:#}")],
        };
        let lines: Vec<_> = std::iter::once(request)
            .chain(headers)
            .chain(body)
            .collect();
        lines.join("\n") + "\n"
    }
}
