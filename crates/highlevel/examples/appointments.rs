//! An appointment: a calendar, its next free slot, booked and cancelled.
//!
//! `HIGHLEVEL_TOKEN=pit-... cargo run -p canopy-highlevel --example appointments`

mod support;

use std::error::Error;
use std::time::Duration;

use canopy_highlevel::api::calendar_events::types::{
    AppointmentStatus, CreateAppointment, UpdateAppointment,
};
use canopy_highlevel::api::calendars::types::CreateCalendar;
use canopy_highlevel::api::contacts::types::UpsertContact;
use canopy_highlevel::{Client, Clock as _, SystemClock};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, location) = support::connect(|name| std::env::var(name).ok()).await?;
    run(&client, &location).await
}

pub async fn run(client: &Client, location: &str) -> Result<(), Box<dyn Error>> {
    let api = client.raw();
    let calendar = CreateCalendar::builder()
        .location_id(location)
        .name("Tree walks".to_owned())
        .is_active(true);
    let calendar = api
        .create_calendar()
        .body(calendar)
        .send()
        .await?
        .into_inner()
        .calendar;
    let calendar_id = calendar
        .and_then(|calendar| calendar.id)
        .ok_or("a create answers the calendar")?;

    let from = SystemClock.now();
    let to = from + Duration::from_hours(14 * 24);
    let slots = api
        .get_free_slots()
        .calendar_id(&calendar_id)
        .start_date(from.as_millisecond())
        .end_date(to.as_millisecond())
        .timezone("Europe/London")
        .send()
        .await?
        .into_inner();
    // One member a day, such as `2026-11-30`: what the description cannot name is in `extra`.
    let first = slots
        .extra
        .values()
        .find_map(|day| day["slots"][0].as_str())
        .ok_or("nothing is free")?;

    let contact = UpsertContact::builder()
        .location_id(location)
        .email("alan@example.com".to_owned());
    let contact = api
        .upsert_contact()
        .body(contact)
        .send()
        .await?
        .into_inner()
        .contact;
    let contact_id = contact
        .and_then(|contact| contact.id)
        .ok_or("an upsert answers the contact")?;

    let appointment = CreateAppointment::builder()
        .calendar_id(&calendar_id)
        .location_id(location)
        .contact_id(&contact_id)
        .start_time(first);
    let booked = api
        .create_appointment()
        .body(appointment)
        .send()
        .await?
        .into_inner();
    let id = booked.id.ok_or("a booking has an id")?;
    println!("booked {:?}", booked.start_time);

    let cancel = UpdateAppointment::builder().appointment_status(AppointmentStatus::Cancelled);
    api.update_appointment()
        .event_id(&id)
        .body(cancel)
        .send()
        .await?;
    let event = api
        .get_appointment()
        .event_id(&id)
        .send()
        .await?
        .into_inner()
        .event;
    println!("now {:?}", event.and_then(|event| event.appointment_status));
    Ok(())
}
