//! Conversations, users, locations and the agency, blogs.

use serde_json::{Value, json};

use crate::described::Described;
use crate::harness::{World, send};

pub async fn answers(world: &World, described: &mut Described) {
    let agency = json!({ "class": "company" });
    let agency = world.control("POST", "/tokens", agency).await["token"].clone();
    let agency = agency.as_str().unwrap();
    conversations(world, described).await;
    users(world, described, agency).await;
    agency_answers(world, described, agency).await;
    blogs(world, described).await;
}

async fn conversations(world: &World, described: &mut Described) {
    let location = world.info().location_id.clone();
    let contact = json!({ "email": "talk@example.com", "phone": "+12015550888" });
    let contact = world.contact(contact).await;
    let mail =
        json!({ "type": "Email", "contactId": contact, "subject": "Hi", "html": "<p>Hi</p>" });
    let sent = described
        .call(world, "POST", "/conversations/messages", mail)
        .await;
    let email = sent["emailMessageId"].as_str().unwrap();
    described
        .get(world, &format!("/conversations/messages/email/{email}"))
        .await;
    let message = format!(
        "/conversations/messages/{}",
        sent["messageId"].as_str().unwrap()
    );
    described.get(world, &message).await;
    let status = json!({ "status": "delivered" });
    described
        .call(world, "PUT", &format!("{message}/status"), status)
        .await;
    let id = sent["conversationId"].as_str().unwrap();
    let conversation = format!("/conversations/{id}");
    described.get(world, &conversation).await;
    described
        .get(world, &format!("{conversation}/messages"))
        .await;
    described
        .get(
            world,
            &format!("/conversations/search?locationId={location}"),
        )
        .await;
    let typing = json!({ "locationId": location, "isTyping": "true", "visitorId": "v", "conversationId": id });
    let path = "/conversations/providers/live-chat/typing";
    described.call(world, "POST", path, typing).await;

    let phone_call = json!({ "contactId": contact, "type": "CALL", "callDuration": 3, "callStatus": "completed",
        "transcript": "Hello" });
    let phone_call = world.control("POST", "/messages", phone_call).await;
    let id = phone_call["id"].as_str().unwrap();
    described
        .get(world, &format!("/conversations/messages/{id}"))
        .await;
    let said = format!("/conversations/locations/{location}/messages/{id}/transcription");
    described.get(world, &said).await;
    described.get(world, &format!("{said}/download")).await;
    let recording = format!("/conversations/messages/{id}/locations/{location}/recording");
    described.get(world, &recording).await;
}

async fn users(world: &World, described: &mut Described, agency: &str) {
    let (location, company) = (&world.info().location_id, &world.info().company_id);
    let user = json!({ "companyId": company, "firstName": "Ann", "lastName": "Arbor", "email": "ann@example.com",
        "password": "not kept 1", "type": "account", "role": "user", "locationIds": [location] });
    let made = described.call(world, "POST", "/users/", user).await;
    let own = format!("/users/{}", made["id"].as_str().unwrap());
    described.get(world, &own).await;
    described
        .call(world, "PUT", &own, json!({ "lastName": "Oak" }))
        .await;
    described
        .get(world, &format!("/users/?locationId={location}"))
        .await;
    described
        .get(
            world,
            &format!("/users/search?companyId={company}&query=ann"),
        )
        .await;
    let path = "/users/search/filter-by-email";
    let emails = json!({ "companyId": company, "emails": "ann@example.com" });
    let reply = world.request_as(agency, "POST", path, &emails);
    described.check("POST", path, send(reply).await.unwrap());
    described.delete(world, &own).await;
}

async fn agency_answers(world: &World, described: &mut Described, agency: &str) {
    let company = &world.info().company_id;
    let location = json!({ "companyId": company, "name": "North" });
    for (method, path, body) in [
        ("GET", format!("/companies/{company}"), Value::Null),
        (
            "GET",
            format!("/snapshots/?companyId={company}"),
            Value::Null,
        ),
        ("POST", "/locations/".to_owned(), location),
        (
            "GET",
            format!("/locations/{}", world.info().location_id),
            Value::Null,
        ),
    ] {
        let request = world.request_as(agency, method, &path, &body);
        described.check(method, &path, send(request).await.unwrap());
    }
}

async fn blogs(world: &World, described: &mut Described) {
    let location = &world.info().location_id;
    let page = format!("?locationId={location}&limit=5");
    let sites = described
        .get(world, &format!("/blogs/site/all{page}&skip=0"))
        .await;
    let authors = described
        .get(world, &format!("/blogs/authors{page}&offset=0"))
        .await;
    let categories = described
        .get(world, &format!("/blogs/categories{page}&offset=0"))
        .await;
    let blog = sites["data"][0]["_id"].as_str().unwrap();
    let post = json!({
        "title": "Oaks", "locationId": location, "blogId": blog, "imageUrl": "https://example.com/oak.png",
        "description": "On oaks", "rawHTML": "<p>Oaks.</p>", "status": "PUBLISHED", "imageAltText": "An oak",
        "categories": [categories["categories"][0]["_id"]], "author": authors["authors"][0]["_id"],
        "urlSlug": "oaks", "publishedAt": "2026-11-01T10:00:00.000Z",
    });
    let made = described
        .call(world, "POST", "/blogs/posts", post.clone())
        .await;
    let own = format!("/blogs/posts/{}", made["data"]["_id"].as_str().unwrap());
    described.call(world, "PUT", &own, post).await;
    let list = format!("/blogs/posts/all{page}&offset=0&blogId={blog}");
    described.get(world, &list).await;
    let slug = format!("/blogs/posts/url-slug-exists?locationId={location}&urlSlug=oaks");
    described.get(world, &slug).await;
}
