//! Contacts and what hangs on them.

use serde_json::json;

use crate::harness::settled;

#[tokio::test]
async fn a_contact_is_created_read_changed_and_deleted() {
    let world = settled().await;
    let id = world
        .contact(json!({ "firstName": "Ada", "lastName": "Berg", "email": "Ada@Example.com" }))
        .await;

    let read = world.get(&format!("/contacts/{id}")).await.expect(200);
    assert_eq!(read["contact"]["name"], "Ada Berg");
    assert_eq!(read["contact"]["emailLowerCase"], "ada@example.com");
    assert!(
        read["traceId"]
            .as_str()
            .is_some_and(|trace| !trace.is_empty())
    );

    let path = format!("/contacts/{id}");
    let changed = world
        .call("PUT", &path, json!({ "city": "Leeds", "email": null }))
        .await
        .expect(200);
    assert_eq!(changed["succeded"], true);
    assert_eq!(changed["contact"]["city"], "Leeds");
    assert!(changed["contact"].get("email").is_none());

    world.call("DELETE", &path, json!(null)).await.expect(200);
    let gone = world.get(&path).await.expect(404);
    assert_eq!(gone["statusCode"], 404);
}

#[tokio::test]
async fn tags_in_an_update_or_upsert_replace_the_set_and_the_tag_operations_add_and_remove() {
    let world = settled().await;
    let id = world
        .contact(json!({ "email": "tags@example.com", "tags": ["a", "b"] }))
        .await;
    let tags = format!("/contacts/{id}/tags");

    let added = world
        .call("POST", &tags, json!({ "tags": ["B", "C"] }))
        .await
        .expect(201);
    assert_eq!(added["tags"], json!(["a", "b", "c"]));
    let left = world
        .call("DELETE", &tags, json!({ "tags": ["A"] }))
        .await
        .expect(200);
    assert_eq!(left["tags"], json!(["b", "c"]));

    let path = format!("/contacts/{id}");
    let updated = world
        .call("PUT", &path, json!({ "tags": ["d"] }))
        .await
        .expect(200);
    assert_eq!(updated["contact"]["tags"], json!(["d"]));
    let location_id = &world.info().location_id;
    let upsert = json!({ "locationId": location_id, "email": "TAGS@example.com", "tags": ["e"] });
    let upserted = world
        .call("POST", "/contacts/upsert", upsert)
        .await
        .expect(200);
    assert_eq!(upserted["contact"]["tags"], json!(["e"]));

    let kept = world
        .call("PUT", &path, json!({ "city": "Perth" }))
        .await
        .expect(200);
    assert_eq!(
        kept["contact"]["tags"],
        json!(["e"]),
        "an update without tags leaves them"
    );
}

#[tokio::test]
async fn bulk_tags_report_each_contact_and_the_location_lists_what_is_used() {
    let world = settled().await;
    let id = world
        .contact(json!({ "email": "bulk@example.com", "tags": ["old"] }))
        .await;
    let gone = world
        .contact(json!({ "email": "gone@example.com", "tags": ["old"] }))
        .await;
    let path = format!("/contacts/{gone}");
    world.call("DELETE", &path, json!({})).await.expect(200);
    let location_id = &world.info().location_id;
    let elsewhere = "q1w2e3r4t5q1w2e3r4t5";
    let contacts = json!([id, "nobody", gone, elsewhere]);
    let body = json!({ "contacts": contacts, "tags": ["Zebra", "old"], "locationId": location_id });
    let answer = world
        .call("POST", "/contacts/bulk/tags/update/add", body)
        .await
        .expect(201);
    assert_eq!(
        (&answer["succeded"], &answer["errorCount"]),
        (&json!(true), &json!(3))
    );
    let error = |contact: &str, message: &str| json!({ "contactId": contact, "message": message, "type": "error" });
    assert_eq!(
        answer["responses"],
        json!([
            { "contactId": id, "message": "Tags updated", "type": "success", "oldTags": ["old"],
              "tagsAdded": ["zebra"], "tagsRemoved": [] },
            error("nobody", "contact id is not a valid firebase id"),
            error(&gone, "contact is deleted"),
            error(elsewhere, "contact does not belong to location"),
        ])
    );

    let tags = world
        .get(&format!("/locations/{location_id}/tags"))
        .await
        .expect(200);
    let names: Vec<_> = tags["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].clone())
        .collect();
    assert!(
        names.contains(&json!("zebra")) && names.contains(&json!("old")),
        "{names:?}"
    );
}

#[tokio::test]
async fn upsert_finds_by_email_then_phone_and_drops_gender_without_a_word() {
    let world = settled().await;
    let location_id = world.info().location_id.clone();
    let upsert = |mut members: serde_json::Value| {
        members["locationId"] = json!(location_id);
        world.call("POST", "/contacts/upsert", members)
    };
    let made =
        upsert(json!({ "email": "u@example.com", "phone": "+1 201-555-9999", "gender": "female" }))
            .await
            .expect(200);
    assert_eq!(made["new"], true);
    assert!(made["contact"].get("gender").is_none());
    assert_eq!(made["contact"]["phone"], "+12015559999", "in E.164");
    let id = &made["contact"]["id"];

    let by_email = upsert(json!({ "email": "U@example.com", "city": "Leeds" }))
        .await
        .expect(200);
    assert_eq!(
        (&by_email["new"], &by_email["contact"]["id"]),
        (&json!(false), id)
    );
    let by_phone = upsert(json!({ "phone": "(201) 555 9999", "state": "OR" }))
        .await
        .expect(200);
    assert_eq!(
        (&by_phone["contact"]["id"], &by_phone["contact"]["city"]),
        (id, &json!("Leeds"))
    );
    // A number of another contact is not added, without a word.
    let other = upsert(json!({ "phone": "+12015558888" })).await.expect(200);
    assert_eq!(other["new"], true);
    let both = json!({ "email": "u@example.com", "phone": "+12015558888", "city": "York" });
    let both = upsert(both).await.expect(200);
    assert_eq!(
        (
            &both["contact"]["id"],
            &both["contact"]["phone"],
            &both["contact"]["city"]
        ),
        (id, &json!("+12015559999"), &json!("York"))
    );

    let created =
        json!({ "locationId": location_id, "email": "g@example.com", "gender": "female" });
    let created = world.call("POST", "/contacts/", created).await.expect(201);
    assert_eq!(
        created["contact"]["gender"], "female",
        "only upsert drops it"
    );
}

#[tokio::test]
async fn a_duplicate_is_refused_naming_the_contact_and_found_by_the_duplicate_search() {
    let world = settled().await;
    let id = world.contact(json!({ "email": "one@example.com" })).await;
    let location_id = &world.info().location_id;
    let again = json!({ "email": "One@example.com", "locationId": location_id });
    let refused = world
        .call("POST", "/contacts/", again.clone())
        .await
        .expect(400);
    assert_eq!(refused["meta"]["contactId"], json!(id));
    assert_eq!(refused["meta"]["matchingField"], "email");

    let path =
        format!("/contacts/search/duplicate?locationId={location_id}&email=one%40example.com");
    assert_eq!(
        world.get(&path).await.expect(200)["contact"]["id"],
        json!(id)
    );
    let path =
        format!("/contacts/search/duplicate?locationId={location_id}&email=two%40example.com");
    assert_eq!(world.get(&path).await.expect(200)["contact"], json!(null));

    world
        .control(
            "POST",
            "/settings",
            json!({ "allow_duplicate_contacts": true }),
        )
        .await;
    world.call("POST", "/contacts/", again).await.expect(201);
}

#[tokio::test]
async fn custom_fields_are_defined_written_by_id_or_key_and_read_as_id_and_value() {
    let world = settled().await;
    let fields = format!("/locations/{}/customFields", world.info().location_id);
    let define = |name: &str, kind: &str| {
        world.call(
            "POST",
            &fields,
            json!({ "name": name, "dataType": kind, "model": "contact" }),
        )
    };
    let trees = define("Trees funded", "NUMERICAL").await.expect(201)["customField"].clone();
    assert_eq!(trees["fieldKey"], "contact.trees_funded");
    let link = define("Impact link", "TEXT").await.expect(201)["customField"].clone();
    define("Impact link", "TEXT").await.expect(400);
    let listed = world
        .get(&format!("{fields}?model=contact"))
        .await
        .expect(200);
    assert_eq!(listed["customFields"].as_array().unwrap().len(), 2);
    assert_eq!(
        world
            .get(&format!("{fields}?model=opportunity"))
            .await
            .expect(200)["customFields"],
        json!([])
    );

    let id = world.contact(json!({ "email": "f@example.com" })).await;
    let path = format!("/contacts/{id}");
    let write =
        |fields: serde_json::Value| world.call("PUT", &path, json!({ "customFields": fields }));
    let written = write(json!([{ "id": trees["id"], "field_value": 3 }]))
        .await
        .expect(200);
    assert_eq!(
        written["contact"]["customFields"],
        json!([{ "id": trees["id"], "value": 3 }])
    );
    let merged = write(json!([{ "key": "impact_link", "field_value": "https://example.com" }]))
        .await
        .expect(200);
    assert_eq!(
        merged["contact"]["customFields"],
        json!([{ "id": trees["id"], "value": 3 }, { "id": link["id"], "value": "https://example.com" }]),
        "fields that are not named stay"
    );
    let unknown = write(json!([{ "id": "nothing", "field_value": "x" }]))
        .await
        .expect(200);
    assert_eq!(
        unknown["contact"]["customFields"],
        merged["contact"]["customFields"]
    );
    let cleared = write(json!([{ "id": link["id"], "field_value": "" }]))
        .await
        .expect(200);
    assert_eq!(
        cleared["contact"]["customFields"],
        json!([{ "id": trees["id"], "value": 3 }])
    );
}

#[tokio::test]
async fn campaigns_take_contacts_in_and_let_them_go() {
    let world = settled().await;
    let id = world.contact(json!({ "email": "c@example.com" })).await;
    let campaign = world.first("campaigns").await["id"].clone();
    let campaign = campaign.as_str().unwrap();
    let own = format!("/contacts/{id}/campaigns/{campaign}");
    for (method, path, status) in [
        ("POST", own.clone(), 201),
        ("DELETE", own.clone(), 200),
        ("POST", own, 201),
        ("DELETE", format!("/contacts/{id}/campaigns/removeAll"), 200),
    ] {
        let body = if method == "POST" {
            json!({})
        } else {
            json!(null)
        };
        let answer = world.call(method, &path, body).await.expect(status);
        assert_eq!(answer["succeded"], true, "{method} {path}");
    }
    let changes = world.control("GET", "/history", json!(null)).await;
    let of_contact = changes
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["record_id"] == json!(id));
    assert_eq!(of_contact.count(), 5, "created and four memberships");
    for path in [
        format!("/contacts/nobody/campaigns/{campaign}"),
        format!("/contacts/{id}/campaigns/none"),
        format!("/contacts/{id}/workflow/none"),
    ] {
        world.call("POST", &path, json!({})).await.expect(404);
    }
}

#[tokio::test]
async fn a_new_contact_has_no_appointments_and_the_location_finds_itself() {
    let world = settled().await;
    let id = world.contact(json!({ "email": "a@example.com" })).await;
    assert_eq!(
        world
            .get(&format!("/contacts/{id}/appointments"))
            .await
            .expect(200)["events"],
        json!([])
    );
    let found = world.get("/locations/search").await.expect(200);
    assert_eq!(found["locations"][0]["id"], json!(world.info().location_id));
}
