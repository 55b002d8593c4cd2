//! What commands write for scripts: to standard output, or to a file that is whole or not there.

use std::io::{ErrorKind, IsTerminal, Read as _, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::exit::{Ended, Failure};

/// Prints a text as it is.
pub(crate) fn text(text: &str) -> Result<Ended, Failure> {
    let mut output = Output::Standard;
    output.write(text.as_bytes())?;
    output.finish()
}

/// Prints a value as one line of JSON.
pub(crate) fn line(value: &Value) -> Result<Ended, Failure> {
    text(&format!("{value}\n"))
}

/// Where an answer goes.
#[derive(Debug)]
pub(crate) enum Output {
    Standard,
    /// Whoever read standard output has seen enough, as in `canopy ops | head`.
    Closed,
    /// A file in the making; it takes its name at the end.
    File(Box<(NamedTempFile, PathBuf)>),
}

/// First bytes of SQLite's files: a store or a backup, and a store's log.
const STORES: [&[u8]; 3] = [
    b"SQLite format 3",
    &[0x37, 0x7f, 0x06, 0x82],
    &[0x37, 0x7f, 0x06, 0x83],
];
/// Endings of what lies beside a store, and of configurations and workflows.
const BESIDE: [&str; 8] = [
    "-wal", "-shm", ".lock", ".mark", ".pace", ".key", ".toml", ".db",
];

/// Refuses to write an answer over what cannot be had again: a slip of a shell's completion is enough.
fn must_not_matter(path: &Path) -> Result<(), Failure> {
    let Ok(file) = std::fs::File::open(path) else {
        return Ok(());
    };
    let mut begin = Vec::new();
    // What cannot be read is told when it cannot be written either.
    let _ = file.take(16).read_to_end(&mut begin);
    let name = path.to_string_lossy();
    let matters = STORES.iter().any(|magic| begin.starts_with(magic))
        || BESIDE.iter().any(|ending| name.ends_with(ending));
    if matters {
        return Err(Failure::BadInput(format!(
            "{} is there already and is no export: a store, a backup or what belongs to them is never written over; name another file",
            path.display()
        )));
    }
    Ok(())
}

impl Output {
    /// Standard output, or a file where one is named.
    pub fn to(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::Standard);
        };
        must_not_matter(path)?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = NamedTempFile::new_in(folder).map_err(|error| {
            Failure::BadInput(format!("{} cannot be written: {error}", path.display()))
        })?;
        Ok(Self::File(Box::new((file, path.to_owned()))))
    }

    /// Whether a person would see the bytes.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Standard) && std::io::stdout().is_terminal()
    }

    /// Whether nobody reads any more, so that there is no point in going on.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match self {
            Self::Standard => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            }
            Self::Closed => Ok(()),
            Self::File(file) => file.0.write_all(bytes),
        };
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                *self = Self::Closed;
                Ok(())
            }
            written => written
                .map_err(|error| Failure::Failed(format!("the answer cannot be written: {error}"))),
        }
    }

    /// Gives a file its name.
    pub fn finish(self) -> Result<Ended, Failure> {
        if let Self::File(file) = self {
            let (file, path) = *file;
            file.persist(&path).map_err(|error| {
                Failure::Failed(format!(
                    "{} cannot be written: {}",
                    path.display(),
                    error.error
                ))
            })?;
        }
        Ok(Ended::Well)
    }
}
