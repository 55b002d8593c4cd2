//! What a handler answers, before it becomes bytes.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::body::{Body, whole};

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Value,
    /// What is answered instead of the body.
    pub download: Option<Box<Download>>,
}

/// Bytes that are no JSON.
#[derive(Debug, Clone)]
pub struct Download {
    pub media: &'static str,
    pub bytes: Bytes,
}

/// `Err` holds a refusal: it is answered just the same, and lets handlers use `?`.
pub type Handled = Result<Answer, Answer>;

impl Answer {
    pub fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
            download: None,
        }
    }

    pub fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, body)
    }

    pub fn created(body: Value) -> Self {
        Self::new(StatusCode::CREATED, body)
    }

    /// A file.
    pub fn download(media: &'static str, bytes: impl Into<Bytes>) -> Self {
        let mut answer = Self::ok(Value::Null);
        answer.download = Some(Box::new(Download {
            media,
            bytes: bytes.into(),
        }));
        answer
    }

    /// A refusal in the services' shape; `message` is a text, or a list of them for validation.
    pub fn refused(status: StatusCode, message: impl Into<Value>) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        Self::new(
            status,
            json!({ "statusCode": status.as_u16(), "message": message.into(), "error": reason }),
        )
    }

    pub fn bad_request(message: impl Into<Value>) -> Self {
        Self::refused(StatusCode::BAD_REQUEST, message)
    }

    pub fn unauthorized(message: impl Into<Value>) -> Self {
        Self::refused(StatusCode::UNAUTHORIZED, message)
    }

    pub fn forbidden(message: impl Into<Value>) -> Self {
        Self::refused(StatusCode::FORBIDDEN, message)
    }

    pub fn not_found(message: impl Into<Value>) -> Self {
        Self::refused(StatusCode::NOT_FOUND, message)
    }

    pub fn invalid(messages: Vec<String>) -> Self {
        Self::refused(StatusCode::UNPROCESSABLE_ENTITY, messages)
    }

    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Self {
        self.headers
            .push((HeaderName::from_static(name), value.into()));
        self
    }
}

/// The answer as bytes.
pub fn respond(answer: Answer) -> Response<Body> {
    let (head, bytes) = encode(answer);
    head.map(|()| whole(bytes))
}

/// The answer's head and its body's bytes.
pub fn encode(answer: Answer) -> (Response<()>, Bytes) {
    // Only a fault can order a plain text; the services' own answers are objects.
    let (media, bytes) = match (answer.download, answer.body) {
        (Some(download), _) => (download.media, download.bytes),
        (None, Value::String(text)) => ("text/plain; charset=utf-8", Bytes::from(text)),
        (None, body) => (
            "application/json; charset=utf-8",
            Bytes::from(body.to_string()),
        ),
    };
    let mut head = Response::new(());
    *head.status_mut() = answer.status;
    let headers = head.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(media));
    for (name, value) in answer.headers {
        headers.insert(name, value);
    }
    (head, bytes)
}
