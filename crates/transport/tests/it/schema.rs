//! Arguments against a description.

use canopy_transport::operation::{Body, Idempotency, Operation, Parameter, Place};
use canopy_transport::schema::{AnswerKind, Document};
use serde_json::{Value, json};

use crate::invoke::operation;

const fn things(body: Body) -> Operation {
    Operation {
        parameters: &[
            Parameter {
                name: "id",
                place: Place::Path,
                required: true,
            },
            Parameter {
                name: "kinds",
                place: Place::Query,
                required: false,
            },
            Parameter {
                name: "flag",
                place: Place::Query,
                required: false,
            },
        ],
        body,
        ..operation("put-thing", "PUT", "/things/{id}", Idempotency::Idempotent)
    }
}

/// A description of [`things`] with this schema as its body.
fn document(body: &Value, required: bool) -> Document {
    let text = json!({
        "paths": { "/things/{id}": {
            "parameters": [{ "$ref": "#/components/parameters/Id" }],
            "put": {
                "description": "Changes a thing.",
                "parameters": [
                    { "name": "kinds", "in": "query", "schema": { "type": "array", "items": { "type": "string", "enum": ["a", "b"] } } },
                    { "name": "flag", "in": "query", "schema": { "type": "boolean" } },
                ],
                "requestBody": { "required": required, "content": { "application/json": { "schema": body } } },
                "responses": { "200": { "content": { "audio/x-wav": { "schema": { "type": "string", "format": "binary" } } } } },
            },
        } },
        "components": {
            "parameters": { "Id": { "name": "id", "in": "path", "required": true, "description": "Which.", "schema": { "type": "string", "minLength": 2 } } },
            "schemas": {
                "Base": { "type": "object", "required": ["a"], "properties": { "a": { "type": "string" }, "b": { "type": "integer" } } },
                "Tree": { "type": "object", "required": ["name"], "properties": {
                    "name": { "type": "string" }, "children": { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } },
                } },
                "Circle": { "allOf": [{ "$ref": "#/components/schemas/Circle" }] },
            },
        },
    });
    Document::parse(&text.to_string()).unwrap()
}

fn checked(body: &Value, args: &Value) -> Result<(), String> {
    let described = document(body, true);
    described
        .check(&things(Body::Json), args)
        .map_err(|error| error.to_string())
}

#[track_caller]
fn refuses(body: &Value, more: Value, says: &str) {
    let error = checked(body, &with_id(more)).unwrap_err();
    assert_eq!(error, says);
}

#[track_caller]
fn takes(body: &Value, more: Value) {
    assert_eq!(checked(body, &with_id(more)), Ok(()));
}

fn with_id(mut more: Value) -> Value {
    more["id"] = json!("t1");
    more
}

#[test]
fn parts_are_one_and_the_last_word_counts() {
    let body = json!({
        "allOf": [
            { "$ref": "#/components/schemas/Base" },
            { "type": "object", "properties": { "b": { "type": "integer", "nullable": true }, "c": { "type": "boolean" } } },
        ],
        "required": ["c"],
    });
    takes(&body, json!({"a": "x", "b": null, "c": true}));
    refuses(
        &body,
        json!({"b": 1, "c": true}),
        "`a` is missing; give it as a member of the arguments",
    );
    refuses(
        &body,
        json!({"a": "x"}),
        "`c` is missing; give it as a member of the arguments",
    );
    refuses(&body, json!({"a": null, "c": true}), "`a` must be a text");
    refuses(
        &body,
        json!({"a": "x", "c": true, "zzz": 1}),
        "`zzz` is unknown here; what is taken here: id, kinds, flag, a, b, c",
    );
}

#[test]
fn one_alternative_must_fit_and_the_nearest_one_is_talked_about() {
    let value = json!({ "oneOf": [
        { "type": "string" },
        { "type": "array", "items": { "type": "integer" } },
        { "$ref": "#/components/schemas/Base" },
    ] });
    let body = json!({ "type": "object", "properties": { "value": value } });
    for fine in [json!("x"), json!([1, 2]), json!({"a": "x"})] {
        takes(&body, json!({ "value": fine }));
    }
    refuses(
        &body,
        json!({"value": true}),
        "`value` must be a text, or a list, or an object",
    );
    refuses(
        &body,
        json!({"value": [1, "x"]}),
        "`value[1]` must be a whole number",
    );
    refuses(
        &body,
        json!({"value": {"b": 1}}),
        "`value.a` is missing; give it as a member of the arguments",
    );
}

#[test]
fn lengths_and_bounds() {
    let body = json!({ "type": "object", "properties": {
        "list": { "type": "array", "minItems": 1, "maxItems": 2, "items": {} },
        "text": { "type": "string", "minLength": 1 },
        "part": { "type": "number", "minimum": 0.5, "maximum": 1 },
    } });
    takes(&body, json!({"list": [null], "text": "é", "part": 0.75}));
    refuses(
        &body,
        json!({"list": []}),
        "`list` must have at least 1 elements",
    );
    refuses(
        &body,
        json!({"list": [1, 2, 3]}),
        "`list` must have at most 2 elements",
    );
    refuses(
        &body,
        json!({"text": ""}),
        "`text` must have at least 1 characters",
    );
    refuses(&body, json!({"part": 0.25}), "`part` must be at least 0.5");
    refuses(&body, json!({"part": "1"}), "`part` must be a number");
}

#[test]
fn open_objects_take_what_they_say() {
    let body = json!({ "type": "object", "properties": { "map": { "type": "object", "additionalProperties": { "type": "integer" } }, "any": { "type": "object" } } });
    takes(&body, json!({"map": {"x": 1}, "any": {"y": [{}]}}));
    refuses(
        &body,
        json!({"map": {"x": "1"}}),
        "`map.x` must be a whole number",
    );
    takes(&json!({}), json!({"whatever": 1}));
    takes(
        &json!({ "type": "object", "additionalProperties": true, "properties": { "a": { "type": "string" } } }),
        json!({"b": 1}),
    );
}

#[test]
fn a_body_that_is_a_list_is_the_member_body() {
    let body = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Base" } });
    takes(&body, json!({"body": [{"a": "x"}]}));
    refuses(
        &body,
        json!({"body": [{"a": "x"}, {"a": 1}]}),
        "`body[1].a` must be a text",
    );
    refuses(&body, json!({"body": {}}), "`body` must be a list");
    refuses(
        &body,
        json!({}),
        "`body` is missing; give it as a member of the arguments",
    );
    refuses(
        &body,
        json!({"boddy": []}),
        "`boddy` is unknown here; the nearest is `body`",
    );
}

#[test]
fn parameters_travel_as_text() {
    let body = json!({ "$ref": "#/components/schemas/Base" });
    takes(&body, json!({"a": "x", "kinds": "a", "flag": "false"}));
    takes(&body, json!({"a": "x", "kinds": ["a", "b"], "flag": true}));
    refuses(
        &body,
        json!({"a": "x", "kinds": ["a", "c"]}),
        "`kinds[1]` must be one of a, b",
    );
    refuses(
        &body,
        json!({"a": "x", "kinds": "c"}),
        "`kinds` must be one of a, b",
    );
    refuses(
        &body,
        json!({"a": "x", "flag": "maybe"}),
        "`flag` must be true or false",
    );
    let check = |id: Value| checked(&body, &json!({"a": "x", "id": id}));
    assert_eq!(check(json!(12)), Ok(()));
    assert_eq!(
        check(json!("1")),
        Err("`id` must have at least 2 characters".to_owned())
    );
    assert!(check(Value::Null).unwrap_err().contains("`id` is missing"));
}

#[test]
fn a_body_may_be_left_out_where_it_may() {
    let body = json!({ "$ref": "#/components/schemas/Base" });
    let check = |required, args: Value| {
        document(&body, required)
            .check(&things(Body::Json), &args)
            .is_ok()
    };
    assert!(check(false, json!({"id": "t1"})));
    assert!(!check(false, json!({"id": "t1", "b": 1})));
    assert!(!check(true, json!({"id": "t1"})));
}

#[test]
fn descriptions_that_turn_in_circles_have_an_end() {
    let tree = json!({ "$ref": "#/components/schemas/Tree" });
    refuses(
        &tree,
        json!({"name": "a", "children": [{"name": "b", "children": [{}]}]}),
        "`children[0].children[0].name` is missing; give it as a member of the arguments",
    );
    let described = document(&tree, true).describe(&things(Body::Json));
    assert!(serde_json::to_string(&described).unwrap().len() < 10_000);
    takes(
        &json!({ "$ref": "#/components/schemas/Circle" }),
        json!({"x": 1}),
    );
    takes(
        &json!({ "$ref": "#/components/schemas/Nowhere" }),
        json!({"x": 1}),
    );
}

#[test]
fn what_is_not_described_is_let_through() {
    let nothing = Document::parse("{}").unwrap();
    assert!(
        nothing
            .check(&things(Body::Json), &json!({"id": "t", "x": 1}))
            .is_ok()
    );
    assert!(nothing.check(&things(Body::Json), &json!([])).is_err());
    let unknown = nothing
        .check(&things(Body::None), &json!({"id": "t", "flagg": 1}))
        .unwrap_err();
    assert_eq!(unknown.field(), Some("flagg"));
}

#[test]
fn a_description_tells_what_comes_back_and_what_to_send() {
    let body = json!({ "type": "object", "required": ["when", "count"], "properties": {
        "when": { "type": "string" }, "count": { "type": "integer", "minimum": 20 }, "spare": { "type": "string" },
    } });
    let document = document(&body, true);
    let described = document.describe(&things(Body::Json));
    assert_eq!(described.answer, AnswerKind::Bytes);
    assert_eq!(described.description, "Changes a thing.");
    assert_eq!(described.fields[0].description, "Which.");
    let kinds: Vec<_> = described
        .fields
        .iter()
        .map(|field| (field.name.as_str(), field.kind.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("id", "string"),
            ("kinds", "string[]"),
            ("flag", "boolean"),
            ("when", "string"),
            ("count", "integer"),
            ("spare", "string")
        ]
    );
    assert_eq!(described.fields[1].words, ["a", "b"]);
    assert_eq!(described.example["count"], 20);
    assert!(described.example.get("spare").is_none());
    assert!(
        document
            .check(&things(Body::Json), &described.example)
            .is_ok()
    );
}

#[test]
fn lists_of_values_are_held_unless_the_service_adds_to_them() {
    let body = json!({ "type": "object", "properties": {
        "share": { "type": "number", "enum": [0, 0.5, 1] },
        "scopes": { "type": "array", "items": { "type": "string", "enum": ["read"], "x-open": true } },
    } });
    let document = document(&body, true);
    let things = things(Body::Json);
    let check = |body: Value| {
        let mut arguments = json!({ "id": "ab", "kinds": ["a"] });
        for (name, value) in body.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        document.check(&things, &arguments)
    };
    check(json!({ "share": 1.0, "scopes": ["read", "newer"] })).unwrap();
    let refused = check(json!({ "share": 0.7 })).unwrap_err();
    assert_eq!(refused.field(), Some("share"));
    assert!(refused.to_string().contains("0, 0.5, 1"), "{refused}");
    let refused = check(json!({ "scopes": [1] })).unwrap_err();
    assert_eq!(refused.field(), Some("scopes[0]"));
    let described = document.describe(&things);
    let field = |name: &str| {
        let found = described.fields.iter().find(|field| field.name == name);
        (found.unwrap().words.len(), found.unwrap().open)
    };
    assert_eq!((field("share"), field("scopes")), ((3, false), (1, true)));
}

#[test]
fn steps_are_held() {
    let number = json!({ "type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.5 });
    let body = json!({ "type": "object", "properties": { "b": number } });
    for fine in [json!(0), json!(0.5), json!(1), json!(1.0)] {
        takes(&body, json!({ "b": fine }));
    }
    refuses(&body, json!({ "b": 0.3 }), "`b` must be a multiple of 0.5");
    refuses(&body, json!({ "b": 1.5 }), "`b` must be at most 1");
}
