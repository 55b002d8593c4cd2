//! Refusals: tokens, versions, tenants, paths, and requests that the description does not allow.

use canopy_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::harness::{send, settled, start};

#[track_caller]
fn says(body: &Value, text: &str) {
    let messages = body["message"].to_string();
    assert!(messages.contains(text), "{messages} should say {text}");
}

#[tokio::test]
async fn the_four_refusals_of_tokens_are_told_apart() {
    let world = settled().await;
    let list = format!("/contacts/?locationId={}", world.info().location_id);
    let ask = async |order: Value, path: &str| {
        let token = world.token(order).await;
        send(world.request_as(&token, "GET", path, &Value::Null))
            .await
            .unwrap()
    };
    let body = ask(
        json!({ "class": "location", "scopes": ["contacts.write"] }),
        &list,
    )
    .await
    .expect(401);
    says(&body, "not authorized for this scope");
    let body = ask(json!({ "class": "agency_key" }), &list)
        .await
        .expect(401);
    says(&body, "user type mismatch");
    let body = ask(json!({ "class": "company" }), &list).await.expect(401);
    says(&body, "This authClass type");
    let elsewhere = ask(
        json!({ "class": "location" }),
        "/contacts/?locationId=elsewhere",
    )
    .await
    .expect(403);
    says(&elsewhere, "does not have access to this location");
    let elsewhere = ask(
        json!({ "class": "location" }),
        "/locations/elsewhere/customFields",
    )
    .await
    .expect(403);
    says(&elsewhere, "does not have access to this location");
}

#[tokio::test]
async fn a_wrong_expired_revoked_or_missing_token_is_refused() {
    let world = settled().await;
    let path = "/locations/search";
    let ask = async |token: &str| {
        send(world.request_as(token, "GET", path, &Value::Null))
            .await
            .unwrap()
    };
    ask("pit-wrong").await.expect(401);
    let short = world
        .token(json!({ "class": "location", "expires_in_seconds": 60 }))
        .await;
    ask(&short).await.expect(200);
    world
        .control("POST", "/clock", json!({ "advance_seconds": 60 }))
        .await;
    ask(&short).await.expect(401);
    let key = world.token(json!({ "class": "location_key" })).await;
    ask(&key).await.expect(200);
    world
        .control("DELETE", &format!("/tokens/{key}"), Value::Null)
        .await;
    ask(&key).await.expect(401);
    let url = format!("{}{path}", world.info().highlevel_url);
    let bare = send(world.http.get(url).header("Version", "2021-07-28"))
        .await
        .unwrap();
    let body = bare.expect(401);
    assert!(
        body["traceId"].is_string(),
        "refusals have a trace id too: {body}"
    );
}

#[tokio::test]
async fn the_version_header_is_mandatory_and_must_be_known() {
    let world = settled().await;
    let url = format!("{}/locations/search", world.info().highlevel_url);
    let ask = |version: Option<&str>| {
        let request = world.http.get(&url).bearer_auth(&world.info().token);
        send(match version {
            Some(version) => request.header("Version", version),
            None => request,
        })
    };
    let missing = ask(None).await.unwrap().expect(401);
    assert_eq!(missing["message"], "version header was not found.");
    let unknown = ask(Some("1999-01-01")).await.unwrap().expect(401);
    assert_eq!(unknown["message"], "version header is invalid");
    for supported in ["2021-01-01", "2021-04-15", "2021-07-28", "2023-02-21", "v3"] {
        ask(Some(supported)).await.unwrap().expect(200);
    }
}

/// Clients of one version call operations that were described with another one.
#[tokio::test]
async fn any_version_that_is_supported_is_taken_by_any_operation_and_no_other() {
    let world = start(Sandbox::builder().contacts(1).limits(false)).await;
    let agency = world.token(json!({ "class": "agency_key" })).await;
    let company = world.token(json!({ "class": "company" })).await;
    let document = include_str!("../../openapi/highlevel.json");
    let document: Value = serde_json::from_str(document).unwrap();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        let methods =
            methods.filter(|name| ["get", "post", "put", "delete"].contains(&name.as_str()));
        // These take no token.
        if path == "/oauth/token" || path == "/oauth/reconnect" {
            continue;
        }
        let parts = path.split('/');
        let real: Vec<_> = parts
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect();
        let url = format!("{}{}", world.info().highlevel_url, real.join("/"));
        for method in methods {
            let ask = async |version: &str| {
                let mut said = Vec::new();
                for token in [&world.info().token, &agency, &company] {
                    let method = method.to_uppercase().parse().unwrap();
                    let request = world.http.request(method, &url).bearer_auth(token);
                    let reply = send(request.header("Version", version)).await.unwrap();
                    said.push((reply.status, reply.body["message"].to_string()));
                }
                said
            };
            let is_refused =
                |(status, text): &(u16, String)| *status == 401 && text.contains("version header");
            for supported in ["2021-01-01", "2021-04-15", "2021-07-28", "2023-02-21", "v3"] {
                let said = ask(supported).await;
                assert!(
                    !said.iter().any(is_refused),
                    "{method} {path} {supported}: {said:?}"
                );
                // One of the tokens gets as far as the description, the tenant or the record.
                assert!(
                    said.iter().any(|(status, _)| *status != 401),
                    "{method} {path}: {said:?}"
                );
            }
            for unknown in ["2022-01-01", "V3", "v4"] {
                let said = ask(unknown).await;
                assert!(
                    said.iter().any(is_refused),
                    "{method} {path} {unknown}: {said:?}"
                );
                assert!(
                    said.iter().all(|(status, _)| *status == 401),
                    "{method} {path}: {said:?}"
                );
            }
            asked += 1;
        }
    }
    assert!(asked > 120, "{asked}");
}

#[tokio::test]
async fn a_collection_is_found_without_its_slash_but_letter_case_counts() {
    let world = settled().await;
    let query = format!("?locationId={}", world.info().location_id);
    world.get(&format!("/contacts/{query}")).await.expect(200);
    for path in ["/contacts", "/calendars", "/users", "/workflows"] {
        world.get(&format!("{path}{query}")).await.expect(200);
    }
    let body = json!({ "locationId": world.info().location_id, "email": "slash@example.com" });
    world.call("POST", "/contacts", body).await.expect(201);
    world.get(&format!("/Contacts/{query}")).await.expect(401);
    world.get(&format!("/Contacts{query}")).await.expect(401);
    world
        .get(&format!("/opportunities{query}"))
        .await
        .expect(404);
    world.get("/nowhere").await.expect(404);
    world.get("/locations/search/").await.expect(404);
}

#[tokio::test]
async fn a_body_is_read_as_json_whatever_its_type_says() {
    let world = settled().await;
    let id = world.contact(json!({ "firstName": "Ada" })).await;
    let info = world.info();
    for (media, city) in [
        ("text/plain", "Leeds"),
        ("application/x-www-form-urlencoded", "York"),
        ("", "Hull"),
    ] {
        let url = format!("{}/contacts/{id}", info.highlevel_url);
        let request = world
            .http
            .put(&url)
            .bearer_auth(&info.token)
            .header("Version", "2021-07-28");
        let body = json!({ "city": city }).to_string();
        let request = request.header("content-type", media).body(body);
        let changed = send(request).await.unwrap().expect(200);
        assert_eq!(changed["contact"]["city"], city, "{media}");
    }
}

#[tokio::test]
async fn keys_that_are_not_described_are_refused_by_name() {
    let world = settled().await;
    let location_id = &world.info().location_id;
    let body = json!({ "locationId": location_id, "email": "x@example.com", "shoeSize": 42 });
    let refused = world.call("POST", "/contacts/", body).await.expect(422);
    assert_eq!(
        refused["message"],
        json!(["property shoeSize should not exist"])
    );
    assert_eq!(
        (&refused["statusCode"], &refused["error"]),
        (&json!(422), &json!("Unprocessable Entity"))
    );

    let refused = world
        .get(&format!("/contacts/?locationId={location_id}&colour=red"))
        .await
        .expect(422);
    assert_eq!(
        refused["message"],
        json!(["property colour should not exist"])
    );

    let id = world.contact(json!({ "email": "y@example.com" })).await;
    let refused = world
        .call(
            "PUT",
            &format!("/contacts/{id}"),
            json!({ "locationId": location_id }),
        )
        .await
        .expect(422);
    says(&refused, "property locationId should not exist");
}

#[tokio::test]
async fn missing_and_mistyped_members_are_refused_by_name() {
    let world = settled().await;
    let location_id = &world.info().location_id;
    let refused = world
        .call("POST", "/contacts/", json!({ "email": "x@example.com" }))
        .await
        .expect(422);
    says(&refused, "locationId should not be empty");
    let refused = world
        .call(
            "POST",
            "/contacts/",
            json!({ "locationId": location_id, "email": 5 }),
        )
        .await
        .expect(422);
    says(&refused, "email must be a string");
    let refused = world
        .call(
            "POST",
            "/contacts/",
            json!({ "locationId": location_id, "tags": [1] }),
        )
        .await
        .expect(422);
    says(&refused, "each value in tags must be a string");
    let refused = world.get("/contacts/").await.expect(422);
    says(&refused, "locationId should not be empty");
    let broken = world
        .request("POST", "/contacts/", &Value::Null)
        .header("content-type", "application/json")
        .body("{");
    send(broken).await.unwrap().expect(400);
    let contacts = world.control("GET", "/contacts", Value::Null).await;
    assert_eq!(
        contacts.as_array().unwrap().len(),
        3,
        "nothing was created by what was refused"
    );
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let refused = Sandbox::builder()
        .listen("0.0.0.0:0".parse().unwrap())
        .start()
        .await;
    let message = refused
        .expect_err("0.0.0.0 is reachable from elsewhere")
        .to_string();
    assert!(
        message.contains("loopback only") && message.contains("127.0.0.1"),
        "{message}"
    );
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let first = start(Sandbox::builder()).await;
    let address = first
        .info()
        .control_url
        .strip_prefix("http://")
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let refused = Sandbox::builder()
        .listen(address.parse().unwrap())
        .start()
        .await;
    let message = refused.expect_err("the port is taken").to_string();
    assert!(message.contains(address), "{message}");
}
