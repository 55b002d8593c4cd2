//! How a chore fails.

use std::path::{Path, PathBuf};

/// Why a chore did not succeed, in words for the person who ran it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}\nnothing was written; correct the spec and run `cargo xtask codegen` again")]
    Spec(#[from] canopy_codegen::Problems),
    #[error("{} of the generated files are not what the spec says:\n{}\nrun `{}`", .0.len(), .0.join("\n"), canopy_codegen::COMMAND)]
    Stale(Vec<String>),
    #[error("{}\nnot tidy: {} to correct", .0.join("\n"), .0.len())]
    Untidy(Vec<String>),
    #[error("there is no service `{name}`; there are {}", known.join(", "))]
    UnknownService {
        name: String,
        known: Vec<&'static str>,
    },
    #[error("{0}")]
    NoBundle(String),
    #[error("{0} of the changes break code that uses the generated crate")]
    Breaking(usize),
    #[error("cannot {what} {}: {error}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("cannot run cargo: {0}")]
    Cargo(String),
    #[error("some tests failed")]
    Tests,
}

impl Failure {
    pub fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { what, path, error }
    }

    /// The exit code: 2 for bad input, 1 for anything else.
    pub fn code(&self) -> u8 {
        match self {
            Self::Spec(_) | Self::UnknownService { .. } | Self::NoBundle(_) => 2,
            _ => 1,
        }
    }
}
