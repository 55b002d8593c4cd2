//! What is there from the start because no operation makes it, or because the others need it: the location, a user, a
//! pipeline, a calendar, a workflow, a campaign, a snapshot, a blog. Like contacts of the start they send no webhooks.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::iso;
use crate::collection::Record;
use crate::highlevel::calendars;
use crate::ids::Ids;
use crate::world::World;

/// Puts them all in; ids come from a stream of their own, so that they shift no others.
pub fn put(world: &mut World, now: Timestamp) {
    let mut ids = Ids::new(world.seed, 7);
    put_location(world, now);
    put_user(world, now);
    put_calendar(world, &mut ids, now);
    put_pipeline(world, &mut ids, now);
    put_automations(world, &mut ids, now);
    put_blog(world, &mut ids, now);
}

fn put_location(world: &mut World, now: Timestamp) {
    let location = &world.location;
    let members = json!({
        "companyId": location.company_id, "name": location.name,
        "email": "hello@example.com", "phone": "+12015550100", "address": "1 Sandbox Street",
        "city": "Springfield", "state": "OR", "country": "US", "postalCode": "97475",
        "website": "https://example.com", "timezone": location.timezone,
        "settings": { "allowDuplicateContact": false, "allowDuplicateOpportunity": false,
            "allowFacebookNameMerge": false, "disableContactTimezone": false },
        "social": {}, "dateAdded": iso(location.created_at),
    });
    let location = Record::new(location.id.clone(), now, members);
    world.records.locations.put(location);
}

fn put_user(world: &mut World, now: Timestamp) {
    let members = json!({
        "name": "Sam Sandbox", "firstName": "Sam", "lastName": "Sandbox", "email": "sam@example.com",
        "phone": "+12015550102", "permissions": { "contactsEnabled": true, "opportunitiesEnabled": true },
        "roles": { "type": "account", "role": "admin", "locationIds": [world.location.id],
            "restrictSubAccount": false },
    });
    let user = Record::new(world.location.user_id.clone(), now, members);
    world.records.users.put(user);
}

fn put_calendar(world: &mut World, ids: &mut Ids, now: Timestamp) {
    let mut calendar = calendars::blank(world, ids.record(), now);
    let team = json!([{ "userId": world.location.user_id, "priority": 0.5, "isPrimary": true }]);
    let members = [
        ("name", json!("Planting days")),
        ("slug", json!("planting-days")),
        ("widgetSlug", json!("planting-days")),
        ("teamMembers", team),
    ];
    for (member, value) in members {
        calendar.set(member, value);
    }
    world.records.calendars.put(calendar);
}

fn put_pipeline(world: &mut World, ids: &mut Ids, now: Timestamp) {
    let mut stage = |(position, name): (usize, &str)| -> Value {
        json!({ "id": ids.uuid(), "name": name, "position": position,
            "showInFunnel": true, "showInPieChart": true })
    };
    let names = ["New lead", "Contacted", "Proposal sent", "Closed"];
    let stages: Vec<Value> = names.into_iter().enumerate().map(&mut stage).collect();
    let members = json!({
        "name": "Sales", "stages": stages, "showInFunnel": true, "showInPieChart": true,
        "locationId": world.location.id,
    });
    let pipeline = Record::new(ids.record(), now, members);
    world.records.pipelines.put(pipeline);
}

fn put_automations(world: &mut World, ids: &mut Ids, now: Timestamp) {
    let location = world.location.id.clone();
    let workflow = json!({
        "name": "Welcome", "status": "published", "version": 1, "locationId": location,
    });
    let campaign = json!({ "name": "Spring", "status": "published", "locationId": location });
    let snapshot = json!({ "name": "Forestry agency", "type": "own" });
    let records = &mut world.records;
    records
        .workflows
        .put(Record::new(ids.uuid(), now, workflow));
    records
        .campaigns
        .put(Record::new(ids.record(), now, campaign));
    records
        .snapshots
        .put(Record::new(ids.record(), now, snapshot));
}

fn put_blog(world: &mut World, ids: &mut Ids, now: Timestamp) {
    let location = world.location.id.clone();
    let link = |path: &str| format!("https://blog.example.com/{path}");
    let author = json!({
        "name": "Sam Sandbox", "locationId": location, "canonicalLink": link("author/sam"),
    });
    let category = json!({
        "label": "Forests", "locationId": location, "canonicalLink": link("category/forests"),
        "urlSlug": "forests",
    });
    let records = &mut world.records;
    let blog = json!({ "name": "Canopy diary" });
    records.blogs.put(Record::new(ids.object(), now, blog));
    records.authors.put(Record::new(ids.object(), now, author));
    records
        .categories
        .put(Record::new(ids.object(), now, category));
}
