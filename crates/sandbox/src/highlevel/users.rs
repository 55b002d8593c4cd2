//! Users of the agency and of its locations.

use serde_json::{Value, json};

use super::access::Access::{Agency, Either, Location};
use super::paging::{self, Size};
use crate::answer::{Answer, Handled};
use crate::call::{Call, texts};
use crate::collection::Record;
use crate::collections::{Change, Kind};
use crate::described::with_nulls;
use crate::operations::Route;
use crate::webhooks::payload::{self, Event};
use crate::world::World;

const READ: Option<&str> = Some("users.readonly");
const WRITE: Option<&str> = Some("users.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/users/", Location, READ, of_location),
    Route::new("POST", "/users/", Either, WRITE, create),
    Route::new("GET", "/users/search", Either, READ, search),
    Route::new("POST", "/users/search/filter-by-email", Agency, READ, by_email),
    Route::new("GET", "/users/{userId}", Either, READ, get),
    Route::new("PUT", "/users/{userId}", Either, WRITE, update),
    Route::new("DELETE", "/users/{userId}", Either, WRITE, delete),
];

/// Only creation has a webhook.
pub const KIND: Kind = Kind {
    collection: |all| &mut all.users,
    created: "user.created",
    updated: "user.updated",
    deleted: "user.deleted",
    events,
};

const SIZE: Size = Size {
    default: 25,
    most: 100,
};

/// Members that are kept as written; the password is not kept at all.
const MEMBERS: &[&str] = &[
    "firstName",
    "lastName",
    "email",
    "phone",
    "permissions",
    "scopes",
    "scopesAssignedToOnly",
    "profilePhoto",
    "platformLanguage",
];

fn of_location(world: &mut World, call: &Call<'_>) -> Handled {
    let location = call.query("locationId").unwrap_or(&world.location.id);
    let users = world.records.users.all();
    let users: Vec<Value> = users
        .filter(|user| works_at(user, location))
        .map(view)
        .collect();
    Ok(Answer::ok(json!({ "users": users })))
}

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    Ok(Answer::ok(view(world.records.users.get(call.argument(0))?)))
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    for member in ["firstName", "lastName", "email", "type", "role"] {
        call.required(member)?;
    }
    refuse_known_email(world, call, None)?;
    let members = json!({ "roles": { "restrictSubAccount": false } });
    let mut user = Record::new(world.ids.record(), call.now, members);
    write(&mut user, call.body);
    world.add(&KIND, &user, call.act());
    Ok(Answer::created(view(&user)))
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    world.records.users.get(id)?;
    refuse_known_email(world, call, Some(id))?;
    let user = world.change(&KIND, id, call.act(), |user| write(user, call.body))?;
    Ok(Answer::ok(view(&user)))
}

fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let mut user = world.remove(&KIND, call.argument(0), call.act())?;
    user.set("deleted", true);
    world.records.former_users.put(user);
    Ok(Answer::ok(
        json!({ "succeded": true, "message": "Queued deleting the user" }),
    ))
}

fn search(world: &mut World, call: &Call<'_>) -> Handled {
    let text = call.query("query").map(str::to_lowercase);
    let ids: Vec<&str> = call
        .query("ids")
        .map(|ids| ids.split(',').map(str::trim).collect())
        .unwrap_or_default();
    let users = world.records.users.all().filter(|user| {
        text.as_deref().is_none_or(|text| mentions(user, text))
            && (ids.is_empty() || ids.contains(&user.id.as_str()))
            && call.query("locationId").is_none_or(|id| works_at(user, id))
            && ["type", "role"].iter().all(|member| {
                call.query(member)
                    .is_none_or(|text| user.member("roles")[member] == text)
            })
    });
    let mut users: Vec<&Record> = users.collect();
    let field = match call.query("sort") {
        Some("dateAdded") => None,
        Some(field) => Some(field),
        None => Some("firstName"),
    };
    users.sort_by_key(|user| {
        let text = field.and_then(|field| user.text(field));
        (text.unwrap_or_default().to_lowercase(), user.created_at)
    });
    if call.query("sortDirection") == Some("desc") {
        users.reverse();
    }
    answer(&users, paging::skipping(&users, call, "skip", SIZE)?)
}

/// By e-mail addresses, in a list or divided by commas; also among the deleted when asked to.
fn by_email(world: &mut World, call: &Call<'_>) -> Handled {
    let mut wanted = texts(call.body.get("emails"));
    let listed = call.body_text("emails").unwrap_or_default();
    wanted.extend(listed.split(',').map(ToOwned::to_owned));
    let wanted: Vec<String> = wanted.iter().map(|email| email_key(email)).collect();
    let users = if call.body.get("deleted") == Some(&Value::Bool(true)) {
        &world.records.former_users
    } else {
        &world.records.users
    };
    let users = users.all().filter(|user| {
        let email = user.text("email").map(email_key);
        email.is_some_and(|email| wanted.contains(&email))
    });
    let users: Vec<&Record> = users.collect();
    let number = |name, default| {
        let text = call.body_text(name).filter(|text| !text.is_empty());
        text.map_or(Ok(default), |text| {
            text.parse::<usize>()
                .map_err(|_| Answer::invalid(vec![format!("{name} must be a number string")]))
        })
    };
    let (skip, limit) = (number("skip", 0)?, number("limit", SIZE.default)?);
    let page = users.iter().skip(skip).take(limit);
    answer(&users, page.collect())
}

fn answer(all: &[&Record], page: Vec<&&Record>) -> Handled {
    let page: Vec<Value> = page.into_iter().map(|user| view(user)).collect();
    Ok(Answer::ok(json!({ "users": page, "count": all.len() })))
}

fn view(user: &Record) -> Value {
    with_nulls("User", &["deleted"], user.json())
}

fn write(user: &mut Record, body: &Value) {
    user.write(body, MEMBERS);
    let name = ["firstName", "lastName"].map(|half| user.text(half).unwrap_or_default());
    let name = name.join(" ");
    user.set("name", name.trim());
    let mut roles = user.member("roles").clone();
    for member in ["type", "role", "locationIds"] {
        if let Some(value) = body.get(member) {
            roles[member] = value.clone();
        }
    }
    user.set("roles", roles);
}

fn works_at(user: &Record, location_id: &str) -> bool {
    texts(user.member("roles").get("locationIds")).contains(&location_id.to_owned())
}

fn mentions(user: &Record, text: &str) -> bool {
    ["name", "email", "phone"]
        .iter()
        .filter_map(|member| user.text(member))
        .any(|value| value.to_lowercase().contains(text))
}

fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

fn refuse_known_email(world: &World, call: &Call<'_>, own: Option<&str>) -> Result<(), Answer> {
    let Some(email) = call.body_text("email").map(email_key) else {
        return Ok(());
    };
    let known = world.records.users.all().any(|user| {
        Some(user.id.as_str()) != own && user.text("email").map(email_key).as_ref() == Some(&email)
    });
    if known {
        return Err(Answer::bad_request("A user with this email already exists"));
    }
    Ok(())
}

/// A location's user is told with its location, an agency's with the company and its locations.
fn events(world: &World, change: Change<'_>) -> Vec<Event> {
    let Change::Created(user) = change else {
        return Vec::new();
    };
    let roles = &user.member("roles");
    let mut body = json!({ "type": "UserCreate" });
    if roles["type"] == "agency" {
        body["companyId"] = world.location.company_id.clone().into();
        body["locations"] = json!(texts(roles.get("locationIds")));
    } else {
        let first = roles["locationIds"][0].as_str();
        body["locationId"] = first.unwrap_or(&world.location.id).into();
    }
    body["id"] = user.id.clone().into();
    payload::copy(
        &mut body,
        user,
        &[
            "firstName",
            "lastName",
            "email",
            "phone",
            "extension",
            "permissions",
        ],
    );
    body["role"] = roles["role"].clone();
    vec![Event::new("UserCreate", &user.id, body)]
}
