//! The workflows that the documents show.

use std::path::{Path, PathBuf};

use canopy_engine::Catalog;
use canopy_mapping::Workflow;

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

#[test]
fn every_workflow_in_the_documents_is_accepted() {
    let mut found = Vec::new();
    documents(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs"),
        &mut found,
    );
    let mut workflows = 0;
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            // Others are parts of a file.
            if block.starts_with("id = ") {
                let file = path.file_name().unwrap().to_string_lossy();
                Workflow::parse(&file, block, &Catalog).unwrap_or_else(|error| panic!("{error}"));
                workflows += 1;
            }
        }
    }
    assert!(
        workflows >= 2,
        "the documents show workflows, and none was found"
    );
}
