//! `canopy run`: the workflows of a configuration, for real accounts.

use std::sync::Arc;
use std::time::Duration;

use canopy_engine::{Observer, UNSURE_GATES};
use canopy_store::{BreakerStore as _, MoneyStore as _, Store};

use super::{Only, simulate};
use crate::cli::Run;
use crate::config::{self, Loaded};
use crate::environment::Environment;
use crate::exit::{Ended, Failure, chain};
use crate::log::note;
use crate::program::{Program, Trust};
use crate::rehearsal::Rehearsal;
use crate::{daemon, health, show};

/// How long closing may take at the end.
const FAREWELL: Duration = Duration::from_secs(3);

pub(super) async fn run(
    options: &Run,
    environment: &Environment,
    observer: Arc<dyn Observer>,
) -> Result<Ended, Failure> {
    let mut loaded = config::load(&options.config.config)?;
    if options.rehearse {
        let only = Only {
            connection: options.connection.clone(),
        };
        only.keep(&mut loaded)?;
        return rehearse(&loaded, options, environment).await;
    }
    if !options.once {
        let path = &options.config.config;
        let running = Box::pin(daemon::run(path, &loaded, environment, observer));
        return match running.await? {
            Some(program) => finish_in_time(program, options).await,
            None => Ok(Ended::Well),
        };
    }
    let program = Program::assemble(&loaded, environment, observer, Trust::Tried, None).await?;
    program.introduce();
    let mut failures = once(&program).await;
    let mut good = true;
    match health::once(program.look(), &program.store).await {
        Ok(round) => {
            good = round.good;
            failures.extend(round.failures);
        }
        Err(error) => failures.push(chain(&error)),
    }
    let ended = finish(program, options, good).await;
    if failures.is_empty() {
        return ended;
    }
    // What failed is worse than what waits for a person.
    Err(Failure::Failed(failures.join("; ")))
}

/// What a run would do now.
async fn rehearse(
    loaded: &Loaded,
    options: &Run,
    environment: &Environment,
) -> Result<Ended, Failure> {
    let workflows = config::workflows(loaded)?;
    let rehearsal = Rehearsal::begin(loaded, environment, workflows).await?;
    let played = async {
        for poll in &rehearsal.polls {
            poll.poll().await.map_err(|error| Failure::failed(&error))?;
        }
        rehearsal.play().await?;
        rehearsal.report(None).await
    };
    let report = played.await.map_err(|failure| rehearsal.failure(failure));
    rehearsal.end().await;
    simulate::show(&report?, options.json)
}

/// Polls each location once and works off what is due now. What fails keeps nothing else from being done; it is told.
async fn once(program: &Program) -> Vec<String> {
    let mut failures: Vec<String> = Vec::new();
    program.guard().look().await;
    if let Err(error) = program.engine.agree_in_test().await {
        tracing::debug!(error = %chain(&error), "nothing is agreed with the account yet");
    }
    for poller in &program.polls {
        for error in poller.poll_all().await.1 {
            failures.push(chain(&error));
        }
    }
    for scheduler in &program.schedulers {
        if let Err(error) = scheduler.look().await {
            failures.push(chain(&error));
        }
    }
    for connection in program.engine.connections() {
        if let Err(error) = program.engine.drain(&connection.location).await {
            failures.push(chain(&error));
        }
    }
    failures
}

/// The end, also where the disk does not answer: all that counts is on it already.
async fn finish_in_time(program: Program, options: &Run) -> Result<Ended, Failure> {
    let finished = tokio::time::timeout(FAREWELL, finish(program, options, true)).await;
    finished.unwrap_or_else(|_| {
        tracing::warn!("the store could not be closed in time; the next start recovers it");
        Ok(Ended::Well)
    })
}

async fn finish(program: Program, options: &Run, good: bool) -> Result<Ended, Failure> {
    program.flush().await;
    let summary = program
        .store
        .summary()
        .await
        .map_err(|error| Failure::failed(&error))?;
    let stopped = program.store.breakers(None).await;
    let stopped = stopped.map_err(|error| Failure::failed(&error))?;
    let waiting = program.store.waiting_purchases(None).await;
    let connections: Vec<_> = program
        .engine
        .connections()
        .map(|one| {
            serde_json::json!({ "id": one.id, "test": one.test, "writes_to_highlevel": one.writes() })
        })
        .collect();
    program.close().await;
    let waiting = waiting.map_err(|error| Failure::failed(&error))?;
    if options.json {
        let mut told = serde_json::json!(summary);
        told["connections"] = serde_json::Value::Array(connections);
        println!("{told}");
    } else if options.once {
        print!("{}", show::summary(&summary));
    }
    let needs_person = summary.runs_held + summary.runs_dead + summary.purchases_unknown > 0;
    if options.once && !stopped.is_empty() {
        note("purchases are stopped; `canopy alerts` tells why");
        return Ok(Ended::NeedsPerson);
    }
    let gated = waiting
        .iter()
        .any(|one| UNSURE_GATES.contains(&&*one.gate) && !one.freed);
    if options.once && gated {
        note("real purchases wait for a person; `canopy alerts` says why");
        return Ok(Ended::NeedsPerson);
    }
    if options.once && needs_person {
        note("some runs need a person; `canopy status` lists them");
        return Ok(Ended::NeedsPerson);
    }
    if !good {
        note("not all is good; `canopy status` tells what and what to do");
        return Ok(Ended::NeedsPerson);
    }
    Ok(Ended::Well)
}
