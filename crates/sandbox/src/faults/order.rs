//! A fault as it is ordered: what goes wrong, for which requests or webhooks, how often.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Answers a status instead of doing the work (with `after_work`: after doing it), in the service's form of a refusal
    /// unless `body` says otherwise.
    Status,
    /// Answers exactly what is ordered: any status, any bytes, any content type, or none of them.
    Answer,
    /// Does the work, then changes the answer's JSON by `set` and `remove`.
    Alter,
    /// Waits, then goes on as usual.
    Delay,
    /// Does the work and answers the head at once, but the body in pieces with pauses.
    SlowBody,
    /// Does the work and answers the head, but closes the connection in the middle of the body.
    CutBody,
    /// Answers 404, as if it were not there yet, to the first reads of each record that was created after the order.
    LateRecord,
    /// Does the work, then closes the connection without an answer.
    DropAnswer,
    /// Closes the connection without doing the work.
    DropRequest,
    /// Never answers and does no work (with `after_work`: does it first).
    Hang,
    /// Sends an event several times.
    DuplicateWebhooks,
    /// Gathers events and sends them in reverse.
    ReorderWebhooks,
    /// Sends nothing.
    LoseWebhooks,
}

impl Kind {
    /// The name in orders and in the log of requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Answer => "answer",
            Self::Alter => "alter",
            Self::Delay => "delay",
            Self::SlowBody => "slow_body",
            Self::CutBody => "cut_body",
            Self::LateRecord => "late_record",
            Self::DropAnswer => "drop_answer",
            Self::DropRequest => "drop_request",
            Self::Hang => "hang",
            Self::DuplicateWebhooks => "duplicate_webhooks",
            Self::ReorderWebhooks => "reorder_webhooks",
            Self::LoseWebhooks => "lose_webhooks",
        }
    }

    pub(crate) fn is_for_webhooks(self) -> bool {
        matches!(
            self,
            Self::DuplicateWebhooks | Self::ReorderWebhooks | Self::LoseWebhooks
        )
    }
}

/// A fault as `POST /faults` and [`crate::Sandbox::add_fault`] take it. Members that do not belong to its kind are ignored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Order {
    pub kind: Kind,
    /// `highlevel` or `ecologi`; absent: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// An operation id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A path as requested, or its template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A webhook's type, e.g. `ContactCreate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// How often it applies; absent: until it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How many matches pass untouched first.
    #[serde(default)]
    pub skip: u32,
    /// Probability per match, drawn from the seed; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// For `status`, and for `answer` (200).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// For `status`: the answer's body (a text is sent as plain text). For `answer`: any JSON, also null or a text.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub body: Option<Value>,
    /// For `answer`: the body, letter by letter. It need not be JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// For `answer`: the body's bytes in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// For `answer`: how often the body is sent one after the other, for answers that are too large (1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<u32>,
    /// For `answer`: the body's type; empty for none. Absent: that of JSON, for `text` that of plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// For `status` and `answer`: headers of the answer, e.g. `Retry-After`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// For `alter`: values by JSON pointer; parents that are missing are made.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub set: IndexMap<String, Value>,
    /// For `alter`: pointers to what is taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// For `delay`, and for `slow_body` between two pieces, in real time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// For `slow_body`: bytes of a piece (1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece_bytes: Option<usize>,
    /// For `cut_body`: how many bytes arrive (half of them).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_bytes: Option<usize>,
    /// For `late_record`: how many reads of each record (1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<u32>,
    /// For `status`, `answer` and `hang`: do the work first.
    #[serde(default)]
    pub after_work: bool,
    /// For `duplicate_webhooks`: how often the event is sent altogether (2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u32>,
    /// For `reorder_webhooks`: how many are gathered and sent in reverse (4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// For `reorder_webhooks`: how long an unfilled window is held, in real time (500).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<u64>,
}

/// A member that is there, even when it is null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Ordering in Rust: `Order::answer(200).text("<html>").content_type("text/html").operation("get-contact").times(1)`.
impl Order {
    /// A fault for every request (or webhook), until it is deleted; narrow it by the methods below.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            service: None,
            operation: None,
            method: None,
            path: None,
            event: None,
            times: None,
            skip: 0,
            chance: None,
            status: None,
            body: None,
            text: None,
            base64: None,
            repeat: None,
            content_type: None,
            headers: IndexMap::new(),
            set: IndexMap::new(),
            remove: Vec::new(),
            delay_ms: None,
            piece_bytes: None,
            after_bytes: None,
            reads: None,
            after_work: false,
            copies: None,
            window: None,
            hold_ms: None,
        }
    }

    /// An answer with this status and no body yet.
    #[must_use]
    pub fn answer(status: u16) -> Self {
        let mut order = Self::new(Kind::Answer);
        order.status = Some(status);
        order
    }

    /// The service's refusal with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let mut order = Self::new(Kind::Status);
        order.status = Some(status);
        order
    }

    #[must_use]
    pub fn service(mut self, name: &str) -> Self {
        self.service = Some(name.to_owned());
        self
    }

    #[must_use]
    pub fn operation(mut self, id: &str) -> Self {
        self.operation = Some(id.to_owned());
        self
    }

    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    #[must_use]
    pub fn event(mut self, name: &str) -> Self {
        self.event = Some(name.to_owned());
        self
    }

    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    #[must_use]
    pub fn skip(mut self, matches: u32) -> Self {
        self.skip = matches;
        self
    }

    /// The body as JSON.
    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The body, letter by letter.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.text = Some(text.to_owned());
        self
    }

    /// The body's type; empty for none.
    #[must_use]
    pub fn content_type(mut self, media: &str) -> Self {
        self.content_type = Some(media.to_owned());
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets what a JSON pointer leads to, for [`Kind::Alter`].
    #[must_use]
    pub fn set(mut self, pointer: &str, value: Value) -> Self {
        self.set.insert(pointer.to_owned(), value);
        self
    }

    /// Takes out what a JSON pointer leads to, for [`Kind::Alter`].
    #[must_use]
    pub fn remove(mut self, pointer: &str) -> Self {
        self.remove.push(pointer.to_owned());
        self
    }

    /// Does the work before it answers.
    #[must_use]
    pub fn after_work(mut self) -> Self {
        self.after_work = true;
        self
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let wants = |given: bool, name: &str| {
            if given {
                Ok(())
            } else {
                let kind = self.kind.name();
                Err(format!("a fault of kind `{kind}` needs `{name}`"))
            }
        };
        match self.kind {
            Kind::Status => wants(self.status.is_some(), "status")?,
            Kind::Delay | Kind::SlowBody => wants(self.delay_ms.is_some(), "delay_ms")?,
            Kind::Alter => wants(
                !self.set.is_empty() || !self.remove.is_empty(),
                "set` or `remove",
            )?,
            _ => {}
        }
        if let Some(status) = self.status
            && !(200..=999).contains(&status)
        {
            return Err(format!("`status` {status} is not one of 200 to 999"));
        }
        let bodies = [
            self.body.is_some(),
            self.text.is_some(),
            self.base64.is_some(),
        ];
        if bodies.into_iter().filter(|given| *given).count() > 1 {
            return Err("an answer has one of `body`, `text` and `base64`".to_owned());
        }
        if let Some(text) = &self.base64
            && STANDARD.decode(text).is_err()
        {
            return Err("`base64` is not base64".to_owned());
        }
        for (name, value) in &self.headers {
            if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
                return Err(format!(
                    "`headers` has {name}, which is no header or has no header's value"
                ));
            }
        }
        if let Some(media) = &self.content_type
            && HeaderValue::try_from(media).is_err()
        {
            return Err("`content_type` cannot be a header's value".to_owned());
        }
        let mut pointers = self.set.keys().chain(&self.remove);
        if let Some(wrong) = pointers.find(|pointer| !pointer.starts_with('/')) {
            return Err(format!(
                "`{wrong}` is no JSON pointer: it begins with a slash"
            ));
        }
        if let Some(service) = &self.service
            && service != "highlevel"
            && service != "ecologi"
        {
            return Err(format!("`service` is highlevel or ecologi, not {service}"));
        }
        if self.window.is_some_and(|window| window < 2)
            || self.copies.is_some_and(|copies| copies < 2)
        {
            return Err("`window` and `copies` are 2 or more".to_owned());
        }
        if self.piece_bytes == Some(0) {
            return Err("`piece_bytes` is 1 or more".to_owned());
        }
        Ok(())
    }
}
