//! Who wrote what last.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::fault::Op;
use super::fence::Held;
use super::row::micros;
use crate::types::{ProfileChange, ProfileUpdate, Written};

pub(super) async fn put(
    held: &mut Held<'_>,
    run: i64,
    written: &Written,
    now: Timestamp,
) -> Op<()> {
    for part in &written.parts {
        sqlx::query(
            "INSERT INTO written (location, target, part, contact, position, run, epoch, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (location, target, part) DO UPDATE SET
                 contact = excluded.contact, position = excluded.position, run = excluded.run,
                 epoch = excluded.epoch, updated_at = excluded.updated_at
             WHERE (excluded.position, excluded.run) >= (position, run)",
        )
        .bind(&held.fence.location)
        .bind(&written.target)
        .bind(part)
        .bind(&written.contact)
        .bind(written.position)
        .bind(run)
        .bind(held.fence.epoch)
        .bind(micros(now))
        .execute(&mut *held.connection)
        .await?;
    }
    Ok(())
}

/// Notes what a person wrote on the Ecologi side, at the place of the newest that is known: steps of older events leave it
/// as it is. The names are those by which steps write (`crates/engine/src/steps`).
pub(super) async fn by_person(
    connection: &mut SqliteConnection,
    location: &str,
    profile: Option<&ProfileUpdate>,
    changes: &[ProfileChange],
    now: Timestamp,
) -> Op<()> {
    const WHOLE: &str = "*";
    let mut parts: Vec<(String, &str, Option<&str>)> = Vec::new();
    if let Some(profile) = profile {
        let target = format!("profile {}", profile.contact);
        let fields = profile.fields.keys();
        parts.extend(fields.map(|field| (target.clone(), &**field, Some(&*profile.contact))));
    }
    for change in changes {
        match change {
            ProfileChange::Note { id, contact, .. } => {
                parts.push((format!("profile_note {id}"), WHOLE, Some(contact)));
            }
            ProfileChange::Task { id, contact, .. } => {
                parts.push((format!("profile_task {id}"), WHOLE, Some(contact)));
            }
            ProfileChange::Tag { contact, tag, .. } => {
                parts.push((format!("profile_tags {contact}"), tag, Some(contact)));
            }
            _ => {}
        }
    }
    let position = position(connection, location).await?;
    for (target, part, contact) in parts {
        sqlx::query(
            "INSERT INTO written (location, target, part, contact, position, run, epoch, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6)
             ON CONFLICT (location, target, part) DO UPDATE SET
                 contact = excluded.contact, position = excluded.position, run = excluded.run,
                 epoch = excluded.epoch, updated_at = excluded.updated_at
             WHERE excluded.position >= position",
        )
        .bind(location)
        .bind(target)
        .bind(part)
        .bind(contact)
        .bind(position)
        .bind(micros(now))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn newer(
    connection: &mut SqliteConnection,
    location: &str,
    target: &str,
    position: i64,
    run: i64,
) -> Op<Vec<(String, i64)>> {
    Ok(sqlx::query_as(
        "SELECT part, run FROM written
         WHERE location = ?1 AND target = ?2 AND (position, run) > (?3, ?4)
         UNION
         SELECT p.value, s.run FROM steps s, json_each(s.intends, '$.written') w, json_each(w.value, '$.parts') p
         WHERE s.location = ?1 AND s.intends IS NOT NULL AND json_extract(w.value, '$.target') = ?2
           AND (json_extract(w.value, '$.position'), s.run) > (?3, ?4)
         ORDER BY 1",
    )
    .bind(location)
    .bind(target)
    .bind(position)
    .bind(run)
    .fetch_all(connection)
    .await?)
}

pub(super) async fn position(connection: &mut SqliteConnection, location: &str) -> Op<i64> {
    let query = "SELECT coalesce(max(position), 0) FROM inbox WHERE location = ?1";
    Ok(sqlx::query_scalar(query)
        .bind(location)
        .fetch_one(connection)
        .await?)
}
