//! The catalog's entries, by name.

use canopy_highlevel::Description;
use canopy_highlevel::operation::{Auth, Idempotency, Operation};
use serde_json::Value;

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
        canopy_highlevel::describe(self.operation.name)
            .expect("the name is from the table that it is looked up in")
    }

    /// Holds arguments against the description; a location that will be filled in may be missing.
    pub fn check(&self, description: &Description, arguments: &Value) -> Result<(), Failure> {
        let checked = if Self::lacks_location(description, arguments) {
            canopy_highlevel::check(
                self.operation.name,
                &Self::with_location(arguments.clone(), "filled in"),
            )
        } else {
            canopy_highlevel::check(self.operation.name, arguments)
        };
        checked.map_err(|error| Failure::bad_input(&error))
    }

    /// Whether a call needs the location and does not name it.
    pub fn lacks_location(description: &Description, arguments: &Value) -> bool {
        let mut fields = description.fields.iter();
        fields.any(|field| field.name == LOCATION && field.required)
            && arguments[LOCATION].is_null()
    }

    /// The arguments with the location in them.
    pub fn with_location(mut arguments: Value, location: &str) -> Value {
        arguments[LOCATION] = location.into();
        arguments
    }
}

/// All entries, in the catalog's order.
pub(crate) fn entries() -> impl Iterator<Item = Entry> {
    let operations = canopy_highlevel::OPERATIONS.iter();
    let operations = operations
        .filter(|operation| operation.auth == Auth::Bearer && operation.resource != "oauth");
    operations.map(|operation| Entry {
        name: operation.name,
        title: operation.summary,
        category: operation.resource,
        kind: if operation.idempotency == Idempotency::Read {
            "trigger"
        } else {
            "action"
        },
        operation,
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

/// The entry of this name. An unknown one is refused with the nearest right one.
pub(crate) fn find(name: &str) -> Result<Entry, Failure> {
    entries().find(|entry| entry.name == name).ok_or_else(|| {
        let hint = match nearest(entries().map(|entry| entry.name), name) {
            Some(nearest) => format!("did you mean \"{nearest}\"?"),
            None => "`canopy ops` lists them".to_owned(),
        };
        Failure::BadInput(format!("there is no operation \"{name}\"; {hint}"))
    })
}

/// The category of this name, in whichever letter case. An unknown one is refused with those that there are.
pub(crate) fn find_category(name: &str) -> Result<&'static str, Failure> {
    let categories = categories();
    let found = categories
        .iter()
        .find(|category| category.eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| {
        let hint = match nearest(categories.iter().copied(), name) {
            Some(nearest) => format!("did you mean \"{nearest}\"?"),
            None => format!("there are: {}", categories.join(", ")),
        };
        Failure::BadInput(format!("there is no category \"{name}\"; {hint}"))
    })
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
