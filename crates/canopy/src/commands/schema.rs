//! `canopy schema`: JSON Schemas of the configuration and of workflow files, for editors.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::config;
use crate::exit::{Ended, Failure};
use crate::output::{self, Output};

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Which one to print
    #[arg(required_unless_present = "out")]
    pub file: Option<Described>,
    /// Write both into this folder, as canopy.schema.json and workflow.schema.json
    #[arg(long, value_name = "FOLDER", conflicts_with = "file")]
    pub out: Option<PathBuf>,
}

/// A file that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Described {
    /// The configuration, canopy.toml
    Config,
    /// A workflow file
    Workflow,
}

impl Described {
    pub const ALL: [Self; 2] = [Self::Config, Self::Workflow];

    /// The name of the schema's file.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Config => "canopy.schema.json",
            Self::Workflow => "workflow.schema.json",
        }
    }

    fn schema(self) -> Value {
        match self {
            Self::Config => config::schema(),
            Self::Workflow => canopy_engine::workflow_schema(),
        }
    }

    /// The schema as it is printed and shipped.
    pub fn text(self) -> String {
        canopy_mapping::schema::print(&self.schema())
    }
}

pub(super) fn schema(options: &Schema) -> Result<Ended, Failure> {
    match (options.file, &options.out) {
        (Some(file), _) => output::text(&file.text()),
        (None, Some(folder)) => {
            write(folder)?;
            eprintln!(
                "wrote {} and {} into {}",
                Described::Config.file(),
                Described::Workflow.file(),
                folder.display()
            );
            Ok(Ended::Well)
        }
        (None, None) => Ok(Ended::Well),
    }
}

/// Writes both into a folder, over those of an earlier version.
pub(super) fn write(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::BadInput(format!("{} cannot be made: {error}", folder.display()))
    })?;
    for file in Described::ALL {
        let mut output = Output::to(Some(&folder.join(file.file())))?;
        output.write(file.text().as_bytes())?;
        output.finish()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
