use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const NOTES: &str = "crates/highlevel-api/src/generated/notes.rs";
const BUNDLE: &str = "crates/sandbox/openapi/highlevel.json";
const ORPHAN: &str = "crates/ecologi-api/src/generated/retired.rs";

/// A workspace that has the spec only.
fn workspace() -> TempDir {
    let dir = TempDir::new().unwrap();
    for source in files::sources(&crate::root()).unwrap() {
        ensure_file_contents(&dir.path().join(&source.path), &source.text, false).unwrap();
    }
    dir
}

/// Every file and its text.
fn contents(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(
                    path.display().to_string(),
                    fs::read_to_string(&path).unwrap(),
                );
            }
        }
    }
    files
}

#[test]
fn the_generated_files_of_this_workspace_are_current() {
    if let Err(failure) = check(&crate::root()) {
        panic!("{failure}");
    }
}

#[test]
fn stale_missing_and_orphaned_files_are_named_then_put_right() {
    let dir = workspace();
    let root = dir.path();
    write(root).unwrap();
    check(root).unwrap();
    let good = contents(root);

    fs::write(root.join(NOTES), "edited by hand").unwrap();
    fs::remove_file(root.join(BUNDLE)).unwrap();
    fs::write(root.join(ORPHAN), "").unwrap();
    let bad = contents(root);
    let told = check(root).unwrap_err().to_string();
    for line in [
        format!("stale: {NOTES}"),
        format!("missing: {BUNDLE}"),
        format!("orphaned: {ORPHAN}"),
    ] {
        assert!(told.lines().any(|told| told == line), "{told}");
    }
    assert!(told.ends_with("run `cargo xtask codegen`"), "{told}");
    assert_eq!(contents(root), bad, "a check writes nothing");

    write(root).unwrap();
    assert_eq!(contents(root), good);
}

#[test]
fn a_file_that_only_the_manifest_remembers_is_deleted() {
    let dir = workspace();
    let root = dir.path();
    write(root).unwrap();
    let old = "crates/sandbox/openapi/retired.json";
    let manifest = root.join(canopy_codegen::MANIFEST);
    let text = fs::read_to_string(&manifest).unwrap().replacen(
        "\"files\": [",
        &format!("\"files\": [\"{old}\","),
        1,
    );
    fs::write(&manifest, text).unwrap();
    fs::write(root.join(old), "{}").unwrap();
    assert!(
        check(root)
            .unwrap_err()
            .to_string()
            .contains(&format!("orphaned: {old}"))
    );
    write(root).unwrap();
    assert!(!root.join(old).exists());
}

#[test]
fn a_bad_spec_is_told_with_file_and_line_and_nothing_is_written() {
    let dir = workspace();
    let root = dir.path();
    let notes = root.join("spec/highlevel/notes.yaml");
    let text = fs::read_to_string(&notes).unwrap();
    let line = 1 + text
        .lines()
        .position(|line| line.contains("operationId: get-all-notes"))
        .unwrap();
    fs::write(
        &notes,
        text.replace("operationId: get-all-notes", "operationId: get-all-tasks"),
    )
    .unwrap();
    let before = contents(root);
    let failure = write(root).unwrap_err();
    assert_eq!(failure.code(), 2);
    let told = failure.to_string();
    let clash = "another operation is called `get-all-tasks`, too";
    assert!(told.contains(clash), "{told}");
    assert!(
        told.contains(&format!("spec/highlevel/notes.yaml:{line}: ")),
        "{told}"
    );
    assert_eq!(contents(root), before);
}

#[test]
fn a_second_run_changes_nothing() {
    let dir = workspace();
    write(dir.path()).unwrap();
    assert_eq!(apply(dir.path(), false).unwrap(), Vec::new());
}
