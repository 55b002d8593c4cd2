//! Custom fields: only the location can tell which there are.

use std::collections::BTreeSet;

use super::CUSTOM;
use crate::check::split_it;
use crate::fields::{CustomFieldInfo, KEY};
use crate::file_error::{FileError, nearest};
use crate::merge;
use crate::values::Sight;
use crate::workflow::Workflow;

/// What a workflow file says of custom fields that the location does not have: only the location can tell. `text` is the
/// file, for the lines.
pub fn unknown_custom_fields(
    workflow: &Workflow,
    (file, text): (&str, &str),
    all: &[CustomFieldInfo],
) -> Vec<FileError> {
    let mut found = Vec::new();
    let keys = || all.iter().map(|field| field.key.as_str());
    let written = workflow.steps.iter().flat_map(|step| {
        let names = step.custom_fields.keys();
        names.map(|name| (step.id.as_str(), name.as_str()))
    });
    for (step, name) in written.clone() {
        let of = |problem: String| {
            FileError::new(file, format!("step \"{step}\": {problem}")).at(text, name)
        };
        match CustomFieldInfo::find(all, name) {
            Err(several) => found.push(of(several.to_string())),
            // Others are made when they are first written.
            Ok(None) if name.starts_with(KEY) => {
                let error = of(format!("the location has no custom field \"{name}\""));
                let near = nearest(name, keys());
                found.push(match near {
                    Some(near) => error.fix(format!("did you mean \"{near}\"?")),
                    None => error.fix("write a name for a field that shall be made"),
                });
            }
            Ok(_) => {}
        }
    }
    let short = |key: &str| key.strip_prefix(KEY).unwrap_or(key).to_owned();
    let mut known: Vec<String> = keys().map(short).collect();
    known.extend(all.iter().map(|field| field.name.clone()));
    known.extend(written.map(|(_, name)| key_of(name)));
    for name in workflow.names_below(CUSTOM) {
        let is_written = text.contains(&format!("{CUSTOM}.{name}"));
        if !is_written && merge::meaning(&format!("{KEY}{name}")).is_some() {
            // It stands beside a member of the contact.
            continue;
        }
        if !known.contains(&name) {
            let problem = format!("the location's contacts have no custom field \"{name}\"");
            let error = FileError::new(file, problem).at(text, &format!("{CUSTOM}.{name}"));
            let error = match error.line {
                None => error.at(text, &format!("contact.{name}")),
                Some(_) => error,
            };
            found.push(match nearest(&name, known.iter().map(String::as_str)) {
                Some(near) => error.fix(format!("did you mean \"{near}\"?")),
                None => error.fix("write its key without \"contact.\", or custom['its name']"),
            });
        }
    }
    let mut searched = BTreeSet::new();
    for (place, sight) in workflow.sights() {
        if let Sight::Subscript(read) = &sight
            && let [CUSTOM, name] = read.parts()[..]
            && !known.iter().any(|one| one == name)
        {
            let problem =
                format!("{place}: the location's contacts have no custom field \"{name}\"");
            let error = FileError::new(file, problem).at_subscript(text, name);
            found.push(match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => error.fix(format!("did you mean \"{near}\"?")),
                None => {
                    error.fix("write its name as the location has it, or its key as custom.key")
                }
            });
        }
        let Sight::List(path) = sight else { continue };
        let Some(name) = merge::custom_field(&path) else {
            continue;
        };
        let is_it = |field: &&CustomFieldInfo| short(&field.key) == name || field.name == name;
        let is_text = all.iter().find(is_it).is_some_and(CustomFieldInfo::is_text);
        if is_text && searched.insert((place.clone(), path.clone())) {
            let problem = format!("{place}: {path} is a text where a list is meant");
            found.push(
                FileError::new(file, problem)
                    .at(text, &path)
                    .fix(split_it(&path)),
            );
        }
    }
    found.sort_by_key(|error| error.line);
    found
}

/// The custom fields that a workflow makes when it first writes them, because the location lacks them.
pub fn fields_made_by(workflow: &Workflow, all: &[CustomFieldInfo]) -> Vec<CustomFieldInfo> {
    let written = workflow.steps.iter().flat_map(|step| &step.custom_fields);
    let is_made =
        |name: &str| !name.starts_with(KEY) && matches!(CustomFieldInfo::find(all, name), Ok(None));
    let made = written.filter(|(name, _)| is_made(name));
    made.map(|(name, field)| CustomFieldInfo {
        id: name.clone(),
        name: name.clone(),
        key: format!("{KEY}{}", key_of(name)),
        data_type: field.data_type.api_name().to_owned(),
        options: Vec::new(),
    })
    .collect()
}

/// The key that the service gives a field of this name, without its prefix.
fn key_of(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if letter.is_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            ' '
        }
    });
    let words: String = letters.collect();
    words.split_whitespace().collect::<Vec<_>>().join("_")
}
