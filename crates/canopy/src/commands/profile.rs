//! `canopy profile`: everything that the store knows of one contact.

use std::sync::Arc;

use canopy_engine::Observer;
use canopy_mapping::{Profile, ProfileNote, ProfileTask};
use canopy_store::{
    HistoryEntry, InboxRow, ProfileStore, Purchase, Run, SqliteStore, StepRecord, Store, StoreError,
};
use clap::Subcommand;
use serde::Serialize;
use serde_json::{Value, json};

use super::profile_highlevel::{self, Side};
use super::{Only, modes, profile_edit, profile_fields, profile_people, status};
use crate::call_log::CallSink;
use crate::cli::ConfigArgs;
use crate::config;
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::program::existing_store;
use crate::show;

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// Show a contact's profile, its impact, its purchases, and what happened to it
    Show {
        #[command(flatten)]
        config: ConfigArgs,
        #[command(flatten)]
        only: Only,
        /// The contact's id in `HighLevel`, or its ecologiProfileId
        contact: String,
        /// Most events and purchases to show, newest first
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Read tags, tasks, notes, appointments and opportunities from `HighLevel` now
        #[arg(long)]
        live: bool,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a person a contact in HighLevel and a profile; an existing contact is linked
    Create(profile_people::Create),
    /// The same for each line of a CSV file; doing it again makes nothing twice
    Import(profile_people::Import),
    /// Change fields of a contact's profile
    Set(profile_fields::Set),
    /// Write a note to a contact's profile, or rewrite one
    Note(profile_edit::Note),
    /// Write a task of a contact's profile, or how far it is
    Task(profile_edit::Task),
    /// Remove a contact's personal data from the store; the ledger stays
    Erase(profile_edit::Erase),
}

/// One event of the timeline, with the runs that it started.
#[derive(Debug, Serialize)]
struct Moment {
    #[serde(flatten)]
    row: InboxRow,
    /// The run that made it happen.
    cause: Option<Cause>,
    runs: Vec<Ran>,
}

#[derive(Debug, Serialize)]
struct Cause {
    run: i64,
    workflow: String,
}

#[derive(Debug, Serialize)]
struct Ran {
    id: i64,
    workflow: String,
    state: canopy_store::RunState,
    error: Option<String>,
    steps: Vec<StepRecord>,
}

pub(super) async fn profile(
    command: &ProfileCommand,
    environment: &Environment,
    observer: Arc<dyn Observer>,
) -> Result<Ended, Failure> {
    match command {
        ProfileCommand::Create(options) => {
            profile_people::create(options, environment, observer).await
        }
        ProfileCommand::Import(options) => {
            profile_people::import(options, environment, observer).await
        }
        ProfileCommand::Set(options) => profile_fields::set(options, environment).await,
        ProfileCommand::Show {
            config,
            only,
            contact,
            limit,
            live,
            json,
        } => {
            let wanted = Wanted {
                limit: *limit,
                live: live.then_some(environment),
            };
            show((config, only), contact, &wanted, *json).await
        }
        ProfileCommand::Note(options) => profile_edit::note(options, environment).await,
        ProfileCommand::Task(options) => profile_edit::task(options, environment).await,
        ProfileCommand::Erase(options) => profile_edit::erase(options, environment).await,
    }
}

/// What of a contact is to be shown.
struct Wanted<'a> {
    limit: u32,
    /// `HighLevel` is asked, with these credentials.
    live: Option<&'a Environment>,
}

async fn show(
    (config, only): (&ConfigArgs, &Only),
    contact: &str,
    wanted: &Wanted<'_>,
    json: bool,
) -> Result<Ended, Failure> {
    let store = status::open(config).await?;
    let location = only.location(config, &store).await;
    let views = views(&store, contact, wanted.limit).await;
    let modes = match &views {
        Ok(views) => {
            let places: Vec<_> = views
                .iter()
                .map(|view| json!({ "location": view.location }))
                .collect();
            modes::rows(config, &store, &places).await
        }
        Err(_) => Ok(Value::Null),
    };
    store.close().await;
    let modes = modes?;
    let mode_of = |view: &View| {
        let mut rows = modes.as_array().into_iter().flatten();
        let row = rows.find(|row| row["location"] == view.location.as_str());
        row.map_or(Value::Null, |row| row["connection_mode"].clone())
    };
    let (location, mut views) = (location?, views.map_err(|error| Failure::failed(&error))?);
    views.retain(|view| location.as_ref().is_none_or(|one| view.location == *one));
    if let Some(environment) = wanted.live {
        read_now(config, environment, &mut views).await?;
    }
    if views.is_empty() {
        return Err(Failure::BadInput(format!(
            "the store knows no contact or profile \"{contact}\""
        )));
    }
    if json {
        println!(
            "{}",
            views
                .iter()
                .map(|view| {
                    let mut data = view.to_json();
                    data["connectionMode"] = mode_of(view);
                    data
                })
                .collect::<Value>()
        );
    } else {
        let texts: Vec<_> = views.iter().map(View::to_text).collect();
        print!("{}", texts.join("\n"));
    }
    Ok(Ended::Well)
}

/// Asks `HighLevel` for its side of these contacts.
async fn read_now(
    config: &ConfigArgs,
    environment: &Environment,
    views: &mut [View],
) -> Result<(), Failure> {
    let loaded = config::load(&config.config)?;
    let store = existing_store(&loaded, environment).await?;
    let (calls, log) = CallSink::new();
    if let Some(store) = &store {
        log.start(Arc::new(store.clone()));
    }
    let connector = Connector {
        loaded: &loaded,
        environment,
        store: store.as_ref(),
        calls: &calls,
        limiters: None,
    };
    let read = async {
        for connection in &loaded.config.connection {
            let location = connector.location(connection).await?;
            for view in views.iter_mut().filter(|view| view.location == location) {
                let client = connector.highlevel(connection, &location).await?;
                view.highlevel = profile_highlevel::live(&client, &location, &view.contact).await?;
            }
        }
        Ok(())
    };
    let read = read.await;
    calls.flush().await;
    if let Some(store) = store {
        store.close().await;
    }
    read
}

/// A contact in one location.
struct View {
    location: String,
    contact: String,
    profile: Option<Profile>,
    /// Of purchases for real money.
    impact: canopy_mapping::Impact,
    /// Of simulated ones.
    in_test: canopy_mapping::Impact,
    tags: Vec<String>,
    tasks: Vec<ProfileTask>,
    notes: Vec<ProfileNote>,
    history: Vec<HistoryEntry>,
    purchases: Vec<Purchase>,
    highlevel: Side,
    timeline: Vec<Moment>,
}

async fn views(store: &SqliteStore, contact: &str, limit: u32) -> Result<Vec<View>, StoreError> {
    let mut who: Vec<(String, String)> = store
        .find_profiles(contact)
        .await?
        .into_iter()
        .map(|profile| (profile.location, profile.contact))
        .collect();
    for location in store.locations_of_contact(contact).await? {
        let pair = (location, contact.to_owned());
        if !who.contains(&pair) {
            who.push(pair);
        }
    }
    let mut views = Vec::new();
    for (location, contact) in who {
        views.push(view(store, location, contact, limit).await?);
    }
    Ok(views)
}

async fn view(
    store: &SqliteStore,
    location: String,
    contact: String,
    limit: u32,
) -> Result<View, StoreError> {
    let mut timeline = Vec::new();
    for row in store.contact_events(&location, &contact, limit).await? {
        let mut runs = Vec::new();
        for run in store.runs_of_event(row.event.id).await? {
            runs.push(ran(store, run).await?);
        }
        let cause = match row.event.trace.cause {
            Some(id) => store.run(id).await?,
            None => None,
        };
        let cause = cause.map(|run| Cause {
            run: run.id,
            workflow: run.workflow,
        });
        timeline.push(Moment { row, cause, runs });
    }
    Ok(View {
        profile: store.profile(&location, &contact).await?,
        impact: store.impact(&location, &contact, false).await?,
        in_test: store.impact(&location, &contact, true).await?,
        tags: store.profile_tags(&location, &contact).await?,
        tasks: store.profile_tasks(&location, &contact).await?,
        notes: store.profile_notes(&location, &contact).await?,
        history: store.profile_history(&location, &contact, limit).await?,
        purchases: store.contact_purchases(&location, &contact, limit).await?,
        highlevel: profile_highlevel::known(store, &location, &contact).await?,
        timeline,
        location,
        contact,
    })
}

async fn ran(store: &SqliteStore, run: Run) -> Result<Ran, StoreError> {
    Ok(Ran {
        steps: store.steps(run.id).await?,
        id: run.id,
        workflow: run.workflow,
        state: run.state,
        error: run.error,
    })
}

impl View {
    fn to_json(&self) -> Value {
        json!({
            "location": self.location, "contact": self.contact, "profile": self.profile, "impact": self.impact, "impactInTestMode": self.in_test,
            "tags": self.tags, "tasks": self.tasks, "notes": self.notes, "history": self.history,
            "purchases": self.purchases, "highlevel": self.highlevel, "timeline": self.timeline,
        })
    }

    fn to_text(&self) -> String {
        let mut rows = vec![
            ("contact", self.contact.clone()),
            ("location", self.location.clone()),
        ];
        if let Some(profile) = &self.profile {
            rows.push(("profile", profile.id.clone()));
            for (name, value) in &profile.fields {
                rows.push((name, plain(value)));
            }
        }
        let impact = &self.impact;
        rows.extend([
            ("trees", impact.trees.to_string()),
            ("CO2e avoided", format!("{} kg", impact.carbon_kg)),
            ("CO2e removed", format!("{} kg", impact.carbon_removal_kg)),
            ("habitat", format!("{} m2", impact.habitat_m2)),
        ]);
        if self.in_test.purchases > 0 {
            let simulated = &self.in_test;
            let told = format!(
                "{} simulated purchase(s), in none of the figures above: {} trees, {} kg CO2e avoided, {} kg removed, {} m2",
                simulated.purchases,
                simulated.trees,
                simulated.carbon_kg,
                simulated.carbon_removal_kg,
                simulated.habitat_m2
            );
            rows.push(("in test mode", told));
        }
        if !self.tags.is_empty() {
            rows.push(("tags", self.tags.join(", ")));
        }
        let mut lines = vec![show::pairs(&rows)];
        if !self.tasks.is_empty() {
            lines.push("tasks".to_owned());
            lines.extend(self.tasks.iter().map(task_line));
        }
        if !self.notes.is_empty() {
            lines.push("notes".to_owned());
            lines.extend(
                self.notes
                    .iter()
                    .map(|note| format!("  {:.0}  {}", note.updated_at, note.body)),
            );
        }
        lines.push("purchases".to_owned());
        lines.extend(self.purchases.iter().map(purchase_line));
        lines.push(String::new());
        lines.extend(self.highlevel.lines());
        lines.push("\nevents, newest first".to_owned());
        for moment in &self.timeline {
            lines.extend(moment.lines());
        }
        lines.join("\n") + "\n"
    }
}

impl Moment {
    fn lines(&self) -> Vec<String> {
        let event = &self.row.event;
        let by = match &self.cause {
            Some(cause) => format!(", by run {} of {}", cause.run, cause.workflow),
            None => String::new(),
        };
        let mut lines = vec![format!(
            "  {:.0}  {} {} ({}{by}): {}",
            event.occurred_at,
            event.kind,
            event.record,
            event.source.as_str(),
            self.row.state
        )];
        for ran in &self.runs {
            let why = reason(ran.error.as_deref());
            lines.push(format!(
                "    run {} {}: {}{why}",
                ran.id, ran.workflow, ran.state
            ));
            for step in &ran.steps {
                lines.push(format!("      {}", super::runs::step_line(step)));
            }
        }
        lines
    }
}

fn task_line(task: &ProfileTask) -> String {
    let done = if task.completed { ", completed" } else { "" };
    format!(
        "  {:.0}  {}: {} %{done}",
        task.updated_at, task.title, task.progress
    )
}

fn purchase_line(purchase: &Purchase) -> String {
    let price = match purchase.amount {
        Some(amount) => format!("{amount:.2} {}", purchase.currency),
        None => format!("about {:.2} {}", purchase.estimate, purchase.currency),
    };
    let test = if purchase.test { ", test" } else { "" };
    format!(
        "  {:.0}  {} {} for {price}, {}{test} ({}, step {})",
        purchase.created_at,
        purchase.quantity,
        purchase.unit,
        purchase.state,
        purchase.workflow,
        purchase.step,
    )
}

fn reason(error: Option<&str>) -> String {
    error.map(|error| format!(": {error}")).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
