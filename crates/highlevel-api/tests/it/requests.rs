//! Types of requests are strict: what the service would refuse is refused before it is sent.

use serde_json::{Value, json};

use crate::api::OPENAPI;
use crate::generated::requests::REQUESTS;
use crate::synth::Description;

/// A type of request.
pub struct Request {
    pub name: &'static str,
    /// The component that describes it.
    pub component: &'static str,
    pub read: fn(Value) -> serde_json::Result<Value>,
}

#[test]
fn a_whole_request_is_read_and_written_without_loss() {
    let description = Description::new(OPENAPI);
    for request in REQUESTS {
        let (_, value) = description.component(request.component);
        let read = (request.read)(value.clone());
        assert_eq!(read.expect(request.name), value, "{}", request.name);
    }
}

#[test]
fn a_missing_required_member_is_named() {
    let description = Description::new(OPENAPI);
    let mut seen = 0;
    for request in REQUESTS {
        let (schema, value) = description.component(request.component);
        for member in schema["required"].as_array().into_iter().flatten() {
            let member = member.as_str().unwrap();
            let mut value = value.clone();
            value.as_object_mut().unwrap().remove(member);
            let error = (request.read)(value).expect_err(request.name).to_string();
            assert!(error.contains(member), "{}.{member}: {error}", request.name);
            seen += 1;
        }
    }
    assert!(seen > 0, "no request has a required member");
}

#[test]
fn an_unknown_member_is_named() {
    let description = Description::new(OPENAPI);
    for request in REQUESTS {
        let (schema, mut value) = description.component(request.component);
        if schema
            .get("additionalProperties")
            .is_some_and(|others| *others != false)
        {
            continue;
        }
        value["neverHeardOf"] = json!(1);
        let error = (request.read)(value).expect_err(request.name).to_string();
        assert!(error.contains("neverHeardOf"), "{}: {error}", request.name);
    }
}
