//! Businesses, and which contacts belong to one.

use serde_json::{Value, json};

use super::access::Access::Location;
use super::paging::{self, Size};
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::clock::iso;
use crate::collection::Record;
use crate::collections::{Kind, silent};
use crate::operations::Route;
use crate::world::World;

const READ: Option<&str> = Some("businesses.readonly");
const WRITE: Option<&str> = Some("businesses.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/businesses/", Location, READ, list),
    Route::new("POST", "/businesses/", Location, WRITE, create),
    Route::new("GET", "/businesses/{businessId}", Location, READ, get),
    Route::new("PUT", "/businesses/{businessId}", Location, WRITE, update),
    Route::new("DELETE", "/businesses/{businessId}", Location, WRITE, delete),
    Route::new("POST", "/contacts/bulk/business", Location, Some("contacts.write"), set_business),
];

/// HighLevel documents no webhook about businesses.
pub const KIND: Kind = Kind {
    collection: |all| &mut all.businesses,
    created: "business.created",
    updated: "business.updated",
    deleted: "business.deleted",
    events: silent,
};

const SIZE: Size = Size {
    default: 100,
    most: 100,
};

const MEMBERS: &[&str] = &[
    "name",
    "phone",
    "email",
    "website",
    "address",
    "city",
    "description",
    "state",
    "postalCode",
    "country",
];

fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let businesses = paging::skipping(world.records.businesses.all(), call, "skip", SIZE)?;
    let businesses: Vec<Value> = businesses.into_iter().map(view).collect();
    Ok(Answer::ok(json!({ "businesses": businesses })))
}

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let business = world.records.businesses.get(call.argument(0))?;
    Ok(Answer::ok(json!({ "business": view(business) })))
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    call.required("name")?;
    let members = json!({ "locationId": world.location.id });
    let mut business = Record::new(world.ids.object(), call.now, members);
    business.write(call.body, MEMBERS);
    world.add(&KIND, &business, call.act());
    // The service misspells the key.
    Ok(Answer::created(
        json!({ "success": true, "buiseness": view(&business) }),
    ))
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let business = world.change(&KIND, call.argument(0), call.act(), |business| {
        business.write(call.body, MEMBERS);
    })?;
    Ok(Answer::ok(
        json!({ "success": true, "buiseness": view(&business) }),
    ))
}

/// Its contacts stay, and belong to no business any more.
fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let business = world.remove(&KIND, call.argument(0), call.act())?;
    let members = world
        .contacts
        .all()
        .filter(|contact| contact.business_id.as_ref() == Some(&business.id));
    let mut ids: Vec<String> = members.map(|contact| contact.id.clone()).collect();
    ids.sort_unstable();
    for id in ids {
        world.change_contact(&id, call.act(), |contact| contact.business_id = None)?;
    }
    Ok(Answer::ok(json!({ "success": true })))
}

/// Puts contacts into a business, or (null) out of theirs.
fn set_business(world: &mut World, call: &Call<'_>) -> Handled {
    let business = call.body_text("businessId");
    if let Some(id) = business {
        world.records.businesses.named(id)?;
    }
    let ids = call.body_texts("ids");
    for id in &ids {
        world.contact(id)?;
    }
    for id in &ids {
        world.change_contact(id, call.act(), |contact| {
            contact.business_id = business.map(ToOwned::to_owned);
        })?;
    }
    Ok(Answer::ok(json!({ "success": true, "ids": ids })))
}

fn view(business: &Record) -> Value {
    let mut view = business.json();
    view["createdAt"] = iso(business.created_at).into();
    view["updatedAt"] = iso(business.updated_at).into();
    view
}
