//! `canopy schema`: JSON Schemas of the configuration and of workflow files, for editors.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::config;
use crate::exit::{Ended, Failure};
use crate::output;

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

/// The folder beside a configuration in which `canopy init` puts them.
pub(super) const FOLDER: &str = "schema";

/// The first line of a file that tells editors where its schema is, as seen from the file.
pub(super) fn hint(folder: &str, file: Described) -> String {
    format!("#:schema {folder}/{}\n", file.file())
}

/// The same for a workflow file in this folder; nothing where no schema is in the folder or beside it.
pub(super) fn workflow_hint(folder: &Path) -> String {
    let there = |place: &str| {
        folder
            .join(place)
            .join(Described::Workflow.file())
            .is_file()
    };
    let places = [format!("./{FOLDER}"), format!("../{FOLDER}")];
    let found = places.into_iter().find(|place| there(place));
    found.map_or_else(String::new, |place| hint(&place, Described::Workflow))
}

/// Writes both into a folder, over those of an earlier version.
pub(super) fn write(folder: &Path) -> Result<(), Failure> {
    let failure = |path: &Path, error: std::io::Error| {
        Failure::BadInput(format!("{} cannot be written: {error}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| failure(folder, error))?;
    for file in Described::ALL {
        let path = folder.join(file.file());
        std::fs::write(&path, file.text()).map_err(|error| failure(&path, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
