//! What templates see while a run goes on.

use canopy_mapping::fields::{CustomFieldInfo, custom_values};
use canopy_mapping::{CUSTOM, Event, Workflow, after_write, content_hash, record_name};
use canopy_store::{Result, Store};
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use crate::Engine;
use crate::connection::Connection;

/// The members of [`Context::value`]: `event`, `record` (also under its own name, e.g. `opportunity`), `contact`,
/// `custom` (its custom fields, where the workflow reads them), `profile`, `impact`, `location` and `user` (more than the
/// id only where the workflow reads it), `connection`, `steps` (answers of earlier steps by step id).
#[derive(Debug)]
pub(crate) struct Context {
    /// The workflow's id.
    pub workflow: String,
    /// The workflow's consent condition.
    pub consent: Option<String>,
    pub contact_id: Option<String>,
    pub value: Value,
    /// The location's custom fields, where they are read.
    custom: Vec<CustomFieldInfo>,
    /// The contact as it stands by now, where that was read and is not what templates see: a run that comes late still
    /// tells of what happened then.
    present: Option<Value>,
}

impl Context {
    pub async fn new(
        engine: &Engine,
        connection: &Connection,
        workflow: &Workflow,
        event: &Event,
        contact: Value,
    ) -> Result<Self> {
        Self::of(&*engine.store, connection, workflow, event, contact).await
    }

    /// As far as it is known without a call.
    pub async fn known(
        store: &dyn Store,
        connection: &Connection,
        workflow: &Workflow,
        event: &Event,
    ) -> Result<Self> {
        let contact = match &event.contact {
            _ if event.kind.starts_with("contact.") => event.payload.clone(),
            Some(id) => {
                let known = known_contact(store, &event.location, id).await?;
                known.unwrap_or_else(|| json!({ "id": id }))
            }
            None => Value::Null,
        };
        Self::of(store, connection, workflow, event, contact).await
    }

    async fn of(
        store: &dyn Store,
        connection: &Connection,
        workflow: &Workflow,
        event: &Event,
        contact: Value,
    ) -> Result<Self> {
        let mut context = Self {
            workflow: workflow.id.clone(),
            consent: workflow.consent.clone(),
            contact_id: event.contact.clone(),
            custom: Vec::new(),
            present: None,
            value: json!({
                "event": {
                    "kind": event.kind,
                    "source": event.source,
                    "occurredAt": event.occurred_at,
                    "recordId": event.record,
                    "version": event.version,
                },
                "record": event.payload,
                "contact": contact,
                "custom": {},
                "profile": null,
                "impact": null,
                "location": { "id": connection.location },
                "connection": { "id": connection.id, "ecologiUser": connection.ecologi_user, "test": connection.test },
                "steps": {},
            }),
        };
        if let Some(name) = record_name(&event.kind) {
            context.value[name] = event.payload.clone();
        }
        if let (Some(id), Some(contact)) =
            (&event.contact, context.value["contact"].as_object_mut())
        {
            // Webhook payloads, lists and single reads all name it; a contact deleted meanwhile does not.
            contact.entry("id").or_insert_with(|| json!(id));
        }
        context.load_profile(store, connection).await?;
        Ok(context)
    }

    /// Reads profile and impact again, after a step that changed them.
    pub async fn reload_profile(&mut self, engine: &Engine, connection: &Connection) -> Result<()> {
        self.load_profile(&*engine.store, connection).await
    }

    async fn load_profile(&mut self, store: &dyn Store, connection: &Connection) -> Result<()> {
        let Some(contact) = &self.contact_id else {
            return Ok(());
        };
        let profile = store.profile(&connection.location, contact).await?;
        // Test and real never mix: a run sees what connections of its own mode bought.
        let (location, test) = (&connection.location, connection.test);
        let impact = store.impact(location, contact, test).await?;
        self.value["profile"] = json!(profile);
        if let Some(profile) = self.value["profile"].as_object_mut() {
            let location = &connection.location;
            let notes = store.profile_notes(location, contact).await?;
            let tasks = store.profile_tasks(location, contact).await?;
            let tags = store.profile_tags(location, contact).await?;
            profile.insert("notes".to_owned(), json!(notes));
            profile.insert("tasks".to_owned(), json!(tasks));
            profile.insert("tags".to_owned(), json!(tags));
        }
        self.value["impact"] = json!({
            "trees": impact.trees.to_f64(),
            "carbonKg": impact.carbon_kg.to_f64(),
            "carbonRemovalKg": impact.carbon_removal_kg.to_f64(),
            "habitatM2": impact.habitat_m2.to_f64(),
            "purchases": impact.purchases,
        });
        Ok(())
    }

    /// Makes a step's answer visible to later ones.
    pub fn add_step(&mut self, id: &str, output: Value) {
        self.value["steps"][id] = output;
    }

    /// The contact as it stands after the steps so far.
    pub fn contact(&self) -> &Value {
        &self.value["contact"]
    }

    /// The contact as it stands now, as far as is known.
    pub fn present(&self) -> &Value {
        self.present.as_ref().unwrap_or_else(|| self.contact())
    }

    /// How the contact stands by now.
    pub fn set_present(&mut self, contact: Value) {
        self.present = Some(contact);
    }

    /// How the contact stands before a write, and after it; `None`: the operation does not change it.
    pub fn would_write(
        &self,
        operation: &str,
        arguments: &Map<String, Value>,
    ) -> Option<(Value, Value)> {
        let mut before = self.present().clone();
        let after = after_write(operation, arguments, &before)?;
        if let Some(shown) = after_write(operation, arguments, self.contact())
            && content_hash(&shown) == content_hash(&before)
        {
            // An earlier attempt was carried out and not answered: nobody else has changed anything.
            before = self.contact().clone();
        }
        Some((before, after))
    }

    /// Takes up what a write made of the contact. Returned is what [`Self::would_write`] told before.
    pub fn wrote(
        &mut self,
        operation: &str,
        arguments: &Map<String, Value>,
    ) -> Option<(Value, Value)> {
        let (before, after) = self.would_write(operation, arguments)?;
        let shown = after_write(operation, arguments, self.contact());
        if let Some(present) = &mut self.present {
            *present = after.clone();
        }
        if let Some(shown) = shown {
            self.set_contact(shown);
        }
        Some((before, after))
    }

    pub fn set_contact(&mut self, contact: Value) {
        self.value["contact"] = contact;
        self.value[CUSTOM] = custom_values(&self.custom, self.contact());
    }

    /// Shows what was read besides.
    pub fn set(&mut self, name: &str, value: Value) {
        self.value[name] = value;
    }

    /// Shows the contact's custom fields by name.
    pub fn name_fields(&mut self, custom: Vec<CustomFieldInfo>) {
        self.custom = custom;
        self.value[CUSTOM] = custom_values(&self.custom, self.contact());
    }
}

/// A contact as the view has it.
pub(crate) async fn known_contact(
    store: &dyn Store,
    location: &str,
    id: &str,
) -> Result<Option<Value>> {
    let records = store.records_of_contact(location, id).await?;
    let contact = records.into_iter().find(|record| record.kind == "contact");
    Ok(contact.map(|contact| contact.payload))
}
