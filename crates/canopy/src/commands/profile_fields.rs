//! `canopy profile set`: a person's change of a profile's fields.

use canopy_engine::PERSON_FIELDS;
use canopy_mapping::nearest;
use canopy_store::{ProfileStore as _, ProfileUpdate, SqliteStore};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::profile_edit::{the_profile, told};
use crate::cli::ConfigArgs;
use crate::config;
use crate::environment::Environment;
use crate::exit::{Ended, Failure};
use crate::program::open_store;

#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The contact's id in `HighLevel`, or its ecologiProfileId
    pub contact: String,
    /// A field and its new value; without a value it is emptied
    #[arg(required = true, value_name = "NAME=VALUE", value_parser = pair)]
    pub fields: Vec<(String, String)>,
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

pub(super) async fn set(options: &Set, environment: &Environment) -> Result<Ended, Failure> {
    let loaded = config::load(&options.config.config)?;
    let mut known: Vec<String> = PERSON_FIELDS.map(str::to_owned).to_vec();
    for connection in &loaded.config.connection {
        known.extend(connection.fields.0.keys().cloned());
    }
    let store = open_store(&loaded, environment).await?;
    let result = write(&store, options, known).await;
    store.close().await;
    result.map(|()| Ended::Well)
}

async fn write(store: &SqliteStore, options: &Set, known: Vec<String>) -> Result<(), Failure> {
    let profile = the_profile(store, &options.contact).await?;
    let known: Vec<&str> = known
        .iter()
        .chain(profile.fields.keys())
        .map(String::as_str)
        .collect();
    let mut fields = Map::new();
    for (name, value) in &options.fields {
        if !known.contains(&name.as_str()) {
            let fix = match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("known: {}", known.join(", ")),
            };
            return Err(Failure::BadInput(format!(
                "there is no field \"{name}\"; {fix}"
            )));
        }
        let value = if value.is_empty() {
            Value::Null
        } else {
            json!(value)
        };
        fields.insert(name.clone(), value);
    }
    let now = Timestamp::now();
    let mut after = profile.fields.clone();
    after.extend(fields.clone());
    if after == profile.fields {
        return Ok(());
    }
    let payload =
        json!({ "ecologiProfileId": profile.id, "contact": profile.contact, "fields": after });
    let event = told("profile.updated", &profile, &profile.id, payload, now);
    let update = ProfileUpdate {
        id: profile.id.clone(),
        contact: profile.contact.clone(),
        fields,
    };
    store
        .edit_profile(&profile.location, Some(update), vec![], vec![event], now)
        .await
        .map_err(|error| Failure::failed(&error))
}
