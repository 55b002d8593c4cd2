//! What happens to the record of each trigger, and what a poll tells of it.

use serde_json::json;

use super::{By, Case, Do, call, case, control};

const FROM: &str = "4102444800000";
const TO: &str = "4105036800000";

fn appointment() -> Do {
    let body = json!({ "calendarId": "$calendar", "contactId": "$contact", "title": "Visit",
        "startTime": "2100-01-04T09:00:00-08:00", "endTime": "2100-01-04T09:30:00-08:00",
        "ignoreFreeSlotValidation": true });
    control("appointment", "/appointments", body)
}

fn message() -> Do {
    control(
        "message",
        "/messages",
        json!({ "type": "SMS", "contactId": "$contact", "message": "Hello" }),
    )
}

fn call_by_hand() -> Do {
    let body = json!({ "type": "CALL", "contactId": "$contact", "callDuration": 60, "callStatus": "completed",
        "transcript": "Hello." });
    control("message", "/messages", body)
}

pub fn contacts() -> Vec<Case> {
    let rename = || control("", "/contacts/$contact", json!({ "firstName": "Ada" }));
    let task = || {
        let body = json!({ "contactId": "$contact", "title": "Call", "dueDate": "2100-02-01T00:00:00Z", "completed": false });
        call("task", "create-task", "/task/id", body)
    };
    let done = || {
        let body = json!({ "contactId": "$contact", "taskId": "$task", "completed": true });
        call("", "update-task-completed", "", body)
    };
    let note = || {
        let body = json!({ "contactId": "$contact", "body": "Oak" });
        call("note", "create-note", "/note/id", body)
    };
    let rewrite = || {
        let body = json!({ "contactId": "$contact", "id": "$note", "body": "Elm" });
        call("", "update-note", "", body)
    };
    let add = || control("new", "/contacts", json!({ "firstName": "Eve" }));
    let of_contact = || json!({ "contactId": "$contact" });
    let retitle = || control("", "/appointments/$appointment", json!({ "title": "Walk" }));
    let one = || json!({ "eventId": "$appointment" });
    let among = || json!({ "calendarId": "$calendar", "startTime": FROM, "endTime": TO });
    let slots = json!({ "calendarId": "$calendar", "startDate": 4_102_704_000_000_i64, "endDate": 4_103_049_600_000_i64 });
    let block = json!({ "locationId": "$location", "calendarId": "$calendar", "title": "Off",
        "startTime": "2100-01-05T09:00:00-08:00", "endTime": "2100-01-05T10:00:00-08:00" });
    let remark = json!({ "appointmentId": "$appointment", "body": "Bring a spade" });
    let other =
        json!({ "appointmentId": "$appointment", "noteId": "$remark", "body": "Bring two" });
    let business = || {
        control(
            "business",
            "/records/businesses",
            json!({ "name": "Grove", "locationId": "$location" }),
        )
    };
    vec![
        case("get-contact", of_contact()).then(rename(), "contact.updated"),
        case("search-contacts-advanced", json!({}))
            .then(add(), "contact.created")
            .then(rename(), "contact.updated"),
        case("get-contacts", json!({}))
            .then(add(), "contact.created")
            .then(rename(), "contact.updated"),
        case(
            "get-contacts-by-business-id",
            json!({ "businessId": "$business" }),
        )
        .before(business())
        .before(call(
            "",
            "add-remove-contact-from-business",
            "",
            json!({ "locationId": "$location", "businessId": "$business", "ids": ["$contact"] }),
        ))
        .then(rename(), "contact.updated"),
        case(
            "get-duplicate-contact",
            json!({ "email": "eve@example.com" }),
        )
        .then(
            control("", "/contacts", json!({ "email": "eve@example.com" })),
            "duplicate_contact.changed",
        ),
        case("get-all-tasks", of_contact())
            .then(task(), "task.created")
            .then(done(), "task.updated"),
        case(
            "get-task",
            json!({ "contactId": "$contact", "taskId": "$task" }),
        )
        .before(task())
        .then(done(), "task.updated"),
        case("get-all-notes", of_contact())
            .then(note(), "note.created")
            .then(rewrite(), "note.updated"),
        case(
            "get-note",
            json!({ "contactId": "$contact", "id": "$note" }),
        )
        .before(note())
        .then(rewrite(), "note.updated"),
        case("get-appointments-for-contact", of_contact())
            .then(appointment(), "appointment.created")
            .then(retitle(), "appointment.updated"),
        case("get-calendar-events", among())
            .then(appointment(), "appointment.created")
            .then(retitle(), "appointment.updated"),
        case("get-appointment", one())
            .before(appointment())
            .then(retitle(), "appointment.updated"),
        case("get-free-slots", slots).then(appointment(), "free_slots.changed"),
        case("get-blocked-slots", among()).then(
            call("", "create-block-slot", "/id", block),
            "blocked_slot.created",
        ),
        case(
            "get-appointment-notes",
            json!({ "appointmentId": "$appointment", "limit": 10, "offset": 0 }),
        )
        .before(appointment())
        .then(
            call("remark", "create-appointment-note", "/note/id", remark),
            "appointment_note.created",
        )
        .then(
            call("", "update-appointment-note", "", other),
            "appointment_note.updated",
        ),
        case("get-business", json!({ "businessId": "$business" }))
            .before(business())
            .then(
                control(
                    "",
                    "/records/businesses/$business",
                    json!({ "name": "Wood" }),
                ),
                "business.updated",
            ),
        case("get-businesses-by-location", json!({}))
            .then(business(), "business.created")
            .then(
                control(
                    "",
                    "/records/businesses/$business",
                    json!({ "name": "Wood" }),
                ),
                "business.updated",
            ),
    ]
}

pub fn dealings() -> Vec<Case> {
    let deal = || {
        let body = json!({ "name": "Hedge", "pipelineId": "$pipeline", "contactId": "$contact", "status": "open" });
        control("deal", "/opportunities", body)
    };
    let win = || control("", "/opportunities/$deal", json!({ "status": "won" }));
    let user = || {
        let body = json!({ "firstName": "Eve", "lastName": "Oak", "email": "eve@example.com", "password": "Secret-123",
            "type": "account", "role": "user", "companyId": "$company", "locationIds": ["$location"] });
        call("new", "create-user", "/id", body)
    };
    let move_user = || {
        control(
            "",
            "/records/users/$user",
            json!({ "phone": "+12015550199" }),
        )
    };
    let talk = || json!({ "conversationId": "$conversation" });
    let first = || Do {
        name: "conversation",
        by: By::Control("/messages", "/conversationId"),
        body: json!({ "type": "SMS", "contactId": "$contact", "message": "Hi" }),
    };
    let mail = control(
        "message",
        "/messages",
        json!({ "type": "Email", "contactId": "$contact", "subject": "Oak", "html": "Elm" }),
    );
    let read = || {
        control(
            "",
            "/records/messages/$message",
            json!({ "status": "read" }),
        )
    };
    let told = || json!({ "messageId": "$message" });
    let say = || {
        control(
            "",
            "/records/messages/$message",
            json!({ "transcript": "Goodbye." }),
        )
    };
    vec![
        case("search-opportunity", json!({}))
            .then(deal(), "opportunity.created")
            .then(win(), "opportunity.updated"),
        case("get-opportunity", json!({ "id": "$deal" })).before(deal()).then(win(), "opportunity.updated"),
        case("search-users", json!({})).then(user(), "user.created").then(move_user(), "user.updated"),
        case("get-user-by-location", json!({})).then(user(), "user.created").then(move_user(), "user.updated"),
        case("get-user", json!({ "userId": "$user" })).then(move_user(), "user.updated"),
        case("filter-users-by-email", json!({ "companyId": "$company", "emails": "$email", "deleted": false, "skip": "0", "limit": "10", "projection": "all" }))
            .then(move_user(), "user.updated"),
        case("search-conversation", json!({})).then(message(), "conversation.created").then(message(), "conversation.updated"),
        case("get-message", json!({ "id": "$message" })).before(message()).then(read(), "message.updated"),
        case("get-email-by-id", json!({ "id": "$message" })).before(mail),
        case("get-messages", talk()).before(first()).then(message(), "message.created"),
        case("get-conversation", talk()).before(first()).then(message(), "conversation.updated"),
        case("get-message-recording", told()).before(call_by_hand()),
        case("get-message-transcription", told()).before(call_by_hand()).then(say(), "message_transcription.changed"),
        case("download-message-transcription", told()).before(call_by_hand()).then(say(), "message_transcription.changed"),
    ]
}

pub fn account() -> Vec<Case> {
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
            .then(association(), "association.created")
            .then(relabel(), "association.updated"),
        case(
            "get-association-by-id",
            json!({ "associationId": "$association" }),
        )
        .before(association())
        .then(relabel(), "association.updated"),
        case(
            "get-association-key-by-key-name",
            json!({ "key_name": "tree_of" }),
        )
        .before(association())
        .then(relabel(), "association.updated"),
        case(
            "get-association-by-object-keys",
            json!({ "objectKey": "contact" }),
        )
        .before(association())
        .then(relabel(), "association.updated"),
        case(
            "get-relations-by-record-id",
            json!({ "recordId": "$contact" }),
        )
        .before(association())
        .before(other())
        .then(
            call("", "create-relation", "/id", relation),
            "relation.created",
        ),
        case("get-custom-fields", json!({})).then(
            call("", "create-custom-field", "", field),
            "custom_field.created",
        ),
        case("get-company", json!({ "companyId": "$company" })).then(place(), "company.updated"),
        case("search-locations", json!({})).then(
            control("", "/locations/$location", json!({ "name": "South" })),
            "location.updated",
        ),
        case("get-calendar", json!({ "calendarId": "$calendar" })).then(
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
        .then(notice(), "calendar_notification.created")
        .then(quiet(), "calendar_notification.updated"),
        case(
            "get-calendar-notification",
            json!({ "calendarId": "$calendar", "notificationId": "$notice" }),
        )
        .before(notice())
        .then(quiet(), "calendar_notification.updated"),
        case("get-calendar-resources", json!({ "resourceType": "rooms" }))
            .then(room(), "calendar_resource.created")
            .then(bigger(), "calendar_resource.updated"),
        case(
            "get-calendar-resource",
            json!({ "resourceType": "rooms", "id": "$room" }),
        )
        .before(room())
        .then(bigger(), "calendar_resource.updated"),
        case("get-blog-post", json!({ "blogId": "$blog" }))
            .then(post(), "blog_post.created")
            .then(
                control("", "/records/posts/$post", json!({ "title": "Elms" })),
                "blog_post.updated",
            ),
        case("check-url-slug-exists", json!({ "urlSlug": "oaks" }))
            .then(post(), "blog_slug.changed"),
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
                .then(new, created)
                .then(change, updated),
        );
    }
    cases
}
