//! Chores around the descriptions of the services.

use std::path::{Path, PathBuf};

use canopy_codegen::{SERVICES, Service};
use clap::Subcommand;

use crate::failure::Failure;
use crate::files::{ensure_file_contents, sources};

#[derive(Debug, Subcommand)]
pub enum Chore {
    /// Write one service as one self-contained OpenAPI 3.0 document in JSON.
    Bundle {
        /// `highlevel` or `ecologi`.
        service: String,
        /// The file to write.
        #[arg(long)]
        out: PathBuf,
    },
}

pub fn run(root: &Path, chore: &Chore) -> Result<(), Failure> {
    let Chore::Bundle { service, out } = chore;
    let found = Service::named(service).ok_or_else(|| Failure::UnknownService {
        name: service.clone(),
        known: SERVICES.iter().map(|service| service.name).collect(),
    })?;
    let text = canopy_codegen::bundle(&sources(root)?, found)?;
    ensure_file_contents(out, &text, false)?;
    Ok(())
}
