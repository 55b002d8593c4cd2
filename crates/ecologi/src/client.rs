//! The client, purchases and receipts.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use canopy_transport::operation::{Idempotency, Operation};
use canopy_transport::schema::Document;
use canopy_transport::{
    Budget, BuildError, CallError, CallLog, Clock, ErrorForm, Limiter, Limits, Priority,
    RetryPolicy, SecretString, Timeouts, Transport, TransportBuilder, WindowLimit, invoke,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use url::Url;

use crate::order::OrderRequest;
use crate::{Error, OPERATIONS, Refusal, number, receipt};

/// Where Ecologi's API lives.
pub const DEFAULT_BASE_URL: &str = "https://public.ecologi.com";

const PER_WINDOW: NonZeroU32 = NonZeroU32::new(100).expect("100 is not zero");

/// Ecologi publishes no limits; this is what it is assumed to bear.
pub fn default_limits() -> Limits {
    Limits {
        window: Some(WindowLimit {
            max: PER_WINDOW,
            per: Duration::from_mins(1),
        }),
        ..Limits::UNLIMITED
    }
}

/// Names one purchase: the same key never buys twice. Derive it from what the purchase is for, not from chance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a purchase was answered with.
#[derive(Clone, PartialEq)]
pub struct Receipt {
    /// What it cost, in `currency`. Absent when the answer told only where it can be looked at.
    pub amount: Option<Decimal>,
    /// ISO code of the account's currency.
    pub currency: Option<String>,
    /// Where it can be looked at.
    pub url: Option<String>,
    /// The answer as it came.
    pub raw: Value,
}

/// Read when it is first needed.
static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    Document::parse(crate::api::OPENAPI).expect("the embedded description is JSON, as a test shows")
});

impl Receipt {
    /// What an order would be answered with, for one that is planned and not sent: in the described form, each text
    /// what `text` makes of its member's name. An order that would be refused before it is sent is refused.
    pub fn placeholder(
        request: &OrderRequest,
        text: &dyn Fn(&str) -> String,
    ) -> Result<Self, Error> {
        request.order.check()?;
        let mut raw = DOCUMENT.placeholder(find(request.operation())?, text);
        if let Some(members) = raw.as_object_mut() {
            // What it costs is not known.
            members.shift_remove("amount");
            members.shift_remove("currency");
        }
        Ok(Self::read(raw))
    }

    /// The receipt, unless its cost is none that an order of this estimate can have: a hundred times as much or as little.
    /// Such an answer proves nothing, and the outcome is unknown ([`Error::outcome_unknown`]).
    pub fn plausible(self, request: &OrderRequest, estimate: Decimal) -> Result<Self, Error> {
        if receipt::is_plausible(self.amount, estimate) {
            return Ok(self);
        }
        let operation = find(request.operation())?;
        Err(no_receipt(
            operation,
            "its `amount` is a hundred times more or less than what the order costs by the price list",
        ))
    }

    fn read(raw: Value) -> Self {
        let text = |member: &str| raw.get(member).and_then(Value::as_str).map(str::to_owned);
        Self {
            amount: raw.get("amount").and_then(number::decimal),
            currency: text("currency"),
            url: text("treeUrl").or_else(|| text("tileUrl")),
            raw,
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The answer repeats name and address.
        f.debug_struct("Receipt")
            .field("amount", &self.amount)
            .field("currency", &self.currency)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A client for one Ecologi account. Cheap to clone; clones share limits and connections.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    base: Url,
    raw: canopy_ecologi_api::Client,
}

impl Client {
    pub fn builder() -> Builder {
        Builder {
            base_url: None,
            transport: Transport::builder("ecologi")
                .limits(default_limits())
                // Some of its errors are a line of text.
                .error_form(ErrorForm::JsonOrText),
        }
    }

    /// The generated client. A purchase through it is only safe to repeat with an `Idempotency-Key`: prefer
    /// [`buy`](Self::buy).
    pub fn raw(&self) -> &canopy_ecologi_api::Client {
        &self.raw
    }

    /// The same client for calls of another urgency.
    #[must_use]
    pub fn with_priority(&self, priority: Priority) -> Self {
        Self::assemble(self.transport.with_priority(priority), self.base.clone())
    }

    /// The same client for a program that must change nothing: what is not a read is not sent.
    #[must_use]
    pub fn reading_only(&self) -> Self {
        Self::assemble(self.transport.reading_only(), self.base.clone())
    }

    /// Buys, once per key: retries send the same key, and so must a caller that repeats a purchase whose outcome is
    /// unknown. An answer that shows neither where the purchase can be looked at nor what it cost is no receipt, whatever
    /// its status: the outcome is unknown then ([`Error::outcome_unknown`]).
    pub async fn buy(
        &self,
        request: &OrderRequest,
        key: &IdempotencyKey,
    ) -> Result<Receipt, Error> {
        request.order.check()?;
        let operation = find(request.operation())?;
        let mut headers = HeaderMap::new();
        if let Idempotency::Keyed { header } = operation.idempotency {
            let name = HeaderName::try_from(header).map_err(|_| bad_key(operation))?;
            let value = HeaderValue::try_from(key.as_str()).map_err(|_| bad_key(operation))?;
            if value.is_empty() {
                return Err(bad_key(operation));
            }
            headers.insert(name, value);
        }
        // An answer without a receipt is none: whether it is bought shows when it is asked for again under the same key.
        self.send_order(request, headers).await
    }

    pub(crate) async fn send_order(
        &self,
        request: &OrderRequest,
        headers: HeaderMap,
    ) -> Result<Receipt, Error> {
        let operation = find(request.operation())?;
        let answer = self.call(operation, &request.body(), headers).await?;
        receipt::check(&answer, request.test).map_err(|problem| no_receipt(operation, problem))?;
        Ok(Receipt::read(answer))
    }

    /// Calls a reporting operation by its name. Purchases are refused: they need a key, see [`buy`](Self::buy).
    pub async fn invoke(&self, name: &str, args: &Value) -> Result<Value, Error> {
        let operation = find(name)?;
        if matches!(operation.idempotency, Idempotency::Keyed { .. }) {
            let problem = "a purchase needs an idempotency key: use `buy`";
            return Err(CallError::request(operation, problem).into());
        }
        self.call(operation, args, HeaderMap::new()).await
    }

    /// Whether the API key works, without buying anything: asks for no trees, in test mode. That is refused for the
    /// number, unless it is refused for the key or the account first.
    pub async fn check_key(&self) -> Result<(), Error> {
        let nothing = json!({ "number": 0, "test": true });
        let answer = self
            .call(find("buy-trees")?, &nothing, HeaderMap::new())
            .await;
        match answer {
            Err(error) if error.refusal() == Some(Refusal::Invalid) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Where the API lives.
    pub fn base_url(&self) -> &Url {
        &self.base
    }

    /// What of the limits is used.
    pub fn rate_budget(&self) -> Budget {
        self.transport.budget()
    }

    async fn call(
        &self,
        operation: &'static Operation,
        args: &Value,
        headers: HeaderMap,
    ) -> Result<Value, Error> {
        Ok(invoke::call(&self.transport, &self.base, operation, args, headers).await?)
    }

    fn assemble(transport: Transport, base: Url) -> Self {
        let raw = canopy_ecologi_api::Client::new(base.as_str(), Arc::new(transport.clone()));
        Self {
            transport,
            base,
            raw,
        }
    }
}

fn find(name: &str) -> Result<&'static Operation, Error> {
    invoke::find(OPERATIONS, name).ok_or_else(|| invoke::unknown(OPERATIONS, name).into())
}

fn no_receipt(operation: &Operation, problem: &'static str) -> Error {
    CallError::no_evidence(operation, problem).into()
}

fn bad_key(operation: &Operation) -> Error {
    CallError::request(
        operation,
        "the idempotency key must be a text of visible ASCII characters",
    )
    .into()
}

/// Collects the parts of a [`Client`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    base_url: Option<String>,
    transport: TransportBuilder,
}

impl Builder {
    /// Where the API lives; [`DEFAULT_BASE_URL`] when not given.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The key of the account's Impact API page. Reports need none.
    pub fn api_key(self, key: SecretString) -> Self {
        self.change(|transport| transport.token(key))
    }

    /// Whose calls these are, for the call log.
    pub fn location(self, location: impl Into<Arc<str>>) -> Self {
        self.change(|transport| transport.location(location))
    }

    /// Other limits than [`default_limits`].
    pub fn limits(self, limits: Limits) -> Self {
        self.change(|transport| transport.limits(limits))
    }

    /// Shares the limiter of another client of the same account.
    pub fn limiter(self, limiter: Arc<Limiter>) -> Self {
        self.change(|transport| transport.limiter(limiter))
    }

    pub fn retry(self, policy: RetryPolicy) -> Self {
        self.change(|transport| transport.retry(policy))
    }

    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        self.change(|transport| transport.timeouts(timeouts))
    }

    pub fn call_log(self, log: Arc<dyn CallLog>) -> Self {
        self.change(|transport| transport.call_log(log))
    }

    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.change(|transport| transport.clock(clock))
    }

    pub fn user_agent(self, user_agent: impl Into<String>) -> Self {
        self.change(|transport| transport.user_agent(user_agent))
    }

    pub fn build(self) -> Result<Client, BuildError> {
        let base = invoke::base_url(self.base_url.as_deref().unwrap_or(DEFAULT_BASE_URL))?;
        let transport = self.transport.direct(invoke::is_loopback(&base)).build()?;
        Ok(Client::assemble(transport, base))
    }

    fn change(mut self, change: impl FnOnce(TransportBuilder) -> TransportBuilder) -> Self {
        self.transport = change(self.transport);
        self
    }
}
