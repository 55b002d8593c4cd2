//! The search of opportunities.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::view;
use crate::answer::{Answer, Handled};
use crate::call::Call;
use crate::collection::Record;
use crate::highlevel::paging::{self, Order, Place, Size};
use crate::highlevel::{calendars, notes, tasks};
use crate::world::World;

const SIZE: Size = Size {
    default: 20,
    most: 100,
};

/// Query keys and the members that they must equal.
const EQUAL: [(&str, &str); 4] = [
    ("pipeline_id", "pipelineId"),
    ("pipeline_stage_id", "pipelineStageId"),
    ("contact_id", "contactId"),
    ("assigned_to", "assignedTo"),
];

/// Newest first unless `order` is `added_asc`, in pages by `startAfter` and `startAfterId` or by `page`.
pub fn search(world: &mut World, call: &Call<'_>) -> Handled {
    let (from, to) = (day(call, "date", 0)?, day(call, "endDate", 1)?);
    let text = call.query("q").map(str::to_lowercase);
    let lag = jiff::SignedDuration::from_secs(world.settings.opportunity_lag_seconds.into());
    let matching = world.records.opportunities.all().filter(|opportunity| {
        opportunity.created_at + lag <= call.now
            && equal(opportunity, call)
            && from.is_none_or(|from| opportunity.created_at >= from)
            && to.is_none_or(|to| opportunity.created_at < to)
            && of_contact(world, opportunity, call)
            && text
                .as_deref()
                .is_none_or(|text| mentions(world, opportunity, text))
    });
    let mut matching: Vec<&Record> = matching.collect();
    let order = match call.query("order") {
        Some("added_asc") => Order::OldestFirst,
        _ => Order::NewestFirst,
    };
    order.sort(&mut matching, |opportunity| place(opportunity));
    let page = paging::after(
        &matching,
        (order, |opportunity: &&'_ Record| place(opportunity)),
        call,
        "/opportunities/search",
        SIZE,
    )?;
    let show = |opportunity: &&Record| with_extras(world, opportunity, call);
    let views: Vec<Value> = page.items.iter().map(show).collect();
    Ok(Answer::ok(
        json!({ "opportunities": views, "meta": page.meta, "aggregations": {} }),
    ))
}

fn place(opportunity: &Record) -> Place<'_> {
    (opportunity.created_at.as_millisecond(), &opportunity.id)
}

fn equal(opportunity: &Record, call: &Call<'_>) -> bool {
    let members = EQUAL.iter().all(|(key, member)| {
        call.query(key)
            .is_none_or(|text| opportunity.has(member, text))
    });
    let status = call.query("status").filter(|status| *status != "all");
    members
        && status.is_none_or(|status| opportunity.has("status", status))
        && call.query("id").is_none_or(|id| opportunity.id == id)
}

/// In the name, or in the contact's name, address or number.
fn mentions(world: &World, opportunity: &Record, text: &str) -> bool {
    let name = opportunity.text("name").unwrap_or_default();
    let contact = opportunity.text("contactId");
    let contact = contact.and_then(|id| world.contacts.get(id));
    name.to_lowercase().contains(text)
        || contact.is_some_and(|contact| crate::highlevel::mentions(contact, text))
}

/// What is asked of the contact: its country, and a campaign that it is in.
fn of_contact(world: &World, opportunity: &Record, call: &Call<'_>) -> bool {
    let contact = opportunity.text("contactId");
    let contact = contact.and_then(|id| world.contacts.get(id));
    let country = call.query("country");
    let campaign = call.query("campaignId");
    country.is_none_or(|country| {
        contact.is_some_and(|contact| contact.text("country") == Some(country))
    }) && campaign
        .is_none_or(|campaign| contact.is_some_and(|contact| contact.campaigns.contains(campaign)))
}

/// A day of the query, written `mm-dd-yyyy`; `plus` days later.
fn day(call: &Call<'_>, name: &str, plus: i64) -> Result<Option<Timestamp>, Answer> {
    let Some(text) = call.query(name) else {
        return Ok(None);
    };
    let day = Date::strptime("%m-%d-%Y", text)
        .ok()
        .and_then(|day| day.checked_add(jiff::Span::new().days(plus)).ok());
    let at = day.and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok());
    at.map(Some)
        .ok_or_else(|| Answer::invalid(vec![format!("{name} must be a date as mm-dd-yyyy")]))
}

/// The opportunity with what is shown of its contact on request.
fn with_extras(world: &World, opportunity: &Record, call: &Call<'_>) -> Value {
    let mut view = view(world, opportunity);
    let asked = |key: &str| call.query(key) == Some("true");
    let Some(contact_id) = opportunity.text("contactId") else {
        return view;
    };
    if asked("getNotes") {
        view["notes"] = notes::views(world, contact_id).into();
    }
    if asked("getTasks") {
        view["tasks"] = tasks::views(world, contact_id).into();
    }
    if asked("getCalendarEvents") {
        view["calendarEvents"] = calendars::events::views(world, contact_id).into();
    }
    view
}
