//! What `retry` and `approve` cannot do, and which command can.

use canopy_store::{MoneyStore as _, RunState, SqliteStore, Store as _, StoreError};

use crate::config::Loaded;

/// That nobody would carry a run out: the connection of its location is not in the configuration.
pub(super) async fn be_carried_out(
    store: &SqliteStore,
    loaded: &Loaded,
    id: i64,
) -> Result<Option<String>, StoreError> {
    let Some(run) = store.run(id).await? else {
        return Ok(None);
    };
    let Some(connection) = store.connection_of(&run.location).await? else {
        return Ok(None);
    };
    let configured = loaded.config.connection.iter();
    let is_there = configured.map(|one| &one.id).any(|id| *id == connection);
    Ok((!is_there).then(|| {
        format!(
            "run {id} is of connection \"{connection}\", which {} does not have, so nobody would carry it out; put the connection back first",
            loaded.file
        )
    }))
}

/// Why a run cannot be retried.
pub(super) async fn retry(store: &SqliteStore, id: i64) -> Result<String, StoreError> {
    let Some(run) = store.run(id).await? else {
        return Ok(format!("there is no run {id}; `canopy runs` lists them"));
    };
    let waiting = store.waiting_purchases(Some(&run.location)).await?;
    if let Some(purchase) = waiting.iter().find(|one| one.run == id) {
        return Ok(format!(
            "run {id} has a purchase that waits ({}) and goes on by itself in its turn; `canopy retry` cannot lift what it waits for: `canopy budget` shows it, and what can",
            purchase.gate
        ));
    }
    let reason = run.error.as_deref().unwrap_or("no reason is noted");
    Ok(match (run.state, run.next_attempt_at) {
        (RunState::Waiting, Some(at)) => {
            format!("run {id} waits and goes on by itself at {at:.0}: {reason}")
        }
        (RunState::Done, _) => format!(
            "run {id} is done; what it bought is in `canopy purchase list`, its steps in `canopy runs {id}`"
        ),
        _ => format!(
            "run {id} is {} and goes on by itself; `canopy status` lists those that are dead or held",
            run.state
        ),
    })
}

/// Why an event cannot be approved.
pub(super) async fn approve(store: &SqliteStore, id: i64) -> Result<String, StoreError> {
    let Some(row) = store.event(id).await? else {
        return Ok(format!(
            "event {id} is not held: there is no such event; `canopy events` lists them"
        ));
    };
    for purchase in store.waiting_purchases(Some(&row.event.location)).await? {
        if store
            .run(purchase.run)
            .await?
            .is_some_and(|run| run.event == id)
        {
            return Ok(format!(
                "event {id} is not held: its run {} has a purchase that waits ({}); `canopy budget` shows what it waits for, and what lets it go on",
                purchase.run, purchase.gate
            ));
        }
    }
    Ok(format!(
        "event {id} is not held but {}; `canopy events --state held` lists those that are",
        row.state
    ))
}

/// What is said where purchases wait that the command does not concern.
pub(super) async fn of_waiting(store: &SqliteStore) -> Result<Option<String>, StoreError> {
    let waiting = store.waiting_purchases(None).await?;
    let count = waiting.iter().filter(|one| !one.freed).count();
    Ok((count > 0).then(|| {
        format!("{count} purchase(s) wait for caps or for a person, which this does not change; `canopy budget` shows them")
    }))
}
