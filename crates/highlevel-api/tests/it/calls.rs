//! Requests are strict before they are sent, and go out as the service wants them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use canopy_highlevel_api::common::types::{DndSettingInput, DndStatus};
use canopy_highlevel_api::contacts::types::{CreateContact, UpdateContact};
use canopy_highlevel_api::custom_fields::types::{CreateCustomField, CustomFieldFilter};
use canopy_highlevel_api::notes::types::{CreateNote, NoteAnswer};
use canopy_highlevel_api::oauth::types::{GrantType, TokenRequest};
use canopy_highlevel_api::webhooks::Payload;
use canopy_highlevel_api::{Client, OPENAPI, OPERATIONS, WEBHOOKS};
use canopy_transport::operation::{Auth, Body, Idempotency, Operation, Paging, TokenKind};
use canopy_transport::{Execute, Patch};
use progenitor_client::Error;
use serde_json::{Value, json};

/// A transport that remembers requests and gives one answer.
#[derive(Debug)]
struct Fake {
    answer: &'static str,
    calls: Mutex<Vec<(&'static Operation, reqwest::Request)>>,
}

#[async_trait]
impl Execute for Fake {
    async fn execute(
        &self,
        operation: &'static Operation,
        request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        self.calls.lock().unwrap().push((operation, request));
        Ok(http::Response::new(self.answer).into())
    }
}

fn client(answer: &'static str) -> (Client, Arc<Fake>) {
    let fake = Arc::new(Fake {
        answer,
        calls: Mutex::default(),
    });
    (
        Client::new(
            "http://service.test/",
            Arc::clone(&fake) as Arc<dyn Execute>,
        ),
        fake,
    )
}

fn sent(fake: &Fake) -> Vec<(&'static str, String, Value)> {
    let calls = fake.calls.lock().unwrap();
    let body = |request: &reqwest::Request| {
        let bytes = request
            .body()
            .and_then(reqwest::Body::as_bytes)
            .unwrap_or(b"null");
        serde_json::from_slice(bytes)
            .unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into())
    };
    calls
        .iter()
        .map(|(operation, r)| {
            (
                operation.name,
                format!("{} {}", r.method(), r.url()),
                body(r),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_call_goes_out_with_its_operation() {
    let (client, fake) = client(r#"{"note": {"id": "n1", "pinned": "false"}}"#);
    let body = CreateNote::builder().body("Thank you".to_owned());
    let answer = client
        .create_note()
        .contact_id("a/b")
        .body(body)
        .send()
        .await
        .unwrap()
        .into_inner();
    let note = answer.note.unwrap();
    assert_eq!((note.id.as_deref(), note.pinned), (Some("n1"), Some(false)));
    let url = "POST http://service.test/contacts/a%2Fb/notes".to_owned();
    assert_eq!(
        sent(&fake),
        [("create-note", url, json!({ "body": "Thank you" }))]
    );
    let headers = fake.calls.lock().unwrap()[0].1.headers().clone();
    assert!(
        !headers.contains_key("api-version"),
        "the generator's header is no header of the service"
    );
}

#[tokio::test]
async fn a_missing_member_is_refused_before_sending() {
    let (client, fake) = client("{}");
    let refused = client
        .create_note()
        .contact_id("c")
        .body(CreateNote::builder())
        .send()
        .await;
    assert!(matches!(refused, Err(Error::InvalidRequest(message)) if message.contains("body")));
    let refused = client.get_contact().send().await;
    assert!(
        matches!(refused, Err(Error::InvalidRequest(message)) if message.contains("contact_id"))
    );
    assert_eq!(sent(&fake), []);
}

#[tokio::test]
async fn query_words_are_checked() {
    let (client, fake) = client("{}");
    let call = || client.get_custom_fields().location_id("loc");
    let refused = call().model("person").send().await;
    assert!(matches!(refused, Err(Error::InvalidRequest(message)) if message.contains("model")));
    call().model(CustomFieldFilter::All).send().await.unwrap();
    assert_eq!(
        sent(&fake)[0].1,
        "GET http://service.test/locations/loc/customFields?model=all"
    );
}

#[tokio::test]
async fn an_empty_body_is_an_empty_answer() {
    let (client, _) = client("");
    let answer = client
        .delete_note()
        .contact_id("c")
        .id("n")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.into_inner().succeded, None);
}

#[tokio::test]
async fn an_unreadable_answer_is_not_shown() {
    let (client, _) = client(r#""ada@example.com""#);
    let error = client
        .get_note()
        .contact_id("c")
        .id("n")
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InvalidResponsePayload(..)));
    assert!(!format!("{error} {error:?}").contains("ada"));
}

#[tokio::test]
async fn tokens_go_as_a_form_and_stay_hidden() {
    let (client, fake) = client(
        r#"{"access_token": "at-secret", "refresh_token": "rt-secret", "expires_in": "86399"}"#,
    );
    let body: TokenRequest = TokenRequest::builder()
        .client_id("id".to_owned())
        .client_secret("cs-secret")
        .grant_type(GrantType::RefreshToken)
        .refresh_token(Some("old-secret".into()))
        .try_into()
        .unwrap();
    assert!(!format!("{body:?}").contains("secret\""));
    let answer = client
        .get_access_token()
        .body(body)
        .send()
        .await
        .unwrap()
        .into_inner();
    assert!(!format!("{answer:?}").contains("at-secret"));
    assert_eq!(answer.access_token.unwrap().expose(), "at-secret");
    assert_eq!(answer.expires_in, Some(86399));
    let form =
        "client_id=id&client_secret=cs-secret&grant_type=refresh_token&refresh_token=old-secret";
    assert_eq!(sent(&fake)[0].2, json!(form));
}

#[test]
fn requests_refuse_what_the_service_would() {
    let contact = |value: Value| serde_json::from_value::<CreateContact>(value);
    assert!(contact(json!({ "locationId": "loc", "email": "a@b.c" })).is_ok());
    assert!(
        contact(json!({ "email": "a@b.c" }))
            .unwrap_err()
            .to_string()
            .contains("locationId")
    );
    assert!(
        contact(json!({ "locationId": "loc", "mail": "a@b.c" }))
            .unwrap_err()
            .to_string()
            .contains("mail")
    );
    let setting =
        |status: &str| serde_json::from_value::<DndSettingInput>(json!({ "status": status }));
    assert_eq!(setting("permanent").unwrap().status, DndStatus::Permanent);
    assert!(setting("sometimes").is_err());
    assert!(
        serde_json::from_value::<CreateCustomField>(
            json!({ "name": "n", "dataType": "TEXT", "model": "x" })
        )
        .is_err()
    );
}

#[test]
fn a_field_is_left_alone_set_or_cleared() {
    let update: UpdateContact = UpdateContact::builder()
        .email(Patch::set("a@b.c"))
        .phone(Patch::Clear)
        .tags(Some(vec![]))
        .try_into()
        .unwrap();
    let json = serde_json::to_value(&update).unwrap();
    assert_eq!(json, json!({ "email": "a@b.c", "phone": null, "tags": [] }));
    let read: UpdateContact = serde_json::from_value(json).unwrap();
    assert_eq!((read.phone, read.city), (Some(Patch::Clear), None));
}

#[test]
fn what_the_service_adds_is_kept() {
    let text = r#"{"note": {"id": 7, "relations": [{"objectKey": "contact"}]}, "traceId": "t"}"#;
    let answer: NoteAnswer = serde_json::from_str(text).unwrap();
    let note = answer.note.unwrap();
    assert_eq!(note.id.as_deref(), Some("7"));
    assert_eq!(note.extra["relations"][0]["objectKey"], "contact");
}

fn operation(name: &str) -> &'static Operation {
    OPERATIONS
        .iter()
        .find(|operation| operation.name == name)
        .expect(name)
}

#[test]
fn the_table_tells_what_the_transport_needs() {
    let search = operation("search-contacts-advanced");
    assert_eq!(
        (search.http_method, search.path, search.resource),
        ("POST", "/contacts/search", "contact_search")
    );
    assert_eq!(
        (search.idempotency, search.paging),
        (Idempotency::Read, Paging::SearchAfter)
    );
    assert_eq!(
        (search.items, search.id, search.version),
        (Some("/contacts"), Some("/id"), Some("/dateUpdated"))
    );
    assert_eq!(
        (search.api_version, search.scopes),
        (Some("2021-07-28"), &["contacts.readonly"][..])
    );
    let token = operation("get-access-token");
    assert_eq!(
        (token.auth, token.body, token.api_version),
        (Auth::None, Body::Form, Some("2021-07-28"))
    );
    assert_eq!(
        operation("get-location-access-token").token_kinds,
        [TokenKind::AgencyApp]
    );
    let Idempotency::Lookup(lookup) = operation("create-task").idempotency else {
        panic!("a repeat adds a second task")
    };
    assert_eq!(
        (lookup.operation, lookup.equal),
        ("get-all-tasks", &["title", "body"][..])
    );
}

/// The path without the names of its parameters: all that counts to OpenAPI.
fn shape(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.find('{') {
        Some(start) => &segment[..=start],
        None => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

#[test]
fn the_table_is_the_description() {
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let described: usize = paths
        .values()
        .map(|item| item.as_object().unwrap().len())
        .sum();
    assert_eq!(OPERATIONS.len(), described);
    for operation in OPERATIONS {
        let method = operation.http_method.to_lowercase();
        let mut same = paths
            .iter()
            .filter(|(path, _)| shape(path) == shape(operation.path));
        let item = same.next().unwrap().1;
        assert_eq!(item[method]["operationId"], operation.name);
        assert!(same.next().is_none(), "{} twice to OpenAPI", operation.path);
    }
    let events: Vec<&str> = WEBHOOKS.iter().map(|event| event.name).collect();
    assert_eq!(events.len(), 77, "{events:?}");
    for fetch in WEBHOOKS.iter().filter_map(|event| event.fetch) {
        assert_eq!(operation(fetch).idempotency, Idempotency::Read);
    }
}

#[test]
fn payloads_are_read_by_the_name_of_their_event() {
    let body = br#"{"type": "TaskComplete", "id": "t1", "dueDate": 1638250000000}"#;
    let Some(Ok(Payload::TaskComplete(task))) = Payload::read("TaskComplete", body) else {
        panic!("a known event")
    };
    assert_eq!(
        (task.id.as_deref(), task.due_date.as_deref()),
        (Some("t1"), Some("1638250000000"))
    );
    assert!(Payload::read("TaskExplode", body).is_none());
}
