//! Custom fields by name: the API writes them by id, and missing ones are created in the location.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use canopy_highlevel::{Client, Error, Priority};
use canopy_mapping::CustomField;
use canopy_mapping::fields::CustomFieldInfo;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{Engine, plan};

/// Why custom fields could not be written by name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FieldError {
    #[error(transparent)]
    Service(#[from] Error),
    #[error("the custom field \"{0}\" was created, but the location does not list it")]
    NotListed(String),
}

/// How long a list in which a mapped field is missing is believed: a person may be adding it right now.
const STALE: SignedDuration = SignedDuration::from_mins(5);

/// A location's contact fields; `None` until they are read.
type Fields = Arc<tokio::sync::Mutex<Option<Known>>>;

#[derive(Debug)]
struct Known {
    all: Vec<CustomFieldInfo>,
    /// Ids by lower-case name.
    by_name: HashMap<String, String>,
    read_at: Timestamp,
}

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
            let known = fields.as_ref();
            let known = known.and_then(|fields| fields.by_name.get(&lower));
            let id = match known {
                Some(id) => id.clone(),
                None => create(engine, client, location, (name, field), &mut fields).await?,
            };
            ids.push(id);
        }
        Ok(ids)
    }

    /// All fields of a location that satisfy `is_complete`, which looks at a list that was read a while ago.
    pub async fn all(
        &self,
        client: &Client,
        location: &str,
        is_complete: impl Fn(&[CustomFieldInfo]) -> bool,
        now: Timestamp,
    ) -> Result<Vec<CustomFieldInfo>, Error> {
        let fields = self.of(location);
        let mut fields = fields.lock().await;
        if let Some(known) = &*fields
            && (now < known.read_at + STALE || is_complete(&known.all))
        {
            return Ok(known.all.clone());
        }
        Ok(fields
            .insert(read(client, location, now).await?)
            .all
            .clone())
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
    (name, field): (&str, &CustomField),
    fields: &mut Option<Known>,
) -> Result<String, FieldError> {
    let lower = name.to_lowercase();
    let now = engine.clock.now();
    // Somebody may have made it since the last read, and an unanswered create may have worked. A planned field is
    // nowhere but here.
    let present = match fields.take().filter(|_| engine.is_planning()) {
        Some(known) => fields.insert(known),
        None => fields.insert(read(client, location, now).await?),
    };
    if let Some(id) = present.by_name.get(&lower) {
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
        present.by_name.insert(lower, id.clone());
        return Ok(id);
    }
    let present = fields.insert(read(client, location, now).await?);
    let id = present.by_name.get(&lower).cloned();
    id.ok_or_else(|| FieldError::NotListed(name.to_owned()))
}

async fn read(client: &Client, location: &str, now: Timestamp) -> Result<Known, Error> {
    let all = custom_fields(client, location).await?;
    let by_name = all
        .iter()
        .map(|field| (field.name.to_lowercase(), field.id.clone()));
    Ok(Known {
        by_name: by_name.collect(),
        all,
        read_at: now,
    })
}

/// Asks a location for the custom fields of its contacts.
pub async fn custom_fields(client: &Client, location: &str) -> Result<Vec<CustomFieldInfo>, Error> {
    let arguments = json!({ "locationId": location, "model": "contact" });
    let answer = client
        .invoke_as(Priority::Workflow, "get-custom-fields", &arguments)
        .await?;
    let fields = answer["customFields"].as_array().into_iter().flatten();
    Ok(fields.filter_map(CustomFieldInfo::read).collect())
}
