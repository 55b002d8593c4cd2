//! Reading the spec, and writing or comparing outputs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use canopy_codegen::{MANIFEST, SERVICES, Source};

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

/// All files of the spec and the manifests that list its resources, in a fixed order.
pub fn sources(root: &Path) -> Result<Vec<Source>, Failure> {
    let read = |name: String| {
        let path = root.join(&name);
        let text = fs::read_to_string(&path).map_err(Failure::io("read", &path))?;
        Ok(Source::new(name, text))
    };
    let manifests = SERVICES
        .iter()
        .flat_map(|service| service.manifests)
        .map(|manifest| manifest.path.to_owned());
    walk(root, "spec", "yaml")?
        .into_iter()
        .chain(manifests)
        .map(read)
        .collect()
}

/// All Rust files of the workspace, by their path from its root.
pub fn rust_files(root: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut files = BTreeSet::new();
    for dir in ["codegen", "crates", "tests", "xtask"] {
        files.extend(walk(root, dir, "rs")?);
    }
    Ok(files)
}

/// The files that the manifest of generated files lists.
pub fn manifest(root: &Path) -> Result<BTreeSet<String>, Failure> {
    let text = read_if_there(&root.join(MANIFEST))?.unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let listed = manifest["files"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_str);
    Ok(listed.map(str::to_owned).collect())
}

/// The files below a folder that end in `.extension`.
fn walk(root: &Path, dir: &str, extension: &str) -> Result<BTreeSet<String>, Failure> {
    let mut files = BTreeSet::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        let path = root.join(&dir);
        for entry in fs::read_dir(&path).map_err(Failure::io("read", &path))? {
            let entry = entry.map_err(Failure::io("read", &path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            if path.is_dir() {
                // Build output, wherever someone put it.
                if name != "target" {
                    open.push(format!("{dir}/{name}"));
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                files.insert(format!("{dir}/{name}"));
            }
        }
    }
    Ok(files)
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
