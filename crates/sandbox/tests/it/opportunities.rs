//! Opportunities: through the pipeline, found again, followed.

use serde_json::{Value, json};

use crate::harness::{Receiver, World, settled};

async fn order(world: &World, name: &str) -> Value {
    let email = format!("{name}@example.com");
    let contact = json!({ "firstName": name, "email": email, "country": "GB" });
    json!({
        "locationId": world.info().location_id, "pipelineId": world.first("pipelines").await["id"],
        "name": format!("{name}'s hedge"), "status": "open", "contactId": world.contact(contact).await,
    })
}

async fn create(world: &World, name: &str) -> Value {
    let order = order(world, name).await;
    let made = world.call("POST", "/opportunities/", order).await;
    made.expect(201)["opportunity"].clone()
}

fn own(opportunity: &Value) -> String {
    format!("/opportunities/{}", opportunity["id"].as_str().unwrap())
}

async fn find(world: &World, query: &str) -> Value {
    let location = &world.info().location_id;
    let path = format!("/opportunities/search?location_id={location}{query}");
    world.get(&path).await.expect(200)
}

fn ids(page: &Value) -> Vec<Value> {
    let found = page["opportunities"].as_array().unwrap();
    found.iter().map(|found| found["id"].clone()).collect()
}

#[tokio::test]
async fn an_opportunity_moves_through_its_pipeline_and_is_told() {
    let world = settled().await;
    let hooks = Receiver::start(Vec::new()).await;
    let made = create(&world, "ada").await;
    let stages = world.first("pipelines").await["stages"].clone();
    assert_eq!(made["pipelineStageId"], stages[0]["id"], "the first stage");
    assert_eq!(made["contact"]["email"], "ada@example.com");
    assert_eq!(made["pipelineStageUId"], stages[0]["id"]);
    assert_eq!(made["relations"][0]["email"], "ada@example.com");
    for null in ["assignedTo", "source", "lostReasonId"] {
        assert_eq!(made.get(null), Some(&Value::Null), "{null}");
    }
    let target = json!({ "url": hooks.url });
    world.control("POST", "/webhook-target", target).await;

    let moved = json!({ "pipelineStageId": stages[2]["id"], "monetaryValue": 150 });
    let moved = world.call("PUT", &own(&made), moved).await.expect(200);
    assert_eq!(moved["opportunity"]["monetaryValue"], 150);
    let won = json!({ "status": "won" });
    let path = format!("{}/status", own(&made));
    world.call("PUT", &path, won.clone()).await.expect(200);
    world.call("PUT", &path, won).await.expect(200);
    let read = world.get(&own(&made)).await.expect(200)["opportunity"].clone();
    assert_eq!(
        (&read["status"], &read["pipelineStageId"]),
        (&json!("won"), &stages[2]["id"])
    );
    world
        .call("DELETE", &own(&made), Value::Null)
        .await
        .expect(200);
    world.get(&own(&made)).await.expect(404);
    assert_eq!(ids(&find(&world, "").await), Vec::<Value>::new());
    assert_eq!(
        world.told().await,
        [
            "OpportunityUpdate",
            "OpportunityStageUpdate",
            "OpportunityMonetaryValueUpdate",
            "OpportunityUpdate",
            "OpportunityStatusUpdate",
            "OpportunityDelete",
        ],
        "a status that stays is no change"
    );
    assert_eq!(
        world.kinds(&made["id"]).await,
        [
            "opportunity.created",
            "opportunity.updated",
            "opportunity.updated",
            "opportunity.deleted"
        ]
    );
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let world = settled().await;
    let order = order(&world, "ada").await;
    let with = |member: &str, value: Value| {
        let mut order = order.clone();
        order[member] = value;
        order
    };
    for (body, status) in [
        (with("contactId", json!("nobody")), 400),
        (with("pipelineId", json!("none")), 400),
        (with("pipelineStageId", json!("none")), 400),
        (with("status", json!("all")), 422),
        (with("status", json!("maybe")), 422),
        (with("colour", json!("green")), 422),
        (with("locationId", json!("elsewhere")), 403),
        (order.clone(), 201),
        (order.clone(), 400),
    ] {
        let reply = world.call("POST", "/opportunities/", body.clone()).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.body);
    }
    let allow = json!({ "allow_duplicate_opportunities": true });
    world.control("POST", "/settings", allow).await;
    let again = world.call("POST", "/opportunities/", order).await;
    again.expect(201);
    let update = json!({ "name": "x" });
    let path = "/opportunities/none";
    world.call("PUT", path, update).await.expect(404);
}

#[tokio::test]
async fn search_filters_and_pages_by_place_and_by_number() {
    let world = settled().await;
    let mut made = Vec::new();
    for name in ["ada", "ben", "cleo", "dora", "eve"] {
        made.push(create(&world, name).await);
        let on = json!({ "advance_seconds": 60 });
        world.control("POST", "/clock", on).await;
    }
    let newest_first: Vec<Value> = made.iter().rev().map(|one| one["id"].clone()).collect();
    let mut seen = Vec::new();
    let mut query = "&limit=2".to_owned();
    loop {
        let page = find(&world, &query).await;
        seen.extend(ids(&page));
        assert_eq!(page["meta"]["total"], 5);
        let Some(next) = page["meta"]["nextPageUrl"].as_str() else {
            break;
        };
        let (_, rest) = next
            .split_once("/opportunities/search?location_id=")
            .unwrap();
        query = format!("&{}", rest.split_once('&').unwrap().1);
    }
    assert_eq!(seen, newest_first);
    let oldest = find(&world, "&limit=2&order=added_asc").await;
    let (at, id) = (
        &oldest["meta"]["startAfter"],
        oldest["meta"]["startAfterId"].as_str().unwrap(),
    );
    let on = format!("&limit=2&order=added_asc&startAfter={at}&startAfterId={id}");
    assert_eq!(
        ids(&find(&world, &on).await),
        [made[2]["id"].clone(), made[3]["id"].clone()]
    );
    let second = find(&world, "&limit=2&page=2").await;
    assert_eq!(ids(&second), newest_first[2..4]);
    assert_eq!(second["meta"]["prevPage"], 1);
    let behind = format!("&startAfterId={}", newest_first[3].as_str().unwrap());
    assert_eq!(ids(&find(&world, &behind).await), newest_first[4..]);

    let lost = json!({ "status": "lost" });
    let path = format!("{}/status", own(&made[1]));
    world.call("PUT", &path, lost).await.expect(200);
    for (query, expected) in [
        ("&status=lost".to_owned(), vec![&made[1]]),
        ("&q=CLEO".to_owned(), vec![&made[2]]),
        (
            format!("&contact_id={}", made[3]["contactId"].as_str().unwrap()),
            vec![&made[3]],
        ),
        (
            format!("&id={}", made[4]["id"].as_str().unwrap()),
            vec![&made[4]],
        ),
        ("&pipeline_id=none".to_owned(), vec![]),
        ("&country=US".to_owned(), vec![]),
    ] {
        let expected: Vec<Value> = expected.iter().map(|one| one["id"].clone()).collect();
        assert_eq!(ids(&find(&world, &query).await), expected, "{query}");
    }
    assert_eq!(ids(&find(&world, "&status=all").await).len(), 5);
    let location = &world.info().location_id;
    for wrong in ["&limit=101", "&date=yesterday"] {
        let path = format!("/opportunities/search?location_id={location}{wrong}");
        world.get(&path).await.expect(422);
    }
}

#[tokio::test]
async fn upsert_changes_the_named_one_and_followers_come_and_go() {
    let world = settled().await;
    let made = create(&world, "ada").await;
    let upsert = |members: Value| {
        let mut body = json!({ "locationId": world.info().location_id, "pipelineId": made["pipelineId"],
            "followers": ["f", "g"], "isRemoveAllFollowers": false, "followersActionType": "add" });
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        world.call("POST", "/opportunities/upsert", body)
    };
    let known = upsert(json!({ "id": made["id"], "name": "Wood" }))
        .await
        .expect(200);
    assert_eq!(
        (&known["new"], &known["opportunity"]["id"]),
        (&json!(false), &made["id"])
    );
    assert_eq!(known["opportunity"]["followers"], json!(["f", "g"]));
    let fresh = upsert(json!({ "name": "Meadow" })).await.expect(200);
    assert_eq!(fresh["new"], true);
    assert_eq!(ids(&find(&world, "").await).len(), 2);
    upsert(json!({ "id": "none" })).await.expect(404);

    let path = format!("{}/followers", own(&made));
    let added = json!({ "followers": ["g", "h"] });
    let added = world.call("POST", &path, added).await.expect(201);
    assert_eq!(
        added,
        json!({ "followers": ["f", "g", "h"], "followersAdded": ["h"], "traceId": added["traceId"] })
    );
    let removed = json!({ "followers": ["f"] });
    let removed = world.call("DELETE", &path, removed).await.expect(200);
    assert_eq!(removed["followersRemoved"], json!(["f"]));
    let read = world.get(&own(&made)).await.expect(200);
    assert_eq!(read["opportunity"]["followers"], json!(["g", "h"]));
}

#[tokio::test]
async fn custom_fields_are_merged_and_a_user_moves_opportunities_too() {
    let world = settled().await;
    let made = create(&world, "ada").await;
    let fields = format!("/locations/{}/customFields", world.info().location_id);
    let field = json!({ "name": "Trees", "dataType": "NUMERICAL", "model": "opportunity" });
    let field = world.call("POST", &fields, field).await.expect(201)["customField"].clone();
    let write = json!({ "customFields": [{ "id": field["id"], "field_value": "3" }] });
    let written = world.call("PUT", &own(&made), write).await.expect(200);
    assert_eq!(
        written["opportunity"]["customFields"],
        json!([{ "id": field["id"], "fieldValue": "3" }])
    );
    let by_hand = json!({ "status": "abandoned" });
    world.control("POST", &own(&made), by_hand).await;
    let read = world.get(&own(&made)).await.expect(200);
    assert_eq!(read["opportunity"]["status"], "abandoned");
    let people = world
        .search(json!({ "query": "ada@example.com", "pageLimit": 5 }))
        .await;
    let shown = &people["contacts"][0]["opportunities"];
    assert_eq!(
        (&shown[0]["id"], &shown[0]["status"]),
        (&made["id"], &json!("abandoned"))
    );
    let contact = format!("/contacts/{}", made["contactId"].as_str().unwrap());
    world
        .call("DELETE", &contact, Value::Null)
        .await
        .expect(200);
    world.get(&own(&made)).await.expect(404);
}
