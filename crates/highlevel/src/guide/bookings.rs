//! Calendars and what is booked in them.
//!
//! # calendars
//!
//! What can be booked, and when. Types and calls: [`api::calendars`](crate::api::calendars).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let slots = client
//!     .raw()
//!     .get_free_slots()
//!     .calendar_id("CALENDAR")
//!     .start_date(1_800_000_000_000_i64)
//!     .end_date(1_800_600_000_000_i64)
//!     .send()
//!     .await?
//!     .into_inner();
//! for (day, free) in &slots.extra {
//!     println!("{day}: {}", free["slots"]);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # calendar_events
//!
//! Appointments and blocked times. Types and calls: [`api::calendar_events`](crate::api::calendar_events).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::api::calendar_events::types::CreateAppointment;
//!
//! let walk = CreateAppointment::builder()
//!     .calendar_id("CALENDAR")
//!     .location_id("LOCATION")
//!     .contact_id("CONTACT")
//!     .start_time("2027-01-15T10:00:00+00:00");
//! client.raw().create_appointment().body(walk).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # appointment_notes
//!
//! On an appointment. Types and calls: [`api::appointment_notes`](crate::api::appointment_notes).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::api::appointment_notes::types::WriteAppointmentNote;
//!
//! let note = WriteAppointmentNote::builder().body("Bring boots.");
//! client.raw().create_appointment_note().appointment_id("APPOINTMENT").body(note).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # calendar_groups
//!
//! Calendars under one address. Types and calls: [`api::calendar_groups`](crate::api::calendar_groups).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let groups = client.raw().get_calendar_groups().location_id("LOCATION").send().await?.into_inner();
//! println!("{}", groups.groups.unwrap_or_default().len());
//! # Ok(())
//! # }
//! ```
//!
//! # calendar_notifications
//!
//! Who is told of an appointment, and when. Types and calls: [`api::calendar_notifications`](crate::api::calendar_notifications).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! let told = client.raw().get_calendar_notifications().calendar_id("CALENDAR").is_active(true).send().await?;
//! println!("{:?}", told.into_inner());
//! # Ok(())
//! # }
//! ```
//!
//! # calendar_resources
//!
//! Rooms and equipment. Types and calls: [`api::calendar_resources`](crate::api::calendar_resources).
//!
//! ```no_run
//! # async fn example(client: canopy_highlevel::Client) -> Result<(), canopy_highlevel::Error> {
//! use canopy_highlevel::TryStreamExt as _;
//! use serde_json::json;
//!
//! let args = json!({"resourceType": "rooms", "locationId": "LOCATION"});
//! let mut rooms = client.items("get-calendar-resources", &args);
//! while let Some(room) = rooms.try_next().await? {
//!     println!("{}", room.value()["name"]);
//! }
//! # Ok(())
//! # }
//! ```
