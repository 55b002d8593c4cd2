//! Locations, and the custom fields of the main one.

use http::StatusCode;
use serde_json::{Value, json};

use super::access::Access::{Agency, Either, Location};
use super::paging::{self, Size};
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::collections::{Change, Kind};
use crate::history::Origin;
use crate::operations::Route;
use crate::records::CustomField;
use crate::webhooks::payload::{self, Event};
use crate::world::World;

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("POST", "/locations/", Agency, Some("locations.write"), create),
    Route::new("GET", "/locations/search", Either, Some("locations.readonly"), search),
    Route::new("GET", "/locations/{locationId}", Either, Some("locations.readonly"), get),
    Route::new("GET", "/locations/{locationId}/customFields", Location, Some("locations/customFields.readonly"), custom_fields),
    Route::new("POST", "/locations/{locationId}/customFields", Location, Some("locations/customFields.write"), create_custom_field),
];

/// Only the main location holds contacts and the rest; the others are there to be found.
pub const KIND: Kind = Kind {
    collection: |all| &mut all.locations,
    created: "location.created",
    updated: "location.updated",
    deleted: "location.deleted",
    events,
};

const SIZE: Size = Size {
    default: 10,
    most: 100,
};

/// Members that are kept as written; credentials for Twilio and Mailgun are not.
pub const MEMBERS: &[&str] = &[
    "name",
    "phone",
    "email",
    "address",
    "city",
    "state",
    "country",
    "postalCode",
    "website",
    "timezone",
    "domain",
    "settings",
    "social",
];

/// With a location's token that one, with an agency's all of the company.
fn search(world: &mut World, call: &Call<'_>) -> Handled {
    let is_agency = call.caller.is_some_and(|caller| caller.class.is_agency());
    let matching = world.records.locations.all().filter(|location| {
        (is_agency || location.id == world.location.id)
            && call
                .query("email")
                .is_none_or(|email| location.has("email", email))
    });
    let mut matching: Vec<&Record> = matching.collect();
    if call.query("order") == Some("desc") {
        matching.reverse();
    }
    let page = paging::skipping(matching, call, "skip", SIZE)?;
    let page: Vec<Value> = page.into_iter().map(Record::json).collect();
    Ok(Answer::ok(json!({ "locations": page })))
}

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let location = world.records.locations.get(call.argument(0))?;
    Ok(Answer::ok(json!({ "location": location.json() })))
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    call.required("name")?;
    let members = json!({ "companyId": call.required("companyId")? });
    let mut location = Record::new(world.ids.record(), call.now, members);
    location.write(call.body, MEMBERS);
    let prospect = &call.body["prospectInfo"];
    for member in ["firstName", "lastName", "email"] {
        if location.text(member).is_none() {
            location.set(member, prospect[member].clone());
        }
    }
    world.add(&KIND, &location, call.act());
    Ok(Answer::ok(location.json()))
}

fn events(_: &World, change: Change<'_>) -> Vec<Event> {
    let name = match change {
        Change::Created(_) => "LocationCreate",
        Change::Updated(..) => "LocationUpdate",
        Change::Deleted(_) => return Vec::new(),
    };
    let location = change.record();
    let mut body = json!({ "type": name, "id": location.id });
    payload::copy(
        &mut body,
        location,
        &["companyId", "name", "email", "stripeProductId"],
    );
    vec![Event::new(name, &location.id, body)]
}

fn custom_fields(world: &mut World, call: &Call<'_>) -> Handled {
    let model = call.query("model").unwrap_or("all");
    let fields: Vec<Value> = world
        .custom_fields
        .iter()
        .filter(|field| model == "all" || field.model == model)
        .map(|field| field.json(&world.location.id))
        .collect();
    Ok(Answer::ok(json!({ "customFields": fields })))
}

fn create_custom_field(world: &mut World, call: &Call<'_>) -> Handled {
    let name = call.required("name")?.to_owned();
    let model = call.body_text("model").unwrap_or("contact").to_owned();
    let key = format!("{model}.{}", slug(&name));
    if world.custom_fields.iter().any(|field| field.key == key) {
        return Err(Answer::refused(
            StatusCode::BAD_REQUEST,
            format!("A custom field with the key {key} already exists"),
        ));
    }
    let lines = call
        .body
        .get("textBoxListOptions")
        .and_then(Value::as_array);
    let label = |line: &Value| {
        line.get("label")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    let options = lines.into_iter().flatten().filter_map(label).collect();
    let field = CustomField {
        id: world.ids.record(),
        name,
        key,
        data_type: call.required("dataType")?.to_owned(),
        model,
        placeholder: call.body_text("placeholder").unwrap_or_default().to_owned(),
        options,
        position: call
            .body
            .get("position")
            .and_then(Value::as_u64)
            .unwrap_or(world.custom_fields.len() as u64 * 50),
    };
    let view = field.json(&world.location.id);
    world.history.push(
        call.now,
        "custom_field.created",
        &field.id,
        None,
        Origin::Api,
        Vec::new(),
    );
    world.custom_fields.push(field);
    Ok(Answer::created(json!({ "customField": view })))
}

/// `Trees funded` is `trees_funded`.
fn slug(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if letter.is_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            ' '
        }
    });
    let words: String = letters.collect();
    words.split_whitespace().collect::<Vec<_>>().join("_")
}
