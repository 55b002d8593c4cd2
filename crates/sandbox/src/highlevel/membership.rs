//! What a contact belongs to: campaigns, workflows, followers, a business.

use serde_json::{Value, json};

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::world::World;

pub fn join_campaign(world: &mut World, call: &Call<'_>) -> Handled {
    world.change_contact(call.argument(0), call.act(), |contact| {
        contact.campaigns.insert(call.argument(1).to_owned());
    })?;
    Ok(Answer::created(json!({ "succeded": true })))
}

pub fn leave_campaign(world: &mut World, call: &Call<'_>) -> Handled {
    world.change_contact(call.argument(0), call.act(), |contact| {
        contact.campaigns.remove(call.argument(1));
    })?;
    Ok(Answer::ok(json!({ "succeded": true })))
}

pub fn leave_campaigns(world: &mut World, call: &Call<'_>) -> Handled {
    world.change_contact(call.argument(0), call.act(), |contact| {
        contact.campaigns.clear();
    })?;
    Ok(Answer::ok(json!({ "succeded": true })))
}

pub fn join_workflow(world: &mut World, call: &Call<'_>) -> Handled {
    world.change_contact(call.argument(0), call.act(), |contact| {
        contact.workflows.insert(call.argument(1).to_owned());
    })?;
    Ok(Answer::ok(json!({ "succeded": true })))
}

pub fn leave_workflow(world: &mut World, call: &Call<'_>) -> Handled {
    world.change_contact(call.argument(0), call.act(), |contact| {
        contact.workflows.remove(call.argument(1));
    })?;
    Ok(Answer::ok(json!({ "succeded": true })))
}

pub fn add_followers(world: &mut World, call: &Call<'_>) -> Handled {
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

pub fn remove_followers(world: &mut World, call: &Call<'_>) -> Handled {
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

/// Puts contacts into a business, or (null) out of theirs.
pub fn set_business(world: &mut World, call: &Call<'_>) -> Handled {
    let business = call.body.get("businessId").and_then(Value::as_str);
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
