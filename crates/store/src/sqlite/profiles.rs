//! Profiles, links and what a contact's purchases add up to.

use std::collections::BTreeMap;

use canopy_mapping::{Impact, Profile};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::fault::{Fault, Op};
use super::fence::Held;
use super::profile_records::Place;
use super::row::{Reader, micros};
use crate::types::{Link, LinkUpdate, ProfileUpdate};

pub(super) async fn profile(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
) -> Op<Option<Profile>> {
    let row = sqlx::query("SELECT * FROM profiles WHERE location = ?1 AND contact = ?2")
        .bind(location)
        .bind(contact)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn contacts(connection: &mut SqliteConnection, location: &str) -> Op<Vec<String>> {
    let contacts =
        sqlx::query_scalar("SELECT contact FROM profiles WHERE location = ?1 ORDER BY contact")
            .bind(location)
            .fetch_all(connection)
            .await?;
    Ok(contacts)
}

fn read(row: &SqliteRow) -> Op<Profile> {
    let contact: String = row.try_get("contact")?;
    let row = Reader::new(row, "profiles", &contact);
    Ok(Profile {
        id: row.text("id")?,
        location: row.text("location")?,
        fields: row.json("fields")?,
        changed: row
            .json::<BTreeMap<String, i64>>("changed")?
            .into_iter()
            .filter_map(|(name, at)| Some((name, Timestamp::from_microsecond(at).ok()?)))
            .collect(),
        synced: row.json("synced")?,
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
        contact,
    })
}

pub(super) async fn find(
    connection: &mut SqliteConnection,
    contact_or_id: &str,
) -> Op<Vec<Profile>> {
    let rows =
        sqlx::query("SELECT * FROM profiles WHERE contact = ?1 OR id = ?1 ORDER BY location")
            .bind(contact_or_id)
            .fetch_all(connection)
            .await?;
    rows.iter().map(read).collect()
}

/// Creates the profile or lays `fields` over those it has. The id of a profile never changes.
pub(super) async fn merge(
    connection: &mut SqliteConnection,
    place: Place<'_>,
    update: &ProfileUpdate,
    now: Timestamp,
) -> Op<()> {
    let known = profile(connection, place.location, &update.contact).await?;
    let (mut fields, mut changed) = match known {
        Some(profile) => (profile.fields, profile.changed),
        None => (Map::new(), BTreeMap::new()),
    };
    for (name, value) in &update.fields {
        if fields.get(name) != Some(value) {
            fields.insert(name.clone(), value.clone());
            changed.insert(name.clone(), now);
        }
    }
    let changed: BTreeMap<String, i64> = changed
        .into_iter()
        .map(|(name, at)| (name, micros(at)))
        .collect();
    sqlx::query(
        "INSERT INTO profiles (location, contact, id, epoch, fields, changed, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
         ON CONFLICT (location, contact) DO UPDATE SET
             epoch = excluded.epoch, fields = excluded.fields, changed = excluded.changed,
             updated_at = excluded.updated_at",
    )
    .bind(place.location)
    .bind(&update.contact)
    .bind(&update.id)
    .bind(place.epoch)
    .bind(Value::Object(fields).to_string())
    .bind(json!(changed).to_string())
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps what the contact and the profile agree on.
pub(super) async fn agree(
    connection: &mut SqliteConnection,
    place: Place<'_>,
    contact: &str,
    fields: &Map<String, Value>,
) -> Op<()> {
    let done = sqlx::query(
        "UPDATE profiles SET synced = ?3, epoch = ?4 WHERE location = ?1 AND contact = ?2",
    )
    .bind(place.location)
    .bind(contact)
    .bind(json!(fields).to_string())
    .bind(place.epoch)
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Fault::conflict(format!(
            "contact {contact} at {} has no profile whose fields could agree with it",
            place.location
        )));
    }
    Ok(())
}

pub(super) async fn impact(
    connection: &mut SqliteConnection,
    location: &str,
    contact: &str,
    test: bool,
) -> Op<Impact> {
    let row = sqlx::query(
        "SELECT coalesce(sum(quantity) FILTER (WHERE unit = 'trees'), 0) AS trees,
                coalesce(sum(quantity) FILTER (WHERE unit = 'kg_co2e'), 0) AS carbon,
                coalesce(sum(quantity) FILTER (WHERE unit = 'kg_co2e_removed'), 0) AS removal,
                coalesce(sum(quantity) FILTER (WHERE unit = 'm2'), 0) AS habitat,
                count(*) AS purchases
         FROM purchases WHERE location = ?1 AND contact = ?2 AND state = 'confirmed' AND test = ?3",
    )
    .bind(location)
    .bind(contact)
    .bind(test)
    .fetch_one(connection)
    .await?;
    let row = Reader::new(&row, "purchases", format_args!("of {location} {contact}"));
    Ok(Impact {
        trees: row.decimal("trees")?,
        carbon_kg: row.decimal("carbon")?,
        carbon_removal_kg: row.decimal("removal")?,
        habitat_m2: row.decimal("habitat")?,
        purchases: row.narrow("purchases")?,
    })
}

pub(super) async fn link(
    connection: &mut SqliteConnection,
    location: &str,
    kind: &str,
    highlevel_id: &str,
) -> Op<Option<Link>> {
    let row =
        sqlx::query("SELECT * FROM links WHERE location = ?1 AND kind = ?2 AND highlevel_id = ?3")
            .bind(location)
            .bind(kind)
            .bind(highlevel_id)
            .fetch_optional(connection)
            .await?;
    row.map(|row| {
        let row = Reader::new(
            &row,
            "links",
            format_args!("{location} {kind} {highlevel_id}"),
        );
        Ok(Link {
            location: row.text("location")?,
            kind: row.text("kind")?,
            highlevel_id: row.text("highlevel_id")?,
            ecologi_id: row.text("ecologi_id")?,
            written_hash: row.maybe_text("written_hash")?,
            updated_at: row.instant("updated_at")?,
        })
    })
    .transpose()
}

pub(super) async fn put_link(held: &mut Held<'_>, link: &LinkUpdate, now: Timestamp) -> Op<()> {
    sqlx::query(
        "INSERT INTO links (location, kind, highlevel_id, ecologi_id, epoch, written_hash, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (location, kind, highlevel_id) DO UPDATE SET
             ecologi_id = excluded.ecologi_id, epoch = excluded.epoch, written_hash = excluded.written_hash,
             updated_at = excluded.updated_at",
    )
    .bind(&held.fence.location)
    .bind(&link.kind)
    .bind(&link.highlevel_id)
    .bind(&link.ecologi_id)
    .bind(held.fence.epoch)
    .bind(&link.written_hash)
    .bind(micros(now))
    .execute(&mut *held.connection)
    .await?;
    Ok(())
}

pub(super) async fn clear_written_hash(
    held: &mut Held<'_>,
    kind: &str,
    highlevel_id: &str,
    now: Timestamp,
) -> Op<()> {
    sqlx::query(
        "UPDATE links SET written_hash = NULL, epoch = ?4, updated_at = ?5
         WHERE location = ?1 AND kind = ?2 AND highlevel_id = ?3",
    )
    .bind(&held.fence.location)
    .bind(kind)
    .bind(highlevel_id)
    .bind(held.fence.epoch)
    .bind(micros(now))
    .execute(&mut *held.connection)
    .await?;
    let location = &held.fence.location;
    super::intends::forget(held.connection, location, kind, highlevel_id).await
}
