//! Chores around the descriptions of the services.

use std::path::{Path, PathBuf};

use canopy_codegen::{SERVICES, Service, Source, diff};
use clap::Subcommand;

use crate::failure::Failure;
use crate::files::{ensure_file_contents, sources};

#[derive(Debug, Subcommand)]
pub enum Chore {
    /// Write one service as one self-contained OpenAPI 3.0 document in JSON, for tools of any make.
    ///
    /// Paths that differ only in the names of their parameters are put together, as OpenAPI wants it.
    Bundle {
        /// `highlevel` or `ecologi`.
        service: String,
        /// The file to write.
        #[arg(long)]
        out: PathBuf,
        /// Keep the vendor's spelling of all paths, also where two are the same to OpenAPI.
        #[arg(long)]
        vendor_paths: bool,
    },
    /// Tell what changed between two bundles, and what of it breaks code that uses the generated crate.
    ///
    /// Exit code: 0 when nothing breaks, 1 when something does, 2 when a file is no bundle.
    Diff {
        /// An OpenAPI 3.0 document in JSON or YAML; `-` reads it from standard input.
        old: PathBuf,
        new: PathBuf,
        /// Print the changes as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub fn run(root: &Path, chore: &Chore) -> Result<(), Failure> {
    match chore {
        Chore::Bundle {
            service,
            out,
            vendor_paths,
        } => bundle(root, service, out, *vendor_paths),
        Chore::Diff { old, new, json } => diff(old, new, *json),
    }
}

fn bundle(root: &Path, service: &str, out: &Path, vendor_paths: bool) -> Result<(), Failure> {
    let found = Service::named(service).ok_or_else(|| Failure::UnknownService {
        name: service.to_owned(),
        known: SERVICES.iter().map(|service| service.name).collect(),
    })?;
    let bundle = if vendor_paths {
        canopy_codegen::bundle
    } else {
        canopy_codegen::bundle_with_unique_paths
    };
    let text = bundle(&sources(root)?, found)?;
    ensure_file_contents(out, &text, false)?;
    Ok(())
}

fn diff(old: &Path, new: &Path, json: bool) -> Result<(), Failure> {
    let found = diff::diff(&document(old)?, &document(new)?)
        .map_err(|problems| Failure::NoBundle(problems.to_string()))?;
    if json {
        print!("{}", found.json());
    } else {
        print!("{found}");
    }
    match found.breaking {
        0 => Ok(()),
        breaking => Err(Failure::Breaking(breaking)),
    }
}

fn document(path: &Path) -> Result<Source, Failure> {
    let name = path.display().to_string();
    let text = if name == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    let text = text.map_err(|error| Failure::NoBundle(format!("cannot read {name}: {error}")))?;
    Ok(Source::new(name, text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Everybody's tools refuse two paths that are one to them; only who asks for the vendor's spelling gets it.
    #[test]
    fn no_two_paths_of_a_bundle_are_the_same_unless_asked_for() {
        let dir = tempfile::TempDir::new().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let twins = |vendor_paths| {
            let out = dir.path().join("bundle.json");
            bundle(root, "highlevel", &out, vendor_paths).unwrap();
            let text = std::fs::read_to_string(&out).unwrap();
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            let paths = document["paths"].as_object().unwrap();
            let shape = |path: &String| -> String {
                let segments = path.split('/').map(|segment| {
                    if segment.starts_with('{') {
                        "{}"
                    } else {
                        segment
                    }
                });
                segments.collect::<Vec<_>>().join("/")
            };
            paths.len() - paths.keys().map(shape).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(twins(false), 0);
        // The crates hand out the same document.
        let out = dir.path().join("bundle.json");
        bundle(root, "highlevel", &out, false).unwrap();
        let exported = std::fs::read_to_string(&out).unwrap();
        for dir in ["highlevel-api", "sandbox"] {
            let embedded = root.join(format!("crates/{dir}/openapi/highlevel.json"));
            assert_eq!(
                std::fs::read_to_string(embedded).unwrap(),
                exported,
                "{dir}"
            );
        }
        assert_eq!(twins(true), 1, "the vendor has one pair");
    }

    #[test]
    fn the_exit_code_says_whether_something_breaks() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let one = file(
            "one.yaml",
            "openapi: 3.0.3\npaths: { /a: { get: { operationId: a } } }",
        );
        let none = file("none.yaml", "openapi: 3.0.3\npaths: {}");
        let odd = file("odd.yaml", "openapi: 3.0.3");
        let code = |old: &Path, new: &Path, json| {
            diff(old, new, json).err().map_or(0, |error| error.code())
        };
        for json in [false, true] {
            assert_eq!(code(&one, &one, json), 0);
            assert_eq!(code(&none, &one, json), 0, "more is no break");
            assert_eq!(code(&one, &none, json), 1);
            assert_eq!(code(&one, &odd, json), 2);
            assert_eq!(code(&one, &dir.path().join("absent.yaml"), json), 2);
        }
    }
}
