//! Times in templates.

use serde_json::json;

use crate::template::render;

#[test]
fn a_time_is_moved() {
    let context = json!({ "location": { "timezone": "UTC" }, "at": "2026-11-30T10:00:00.5+01:00", "day": "2026-12-31", "seconds": "1795919400", "word": "soon", "five": 5 });
    for (expression, expected) in [
        ("at | later('3d')", json!("2026-12-03T09:00:00Z")),
        ("day | later('90m')", json!("2026-12-31T01:30:00Z")),
        ("seconds | later('30m')", json!("2026-11-29T03:00:00Z")),
        ("nothing | later('1d')", json!(null)),
    ] {
        let value = json!(format!("{{{{ {expression} }}}}"));
        assert_eq!(render(&value, &context).unwrap(), expected, "{expression}");
    }
    for (expression, expected) in [
        ("at | later('soon')", "is no time"),
        ("'x' | later('1d')", "neither a date nor a time"),
        (
            "day.x | later('1d') ~ (word | later('1d'))",
            "word is \"soon\", and is neither a date nor a time",
        ),
        (
            "five | later('1d')",
            "five is 5, and is neither a date nor a time",
        ),
        ("five | date", "five is 5, and is neither a date nor a time"),
    ] {
        let told = render(&json!(format!("{{{{ {expression} }}}}")), &context).unwrap_err();
        assert!(told.to_string().contains(expected), "{told}");
    }
}

#[test]
fn a_time_is_a_day_in_the_locations_zone_or_in_the_one_that_is_named() {
    let context = json!({
        // Evening in New York, the next day in UTC.
        "at": "2026-11-30T02:30:00Z", "millis": 1_795_919_400_000_i64, "text": "1795919400000",
        "day": "2026-12-31", "born": "1990-05-01T00:00:00.000Z", "local": "2026-11-29 23:00:00", "empty": "",
        "location": { "timezone": "America/New_York" },
    });
    for (expression, expected) in [
        ("at | date", json!("2026-11-29")),
        ("millis | date", json!("2026-11-28")),
        ("text | date", json!("2026-11-28")),
        ("at | date('Europe/London')", json!("2026-11-30")),
        ("at | date(zone='Asia/Tokyo')", json!("2026-11-30")),
        ("at | date('%d.%m.%Y')", json!("29.11.2026")),
        (
            "at | date('%d %B, %H:%M', zone='Europe/London')",
            json!("30 November, 02:30"),
        ),
        // Dates are days wherever one is.
        ("day | date", json!("2026-12-31")),
        ("born | date", json!("1990-05-01")),
        ("local | date", json!("2026-11-29")),
        ("empty | date", json!(null)),
        ("missing | date", json!(null)),
    ] {
        let value = json!(format!("{{{{ {expression} }}}}"));
        assert_eq!(render(&value, &context).unwrap(), expected, "{expression}");
    }
    for (expression, context, expected) in [
        (
            "at | date",
            json!({ "at": "2026-11-30T02:30:00Z" }),
            "the location's time zone is not known; name one",
        ),
        (
            "at | date('Mars')",
            context.clone(),
            "no time zone \"Mars\"",
        ),
        (
            "at | date",
            json!({ "at": "soon" }),
            "at is \"soon\", and is neither a date nor a time",
        ),
    ] {
        let told = render(&json!(format!("{{{{ {expression} }}}}")), &context).unwrap_err();
        assert!(told.to_string().contains(expected), "{told}");
    }
}

/// 16:00 in Los Angeles is midnight UTC, as which HighLevel writes days as well.
#[test]
fn midnight_utc_is_a_time_where_a_time_is_read_or_asked_for() {
    let context = json!({
        "event": { "occurredAt": "2026-12-02T00:00:00Z" },
        "task": { "dueDate": "2026-12-02T00:00:00.000Z" },
        "appointment": { "startTime": "2026-12-01T16:00:00-08:00" },
        "contact": { "dateOfBirth": "1990-05-01T00:00:00.000Z", "dateAdded": "2026-12-02T00:00:00.000Z" },
        "invoice": { "dueDate": "2026-12-02T00:00:00.000Z" },
        "webhook": { "day": "2026-12-02T00:00:00Z", "millis": 1_796_169_600_000_i64 },
        "location": { "timezone": "America/Los_Angeles" },
    });
    for (expression, expected) in [
        ("event.occurredAt | date", "2026-12-01"),
        ("event['occurredAt'] | date", "2026-12-01"),
        ("event.occurredAt | date('%d %b %Y')", "01 Dec 2026"),
        ("event.occurredAt | date('%d %b %H:%M')", "01 Dec 16:00"),
        ("event.occurredAt | later('0s') | date", "2026-12-01"),
        // A day, some days later, is a day; some hours later it is a time.
        ("webhook.day | later('1d') | date", "2026-12-03"),
        ("webhook.day | later('25h') | date", "2026-12-02"),
        ("task.dueDate | later('1d') | date", "2026-12-02"),
        ("task.dueDate | date", "2026-12-01"),
        ("task.due_date", "2026-12-01"),
        ("appointment.startTime | date", "2026-12-01"),
        ("appointment.only_start_time", "4:00 PM"),
        ("contact.date_added", "2026-12-01"),
        ("webhook.day | date('%d %b %H:%M')", "01 Dec 16:00"),
        ("webhook.day | date('%-d %b, %-I %p')", "1 Dec, 4 PM"),
        ("webhook.day | date(zone='America/New_York')", "2026-12-01"),
        // Days are the same everywhere.
        ("webhook.day | date", "2026-12-02"),
        ("webhook.millis | date", "2026-12-02"),
        ("webhook.day | date('%d %b %Y')", "02 Dec 2026"),
        ("contact.dateOfBirth | date", "1990-05-01"),
        ("contact.date_of_birth", "1990-05-01"),
        ("invoice.due_date", "2026-12-02"),
    ] {
        let value = json!(format!("{{{{ {expression} }}}}"));
        assert_eq!(
            render(&value, &context).unwrap(),
            json!(expected),
            "{expression}"
        );
    }
}

/// Calendars write times without a zone, and fields days: both are on the location's clock.
#[test]
fn what_names_no_zone_is_on_the_locations_clock() {
    let context = json!({
        "event": { "occurredAt": "2026-11-30T04:09:00Z" },
        "appointment": { "startTime": "2026-11-30T08:00:00-08:00" },
        "webhook": {
            // 20:09 on the 29th in Los Angeles.
            "soon": "2026-11-29T22:09:00", "ago": "2026-11-29 18:09", "day": "2026-11-30", "today": "2026-11-29",
            "evening": "2026-11-30T20:30:00", "later": "2026-11-30T21:00:00Z", "midnight": "2026-11-30T00:00:00Z",
        },
        "location": { "timezone": "America/Los_Angeles" },
    });
    let render =
        |expression: &str, context| render(&json!(format!("{{{{ {expression} }}}}")), context);
    for (expression, right) in [
        ("webhook.soon > event.occurredAt", json!(true)),
        ("event.occurredAt < webhook.soon", json!(true)),
        ("webhook.ago < event.occurredAt", json!(true)),
        ("webhook.ago < webhook.soon", json!(true)),
        ("webhook.day > event.occurredAt", json!(true)),
        ("webhook.midnight > event.occurredAt", json!(true)),
        ("webhook.today > event.occurredAt", json!(false)),
        ("webhook.today <= (event.occurredAt | date)", json!(true)),
        ("webhook.day is gt event.occurredAt", json!(true)),
        ("'2026-11-30' <= event.occurredAt", json!(false)),
        ("event.occurredAt > '2026-11'", json!(true)),
        (
            "[webhook.evening, webhook.later] | min",
            json!("2026-11-30T21:00:00Z"),
        ),
        (
            "[webhook.evening, webhook.later] | sort | last",
            json!("2026-11-30T20:30:00"),
        ),
        (
            "[webhook.later, webhook.evening] | select('gt', webhook.later) | list",
            json!(["2026-11-30T20:30:00"]),
        ),
        ("webhook.day | later('1d') | date", json!("2026-12-01")),
        (
            "webhook.day | later('7d') | date('%A %d %B')",
            json!("Monday 07 December"),
        ),
        ("webhook.day | later('1d')", json!("2026-12-01")),
        ("webhook.day | later('48h')", json!("2026-12-02")),
        ("webhook.day | later('9h')", json!("2026-11-30T17:00:00Z")),
        (
            "webhook.evening | later('1h')",
            json!("2026-12-01T05:30:00Z"),
        ),
        (
            "webhook.evening | later('1h') | date('%d. %H:%M')",
            json!("30. 21:30"),
        ),
        ("webhook.evening | date('%H:%M %Z')", json!("20:30 PST")),
        ("webhook.evening | date('%H:%M %z')", json!("20:30 -0800")),
        (
            "webhook.evening | date('%H:%M', zone='Europe/London')",
            json!("04:30"),
        ),
        (
            "webhook.evening | date(zone='Asia/Tokyo')",
            json!("2026-12-01"),
        ),
        ("webhook.evening | date", json!("2026-11-30")),
        ("webhook.day | date(zone='Asia/Tokyo')", json!("2026-11-30")),
        // As a merge field writes it.
        ("appointment.start_time > event.occurredAt", json!(true)),
        (
            "appointment.start_time | date('%d.%m.%Y %H:%M')",
            json!("30.11.2026 08:00"),
        ),
        (
            "appointment.start_time | later('1h')",
            json!("2026-11-30T17:00:00Z"),
        ),
        ("appointment.only_start_date | date", json!("2026-11-30")),
        ("webhook.day | date('%d %Z')", json!("30 PST")),
    ] {
        assert_eq!(render(expression, &context), Ok(right), "{expression}");
    }
    // Where the zone cannot be read, only what is the same everywhere is told.
    let mut elsewhere = context.clone();
    elsewhere["location"] = json!({ "id": "l1" });
    for (expression, right) in [
        ("webhook.day < event.occurredAt", None),
        ("webhook.day < webhook.later", Some(json!(true))),
        ("webhook.soon > event.occurredAt", None),
        ("webhook.evening | later('1h')", None),
        ("webhook.evening | date('%H:%M %Z')", None),
        (
            "webhook.evening > '2026-12-02T00:00:01Z'",
            Some(json!(false)),
        ),
        ("webhook.day > '2026-11-28T00:00:01Z'", Some(json!(true))),
        ("webhook.ago < webhook.soon", Some(json!(true))),
        (
            "webhook.day | later('1d') | date",
            Some(json!("2026-12-01")),
        ),
        // The zone that is named is then the location's.
        (
            "webhook.evening | date('%H:%M %Z', zone='America/New_York')",
            Some(json!("20:30 EST")),
        ),
    ] {
        let told = render(expression, &elsewhere);
        if let Some(right) = right {
            assert_eq!(told, Ok(right), "{expression}");
            continue;
        }
        let problem = told.unwrap_err().to_string();
        assert!(
            problem.contains("time zone") && problem.contains("not known"),
            "{expression}: {problem}"
        );
    }
}

#[test]
fn a_date_without_a_zone_reads_the_locations() {
    for (value, reads) in [
        ("{{ at | date }}", true),
        ("on {{ at|date('%d.%m.') }}", true),
        ("{{ at | date(zone='Europe/London') }}", false),
        ("{{ at | date('Europe/London') }}", false),
        ("{{ update }} and {{ at | datebook }}", false),
    ] {
        let names = crate::template::names(&json!(value));
        assert_eq!(names.contains("location.timezone"), reads, "{value}");
    }
}
