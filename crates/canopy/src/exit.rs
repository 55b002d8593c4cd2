//! How a command ends: with a code that scripts can rely on and a text that says what to do.

use std::fmt;
use std::process::ExitCode;

use canopy_store::OpenError;

/// A command that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Code 0.
    Well,
    /// Code 3: it works, but something waits for a person. The command has printed what.
    NeedsPerson,
    /// Code 4: it came as far as the limits of today allow; the same command goes on later. It has been printed when.
    Unfinished,
}

/// A command that could not.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Code 2: the input has to be changed.
    BadInput(String),
    /// Code 1: it did not work this time.
    Failed(String),
    /// Code 1: a service could not be reached. What can wait tries again.
    Later(String),
}

impl Failure {
    pub fn failed(error: &dyn std::error::Error) -> Self {
        Self::Failed(chain(error))
    }

    /// A store that could not be opened: whether it is another file than it should be, or only not to be had now.
    pub fn opening(error: &OpenError) -> Self {
        if error.is_bad_input() {
            Self::bad_input(error)
        } else {
            Self::failed(error)
        }
    }

    pub fn bad_input(error: &dyn std::error::Error) -> Self {
        Self::BadInput(chain(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::BadInput(text) | Self::Failed(text) | Self::Later(text)) = self;
        f.write_str(text)
    }
}

/// An error with its causes, leaving out those that it names already.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text
}

/// The process's exit code; a failure is printed to standard error.
pub(crate) fn report(result: Result<Ended, Failure>) -> ExitCode {
    match result {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::NeedsPerson) => ExitCode::from(3),
        Ok(Ended::Unfinished) => ExitCode::from(4),
        Err(failure) => {
            crate::log::failure(&failure.to_string());
            ExitCode::from(match failure {
                Failure::Failed(_) | Failure::Later(_) => 1,
                Failure::BadInput(_) => 2,
            })
        }
    }
}
