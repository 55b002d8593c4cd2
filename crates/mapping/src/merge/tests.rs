use serde_json::json;

use super::*;
use crate::template::{check, render};

#[test]
fn each_merge_field_is_read_as_what_it_means() {
    let context = json!({
        "contact": {
            "id": "c1", "firstName": "Ada", "lastName": "King", "phone": "+441", "companyName": "Engines", "email": "a@b.c",
            "address1": "1 Row", "city": "London", "state": null, "postalCode": "N1", "country": "GB", "source": "Fair",
            "dateOfBirth": "1815-12-10T00:00:00.000Z", "dateAdded": "2026-11-30T02:30:00Z", "lastActivity": "2026-11-30T02:30:00Z",
            "type": "lead", "attributionSource": { "sessionSource": "Direct" }, "website": "w", "timezone": "Europe/London",
        },
        "custom": { "tier": "Gold", "favourite_colour": "red" },
        "user": { "name": "Bo Li", "firstName": "Bo", "lastName": "Li", "email": "bo@b.c", "phone": "+442", "lcPhone": { "l1": "+443" } },
        "location": {
            "id": "l1", "name": "Shop", "address": "2 Row", "city": "York", "state": "", "postalCode": "Y1", "country": "GB",
            "email": "s@b.c", "phone": "+444", "website": "s", "logoUrl": "logo", "timezone": "America/New_York",
            "firstName": "Cy", "lastName": "Ross",
        },
        "appointment": {
            "startTime": "2026-12-01T15:05:00Z", "endTime": "2026-12-01T16:00:00Z", "address": "Room 1", "appointmentStatus": "showed",
        },
        "opportunity": { "name": "Deal", "monetaryValue": 12.5, "pipelineId": "p1", "pipelineStageId": "s1" },
        "task": { "dueDate": "2026-12-01T03:00:00Z" },
        "invoice": { "invoiceNumber": "7", "total": 3, "issueDate": "2026-12-01", "dueDate": "2026-12-02" },
    });
    for (field, right) in [
        ("contact.full_name", "Ada King"),
        ("contact.name", "Ada King"),
        ("contact.first_name", "Ada"),
        ("contact.last_name", "King"),
        ("contact.full_address", "1 Row, London, N1, GB"),
        ("contact.lead_source", "Fair"),
        ("contact.phone_raw", "+441"),
        ("contact.company_name", "Engines"),
        ("contact.company", "Engines"),
        ("contact.postal_code", "N1"),
        ("contact.date_of_birth", "1815-12-10"),
        ("contact.date_added", "2026-11-29"),
        ("contact.assigned_to", "Bo Li"),
        ("contact.tier", "Gold"),
        ("contact.favourite_colour", "red"),
        ("contact.attributionSource.sessionSource", "Direct"),
        ("contact.email", "a@b.c"),
        ("contact.city", "London"),
        ("contact.state", ""),
        ("user.name", "Bo Li"),
        ("user.first_name", "Bo"),
        ("user.email", "bo@b.c"),
        ("user.twilio_phone_number", "+443"),
        ("location.name", "Shop"),
        ("location.full_address", "2 Row, York, Y1, GB"),
        ("location.logo_url", "logo"),
        ("location_owner.first_name", "Cy"),
        ("location_owner.email", "s@b.c"),
        (
            "appointment.start_time",
            "Tuesday, December 1, 2026 10:05 AM",
        ),
        ("appointment.only_start_time", "10:05 AM"),
        ("appointment.only_end_date", "Tuesday, December 1, 2026"),
        ("appointment.day_of_week", "Tuesday"),
        ("appointment.timezone", "America/New_York"),
        ("appointment.meeting_location", "Room 1"),
        ("opportunity.lead_value", "12.5"),
        ("opportunity.title", "Deal"),
        ("opportunity.pipeline_stage_id", "s1"),
        ("task.due_date", "2026-11-30"),
        ("invoice.number", "7"),
        ("invoice.total_amount", "3"),
    ] {
        let template = json!(format!("<{{{{{field}}}}}>"));
        check(&template).unwrap();
        assert_eq!(
            render(&template, &context),
            Ok(json!(format!("<{right}>"))),
            "{field}"
        );
    }
    let own = json!({ "contact": { "companyName": null }, "custom": { "company": "Analytical" } });
    assert_eq!(
        render(&json!("{{ contact.company }}"), &own),
        Ok(json!("Analytical"))
    );
    // The API's own member wins over a custom field that is called like it.
    let both = json!({ "contact": { "keyword": "a", "tier": "b" }, "custom": { "keyword": "c", "tier": "d" } });
    assert_eq!(
        render(&json!("{{ contact.keyword }}{{ contact.tier }}"), &both),
        Ok(json!("ab"))
    );
}

#[test]
fn every_field_is_one_that_reads_something_or_is_told() {
    for (field, meaning) in FIELDS {
        if let Is(expression) = meaning {
            crate::template::check_expression(expression).unwrap();
            assert!(!reads(field).is_empty(), "{field}");
        }
    }
    assert_eq!(meaning("right_now.hour"), Some(Told(PICTURE)));
    assert!(matches!(meaning("custom_values.slogan"), Some(Told(_))));
    assert!(matches!(
        meaning("appointment.recurring.repeats"),
        Some(Told(_))
    ));
    assert_eq!(meaning("contact.firstName"), None);
}

/// `mentions` is the quick look before anything is compiled; it must miss no field.
#[test]
fn no_field_reads_what_the_quick_look_misses() {
    for (field, _) in FIELDS {
        for name in template::names_in_expression(field) {
            let root = name.split('.').next().unwrap();
            // The location's id needs no reading.
            assert!(
                name == "location.id" || mentions(root, field),
                "{field} reads {name}"
            );
        }
    }
}

#[test]
fn what_a_field_reads_is_known_before_a_run() {
    for (text, name, right) in [
        ("contact.tier == 'Gold'", CUSTOM, true),
        ("contact.city == 'Oslo'", CUSTOM, false),
        ("contact.first_name", CUSTOM, false),
        ("contact.company", CUSTOM, true),
        ("contact.assigned_to", USER, true),
        ("appointment.only_start_time", LOCATION, true),
        ("contact.date_added", LOCATION, true),
        ("contact.last_activity", LOCATION, true),
        ("appointment.timezone", LOCATION, true),
    ] {
        let names = template::names_in_expression(text);
        let is_read = names
            .iter()
            .any(|path| path.split('.').next() == Some(name));
        assert_eq!(is_read, right, "{text}: {names:?}");
        assert!(!right || mentions(name, text), "{text}");
    }
}

/// Single reads have the halves of the name and `address1`, lists the whole in lower case, searches `address`.
#[test]
fn a_contacts_name_and_address_are_read_by_any_of_its_names() {
    let single = json!({ "id": "c1", "firstName": "Ada", "lastName": "King", "address1": "1 Row", "name": null });
    let listed = json!({ "id": "c1", "firstName": "Ada", "lastName": "King", "name": "ada king", "address": "1 Row" });
    let context = |contact: &serde_json::Value| json!({ "event": { "kind": "contact.created" }, "contact": contact, "record": contact });
    for contact in [&single, &listed] {
        for (template, right) in [
            ("<{{ contact.name }}>", "<Ada King>"),
            ("{% set c = contact %}<{{ c.name }}>", "<Ada King>"),
            (
                "{% for c in [contact] %}<{{ c.address }}>{% endfor %}",
                "<1 Row>",
            ),
            ("<{{ contact['name'] }}>", "<Ada King>"),
            (
                "<{{ record.name }}, {{ record.address1 }}>",
                "<Ada King, 1 Row>",
            ),
            ("<{{ contact | attr('address') }}>", "<1 Row>"),
            (
                "<{{ [contact] | map(attribute='name') | join }}>",
                "<Ada King>",
            ),
        ] {
            let found = render(&json!(template), &context(contact));
            assert_eq!(found, Ok(json!(right)), "{template}");
        }
    }
    // Who takes the whole contact gets the members that came.
    let whole = render(&json!("{{ record }}"), &context(&single)).unwrap();
    assert_eq!(whole.as_object().map(serde_json::Map::len), Some(5));
    // A deal's name is its own.
    let deal = json!({ "event": { "kind": "opportunity.created" }, "record": { "name": "Deal", "firstName": "Ada" } });
    assert_eq!(
        render(&json!("{{ record.name }}"), &deal),
        Ok(json!("Deal"))
    );
    let nobody = json!({ "contact": { "id": "c1", "firstName": "", "name": "" } });
    assert_eq!(
        render(&json!("<{{ contact['name'] }}>"), &nobody),
        Ok(json!("<>"))
    );
}
