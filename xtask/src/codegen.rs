//! Writes or checks what codegen makes.

use std::collections::BTreeSet;
use std::path::Path;

use canopy_codegen::Output;

use crate::failure::Failure;
use crate::files::{self, Difference, ensure_file_contents};

/// Brings all generated files up to date and deletes orphans.
pub fn write(root: &Path) -> Result<(), Failure> {
    let changed = apply(root, false)?;
    for (difference, path) in &changed {
        let verb = if *difference == Difference::Orphaned {
            "deleted"
        } else {
            "wrote"
        };
        eprintln!("{verb} {path}");
    }
    eprintln!("{} files changed", changed.len());
    Ok(())
}

/// Fails when a generated file is not as it should be. Writes nothing.
pub fn check(root: &Path) -> Result<(), Failure> {
    let wrong = apply(root, true)?;
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::Stale(
        wrong
            .iter()
            .map(|(difference, path)| format!("{}: {path}", difference.as_str()))
            .collect(),
    ))
}

fn apply(root: &Path, check: bool) -> Result<Vec<(Difference, String)>, Failure> {
    // All or nothing: this fails before the first file is touched.
    let outputs = canopy_codegen::generate(&files::sources(root)?)?;
    let orphans = orphans(root, &outputs)?;
    let mut changed = Vec::new();
    for output in &outputs {
        let difference = ensure_file_contents(&root.join(&output.path), &output.text, check)?;
        changed.extend(difference.map(|difference| (difference, output.path.clone())));
    }
    for path in orphans {
        if !check {
            files::remove(&root.join(&path))?;
        }
        changed.push((Difference::Orphaned, path));
    }
    Ok(changed)
}

/// Files that the manifest lists or that lie in a folder of generated code, and that nothing makes any more.
fn orphans(root: &Path, outputs: &[Output]) -> Result<BTreeSet<String>, Failure> {
    let made: BTreeSet<&str> = outputs.iter().map(|output| output.path.as_str()).collect();
    let mut found = files::manifest(root)?;
    for dir in made
        .iter()
        .filter_map(|path| Some(path.rsplit_once('/')?.0))
        .filter(|dir| dir.ends_with("/generated"))
    {
        let Ok(entries) = std::fs::read_dir(root.join(dir)) else {
            continue;
        };
        found.extend(
            entries
                .flatten()
                .map(|entry| format!("{dir}/{}", entry.file_name().to_string_lossy())),
        );
    }
    Ok(found
        .into_iter()
        .filter(|path| !made.contains(path.as_str()) && root.join(path).is_file())
        .collect())
}

#[cfg(test)]
mod tests;
