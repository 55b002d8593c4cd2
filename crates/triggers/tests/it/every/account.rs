//! Triggers of the location itself: its associations, fields, calendars and blogs, and of the agency.

use serde_json::json;

use super::{Case, call, case, control};

pub fn cases() -> Vec<Case> {
    let association = || {
        let body = json!({ "locationId": "$location", "key": "tree_of", "firstObjectKey": "contact", "firstObjectLabel": "Owner",
            "secondObjectKey": "contact", "secondObjectLabel": "Tree" });
        call("association", "create-association", "/id", body)
    };
    let relabel = || {
        let body = json!({ "associationId": "$association", "firstObjectLabel": "Keeper", "secondObjectLabel": "Tree" });
        call("", "update-association", "", body)
    };
    let other = || control("other", "/contacts", json!({ "firstName": "Eve" }));
    let relation = json!({ "locationId": "$location", "associationId": "$association", "firstRecordId": "$contact", "secondRecordId": "$other" });
    let field = json!({ "locationId": "$location", "name": "Trees", "dataType": "NUMERICAL", "model": "contact" });
    let place = || {
        control(
            "",
            "/records/locations",
            json!({ "name": "North", "companyId": "$company" }),
        )
    };
    let notice = || {
        control(
            "notice",
            "/records/calendar_notifications",
            json!({ "calendarId": "$calendar", "channel": "email", "isActive": true }),
        )
    };
    let quiet = || {
        control(
            "",
            "/records/calendar_notifications/$notice",
            json!({ "isActive": false }),
        )
    };
    let room = || {
        control(
            "room",
            "/records/calendar_resources",
            json!({ "locationId": "$location", "resourceType": "rooms", "name": "Hall" }),
        )
    };
    let bigger = || {
        control(
            "",
            "/records/calendar_resources/$room",
            json!({ "capacity": 9 }),
        )
    };
    let post = || {
        let body =
            json!({ "blogId": "$blog", "title": "Oaks", "urlSlug": "oaks", "status": "PUBLISHED" });
        control("post", "/records/posts", body)
    };
    let mut cases = vec![
        case("find-associations", json!({}))
            .fresh(association(), "association.created")
            .changed(relabel(), "association.updated"),
        case(
            "get-association-by-id",
            json!({ "associationId": "$association" }),
        )
        .before(association())
        .changed(relabel(), "association.updated"),
        case(
            "get-association-key-by-key-name",
            json!({ "key_name": "tree_of" }),
        )
        .before(association())
        .changed(relabel(), "association.updated"),
        case(
            "get-association-by-object-keys",
            json!({ "objectKey": "contact" }),
        )
        .before(association())
        .changed(relabel(), "association.updated"),
        case(
            "get-relations-by-record-id",
            json!({ "recordId": "$contact" }),
        )
        .before(association())
        .before(other())
        .fresh(
            call("", "create-relation", "/id", relation),
            "relation.created",
        ),
        case("get-custom-fields", json!({}))
            .fresh(
                call("field", "create-custom-field", "/customField/id", field),
                "custom_field.created",
            )
            .changed(
                control("", "/custom-fields/$field", json!({ "name": "Oaks" })),
                "custom_field.updated",
            ),
        case("get-company", json!({ "companyId": "$company" })).changed(place(), "company.updated"),
        case("search-locations", json!({}))
            .fresh(place(), "location.created")
            .changed(
                control("", "/locations/$location", json!({ "name": "South" })),
                "location.updated",
            ),
        case("get-calendar", json!({ "calendarId": "$calendar" })).changed(
            control(
                "",
                "/records/calendars/$calendar",
                json!({ "name": "Visits" }),
            ),
            "calendar.updated",
        ),
        case(
            "get-calendar-notifications",
            json!({ "calendarId": "$calendar" }),
        )
        .fresh(notice(), "calendar_notification.created")
        .changed(quiet(), "calendar_notification.updated"),
        case(
            "get-calendar-notification",
            json!({ "calendarId": "$calendar", "notificationId": "$notice" }),
        )
        .before(notice())
        .changed(quiet(), "calendar_notification.updated"),
        case("get-calendar-resources", json!({ "resourceType": "rooms" }))
            .fresh(room(), "calendar_resource.created")
            .changed(bigger(), "calendar_resource.updated"),
        case(
            "get-calendar-resource",
            json!({ "resourceType": "rooms", "id": "$room" }),
        )
        .before(room())
        .changed(bigger(), "calendar_resource.updated"),
        case("get-blog-post", json!({ "blogId": "$blog" }))
            .fresh(post(), "blog_post.created")
            .changed(
                control("", "/records/posts/$post", json!({ "title": "Elms" })),
                "blog_post.updated",
            ),
        case("check-url-slug-exists", json!({ "urlSlug": "oaks" }))
            .changed(post(), "blog_slug.changed"),
    ];
    for (operation, add, edit, member, created, updated) in [
        (
            "get-calendar-groups",
            "/records/calendar_groups",
            "/records/calendar_groups/$new",
            "name",
            "calendar_group.created",
            "calendar_group.updated",
        ),
        (
            "get-calendars",
            "/records/calendars",
            "/records/calendars/$new",
            "name",
            "calendar.created",
            "calendar.updated",
        ),
        (
            "get-pipelines",
            "/records/pipelines",
            "/records/pipelines/$new",
            "name",
            "pipeline.created",
            "pipeline.updated",
        ),
        (
            "get-workflow",
            "/records/workflows",
            "/records/workflows/$new",
            "name",
            "workflow.created",
            "workflow.updated",
        ),
        (
            "get-custom-snapshots",
            "/records/snapshots",
            "/records/snapshots/$new",
            "name",
            "snapshot.created",
            "snapshot.updated",
        ),
        (
            "get-campaigns",
            "/records/campaigns",
            "/records/campaigns/$new",
            "name",
            "campaign.created",
            "campaign.updated",
        ),
        (
            "get-all-blog-authors-by-location",
            "/records/authors",
            "/records/authors/$new",
            "name",
            "blog_author.created",
            "blog_author.updated",
        ),
        (
            "get-all-categories-by-location",
            "/records/categories",
            "/records/categories/$new",
            "label",
            "blog_category.created",
            "blog_category.updated",
        ),
        (
            "get-blogs",
            "/records/blogs",
            "/records/blogs/$new",
            "name",
            "blog.created",
            "blog.updated",
        ),
    ] {
        let new = control(
            "new",
            add,
            json!({ "locationId": "$location", (member): "Oaks" }),
        );
        let change = control("", edit, json!({ (member): "Elms" }));
        cases.push(
            case(operation, json!({}))
                .fresh(new, created)
                .changed(change, updated),
        );
    }
    cases
}
