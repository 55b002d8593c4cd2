//! From the descriptions in `spec` to the generated crates: documents in, files out.
//!
//! It is pure: it reads and writes nothing, so `xtask` can write or compare what comes out, and a test can feed it what
//! it likes. It may depend on none of our crates. The way of a document: parsed with line numbers (`document`), merged
//! (`bundle`), checked (`lint`), brought into the form that is published and then into the one that the generator,
//! progenitor, can take (`transform`), and turned into files (`emit`).
//!
//! ```
//! use canopy_codegen::{Service, Source, bundle};
//!
//! let common = "openapi: 3.0.3\ninfo: { title: T, version: '1' }\npaths:\n  /a: { get: {} }\n";
//! let ecologi = Service::named("ecologi").unwrap();
//! let problems = bundle(&[Source::new("spec/ecologi.yaml", common)], ecologi).unwrap_err();
//! assert!(problems.to_string().contains("spec/ecologi.yaml:4: GET /a: `operationId` is missing"));
//! ```

mod bundle;
pub mod diff;
mod document;
mod emit;
mod evidence;
mod lint;
mod pointer;
mod problem;
mod schema;
mod services;
mod source;
mod transform;

use serde_json::{Value, json};

use bundle::Bundle;
use document::Document;

pub use problem::{Problem, Problems};
pub use services::{COMMAND, MANIFEST, Manifest, SERVICES, Service};
pub use source::{Output, Source};

/// All generated files, with the [`MANIFEST`] that lists them, and the `Cargo.toml`s whose features they are behind.
/// `sources` are the files of `spec` and those `Cargo.toml`s.
///
/// # Errors
/// Everything that is wrong with the sources, each with file, line, operation, field and remedy.
pub fn generate(sources: &[Source]) -> Result<Vec<Output>, Problems> {
    let (mut outputs, mut manifests) = (Vec::new(), Vec::new());
    let mut problems = Problems::default();
    for service in SERVICES {
        let bundle = match service_files(sources, service) {
            Ok((files, bundle)) => {
                outputs.extend(files);
                bundle
            }
            Err(error) => {
                problems.0.extend(error.0);
                continue;
            }
        };
        for manifest in service.manifests {
            let source = sources.iter().find(|source| source.path == manifest.path);
            match emit::manifest(manifest, source, &bundle.resources()) {
                Ok(file) => manifests.push(file),
                Err(problem) => problems.0.push(problem),
            }
        }
    }
    problems.check()?;
    outputs.sort_by(|a, b| a.path.cmp(&b.path));
    let paths: Vec<&str> = outputs.iter().map(|output| output.path.as_str()).collect();
    let text = emit::pretty(&json!({ "regenerate": COMMAND, "files": paths }));
    outputs.push(Output {
        path: MANIFEST.to_owned(),
        text,
    });
    // Not in the list: only a section of each is generated, and an orphan would be deleted.
    outputs.extend(manifests);
    Ok(outputs)
}

/// The generated files of one service.
///
/// # Errors
/// Everything that is wrong with the service's sources.
pub fn generate_service(sources: &[Source], service: &Service) -> Result<Vec<Output>, Problems> {
    Ok(service_files(sources, service)?.0)
}

fn service_files(sources: &[Source], service: &Service) -> Result<(Vec<Output>, Bundle), Problems> {
    let bundle = linted(sources, service)?;
    let webhooks = service
        .webhooks
        .map(|dir| linted_webhooks(sources, dir, &bundle))
        .transpose()?;
    let catalog = service
        .catalog
        .map(|path| linted_catalog(sources, path, &bundle))
        .transpose()?;
    let files = emit::service(service, &bundle, webhooks.as_ref(), catalog.as_ref())?;
    Ok((files, bundle))
}

/// One service as one OpenAPI 3.0 document in JSON.
///
/// # Errors
/// Everything that is wrong with the service's sources.
pub fn bundle(sources: &[Source], service: &Service) -> Result<String, Problems> {
    Ok(emit::pretty(&linted(sources, service)?.value))
}

/// The same with paths that differ only in the names of their parameters put together, as OpenAPI wants it of a document:
/// the vendor has one such pair. Arguments of the operations that move have another name there than in our tables.
///
/// # Errors
/// Everything that is wrong with the service's sources.
pub fn bundle_with_unique_paths(sources: &[Source], service: &Service) -> Result<String, Problems> {
    let mut bundle = linted(sources, service)?;
    transform::unique_paths::apply(&mut bundle.value);
    Ok(emit::pretty(&bundle.value))
}

fn linted(sources: &[Source], service: &Service) -> Result<Bundle, Problems> {
    let mut bundle = merge(sources.iter().filter(|source| service.owns(&source.path)))?;
    lint::service(&bundle, service)?;
    transform::run(transform::BUNDLE, &mut bundle.value);
    Ok(bundle)
}

fn linted_webhooks(sources: &[Source], dir: &str, service: &Bundle) -> Result<Bundle, Problems> {
    let mut bundle = merge(sources.iter().filter(|source| source.path.starts_with(dir)))?;
    lint::webhooks(&bundle, service)?;
    transform::run(transform::BUNDLE, &mut bundle.value);
    Ok(bundle)
}

fn linted_catalog(sources: &[Source], path: &str, service: &Bundle) -> Result<Value, Problems> {
    let source = sources.iter().find(|source| source.path == path);
    let source = source.ok_or_else(|| Problem {
        file: path.to_owned(),
        line: 0,
        place: String::new(),
        message: "the file is missing; add it with a list of `entries`".to_owned(),
    })?;
    let document = Document::parse(source)?;
    lint::catalog(&document, service)?;
    Ok(document.value)
}

fn merge<'s>(sources: impl Iterator<Item = &'s Source>) -> Result<Bundle, Problems> {
    let (mut documents, mut problems) = (Vec::new(), Problems::default());
    for source in sources {
        match Document::parse(source) {
            Ok(document) => documents.push(document),
            Err(problem) => problems.0.push(problem),
        }
    }
    problems.check()?;
    let bundle = Bundle::merge(documents);
    bundle.problems.clone().check()?;
    Ok(bundle)
}
