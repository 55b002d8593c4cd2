//! Calls by operation name.

use canopy_highlevel::operation::{Body, Idempotency};
use canopy_highlevel::{
    BuildError, CATALOG, Client, Limits, OPERATIONS, Priority, describe, expand, operation,
};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{TOKEN, answering, builder, requests};

#[tokio::test]
async fn every_operation_can_be_called_with_its_required_arguments() {
    let server = MockServer::start().await;
    let client = builder(&server.uri())
        .limits(Limits::UNLIMITED)
        .build()
        .unwrap();
    let answer = ResponseTemplate::new(200).set_body_json(json!({"ok": true}));
    Mock::given(any()).respond_with(answer).mount(&server).await;
    for operation in OPERATIONS
        .iter()
        .filter(|operation| operation.takes_private_tokens())
    {
        let args = describe(operation.name).unwrap().example;
        // What it must be answered is another test's matter.
        if let Err(error) = client.invoke(operation.name, &args).await {
            assert!(error.is_unreadable(), "{}: {error}", operation.name);
        }
        let requests = requests(&server).await;
        let sent = requests.last().unwrap();
        assert_eq!(sent.method.as_str(), operation.http_method);
        assert!(!sent.url.path().contains(['{', '}']), "{}", sent.url);
        assert_eq!(
            sent.url.path().ends_with('/'),
            operation.path.ends_with('/'),
            "{}",
            sent.url
        );
        let version = sent
            .headers
            .get("version")
            .map(|value| value.to_str().unwrap());
        assert_eq!(version, operation.api_version, "{}", operation.name);
        assert_eq!(
            sent.body.is_empty(),
            operation.body == Body::None,
            "{}",
            operation.name
        );
    }
}

#[tokio::test]
async fn names_of_the_catalog_are_names_of_operations() {
    let server = MockServer::start().await;
    let client = builder(&server.uri())
        .limits(Limits::UNLIMITED)
        .build()
        .unwrap();
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"ok": true})))
        .mount(&server)
        .await;
    for entry in CATALOG {
        assert!(
            operation(entry.name).is_none_or(|own| own.name == entry.operation),
            "{} is the name of another operation",
            entry.name
        );
        // What the description of the name shows, the call takes.
        let args = describe(entry.name).unwrap().example;
        let sent = async |name, args: &Value| {
            let answer = client.invoke(name, args).await;
            // Whether this answer will do is the operation's affair.
            assert!(
                answer
                    .as_ref()
                    .err()
                    .is_none_or(|error| error.field().is_none()),
                "{name}: {answer:?}"
            );
            let sent = requests(&server).await.pop().unwrap();
            (sent.method, sent.url, sent.body)
        };
        let own = expand(entry.name, &args).unwrap();
        assert_eq!(
            sent(entry.name, &args).await,
            sent(entry.operation, &own).await,
            "{}",
            entry.name
        );
    }
    let error = client.invoke("find-contact", &json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "find-contact: it takes one of `email`, `phone`, `id`"
    );
}

#[tokio::test]
async fn a_whole_number_goes_out_without_a_fraction() {
    let nobody = json!({"contacts": [], "total": 0});
    let (client, server) = answering(ResponseTemplate::new(200).set_body_json(nobody)).await;
    let list = json!({"locationId": "l", "limit": 20.0});
    let search = json!({"locationId": "l", "pageLimit": 20.0});
    client.invoke("get-contacts", &list).await.unwrap();
    client.invoke("search-contacts", &search).await.unwrap();
    let sent = requests(&server).await;
    assert_eq!(sent[0].url.query(), Some("locationId=l&limit=20"));
    let body = String::from_utf8_lossy(&sent[1].body).into_owned();
    assert!(
        body.contains("\"pageLimit\":20") && !body.contains("20.0"),
        "{body}"
    );
    for (name, field) in [("get-contacts", "limit"), ("search-contacts", "pageLimit")] {
        let args = json!({"locationId": "l", field: 20.5});
        let error = client.invoke(name, &args).await.unwrap_err();
        assert_eq!(error.field(), Some(field));
        assert!(
            error.to_string().contains("must be a whole number"),
            "{error}"
        );
    }
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn arguments_go_to_path_query_and_body() {
    let tags = json!({"tags": ["a"]});
    let (client, server) = answering(ResponseTemplate::new(200).set_body_json(&tags)).await;
    let args = json!({"contactId": "c/1", "tags": ["a"]});
    assert_eq!(client.invoke("add-tags", &args).await.unwrap(), tags);
    let sent = &requests(&server).await[0];
    assert_eq!(
        (sent.method.as_str(), sent.url.path()),
        ("POST", "/contacts/c%2F1/tags")
    );
    assert_eq!(sent.body_json::<Value>().unwrap(), json!({"tags": ["a"]}));
    assert_eq!(
        sent.headers["authorization"],
        format!("Bearer {TOKEN}").as_str()
    );
    assert_eq!(sent.headers["version"], "2021-07-28");
    assert!(!sent.headers.contains_key("api-version"));
}

#[tokio::test]
async fn what_is_missing_is_named_and_nothing_is_sent() {
    let (client, server) = answering(ResponseTemplate::new(200)).await;
    for (name, args, part) in [
        ("get-contact", json!({}), "`contactId` is missing"),
        (
            "get-contact",
            json!({"contactId": "c", "contactid": "c"}),
            "`contactid` is unknown",
        ),
        ("get-contct", json!({}), "`get-contact`"),
    ] {
        let error = client.invoke(name, &args).await.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.status().is_none() && !error.is_retryable() && !error.outcome_unknown());
    }
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn calls_of_all_urgencies_draw_on_one_budget() {
    let contact = json!({"contact": {"id": "c"}});
    let (client, _server) = answering(ResponseTemplate::new(200).set_body_json(contact)).await;
    let args = json!({"contactId": "c"});
    client.invoke("get-contact", &args).await.unwrap();
    client
        .invoke_as(Priority::Backfill, "get-contact", &args)
        .await
        .unwrap();
    client
        .with_priority(Priority::Poll)
        .invoke("get-contact", &args)
        .await
        .unwrap();
    let budget = client.rate_budget();
    assert_eq!(
        (budget.daily.unwrap().used, budget.window.unwrap().used),
        (3, 3)
    );
    assert_eq!(
        (budget.daily.unwrap().limit, budget.window.unwrap().max),
        (200_000, 100)
    );
}

#[test]
fn a_client_needs_a_token_and_a_url_that_is_one() {
    assert!(matches!(
        Client::builder().build(),
        Err(BuildError::NoToken)
    ));
    assert!(matches!(
        builder("services.example.com").build(),
        Err(BuildError::BaseUrl { .. })
    ));
}

#[tokio::test]
async fn a_client_does_not_show_its_token() {
    let builder = builder("http://127.0.0.1:1");
    assert!(!format!("{builder:?}").contains(TOKEN));
    let client = builder.build().unwrap();
    assert!(!format!("{client:?}").contains(TOKEN));
}

#[test]
fn lookups_name_operations_that_exist() {
    for entry in OPERATIONS {
        if let Idempotency::Lookup(lookup) = entry.idempotency {
            let list = operation(lookup.operation)
                .unwrap_or_else(|| panic!("{}: {}", entry.name, lookup.operation));
            assert_eq!(list.idempotency, Idempotency::Read);
        }
    }
}
