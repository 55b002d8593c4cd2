//! The Ecologi side of a contact: Ecologi has no contacts of its own, so the store keeps them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// A contact's record on the Ecologi side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// `eco_` and 24 hexadecimal digits; see [`profile_id`].
    #[serde(rename = "ecologiProfileId")]
    pub id: String,
    pub location: String,
    pub contact: String,
    /// Fields by name, e.g. `name`, `email`; null where one was emptied.
    pub fields: Map<String, Value>,
    /// When each field changed last, where that is known.
    #[serde(skip)]
    pub changed: BTreeMap<String, Timestamp>,
    /// What the contact and the mapped fields last agreed on: [`SyncPlan::synced`](crate::fields::SyncPlan::synced).
    #[serde(skip)]
    pub synced: Map<String, Value>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a contact's confirmed purchases add up to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Impact {
    /// Trees and local trees.
    pub trees: Decimal,
    /// Kilograms of CO2e avoided.
    pub carbon_kg: Decimal,
    /// Kilograms of CO2e removed.
    pub carbon_removal_kg: Decimal,
    /// Square metres restored.
    pub habitat_m2: Decimal,
    /// Number of confirmed purchases.
    pub purchases: u64,
}

/// The `ecologiProfileId` of a contact. It is derived, so that a second machine or a restored store gives the same
/// contact the same id.
pub fn profile_id(connection: &str, location: &str, contact: &str) -> String {
    let mut hash = Sha256::new();
    for part in [connection, location, contact] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    format!("eco_{}", &hex::encode(hash.finalize())[..24])
}

/// A note of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileNote {
    pub id: String,
    pub contact: String,
    /// The note of the contact in HighLevel that it belongs to.
    pub highlevel_id: Option<String>,
    pub body: String,
    /// The run that wrote it last; `None`: a person.
    pub run: Option<i64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A task of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileTask {
    pub id: String,
    pub contact: String,
    /// The task of the contact in HighLevel that it belongs to.
    pub highlevel_id: Option<String>,
    pub title: String,
    /// 0 to 100.
    pub progress: u32,
    pub completed: bool,
    /// The run that wrote it last; `None`: a person.
    pub run: Option<i64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The id of a note or task of a profile, derived from the key of the step (or the name) that makes it.
pub fn profile_record_id(kind: &str, key: &str) -> String {
    let digest = Sha256::digest(format!("{kind}\n{key}").as_bytes());
    format!("{kind}_{}", &hex::encode(digest)[..24])
}
