//! Notifications of a calendar: who is told what, and when.

use serde_json::{Value, json};

use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::collections::{Kind, silent};
use crate::highlevel::access::Access::Location;
use crate::highlevel::paging::{self, Size};
use crate::operations::Route;
use crate::world::World;

const READ: Option<&str> = Some("calendars/events.readonly");
const WRITE: Option<&str> = Some("calendars/events.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/calendars/{calendarId}/notifications", Location, READ, list),
    Route::new("POST", "/calendars/{calendarId}/notifications", Location, WRITE, create),
    Route::new("GET", "/calendars/{calendarId}/notifications/{notificationId}", Location, READ, get),
    Route::new("PUT", "/calendars/{calendarId}/notifications/{notificationId}", Location, WRITE, update),
    Route::new("DELETE", "/calendars/{calendarId}/notifications/{notificationId}", Location, WRITE, delete),
];

pub const KIND: Kind = Kind {
    collection: |all| &mut all.calendar_notifications,
    created: "calendar_notification.created",
    updated: "calendar_notification.updated",
    deleted: "calendar_notification.deleted",
    events: silent,
};

const SIZE: Size = Size {
    default: 100,
    most: 100,
};

const MEMBERS: &[&str] = &[
    "receiverType",
    "channel",
    "notificationType",
    "isActive",
    "deleted",
    "templateId",
    "body",
    "subject",
    "afterTime",
    "beforeTime",
    "additionalEmailIds",
    "additionalPhoneNumbers",
    "additionalWhatsappNumbers",
    "selectedUsers",
    "fromAddress",
    "fromName",
    "fromNumber",
];

/// Those marked as deleted are shown only when asked for.
fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    world.records.calendars.get(id)?;
    let asked = |name: &str| call.query(name).map(|flag| flag == "true");
    let (is_active, deleted) = (asked("isActive"), asked("deleted").unwrap_or(false));
    let all = world.records.calendar_notifications.with("calendarId", id);
    let all = all.filter(|notification| {
        notification.flag("deleted").unwrap_or(false) == deleted
            && is_active.is_none_or(|flag| notification.flag("isActive") == Some(flag))
    });
    let page = paging::skipping(all, call, "skip", SIZE)?;
    Ok(Answer::ok(page.into_iter().map(view).collect()))
}

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    find(world, call).map(|notification| Answer::ok(view(notification)))
}

/// Takes a list and makes one of each.
fn create(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    world.records.calendars.get(id)?;
    let Some(orders) = call.body.as_array() else {
        return Err(Answer::invalid(vec![
            "request body must be an array".to_owned(),
        ]));
    };
    let mut made = Vec::new();
    for order in orders {
        let members = json!({ "calendarId": id, "isActive": true, "deleted": false });
        let mut notification = Record::new(world.ids.object(), call.now, members);
        notification.write(order, MEMBERS);
        made.push(view(&notification));
        world.add(&KIND, &notification, call.act());
    }
    Ok(Answer::ok(made.into()))
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let id = find(world, call)?.id.clone();
    world.change(&KIND, &id, call.act(), |notification| {
        notification.write(call.body, MEMBERS);
    })?;
    Ok(Answer::ok(json!({ "message": "Notification updated" })))
}

fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let id = find(world, call)?.id.clone();
    world.remove(&KIND, &id, call.act())?;
    Ok(Answer::ok(json!({ "message": "Notification deleted" })))
}

fn find<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Record, Answer> {
    let (calendar, id) = (call.argument(0), call.argument(1));
    let notification = world.records.calendar_notifications.get(id)?;
    if notification.has("calendarId", calendar) {
        Ok(notification)
    } else {
        Err(Answer::not_found(format!(
            "Notification with id {id} not found"
        )))
    }
}

fn view(notification: &Record) -> Value {
    notification.json_as("_id")
}
