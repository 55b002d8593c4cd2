//! The echo guard: our own writes come back as webhooks and polls, and must start nothing.

use canopy_mapping::{Event, record_hash};
use canopy_store::{Fence, Result, Store};
use jiff::Timestamp;

/// Link kind of a record that a step created, e.g. `created:note`.
pub(crate) fn created_kind(record: &str) -> String {
    format!("created:{record}")
}

/// Whether the event shows only what we wrote.
///
/// A creation is ours when a step recorded the new id. Any other change of a contact, note or task is ours when its
/// content is what we last wrote; once somebody changes it the memory is dropped, so that a change back counts.
pub(crate) async fn is_echo(
    store: &dyn Store,
    fence: &Fence,
    event: &Event,
    now: Timestamp,
) -> Result<bool> {
    let Some((record_kind, verb)) = event.kind.split_once('.') else {
        return Ok(false);
    };
    if verb == "created" {
        let link = store
            .link(&event.location, &created_kind(record_kind), &event.record)
            .await?;
        return Ok(link.is_some());
    }
    if !["contact", "note", "task"].contains(&record_kind) || verb == "deleted" {
        return Ok(false);
    }
    let Some(written) = store
        .link(&event.location, record_kind, &event.record)
        .await?
        .and_then(|link| link.written_hash)
    else {
        return Ok(false);
    };
    if written == record_hash(record_kind, &event.payload) {
        return Ok(true);
    }
    store
        .clear_written_hash(fence, record_kind, &event.record, now)
        .await?;
    Ok(false)
}
