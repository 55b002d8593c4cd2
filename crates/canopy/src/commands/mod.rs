//! What each command does.

mod alerts;
mod auth;
mod backfill;
mod backup;
mod budget;
mod call;
mod cannot;
mod check;
mod check_services;
mod completions;
mod demo;
mod events;
mod init;
mod instant;
mod ledger;
mod ledger_account;
mod mcp;
mod modes;
mod only;
mod ops;
mod people_columns;
mod people_file;
mod people_known;
mod people_report;
mod plan;
mod profile;
mod profile_edit;
mod profile_fields;
mod profile_highlevel;
mod profile_people;
mod purchase;
mod recipe;
mod retry_withheld;
mod run;
mod runs;
mod sandbox;
mod schema;
mod secret;
mod simulate;
mod status;
mod trigger;
mod watch;
mod workflows;

use std::net::SocketAddr;
use std::sync::Arc;

use canopy_engine::Observer;
use tokio::net::TcpListener;

use crate::cli::Command;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};

pub(crate) use alerts::Alerts;
pub(crate) use auth::Auth;
pub(crate) use backfill::Backfill;
pub(crate) use backup::{Backup, Restore};
pub(crate) use budget::Budget;
pub(crate) use events::{Approve, Events};
pub(crate) use ledger::LedgerCommand;
pub(crate) use only::Only;
pub(crate) use plan::Plan;
pub(crate) use profile::ProfileCommand;
pub(crate) use recipe::RecipeCommand;
pub(crate) use runs::Runs;
pub(crate) use schema::Schema;
pub(crate) use simulate::Simulate;
pub(crate) use trigger::Trigger;
pub(crate) use watch::Watch;
pub(crate) use workflows::Workflows;

pub(crate) async fn run(
    command: Command,
    environment: &Environment,
    observer: Arc<dyn Observer>,
) -> Result<Ended, Failure> {
    modes::tell(&command);
    match command {
        Command::Demo(options) => demo::demo(&options, observer).await,
        Command::Run(options) => Box::pin(run::run(&options, environment, observer)).await,
        Command::Check(options) => check::check(&options, environment).await,
        Command::Init(options) => init::init(&options),
        Command::Sandbox(options) => sandbox::sandbox(&options).await,
        Command::Status(options) => status::status(&options).await,
        Command::Alerts(options) => alerts::alerts(&options, environment).await,
        Command::Simulate(options) => simulate::simulate(&options, environment).await,
        Command::Plan(options) => plan::plan(&options).await,
        Command::Trigger(options) => trigger::trigger(options, environment).await,
        Command::Events(options) => events::events(&options).await,
        Command::Approve(options) => events::approve(&options, environment).await,
        Command::Runs(options) => runs::runs(&options).await,
        Command::Retry(options) => status::retry(&options, environment).await,
        Command::Purchase(options) => purchase::purchase(&options, environment).await,
        Command::Backfill(options) => backfill::backfill(&options, environment).await,
        Command::Backup(options) => backup::backup(&options, environment).await,
        Command::Restore(options) => backup::restore(&options, environment).await,
        Command::Budget(options) => budget::budget(&options).await,
        Command::Workflows(options) => workflows::workflows(&options).await,
        Command::Watch(options) => watch::watch(&options).await,
        Command::Ledger(command) => ledger::ledger(&command, environment).await,
        Command::Profile(command) => profile::profile(&command, environment, observer).await,
        Command::Recipe(command) => recipe::run(&command),
        Command::Secret(options) => secret::secret(options, environment).await,
        Command::Auth(options) => auth::auth(options, environment).await,
        Command::Ops(options) => ops::ops(&options),
        Command::Call(options) => call::call(options, environment).await,
        Command::Mcp(options) => mcp::mcp(options, environment).await,
        Command::Schema(options) => schema::schema(&options),
        Command::Completions { shell } => completions::completions(shell),
    }
}

/// Listens at the address of this setting.
pub(crate) async fn bind(address: SocketAddr, field: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Failed(format!("{field}: cannot listen on {address}: {error}")))
}
