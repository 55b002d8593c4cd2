//! What the sandbox answers and sends has the described form.

mod booking;
mod selling;
mod talking;
mod told;

use serde_json::{Value, json};

use crate::described::{Described, ECOLOGI, HIGHLEVEL};
use crate::harness::{World, send, settled};

#[tokio::test]
async fn every_operation_of_highlevel_answers_as_described() {
    let world = settled().await;
    let unlimited = json!({ "limits": false });
    world.control("POST", "/settings", unlimited).await;
    let mut described = Described::new(HIGHLEVEL);
    contacts(&world, &mut described).await;
    tokens(&world, &mut described).await;
    booking::answers(&world, &mut described).await;
    selling::answers(&world, &mut described).await;
    talking::answers(&world, &mut described).await;
    assert_eq!(described.unseen(), Vec::<String>::new());
}

async fn contacts(world: &World, described: &mut Described) {
    let location = world.info().location_id.clone();
    let here = format!("?locationId={location}");
    let full = json!({
        "locationId": location, "firstName": "Ada", "lastName": "Berg", "email": "ada@example.com", "phone": "+12015550999",
        "address1": "1 Road", "city": "Leeds", "state": "ENG", "postalCode": "LS1", "country": "GB", "website": "https://example.com",
        "timezone": "Europe/London", "dnd": false, "tags": ["a"], "source": "test", "companyName": "Acme",
        "customFields": [],
    });
    let created = described.call(world, "POST", "/contacts/", full).await;
    let id = created["contact"]["id"].as_str().unwrap();
    let contact = format!("/contacts/{id}");
    described.get(world, &contact).await;
    described
        .call(world, "PUT", &contact, json!({ "city": "York" }))
        .await;
    let upsert = json!({ "locationId": location, "email": "ada@example.com" });
    described
        .call(world, "POST", "/contacts/upsert", upsert)
        .await;
    described
        .get(world, &format!("/contacts/{here}&limit=2"))
        .await;
    let search = json!({ "locationId": location, "pageLimit": 2 });
    described
        .call(world, "POST", "/contacts/search", search)
        .await;
    let duplicate = format!("/contacts/search/duplicate{here}&email=ada%40example.com");
    described.get(world, &duplicate).await;

    let tags = json!({ "tags": ["b"] });
    let path = format!("{contact}/tags");
    described.call(world, "POST", &path, tags.clone()).await;
    described.call(world, "DELETE", &path, tags).await;
    let bulk = json!({ "locationId": location, "contacts": [id, "nobody"], "tags": ["c"] });
    described
        .call(world, "POST", "/contacts/bulk/tags/update/add", bulk)
        .await;
    described
        .get(world, &format!("/locations/{location}/tags"))
        .await;

    let notes = format!("{contact}/notes");
    let note = described
        .call(world, "POST", &notes, json!({ "body": "x" }))
        .await;
    let note = format!("{notes}/{}", note["note"]["id"].as_str().unwrap());
    described.get(world, &notes).await;
    described.get(world, &note).await;
    described
        .call(world, "PUT", &note, json!({ "body": "y" }))
        .await;
    described.delete(world, &note).await;

    let tasks = format!("{contact}/tasks");
    let task = json!({ "title": "t", "dueDate": "2026-12-01T10:00:00Z", "completed": false });
    let task = described.call(world, "POST", &tasks, task).await;
    let task = format!("{tasks}/{}", task["task"]["id"].as_str().unwrap());
    described.get(world, &tasks).await;
    described.get(world, &task).await;
    described
        .call(world, "PUT", &task, json!({ "title": "u" }))
        .await;
    let done = json!({ "completed": true });
    described
        .call(world, "PUT", &format!("{task}/completed"), done)
        .await;
    described.delete(world, &task).await;

    let followers = json!({ "followers": ["someone"] });
    let path = format!("{contact}/followers");
    described
        .call(world, "POST", &path, followers.clone())
        .await;
    described.call(world, "DELETE", &path, followers).await;

    let fields = format!("/locations/{location}/customFields");
    let field = json!({ "name": "Trees funded", "dataType": "NUMERICAL", "model": "contact" });
    described.call(world, "POST", &fields, field).await;
    described.get(world, &fields).await;
    described.get(world, "/locations/search").await;
    described.delete(world, &contact).await;
}

async fn tokens(world: &World, described: &mut Described) {
    let grant = json!({ "user_type": "Company" });
    let grant = world.control("POST", "/oauth/authorize", grant).await;
    let text = |name: &str| grant[name].as_str().unwrap().to_owned();
    let form = [
        ("client_id", text("client_id")),
        ("client_secret", text("client_secret")),
        ("grant_type", "authorization_code".to_owned()),
        ("code", text("code")),
    ];
    let url = |path: &str| format!("{}{path}", world.info().highlevel_url);
    let pair = world.http.post(url("/oauth/token")).form(&form);
    let pair = described.check("POST", "/oauth/token", send(pair).await.unwrap());
    let agency = pair["access_token"].as_str().unwrap();
    let info = world.info();
    let form = [
        ("companyId", &info.company_id),
        ("locationId", &info.location_id),
    ];
    let request = world
        .request_as(agency, "POST", "/oauth/locationToken", &Value::Null)
        .form(&form);
    described.check("POST", "/oauth/locationToken", send(request).await.unwrap());
    let app = world.control("GET", "/info", Value::Null).await["oauth"]["app_id"].clone();
    let path = format!(
        "/oauth/installedLocations?companyId={}&appId={}",
        info.company_id,
        app.as_str().unwrap()
    );
    let request = world.request_as(agency, "GET", &path, &Value::Null);
    described.check("GET", &path, send(request).await.unwrap());
    let body = json!({ "clientKey": text("client_id"), "clientSecret": text("client_secret"), "locationId": info.location_id });
    let again = world.http.post(url("/oauth/reconnect")).json(&body);
    described.check("POST", "/oauth/reconnect", send(again).await.unwrap());
}

#[tokio::test]
async fn every_operation_of_ecologi_answers_as_described() {
    let world = settled().await;
    world
        .control(
            "POST",
            "/settings",
            json!({ "recipient_email_enabled": true }),
        )
        .await;
    let mut described = Described::new(ECOLOGI);
    for (path, mut body) in [
        ("/impact/trees", json!({ "number": 2 })),
        (
            "/impact/local-trees",
            json!({ "number": 2, "country": "AU" }),
        ),
        ("/impact/carbon", json!({ "number": 1.5, "units": "KG" })),
        ("/impact/carbon-removal", json!({ "number": 2 })),
        ("/impact/habitat-restoration", json!({ "number": 0.1 })),
    ] {
        body["name"] = json!("Tom");
        body["recipientEmail"] = json!("friend@example.com");
        described.check("POST", path, world.buy(path, Some(path), body).await);
    }
    for name in [
        "trees",
        "carbon-offset",
        "carbon-removal",
        "habitat-restoration",
        "impact",
    ] {
        let path = format!("/users/{}/{name}", world.info().ecologi_user);
        described.check("GET", &path, world.report(&path).await);
    }
    assert_eq!(described.unseen(), Vec::<String>::new());
}
