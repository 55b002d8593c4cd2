//! Time and order, on tokio's paused clock and without sockets. What goes over the wire is tested in `tests/it`.

mod limits;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::operation::{Body, Evidence, Idempotency, Paging, Shown};

const fn operation(name: &'static str, idempotency: Idempotency) -> Operation {
    Operation {
        name,
        method_name: name,
        resource: "things",
        summary: "",
        http_method: "POST",
        path: "/things",
        api_version: Some("2021-07-28"),
        auth: Auth::Bearer,
        scopes: &[],
        token_kinds: &[],
        parameters: &[],
        body: Body::Json,
        idempotency,
        paging: Paging::None,
        items: None,
        id: None,
        version: None,
        record: None,
        evidence: Evidence {
            shown: Shown::Answer { why: "a test" },
            flags: &[],
        },
        trigger: None,
    }
}

static READ: Operation = operation("read", Idempotency::Read);
static CREATE: Operation = operation("create", Idempotency::Unsafe);
static BUY: Operation = operation(
    "buy",
    Idempotency::Keyed {
        header: "idempotency-key",
    },
);

#[derive(Debug)]
struct Sent {
    at: Instant,
    headers: http::HeaderMap,
}

/// Answers from a script, then 200 for ever.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<http::Response<&'static str>>>,
    sent: Mutex<Vec<Sent>>,
}

#[async_trait]
impl Wire for Arc<Script> {
    async fn send(&self, request: reqwest::Request) -> Answer {
        let sent = Sent {
            at: Instant::now(),
            headers: request.headers().clone(),
        };
        self.sent.lock().unwrap().push(sent);
        let answer = self.answers.lock().unwrap().pop_front();
        Ok(answer.unwrap_or_else(|| http::Response::new("{}")).into())
    }
}

impl Script {
    fn of(answers: impl IntoIterator<Item = http::Response<&'static str>>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self {
            answers,
            sent: Mutex::default(),
        })
    }

    fn times(&self) -> Vec<Instant> {
        self.sent
            .lock()
            .unwrap()
            .iter()
            .map(|sent| sent.at)
            .collect()
    }

    fn header(&self, name: &str) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let text = |sent: &Sent| {
            sent.headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        sent.iter()
            .map(|sent| text(sent).unwrap_or_default())
            .collect()
    }
}

fn answer(
    status: u16,
    headers: &[(&str, &str)],
    body: &'static str,
) -> http::Response<&'static str> {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body).unwrap()
}

fn transport(
    script: &Arc<Script>,
    change: impl FnOnce(TransportBuilder) -> TransportBuilder,
) -> Transport {
    let builder = Transport::builder("test").token("t0ken".to_owned().into());
    change(builder)
        .build_on(Box::new(Arc::clone(script)))
        .unwrap()
}

fn request() -> reqwest::Request {
    reqwest::Request::new(
        http::Method::POST,
        "http://127.0.0.1/things".parse().unwrap(),
    )
}

fn keyed() -> reqwest::Request {
    let mut request = request();
    request
        .headers_mut()
        .insert("idempotency-key", HeaderValue::from_static("k1"));
    request
}

fn facts(response: &reqwest::Response) -> Facts {
    Facts::of(response.extensions()).unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn the_time_that_the_service_names_is_waited_even_by_creates() {
    for (status, headers, seconds) in [
        (429, &[("retry-after", "7")][..], 7),
        (503, &[("retry-after", "3")], 3),
        (429, &[("x-ratelimit-interval-milliseconds", "10000")], 10),
    ] {
        let script = Script::of([answer(status, headers, "")]);
        let response = transport(&script, |it| it)
            .execute(&CREATE, request())
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let times = script.times();
        assert_eq!(times.len(), 2);
        assert_eq!((times[1] - times[0]).as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_outlasts_the_policy_is_told_to_the_caller() {
    let script = Script::of([answer(
        429,
        &[("retry-after", "600")],
        r#"{"message":"slow down"}"#,
    )]);
    let response = transport(&script, |it| it)
        .execute(&READ, request())
        .await
        .unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(facts(&response).retry_after, Some(Duration::from_mins(10)));
    assert_eq!(script.times().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_what_may_be_repeated_is_repeated_on_a_server_error() {
    for (operation, request, attempts) in [
        (&READ, request(), 4),
        (&BUY, keyed(), 4),
        // Without its key a purchase would be made twice.
        (&BUY, self::request(), 1),
        (&CREATE, self::request(), 1),
    ] {
        let script = Script::of((0..9).map(|_| answer(500, &[], "")));
        let response = transport(&script, |it| it)
            .execute(operation, request)
            .await
            .unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(script.times().len(), attempts, "{}", operation.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_carries_the_same_key() {
    let script = Script::of([answer(502, &[], "")]);
    transport(&script, |it| it)
        .execute(&BUY, keyed())
        .await
        .unwrap();
    assert_eq!(script.header("idempotency-key"), ["k1", "k1"]);
}

/// The machine fell asleep after the first attempt, for so many minutes.
#[derive(Debug)]
struct Asleep(Arc<Mutex<bool>>, i64);

impl Clock for Asleep {
    fn now(&self) -> Timestamp {
        let slept = *self.0.lock().unwrap();
        let minutes = if slept { self.1 } else { 0 };
        Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_mins(minutes)
    }
}

/// Sends like a script, and has the machine fall asleep meanwhile.
struct Dozing(Arc<Script>, Arc<Mutex<bool>>);

#[async_trait]
impl Wire for Dozing {
    async fn send(&self, request: reqwest::Request) -> Answer {
        *self.1.lock().unwrap() = true;
        self.0.send(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_the_machine_slept_is_not_asked_again_by_itself() {
    for (minutes, attempts) in [(0, 2), (120, 1), (-120, 1)] {
        let script = Script::of([answer(502, &[], "")]);
        let slept = Arc::new(Mutex::new(false));
        let transport = Transport::builder("test")
            .token("t0ken".to_owned().into())
            .clock(Arc::new(Asleep(Arc::clone(&slept), minutes)))
            .build_on(Box::new(Dozing(Arc::clone(&script), slept)))
            .unwrap();
        let response = transport.execute(&BUY, keyed()).await.unwrap();
        assert_eq!(script.times().len(), attempts, "{minutes}");
        let error = crate::CallError::from_response(&BUY, &response);
        assert_eq!(error.outcome_unknown(), attempts == 1, "{minutes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_cloned_is_sent_once() {
    let script = Script::of([answer(500, &[], "")]);
    let mut request = request();
    let stream = reqwest::Body::wrap(reqwest::Body::from("x"));
    *request.body_mut() = Some(stream);
    assert!(
        request.try_clone().is_none(),
        "the test needs a body that is a stream"
    );
    let response = transport(&script, |it| it)
        .execute(&READ, request)
        .await
        .unwrap();
    assert_eq!((response.status().as_u16(), script.times().len()), (500, 1));
}

#[tokio::test(start_paused = true)]
async fn doubt_of_an_earlier_attempt_is_kept() {
    let script = Script::of([
        answer(500, &[], ""),
        answer(400, &[], r#"{"message":"bad"}"#),
    ]);
    let response = transport(&script, |it| it)
        .execute(&BUY, keyed())
        .await
        .unwrap();
    assert_eq!(response.status(), 400);
    assert!(facts(&response).earlier_in_doubt);
    let error = crate::CallError::from_response(&BUY, &response);
    assert!(error.outcome_unknown());

    let script = Script::of([
        answer(429, &[("retry-after", "1")], ""),
        answer(400, &[], r#"{"message":"bad"}"#),
    ]);
    let response = transport(&script, |it| it)
        .execute(&BUY, keyed())
        .await
        .unwrap();
    assert!(!crate::CallError::from_response(&BUY, &response).outcome_unknown());
}

/// Gives `first` until it is rejected, then `second`.
#[derive(Debug)]
struct Renewing(Mutex<&'static str>);

#[async_trait]
impl TokenSource for Renewing {
    async fn token(&self) -> Result<SecretString, TokenError> {
        Ok((*self.0.lock().unwrap()).to_owned().into())
    }

    async fn rejected(&self, stale: &SecretString) -> Result<Option<SecretString>, TokenError> {
        if stale.expose_secret() == "second" {
            return Ok(None);
        }
        *self.0.lock().unwrap() = "second";
        Ok(Some("second".to_owned().into()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_renewed_once() {
    const REJECTED: &str = r#"{"statusCode":401,"message":"Invalid JWT"}"#;
    let script = Script::of([answer(401, &[], REJECTED), answer(401, &[], REJECTED)]);
    let source = Arc::new(Renewing(Mutex::new("first")));
    let transport = transport(&script, |it| it.token_source(source));
    let response = transport.execute(&CREATE, request()).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(
        script.header("authorization"),
        ["Bearer first", "Bearer second"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_firewalls_401_renews_no_token_and_passes() {
    let script = Script::of([answer(401, &[], "<html>sign in</html>")]);
    let source = Arc::new(Renewing(Mutex::new("first")));
    let transport = transport(&script, |it| it.token_source(source));
    let response = transport.execute(&READ, request()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        script.header("authorization"),
        ["Bearer first", "Bearer first"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_sent_is_a_refusal_of_ours() {
    let script = Script::of([]);
    let transport = transport(&script, |it| it.token("two\nlines".to_owned().into()));
    let response = transport.execute(&READ, request()).await.unwrap();
    assert_eq!(response.status(), 401);
    let error = crate::CallError::from_response(&READ, &response);
    assert!(error.status().is_none() && !error.is_retryable());
    assert!(
        !format!("{error} {error:?}").contains("lines\""),
        "{error:?}"
    );
    assert!(script.times().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_only_reads_sends_nothing_that_writes() {
    let script = Script::of([]);
    let reading = transport(&script, |it| it)
        .reading_only()
        .with_priority(Priority::Workflow);
    for operation in [&CREATE, &BUY] {
        let refused = reading.execute(operation, request()).await.unwrap();
        assert_eq!(facts(&refused).not_sent, Some(NotSent::ReadOnly));
    }
    assert!(script.times().is_empty());
    assert_eq!(
        reading.execute(&READ, request()).await.unwrap().status(),
        200
    );
}

#[tokio::test(start_paused = true)]
async fn headers_are_set_and_the_generators_own_is_dropped() {
    let script = Script::of([]);
    let mut request = request();
    request
        .headers_mut()
        .insert("api-version", HeaderValue::from_static("1.0"));
    transport(&script, |it| it.user_agent("app/1"))
        .execute(&READ, request)
        .await
        .unwrap();
    assert_eq!(script.header("version"), ["2021-07-28"]);
    assert_eq!(script.header("authorization"), ["Bearer t0ken"]);
    assert_eq!(script.header("user-agent"), ["app/1"]);
    assert_eq!(script.header("api-version"), [""]);
}

#[derive(Debug, Default)]
struct Calls(Mutex<Vec<CallRecord>>);

impl CallLog for Calls {
    fn record(&self, call: CallRecord) {
        self.0.lock().unwrap().push(call);
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_logged() {
    let script = Script::of([answer(500, &[], r#"{"traceId":"tr-1","message":"oops"}"#)]);
    let calls = Arc::new(Calls::default());
    let log = Arc::clone(&calls);
    let transport = transport(&script, |it| it.call_log(log).location("loc"));
    transport
        .with_priority(Priority::Poll)
        .execute(&READ, request())
        .await
        .unwrap();
    let calls = calls.0.lock().unwrap();
    let [failed, done] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert_eq!(
        (failed.attempt, failed.status, failed.trace_id.as_deref()),
        (1, Some(500), Some("tr-1"))
    );
    assert_eq!(failed.problem, Some(CallProblem::Status));
    assert_eq!(
        (done.attempt, done.status, done.problem),
        (2, Some(200), None)
    );
    assert_eq!(
        (&*done.service, done.location.as_deref(), done.operation),
        ("test", Some("loc"), "read")
    );
    assert_eq!(done.priority, Priority::Poll);
}

#[tokio::test(start_paused = true)]
async fn an_operation_for_apps_refuses_a_private_token_before_it_is_sent() {
    static FOR_APPS: Operation = Operation {
        token_kinds: &[crate::operation::TokenKind::LocationApp],
        ..operation("lookup", Idempotency::Read)
    };
    let script = Arc::new(Script::default());
    let with = |token: &str| {
        let token = token.to_owned();
        transport(&script, |builder| builder.token(token.into()))
    };
    let refused = with("pit-0").execute(&FOR_APPS, request()).await.unwrap();
    let error = crate::CallError::from_response(&FOR_APPS, &refused).to_string();
    assert!(error.contains("only that of an app"), "{error}");
    assert!(script.sent.lock().unwrap().is_empty());
    with("app-0").execute(&FOR_APPS, request()).await.unwrap();
    with("pit-0").execute(&READ, request()).await.unwrap();
    assert_eq!(script.sent.lock().unwrap().len(), 2);
}
