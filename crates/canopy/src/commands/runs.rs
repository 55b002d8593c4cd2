//! `canopy runs`: what ran, step by step.

use canopy_store::{Run, RunState, SqliteStore, StepRecord, StepState, Store as _};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Only, modes, only, status};
use crate::cli::ConfigArgs;
use crate::exit::{Ended, Failure};

#[derive(Debug, Args)]
pub(crate) struct Runs {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Show this run with its steps
    pub run: Option<i64>,
    /// Only runs in this state
    #[arg(long, conflicts_with = "run")]
    pub state: Option<State>,
    /// How many
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// States of runs, as the command line says them.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum State {
    Ready,
    Waiting,
    Held,
    Done,
    Dead,
}

impl From<State> for RunState {
    fn from(state: State) -> Self {
        match state {
            State::Ready => Self::Ready,
            State::Waiting => Self::Waiting,
            State::Held => Self::Held,
            State::Done => Self::Done,
            State::Dead => Self::Dead,
        }
    }
}

pub(super) async fn runs(options: &Runs) -> Result<Ended, Failure> {
    let store = status::open(&options.config).await?;
    let told = match (
        options.only.location(&options.config, &store).await,
        options.run,
    ) {
        (Err(failure), _) => Err(failure),
        (Ok(location), Some(run)) => one(&store, run, location.as_ref(), options).await,
        (Ok(location), None) => list(&store, options, location.as_ref()).await,
    };
    store.close().await;
    print!("{}", told?);
    Ok(Ended::Well)
}

async fn list(
    store: &SqliteStore,
    options: &Runs,
    location: Option<&String>,
) -> Result<String, Failure> {
    let most = only::rows(location, options.limit);
    let runs = store.runs(options.state.map(RunState::from), most);
    let runs = runs.await.map_err(|error| Failure::failed(&error))?;
    let runs = only::of(runs, location, options.limit, |run| &run.location);
    if options.json {
        let rows: Vec<_> = runs.iter().map(described).collect();
        let rows = modes::rows(&options.config, store, &rows).await?;
        return Ok(format!("{rows}\n"));
    }
    if runs.is_empty() {
        return Ok("no runs\n".to_owned());
    }
    Ok(runs.iter().map(|run| line(run) + "\n").collect())
}

async fn one(
    store: &SqliteStore,
    id: i64,
    location: Option<&String>,
    options: &Runs,
) -> Result<String, Failure> {
    let failed = |error: canopy_store::StoreError| Failure::failed(&error);
    let run = store.run(id).await.map_err(failed)?;
    let run = run.filter(|run| location.is_none_or(|location| run.location == *location));
    let run = run.ok_or_else(|| {
        Failure::BadInput(format!("there is no run {id}; `canopy runs` lists them"))
    })?;
    let steps = store.steps(id).await.map_err(failed)?;
    if options.json {
        let mut described = described(&run);
        described["steps"] = json!(steps);
        let rows = modes::rows(&options.config, store, &[described]).await?;
        return Ok(format!("{}\n", rows[0]));
    }
    let steps = steps.iter().map(|step| {
        // What is not sent is to be looked at before it is.
        let sent = match step.state {
            StepState::Withheld => format!("      {}\n", step.request),
            _ => String::new(),
        };
        format!("  {}\n{sent}", step_line(step))
    });
    Ok(std::iter::once(line(&run) + "\n").chain(steps).collect())
}

/// Without the text of its workflow, which nobody wants in a list.
fn described(run: &Run) -> serde_json::Value {
    let mut described = json!(run);
    if let Some(members) = described.as_object_mut() {
        members.remove("definition");
    }
    described
}

fn line(run: &Run) -> String {
    let contact = run.contact.as_deref().unwrap_or("none");
    let mut text = format!(
        "run {} {} ({}, contact {contact}, event {}, since {:.0})",
        run.id, run.state, run.workflow, run.event, run.created_at
    );
    if let Some(error) = &run.error {
        text.push_str(": ");
        text.push_str(error);
    }
    text
}

/// One step with what a person asks next: why it failed, or why there was nothing to do.
pub(super) fn step_line(step: &StepRecord) -> String {
    let mut text = format!("{} {}: {}", step.step, step.action, step.state);
    if step.state == StepState::Withheld {
        text.push_str(": recorded as it would be sent to HighLevel, and not sent (test mode)");
    }
    let output = step.output.as_ref();
    let skipped = output.and_then(|output| output["skipped"].as_str());
    if let Some(why) = step.error.as_deref().or(skipped) {
        text.push_str(": ");
        text.push_str(why);
    }
    let left_out = output.and_then(|output| output["leftOut"].as_array());
    if let Some(left_out) = left_out.filter(|left_out| !left_out.is_empty()) {
        let names: Vec<_> = left_out.iter().filter_map(|name| name.as_str()).collect();
        text.push_str(": a newer event had written ");
        text.push_str(&names.join(", "));
    }
    let lost = output.and_then(|output| output["notWritten"].as_array());
    if let Some(lost) = lost.filter(|lost| !lost.is_empty()) {
        let names: Vec<_> = lost.iter().filter_map(|name| name.as_str()).collect();
        text.push_str(": HighLevel said that it was done and did not take ");
        text.push_str(&names.join(", "));
    }
    text
}
