//! Workflows and campaigns: what there is, and which contacts are in them. Neither can be made through the API.

use serde_json::{Value, json};

use super::access::Access::Location;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::clock::iso;
use crate::collection::Record;
use crate::operations::Route;
use crate::world::World;

const WRITE: Option<&str> = Some("contacts.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/workflows/", Location, Some("workflows.readonly"), workflows),
    Route::new("GET", "/campaigns/", Location, Some("campaigns.readonly"), campaigns),
    Route::new("POST", "/contacts/{contactId}/campaigns/{campaignId}", Location, WRITE, join_campaign),
    Route::new("DELETE", "/contacts/{contactId}/campaigns/{campaignId}", Location, WRITE, leave_campaign),
    Route::new("DELETE", "/contacts/{contactId}/campaigns/removeAll", Location, WRITE, leave_campaigns),
    Route::new("POST", "/contacts/{contactId}/workflow/{workflowId}", Location, WRITE, join_workflow),
    Route::new("DELETE", "/contacts/{contactId}/workflow/{workflowId}", Location, WRITE, leave_workflow),
];

fn workflows(world: &mut World, _call: &Call<'_>) -> Handled {
    let view = |workflow: &Record| {
        let mut view = workflow.json();
        view["createdAt"] = iso(workflow.created_at).into();
        view["updatedAt"] = iso(workflow.updated_at).into();
        view
    };
    let workflows: Vec<Value> = world.records.workflows.all().map(view).collect();
    Ok(Answer::ok(json!({ "workflows": workflows })))
}

fn campaigns(world: &mut World, call: &Call<'_>) -> Handled {
    let status = call.query("status");
    let asked = |campaign: &&Record| status.is_none_or(|status| campaign.has("status", status));
    let campaigns = world.records.campaigns.all().filter(asked);
    let campaigns: Vec<Value> = campaigns.map(Record::json).collect();
    Ok(Answer::ok(json!({ "campaigns": campaigns })))
}

fn join_campaign(world: &mut World, call: &Call<'_>) -> Handled {
    world.records.campaigns.get(call.argument(1))?;
    world.change_contact(call.argument(0), call.act(), |contact| {
        contact.campaigns.insert(call.argument(1).to_owned());
    })?;
    Ok(Answer::created(json!({ "succeded": true })))
}

fn leave_campaign(world: &mut World, call: &Call<'_>) -> Handled {
    world.change_contact(call.argument(0), call.act(), |contact| {
        contact.campaigns.remove(call.argument(1));
    })?;
    Ok(Answer::ok(json!({ "succeded": true })))
}

fn leave_campaigns(world: &mut World, call: &Call<'_>) -> Handled {
    world.change_contact(call.argument(0), call.act(), |contact| {
        contact.campaigns.clear();
    })?;
    Ok(Answer::ok(json!({ "succeded": true })))
}

fn join_workflow(world: &mut World, call: &Call<'_>) -> Handled {
    world.records.workflows.get(call.argument(1))?;
    world.change_contact(call.argument(0), call.act(), |contact| {
        contact.workflows.insert(call.argument(1).to_owned());
    })?;
    Ok(Answer::ok(json!({ "succeded": true })))
}

fn leave_workflow(world: &mut World, call: &Call<'_>) -> Handled {
    world.change_contact(call.argument(0), call.act(), |contact| {
        contact.workflows.remove(call.argument(1));
    })?;
    Ok(Answer::ok(json!({ "succeded": true })))
}
