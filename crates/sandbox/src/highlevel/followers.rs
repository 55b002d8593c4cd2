//! Followers of contacts.

use serde_json::json;

use super::access::Access::Location;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::operations::Route;
use crate::world::World;

const WRITE: Option<&str> = Some("contacts.write");

pub const ROUTES: &[Route] = &[
    Route::new(
        "POST",
        "/contacts/{contactId}/followers",
        Location,
        WRITE,
        add,
    ),
    Route::new(
        "DELETE",
        "/contacts/{contactId}/followers",
        Location,
        WRITE,
        remove,
    ),
];

fn add(world: &mut World, call: &Call<'_>) -> Handled {
    let wanted = call.body_texts("followers");
    let before = world.contact(call.argument(0))?.followers.clone();
    let contact = world.change_contact(call.argument(0), call.act(), |contact| {
        for follower in &wanted {
            if !contact.followers.contains(follower) {
                contact.followers.push(follower.clone());
            }
        }
    })?;
    let added: Vec<&String> = contact
        .followers
        .iter()
        .filter(|id| !before.contains(id))
        .collect();
    Ok(Answer::created(
        json!({ "followers": contact.followers, "followersAdded": added }),
    ))
}

fn remove(world: &mut World, call: &Call<'_>) -> Handled {
    let unwanted = call.body_texts("followers");
    let before = world.contact(call.argument(0))?.followers.clone();
    let contact = world.change_contact(call.argument(0), call.act(), |contact| {
        contact.followers.retain(|id| !unwanted.contains(id));
    })?;
    let removed: Vec<&String> = before.iter().filter(|id| unwanted.contains(id)).collect();
    Ok(Answer::ok(
        json!({ "followers": contact.followers, "followersRemoved": removed }),
    ))
}
