//! Operations that are only described, and for which nobody has written a handler, are served.

use std::collections::BTreeSet;

use canopy_sandbox::{Sandbox, SandboxError};
use serde_json::{Value, json};

use crate::harness::{World, start};

/// Trees of a location with all that can be done to them, and a list of contacts for apps only.
fn description() -> String {
    let named = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let body = |schema: Value| json!({ "content": { "application/json": { "schema": schema } } });
    let list = |of: &str| {
        json!({ "type": "object", "properties": {
            "items": { "type": "array", "items": named(of) },
            "meta": { "type": "object", "properties": { "nextCursor": { "type": "string" } } }
        } })
    };
    let query =
        |name: &str, kind: &str| json!({ "name": name, "in": "query", "schema": { "type": kind } });
    let one = json!({ "type": "object", "properties": { "tree": named("Tree") } });
    let gone = json!({ "type": "object", "properties": { "succeeded": { "type": "boolean" } } });
    let paging = json!({ "cursor": { "parameter": "cursor", "next": "/meta/nextCursor" } });
    json!({
        "paths": {
            "/trees/": {
                "get": {
                    "operationId": "list-trees", "x-idempotency": "read", "x-items": "/items", "x-id": "/id",
                    "x-paging": paging, "x-scopes": ["trees.readonly"], "x-token-kinds": ["location"],
                    "parameters": [query("locationId", "string"), query("cursor", "string"), query("limit", "integer"),
                        query("kind", "string")],
                    "responses": { "200": body(list("Tree")) }
                },
                "post": {
                    "operationId": "plant-tree", "x-idempotency": "unsafe", "x-id": "/tree/id", "x-record": "/tree",
                    "x-scopes": ["trees.write"], "x-token-kinds": ["location"],
                    "requestBody": body(json!({ "type": "object", "additionalProperties": false, "properties": {
                        "locationId": { "type": "string" }, "kind": { "type": "string" }
                    }, "required": ["kind"] })),
                    "responses": { "201": body(one.clone()) }
                }
            },
            "/trees/{treeId}": {
                "get": {
                    "operationId": "get-tree", "x-idempotency": "read", "x-id": "/tree/id", "x-record": "/tree",
                    "x-token-kinds": ["location"], "responses": { "200": body(one.clone()) }
                },
                "put": {
                    "operationId": "change-tree", "x-idempotency": "idempotent", "x-id": "/tree/id", "x-record": "/tree",
                    "x-token-kinds": ["location"],
                    "requestBody": body(json!({ "type": "object", "properties": { "kind": { "type": "string" } } })),
                    "responses": { "200": body(one) }
                },
                "delete": {
                    "operationId": "fell-tree", "x-idempotency": "idempotent", "x-token-kinds": ["location"],
                    "responses": { "200": body(gone) }
                }
            },
            "/contacts/near": { "get": {
                "operationId": "contacts-near", "x-idempotency": "read", "x-items": "/items", "x-id": "/id",
                "x-paging": paging, "x-scopes": ["contacts.readonly"], "x-token-kinds": ["location-app"],
                "parameters": [query("locationId", "string"), query("email", "string"), query("cursor", "string"),
                    query("limit", "integer")],
                "responses": { "200": body(list("Contact")) }
            } }
        },
        "components": { "schemas": {
            "Tree": { "type": "object", "properties": {
                "id": { "type": "string" }, "kind": { "type": "string" }, "createdAt": { "type": "string" }
            } },
            "Contact": { "type": "object", "properties": { "id": { "type": "string" } } }
        } }
    })
    .to_string()
}

async fn world() -> World {
    start(
        Sandbox::builder()
            .contacts(5)
            .seed(7)
            .highlevel(description()),
    )
    .await
}

/// All ids of a list, by following the cursor that each answer names; it ends with an answer that names none.
async fn pages(world: &World, token: &str, path: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{path}&limit=2{cursor}");
        let page = world
            .call_as(token, "GET", &path, Value::Null)
            .await
            .expect(200);
        let items = page["items"].as_array().unwrap();
        pages.push(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned())
                .collect(),
        );
        match page["meta"]["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
        assert!(pages.len() < 9, "the list does not end");
    }
}

#[tokio::test]
async fn what_is_only_described_is_kept_listed_changed_and_removed() {
    let world = world().await;
    let location = world.info().location_id.clone();
    let mut planted = Vec::new();
    for kind in ["oak", "ash", "oak", "elm", "fir"] {
        let body = json!({ "locationId": location, "kind": kind });
        let tree = world.call("POST", "/trees/", body).await.expect(201);
        assert_eq!(tree["tree"]["kind"], kind);
        assert!(tree["tree"]["createdAt"].is_string(), "{tree}");
        planted.push(tree["tree"]["id"].as_str().unwrap().to_owned());
    }
    let token = world.info().token.clone();
    let all = format!("/trees/?locationId={location}");
    let listed = pages(&world, &token, &all).await;
    assert_eq!(listed, [&planted[..2], &planted[2..4], &planted[4..]]);
    let oaks = world.get(&format!("{all}&kind=oak")).await.expect(200);
    assert_eq!(oaks["items"].as_array().unwrap().len(), 2);

    let path = format!("/trees/{}", planted[1]);
    world
        .call("PUT", &path, json!({ "kind": "yew" }))
        .await
        .expect(200);
    assert_eq!(world.get(&path).await.expect(200)["tree"]["kind"], "yew");
    let gone = world.call("DELETE", &path, Value::Null).await.expect(200);
    assert_eq!(gone["succeeded"], true);
    world.get(&path).await.expect(404);
    world.call("DELETE", &path, Value::Null).await.expect(404);
    let left: usize = pages(&world, &token, &all).await.iter().map(Vec::len).sum();
    assert_eq!(left, 4);
}

#[tokio::test]
async fn what_is_only_described_is_as_strict_as_its_description() {
    let world = world().await;
    world.call("POST", "/trees/", json!({})).await.expect(422);
    world
        .call("POST", "/trees/", json!({ "kind": "oak", "age": 3 }))
        .await
        .expect(422);
    world.get("/trees/?height=3").await.expect(422);
    world.get("/trees/?locationId=another").await.expect(403);
    let narrow = json!({ "class": "location", "scopes": ["contacts.readonly"] });
    let narrow = world.token(narrow).await;
    world
        .call_as(&narrow, "GET", "/trees/", Value::Null)
        .await
        .expect(401);
}

#[tokio::test]
async fn a_described_list_of_contacts_shows_those_that_are_there() {
    let world = world().await;
    let contact = world
        .contact(json!({ "firstName": "Ada", "email": "ada@example.com" }))
        .await;
    let location = &world.info().location_id;
    let path = format!("/contacts/near?locationId={location}");
    // The description takes tokens of apps only.
    world.get(&path).await.expect(401);
    let app = world.token(json!({ "class": "location" })).await;
    let listed = pages(&world, &app, &path).await;
    let ids: BTreeSet<&String> = listed.iter().flatten().collect();
    assert_eq!((ids.len(), ids.contains(&contact)), (6, true), "{listed:?}");
    let ada = format!("{path}&email=ADA@example.com");
    assert_eq!(pages(&world, &app, &ada).await, [[contact]]);
    let nobody = format!("{path}&email=nobody@example.com");
    assert_eq!(pages(&world, &app, &nobody).await, [[""; 0]]);
}

#[tokio::test]
async fn a_description_that_is_none_is_told_at_the_start() {
    let started = Sandbox::builder().highlevel("{").start().await;
    let Err(SandboxError::Description { service, .. }) = started else {
        panic!("no sandbox starts with it");
    };
    assert_eq!(service, "highlevel");
}
