//! What stands in calendars: appointments, and blocked time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::{blocks, slots};
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::clock::iso;
use crate::collection::Record;
use crate::collections::{Change, Kind};
use crate::described::with_nulls;
use crate::highlevel::access::Access::Location;
use crate::operations::Route;
use crate::webhooks::payload::Event;
use crate::world::{Act, World};

const READ: Option<&str> = Some("calendars/events.readonly");
const WRITE: Option<&str> = Some("calendars/events.write");

#[rustfmt::skip] // one line a route
pub const ROUTES: &[Route] = &[
    Route::new("GET", "/calendars/events", Location, READ, appointments),
    Route::new("GET", "/calendars/blocked-slots", Location, READ, blocked),
    Route::new("POST", "/calendars/events/appointments", Location, WRITE, create),
    Route::new("GET", "/calendars/events/appointments/{eventId}", Location, READ, get),
    Route::new("PUT", "/calendars/events/appointments/{eventId}", Location, WRITE, update),
    Route::new("DELETE", "/calendars/events/{eventId}", Location, WRITE, delete),
];

pub const APPOINTMENT: Kind = Kind {
    collection: |all| &mut all.events,
    created: "appointment.created",
    updated: "appointment.updated",
    deleted: "appointment.deleted",
    events,
};

/// Members that are kept as written.
const MEMBERS: &[&str] = &[
    "title",
    "calendarId",
    "meetingLocationType",
    "meetingLocationId",
    "appointmentStatus",
    "assignedUserId",
    "description",
    "address",
    "rrule",
];

/// The appointment; blocked time is none.
pub fn appointment<'w>(world: &'w World, id: &str) -> Result<&'w Record, Answer> {
    let missing = || Answer::not_found(format!("Appointment with id {id} not found"));
    let event = world.records.events.get(id).map_err(|_| missing())?;
    if is_block(event) {
        return Err(missing());
    }
    Ok(event)
}

fn get(world: &mut World, call: &Call<'_>) -> Handled {
    let event = appointment(world, call.argument(0))?;
    Ok(Answer::ok(json!({ "event": view(world, event) })))
}

fn appointments(world: &mut World, call: &Call<'_>) -> Handled {
    within(world, call, false)
}

fn blocked(world: &mut World, call: &Call<'_>) -> Handled {
    within(world, call, true)
}

/// Events that touch a range of time, of a calendar, a group or a user.
fn within(world: &World, call: &Call<'_>, blocks: bool) -> Handled {
    let (from, to) = (
        super::moment(call, "startTime")?,
        super::moment(call, "endTime")?,
    );
    let keys = ["calendarId", "groupId", "userId"];
    if keys.iter().all(|key| call.query(key).is_none()) {
        return Err(Answer::invalid(vec![
            "Either of userId, calendarId or groupId is required".to_owned(),
        ]));
    }
    let matching = world.records.events.all().filter(|event| {
        let touches =
            |member, is_on: &dyn Fn(Timestamp) -> bool| event.time(member).is_some_and(is_on);
        is_block(event) == blocks
            && touches("startTime", &|at| at <= to)
            && touches("endTime", &|at| at >= from)
            && call
                .query("calendarId")
                .is_none_or(|id| event.has("calendarId", id))
            && call
                .query("groupId")
                .is_none_or(|id| group(world, event) == Some(id))
            && call
                .query("userId")
                .is_none_or(|id| event.has("assignedUserId", id))
    });
    let mut matching: Vec<&Record> = matching.collect();
    matching.sort_by_key(|event| event.time("startTime"));
    let views: Vec<Value> = matching.iter().map(|event| view(world, event)).collect();
    Ok(Answer::ok(json!({ "events": views })))
}

/// A contact's appointments.
pub fn of_contact(world: &mut World, call: &Call<'_>) -> Handled {
    let contact_id = call.argument(0);
    world.contact(contact_id)?;
    Ok(Answer::ok(json!({ "events": views(world, contact_id) })))
}

/// A contact's appointments as its own pages show them: with local times that name no zone.
pub fn views(world: &World, contact_id: &str) -> Vec<Value> {
    let own = world.records.events.with("contactId", contact_id);
    own.map(|event| {
        let mut shown = view(world, event);
        let local = |at: Timestamp| {
            let local = at.to_zoned_datetime(world.location.timezone());
            local.strftime("%Y-%m-%d %H:%M:%S").to_string()
        };
        for member in ["startTime", "endTime"] {
            shown[member] = event.time(member).map(local).into();
        }
        shown["dateAdded"] = local(event.created_at).into();
        shown["dateUpdated"] = local(event.updated_at).into();
        shown["status"] = "booked".into();
        shown
    })
    .collect()
}

fn create(world: &mut World, call: &Call<'_>) -> Handled {
    let event = book(world, call.body, call.act())?;
    Ok(Answer::ok(view(world, &event)))
}

/// Books an appointment; also for a user at HighLevel.
pub fn book(world: &mut World, body: &Value, act: Act) -> Result<Record, Answer> {
    let required = |member: &str| {
        let text = body.get(member).and_then(Value::as_str);
        text.ok_or_else(|| Answer::invalid(vec![format!("{member} must be a string")]))
    };
    let contact_id = required("contactId")?;
    let calendar = world.records.calendars.named(required("calendarId")?)?;
    required("startTime")?;
    let Some(contact) = world.contacts.get(contact_id) else {
        let message = format!("Contact with id {contact_id} does not exist");
        return Err(Answer::bad_request(message));
    };
    let confirms = calendar.flag("autoConfirm") != Some(false);
    let title = contact.name().unwrap_or_else(|| "Appointment".to_owned());
    let members = json!({
        "locationId": world.location.id, "contactId": contact_id, "title": title, "source": "third_party",
        "appointmentStatus": if confirms { "confirmed" } else { "new" },
    });
    let id = world.ids.record();
    let mut event = Record::new(id, act.at, members);
    write(world, &mut event, body, act)?;
    world.add(&APPOINTMENT, &event, act);
    Ok(event)
}

fn update(world: &mut World, call: &Call<'_>) -> Handled {
    let event = rebook(world, call.argument(0), call.body, call.act())?;
    Ok(Answer::ok(view(world, &event)))
}

/// Changes an appointment; also for a user at HighLevel.
pub fn rebook(world: &mut World, id: &str, body: &Value, act: Act) -> Result<Record, Answer> {
    let mut after = appointment(world, id)?.clone();
    write(world, &mut after, body, act)?;
    world.change(&APPOINTMENT, id, act, |event| *event = after)
}

/// Writes what the body has, and holds a new time against the calendar unless the body says not to.
fn write(world: &World, event: &mut Record, body: &Value, act: Act) -> Result<(), Answer> {
    let before = event.clone();
    let known = before.time("startTime").zip(before.time("endTime"));
    event.write(body, MEMBERS);
    let calendar = event.text("calendarId").unwrap_or_default();
    let calendar = world.records.calendars.named(calendar)?;
    if let Some(id) = body.get("assignedUserId").and_then(Value::as_str) {
        world.records.users.named(id)?;
    }
    let users: Vec<&str> = event.text("assignedUserId").into_iter().collect();
    let plan = super::plan(world, calendar, &users, Some(&event.id));
    let length = known.map_or(plan.duration(), |(start, end)| end.duration_since(start));
    let start = match body.get("startTime") {
        Some(time) => parse(world, "startTime", time)?,
        None => known.map_or(act.at, |(start, _)| start),
    };
    let end = match body.get("endTime") {
        Some(time) => parse(world, "endTime", time)?,
        None => start + length,
    };
    if end <= start {
        let message = "endTime must be after startTime".to_owned();
        return Err(Answer::invalid(vec![message]));
    }
    let says = |flag: &str| body.get(flag) == Some(&Value::Bool(true));
    let moves = known.is_none_or(|(known, _)| known != start)
        || !slots::takes_place(&before)
        || ["calendarId", "assignedUserId"]
            .iter()
            .any(|member| before.member(member) != event.member(member));
    if moves && slots::takes_place(event) && !says("ignoreFreeSlotValidation") {
        let now = (!says("ignoreDateRange")).then_some(act.at);
        if plan.free(start, start, now).is_empty() {
            return Err(Answer::bad_request(
                "The slot you have selected is no longer available.",
            ));
        }
    }
    if event.text("assignedUserId").is_none()
        && let Some(user) = plan.free_user(start, end)
    {
        event.set("assignedUserId", user);
    }
    event.set("startTime", iso(start));
    event.set("endTime", iso(end));
    Ok(())
}

/// Appointments and blocked time alike.
fn delete(world: &mut World, call: &Call<'_>) -> Handled {
    remove(world, call.argument(0), call.act())?;
    // The service answers 201 here.
    Ok(Answer::created(json!({ "succeeded": true })))
}

/// Removes an event with its notes.
pub fn remove(world: &mut World, id: &str, act: Act) -> Result<(), Answer> {
    let kind = if is_block(world.records.events.get(id)?) {
        &blocks::KIND
    } else {
        &APPOINTMENT
    };
    world.remove_with(&super::notes::KIND, "appointmentId", id, act);
    world.remove(kind, id, act)?;
    Ok(())
}

/// Removes the events with this text in this member.
pub fn remove_all(world: &mut World, member: &str, text: &str, act: Act) {
    for id in world.records.events.ids_with(member, text) {
        // The ids were read from the collection just now.
        let _removed = remove(world, &id, act);
    }
}

pub fn is_block(event: &Record) -> bool {
    event.flag("isBlock") == Some(true)
}

fn group<'w>(world: &'w World, event: &Record) -> Option<&'w str> {
    let calendar = event.text("calendarId")?;
    world.records.calendars.get(calendar).ok()?.text("groupId")
}

/// A time with an offset, or a local one of the location.
pub fn parse(world: &World, member: &str, time: &Value) -> Result<Timestamp, Answer> {
    let text = time.as_str().unwrap_or_default();
    let local = || {
        let local: DateTime = text.parse().ok()?;
        world.location.timezone().to_timestamp(local).ok()
    };
    text.parse().ok().or_else(local).ok_or_else(|| {
        Answer::invalid(vec![format!(
            "{member} must be a valid ISO 8601 date string"
        )])
    })
}

/// An event with times as the location's clocks show them.
pub fn view(world: &World, event: &Record) -> Value {
    let zoned = |at: Timestamp| {
        let local = at.to_zoned_datetime(world.location.timezone());
        local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    };
    let mut view = event.json();
    if let Value::Object(members) = &mut view {
        members.shift_remove("isBlock");
        members.shift_remove("source");
    }
    for member in ["startTime", "endTime"] {
        view[member] = event.time(member).map(zoned).into();
    }
    view["dateAdded"] = zoned(event.created_at).into();
    view["dateUpdated"] = zoned(event.updated_at).into();
    view["groupId"] = group(world, event).into();
    let users: Vec<&str> = event.text("assignedUserId").into_iter().collect();
    view["users"] = json!(users);
    if !is_block(event) {
        view["notes"] = event.member("description").clone();
        view["isRecurring"] = event.text("rrule").is_some().into();
        view["assignedResources"] = json!([]);
        view["createdBy"] = json!({ "source": event.member("source") });
        // Recorded answers have it in both spellings.
        view["appoinmentStatus"] = event.member("appointmentStatus").clone();
        return with_nulls("CalendarEvent", &["masterEventId"], view);
    }
    view
}

fn events(world: &World, change: Change<'_>) -> Vec<Event> {
    let name = match change {
        Change::Created(_) => "AppointmentCreate",
        Change::Updated(..) => "AppointmentUpdate",
        Change::Deleted(_) => "AppointmentDelete",
    };
    let event = change.record();
    let shown = view(world, event);
    let mut appointment = json!({ "id": event.id, "source": event.member("source") });
    let told = [
        "address",
        "title",
        "calendarId",
        "contactId",
        "groupId",
        "appointmentStatus",
        "assignedUserId",
        "users",
        "notes",
        "startTime",
        "endTime",
        "dateAdded",
        "dateUpdated",
    ];
    for member in told {
        if let Some(value) = shown.get(member).filter(|value| !value.is_null()) {
            appointment[member] = value.clone();
        }
    }
    let body = json!({
        "type": name, "locationId": world.location.id, "appointment": appointment,
    });
    vec![Event::new(name, &event.id, body)]
}
