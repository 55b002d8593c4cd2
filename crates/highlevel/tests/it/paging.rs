//! Lists, read to their end.

use std::collections::BTreeSet;
use std::sync::Mutex;

use canopy_highlevel::api::common::types::Contact;
use canopy_highlevel::operation::{Body, Operation, Paging};
use canopy_highlevel::{
    Cause, Client, Error, Limits, OPERATIONS, PagingError, StreamExt as _, TryStreamExt as _,
};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::{answering, builder, requests};

/// Answers from a function of the arguments, wherever they were put.
struct Pages<F>(F);

impl<F: Fn(&Args) -> Value + Send + Sync> Respond for Pages<F> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_json((self.0)(&Args::of(request)))
    }
}

struct Args(Value);

impl Args {
    fn of(request: &Request) -> Self {
        let mut all = json!({});
        if !request.body.is_empty() {
            all = request.body_json().unwrap();
        }
        for (name, value) in request.url.query_pairs() {
            all[name.as_ref()] = json!(value);
        }
        Self(all)
    }

    fn number(&self, name: &str) -> Option<usize> {
        match &self.0[name] {
            Value::String(text) => text.parse().ok(),
            other => usize::try_from(other.as_u64()?).ok(),
        }
    }
}

async fn serving(pages: impl Fn(&Args) -> Value + Send + Sync + 'static) -> (Client, MockServer) {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(Pages(pages))
        .mount(&server)
        .await;
    let client = builder(&server.uri())
        .limits(Limits::UNLIMITED)
        .build()
        .unwrap();
    (client, server)
}

/// An answer with these records where the description says that they are; some lists are the whole answer.
fn listing(items: Option<&str>, mut answer: Value, records: Vec<Value>) -> Value {
    let Some(items) = items else {
        return records.into();
    };
    let parts = items.trim_start_matches('/').split('/');
    *parts.fold(&mut answer, |place, part| &mut place[part]) = records.into();
    answer
}

fn is_list(operation: &Operation) -> bool {
    operation.items.is_some() || operation.paging != Paging::None
}

fn ids(range: std::ops::Range<usize>) -> Vec<Value> {
    range.map(|n| json!({"id": format!("r{n}"), "_id": format!("r{n}"), "searchAfter": [n, format!("r{n}")]})).collect()
}

async fn read(client: &Client, name: &str, args: Value) -> (Vec<String>, Option<Error>) {
    let mut items = client.items(name, &args);
    let mut read = Vec::new();
    loop {
        match items.try_next().await {
            Ok(Some(item)) => read.push(item.id().unwrap().to_owned()),
            Ok(None) => return (read, None),
            Err(error) => {
                assert!(items.next().await.is_none(), "nothing comes behind {error}");
                return (read, Some(error));
            }
        }
    }
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("r{n}")).collect()
}

fn stuck(error: Option<&Error>) -> bool {
    matches!(
        error.map(Error::cause),
        Some(Cause::Paging(PagingError::Stuck))
    )
}

const LOCATION: &str = "loc-1";

#[tokio::test]
async fn the_search_goes_on_behind_the_last_record_and_passes_ten_thousand() {
    let (client, server) = serving(|args| {
        let from = match &args.0["searchAfter"] {
            Value::Null => {
                assert_eq!(args.number("page"), Some(1));
                0
            }
            place => {
                assert!(args.0["page"].is_null(), "not both");
                usize::try_from(place[0].as_u64().unwrap()).unwrap() + 1
            }
        };
        json!({"contacts": ids(from..10_400.min(from + 500)), "total": 10_400})
    })
    .await;
    let args = json!({"locationId": LOCATION, "pageLimit": 500});
    let (read, error) = read(&client, "search-contacts-advanced", args).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(read, names(0..10_400));
    assert_eq!(
        requests(&server).await.len(),
        22,
        "21 pages and the empty one"
    );
}

#[tokio::test]
async fn a_search_without_places_is_paged_by_number_as_far_as_that_goes() {
    let plain = |range: std::ops::Range<usize>| -> Vec<Value> {
        range.map(|n| json!({"id": format!("r{n}")})).collect()
    };
    let (client, _server) = serving(move |args| {
        let page = args.number("page").unwrap();
        json!({"contacts": plain((page - 1) * 500..page * 500)})
    })
    .await;
    let args = json!({"locationId": LOCATION, "pageLimit": 500});
    let (read, error) = read(&client, "search-contacts-advanced", args).await;
    assert_eq!(read, names(0..10_000));
    let error = error.unwrap();
    assert!(
        matches!(
            error.cause(),
            Cause::Paging(PagingError::Beyond { records: 10_000 })
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_short_page_with_a_place_to_continue_is_not_the_end() {
    let (client, _server) = serving(|args| match args.number("startAfter") {
        None => json!({"contacts": ids(0..1), "meta": {"startAfter": 7, "startAfterId": "r0"}}),
        // Not even an empty one is.
        Some(7) => json!({"contacts": [], "meta": {"startAfter": 8, "startAfterId": "x"}}),
        Some(8) => json!({"contacts": ids(1..3), "meta": {"startAfter": 9, "startAfterId": "r2"}}),
        Some(_) => json!({"contacts": [], "meta": {"startAfter": null, "startAfterId": null}}),
    })
    .await;
    let (read, error) = read(&client, "get-contacts", json!({"locationId": LOCATION})).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(read, names(0..3));
}

#[tokio::test]
async fn counting_styles_go_on_by_what_they_got() {
    for operation in OPERATIONS {
        let name = match operation.paging {
            Paging::Skip => "skip",
            Paging::Offset => "offset",
            _ => continue,
        };
        // The service gives fewer than asked for, and counts what it gave.
        let items = operation.items;
        let (client, server) = serving(move |args| {
            let from = args.number(name).unwrap_or(0);
            listing(items, json!({}), ids(from..7.min(from + 3)))
        })
        .await;
        let example = canopy_highlevel::describe(operation.name).unwrap().example;
        let mut args = example;
        for filled in ["skip", "offset", "limit"] {
            args.as_object_mut().unwrap().shift_remove(filled);
        }
        let count = client
            .items(operation.name, &args)
            .filter(|item| std::future::ready(item.is_ok()))
            .count()
            .await;
        assert_eq!(count, 7, "{}", operation.name);
        let sent = requests(&server).await;
        let starts: Vec<_> = sent
            .iter()
            .map(|request| Args::of(request).number(name).unwrap_or(0))
            .collect();
        assert_eq!(starts, [0, 3, 6, 7], "{}", operation.name);
    }
}

/// Whatever style a list has: a service that gives the same answer for ever is noticed.
#[tokio::test]
async fn a_place_that_does_not_move_ends_every_list_with_an_error() {
    let mut seen = BTreeSet::new();
    for operation in OPERATIONS.iter().filter(|operation| is_list(operation)) {
        let items = operation.items;
        let (client, server) = serving(move |_| {
            let answer = json!({"meta": {"startAfter": 5, "startAfterId": "r1"}});
            let records = vec![json!({"id": "r0"}), json!({"id": "r1", "searchAfter": [1]})];
            listing(items, answer, records)
        })
        .await;
        let args = canopy_highlevel::describe(operation.name).unwrap().example;
        let pages: Vec<_> = client.pages(operation.name, &args).take(10).collect().await;
        let last = pages.last().unwrap();
        if operation.paging == Paging::None {
            assert!(last.is_ok() && pages.len() == 1, "{}", operation.name);
        } else if matches!(operation.paging, Paging::After { .. }) && last.is_ok() {
            // Its records have no place to continue in this answer.
            assert_eq!(pages.len(), 1, "{}", operation.name);
        } else {
            assert!(stuck(last.as_ref().err()), "{}: {last:?}", operation.name);
            assert!(requests(&server).await.len() <= 3, "{}", operation.name);
        }
        seen.insert(format!("{:?}", operation.paging));
    }
    assert!(seen.len() >= 3, "{seen:?}");
}

#[tokio::test]
async fn a_circle_of_several_pages_is_noticed() {
    let (client, server) = serving(|args| {
        let at = args.number("startAfter").unwrap_or(0);
        json!({"contacts": ids(at..at + 1), "meta": {"startAfter": (at + 1) % 3, "startAfterId": "x"}})
    })
    .await;
    let (read, error) = read(&client, "get-contacts", json!({"locationId": LOCATION})).await;
    assert!(stuck(error.as_ref()), "{error:?}");
    assert_eq!(read[..3], names(0..3));
    assert!(requests(&server).await.len() <= 5);
}

#[tokio::test]
async fn one_odd_record_costs_nothing_but_itself() {
    let (client, _server) = serving(|args| match &args.0["searchAfter"] {
        Value::Null => json!({"contacts": [
            {"id": "r0", "tags": null, "dateAdded": 1_690_000_000_000_i64, "dnd": "false"},
            "jo@example.com",
            {"id": "r2", "searchAfter": [2]},
            null,
        ]}),
        place if place[0] == 2 => json!({"contacts": [{"id": "r4", "searchAfter": [4]}]}),
        _ => json!({"contacts": []}),
    })
    .await;
    let args = json!({"locationId": LOCATION, "pageLimit": 4});
    let all: Vec<_> = client
        .items_as::<Contact>("search-contacts-advanced", &args)
        .collect()
        .await;
    let (fine, odd): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    let fine: Vec<Contact> = fine.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        fine.iter()
            .map(|contact| contact.id.as_deref().unwrap())
            .collect::<Vec<_>>(),
        ["r0", "r2", "r4"]
    );
    assert_eq!(
        (fine[0].date_added.as_deref(), fine[0].dnd),
        (Some("1690000000000"), Some(false))
    );
    let odd: Vec<Error> = odd.into_iter().map(Result::unwrap_err).collect();
    let found: Vec<_> = odd
        .iter()
        .map(|error| error.odd_record().unwrap())
        .map(|record| (record.path(), record.raw()))
        .collect();
    assert_eq!(
        found,
        [
            ("/contacts/1", &json!("jo@example.com")),
            ("/contacts/3", &Value::Null)
        ]
    );
    assert!(
        !format!("{:?} {}", odd[0], odd[0]).contains("jo@"),
        "{:?}",
        odd[0]
    );
}

#[tokio::test]
async fn a_type_of_ones_own_tells_which_member_is_odd() {
    #[derive(Debug, serde::Deserialize)]
    struct Own {
        #[serde(rename = "customFields")]
        _fields: Vec<Field>,
    }
    #[derive(Debug, serde::Deserialize)]
    struct Field {
        #[serde(rename = "value")]
        _value: u32,
    }
    let body = json!({"contacts": [{"id": "a", "customFields": [{"value": 1}, {"value": "jo@example.com"}]}]});
    let (client, _server) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let mut items = client.items_as::<Own>("get-contacts", &json!({"locationId": LOCATION}));
    let error = items.next().await.unwrap().unwrap_err();
    assert_eq!(
        error.odd_record().unwrap().path(),
        "/contacts/0/customFields/1/value"
    );
    assert!(!error.to_string().contains("jo@"), "{error}");
    assert!(items.next().await.is_none());
}

#[tokio::test]
async fn reading_can_go_on_later() {
    let (client, server) = serving(|args| {
        let from = args.number("startAfter").map_or(0, |last| last + 1);
        let page = ids(from..9.min(from + 3));
        let last = page.len().checked_sub(1).map(|last| from + last);
        json!({"contacts": page, "meta": {"total": 9, "startAfter": last, "startAfterId": last.map(|n| n.to_string())}})
    })
    .await;
    let args = json!({"locationId": LOCATION, "limit": 3});
    let first = client
        .pages("get-contacts", &args)
        .next()
        .await
        .unwrap()
        .unwrap();
    assert_eq!((first.items().len(), first.total()), (3, Some(9)));
    assert_eq!(requests(&server).await.len(), 1, "nothing is read ahead");
    let (rest, error) = read(&client, "get-contacts", first.next_args().unwrap().clone()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(rest, names(3..9));
}

#[tokio::test]
async fn an_error_in_the_middle_ends_the_list_with_what_came_before() {
    let calls = Mutex::new(0);
    let server = MockServer::start().await;
    let respond = move |_: &Request| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        if *calls == 1 {
            ResponseTemplate::new(200).set_body_json(
                json!({"contacts": ids(0..2), "meta": {"startAfter": 1, "startAfterId": "r1"}}),
            )
        } else {
            ResponseTemplate::new(403)
                .set_body_json(json!({"statusCode": 403, "message": "Forbidden"}))
        }
    };
    Mock::given(any())
        .respond_with(respond)
        .mount(&server)
        .await;
    let client = builder(&server.uri()).build().unwrap();
    let (read, error) = read(&client, "get-contacts", json!({"locationId": LOCATION})).await;
    assert_eq!(read, names(0..2));
    assert_eq!(error.unwrap().status(), Some(403));
}

#[tokio::test]
async fn what_is_no_list_says_so_and_sends_nothing() {
    let (client, server) = answering(ResponseTemplate::new(200)).await;
    for (name, args, part) in [
        ("get-contact", json!({"contactId": "c"}), "no list"),
        ("get-contcts", json!({}), "`get-contacts`"),
        ("get-contacts", json!([]), "one JSON object"),
        ("get-contacts", json!({"locationID": "l"}), "`locationId`"),
    ] {
        let (_, error) = read(&client, name, args).await;
        let error = error.unwrap();
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn odd_answers_of_lists() {
    for (answer, fine) in [
        (
            ResponseTemplate::new(202).set_body_json(json!({"contacts": []})),
            true,
        ),
        // None of these says that there are no contacts.
        (ResponseTemplate::new(204), false),
        (ResponseTemplate::new(200), false),
        (ResponseTemplate::new(200).set_body_json(json!({})), false),
        (
            ResponseTemplate::new(200).set_body_json(json!({"contacts": null})),
            false,
        ),
        (
            ResponseTemplate::new(200).set_body_json(json!({"contacts": "none"})),
            false,
        ),
    ] {
        let (client, _server) = answering(answer).await;
        let (read, error) = read(&client, "get-contacts", json!({"locationId": LOCATION})).await;
        assert!(read.is_empty());
        assert_eq!(error.is_none(), fine, "{error:?}");
    }
}

#[test]
fn every_paged_operation_gives_a_list_and_takes_its_place() {
    for operation in OPERATIONS
        .iter()
        .filter(|operation| operation.paging != Paging::None)
    {
        let takes = |name: &str| {
            let is_parameter = operation
                .parameters
                .iter()
                .any(|parameter| parameter.name == name);
            let described = canopy_highlevel::describe(operation.name).unwrap();
            is_parameter
                || operation.body != Body::None
                    && described.fields.iter().any(|field| field.name == name)
        };
        let place = match operation.paging {
            Paging::SearchAfter => "searchAfter",
            Paging::StartAfter => "startAfterId",
            Paging::Skip => "skip",
            Paging::Offset => "offset",
            Paging::After { parameter, .. } | Paging::Cursor { parameter, .. } => parameter,
            Paging::None => unreachable!("left out above"),
        };
        assert!(takes(place), "{} takes no `{place}`", operation.name);
    }
}

#[tokio::test]
async fn a_page_is_as_large_as_the_description_allows_unless_the_caller_says() {
    let (client, server) = serving(|_| json!({"opportunities": []})).await;
    for (given, sent) in [(json!({}), 100), (json!({"limit": 7}), 7)] {
        let mut args = given;
        args["location_id"] = json!(LOCATION);
        let mut pages = client.pages("search-opportunity", &args);
        pages.try_next().await.unwrap();
        let last = requests(&server).await.pop().unwrap();
        assert_eq!(Args::of(&last).number("limit"), Some(sent));
    }
}
