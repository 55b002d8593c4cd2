//! Custom fields by name: the API writes them by id, and missing ones are created in the location.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use canopy_highlevel::{Client, Error, Priority};
use canopy_mapping::CustomField;
use serde_json::{Value, json};

use crate::{Engine, plan};

/// Why custom fields could not be written by name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FieldError {
    #[error(transparent)]
    Service(#[from] Error),
    #[error("the custom field \"{0}\" was created, but the location does not list it")]
    NotListed(String),
}

/// Ids of a location's contact fields by lower-case name; `None` until they are read.
type Fields = Arc<tokio::sync::Mutex<Option<HashMap<String, String>>>>;

/// The contact fields of each location, read once and extended as fields are created.
#[derive(Debug, Default)]
pub(crate) struct FieldDirectory {
    by_location: Mutex<HashMap<String, Fields>>,
}

impl FieldDirectory {
    /// The field ids for these names, in order; creates what is missing.
    pub async fn resolve<'a>(
        &self,
        engine: &Engine,
        client: &Client,
        location: &str,
        wanted: impl Iterator<Item = (&'a String, &'a CustomField)>,
    ) -> Result<Vec<String>, FieldError> {
        let fields = self.of(location);
        // Held while a field is created, so that contacts worked on side by side create it once.
        let mut fields = fields.lock().await;
        let mut ids = Vec::new();
        for (name, field) in wanted {
            let lower = name.to_lowercase();
            let known = fields.as_ref().and_then(|fields| fields.get(&lower));
            let id = match known {
                Some(id) => id.clone(),
                None => create(engine, client, location, name, field, &mut fields).await?,
            };
            ids.push(id);
        }
        Ok(ids)
    }

    /// Forgets a location's fields, so that they are read again: after a refusal one may have been deleted.
    pub async fn forget(&self, location: &str) {
        *self.of(location).lock().await = None;
    }

    fn of(&self, location: &str) -> Fields {
        let mut directory = self
            .by_location
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        directory.entry(location.to_owned()).or_default().clone()
    }
}

/// Finds a field that is not known yet, or creates it.
async fn create(
    engine: &Engine,
    client: &Client,
    location: &str,
    name: &str,
    field: &CustomField,
    fields: &mut Option<HashMap<String, String>>,
) -> Result<String, FieldError> {
    let lower = name.to_lowercase();
    // Somebody may have made it since the last read, and an unanswered create may have worked.
    // A planned field is nowhere but here.
    if !engine.is_planning() || fields.is_none() {
        *fields = Some(read(client, location).await?);
    }
    let present = fields.get_or_insert_default();
    if let Some(id) = present.get(&lower) {
        return Ok(id.clone());
    }
    let arguments = json!({
        "locationId": location, "name": name, "dataType": field.data_type.api_name(), "model": "contact",
    });
    engine
        .invoke(client, "create-custom-field", &arguments)
        .await?;
    if engine.is_planning() {
        let id = plan::mark("create-custom-field", "id");
        present.insert(lower, id.clone());
        return Ok(id);
    }
    let present = fields.insert(read(client, location).await?);
    let id = present.get(&lower).cloned();
    id.ok_or_else(|| FieldError::NotListed(name.to_owned()))
}

async fn read(client: &Client, location: &str) -> Result<HashMap<String, String>, Error> {
    let arguments = json!({ "locationId": location, "model": "contact" });
    let answer = client
        .invoke_as(Priority::Workflow, "get-custom-fields", &arguments)
        .await?;
    let fields = answer["customFields"].as_array().into_iter().flatten();
    Ok(fields
        .filter_map(|field| Some((text(field, "name")?.to_lowercase(), text(field, "id")?)))
        .collect())
}

fn text(value: &Value, member: &str) -> Option<String> {
    value[member].as_str().map(str::to_owned)
}
