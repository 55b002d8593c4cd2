//! `canopy workflows`: which there are, what starts them, what they buy, and when they ran last.

use std::collections::HashMap;

use canopy_mapping::{ActionKind, Actions as _, On, Step, Workflow};
use canopy_store::{LastRun, SqliteStore, Store as _};
use clap::Args;
use serde_json::{Value, json};

use super::Only;
use crate::cli::ConfigArgs;
use crate::config::{self, Loaded};
use crate::exit::{Ended, Failure};
use crate::output;
use crate::show;

#[derive(Debug, Args)]
pub(crate) struct Workflows {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn workflows(options: &Workflows) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    let files = config::workflow_files(&loaded);
    let all = config::described_workflows(&loaded, &files);
    let all = all.map_err(|mistakes| config::refusal(&mistakes))?;
    options.only.find(&loaded)?;
    let last = last_runs(options, &loaded).await?;
    if options.json {
        let rows: Vec<_> = all
            .iter()
            .map(|(source, workflow)| as_data(source, workflow, last.get(&workflow.id)))
            .collect();
        let report = json!({
            "workflows": rows, "left_out": config::left_out(&loaded),
            "connections": show::modes_as_data(&loaded.config.connection),
        });
        output::line(&report)?;
        return Ok(Ended::Well);
    }
    for (source, workflow) in &all {
        print!("{}", as_text(source, workflow, last.get(&workflow.id)));
    }
    if let Some(recipe) = config::left_out(&loaded) {
        println!("{}", config::left_out_text(recipe));
    }
    Ok(Ended::Well)
}

/// The last run of each workflow; none where there is no store yet.
async fn last_runs(
    options: &Workflows,
    loaded: &Loaded,
) -> Result<HashMap<String, LastRun>, Failure> {
    if !loaded.store_path().exists() {
        return Ok(HashMap::new());
    }
    let store = SqliteStore::open_read_only(&loaded.store_path()).await;
    let store = store.map_err(|error| Failure::opening(&error))?;
    let location = options.only.location(&options.config, &store).await;
    let last = match &location {
        Ok(location) => store.last_runs(location.as_deref()).await,
        Err(_) => Ok(Vec::new()),
    };
    store.close().await;
    location?;
    let last = last.map_err(|error| Failure::failed(&error))?;
    Ok(last
        .into_iter()
        .map(|last| (last.workflow.clone(), last))
        .collect())
}

fn as_data(source: &str, workflow: &Workflow, last: Option<&LastRun>) -> Value {
    let buys: Vec<_> = buying(workflow)
        .map(|step| {
            json!({
                "step": step.id, "action": step.action,
                "number": step.with.get("number"), "country": step.with.get("country"),
            })
        })
        .collect();
    let starts: Vec<_> = workflow.on.iter().map(On::to_string).collect();
    json!({
        "id": workflow.id, "title": workflow.title, "source": source, "enabled": workflow.enabled,
        "starts_on": starts, "when": workflow.when, "buys": buys,
        "runs": last.map_or(0, |last| last.runs), "last_run": last,
        "waiting_to_be_switched_on": last.map_or(0, |last| last.switched_off),
    })
}

fn as_text(source: &str, workflow: &Workflow, last: Option<&LastRun>) -> String {
    let state = if workflow.enabled {
        String::new()
    } else {
        let begun = last.map_or(0, |last| last.switched_off);
        let begun = (begun > 0).then(|| {
            format!("; {begun} run(s) that had begun wait, and go on once it is switched on")
        });
        format!(
            ", switched off (enabled = false){}",
            begun.unwrap_or_default()
        )
    };
    let starts: Vec<_> = workflow.on.iter().map(On::to_string).collect();
    let buys: Vec<_> = buying(workflow).map(bought).collect();
    let rows = [
        ("  starts on", starts.join(", ")),
        (
            "  buys",
            if buys.is_empty() {
                "nothing".to_owned()
            } else {
                buys.join(", ")
            },
        ),
        (
            "  last run",
            match last {
                Some(last) => format!(
                    "{:.0}, run {} {}, of {} run(s)",
                    last.at, last.run, last.state, last.runs
                ),
                None => "never".to_owned(),
            },
        ),
    ];
    format!(
        "{}: {} ({source}){state}\n{}",
        workflow.id,
        workflow.title,
        show::pairs(&rows)
    )
}

/// A purchase in a few words; a template is shown as it is.
fn bought(step: &Step) -> String {
    let number = step.with.get("number").map_or_else(String::new, |number| {
        let number = number
            .as_str()
            .map_or_else(|| number.to_string(), str::to_owned);
        format!(" {number}")
    });
    let of = |name: &str| {
        let text = step.with.get(name).and_then(Value::as_str);
        text.map(|text| format!(" {text}")).unwrap_or_default()
    };
    format!("{}{number}{}{}", step.action, of("units"), of("country"))
}

fn buying(workflow: &Workflow) -> impl Iterator<Item = &Step> {
    workflow
        .steps
        .iter()
        .filter(|step| canopy_engine::Catalog.kind(&step.action) == Some(ActionKind::Purchase))
}
