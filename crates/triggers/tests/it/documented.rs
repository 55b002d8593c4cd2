//! Every documented webhook, from its bytes to the inbox.

use canopy_store::clock::Clock as _;
use canopy_store::{InboxRow, Store};
use canopy_triggers::{Received, Receiver};
use serde_json::{Value, json};

use crate::receive::{deliver_to, receiver_for};
use crate::support::World;

const LOCATION: &str = "locElmbrook";

/// What is sent and what is to come of it, one and more for each documented event. Each is at a location of its own,
/// because many tell of the same record.
fn fixtures() -> Vec<Value> {
    let text = include_str!("../../../highlevel/tests/fixtures/webhooks.json");
    let fixtures: Vec<Value> = serde_json::from_str(text).unwrap();
    let mine = |(number, fixture): (usize, Value)| {
        let text = fixture.to_string();
        serde_json::from_str(&text.replace(LOCATION, &location(number))).unwrap()
    };
    fixtures.into_iter().enumerate().map(mine).collect()
}

fn location(number: usize) -> String {
    format!("loc{number}")
}

async fn stored(world: &World) -> InboxRow {
    world.store.recent_events(1).await.unwrap().remove(0)
}

/// Takes payloads in and tells what stands in the inbox then.
struct Inbox {
    world: World,
    receiver: Receiver,
}

impl Inbox {
    async fn new() -> Self {
        let world = World::new(0).await;
        let sent: jiff::Timestamp = "2026-03-02T18:00:00Z".parse().unwrap();
        world.clock.advance(sent.duration_since(world.clock.now()));
        let locations: Vec<_> = (0..fixtures().len()).map(location).collect();
        let receiver = receiver_for(&world, locations.iter().map(String::as_str));
        Self { world, receiver }
    }

    async fn row_of(&self, body: &Value, place: &Value) -> InboxRow {
        let received = deliver_to(&self.receiver, body.to_string()).await.unwrap();
        let expected = match place.as_str() {
            Some(place) => Received::Stored {
                locations: vec![place.to_owned()],
            },
            None => Received::Unplaced,
        };
        assert_eq!(received, expected, "{body}");
        stored(&self.world).await
    }
}

#[tokio::test]
async fn each_documented_payload_enters_the_inbox_as_what_it_is() {
    let inbox = Inbox::new().await;
    for fixture in fixtures() {
        let body = &fixture["payload"];
        let row = inbox.row_of(body, &fixture["location"]).await;
        let told = json!({
            "kind": row.event.kind,
            "record": row.event.record,
            "contact": row.event.contact,
            "location": row.event.location,
        });
        let kind = fixture.get("kind_without_type").unwrap_or(&fixture["kind"]);
        let expected = json!({
            "kind": kind,
            "record": fixture["record"],
            "contact": fixture["contact"],
            "location": fixture["location"].as_str().unwrap_or("unknown"),
        });
        assert_eq!(told, expected, "{body}");
        if let Some(occurred) = fixture.get("occurred") {
            let told = row.event.occurred_at.to_string();
            assert_eq!(told, occurred.as_str().unwrap(), "{body}");
        }
        assert_eq!(row.event.payload, *body, "as it came");
    }
    assert_eq!(inbox.receiver.deliveries().unrecognised, 0);
}

#[tokio::test]
async fn with_the_events_name_as_its_type_a_payload_says_all() {
    let inbox = Inbox::new().await;
    for fixture in fixtures() {
        let mut body = fixture["payload"].clone();
        body["type"] = fixture["event"].clone();
        let row = inbox.row_of(&body, &fixture["location"]).await;
        let told = json!({ "kind": row.event.kind, "version": row.event.version });
        let expected = json!({ "kind": fixture["kind"], "version": fixture["version"] });
        assert_eq!(told, expected, "{body}");
    }
}

#[tokio::test]
async fn a_user_of_several_locations_is_an_event_at_each() {
    let world = World::new(0).await;
    let several = receiver_for(&world, [LOCATION, "locSecond"]);
    let body = json!({ "type": "UserCreate", "id": "u", "locations": ["locSecond", "elsewhere", LOCATION] });
    let received = deliver_to(&several, body.to_string()).await.unwrap();
    let locations = vec!["locSecond".to_owned(), LOCATION.to_owned()];
    assert_eq!(received, Received::Stored { locations });
    assert_eq!(world.events().await.len(), 2);
    let again = deliver_to(&several, body.to_string()).await.unwrap();
    assert_eq!(again, Received::Duplicate);
}

#[tokio::test]
async fn the_only_connection_hears_of_the_agencys_new_locations() {
    let world = World::new(0).await;
    let body = json!({ "type": "LocationCreate", "id": "locNew", "companyId": "a" }).to_string();
    let several = receiver_for(&world, [LOCATION, "locSecond"]);
    let several = deliver_to(&several, body.clone()).await.unwrap();
    assert_eq!(several, Received::Foreign, "nobody knows whose it is");
    let only = receiver_for(&world, [LOCATION]);
    deliver_to(&only, body).await.unwrap();
    let event = stored(&world).await.event;
    assert_eq!((&*event.location, &*event.record), (LOCATION, "locNew"));
}
