//! Arguments are held against the description before anything is sent.

use canopy_highlevel::{AnswerKind, FieldPlace, OPERATIONS, check, describe};
use serde_json::{Value, json};

fn refused(name: &str, args: &Value) -> (String, String) {
    let error = check(name, args).unwrap_err();
    assert!(error.status().is_none() && !error.is_retryable());
    (error.field().unwrap().to_owned(), error.to_string())
}

#[test]
fn a_wrong_argument_is_named_by_its_path_with_what_to_do() {
    let search = |more: Value| {
        let mut args = json!({"locationId": "l", "pageLimit": 10});
        args.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        args
    };
    for (name, args, field, says) in [
        (
            "create-contact",
            json!({"locationID": "l"}),
            "locationID",
            "the nearest is `locationId`",
        ),
        (
            "create-contact",
            json!({"firstName": "Jo"}),
            "locationId",
            "is missing",
        ),
        (
            "create-contact",
            json!({"locationId": "l", "dnd": "no"}),
            "dnd",
            "must be true or false",
        ),
        (
            "create-contact",
            json!({"locationId": "l", "tags": "vip"}),
            "tags",
            "must be a list",
        ),
        (
            "create-contact",
            json!({"locationId": "l", "tags": [1]}),
            "tags[0]",
            "must be a text",
        ),
        (
            "create-contact",
            json!({"locationId": "l", "customFields": [{"id": 7}]}),
            "customFields[0].id",
            "must be a text",
        ),
        (
            "create-contact",
            json!({"locationId": "l", "customFields": [{"id": "i", "fieldValue": 1}]}),
            "customFields[0].fieldValue",
            "`field_value`",
        ),
        (
            "create-contact",
            json!({"locationId": "l", "dndSettings": {"SMS": {}}}),
            "dndSettings.SMS.status",
            "is missing",
        ),
        (
            "create-contact",
            json!({"locationId": "l", "dndSettings": {"SMS": {"status": "on"}}}),
            "dndSettings.SMS.status",
            "one of active, inactive, permanent",
        ),
        (
            "create-contact",
            json!({"locationId": "l", "postalCode": null}),
            "postalCode",
            "must be a text",
        ),
        (
            "search-contacts-advanced",
            search(json!({"pageLimit": 501})),
            "pageLimit",
            "at most 500",
        ),
        (
            "search-contacts-advanced",
            search(json!({"page": 0})),
            "page",
            "at least 1",
        ),
        (
            "search-contacts-advanced",
            search(json!({"page": 1.5})),
            "page",
            "must be a whole number",
        ),
        (
            "search-contacts-advanced",
            search(json!({"query": "é".repeat(76)})),
            "query",
            "at most 75 characters",
        ),
        (
            "search-contacts-advanced",
            search(
                json!({"filters": [{"group": "AND", "filters": [{"filters": [{"fild": "x"}]}]}]}),
            ),
            "filters[0].filters[0].filters[0].fild",
            "`field`",
        ),
        (
            "bulk-update-contact-tags",
            json!({"type": "addd"}),
            "type",
            "one of",
        ),
        (
            "get-contacts",
            json!({"locationId": "l", "limit": "many"}),
            "limit",
            "must be a whole number",
        ),
        (
            "get-contact",
            json!({"contactId": {}}),
            "contactId",
            "must be a text",
        ),
    ] {
        let (found, text) = refused(name, &args);
        assert_eq!(found, field, "{text}");
        assert!(text.contains(says) && text.contains(name), "{text}");
    }
}

#[test]
fn what_fits_passes() {
    for (name, args) in [
        (
            "get-contacts",
            json!({"locationId": "l", "limit": "20", "startAfter": 5}),
        ),
        (
            "get-contacts-by-business-id",
            json!({"businessId": "b", "locationId": "l", "limit": 20}),
        ),
        ("get-contacts", json!({"locationId": "l", "query": null})),
        (
            "update-contact",
            json!({"contactId": "c", "email": null, "source": null}),
        ),
        ("update-contact", json!({"contactId": "c"})),
        (
            "upsert-contact",
            json!({"locationId": "l", "createNewIfDuplicateAllowed": true, "gender": "x"}),
        ),
        (
            "create-contact",
            json!({"locationId": "l", "customFields": [{"id": "a", "field_value": {"any": ["thing"]}}]}),
        ),
        (
            "search-contacts-advanced",
            json!({"locationId": "l", "pageLimit": 20.0, "searchAfter": [1, null, "x"]}),
        ),
    ] {
        let checked = check(name, &args);
        assert!(checked.is_ok(), "{name}: {checked:?}");
    }
}

#[test]
fn errors_show_no_value() {
    let (_, text) = refused(
        "create-contact",
        &json!({"locationId": "l", "firstName": ["jo@example.com"]}),
    );
    assert!(!text.contains("jo@"), "{text}");
}

#[test]
fn data_without_a_floor_does_not_break_the_check() {
    let mut filter = json!({"field": "email", "operator": "exists"});
    for _ in 0..500 {
        filter = json!({"group": "AND", "filters": [filter]});
    }
    let args = json!({"locationId": "l", "pageLimit": 1, "filters": [filter]});
    assert!(check("search-contacts-advanced", &args).is_ok());
}

#[test]
fn every_operation_is_described_with_an_example_that_passes() {
    for operation in OPERATIONS {
        let described = describe(operation.name).unwrap();
        assert!(!described.description.is_empty(), "{}", operation.name);
        let checked = check(operation.name, &described.example);
        assert!(checked.is_ok(), "{checked:?}: {}", described.example);
        for parameter in operation.parameters {
            let field = described
                .fields
                .iter()
                .find(|field| field.name == parameter.name)
                .unwrap();
            assert_eq!(
                field.required, parameter.required,
                "{}.{}",
                operation.name, field.name
            );
            assert!(
                !field.description.is_empty() && field.kind != "any",
                "{}.{}",
                operation.name,
                field.name
            );
        }
        for missing in described.fields.iter().filter(|field| field.required) {
            let mut args = described.example.clone();
            args.as_object_mut().unwrap().shift_remove(&missing.name);
            let refused = check(operation.name, &args);
            // A body of which nothing is left may be left out as a whole.
            if missing.place != FieldPlace::Body || refused.is_err() {
                assert_eq!(
                    refused.unwrap_err().field(),
                    Some(missing.name.as_str()),
                    "{}",
                    operation.name
                );
            }
        }
        let mut args = described.example.clone();
        args["noSuchThing"] = json!(1);
        if let Err(error) = check(operation.name, &args) {
            assert_eq!(error.field(), Some("noSuchThing"), "{}", operation.name);
        }
    }
}

#[test]
fn a_description_tells_places_types_and_words() {
    let tags = describe("bulk-update-contact-tags").unwrap();
    let kind = &tags.fields[0];
    assert_eq!(
        (kind.name.as_str(), kind.place, kind.required),
        ("type", FieldPlace::Path, true)
    );
    assert_eq!(kind.words, ["add", "remove"]);
    assert_eq!(tags.answer, AnswerKind::Json);
    let update = describe("update-contact").unwrap();
    let field = |name: &str| {
        update
            .fields
            .iter()
            .find(|field| field.name == name)
            .unwrap()
    };
    assert!(field("email").nullable && !field("tags").nullable);
    assert_eq!(
        (field("tags").kind.as_str(), field("dnd").kind.as_str()),
        ("string[]", "boolean")
    );
    let custom = field("customFields");
    assert_eq!(
        (custom.kind.as_str(), custom.fields[0].name.as_str()),
        ("object[]", "id")
    );
    let shown = serde_json::to_value(&update).unwrap();
    assert_eq!(shown["fields"][0]["place"], "path");
    assert_eq!(shown["fields"][0]["type"], "string");
    // It describes itself to no end, and the description has one.
    let search = serde_json::to_string(&describe("search-contacts-advanced").unwrap()).unwrap();
    assert!(search.len() < 20_000, "{}", search.len());
    assert!(
        describe("serch-contacts-advanced")
            .unwrap_err()
            .to_string()
            .contains("`search-contacts-advanced`")
    );
}

#[test]
fn every_resource_has_an_example_in_the_guide() {
    let guide = [
        include_str!("../../src/guide/account.rs"),
        include_str!("../../src/guide/bookings.rs"),
        include_str!("../../src/guide/dealings.rs"),
        include_str!("../../src/guide/people.rs"),
    ]
    .concat();
    for operation in OPERATIONS {
        let heading = format!("//! # {}\n", operation.resource);
        assert!(
            guide.contains(&heading),
            "add an example of `{}` to the guide",
            operation.resource
        );
    }
}
