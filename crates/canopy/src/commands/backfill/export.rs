//! The view's records as a file.

use std::path::Path;

use canopy_store::{ProfileStore, SqliteStore, StoredRecord};
use canopy_triggers::RecordKind;
use indexmap::IndexSet;
use serde_json::{Value, json};

use crate::cells;
use crate::exit::{Ended, Failure};
use crate::output::Output;

/// Records read from the store at a time.
pub(super) const ROWS: u32 = 500;

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    JsonLines,
    Csv,
}

/// By the file's ending.
pub(super) fn format_of(path: &Path) -> Result<Format, Failure> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("jsonl") => Ok(Format::JsonLines),
        Some("csv") => Ok(Format::Csv),
        _ => Err(Failure::BadInput(format!(
            "--to {}: the name must end in .jsonl or .csv",
            path.display()
        ))),
    }
}

/// Writes the records of these locations; the file is whole or not there.
pub(super) async fn export(
    store: &SqliteStore,
    locations: &[String],
    kinds: &[RecordKind],
    path: &Path,
) -> Result<u64, Failure> {
    let mut output = Output::to(Some(path))?;
    let mut count = 0;
    match format_of(path)? {
        Format::JsonLines => {
            each(store, locations, kinds, |record| {
                count += 1;
                output.write(format!("{}\n", json!(record)).as_bytes())
            })
            .await?;
        }
        Format::Csv => {
            // The columns are what the records have: read once for the names, once for the values.
            let mut columns = IndexSet::new();
            each(store, locations, kinds, |record| {
                let members = record.payload.as_object().into_iter().flatten();
                for (name, _) in members {
                    if !columns.contains(name) {
                        columns.insert(name.clone());
                    }
                }
                Ok(())
            })
            .await?;
            let fixed = ["location", "kind", "record", "contact", "changed"];
            let header = fixed.into_iter().chain(columns.iter().map(String::as_str));
            output.write(&row(header)?)?;
            each(store, locations, kinds, |record| {
                count += 1;
                let changed = record.version.map(|at| at.to_string()).unwrap_or_default();
                let contact = record.contact.as_deref().unwrap_or_default();
                let fixed = [
                    &record.location,
                    &record.kind,
                    &record.record,
                    contact,
                    &changed,
                ];
                let values: Vec<String> = columns
                    .iter()
                    .map(|name| cell(record.payload.get(name)))
                    .collect();
                let cells = fixed.into_iter().chain(values.iter().map(String::as_str));
                output.write(&row(cells)?)
            })
            .await?;
        }
    }
    let _: Ended = output.finish()?;
    Ok(count)
}

/// All records of these kinds, in the order of kind and id.
pub(super) async fn each(
    store: &SqliteStore,
    locations: &[String],
    kinds: &[RecordKind],
    mut take: impl FnMut(&StoredRecord) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for location in locations {
        for kind in kinds {
            let mut after = String::new();
            loop {
                let page = store.records(location, kind.as_str(), &after, ROWS).await;
                let page = page.map_err(|error| Failure::failed(&error))?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.record);
                page.iter().try_for_each(&mut take)?;
            }
        }
    }
    Ok(())
}

fn row<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Vec<u8>, Failure> {
    let failed = |error: csv::Error| Failure::failed(&error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let cells: Vec<_> = texts.map(cells::safe).collect();
    let bytes = cells.iter().map(|cell| cell.as_bytes());
    writer.write_record(bytes).map_err(failed)?;
    writer
        .into_inner()
        .map_err(|error| Failure::Failed(error.to_string()))
}

/// Texts as they are, lists and objects as JSON.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}
