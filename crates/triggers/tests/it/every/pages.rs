//! Lists of several pages: more records than the service gives at once, and nothing is lost or told twice at the borders.

use canopy_triggers::{PollOptions, PollSpec};
use serde_json::{Value, json};

use super::Play;

/// More than two pages of the longest that these lists give.
const RECORDS: usize = 203;

/// Operation, its arguments, the sandbox's collection, and what a record must have.
fn lists() -> Vec<(&'static str, Value, &'static str, Value)> {
    let here = || json!({ "locationId": "$location" });
    vec![
        ("get-blogs", json!({}), "blogs", here()),
        (
            "get-blog-post",
            json!({ "blogId": "$blog" }),
            "posts",
            json!({ "blogId": "$blog", "title": "Oaks", "urlSlug": "oaks", "status": "PUBLISHED" }),
        ),
        (
            "get-all-blog-authors-by-location",
            json!({}),
            "authors",
            here(),
        ),
        (
            "get-all-categories-by-location",
            json!({}),
            "categories",
            here(),
        ),
        (
            "get-businesses-by-location",
            json!({}),
            "businesses",
            here(),
        ),
        (
            "get-calendar-resources",
            json!({ "resourceType": "rooms" }),
            "calendar_resources",
            json!({ "locationId": "$location", "resourceType": "rooms" }),
        ),
        (
            "get-calendar-notifications",
            json!({ "calendarId": "$calendar" }),
            "calendar_notifications",
            json!({ "calendarId": "$calendar", "channel": "email", "isActive": true }),
        ),
    ]
}

#[tokio::test]
async fn records_at_the_borders_of_pages_are_told_once() {
    for (operation, arguments, collection, body) in lists() {
        let play = Play::new().await;
        let world = &play.world;
        let path = format!("/records/{collection}");
        let make = async |number: usize| {
            let mut record = play.filled(&body);
            record["name"] = json!(format!("Oak {number}"));
            let made = world.control(&path, record).await;
            made["id"].as_str().unwrap().to_owned()
        };
        let mut ids = Vec::new();
        for number in 0..RECORDS {
            ids.push(make(number).await);
        }
        let spec = PollSpec {
            operation: operation.to_owned(),
            arguments: play.filled(&arguments).as_object().unwrap().clone(),
            every: None,
            backfill: false,
        };
        let poller = world.poller(PollOptions::default(), "test", &[spec], &[]);
        assert!(poller.poll().await.unwrap().baseline);
        let told = async || {
            world.advance(600).await;
            let before = world.events().await.len();
            poller.poll().await.unwrap();
            let mut told = world.events().await.split_off(before);
            told.sort();
            told
        };
        assert_eq!(told().await, [], "{operation}");
        let polls = poller.polls();
        let first = polls.iter().next().unwrap().trigger.record;
        let event = |verb: &str, id: &str| (format!("{first}.{verb}"), id.to_owned());

        let new = make(RECORDS).await;
        // The first and the last of pages, and the ends of the list.
        let mut expected = vec![event("created", &new)];
        for place in [0, 99, 100, 199, 200, RECORDS - 1] {
            let path = format!("{path}/{}", ids[place]);
            world.control(&path, json!({ "name": "Elm" })).await;
            expected.push(event("updated", &ids[place]));
        }
        expected.sort();
        assert_eq!(told().await, expected, "{operation}");
        assert_eq!(told().await, [], "{operation}");

        world.delete(&format!("{path}/{}", ids[100])).await;
        assert_eq!(told().await, [event("deleted", &ids[100])], "{operation}");
        assert_eq!(told().await, [], "{operation}");
    }
}
