//! From arguments to a request.

use canopy_transport::invoke::{InvokeError, base_url, is_loopback, request, unknown};
use canopy_transport::operation::{
    Auth, Body, Evidence, Idempotency, Operation, Paging, Parameter, Place, Shown,
};
use serde_json::{Value, json};

const fn parameter(name: &'static str, place: Place, required: bool) -> Parameter {
    Parameter {
        name,
        place,
        required,
    }
}

const PARAMETERS: &[Parameter] = &[
    parameter("id", Place::Path, true),
    parameter("owner", Place::Query, true),
    parameter("tag", Place::Query, false),
];

pub(crate) const fn operation(
    name: &'static str,
    http_method: &'static str,
    path: &'static str,
    idempotency: Idempotency,
) -> Operation {
    Operation {
        name,
        method_name: name,
        resource: "things",
        summary: "",
        http_method,
        path,
        api_version: Some("2021-07-28"),
        auth: Auth::Bearer,
        scopes: &[],
        token_kinds: &[],
        parameters: PARAMETERS,
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

static UPDATE: Operation = operation(
    "update-thing",
    "PUT",
    "/things/{id}/",
    Idempotency::Idempotent,
);
static GET: Operation = Operation {
    body: Body::None,
    ..operation("get-thing", "GET", "/things/{id}", Idempotency::Read)
};
static FORM: Operation = Operation {
    body: Body::Form,
    ..operation("token", "POST", "/token", Idempotency::Unsafe)
};
static LIST: Operation = Operation {
    parameters: &[],
    ..operation("set", "POST", "/set", Idempotency::Unsafe)
};

fn built(
    operation: &'static Operation,
    args: &Value,
) -> Result<(String, String, String), InvokeError> {
    let base = base_url("http://127.0.0.1:1/api/").unwrap();
    let request = request(&base, operation, args)?;
    let body = request
        .body()
        .and_then(reqwest::Body::as_bytes)
        .unwrap_or_default();
    Ok((
        request.method().to_string(),
        request.url().to_string(),
        String::from_utf8(body.to_vec()).unwrap(),
    ))
}

#[test]
fn members_go_where_the_table_says() {
    let args = json!({"id": "a/b c?é%2e", "name": "N", "owner": "x&y", "tag": ["1", 2, true], "clear": null});
    let (method, url, body) = built(&UPDATE, &args).unwrap();
    assert_eq!(method, "PUT");
    assert_eq!(
        url,
        "http://127.0.0.1:1/api/things/a%2Fb%20c%3F%C3%A9%252e/?owner=x%26y&tag=1&tag=2&tag=true"
    );
    assert_eq!(body, r#"{"name":"N","clear":null}"#);
}

#[test]
fn whole_numbers_have_no_fraction_in_queries() {
    let (_, url, _) = built(&GET, &json!({"id": 7, "owner": 20.0, "tag": null})).unwrap();
    assert_eq!(url, "http://127.0.0.1:1/api/things/7?owner=20");
}

#[test]
fn forms_and_lists_are_bodies_too() {
    assert_eq!(
        built(&FORM, &json!({"id": 1, "owner": "o", "code": "a b&c"}))
            .unwrap()
            .2,
        "code=a+b%26c"
    );
    assert_eq!(built(&LIST, &json!({"body": [1, 2]})).unwrap().2, "[1,2]");
    assert_eq!(
        built(&LIST, &json!({"body": "text"})).unwrap().2,
        r#"{"body":"text"}"#
    );
}

#[test]
fn wrong_arguments_are_named_before_anything_is_sent() {
    for (operation, args, field) in [
        (&UPDATE, json!({"owner": "o"}), Some("id")),
        (&UPDATE, json!({"id": null, "owner": "o"}), Some("id")),
        (&UPDATE, json!({"id": "i"}), Some("owner")),
        (&UPDATE, json!({"id": "", "owner": "o"}), Some("id")),
        (&UPDATE, json!({"id": "..", "owner": "o"}), Some("id")),
        (&UPDATE, json!({"id": ["i"], "owner": "o"}), Some("id")),
        (
            &UPDATE,
            json!({"id": "i", "owner": {"a": 1}}),
            Some("owner"),
        ),
        (
            &GET,
            json!({"id": "i", "owner": "o", "nmae": 1}),
            Some("nmae"),
        ),
        (
            &FORM,
            json!({"id": "i", "owner": "o", "code": {}}),
            Some("code"),
        ),
        (&UPDATE, json!("id"), None),
    ] {
        let error = built(operation, &args).unwrap_err();
        assert_eq!(error.field(), field, "{args}");
    }
}

#[test]
fn an_unknown_operation_names_the_nearest() {
    static ALL: [Operation; 2] = [UPDATE, GET];
    let near = unknown(&ALL, "updat-thing").to_string();
    assert!(near.contains("`update-thing`"), "{near}");
    let far = unknown(&ALL, "zzz").to_string();
    assert!(!far.contains("nearest"), "{far}");
}

#[test]
fn base_urls_without_surprises_only() {
    for good in ["https://a.example", "http://127.0.0.1:80/x"] {
        assert!(base_url(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "a.example",
        "ftp://a.example",
        "https://u:p@a.example",
        "https://a.example?x=1",
        "https://a.example#x",
    ] {
        let error = base_url(bad).unwrap_err();
        assert!(!error.to_string().contains("u:p"), "{error}");
    }
}

#[test]
fn this_machine_is_recognised() {
    for (url, local) in [
        ("http://127.0.0.1:80", true),
        ("http://[::1]:80", true),
        ("http://LOCALHOST", true),
        ("https://services.example.com", false),
        ("http://localhost.example.com", false),
        ("http://10.0.0.1", false),
    ] {
        assert_eq!(is_loopback(&base_url(url).unwrap()), local, "{url}");
    }
}
