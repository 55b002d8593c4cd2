//! The files that come out for the spec of this workspace.

use std::fs;
use std::path::Path;

use canopy_codegen::{COMMAND, MANIFEST, Problems, SERVICES, Source, bundle, generate};
use serde_json::Value;

fn spec() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = Vec::new();
    for dir in ["spec", "spec/highlevel", "spec/webhooks"] {
        for entry in fs::read_dir(root.join(dir)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                sources.push(Source::new(
                    format!("{dir}/{name}"),
                    fs::read_to_string(entry.path()).unwrap(),
                ));
            }
        }
    }
    for manifest in SERVICES.iter().flat_map(|service| service.manifests) {
        let text = fs::read_to_string(root.join(manifest.path)).unwrap();
        sources.push(Source::new(manifest.path, text));
    }
    sources
}

pub fn changed(path: &str, old: &str, new: &str) -> Result<Vec<canopy_codegen::Output>, Problems> {
    let mut sources = spec();
    let source = sources
        .iter_mut()
        .find(|source| source.path == path)
        .unwrap();
    assert!(source.text.contains(old));
    source.text = source.text.replacen(old, new, 1);
    generate(&sources)
}

#[test]
fn the_same_sources_give_the_same_files_in_whatever_order() {
    let mut sources = spec();
    let first = generate(&sources).unwrap();
    sources.reverse();
    assert_eq!(generate(&sources).unwrap(), first);
}

#[test]
fn files_are_small_and_say_where_they_come_from() {
    let outputs = generate(&spec()).unwrap();
    for output in outputs.iter().filter(|output| {
        Path::new(&output.path)
            .extension()
            .is_some_and(|extension| extension == "rs")
    }) {
        let lines = output.text.lines().count();
        assert!(lines < 8_000, "{}: {lines} lines", output.path);
        assert!(
            output.text.lines().next().unwrap().contains(COMMAND),
            "{}",
            output.path
        );
    }
    let manifest = outputs
        .iter()
        .find(|output| output.path == MANIFEST)
        .unwrap();
    let manifest: Value = serde_json::from_str(&manifest.text).unwrap();
    let listed: Vec<&str> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|path| path.as_str().unwrap())
        .collect();
    for output in &outputs {
        // Written by hand but for one section, or the list itself.
        let is_ours = output.path.ends_with("/Cargo.toml") || output.path == MANIFEST;
        assert_eq!(
            listed.contains(&output.path.as_str()),
            !is_ours,
            "{}",
            output.path
        );
    }
}

#[test]
fn a_bundle_needs_no_other_file() {
    for service in SERVICES {
        let text = bundle(&spec(), service).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.0."));
        let mut open = vec![&document];
        while let Some(value) = open.pop() {
            match value {
                Value::Object(members) => {
                    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                        let target = reference
                            .strip_prefix('#')
                            .and_then(|pointer| document.pointer(pointer));
                        assert!(target.is_some(), "{}: {reference}", service.name);
                    }
                    open.extend(members.values());
                }
                Value::Array(elements) => open.extend(elements),
                _ => {}
            }
        }
    }
}

#[test]
fn a_new_file_is_a_new_resource_with_its_feature() {
    let mut sources = spec();
    let text = "tags: [{ name: moons, description: Moons. }]\npaths:\n  /moons:\n    get:\n      operationId: list-moons\n      \
                summary: List moons\n      description: Lists moons.\n      x-idempotency: read\n      responses:\n        '200':\n          \
                description: All.\n          content: { application/json: { schema: { $ref: 'common.yaml#/components/schemas/Done' } } }\n";
    sources.push(Source::new("spec/highlevel/moons.yaml", text));
    let outputs = generate(&sources).unwrap();
    let text = |path: &str| {
        let found = outputs.iter().find(|output| output.path == path);
        found.unwrap_or_else(|| panic!("no {path}")).text.as_str()
    };
    assert!(text("crates/highlevel-api/src/generated/moons.rs").contains("pub fn list_moons"));
    assert!(text("crates/highlevel-api/Cargo.toml").contains("\nmoons = []\n"));
    let forwards = "\nmoons = [\"canopy-highlevel-api/moons\"]\n";
    assert!(text("crates/highlevel/Cargo.toml").contains(forwards));
}

#[test]
fn an_entry_of_the_catalog_without_an_operation_is_told() {
    let problems = changed(
        "spec/catalog.yaml",
        "operation: get-contact }",
        "operation: get-contct }",
    )
    .unwrap_err()
    .to_string();
    let told = ": get-contact, operation: there is no operation `get-contct`";
    assert!(problems.starts_with("spec/catalog.yaml:"), "{problems}");
    assert!(problems.contains(told), "{problems}");
}

#[test]
fn a_webhook_that_cannot_be_fetched_is_told() {
    let problems = changed(
        "spec/webhooks/notes.yaml",
        "fetch: get-note",
        "fetch: get-nothing",
    )
    .unwrap_err()
    .to_string();
    assert!(
        problems.starts_with("spec/webhooks/notes.yaml:10: NoteCreate, fetch: "),
        "{problems}"
    );
    let problems = changed(
        "spec/webhooks/notes.yaml",
        "kind: note.updated",
        "kind: note.created",
    )
    .unwrap_err()
    .to_string();
    assert!(
        problems.contains("two events have the kind `note.created`"),
        "{problems}"
    );
}

#[test]
fn what_two_files_have_is_told() {
    let old = "  schemas:\n    Note:";
    let new = "  schemas:\n    Task: { type: object, description: Another. }\n    Note:";
    let problems = changed("spec/highlevel/notes.yaml", old, new)
        .unwrap_err()
        .to_string();
    assert!(
        problems.contains(": Task: another file has it already"),
        "{problems}"
    );
}
