//! What can be said of operations on the command line.

use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::catalog;
use crate::cli::ConfigArgs;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Ops {
    /// Only those of one category
    #[arg(long, value_parser = Category, hide_possible_values = true)]
    pub category: Option<String>,
    /// Print a JSON array, with fields and scopes
    #[arg(long)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Option<OpsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OpsCommand {
    /// Describe one operation: fields, scopes, an example
    Show {
        /// The operation's name, as `canopy ops` lists it
        #[arg(value_parser = OperationName, hide_possible_values = true)]
        name: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The operation's name, as `canopy ops` lists it
    #[arg(value_parser = OperationName, hide_possible_values = true)]
    pub name: String,
    /// One argument; repeat it for others, and for more elements of a list
    #[arg(long = "param", short, value_name = "FIELD=VALUE")]
    pub params: Vec<String>,
    /// Arguments as JSON: in place, from a file (@FILE) or from standard input (-)
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub body: Option<String>,
    /// Read a list to its end and print its items as JSON lines
    #[arg(long)]
    pub all_pages: bool,
    /// Check the arguments and print the request, and whether the token has the scope; send nothing
    #[arg(long, conflicts_with_all = ["all_pages", "out"])]
    pub dry_run: bool,
    /// Write the answer to a file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print one line of JSON instead of an indented text
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Mcp {
    /// Let the assistant change things: without it, it only reads
    #[arg(long)]
    pub allow_actions: bool,
    /// Cut answers to so many bytes; the assistant is told what is left out and how to go on
    #[arg(long, value_name = "BYTES", default_value_t = 40_000, value_parser = clap::value_parser!(u32).range(2000..))]
    pub max_answer: u32,
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Whose credentials are used.
#[derive(Debug, Args)]
pub(crate) struct ConnectionArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Which connection, where the configuration has several
    #[arg(long, value_name = "ID")]
    pub connection: Option<String>,
}

/// Any text, with the operations' names as what a shell completes. An unknown name is refused later, with the nearest
/// right one.
#[derive(Debug, Clone, Copy)]
struct OperationName;

impl TypedValueParser for OperationName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names =
            catalog::entries().map(|entry| PossibleValue::new(entry.name).help(entry.title));
        Some(Box::new(names))
    }
}

/// As [`OperationName`], for categories.
#[derive(Debug, Clone, Copy)]
struct Category;

impl TypedValueParser for Category {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(
            catalog::categories()
                .into_iter()
                .map(|category| PossibleValue::new(catalog::slug(category))),
        ))
    }
}
