//! What steps are about to write, as long as nobody knows what came of it.

use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::fault::Op;
use crate::types::NewStep;

const WRITTEN: &str = "written";
const LINKS: &str = "links";

/// What a step intends, as the table keeps it. What an earlier attempt intended, of which nobody knows what came, is kept
/// beside it.
pub(super) async fn of(connection: &mut SqliteConnection, step: &NewStep) -> Op<Option<String>> {
    let written = step.written.iter().map(|written| {
        json!({ "target": written.target, "parts": written.parts, "position": written.position })
    });
    let mut written: Vec<Value> = written.collect();
    let hashed = step.links.iter().filter_map(|link| {
        let hash = link.written_hash.as_ref()?;
        Some(json!({ "kind": link.kind, "id": link.highlevel_id, "hash": hash }))
    });
    let mut links: Vec<Value> = hashed.collect();
    let before: Option<String> =
        sqlx::query_scalar("SELECT intends FROM steps WHERE run = ?1 AND step = ?2")
            .bind(step.run)
            .bind(&step.step)
            .fetch_optional(connection)
            .await?
            .flatten();
    // It is our own writing.
    let before: Option<Value> = before.and_then(|text| serde_json::from_str(&text).ok());
    if let Some(before) = &before {
        add(&mut written, &before[WRITTEN]);
        add(&mut links, &before[LINKS]);
    }
    let nothing = written.is_empty() && links.is_empty();
    let intends = json!({ WRITTEN: written, LINKS: links, "again": before.is_some() });
    Ok((!nothing).then(|| intends.to_string()))
}

fn add(to: &mut Vec<Value>, more: &Value) {
    for one in more.as_array().into_iter().flatten() {
        if !to.contains(one) {
            to.push(one.clone());
        }
    }
}

/// What a record looks like once a step has done what it is about to do, by the hashes that links have.
pub(super) async fn contents(
    connection: &mut SqliteConnection,
    location: &str,
    kind: &str,
    record: &str,
) -> Op<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT json_extract(l.value, '$.hash') FROM steps s, json_each(s.intends, '$.links') l
         WHERE s.location = ?1 AND s.intends IS NOT NULL
           AND json_extract(l.value, '$.kind') = ?2 AND json_extract(l.value, '$.id') = ?3",
    )
    .bind(location)
    .bind(kind)
    .bind(record)
    .fetch_all(connection)
    .await?)
}

/// Somebody else has changed a record: a change to what steps would have made of it counts from now on.
pub(super) async fn forget(
    connection: &mut SqliteConnection,
    location: &str,
    kind: &str,
    record: &str,
) -> Op<()> {
    sqlx::query(
        "UPDATE steps SET intends = json_remove(intends, '$.links')
         WHERE location = ?1 AND intends IS NOT NULL
           AND EXISTS (SELECT 1 FROM json_each(steps.intends, '$.links') l
                       WHERE json_extract(l.value, '$.kind') = ?2 AND json_extract(l.value, '$.id') = ?3)",
    )
    .bind(location)
    .bind(kind)
    .bind(record)
    .execute(connection)
    .await?;
    Ok(())
}
