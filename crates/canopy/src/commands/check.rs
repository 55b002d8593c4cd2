//! `canopy check`: what is wrong with a configuration or a credential, before anything runs.

use std::collections::HashMap;

use canopy_engine::Catalog;
use canopy_mapping::fields::FieldMapping;
use canopy_mapping::{CUSTOM, FileError, On, Workflow, fields_made_by, unknown_custom_fields};
use canopy_store::{SqliteStore, Store as _};
use canopy_triggers::{Polls, begins_anew};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use super::check_services as services;
use crate::assess;
use crate::call_log::CallSink;
use crate::cli::Check;
use crate::config::{self, ConnectionConfig, Loaded, WorkflowFiles};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::program::existing_store;
use crate::{polls, show};

/// One thing that was looked at.
#[derive(Default)]
pub(super) struct Finding {
    pub what: String,
    /// What is wrong, with the remedy.
    pub problem: Option<String>,
    /// What a person should know although it works.
    pub note: Option<String>,
    /// What it comes to.
    pub info: Option<String>,
}

impl Finding {
    pub fn new(what: impl Into<String>, result: Result<(), String>) -> Self {
        Self {
            what: what.into(),
            problem: result.err(),
            ..Self::default()
        }
    }

    /// That nothing is wrong, and what it comes to.
    pub fn told(what: impl Into<String>, info: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            info: Some(info.into()),
            ..Self::default()
        }
    }

    /// That it works, and what a person should know all the same.
    pub fn noted(what: impl Into<String>, note: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            note: Some(note.into()),
            ..Self::default()
        }
    }
}

pub(super) async fn check(options: &Check, environment: &Environment) -> Result<Ended, Failure> {
    let deadline = Instant::now() + assess::PATIENCE;
    let mut loaded = config::load(&options.config.config)?;
    let places = places(&loaded);
    options.only.keep(&mut loaded)?;
    let loaded = loaded;
    let mut findings = vec![Finding::new("configuration", Ok(()))];
    let all = config::all_workflows(&loaded);
    let active = all.as_deref().unwrap_or_default();
    match &all {
        Ok(workflows) => {
            let wanted = polls::polls(&loaded, workflows);
            let fit = wanted
                .as_ref()
                .map_err(ToString::to_string)
                .and_then(|wanted| {
                    polls::must_fit(&loaded, wanted).map_err(|error| error.to_string())
                });
            let files = config::workflow_files(&loaded);
            let advice = advice(&loaded, &files);
            findings.push(Finding::told("workflows", names(workflows)));
            if let Some(recipe) = config::left_out(&loaded) {
                findings.push(Finding::noted("workflows", config::left_out_text(recipe)));
            }
            findings.extend(advice);
            findings.extend(both_buy(workflows));
            findings.extend(timetables(workflows, Timestamp::now()));
            findings.push(Finding::new("polls", fit));
            if let Ok(wanted) = &wanted {
                findings.extend(anew(&loaded, wanted, Timestamp::now()).await);
            }
        }
        Err(mistakes) => findings.extend(
            mistakes
                .iter()
                .map(|mistake| Finding::new("workflows", Err(mistake.clone()))),
        ),
    }
    for connection in &loaded.config.connection {
        findings.extend(services::plans(&loaded, connection, active));
    }
    if !options.offline {
        let store = existing_store(&loaded, environment).await?;
        let (calls, _) = CallSink::new();
        let connector = Connector {
            loaded: &loaded,
            environment,
            store: store.as_ref(),
            calls: &calls,
            limiters: None,
        };
        let files = config::workflow_files(&loaded);
        let sources: Vec<Source<'_>> = config::sources(&loaded, &files)
            .filter_map(Result::ok)
            .filter_map(|(file, text)| {
                let workflow = Workflow::parse(&file, text, &Catalog).ok()?;
                Some((file, text, workflow))
            })
            .collect();
        // Side by side and within the same bound: one service that hangs keeps nothing else from being told.
        let connections = loaded.config.connection.iter();
        let looks = connections.map(|connection| {
            let index = places.get(&connection.id).copied().unwrap_or_default();
            let (sources, fields) = (&sources, format!("connection {}: fields", connection.id));
            async move {
                let looks = tokio::join!(
                    services::look(connector, connection, active, deadline),
                    tokio::time::timeout_at(
                        deadline,
                        self::fields(connector, (index, connection), sources)
                    )
                );
                let late = || vec![Finding::new(fields, Err(assess::late("HighLevel")))];
                let mut all = looks.0;
                all.extend(looks.1.unwrap_or_else(|_| late()));
                all
            }
        });
        let looks = futures::future::join_all(looks).await;
        findings.extend(twice(&loaded, store.as_ref()).await);
        findings.extend(looks.into_iter().flatten());
        findings.push(services::webhooks(&loaded, store.as_ref()).await);
        if let Some(store) = store {
            store.close().await;
        }
    }
    print(&findings, options.json);
    let wrong = findings
        .iter()
        .filter(|finding| finding.problem.is_some())
        .count();
    if wrong > 0 {
        return Err(Failure::BadInput(format!(
            "{}: {wrong} problem(s)",
            loaded.file
        )));
    }
    Ok(Ended::Well)
}

/// Connections that are for one location: as far as their locations are in the file or known from before.
async fn twice(loaded: &Loaded, store: Option<&SqliteStore>) -> Vec<Finding> {
    let mut seen = HashMap::<String, &str>::new();
    let mut findings = Vec::new();
    for connection in &loaded.config.connection {
        let known = match (&connection.highlevel.location_id, store) {
            (Some(location), _) => Some(location.clone()),
            (None, Some(store)) => store.location_of(&connection.id).await.ok().flatten(),
            (None, None) => None,
        };
        let Some(location) = known else { continue };
        if let Some(other) = seen.insert(location.clone(), &connection.id) {
            let problem = format!(
                "connections {other} and {} are both for location {location}; leave one out, or correct its location_id",
                connection.id
            );
            findings.push(Finding::new("connections", Err(problem)));
        }
    }
    findings
}

/// Which of the file's connections each is, by its id.
fn places(loaded: &Loaded) -> HashMap<String, usize> {
    let ids = loaded.config.connection.iter().enumerate();
    ids.map(|(index, one)| (one.id.clone(), index)).collect()
}

/// What works and is perhaps not meant, a line each.
fn advice(loaded: &Loaded, files: &WorkflowFiles) -> Vec<Finding> {
    let sources = config::sources(loaded, files).filter_map(Result::ok);
    let advice = sources.flat_map(|(file, text)| {
        let workflow = Workflow::parse(&file, text, &Catalog);
        workflow.map_or_else(
            |_| Vec::new(),
            |workflow| workflow.advice(&file, text, &Catalog),
        )
    });
    let told = |advice: FileError| Finding {
        note: Some(advice.to_string()),
        ..Finding::new("workflows", Ok(()))
    };
    advice.map(told).collect()
}

/// The ids of those that are active.
fn names(workflows: &[Workflow]) -> String {
    let ids: Vec<_> = workflows.iter().map(|one| one.id.as_str()).collect();
    if ids.is_empty() {
        return "none is active: all are switched off (enabled = false)".to_owned();
    }
    format!("active: {}", ids.join(", "))
}

/// Events for which two workflows buy, a line each.
fn both_buy(workflows: &[Workflow]) -> Vec<Finding> {
    let told = assess::overlaps(workflows).into_iter();
    let told = told.map(|(start, ids)| {
        let ids = ids.join(", ");
        Finding::noted(
            format!("bought for {start}"),
            format!("more than once: {ids} all buy for it, each by its own \"once\"; switch one off if that is not meant"),
        )
    });
    told.collect()
}

/// Triggers that begin anew at the next poll because they ask for something else now. A store that cannot be read says
/// nothing here.
async fn anew(loaded: &Loaded, wanted: &Polls, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Ok(store) = SqliteStore::open_read_only(&loaded.store_path()).await else {
        return findings;
    };
    for location in store.polled_locations().await.unwrap_or_default() {
        let told = begins_anew(&store, &location, wanted, now).await;
        findings.extend(
            told.unwrap_or_default()
                .into_iter()
                .map(|note| Finding::noted("polls", note)),
        );
    }
    store.close().await;
    findings
}

/// When each timetable is due next, and in which zone that is meant.
fn timetables(workflows: &[Workflow], now: Timestamp) -> Vec<Finding> {
    let all = workflows.iter().flat_map(|workflow| {
        let schedules = workflow.on.iter().filter_map(|on| match on {
            On::Schedule(schedule) => Some(schedule),
            _ => None,
        });
        schedules.map(move |schedule| (workflow, schedule))
    });
    let told = all.filter_map(|(workflow, schedule)| {
        let zone = match &schedule.timezone {
            Some(zone) => zone.clone(),
            None => "UTC, because no timezone is named".to_owned(),
        };
        let coming = schedule.timetable().ok()?.coming(now, 5);
        let coming = coming
            .iter()
            .map(|at| at.strftime("%a %Y-%m-%d %H:%M %Z").to_string());
        let coming = coming.collect::<Vec<_>>().join(", ");
        Some(Finding {
            info: Some(format!("{} ({zone}): {coming}", schedule.schedule)),
            ..Finding::new(format!("timetable of {}", workflow.id), Ok(()))
        })
    });
    told.collect()
}

/// A workflow without mistakes, with its file's name and text.
type Source<'a> = (String, &'a str, Workflow);

/// Whether the fields that are mapped, and that workflows write and read, are those of the location.
async fn fields(
    connector: Connector<'_>,
    place: (usize, &ConnectionConfig),
    sources: &[Source<'_>],
) -> Vec<Finding> {
    let connection = place.1;
    let asks = |(_, _, workflow): &Source<'_>| {
        let writes = workflow
            .steps
            .iter()
            .any(|step| !step.custom_fields.is_empty());
        writes || workflow.reads(CUSTOM)
    };
    if connection.fields.is_empty() && !sources.iter().any(asks) {
        return Vec::new();
    }
    let name = format!("connection {}: fields", connection.id);
    let asked = async {
        let text = |failure: Failure| failure.to_string();
        let location = connector.location(connection).await.map_err(text)?;
        let client = connector.highlevel(connection, &location).await;
        canopy_engine::custom_fields(&client.map_err(text)?, &location)
            .await
            .map_err(|error| crate::exit::chain(&error))
    };
    let custom = match asked.await {
        Ok(custom) => custom,
        Err(error) => {
            let problem = format!("the location's fields cannot be read: {error}");
            return vec![Finding::new(name, Err(problem))];
        }
    };
    // What a workflow makes when it first writes it need not be there yet.
    let mut coming = custom.clone();
    for (_, _, workflow) in sources {
        coming.extend(fields_made_by(workflow, &custom));
    }
    let (_, problems) = FieldMapping::resolve(&connection.fields, &coming);
    let loaded = connector.loaded;
    let mut mistakes = config::located(&loaded.file, &loaded.text, place, &problems);
    for (file, text, workflow) in sources {
        mistakes.extend(unknown_custom_fields(workflow, (file, text), &custom));
    }
    if mistakes.is_empty() {
        return vec![Finding::new(name, Ok(()))];
    }
    let told = mistakes.into_iter().map(|error| error.to_string());
    told.map(|text| Finding::new(name.clone(), Err(text)))
        .collect()
}

fn print(findings: &[Finding], as_json: bool) {
    if as_json {
        let rows: Vec<_> = findings
            .iter()
            .map(|finding| json!({ "what": finding.what, "ok": finding.problem.is_none(), "problem": finding.problem, "note": finding.note, "info": finding.info }))
            .collect();
        println!("{}", json!(rows));
        return;
    }
    let rows: Vec<_> = findings
        .iter()
        .map(|finding| {
            (
                finding.what.as_str(),
                match (&finding.problem, &finding.note, &finding.info) {
                    (Some(problem), ..) => problem.clone(),
                    (None, Some(note), _) => format!("ok, but {note}"),
                    (None, None, Some(info)) => info.clone(),
                    (None, None, None) => "ok".to_owned(),
                },
            )
        })
        .collect();
    print!("{}", show::pairs(&rows));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_five_dates_of_each_timetable_are_told_with_the_zone_that_is_meant() {
        let told = |schedule: &str| {
            let text = format!(
                "id = \"w\"\ntitle = \"W\"\non = {schedule}\n[[do]]\nid = \"s\"\naction = \"profile.save\"\n"
            );
            let workflow = Workflow::parse("w.toml", &text, &Catalog).unwrap();
            // The clocks go back on the 25th.
            let now = "2026-10-23T12:00:00Z".parse().unwrap();
            let told = timetables(&[workflow], now).into_iter();
            told.map(|finding| (finding.what, finding.info.unwrap_or_default()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told("{ schedule = \"30 1 * * *\", timezone = \"Europe/London\" }"),
            [(
                "timetable of w".to_owned(),
                "30 1 * * * (Europe/London): Sat 2026-10-24 01:30 BST, Sun 2026-10-25 01:30 BST, Mon 2026-10-26 01:30 GMT, Tue 2026-10-27 01:30 GMT, Wed 2026-10-28 01:30 GMT".to_owned()
            )]
        );
        let utc = told("{ schedule = \"0 9 1 * *\" }");
        assert!(
            utc[0].1.starts_with(
                "0 9 1 * * (UTC, because no timezone is named): Sun 2026-11-01 09:00 UTC, "
            ),
            "{utc:?}"
        );
        assert_eq!(told("\"contact.created\""), []);
    }
}
