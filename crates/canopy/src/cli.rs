//! The command line: what can be said, and which code answers.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::{
    Alerts, Approve, Backfill, Backup, Budget, Events, LedgerCommand, Only, Plan, ProfileCommand,
    RecipeCommand, Restore, Runs, Schema, Simulate, Trigger, Watch, Workflows,
};
use crate::log::LogFormat;
use crate::ops::cli as ops;

/// Fund climate action at Ecologi from what happens in `HighLevel`.
#[derive(Debug, Parser)]
#[command(name = "canopy", version, about, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 failure, 2 bad input, 3 needs a person, 4 goes on later."
)]
pub(crate) struct Cli {
    /// How the log on standard error is written
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "CANOPY_LOG_FORMAT"
    )]
    pub log_format: LogFormat,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the main job against a sandbox on this machine; needs no account
    Demo(Demo),
    /// Run the workflows for the accounts of a configuration
    Run(Run),
    /// Tell what is wrong with a configuration or a credential, before anything runs
    Check(Check),
    /// Write a commented configuration
    Init(Init),
    /// Start a stand-in for `HighLevel` and Ecologi on loopback
    Sandbox(Sandbox),
    /// Show the figures of a store, and the runs that need a person
    Status(Status),
    /// Show what a person should know
    #[command(alias = "alert")]
    Alerts(Alerts),
    /// Show how many calls a day the polls take, and whether they fit
    Plan(Plan),
    /// Show what a workflow would do with what happened, without writing anything anywhere
    Simulate(Simulate),
    /// Try what a trigger finds
    #[command(subcommand)]
    #[command(alias = "triggers")]
    Trigger(Trigger),
    /// List the workflows: what starts them, what they buy, when they ran last
    Workflows(Workflows),
    /// List what came in
    #[command(alias = "event")]
    Events(Events),
    /// Let events go on that wait for a person
    Approve(Approve),
    /// Show what ran, or one run step by step
    #[command(alias = "history")]
    Runs(Runs),
    /// Run a dead or held run again, from the step at which it stopped; carry out what test mode recorded
    Retry(Retry),
    /// Look at purchases, or settle one whose outcome is unknown
    #[command(subcommand)]
    #[command(alias = "purchases")]
    Purchase(Purchase),
    /// Read all contacts, notes and tasks of a location: for the view, an export, or a workflow
    Backfill(Backfill),
    /// Show what the caps have left, and what waits for them
    Budget(Budget),
    /// Copy the store whole, while canopy runs or not, and prove the copy
    Backup(Backup),
    /// Put a copy that `canopy backup` made in the place of a store that is gone
    Restore(Restore),
    /// Print events as they arrive at a running canopy
    Watch(Watch),
    /// Export the ledger for accounting, or compare it with Ecologi's own figures
    #[command(subcommand)]
    #[command(alias = "journal")]
    Ledger(LedgerCommand),
    /// Show all that is known of one contact, write notes and tasks, or remove personal data
    #[command(subcommand)]
    #[command(alias = "profiles")]
    Profile(ProfileCommand),
    /// List, print or copy the ready workflows
    #[command(subcommand)]
    #[command(alias = "recipes")]
    Recipe(RecipeCommand),
    /// Keep tokens and keys in the store, encrypted
    #[command(subcommand)]
    #[command(alias = "secrets")]
    Secret(Secret),
    /// Connect an app, and look after tokens
    #[command(subcommand)]
    Auth(crate::commands::Auth),
    /// List `HighLevel`'s operations, or describe one
    #[command(alias = "operations")]
    Ops(ops::Ops),
    /// Call any of `HighLevel`'s operations
    Call(ops::Call),
    /// Serve `HighLevel`'s operations to an AI assistant, over the Model Context Protocol on standard input and output
    Mcp(ops::Mcp),
    /// Print the JSON Schema of the configuration or of workflow files, for editors
    Schema(Schema),
    /// Print a script that completes commands and names in a shell
    Completions { shell: Shell },
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file
    #[arg(long, short, default_value = "canopy.toml", env = "CANOPY_CONFIG")]
    pub config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Contacts to create
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub contacts: u32,
    /// Seed of the contacts' names
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// End by itself instead of leaving the status page open
    #[arg(long)]
    pub once: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Where the status page listens
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Lift the rate limits of the sandbox and of the client
    #[arg(long)]
    pub no_limits: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Poll once, work off what is there, print the figures and end; exits with 3 when something needs a person
    #[arg(long)]
    pub once: bool,
    /// Poll once and show what would be done, without writing anything to HighLevel, Ecologi or the store
    #[arg(long = "dry-run")]
    pub rehearse: bool,
    /// With --dry-run: only this connection
    #[arg(long, value_name = "ID", requires = "rehearse")]
    pub connection: Option<String>,
    /// Print the figures as JSON at the end
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Look at the files only; call no service
    #[arg(long)]
    pub offline: bool,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where to write it
    #[arg(default_value = "canopy.toml")]
    pub path: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    /// Loopback address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Contacts that are there from the start
    #[arg(long, default_value_t = 0)]
    pub contacts: u32,
    /// Seed of names, ids and keys
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Answer without rate limits
    #[arg(long)]
    pub no_limits: bool,
    /// Print addresses and credentials as one line of JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Retry {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The run's number, as `canopy status` shows it
    #[arg(required_unless_present_any = ["all", "withheld"])]
    pub run: Option<i64>,
    /// All dead and held runs, but for those that began in test mode and would buy for real now
    #[arg(long, conflicts_with = "run")]
    pub all: bool,
    /// All ended runs of which something was only simulated in test mode: they are carried out now. Where that buys for
    /// real, it says what and for how much, and does it with --yes
    #[arg(long, conflicts_with_all = ["run", "all"])]
    pub withheld: bool,
    /// Buy for real what --withheld carries out
    #[arg(long, requires = "withheld")]
    pub yes: bool,
    /// With the workflow as its file says it now, in place of the version that the run began with
    #[arg(long)]
    pub current: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Purchase {
    /// List the newest purchases
    List(PurchaseList),
    /// Say of one purchase whether it was made, after a look at the Ecologi account
    Resolve(PurchaseResolve),
}

#[derive(Debug, Args)]
pub(crate) struct PurchaseList {
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(flatten)]
    pub only: Only,
    /// How many
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PurchaseResolve {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The purchase's key, or the beginning of it; of one that waits also run:NUMBER
    pub key: String,
    /// It is in the Ecologi account
    #[arg(long, required_unless_present = "not_bought")]
    pub bought: bool,
    /// It is not in the Ecologi account; its run will buy it
    #[arg(long, conflicts_with = "bought")]
    pub not_bought: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Read a secret from standard input and store it; a configuration refers to it as "secret:NAME"
    Set {
        #[command(flatten)]
        config: ConfigArgs,
        name: String,
    },
    /// Delete a secret
    Delete {
        #[command(flatten)]
        config: ConfigArgs,
        name: String,
    },
}
