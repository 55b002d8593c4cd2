//! The catalog's entries, by name.

use canopy_highlevel::api::CATALOG;
use canopy_highlevel::operation::{EntryKind, Idempotency, Operation};
use canopy_highlevel::{Description, Forms};
use serde_json::Value;

use super::caller::failure;
use crate::exit::Failure;

/// Filled in from the connection where it is needed and left out.
const LOCATION: &str = "locationId";

/// One entry: an operation under the name and title that people look for it by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub name: &'static str,
    pub title: &'static str,
    pub category: &'static str,
    /// `trigger` or `action`.
    pub kind: &'static str,
    pub operation: &'static Operation,
}

impl Entry {
    /// Whether calling it changes nothing. Some actions only read, such as Find Contact.
    pub fn only_reads(&self) -> bool {
        self.operation.idempotency == Idempotency::Read
    }

    /// What it takes and gives.
    pub fn describe(&self) -> Description {
        canopy_highlevel::describe(self.name)
            .expect("the name is from the table that it is looked up in")
    }

    /// The operation's own arguments in the forms that their fields have: a preset's parameter is replaced by what it
    /// stands for.
    pub fn expand(&self, arguments: &Value, forms: Forms) -> Result<Value, Failure> {
        let typed = canopy_highlevel::expand(self.name, arguments)
            .and_then(|own| canopy_highlevel::typed(self.operation.name, &own, forms));
        typed.map_err(|error| failure(&error))
    }

    /// Holds arguments against the description; a location that will be filled in may be missing.
    pub fn check(&self, description: &Description, arguments: &Value) -> Result<(), Failure> {
        let arguments = with_location(description, arguments.clone(), "filled in");
        canopy_highlevel::check(self.operation.name, &arguments).map_err(|error| failure(&error))
    }
}

/// Whether a call needs the location and does not name it.
pub(crate) fn lacks_location(description: &Description, arguments: &Value) -> bool {
    let mut fields = description.fields.iter();
    fields.any(|field| field.name == LOCATION && field.required) && arguments[LOCATION].is_null()
}

/// The arguments with the location in them, where a call needs one and does not name it.
pub(crate) fn with_location(
    description: &Description,
    mut arguments: Value,
    location: &str,
) -> Value {
    if lacks_location(description, &arguments) {
        arguments[LOCATION] = location.into();
    }
    arguments
}

/// All entries, in the catalog's order.
pub(crate) fn entries() -> impl Iterator<Item = Entry> {
    CATALOG.iter().filter_map(|entry| {
        Some(Entry {
            name: entry.name,
            title: entry.title,
            category: entry.category,
            kind: match entry.kind {
                EntryKind::Trigger => "trigger",
                EntryKind::Action => "action",
            },
            operation: canopy_highlevel::operation(entry.operation)?,
        })
    })
}

/// The categories, in the catalog's order.
pub(crate) fn categories() -> Vec<&'static str> {
    let mut categories = Vec::new();
    for entry in entries() {
        if !categories.contains(&entry.category) {
            categories.push(entry.category);
        }
    }
    categories
}

/// The entry of this name or title, or of the operation that is called so in the service's own description. An unknown one is
/// refused with the nearest right one.
pub(crate) fn find(name: &str) -> Result<Entry, Failure> {
    let by_name = entries().find(|entry| entry.name == name);
    let by_operation = || entries().find(|entry| entry.operation.name == name);
    let by_title = || entries().find(|entry| entry.title.eq_ignore_ascii_case(name.trim()));
    let found = by_name.or_else(by_operation).or_else(by_title);
    found.ok_or_else(|| {
        let names = entries().flat_map(|entry| [entry.name, entry.operation.name]);
        let hint = match nearest(names, name) {
            Some(nearest) => format!("did you mean \"{nearest}\"?"),
            None => "`canopy ops` lists them".to_owned(),
        };
        Failure::BadInput(format!("there is no operation \"{name}\"; {hint}"))
    })
}

/// A category as it is written in a shell: `calendars-appointments`.
pub(crate) fn slug(category: &str) -> String {
    let category = category.to_lowercase();
    let words = category.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

/// The category of this name, written as title or as slug, whole or its beginning. An unknown one is refused with those
/// that there are.
pub(crate) fn find_category(name: &str) -> Result<&'static str, Failure> {
    let wanted = slug(name);
    let categories = categories();
    let whole = categories.iter().find(|category| slug(category) == wanted);
    let mut begins = categories
        .iter()
        .filter(|category| !wanted.is_empty() && slug(category).starts_with(&wanted));
    match (whole, begins.next(), begins.next()) {
        (Some(category), ..) | (None, Some(category), None) => Ok(category),
        _ => {
            let slugs: Vec<_> = categories.iter().map(|category| slug(category)).collect();
            let hint = match nearest(slugs.iter().map(String::as_str), name) {
                Some(nearest) => format!("did you mean \"{nearest}\"?"),
                None => format!("there are: {}", slugs.join(", ")),
            };
            Err(Failure::BadInput(format!(
                "there is no category \"{name}\"; {hint}"
            )))
        }
    }
}

/// The name that was probably meant.
pub(crate) fn nearest<'a>(names: impl Iterator<Item = &'a str>, meant: &str) -> Option<&'a str> {
    // People write titles ("Get Contact") and other notations (`get_contact`).
    let meant = meant.to_lowercase().replace(['_', ' '], "-");
    names
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &meant), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::super::Preview;
    use super::*;

    #[test]
    fn every_entry_has_an_operation_and_an_example_that_can_be_sent() {
        assert_eq!(entries().count(), CATALOG.len());
        for entry in entries() {
            let description = entry.describe();
            let arguments = entry.expand(&description.example, Forms::Numbers);
            let arguments = arguments.unwrap_or_else(|error| panic!("{}: {error}", entry.name));
            if let Err(error) = entry.check(&description, &arguments) {
                panic!("{}: {error}", entry.name);
            }
            let arguments = with_location(&description, arguments, "location");
            let preview = Preview::new("https://services.example.com", &entry, &arguments);
            let preview = preview.unwrap_or_else(|error| panic!("{}: {error}", entry.name));
            assert!(
                !preview.as_text().contains('{') || !preview.as_json()["body"].is_null(),
                "{}",
                entry.name
            );
        }
    }

    #[test]
    fn every_trigger_only_reads() {
        let wrong: Vec<_> = entries()
            .filter(|entry| entry.kind == "trigger" && !entry.only_reads())
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn an_entry_is_found_by_its_name_and_by_its_operation() {
        for (name, expected) in [
            ("create-contact-note", "create-contact-note"),
            ("create-note", "create-contact-note"),
            ("search-contacts-advanced", "search-contacts"),
            ("Find Contact", "find-contact"),
            ("find contact", "find-contact"),
        ] {
            assert_eq!(find(name).unwrap().name, expected);
        }
        for (name, expected) in [
            (
                "Create Contact Notes",
                "did you mean \"create-contact-note\"?",
            ),
            ("get_contact", "did you mean \"get-contact\"?"),
            ("xylophone", "`canopy ops` lists them"),
        ] {
            assert!(
                find(name).unwrap_err().to_string().ends_with(expected),
                "{name}"
            );
        }
    }
}
