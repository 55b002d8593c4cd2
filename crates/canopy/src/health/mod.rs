//! How the program fares: looks that nobody else makes, and what is made of all parts' states.
//!
//! Polls, drains, timetables and addresses of webhooks report by themselves ([`canopy_store::HealthStore`]).

mod answers;
mod look;
mod room;
mod services;
mod show;

use std::sync::Arc;
use std::time::Duration;

use canopy_engine::Engine;
use canopy_highlevel::Refusal;
use canopy_store::{
    HealthStore as _, Part, PartReport, PartState, SqliteStore, Store as _, StoreError, not_good,
};
use canopy_triggers::{Receiver, Watch};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub(crate) use answers::Answers;
pub(crate) use look::{Look, people};
pub(crate) use room::seen as room_seen;
pub(crate) use show::Health;

/// Credentials and the clock are looked at so often. It takes no call where nothing was refused.
const TICK: Duration = Duration::from_secs(1);
/// Open alerts that are looked through; far more than a person would leave open.
const ALERTS: u32 = 1000;
/// In so many ticks the rest is looked at, and the figures of webhooks are written.
const LOOKS: u32 = 10;
/// In so many the figures of webhooks are looked at although there are no new ones.
const WATCHES: u32 = 60;

/// Looks until `shutdown`; the last figures are written then.
pub(crate) async fn serve(
    mut look: Look<'_>,
    store: &SqliteStore,
    receiver: &Receiver,
    shutdown: &CancellationToken,
) {
    let mut watch = watch_of(store, look.engine);
    if let Err(error) = keep_places(store, look.engine).await {
        tracing::warn!(%error, "the states of locations that are not there any more could not be deleted");
    }
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // What is wrong with the store is said once, and not at each tick.
    let mut told: Option<String> = None;
    for tick in 0_u32.. {
        let stop = tokio::select! {
            _ = ticks.tick() => false,
            () = shutdown.cancelled() => true,
        };
        let looked = async {
            let now = Timestamp::now();
            if stop || tick.is_multiple_of(LOOKS) {
                let is_new = receiver.flush().await?;
                if !stop && (is_new || tick.is_multiple_of(WATCHES)) {
                    watch.look(now).await?;
                }
            }
            if !stop {
                look.clock(now).await?;
                look.credentials(now).await?;
                if tick.is_multiple_of(LOOKS) {
                    look.all(now).await?;
                    crate::neighbours::look(store, look.engine, now).await?;
                }
            }
            Ok::<_, StoreError>(())
        };
        // What hangs must not keep the program from ending.
        let looked = tokio::select! {
            looked = looked => looked,
            () = shutdown.cancelled(), if !stop => continue,
        };
        match looked {
            Ok(()) => told = None,
            Err(error) => {
                let text = error.to_string();
                if told.as_ref() != Some(&text) {
                    tracing::warn!(error = %text, "how the program fares could not be looked at or kept");
                    told = Some(text);
                }
            }
        }
        if stop {
            return;
        }
    }
}

async fn keep_places(store: &SqliteStore, engine: &Engine) -> Result<(), StoreError> {
    let connections = engine.connections();
    let locations = connections.map(|one| one.location.clone()).collect();
    store.keep_places(locations, Timestamp::now()).await
}

fn watch_of(store: &SqliteStore, engine: &Engine) -> Watch {
    let connections = engine.connections();
    let locations: Vec<_> = connections.map(|one| one.location.clone()).collect();
    Watch::new(Arc::new(store.clone()), &locations)
}

/// How a program fares that makes one round and ends.
#[derive(Debug)]
pub(crate) struct Round {
    /// What could not be done, and is tried again by the next round.
    pub failures: Vec<String>,
    /// Nothing is wrong that a person is told of.
    pub good: bool,
}

/// Looks once at everything, for a program that ends then.
pub(crate) async fn once(mut look: Look<'_>, store: &SqliteStore) -> Result<Round, StoreError> {
    let now = Timestamp::now();
    look.ends();
    keep_places(store, look.engine).await?;
    look.clock(now).await?;
    look.credentials(now).await?;
    look.all(now).await?;
    let parts = store.health().await?;
    let services = parts
        .iter()
        .filter(|part| matches!(part.part, Part::Ecologi | Part::Reading));
    let mut failures: Vec<_> = services
        .filter(|part| part.failing_since.is_some())
        .filter_map(|part| part.cause.clone())
        .collect();
    for connection in look.engine.connections() {
        let stuck = store.stuck(&connection.location, now).await?;
        if stuck.runs > 0 {
            let error = stuck.error.as_deref().unwrap_or("not known");
            failures.push(format!(
                "connection {}: {} run(s) wait because a step failed, and the next round tries again; the newest failure: {error}",
                connection.id, stuck.runs
            ));
        }
    }
    let alerts = store.alerts(true, ALERTS).await?;
    let good = not_good(&parts, &alerts, now).is_empty();
    Ok(Round { failures, good })
}

/// Writes anew what waits for a person, after somebody has done something about it.
pub(crate) async fn people_again(store: &SqliteStore) -> Result<(), StoreError> {
    let found = people(&store.summary().await?);
    store.report_health(found, Timestamp::now()).await
}

/// Notes whether the token of a connection was taken, where that is known.
pub(crate) async fn note_token(
    store: &SqliteStore,
    (connection, location): (&str, &str),
    tried: Result<(), &canopy_highlevel::Error>,
) -> Result<(), StoreError> {
    let state = match tried {
        Ok(()) => PartState::Good,
        Err(error) => match token_state(error) {
            Some(state) => state,
            None => return Ok(()),
        },
    };
    let report = PartReport {
        location: location.to_owned(),
        part: Part::Token,
        name: connection.to_owned(),
        state,
        next_try: None,
    };
    store.report_health(vec![report], Timestamp::now()).await
}

/// What an error says against a token; `None`: nothing.
fn token_state(error: &canopy_highlevel::Error) -> Option<PartState> {
    let refusal = error.refusal().filter(|refusal| {
        matches!(
            refusal,
            Refusal::Unauthorized
                | Refusal::ScopeMissing { .. }
                | Refusal::UserTypeMismatch
                | Refusal::WrongLocation
                | Refusal::WrongAuthClass
                | Refusal::Forbidden
        )
    })?;
    let text = error.to_string();
    let cause = text.split(". What to do: ").next().unwrap_or(&text);
    Some(PartState::Failing {
        cause: format!("HighLevel refuses the token: {cause}"),
        remedy: refusal.to_string(),
        at_once: true,
    })
}

#[cfg(test)]
mod tests {
    use canopy_store::{ALERT_KINDS, Part};

    /// Every alert has its cause and its remedy in the documents.
    #[test]
    fn each_kind_of_alert_is_documented() {
        let text = include_str!("../../../../docs/alerts.md");
        let mut sections = text.split("\n## ");
        assert!(sections.next().is_some());
        let mut documented = Vec::new();
        for section in sections {
            let (kind, text) = section.split_once('\n').unwrap();
            let notice = ALERT_KINDS
                .iter()
                .any(|known| known.notice && known.kind == kind);
            assert!(
                text.contains("Cause: ") && text.contains("Remedy: "),
                "{kind}"
            );
            assert_eq!(text.contains("*Happened.*"), notice, "{kind}");
            documented.push(kind);
        }
        let kinds: Vec<_> = ALERT_KINDS.iter().map(|known| known.kind).collect();
        assert_eq!(documented, kinds);
        for part in Part::ALL {
            assert!(kinds.contains(&part.as_str()), "{part}");
        }
    }
}
