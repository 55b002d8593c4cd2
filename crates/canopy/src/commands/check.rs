//! `canopy check`: what is wrong with a configuration or a credential, before anything runs.

use canopy_engine::Catalog;
use canopy_mapping::fields::FieldMapping;
use canopy_mapping::{CUSTOM, FileError, On, Workflow, unknown_custom_fields};
use jiff::Timestamp;
use serde_json::json;

use crate::auth;
use crate::call_log::CallSink;
use crate::cli::Check;
use crate::config::{self, ConnectionConfig, Loaded, WorkflowFiles};
use crate::connect::Connector;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::program::existing_store;
use crate::{polls, show};

/// One thing that was looked at.
struct Finding {
    what: String,
    /// What is wrong, with the remedy.
    problem: Option<String>,
    /// What a person should know although it works.
    note: Option<String>,
    /// What it comes to.
    info: Option<String>,
}

impl Finding {
    fn new(what: impl Into<String>, result: Result<(), String>) -> Self {
        Self {
            what: what.into(),
            problem: result.err(),
            note: None,
            info: None,
        }
    }
}

pub(super) async fn check(options: &Check, environment: &Environment) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    let mut findings = vec![Finding::new("configuration", Ok(()))];
    match config::all_workflows(&loaded) {
        Ok(workflows) => {
            let fit = polls::polls(&loaded, &workflows)
                .and_then(|wanted| polls::must_fit(&loaded, &wanted))
                .map_err(|error| error.to_string());
            let files = config::workflow_files(&loaded);
            let advice = advice(&loaded, &files);
            if advice.is_empty() {
                findings.push(Finding::new("workflows", Ok(())));
            }
            findings.extend(advice);
            findings.extend(timetables(&workflows, Timestamp::now()));
            findings.push(Finding::new("polls", fit));
        }
        Err(mistakes) => findings.extend(
            mistakes
                .into_iter()
                .map(|mistake| Finding::new("workflows", Err(mistake))),
        ),
    }
    if !options.offline {
        let store = existing_store(&loaded, environment).await?;
        let (calls, _) = CallSink::new();
        let connector = Connector {
            loaded: &loaded,
            environment,
            store: store.as_ref(),
            calls: &calls,
        };
        let files = config::workflow_files(&loaded);
        let sources: Vec<Source<'_>> = config::sources(&loaded, &files)
            .filter_map(Result::ok)
            .filter_map(|(file, text)| {
                let workflow = Workflow::parse(&file, text, &Catalog).ok()?;
                Some((file, text, workflow))
            })
            .collect();
        for (index, connection) in loaded.config.connection.iter().enumerate() {
            check_services(connector, connection, &mut findings).await;
            findings.extend(fields(connector, (index, connection), &sources).await);
        }
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

/// What works and is perhaps not meant, a line each.
fn advice(loaded: &Loaded, files: &WorkflowFiles) -> Vec<Finding> {
    let sources = config::sources(loaded, files).filter_map(Result::ok);
    let advice = sources.flat_map(|(file, text)| {
        let workflow = Workflow::parse(&file, text, &Catalog);
        workflow.map_or_else(|_| Vec::new(), |workflow| workflow.advice(&file, text))
    });
    let told = |advice: FileError| Finding {
        note: Some(advice.to_string()),
        ..Finding::new("workflows", Ok(()))
    };
    advice.map(told).collect()
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

async fn check_services(
    connector: Connector<'_>,
    connection: &ConnectionConfig,
    findings: &mut Vec<Finding>,
) {
    let name = |what: &str| format!("connection {}: {what}", connection.id);
    findings.push(Finding::new(
        name("HighLevel"),
        highlevel(connector, connection).await,
    ));
    findings.push(token(connector, connection, name("token")).await);
    findings.push(Finding::new(
        name("Ecologi key"),
        ecologi_key(connector, connection).await,
    ));
    if let Some(user) = &connection.ecologi.username {
        findings.push(Finding::new(
            name("Ecologi user"),
            ecologi_user(connector, connection, user).await,
        ));
    }
}

async fn highlevel(connector: Connector<'_>, connection: &ConnectionConfig) -> Result<(), String> {
    let text = |failure: Failure| failure.to_string();
    let location = connector.location(connection).await.map_err(text)?;
    let client = connector
        .highlevel(connection, &location)
        .await
        .map_err(text)?;
    let verified = Connector::verify(&client, &location).await;
    verified.map_err(|error| crate::exit::chain(&error))
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
    let (_, problems) = FieldMapping::resolve(&connection.fields, &custom);
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

/// How the connection's token stands: whether it is there, and whether it is due for rotation.
async fn token(connector: Connector<'_>, connection: &ConnectionConfig, what: String) -> Finding {
    let reminder = async {
        let tokens = connector.private_tokens(connection).await;
        let tokens = tokens.map_err(|failure| failure.to_string())?;
        let Some(store) = connector.store else {
            return Ok(None);
        };
        let ages = auth::ages(store, &connection.id, &tokens, Timestamp::now()).await;
        ages.map(|ages| auth::reminder(&ages))
            .map_err(|error| error.to_string())
    };
    match reminder.await {
        Ok(note) => Finding {
            note,
            ..Finding::new(what, Ok(()))
        },
        Err(problem) => Finding::new(what, Err(problem)),
    }
}

async fn ecologi_key(
    connector: Connector<'_>,
    connection: &ConnectionConfig,
) -> Result<(), String> {
    let client = connector.ecologi(connection, "").await;
    let client = client.map_err(|failure| failure.to_string())?;
    let checked = client.check_key().await;
    checked.map_err(|error| crate::exit::chain(&error))
}

async fn ecologi_user(
    connector: Connector<'_>,
    connection: &ConnectionConfig,
    user: &str,
) -> Result<(), String> {
    let client = connector
        .ecologi(connection, "")
        .await
        .map_err(|failure| failure.to_string())?;
    client
        .impact(user)
        .await
        .map(drop)
        .map_err(|error| crate::exit::chain(&error))
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
