//! Searching, listing, paging, and the lag of both.

use canopy_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::harness::{World, settled, start};

async fn people(count: u64) -> World {
    let world = start(Sandbox::builder().contacts(count).seed(3).limits(false)).await;
    world
        .control("POST", "/settings", json!({ "search_lag_seconds": 0 }))
        .await;
    world
}

fn ids(answer: &Value) -> Vec<String> {
    let contacts = answer["contacts"].as_array().unwrap();
    contacts
        .iter()
        .map(|contact| contact["id"].as_str().unwrap().to_owned())
        .collect()
}

#[allow(clippy::needless_pass_by_value, reason = "callers write a literal")]
fn filter(field: &str, operator: &str, value: Value) -> Value {
    json!({ "field": field, "operator": operator, "value": value })
}

#[tokio::test]
async fn a_write_is_read_at_once_and_found_only_after_the_lag() {
    let world = start(Sandbox::builder().seed(3)).await;
    world
        .control("POST", "/clock", json!({ "frozen": true }))
        .await;
    let id = world.contact(json!({ "email": "late@example.com" })).await;
    let search =
        json!({ "pageLimit": 10, "filters": [filter("email", "eq", json!("late@example.com"))] });

    world.get(&format!("/contacts/{id}")).await.expect(200);
    world
        .control("POST", "/clock", json!({ "advance_seconds": 1.9 }))
        .await;
    assert_eq!(world.search(search.clone()).await["total"], 0);
    let list = format!("/contacts/?locationId={}", world.info().location_id);
    assert_eq!(world.get(&list).await.expect(200)["meta"]["total"], 0);

    world
        .control("POST", "/clock", json!({ "advance_seconds": 0.1 }))
        .await;
    assert_eq!(ids(&world.search(search.clone()).await), vec![id.clone()]);

    world
        .call(
            "PUT",
            &format!("/contacts/{id}"),
            json!({ "email": "new@example.com" }),
        )
        .await
        .expect(200);
    assert_eq!(
        world.search(search).await["contacts"][0]["email"],
        "late@example.com",
        "the old state is still found"
    );
}

#[tokio::test]
async fn filters_choose_contacts() {
    let world = people(30).await;
    let all = world.control("GET", "/contacts", json!(null)).await;
    let all = all.as_array().unwrap();
    let expect = |wanted: &dyn Fn(&Value) -> bool| {
        let mut ids: Vec<&str> = all
            .iter()
            .filter(|contact| wanted(contact))
            .map(|contact| contact["id"].as_str().unwrap())
            .collect();
        ids.sort_unstable();
        ids.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let found = async |filters: Value| {
        let mut found = ids(&world
            .search(json!({ "pageLimit": 100, "filters": filters }))
            .await);
        found.sort_unstable();
        found
    };
    let has_tag =
        |contact: &Value, tag: &str| contact["tags"].as_array().unwrap().contains(&json!(tag));
    let vips = expect(&|contact| has_tag(contact, "vip"));
    assert!(
        !vips.is_empty() && vips.len() < 30,
        "the seed must make some VIPs"
    );

    assert_eq!(
        found(json!([filter("tags", "eq", json!("vip"))])).await,
        vips
    );
    assert_eq!(
        found(json!([filter("tags", "not_eq", json!("vip"))])).await,
        expect(&|contact| !has_tag(contact, "vip"))
    );
    let email = all[4]["email"].as_str().unwrap();
    assert_eq!(
        found(json!([filter("email", "eq", json!(email.to_uppercase()))]))
            .await
            .len(),
        1
    );
    assert_eq!(
        found(json!([filter("email", "contains", json!("EXAMPLE"))]))
            .await
            .len(),
        30
    );
    let boundary = all[10]["dateUpdated"].as_str().unwrap();
    assert_eq!(
        found(json!([filter(
            "dateUpdated",
            "range",
            json!({ "gte": boundary })
        )]))
        .await,
        expect(&|contact| contact["dateUpdated"].as_str().unwrap() >= boundary)
    );
    let either = json!([{ "group": "OR", "filters": [
        filter("tags", "eq", json!("vip")),
        { "group": "AND", "filters": [filter("country", "eq", json!("GB")), filter("city", "eq", json!("Leeds"))] },
    ] }]);
    assert_eq!(
        found(either).await,
        expect(&|contact| has_tag(contact, "vip") || contact["city"] == "Leeds")
    );
    assert_eq!(
        found(json!([{ "field": "businessId", "operator": "exists" }]))
            .await
            .len(),
        0
    );
}

#[tokio::test]
async fn pages_and_search_after_both_see_every_contact_once_in_order() {
    let world = people(53).await;
    let sort = json!([{ "field": "dateUpdated", "direction": "asc" }]);
    let mut by_page = Vec::new();
    for page in 1..=6 {
        let answer = world
            .search(json!({ "page": page, "pageLimit": 10, "sort": sort }))
            .await;
        assert_eq!(answer["total"], 53);
        by_page.extend(ids(&answer));
    }
    let mut by_cursor = Vec::new();
    let mut body = json!({ "pageLimit": 10, "sort": sort });
    loop {
        let answer = world.search(body.clone()).await;
        let Some(last) = answer["contacts"].as_array().unwrap().last() else {
            break;
        };
        body["searchAfter"] = last["searchAfter"].clone();
        by_cursor.extend(ids(&answer));
    }
    let all = world.control("GET", "/contacts", json!(null)).await;
    let oldest_first: Vec<String> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| contact["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(by_page, oldest_first);
    assert_eq!(by_cursor, oldest_first);
}

#[tokio::test]
async fn contacts_of_the_same_moment_are_told_apart_by_search_after() {
    let world = people(0).await;
    world
        .control("POST", "/clock", json!({ "frozen": true }))
        .await;
    world
        .control("POST", "/seed", json!({ "contacts": 25 }))
        .await;
    let mut seen = Vec::new();
    let mut body = json!({ "pageLimit": 4 });
    loop {
        let answer = world.search(body.clone()).await;
        let Some(last) = answer["contacts"].as_array().unwrap().last() else {
            break;
        };
        body["searchAfter"] = last["searchAfter"].clone();
        seen.extend(ids(&answer));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 25);
}

#[tokio::test]
async fn pages_end_at_ten_thousand_and_pages_of_over_five_hundred_are_refused() {
    let world = people(1).await;
    let location_id = &world.info().location_id;
    let ask = |mut body: Value| {
        body["locationId"] = json!(location_id);
        world.call("POST", "/contacts/search", body)
    };
    ask(json!({ "page": 20, "pageLimit": 500 }))
        .await
        .expect(200);
    ask(json!({ "page": 21, "pageLimit": 500 }))
        .await
        .expect(400);
    ask(json!({ "page": 1, "pageLimit": 501 }))
        .await
        .expect(422);
    ask(json!({ "page": 1, "pageLimit": 5, "searchAfter": [1, "x"] }))
        .await
        .expect(422);
    ask(json!({ "pageLimit": 5, "query": "x".repeat(76) }))
        .await
        .expect(422);
    ask(json!({ "pageLimit": 5, "filters": [filter("shoeSize", "eq", json!(3))] }))
        .await
        .expect(400);
    ask(json!({ "pageLimit": 5, "filters": [filter("email", "like", json!(3))] }))
        .await
        .expect(422);
}

#[tokio::test]
async fn the_older_list_continues_by_its_meta_and_by_its_link() {
    let world = people(23).await;
    let mut path = format!(
        "/contacts/?locationId={}&limit=10",
        world.info().location_id
    );
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let answer = world.get(&path).await.expect(200);
        assert_eq!(answer["meta"]["total"], 23);
        pages += 1;
        seen.extend(ids(&answer));
        let Some(next) = answer["meta"]["nextPageUrl"].as_str() else {
            break;
        };
        path = next
            .strip_prefix(&world.info().highlevel_url)
            .unwrap()
            .to_owned();
        assert!(path.contains("startAfterId="));
    }
    assert_eq!(pages, 3);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 23);
    let too_many = format!(
        "/contacts/?locationId={}&limit=101",
        world.info().location_id
    );
    world.get(&too_many).await.expect(422);
}

#[tokio::test]
async fn a_found_contact_looks_as_the_live_search_shows_it() {
    let world = settled().await;
    let dnd = json!({ "Email": { "status": "active" } });
    let id = world
        .contact(json!({ "firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com",
            "address1": "1 St James's Square", "dateOfBirth": "1815-12-10", "timezone": "Europe/London", "dndSettings": dnd }))
        .await;
    let filters = json!([filter("id", "eq", json!(id))]);
    let found = world
        .search(json!({ "pageLimit": 10, "filters": filters }))
        .await;
    let found = &found["contacts"][0];
    assert_eq!(found["address"], "1 St James's Square");
    assert_eq!(found["dateOfBirth"], json!(-4_861_728_000_000_i64));
    for null in ["city", "phone", "companyName", "assignedTo", "businessId"] {
        assert_eq!(found.get(null), Some(&Value::Null), "{null}");
    }
    for absent in ["address1", "timezone", "dndSettings"] {
        assert_eq!(found.get(absent), None, "{absent}");
    }
    let read = world.get(&format!("/contacts/{id}")).await.expect(200);
    assert_eq!(read["contact"]["address1"], "1 St James's Square");
    assert_eq!(read["contact"]["dndSettings"], dnd);
    assert_eq!(read["contact"]["dateOfBirth"], "1815-12-10");

    let by_channel = json!([filter("dndSettings.Email.status", "eq", json!("active"))]);
    let search = json!({ "pageLimit": 10, "filters": by_channel });
    assert_eq!(world.search(search).await["total"], 1);
    let list = format!(
        "/contacts/?locationId={}&query=lovelace",
        world.info().location_id
    );
    let list = world.get(&list).await.expect(200);
    let listed = &list["contacts"][0];
    for (member, value) in [
        ("firstName", "ada"),
        ("lastName", "lovelace"),
        ("contactName", "ada lovelace"),
        ("firstNameRaw", "Ada"),
        ("lastNameRaw", "Lovelace"),
    ] {
        assert_eq!(listed[member], value, "{member}");
    }
    assert_eq!(listed.get("city"), Some(&Value::Null));
}

#[tokio::test]
async fn fields_that_the_search_does_not_know_are_refused_by_name() {
    let world = settled().await;
    for field in [
        "shoeSize",
        "address1",
        "gender",
        "dnd_settings.Email.status",
        "dndSettings",
    ] {
        let body = json!({ "locationId": world.info().location_id, "pageLimit": 1,
            "filters": [filter(field, "eq", json!("x"))] });
        let refused = world
            .call("POST", "/contacts/search", body)
            .await
            .expect(400);
        assert_eq!(refused["message"], format!("Invalid field {field}"));
    }
}

/// Numbers are kept in E.164 and found however they are written, as the location's country has it.
#[tokio::test]
async fn a_phone_number_is_found_in_any_notation() {
    let world = people(3).await;
    let id = world.contact(json!({ "phone": "(201) 555-0177" })).await;
    let kept = world.get(&format!("/contacts/{id}")).await.expect(200);
    assert_eq!(kept["contact"]["phone"], "+12015550177");
    for wanted in [
        json!("+12015550177"),
        json!("(201) 555-0177"),
        json!("201 555 0177"),
        json!(["+442079460958", "2015550177"]),
    ] {
        let group = json!({ "group": "OR", "filters": [filter("phone", "eq", wanted.clone())] });
        for filters in [
            json!([filter("phone", "eq", wanted.clone())]),
            json!([group]),
        ] {
            let found = world
                .search(json!({ "pageLimit": 10, "filters": filters }))
                .await;
            assert_eq!(ids(&found), vec![id.clone()], "{wanted}");
        }
        let others =
            json!({ "pageLimit": 10, "filters": [filter("phone", "not_eq", wanted.clone())] });
        let others = world.search(others).await;
        assert!(
            !ids(&others).contains(&id) && others["total"] == 3,
            "{wanted}"
        );
    }
    for (operator, value, finds) in [
        ("contains", json!("5550177"), true),
        ("not_contains", json!("5550177"), false),
        ("exists", Value::Null, true),
        ("not_exists", Value::Null, false),
        ("eq", json!("+12015550178"), false),
    ] {
        let body = json!({ "pageLimit": 10, "filters": [filter("phone", operator, value)] });
        let found = ids(&world.search(body).await).contains(&id);
        assert_eq!(found, finds, "{operator}");
    }
    let duplicate = format!(
        "/contacts/search/duplicate?locationId={}&number=2015550177",
        world.info().location_id
    );
    let found = world.get(&duplicate).await.expect(200);
    assert_eq!(found["contact"]["id"], json!(id));
}
