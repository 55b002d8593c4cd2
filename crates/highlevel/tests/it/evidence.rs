//! What is no answer of the service is no success of any operation: no page, no list, no record, no deletion. The cases
//! come from the table, so a new operation is held to it without a line here.

use std::sync::{Arc, Mutex};

use canopy_highlevel::operation::{Idempotency, Operation, Shown};
use canopy_highlevel::{
    Client, Error, Limits, OPERATIONS, RetryPolicy, TryStreamExt as _, operation,
};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::catalog::synth::{Answer, Case};
use crate::catalog::{arguments, cases};
use crate::{answering, builder, requests};

const PAGE: &str = "<!DOCTYPE html><html><body>Down for maintenance</body></html>";

/// Answers whatever it was told last.
#[derive(Clone)]
struct Puppet(Arc<Mutex<ResponseTemplate>>);

impl Puppet {
    async fn start() -> (Self, Client, MockServer) {
        let puppet = Self(Arc::new(Mutex::new(ResponseTemplate::new(200))));
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(puppet.clone())
            .mount(&server)
            .await;
        let client = builder(&server.uri())
            .limits(Limits::UNLIMITED)
            .retry(RetryPolicy::NEVER)
            .build()
            .unwrap();
        (puppet, client, server)
    }

    fn answers(&self, answer: ResponseTemplate) {
        *self.0.lock().unwrap() = answer;
    }
}

impl Respond for Puppet {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        self.0.lock().unwrap().clone()
    }
}

fn json(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn raw(status: u16, body: &str, kind: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, kind)
}

/// The good answer with another value at a pointer; `None` takes the member away.
fn with(good: &Value, pointer: &str, value: Option<Value>) -> Value {
    let mut answer = good.clone();
    match (value, pointer.rsplit_once('/')) {
        (Some(value), _) => *answer.pointer_mut(pointer).unwrap() = value,
        (None, Some((parent, member))) => {
            let parent = answer.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            parent.remove(member).unwrap();
        }
        (None, None) => answer = json!({}),
    }
    answer
}

/// All that is not this operation's success, each with its name.
fn forms(operation: &Operation, good: &Value) -> Vec<(String, ResponseTemplate)> {
    let mut forms = vec![
        ("no body".to_owned(), ResponseTemplate::new(200)),
        ("204".to_owned(), ResponseTemplate::new(204)),
        ("a page".to_owned(), raw(200, PAGE, "text/html")),
        (
            "a page as JSON".to_owned(),
            raw(201, PAGE, "application/json"),
        ),
        ("a text".to_owned(), raw(202, "OK", "text/plain")),
        ("torn".to_owned(), raw(200, "{\"a\":", "application/json")),
        ("null".to_owned(), json(&json!(null))),
        (
            "an error's body".to_owned(),
            json(&json!({ "statusCode": 500, "message": "Internal server error" })),
        ),
        (
            "an error".to_owned(),
            json(&json!({ "error": "Account suspended" })),
        ),
    ];
    let mut form = |name: String, body: &Value| forms.push((name, json(body)));
    let evidence = operation.evidence;
    for flag in evidence.flags {
        if good.pointer(flag).is_some() {
            form(
                format!("{flag} false"),
                &with(good, flag, Some(json!(false))),
            );
        }
    }
    // An error's members beside what it must show.
    if good.is_object() {
        for (member, value) in [
            ("success", json!(false)),
            ("success", json!("false")),
            ("succeded", json!(false)),
            ("succeeded", json!(false)),
            ("statusCode", json!(403)),
            ("responseCode", json!(400)),
            ("error", json!("Validation failed")),
            ("errors", json!(["Validation failed"])),
        ] {
            let mut answer = good.clone();
            answer[member] = value.clone();
            form(format!("{member} {value} beside it"), &answer);
        }
        let at_the_top = matches!(evidence.shown, Shown::Record { id, asked: Some(_) } if id.rfind('/') == Some(0));
        if !at_the_top {
            for message in [json!("Forbidden"), json!(["name must be a string"])] {
                let mut answer = good.clone();
                for flag in ["success", "succeded", "succeeded"] {
                    answer.as_object_mut().unwrap().remove(flag);
                }
                answer["message"] = message.clone();
                form(format!("{message} beside it"), &answer);
            }
        }
        if operation.idempotency != Idempotency::Read {
            let mut answer = good.clone();
            answer["status"] = json!("error");
            form("status error beside it".to_owned(), &answer);
        }
    }
    let mut absent = |pointer: &str| {
        form(
            format!("{pointer} null"),
            &with(good, pointer, Some(json!(null))),
        );
        if !pointer.is_empty() {
            form(format!("no {pointer}"), &with(good, pointer, None));
        }
    };
    match evidence.shown {
        Shown::Bytes | Shown::Answer { .. } => {}
        Shown::List { at, some } => {
            absent(at);
            form(format!("{at} a text"), &with(good, at, Some(json!("none"))));
            if some {
                form(format!("{at} empty"), &with(good, at, Some(json!([]))));
            }
        }
        Shown::Record { id, asked } => {
            absent(id);
            form(format!("{id} empty"), &with(good, id, Some(json!(""))));
            if asked.is_some() {
                let other = with(good, id, Some(json!("another")));
                form("another record".to_owned(), &other);
            }
        }
        Shown::RecordOrNull { at, id } => {
            form(format!("no {at}"), &with(good, at, None));
            form(format!("no {id}"), &with(good, id, None));
        }
        // One group of them is enough.
        Shown::Members(_) | Shown::Flag => form("an empty object".to_owned(), &json!({})),
    }
    forms
}

async fn call(client: &Client, case: &Case) -> Result<(), Error> {
    let arguments = arguments(case);
    match case.answer {
        Answer::Json(_) => client.invoke(&case.name, &arguments).await.map(drop),
        Answer::File { .. } => client.download(&case.name, &arguments).await.map(drop),
    }
}

#[tokio::test]
async fn no_operation_takes_what_shows_nothing_for_success() {
    let (puppet, client, _server) = Puppet::start().await;
    let mut tried = 0;
    for case in cases() {
        let operation = operation(&case.name).unwrap();
        let forms = match &case.answer {
            Answer::Json(good) => forms(operation, good),
            Answer::File { .. } => vec![
                ("no body".to_owned(), ResponseTemplate::new(200)),
                ("204".to_owned(), ResponseTemplate::new(204)),
                ("a page".to_owned(), raw(200, PAGE, "text/html")),
                (
                    "an error".to_owned(),
                    json(&json!({ "statusCode": 500, "message": "oops" })),
                ),
            ],
        };
        for (form, answer) in forms {
            puppet.answers(answer);
            let told = format!("{}: {form}", case.name);
            let error = call(&client, &case).await.expect_err(&told);
            let reads = operation.idempotency == Idempotency::Read;
            assert!(error.is_unreadable() && !error.is_gone(), "{told}: {error}");
            assert_eq!(error.is_retryable(), reads, "{told}");
            assert_eq!(error.outcome_unknown(), !reads, "{told}");
            assert_eq!(error.refusal(), None, "{told}");
            assert!(error.to_string().contains("shows no success"), "{error}");
            tried += 1;
        }
    }
    println!(
        "evidence: {} operations, {tried} unreadable answers",
        OPERATIONS.len()
    );
    assert!(tried > 9 * OPERATIONS.len());
}

#[tokio::test]
async fn any_success_is_good_when_it_shows_what_it_must() {
    let (puppet, client, _server) = Puppet::start().await;
    for case in cases() {
        let Answer::Json(good) = &case.answer else {
            continue;
        };
        for (status, kind) in [
            (200, "text/html; charset=utf-8"),
            (201, "application/json"),
            (202, "application/octet-stream"),
            (226, "text/plain"),
        ] {
            puppet.answers(raw(status, &good.to_string(), kind));
            let answer = client.invoke(&case.name, &arguments(&case)).await;
            let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", case.name));
            assert_eq!(answer, *good, "{}", case.name);
        }
    }
}

/// Members that we do not know stay fine, and so does a message that speaks of a success.
#[tokio::test]
async fn what_is_said_beside_the_evidence_of_a_success_costs_nothing() {
    let (puppet, client, _server) = Puppet::start().await;
    for case in cases() {
        let Answer::Json(good) = &case.answer else {
            continue;
        };
        // Where nothing else tells, a message is all that an error's body has.
        let evidence = operation(&case.name).unwrap().evidence;
        if !good.is_object() || matches!(evidence.shown, Shown::Answer { .. }) {
            continue;
        }
        let mut answer = good.clone();
        let members = answer.as_object_mut().unwrap();
        for (member, value) in [
            ("traceId", json!("t")),
            ("error", json!(null)),
            ("errors", json!([])),
            ("statusCode", json!(200)),
            ("tookMs", json!(3)),
            ("message", json!("Successfully done")),
        ] {
            members.entry(member).or_insert(value);
        }
        puppet.answers(json(&answer));
        let told = client.invoke(&case.name, &arguments(&case)).await;
        assert!(told.is_ok(), "{}: {told:?}", case.name);
    }
}

#[tokio::test]
async fn tags_that_were_to_be_added_are_shown() {
    let (puppet, client, _server) = Puppet::start().await;
    let arguments = json!({ "contactId": "c", "tags": ["Oak ", "elm"] });
    for (tags, good) in [
        (json!(["oak", "elm", "vip"]), true),
        (json!(["ELM", "Oak"]), true),
        (json!([]), false),
        (json!(["elm"]), false),
    ] {
        puppet.answers(json(&json!({ "tags": tags })));
        let told = client.invoke("add-tags", &arguments).await;
        assert_eq!(told.is_ok(), good, "{tags}");
    }
    // After a removal those that were asked for are not there any more, whatever else is.
    for (tags, good) in [
        (json!([]), true),
        (json!(["vip"]), true),
        (json!(["OAK", "vip"]), false),
        (json!(["elm"]), false),
    ] {
        puppet.answers(json(&json!({ "tags": tags })));
        let told = client.invoke("remove-tags", &arguments).await;
        assert_eq!(told.is_ok(), good, "{tags}");
    }
}

/// Where a message is all that there is, it must say that it was done: there are more words for failure than anybody lists.
#[tokio::test]
async fn a_message_alone_must_say_that_it_was_done() {
    let (puppet, client, _server) = Puppet::start().await;
    let arguments = json!({ "calendarId": "c", "notificationId": "n" });
    for (message, good) in [
        ("Notification updated", true),
        ("Calendar notification deleted successfully", true),
        ("OK", true),
        ("Service Unavailable", false),
        ("Please try again later", false),
        ("Under maintenance", false),
        ("Bad gateway", false),
        ("Something went wrong", false),
        ("Conflict", false),
        ("Notification could not be updated", false),
    ] {
        puppet.answers(json(&json!({ "message": message })));
        for operation in ["update-notification", "delete-notification"] {
            let told = client.invoke(operation, &arguments).await;
            assert_eq!(told.is_ok(), good, "{operation} {message}: {told:?}");
        }
    }
}

#[tokio::test]
async fn a_message_that_failed_is_not_sent_and_a_state_that_was_asked_for_is_set() {
    let (puppet, client, _server) = Puppet::start().await;
    let sent =
        |status: &str| json(&json!({ "conversationId": "c", "messageId": "m", "status": status }));
    let message = json!({ "type": "SMS", "contactId": "c", "message": "Thanks" });
    puppet.answers(sent("pending"));
    client.invoke("send-a-new-message", &message).await.unwrap();
    puppet.answers(sent("failed"));
    let error = client
        .invoke("send-a-new-message", &message)
        .await
        .unwrap_err();
    assert!(error.is_unreadable() && error.outcome_unknown(), "{error}");
    let state = json!({ "messageId": "m", "status": "failed" });
    client
        .invoke("update-message-status", &state)
        .await
        .unwrap();
}

#[test]
fn what_each_operation_must_show_is_told() {
    let count = |wanted: fn(&Shown) -> bool| {
        OPERATIONS
            .iter()
            .filter(|operation| wanted(&operation.evidence.shown))
            .count()
    };
    let shows = [
        count(|shown| matches!(shown, Shown::List { .. })),
        count(|shown| matches!(shown, Shown::Record { .. } | Shown::RecordOrNull { .. })),
        count(|shown| matches!(shown, Shown::Members(_))),
        count(|shown| matches!(shown, Shown::Flag)),
        count(|shown| matches!(shown, Shown::Bytes)),
        count(|shown| matches!(shown, Shown::Answer { .. })),
    ];
    println!("evidence by list, record, members, flag, bytes, nothing: {shows:?}");
    assert_eq!(shows.iter().sum::<usize>(), OPERATIONS.len());
    // Each of them is a hole.
    assert!(shows[5] <= 1, "{shows:?}");
}

#[tokio::test]
async fn typed_calls_and_streams_are_held_to_the_same() {
    let another = json!({ "contact": { "id": "another", "firstName": "Jo" } });
    for answer in [
        json(&another),
        raw(200, PAGE, "text/html"),
        json(&json!({})),
    ] {
        let (client, server) = answering(answer).await;
        let typed = client.raw().get_contact().contact_id("asked").send().await;
        let error = Error::from_generated(operation("get-contact").unwrap(), typed.unwrap_err());
        assert!(
            error.is_unreadable() && error.status() == Some(200),
            "{error}"
        );
        assert_eq!(requests(&server).await.len(), 4, "reads are repeated");
    }
    let mine = json!({ "contact": { "id": "asked", "firstName": "Jo" } });
    let (client, _server) = answering(ResponseTemplate::new(203).set_body_json(mine)).await;
    let contact = client
        .raw()
        .get_contact()
        .contact_id("asked")
        .send()
        .await
        .unwrap()
        .into_inner();
    assert_eq!(contact.contact.unwrap().first_name.as_deref(), Some("Jo"));

    let (client, _server) = answering(json(&json!({ "notes": null }))).await;
    let arguments = json!({ "contactId": "c" });
    let read: Result<Vec<_>, _> = client
        .items("get-all-notes", &arguments)
        .try_collect()
        .await;
    assert!(read.unwrap_err().is_unreadable());
}

#[tokio::test]
async fn one_record_that_parsers_refuse_does_not_cost_its_page() {
    let page = r#"{"notes":[{"id":"a","body":"cut \ud83d","n":1e999},{"id":"b"}]}"#;
    let (client, _server) = answering(raw(200, page, "application/json")).await;
    let arguments = json!({ "contactId": "c" });
    let items: Vec<_> = client
        .items("get-all-notes", &arguments)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0].value()["body"], "cut \u{fffd}");
    let typed = client.raw().get_all_notes().contact_id("c").send().await;
    let notes = typed.unwrap().into_inner().notes.unwrap();
    assert_eq!(notes[0].body.as_deref(), Some("cut \u{fffd}"));
}

#[tokio::test]
async fn a_create_that_is_refused_by_422_may_have_been_carried_out() {
    let refusal = |message: &str| {
        ResponseTemplate::new(422).set_body_json(json!({ "statusCode": 422, "message": message }))
    };
    for (name, message, in_doubt) in [
        ("create-note", "body must be a string", true),
        ("create-contact", "Could not save", true),
        // Where there is a way to look, looking costs less than trusting the text.
        ("create-contact", "property nmae should not exist", true),
        ("create-user", "Could not save", true),
        ("create-user", "property nmae should not exist", false),
        ("update-contact", "Could not save", false),
        ("upsert-contact", "Could not save", false),
    ] {
        let (client, server) = answering(refusal(message)).await;
        let arguments = canopy_highlevel::describe(name).unwrap().example;
        let error = client.invoke(name, &arguments).await.unwrap_err();
        assert_eq!(error.outcome_unknown(), in_doubt, "{name}: {message}");
        assert_eq!(
            error.to_string().contains("look before"),
            in_doubt,
            "{error}"
        );
        assert_eq!(requests(&server).await.len(), 1);
    }
}
