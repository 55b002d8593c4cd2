//! Custom fields by name: the API writes them by id, and missing ones are created in the location.

use std::collections::HashMap;

use canopy_highlevel::{Client, Error, Priority};
use canopy_mapping::CustomField;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// The location's contact fields by lower-case name, read once and extended as fields are created.
///
/// The lock is held while a field is created, so that contacts worked on side by side create it once.
#[derive(Debug, Default)]
pub(crate) struct FieldDirectory {
    by_location: Mutex<HashMap<String, HashMap<String, String>>>,
}

impl FieldDirectory {
    /// The field ids for these names, in order; creates what is missing.
    pub async fn resolve<'a>(
        &self,
        client: &Client,
        location: &str,
        wanted: impl Iterator<Item = (&'a String, &'a CustomField)>,
    ) -> Result<Vec<String>, Error> {
        let mut directory = self.by_location.lock().await;
        let mut ids = Vec::new();
        for (name, field) in wanted {
            let lower = name.to_lowercase();
            let known = directory
                .get(location)
                .and_then(|fields| fields.get(&lower));
            if let Some(id) = known {
                ids.push(id.clone());
                continue;
            }
            // Somebody may have made it since it was last read, and an unanswered create may have worked.
            let fields = read(client, location).await?;
            let fields = directory
                .entry(location.to_owned())
                .insert_entry(fields)
                .into_mut();
            if !fields.contains_key(&lower) {
                let arguments = json!({
                    "locationId": location, "name": name, "dataType": field.data_type.api_name(), "model": "contact",
                });
                let answer = client
                    .invoke_as(Priority::Workflow, "create-custom-field", &arguments)
                    .await?;
                if let Some(id) = answer["customField"]["id"].as_str() {
                    fields.insert(lower.clone(), id.to_owned());
                }
            }
            ids.push(fields.get(&lower).cloned().unwrap_or_default());
        }
        Ok(ids)
    }

    /// Forgets a location's fields, so that they are read again: after a refusal one may have been deleted.
    pub async fn forget(&self, location: &str) {
        self.by_location.lock().await.remove(location);
    }
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
