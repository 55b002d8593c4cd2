//! `canopy run`: the workflows of a configuration, for real accounts.

use std::net::SocketAddr;
use std::sync::Arc;

use canopy_engine::Observer;
use canopy_store::{BreakerStore as _, Store};
use tokio::net::TcpListener;

use super::simulate;
use crate::cli::Run;
use crate::config::{self, Loaded};
use crate::environment::Environment;
use crate::exit::{Ended, Failure, chain};
use crate::program::Program;
use crate::rehearsal::Rehearsal;
use crate::{auth, show, shutdown};

pub(super) async fn run(
    options: &Run,
    environment: &Environment,
    observer: Arc<dyn Observer>,
) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    if options.rehearse {
        return rehearse(&loaded, options, environment).await;
    }
    let stop = shutdown::on_signal();
    let waited = if options.once {
        None
    } else {
        auth::wait(&loaded, environment, &stop).await?
    };
    if stop.is_cancelled() {
        return Ok(Ended::Well);
    }
    let program = Program::assemble(&loaded, environment, observer).await?;
    for connection in program.engine.connections() {
        let mode = if connection.test {
            "test mode, nothing is charged"
        } else {
            "real purchases"
        };
        eprintln!(
            "connection {}: location {}, {mode}",
            connection.id, connection.location
        );
    }
    let mut failures = Vec::new();
    if options.once {
        failures = once(&program).await;
    } else {
        let page = bind(loaded.config.server.listen, "server.listen").await?;
        let webhooks = match waited {
            None if loaded.config.webhooks.enabled => {
                Some(bind(loaded.config.webhooks.listen, "webhooks.listen").await?)
            }
            waited => waited,
        };
        announce(&page, webhooks.as_ref());
        program.serve(page, webhooks, stop).await?;
    }
    let ended = finish(program, options).await;
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
    let report = played.await;
    rehearsal.end().await;
    simulate::show(&report?, options.json)
}

/// Polls each location once and works off what is due now. What fails keeps nothing else from being done; it is told.
async fn once(program: &Program) -> Vec<String> {
    let mut failures: Vec<String> = Vec::new();
    program.guard().look().await;
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

async fn finish(program: Program, options: &Run) -> Result<Ended, Failure> {
    program.flush().await;
    let summary = program
        .store
        .summary()
        .await
        .map_err(|error| Failure::failed(&error))?;
    let stopped = program.store.breakers(None).await;
    let stopped = stopped.map_err(|error| Failure::failed(&error))?;
    program.close().await;
    if options.json {
        println!("{}", serde_json::json!(summary));
    } else if options.once {
        print!("{}", show::summary(&summary));
    }
    let needs_person = summary.runs_held + summary.runs_dead + summary.purchases_unknown > 0;
    if options.once && !stopped.is_empty() {
        eprintln!("purchases are stopped; `canopy alerts` tells why");
        return Ok(Ended::NeedsPerson);
    }
    if options.once && needs_person {
        eprintln!("some runs need a person; `canopy status` lists them");
        return Ok(Ended::NeedsPerson);
    }
    Ok(Ended::Well)
}

pub(super) async fn bind(address: SocketAddr, field: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Failed(format!("{field}: cannot listen on {address}: {error}")))
}

/// Says where it can be reached; with port 0 only this tells.
fn announce(page: &TcpListener, webhooks: Option<&TcpListener>) {
    if let Ok(address) = page.local_addr() {
        eprintln!("status page: http://{address}/");
    }
    match webhooks.map(TcpListener::local_addr) {
        Some(Ok(address)) => eprintln!("webhooks:    http://{address}/webhooks/highlevel"),
        _ => eprintln!("webhooks:    off; changes are found by polling"),
    }
}
