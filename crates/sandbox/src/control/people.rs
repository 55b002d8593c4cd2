//! Doing what a user does in HighLevel: contacts made and edited by hand, apps installed, tokens handed out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answered, Body, Refused};
use crate::clock::iso;
use crate::highlevel::access::{Class, Token};
use crate::highlevel::oauth::Grant;
use crate::highlevel::{Rules, contact_view, write_members};
use crate::history::Origin;
use crate::records::Contact;
use crate::seed;
use crate::shared::Shared;
use crate::world::Act;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedOrder {
    contacts: u64,
    seed: Option<u64>,
    #[serde(default = "yes")]
    webhooks: bool,
}

fn yes() -> bool {
    true
}

pub async fn seed(State(shared): State<Arc<Shared>>, Body(order): Body<SeedOrder>) -> Answered {
    let mut world = shared.world();
    let seed = order.seed.unwrap_or(world.seed);
    let ids = seed::more(
        &mut world,
        order.contacts,
        seed,
        order.webhooks,
        shared.clock.now(),
    );
    drop(world);
    shared.wake.notify_one();
    Ok(Json(json!({ "contacts": ids })))
}

/// All contacts as they are now, without search's lag, oldest first.
pub async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let world = shared.world();
    let mut contacts: Vec<&Arc<Contact>> = world.contacts.all().collect();
    contacts.sort_by(|left, right| (left.date_added, &left.id).cmp(&(right.date_added, &right.id)));
    Json(
        contacts
            .into_iter()
            .map(|contact| contact_view(contact, &world.location))
            .collect(),
    )
}

pub async fn get(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answered {
    let world = shared.world();
    let contact = world.contact(&id)?;
    Ok(Json(contact_view(contact, &world.location)))
}

/// A contact made by hand; takes the members that the API's creation takes.
pub async fn create(State(shared): State<Arc<Shared>>, Body(body): Body<Value>) -> Answered {
    let mut world = shared.world();
    let act = act(&shared);
    let mut contact = Contact::new(world.ids.record(), act.at);
    write_members(&mut contact, &body, &Rules::of(&world));
    let view = contact_view(&contact, &world.location);
    world.add_contact(contact, act);
    drop(world);
    shared.wake.notify_one();
    Ok(Json(view))
}

/// A contact edited by hand; takes the members that the API's update takes, and `additionalEmails`.
pub async fn edit(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Body(body): Body<Value>,
) -> Answered {
    let mut world = shared.world();
    let rules = Rules::of(&world);
    let contact = world.change_contact(&id, act(&shared), |contact| {
        write_members(contact, &body, &rules);
        if let Some(emails) = body["additionalEmails"].as_array() {
            let emails = emails.iter().filter_map(Value::as_str);
            contact.additional_emails = emails.map(str::to_owned).collect();
        }
    })?;
    let view = contact_view(&contact, &world.location);
    drop(world);
    shared.wake.notify_one();
    Ok(Json(view))
}

pub async fn delete(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Answered {
    shared.world().delete_contact(&id, act(&shared))?;
    shared.wake.notify_one();
    Ok(Json(json!({ "deleted": id })))
}

pub fn act(shared: &Shared) -> Act {
    Act {
        at: shared.clock.now(),
        origin: Origin::Control,
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    /// `Location` or `Company`.
    #[serde(default)]
    user_type: UserType,
    /// Absent: all.
    scopes: Option<Vec<String>>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
enum UserType {
    #[default]
    Location,
    Company,
}

/// What a user does at the chooser: grants the app access; answers the code of the redirect.
pub async fn authorize(
    State(shared): State<Arc<Shared>>,
    Body(order): Body<Authorization>,
) -> Answered {
    let mut world = shared.world();
    let class = match order.user_type {
        UserType::Location => Class::Location,
        UserType::Company => Class::Company,
    };
    let grant = Grant {
        class,
        scopes: order.scopes,
    };
    let (code, expires_at) = world.grants.mint_code(grant, shared.clock.now());
    Ok(Json(json!({
        "code": code, "expires_at": iso(expires_at),
        "client_id": world.grants.client_id, "client_secret": world.grants.client_secret,
    })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenOrder {
    class: Class,
    /// Absent: all.
    scopes: Option<Vec<String>>,
    /// Absent: never.
    expires_in_seconds: Option<u32>,
}

/// Hands out a token of any kind, to try the refusals with.
pub async fn issue_token(
    State(shared): State<Arc<Shared>>,
    Body(order): Body<TokenOrder>,
) -> Answered {
    let now = shared.clock.now();
    let expires_at = order
        .expires_in_seconds
        .map(|seconds| now + SignedDuration::from_secs(i64::from(seconds)));
    let mut world = shared.world();
    let integration = world.grants.new_integration(order.class);
    let token = Token {
        class: order.class,
        scopes: order.scopes,
        expires_at,
        integration,
    };
    let token = world.grants.issue(None, token);
    Ok(Json(json!({ "token": token })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    class: Class,
    calls: u32,
}

/// Counts calls that somebody else made today with a token of this kind: the day is shared.
pub async fn use_up(State(shared): State<Arc<Shared>>, Body(usage): Body<Usage>) -> Answered {
    let now = shared.clock.now();
    let mut world = shared.world();
    world.limits.neighbour(usage.class, usage.calls, now);
    Ok(Json(json!({ "calls": usage.calls })))
}

/// Rotates a private integration's token, as a user does in the settings: both work for seven days.
pub async fn rotate_token(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
) -> Answered {
    let now = shared.clock.now();
    let rotated = shared.world().grants.rotate(&token, now);
    rotated
        .map(|token| Json(json!({ "token": token })))
        .ok_or_else(|| {
            Refused::new(
                axum::http::StatusCode::NOT_FOUND,
                "no such token of a private integration was issued",
            )
        })
}

/// Takes a token back, as a user does who removes the app or expires the key at once.
pub async fn revoke_token(
    State(shared): State<Arc<Shared>>,
    Path(token): Path<String>,
) -> Answered {
    if shared.world().grants.revoke(&token) {
        Ok(Json(json!({ "revoked": true })))
    } else {
        Err(Refused::new(
            axum::http::StatusCode::NOT_FOUND,
            "no such token was issued",
        ))
    }
}
