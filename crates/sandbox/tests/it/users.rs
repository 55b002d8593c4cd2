//! Users: by location and by agency.

use serde_json::{Value, json};

use crate::harness::{World, settled};

async fn create(world: &World, name: &str) -> Value {
    let user = json!({ "companyId": world.info().company_id, "firstName": name, "lastName": "Arbor",
        "email": format!("{name}@example.com"), "password": "not kept 1", "type": "account", "role": "user",
        "locationIds": [world.info().location_id] });
    world.call("POST", "/users/", user).await.expect(201)
}

fn names(page: &Value) -> Vec<&str> {
    let users = page["users"].as_array().unwrap().iter();
    users
        .map(|user| user["firstName"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_user_is_made_found_changed_and_deleted() {
    let world = settled().await;
    let ann = create(&world, "ann").await;
    assert!(
        !ann.to_string().contains("not kept"),
        "no password is shown"
    );
    let own = format!("/users/{}", ann["id"].as_str().unwrap());
    let changed = json!({ "lastName": "Oak", "role": "admin" });
    let changed = world.call("PUT", &own, changed).await.expect(200);
    assert_eq!(
        (&changed["name"], &changed["roles"]["role"]),
        (&json!("ann Oak"), &json!("admin"))
    );
    assert_eq!(
        changed["roles"]["type"], "account",
        "what is not named stays"
    );
    let mut read = world.get(&own).await.expect(200);
    read["traceId"] = changed["traceId"].clone();
    assert_eq!(read, changed);
    let list = format!("/users/?locationId={}", world.info().location_id);
    assert_eq!(names(&world.get(&list).await.expect(200)), ["Sam", "ann"]);
    world.call("DELETE", &own, Value::Null).await.expect(200);
    world.get(&own).await.expect(404);
    assert_eq!(names(&world.get(&list).await.expect(200)), ["Sam"]);
    assert_eq!(
        world.kinds(&ann["id"]).await,
        ["user.created", "user.updated", "user.deleted"]
    );
}

#[tokio::test]
async fn search_filters_sorts_and_pages() {
    let world = settled().await;
    for name in ["cleo", "ann", "ben"] {
        create(&world, name).await;
    }
    let search = async |query: &str| {
        let company = &world.info().company_id;
        let path = format!("/users/search?companyId={company}{query}");
        world.get(&path).await.expect(200)
    };
    let all = search("").await;
    assert_eq!(
        (names(&all), &all["count"]),
        (vec!["ann", "ben", "cleo", "Sam"], &json!(4))
    );
    assert_eq!(names(&search("&skip=1&limit=2").await), ["ben", "cleo"]);
    assert_eq!(names(&search("&query=BEN").await), ["ben"]);
    assert_eq!(
        names(&search("&role=user&sortDirection=desc").await),
        ["cleo", "ben", "ann"]
    );
    let here = format!("&locationId={}", world.info().location_id);
    assert_eq!(search(&here).await["count"], 4);
}

#[tokio::test]
async fn only_the_agency_filters_by_email_and_finds_the_deleted() {
    let world = settled().await;
    let ann = create(&world, "ann").await;
    create(&world, "ben").await;
    let own = format!("/users/{}", ann["id"].as_str().unwrap());
    world.call("DELETE", &own, Value::Null).await.expect(200);
    let agency = world.token(json!({ "class": "company" })).await;
    let filter = async |token: &str, deleted: bool| {
        let body = json!({ "companyId": world.info().company_id, "deleted": deleted,
            "emails": "ann@example.com,BEN@example.com" });
        world
            .call_as(token, "POST", "/users/search/filter-by-email", body)
            .await
    };
    assert_eq!(names(&filter(&agency, false).await.expect(200)), ["ben"]);
    assert_eq!(names(&filter(&agency, true).await.expect(200)), ["ann"]);
    let key = &world.info().token;
    let refused = filter(key, false).await.expect(401);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("user type mismatch")
    );
    let twice = json!({ "companyId": world.info().company_id, "firstName": "B", "lastName": "B", "password": "not kept 1",
        "email": "ben@example.com", "type": "account", "role": "user", "locationIds": [] });
    world.call("POST", "/users/", twice).await.expect(400);
}
