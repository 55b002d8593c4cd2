//! Custom fields by name, key or id: the API writes them by id, and missing ones are created in the location.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use canopy_highlevel::{Client, Error, Priority};
use canopy_mapping::fields::{CustomFieldInfo, KEY, SeveralFields, are_known};
use canopy_mapping::{CUSTOM, CustomField, Workflow, nearest};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::error::Verdict;
use crate::steps::highlevel::verdict_of;
use crate::{Engine, plan};

/// Why custom fields could not be written by name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FieldError {
    #[error(transparent)]
    Service(#[from] Error),
    /// A key is never made from a name that looks like one.
    #[error("the location has no custom field with the key \"{key}\"{}", near.as_ref().map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default())]
    UnknownKey { key: String, near: Option<String> },
    #[error(transparent)]
    Several(#[from] SeveralFields),
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
    read_at: Timestamp,
}

/// The contact fields of each location, read once and extended as fields are created.
#[derive(Debug, Default)]
pub(crate) struct FieldDirectory {
    by_location: Mutex<HashMap<String, Fields>>,
}

impl FieldDirectory {
    /// The fields that are meant by these names, in order; creates what is missing.
    pub async fn resolve<'a>(
        &self,
        engine: &Engine,
        client: &Client,
        location: &str,
        wanted: impl Iterator<Item = (&'a String, &'a CustomField)>,
    ) -> Result<Vec<CustomFieldInfo>, FieldError> {
        let fields = self.of(location);
        // Held while a field is created, so that contacts worked on side by side create it once.
        let mut fields = fields.lock().await;
        let mut resolved = Vec::new();
        for (name, field) in wanted {
            let known = match &*fields {
                Some(known) => CustomFieldInfo::find(&known.all, name)?.cloned(),
                None => None,
            };
            resolved.push(match known {
                Some(known) => known,
                None => create(engine, client, location, (name, field), &mut fields).await?,
            });
        }
        Ok(resolved)
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
            && (now.duration_since(known.read_at).abs() < STALE || is_complete(&known.all))
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

impl Engine {
    /// The location's custom fields, where the workflow reads a contact's.
    pub(crate) async fn read_custom(
        &self,
        connection: &Connection,
        workflow: &Workflow,
        contact: &Value,
    ) -> Result<Vec<CustomFieldInfo>, Verdict> {
        if !workflow.reads(CUSTOM) {
            return Ok(Vec::new());
        }
        let (client, location) = (&connection.highlevel, &connection.location);
        let is_complete = |all: &[CustomFieldInfo]| are_known(all, contact);
        let now = self.clock.now();
        let all = self.fields.all(client, location, is_complete, now).await;
        all.map_err(|error| verdict_of(&error))
    }
}

/// Finds a field that is not known yet, or creates it.
async fn create(
    engine: &Engine,
    client: &Client,
    location: &str,
    (name, field): (&str, &CustomField),
    fields: &mut Option<Known>,
) -> Result<CustomFieldInfo, FieldError> {
    let now = engine.clock.now();
    // Somebody may have made it since the last read, and an unanswered create may have worked. A planned field is
    // nowhere but here.
    let present = match fields.take().filter(|_| engine.holds_back(location)) {
        Some(known) => fields.insert(known),
        None => fields.insert(read(client, location, now).await?),
    };
    if let Some(found) = CustomFieldInfo::find(&present.all, name)? {
        return Ok(found.clone());
    }
    if name.starts_with(KEY) {
        let keys = present.all.iter().map(|field| field.key.as_str());
        let near = nearest(name, keys).map(str::to_owned);
        let key = name.to_owned();
        return Err(FieldError::UnknownKey { key, near });
    }
    let data_type = field.data_type.api_name();
    let arguments = json!({
        "locationId": location, "name": name, "dataType": data_type, "model": "contact",
    });
    engine
        .invoke((client, location), "create-custom-field", &arguments)
        .await?;
    if engine.holds_back(location) {
        let planned = CustomFieldInfo {
            id: plan::mark("create-custom-field", "id"),
            name: name.to_owned(),
            key: String::new(),
            data_type: data_type.to_owned(),
            options: Vec::new(),
        };
        present.all.push(planned.clone());
        return Ok(planned);
    }
    let present = fields.insert(read(client, location, now).await?);
    let found = CustomFieldInfo::find(&present.all, name)?;
    found
        .cloned()
        .ok_or_else(|| FieldError::NotListed(name.to_owned()))
}

async fn read(client: &Client, location: &str, now: Timestamp) -> Result<Known, Error> {
    let all = custom_fields(client, location).await?;
    Ok(Known { all, read_at: now })
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
