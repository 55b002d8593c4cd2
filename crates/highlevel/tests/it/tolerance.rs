//! What the live service sends beside its description is read all the same.

use canopy_highlevel::api::contacts::types::UpdateContact;
use canopy_highlevel::{Error, Patch, Refusal, operation};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::{TOKEN, answering, requests};

#[tokio::test]
async fn odd_members_are_bent_or_absent_and_unknown_ones_kept() {
    let body = json!({"contact": {
        "id": 12, "tags": null, "customFields": null, "dateAdded": 1_690_000_000_000_i64, "dnd": "false",
        "birthMonth": "7", "firstName": null, "newThing": {"a": [1]}, "dndSettings": [],
    }, "traceId": 5});
    let (client, _server) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let answer = client
        .raw()
        .get_contact()
        .contact_id("12")
        .send()
        .await
        .unwrap()
        .into_inner();
    let contact = answer.contact.unwrap();
    assert_eq!(contact.id.as_deref(), Some("12"));
    assert!(
        contact.tags.is_none() && contact.custom_fields.is_none() && contact.first_name.is_none()
    );
    assert_eq!(contact.date_added.as_deref(), Some("1690000000000"));
    assert_eq!((contact.dnd, contact.birth_month), (Some(false), Some(7)));
    assert_eq!(contact.extra["newThing"], json!({"a": [1]}));
    assert!(contact.dnd_settings.is_none());
}

#[tokio::test]
async fn ids_stay_one_part_of_the_path() {
    for (id, sent) in [
        ("a/../b?x=1", "/contacts/a%2F..%2Fb%3Fx=1"),
        ("é日", "/contacts/%C3%A9%E6%97%A5"),
        ("a b#c", "/contacts/a%20b%23c"),
    ] {
        let contact = json!({"contact": {"id": id}});
        let (client, server) = answering(ResponseTemplate::new(200).set_body_json(contact)).await;
        client
            .invoke("get-contact", &json!({ "contactId": id }))
            .await
            .unwrap();
        client
            .raw()
            .get_contact()
            .contact_id(id)
            .send()
            .await
            .unwrap();
        for request in requests(&server).await {
            assert_eq!(
                (request.url.path(), request.url.query()),
                (sent, None),
                "{id}"
            );
        }
    }
}

#[tokio::test]
async fn a_field_can_be_emptied() {
    let contact = json!({"succeded": true, "contact": {"id": "c"}});
    let (client, server) = answering(ResponseTemplate::new(200).set_body_json(contact)).await;
    let body = UpdateContact::builder()
        .email(Patch::Clear)
        .first_name(Patch::set("Ada"));
    client
        .raw()
        .update_contact()
        .contact_id("c")
        .body(body)
        .send()
        .await
        .unwrap();
    client
        .invoke(
            "update-contact",
            &json!({"contactId": "c", "firstName": "Ada", "email": null}),
        )
        .await
        .unwrap();
    for request in requests(&server).await {
        assert_eq!(
            request.body_json::<Value>().unwrap(),
            json!({"firstName": "Ada", "email": null})
        );
    }
}

#[tokio::test]
async fn an_error_keeps_all_that_helps_and_nothing_personal() {
    let said = json!({
        "statusCode": 422, "message": ["customFields.0.id must be a string", "property nmae should not exist"],
        "error": "Unprocessable Entity", "traceId": "tr-9", "input": {"firstName": "Jo", "email": "jo@example.com"},
    });
    let (client, _server) = answering(ResponseTemplate::new(422).set_body_json(&said)).await;
    let dynamic = client
        .invoke("update-contact", &json!({"contactId": "c"}))
        .await
        .unwrap_err();
    let typed = client
        .raw()
        .update_contact()
        .contact_id("c")
        .body(UpdateContact::builder())
        .send()
        .await
        .unwrap_err();
    let typed = Error::from_generated(operation("update-contact").unwrap(), typed);
    for error in [dynamic, typed] {
        assert_eq!(
            (error.status(), error.trace_id(), error.field()),
            (Some(422), Some("tr-9"), Some("customFields.0.id"))
        );
        assert!(matches!(error.refusal(), Some(Refusal::Validation { .. })));
        let body: Value = serde_json::from_str(error.body().unwrap()).unwrap();
        assert_eq!(body["message"], said["message"]);
        assert_eq!(body["input"], json!({"firstName": "…", "email": "…"}));
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("Jo") && !shown.contains("jo@") && !shown.contains(TOKEN),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn the_field_is_told_only_where_the_service_names_one() {
    for (message, field) in [
        (json!("property nmae should not exist"), Some("nmae")),
        (json!(["email must be an email"]), Some("email")),
        (json!("The contact must have an address"), None),
        (json!("bad"), None),
    ] {
        let (client, _server) =
            answering(ResponseTemplate::new(400).set_body_json(json!({ "message": message })))
                .await;
        let error = client
            .invoke("get-contact", &json!({"contactId": "c"}))
            .await
            .unwrap_err();
        assert_eq!(error.field(), field, "{message}");
    }
}
