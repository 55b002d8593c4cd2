//! `canopy profile note`, `task` and `erase`: what a person changes at a profile.

use canopy_mapping::{Profile, ProfileNote, Source, Trace, profile_record_id};
use canopy_store::{NewEvent, ProfileChange, ProfileStore, SqliteStore};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::secret;
use crate::cli::ConfigArgs;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};

#[derive(Debug, Args)]
pub(crate) struct Note {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The contact's id in `HighLevel`, or its ecologiProfileId
    pub contact: String,
    /// What the note says
    pub text: String,
    /// Rewrite the note with this id, see `canopy profile show --json`
    #[arg(long, value_name = "NOTE")]
    pub id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Task {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The contact's id in `HighLevel`, or its ecologiProfileId
    pub contact: String,
    /// The task's title; a task of this title is updated
    #[arg(long)]
    pub title: String,
    /// How far it is; 100 completes it
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub progress: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The contact's id in `HighLevel`, or its ecologiProfileId
    pub contact: String,
    /// Without it nothing is removed
    #[arg(long)]
    pub yes: bool,
}

pub(super) async fn note(options: &Note, environment: &Environment) -> Result<Ended, Failure> {
    let body = options.text.trim().to_owned();
    if body.is_empty() {
        return Err(Failure::BadInput("the note is empty".to_owned()));
    }
    let store = secret::open(&options.config, environment).await?;
    let result = async {
        let profile = the_profile(&store, &options.contact).await?;
        let now = Timestamp::now();
        let known = match &options.id {
            Some(id) => Some(the_note(&store, &profile, id).await?),
            None => None,
        };
        let id = known.as_ref().map_or_else(
            || {
                profile_record_id(
                    "note",
                    &format!("{} {} {now}", profile.location, profile.contact),
                )
            },
            |note| note.id.clone(),
        );
        let payload = json!({
            "id": id, "contact": profile.contact, "body": body, "origin": "profile",
            "highlevelId": known.as_ref().and_then(|note| note.highlevel_id.as_ref()),
        });
        let kind = match &known {
            Some(_) => "profile_note.updated",
            None => "profile_note.created",
        };
        let event = told(kind, &profile, &id, payload, now);
        let change = ProfileChange::Note {
            id,
            contact: profile.contact.clone(),
            highlevel_id: None,
            body,
        };
        store
            .edit_profile(&profile.location, None, vec![change], vec![event], now)
            .await
            .map_err(|error| Failure::failed(&error))
    };
    let result = result.await;
    store.close().await;
    result.map(|()| Ended::Well)
}

/// The profile's note of this id.
async fn the_note(
    store: &SqliteStore,
    profile: &Profile,
    id: &str,
) -> Result<ProfileNote, Failure> {
    let notes = store
        .profile_notes(&profile.location, &profile.contact)
        .await
        .map_err(|error| Failure::failed(&error))?;
    notes.into_iter().find(|note| note.id == id).ok_or_else(|| {
        Failure::BadInput(format!(
            "the profile has no note \"{id}\"; `canopy profile show {} --json` lists them",
            profile.contact
        ))
    })
}

pub(super) async fn task(options: &Task, environment: &Environment) -> Result<Ended, Failure> {
    let store = secret::open(&options.config, environment).await?;
    let result = write_task(&store, options).await;
    store.close().await;
    result.map(|()| Ended::Well)
}

async fn write_task(store: &SqliteStore, options: &Task) -> Result<(), Failure> {
    let profile = the_profile(store, &options.contact).await?;
    let failed = |error: canopy_store::StoreError| Failure::failed(&error);
    let tasks = store
        .profile_tasks(&profile.location, &profile.contact)
        .await
        .map_err(failed)?;
    let known = tasks.into_iter().find(|task| task.title == options.title);
    let now = Timestamp::now();
    let completed = options.progress == 100;
    let (id, highlevel_id, before) = if let Some(task) = known {
        (task.id, task.highlevel_id, Some(task.completed))
    } else {
        let key = format!("{} {} {}", profile.location, profile.contact, options.title);
        (profile_record_id("task", &key), None, None)
    };
    let payload = json!({
        "id": id, "contact": profile.contact, "title": options.title, "progress": options.progress,
        "completed": completed, "highlevelId": highlevel_id,
    });
    let kind = match before {
        Some(_) => "profile_task.updated",
        None => "profile_task.created",
    };
    let mut events = vec![told(kind, &profile, &id, payload.clone(), now)];
    if completed && before != Some(true) {
        events.push(told("profile_task.completed", &profile, &id, payload, now));
    }
    let change = ProfileChange::Task {
        id,
        contact: profile.contact.clone(),
        highlevel_id,
        title: options.title.clone(),
        progress: options.progress,
        completed,
    };
    store
        .edit_profile(&profile.location, None, vec![change], events, now)
        .await
        .map_err(failed)
}

pub(super) async fn erase(options: &Erase, environment: &Environment) -> Result<Ended, Failure> {
    if !options.yes {
        return Err(Failure::BadInput(
            "this removes the contact's fields, notes, tasks, tags, and what its events and steps carried, for good; \
             the ledger stays. Say it with --yes"
                .to_owned(),
        ));
    }
    let store = secret::open(&options.config, environment).await?;
    let mut result = erase_all(&store, &options.contact).await;
    if result.is_ok() {
        let folded = store.fold_log().await;
        match folded.map_err(|error| Failure::failed(&error)) {
            Ok(true) => {}
            Ok(false) => eprintln!(
                "another process reads the store: its log forgets the contact a little later"
            ),
            Err(error) => result = Err(error),
        }
    }
    store.close().await;
    result.map(|()| Ended::Well)
}

async fn erase_all(store: &SqliteStore, contact: &str) -> Result<(), Failure> {
    let failed = |error: canopy_store::StoreError| Failure::failed(&error);
    let profiles = store.find_profiles(contact).await.map_err(failed)?;
    let mut who: Vec<_> = profiles
        .into_iter()
        .map(|profile| (profile.location, profile.contact))
        .collect();
    for location in store.locations_of_contact(contact).await.map_err(failed)? {
        let pair = (location, contact.to_owned());
        if !who.contains(&pair) {
            who.push(pair);
        }
    }
    if who.is_empty() {
        return Err(unknown(contact));
    }
    for (location, contact) in who {
        let erased = store
            .erase_contact(&location, &contact)
            .await
            .map_err(failed)?;
        println!(
            "{contact} at {location}: {} profile, {} notes, tasks, tags and their history, {} events, {} steps, {} purchases without names",
            erased.profiles, erased.records, erased.events, erased.steps, erased.purchases
        );
    }
    Ok(())
}

/// The one profile that is meant.
pub(super) async fn the_profile(store: &SqliteStore, contact: &str) -> Result<Profile, Failure> {
    let profiles = store
        .find_profiles(contact)
        .await
        .map_err(|error| Failure::failed(&error))?;
    let mut profiles = profiles.into_iter();
    match (profiles.next(), profiles.next()) {
        (Some(profile), None) => Ok(profile),
        (Some(_), Some(_)) => Err(Failure::BadInput(format!(
            "contact \"{contact}\" has profiles in several locations; name one by its ecologiProfileId, see `canopy profile show {contact}`"
        ))),
        (None, _) => Err(unknown(contact)),
    }
}

fn unknown(contact: &str) -> Failure {
    Failure::BadInput(format!(
        "the store knows no contact or profile \"{contact}\""
    ))
}

pub(super) fn told(
    kind: &str,
    profile: &Profile,
    record: &str,
    payload: Value,
    now: Timestamp,
) -> NewEvent {
    NewEvent {
        source: Source::Manual,
        kind: kind.to_owned(),
        location: profile.location.clone(),
        contact: Some(profile.contact.clone()),
        record: record.to_owned(),
        occurred_at: now,
        version: Some(now.to_string()),
        delivery: None,
        payload,
        trace: Trace::default(),
    }
}
