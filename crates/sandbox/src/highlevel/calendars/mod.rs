//! Calendars, and when they have time.

pub mod blocks;
pub mod events;
pub mod groups;
pub mod notes;
pub mod notifications;
pub mod resources;
mod slots;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use self::slots::{Occupied, Plan};
use super::access::Access::Location;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::collections::{Kind, silent};
use crate::operations::Route;
use crate::world::World;

const READ: Option<&str> = Some("calendars.readonly");
const WRITE: Option<&str> = Some("calendars.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/calendars/", Location, READ, list),
    Route::new("POST", "/calendars/", Location, WRITE, create),
    Route::new("GET", "/calendars/{calendarId}", Location, READ, get),
    Route::new("PUT", "/calendars/{calendarId}", Location, WRITE, update),
    Route::new("DELETE", "/calendars/{calendarId}", Location, WRITE, delete),
    Route::new("GET", "/calendars/{calendarId}/free-slots", Location, READ, free_slots),
];

/// HighLevel documents no webhook about calendars themselves.
pub const KIND: Kind = Kind {
    collection: |all| &mut all.calendars,
    created: "calendar.created",
    updated: "calendar.updated",
    deleted: "calendar.deleted",
    events: silent,
};

/// Free slots are asked for at most this long.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Members of a calendar, kept as they are written.
#[rustfmt::skip] // a list to read, not to scroll
const MEMBERS: &[&str] = &[
    "isActive", "notifications", "groupId", "teamMembers", "eventType", "name", "description", "slug",
    "widgetSlug", "calendarType", "widgetType", "eventTitle", "eventColor", "meetingLocation",
    "locationConfigurations", "slotDuration", "slotDurationUnit", "slotInterval", "slotIntervalUnit",
    "slotBuffer", "slotBufferUnit", "preBuffer", "preBufferUnit", "appoinmentPerSlot", "appoinmentPerDay",
    "allowBookingAfter", "allowBookingAfterUnit", "allowBookingFor", "allowBookingForUnit", "openHours",
    "enableRecurring", "recurring", "formId", "stickyContact", "isLivePaymentMode", "autoConfirm",
    "shouldSendAlertEmailsToAssignedMember", "alertEmail", "googleInvitationEmails", "allowReschedule",
    "allowCancellation", "shouldAssignContactToTeamMember", "shouldSkipAssigningContactForExisting", "notes",
    "pixelId", "formSubmitType", "formSubmitRedirectURL", "formSubmitThanksMessage", "availabilityType",
    "availabilities", "guestType", "consentLabel", "calendarCoverImage", "lookBusyConfig",
];

/// A calendar as it is without further words: half an hour at a time, on working days from nine to five.
pub fn blank(world: &World, id: String, at: Timestamp) -> Record {
    let members = json!({
        "locationId": world.location.id, "isActive": true, "calendarType": "round_robin", "teamMembers": [],
        "eventColor": "#039be5", "slotDuration": 30, "slotDurationUnit": "mins", "slotInterval": 30,
        "slotIntervalUnit": "mins", "slotBuffer": 0, "slotBufferUnit": "mins", "preBuffer": 0,
        "preBufferUnit": "mins", "appoinmentPerSlot": 1, "autoConfirm": true, "allowReschedule": true,
        "allowCancellation": true, "availabilityType": 0,
        "openHours": [{ "daysOfTheWeek": [1, 2, 3, 4, 5], "hours": [
            { "openHour": 9, "openMinute": 0, "closeHour": 17, "closeMinute": 0 },
        ] }],
    });
    Record::new(id, at, members)
}

fn list(world: &mut World, call: &Call<'_>) -> Handled {
    let drafted = call.query("showDrafted") != Some("false");
    let calendars = world.records.calendars.all().filter(|calendar| {
        (drafted || calendar.flag("isActive") == Some(true))
            && call
                .query("groupId")
                .is_none_or(|id| calendar.has("groupId", id))
    });
    let calendars: Vec<Value> = calendars.map(Record::json).collect();
    Ok(Answer::ok(json!({ "calendars": calendars })))
}

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let calendar = world.records.calendars.get(call.argument(0))?;
    Ok(Answer::ok(json!({ "calendar": calendar.json() })))
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    call.required("name")?;
    check_references(world, call, None)?;
    let id = world.ids.record();
    let mut calendar = blank(world, id, call.now);
    calendar.write(call.body, MEMBERS);
    world.add(&KIND, &calendar, call.act());
    Ok(Answer::ok(json!({ "calendar": calendar.json() })))
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    world.records.calendars.get(id)?;
    check_references(world, call, Some(id))?;
    let calendar = world.change(&KIND, id, call.act(), |calendar| {
        calendar.write(call.body, MEMBERS);
    })?;
    Ok(Answer::ok(json!({ "calendar": calendar.json() })))
}

/// What is booked in it goes with it.
fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    let id = call.argument(0);
    world.records.calendars.get(id)?;
    world.remove_with(&notifications::KIND, "calendarId", id, call.act());
    events::remove_all(world, "calendarId", id, call.act());
    world.remove(&KIND, id, call.act())?;
    Ok(Answer::ok(json!({ "success": true })))
}

/// The group must exist, and the slug must be free.
fn check_references(world: &World, call: &Call<'_>, own: Option<&str>) -> Result<(), Answer> {
    if let Some(id) = call.body_text("groupId").filter(|id| !id.is_empty()) {
        world.records.calendar_groups.named(id)?;
    }
    let slug = call.body_text("slug").filter(|slug| !slug.is_empty());
    let is_taken = slug.is_some_and(|slug| {
        let mut calendars = world.records.calendars.with("slug", slug);
        calendars.any(|calendar| Some(calendar.id.as_str()) != own)
    });
    if is_taken {
        return Err(Answer::bad_request("The slug is taken by another calendar"));
    }
    Ok(())
}

/// Free slots by day, in the time zone asked for; else in the location's.
fn free_slots(world: &mut World, call: &Call<'_>) -> Handled {
    let calendar = world.records.calendars.get(call.argument(0))?;
    let zone = match call.query("timezone").filter(|name| !name.is_empty()) {
        None => world.location.timezone(),
        Some(name) => TimeZone::get(name).map_err(|_| {
            Answer::invalid(vec!["timezone must be a valid IANA time zone".to_owned()])
        })?,
    };
    let (from, to) = (moment(call, "startDate")?, moment(call, "endDate")?);
    if to < from || to.duration_since(from) > LONGEST {
        return Err(Answer::bad_request(
            "The date range cannot be more than 31 days, and must not end before it starts",
        ));
    }
    let mut users = call.queries("userIds");
    users.extend(call.query("userId"));
    let plan = plan(world, calendar, &users, None);
    let mut days: Map<String, Value> = Map::new();
    if calendar.flag("isActive") != Some(false) {
        for slot in plan.free(from, to, Some(call.now)) {
            let slot = slot.to_zoned_datetime(zone.clone());
            let day = days
                .entry(slot.date().to_string())
                .or_insert_with(|| json!({ "slots": [] }));
            if let Some(slots) = day["slots"].as_array_mut() {
                slots.push(slot.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into());
            }
        }
    }
    Ok(Answer::ok(Value::Object(days)))
}

/// When a calendar has time, as its settings and all other events say; `own` is an event that may be moved.
fn plan(world: &World, calendar: &Record, users: &[&str], own: Option<&str>) -> Plan {
    let others = world.records.events.all();
    let occupied = others
        .filter(|event| Some(event.id.as_str()) != own)
        .filter_map(Occupied::of)
        .collect();
    Plan::of(calendar, world.location.timezone(), users, occupied)
}

/// A query value in milliseconds.
fn moment(call: &Call<'_>, name: &str) -> Result<Timestamp, Answer> {
    let text = call.query(name).unwrap_or_default();
    let milliseconds = text.parse::<i64>().ok();
    milliseconds
        .and_then(|at| Timestamp::from_millisecond(at).ok())
        .ok_or_else(|| Answer::invalid(vec![format!("{name} must be a number of milliseconds")]))
}
