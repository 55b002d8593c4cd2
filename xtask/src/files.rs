//! Reading the spec, and writing or comparing outputs.

use std::fs;
use std::path::Path;

use canopy_codegen::Source;

use crate::failure::Failure;

/// How an output is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    Stale,
    Missing,
    Orphaned,
}

impl Difference {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Orphaned => "orphaned",
        }
    }
}

/// Makes a file hold `text`, or with `check` only says how it differs. An unchanged file is not touched.
pub fn ensure_file_contents(
    path: &Path,
    text: &str,
    check: bool,
) -> Result<Option<Difference>, Failure> {
    let difference = match fs::read(path) {
        Ok(old) if old == text.as_bytes() => return Ok(None),
        Ok(_) => Difference::Stale,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Difference::Missing,
        Err(error) => return Err(Failure::io("read", path)(error)),
    };
    if !check {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(Failure::io("create", dir))?;
        }
        fs::write(path, text).map_err(Failure::io("write", path))?;
    }
    Ok(Some(difference))
}

/// All files of the spec, in a fixed order.
pub fn sources(root: &Path) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    let mut open = vec!["spec".to_owned()];
    while let Some(dir) = open.pop() {
        let path = root.join(&dir);
        for entry in fs::read_dir(&path).map_err(Failure::io("read", &path))? {
            let entry = entry.map_err(Failure::io("read", &path))?;
            let name = format!("{dir}/{}", entry.file_name().to_string_lossy());
            let path = entry.path();
            if path.is_dir() {
                open.push(name);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                sources.push(Source::new(
                    name,
                    fs::read_to_string(&path).map_err(Failure::io("read", &path))?,
                ));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// The text of a file, or nothing when there is none.
pub fn read_if_there(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", path)(error)),
    }
}

/// Removes a file that nothing generates any more.
pub fn remove(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).map_err(Failure::io("remove", path))
}
