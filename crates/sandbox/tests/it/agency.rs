//! What belongs to the agency: the company, snapshots, more locations; and who may ask for it.

use serde_json::{Value, json};

use crate::harness::{Receiver, settled};

#[tokio::test]
async fn agency_operations_take_agency_tokens_only() {
    let world = settled().await;
    let company = world.info().company_id.clone();
    let order = json!({ "companyId": company, "name": "North" });
    let operations = [
        ("GET", format!("/companies/{company}"), Value::Null),
        (
            "GET",
            format!("/snapshots/?companyId={company}"),
            Value::Null,
        ),
        ("POST", "/locations/".to_owned(), order),
    ];
    for (class, status, says) in [
        ("company", 200, ""),
        ("agency_key", 200, ""),
        ("location_key", 401, "user type mismatch"),
        ("location", 401, "This authClass type"),
    ] {
        let token = world.token(json!({ "class": class })).await;
        for (method, path, body) in &operations {
            let reply = world.call_as(&token, method, path, body.clone()).await;
            assert_eq!(reply.status, status, "{class} {path}: {}", reply.body);
            assert!(reply.body.to_string().contains(says), "{}", reply.body);
        }
    }
    let narrow = json!({ "class": "company", "scopes": ["locations.readonly"] });
    let narrow = world.token(narrow).await;
    let (method, path, body) = &operations[0];
    let refused = world
        .call_as(&narrow, method, path, body.clone())
        .await
        .expect(401);
    assert!(
        refused
            .to_string()
            .contains("not authorized for this scope")
    );
    let agency = world.token(json!({ "class": "company" })).await;
    let other = "/snapshots/?companyId=other";
    world
        .call_as(&agency, "GET", other, Value::Null)
        .await
        .expect(403);
    world
        .call_as(&agency, "GET", "/companies/other", Value::Null)
        .await
        .expect(404);
    let list = format!("/users/?locationId={}", world.info().location_id);
    let refused = world
        .call_as(&agency, "GET", &list, Value::Null)
        .await
        .expect(401);
    assert!(refused.to_string().contains("This authClass type"));
}

#[tokio::test]
async fn a_new_location_is_the_agencys_to_see() {
    let world = settled().await;
    let hooks = Receiver::start(Vec::new()).await;
    let target = json!({ "url": hooks.url });
    world.control("POST", "/webhook-target", target).await;
    let agency = world.token(json!({ "class": "agency_key" })).await;
    let order = json!({ "companyId": world.info().company_id, "name": "North", "country": "GB",
        "prospectInfo": { "firstName": "Ada", "lastName": "Berg", "email": "north@example.com" },
        "twilio": { "sid": "s", "authToken": "secret word" } });
    let made = world
        .call_as(&agency, "POST", "/locations/", order)
        .await
        .expect(200);
    assert!(
        !made.to_string().contains("secret word"),
        "credentials are not shown"
    );
    let own = format!("/locations/{}", made["id"].as_str().unwrap());
    let read = world
        .call_as(&agency, "GET", &own, Value::Null)
        .await
        .expect(200);
    assert_eq!(read["location"]["email"], "north@example.com");
    world.get(&own).await.expect(403);
    let count = async |token: &str, query: &str| {
        let path = format!("/locations/search{query}");
        let found = world
            .call_as(token, "GET", &path, Value::Null)
            .await
            .expect(200);
        found["locations"].as_array().unwrap().len()
    };
    assert_eq!(count(&agency, "").await, 2);
    assert_eq!(count(&agency, "?skip=1").await, 1);
    assert_eq!(count(&agency, "?email=north@example.com").await, 1);
    assert_eq!(count(&world.info().token, "").await, 1);
    let renamed = json!({ "name": "Far north" });
    world.control("POST", &own, renamed).await;
    assert_eq!(world.told().await, ["LocationCreate", "LocationUpdate"]);
    assert_eq!(hooks.wait_for(2).await[1].body["name"], "Far north");
}
