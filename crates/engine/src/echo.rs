//! The echo guard: our own writes come back as webhooks and polls, and must start nothing.

use canopy_mapping::{Event, record_hash};
use canopy_store::{Fence, Result, Store};
use jiff::Timestamp;

/// Begins what is remembered of a contact of which we wrote nothing itself, but something that belongs to it, such as a
/// note: that may move its time of change.
pub(crate) const MOVED: &str = "moved:";

/// Whether what is remembered is this content.
pub(crate) fn remembers(written: &str, content: &str) -> bool {
    written.strip_prefix(MOVED).unwrap_or(written) == content
}

/// Link kind of a record that a step created, e.g. `created:note`.
pub(crate) fn created_kind(record: &str) -> String {
    format!("created:{record}")
}

/// Where it is remembered what we wrote of an event's record; `None` for kinds of which nothing is.
fn memory(event: &Event) -> Option<String> {
    let (record, verb) = event.kind.split_once('.')?;
    match verb {
        "created" => Some(created_kind(record)),
        "deleted" => None,
        _ => ["contact", "note", "task"]
            .contains(&record)
            .then(|| record.to_owned()),
    }
}

/// Whether we have written the event's record, so that it may show only that.
pub(crate) async fn is_remembered(store: &dyn Store, event: &Event) -> Result<bool> {
    let Some(kind) = memory(event) else {
        return Ok(false);
    };
    let of = (&*event.location, &*kind, &*event.record);
    let link = store.link(of.0, of.1, of.2).await?;
    if link.is_some_and(|link| is_creation(event) || link.written_hash.is_some()) {
        return Ok(true);
    }
    Ok(!store.intended_contents(of.0, of.1, of.2).await?.is_empty())
}

fn is_creation(event: &Event) -> bool {
    event.kind.ends_with(".created")
}

/// Whether the event shows only what we wrote.
///
/// A creation is ours when a step recorded the new id. Any other change of a contact, note or task is ours when its
/// content is what we last wrote, or are about to write where the program was killed before it knew; once somebody changes
/// it the memory is dropped, so that a change back counts.
pub(crate) async fn is_echo(
    store: &dyn Store,
    fence: &Fence,
    event: &Event,
    now: Timestamp,
) -> Result<bool> {
    let Some(kind) = memory(event) else {
        return Ok(false);
    };
    let of = (&*event.location, &*kind, &*event.record);
    let link = store.link(of.0, of.1, of.2).await?;
    if is_creation(event) {
        return Ok(link.is_some());
    }
    let content = record_hash(&kind, &event.payload);
    // What only moved was not changed in its tags, or in anything else that has events of its own.
    let is_ours = |written: &str| !written.starts_with(MOVED) || event.kind.ends_with(".updated");
    let written = link.and_then(|link| link.written_hash);
    if let Some(written) = &written
        && remembers(written, &content)
    {
        return Ok(is_ours(written));
    }
    let intended = store.intended_contents(of.0, of.1, of.2).await?;
    let same = |one: &&String| remembers(one, &content);
    if intended.iter().any(|one| same(&one)) {
        return Ok(intended.iter().filter(same).any(|one| is_ours(one)));
    }
    if written.is_none() && intended.is_empty() {
        return Ok(false);
    }
    store
        .clear_written_hash(fence, &kind, &event.record, now)
        .await?;
    Ok(false)
}
