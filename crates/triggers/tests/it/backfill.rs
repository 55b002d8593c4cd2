//! Reading a location as a whole.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canopy_highlevel::{DailyLimit, Limits, Reserves, WindowLimit};
use canopy_store::ProfileStore;
use canopy_triggers::{Backfill, BackfillError, BackfillOptions, Progress, RecordKind, Since};
use serde_json::json;
use tokio::sync::Notify;

use crate::support::World;

fn limits(per_day: u32) -> Limits {
    Limits {
        window: Some(WindowLimit {
            max: NonZeroU32::new(1_000_000).unwrap(),
            per: Duration::from_secs(10),
        }),
        daily: Some(DailyLimit {
            max: per_day,
            reserves: Reserves::default(),
        }),
        ..Limits::UNLIMITED
    }
}

fn backfill(world: &World, kinds: &[RecordKind], per_day: u32) -> Backfill {
    let options = BackfillOptions {
        kinds: kinds.to_vec(),
        since: None,
    };
    with(world, options, per_day)
}

fn with(world: &World, options: BackfillOptions, per_day: u32) -> Backfill {
    let info = world.sandbox.info();
    let client = canopy_highlevel::Client::builder()
        .base_url(&info.highlevel_url)
        .token(info.token.clone().into())
        .location(&*info.location_id)
        .limits(limits(per_day))
        .build()
        .unwrap();
    Backfill::new(client, world.site("test"), options)
}

async fn count(world: &World, kind: &str) -> u64 {
    let count = world.store.count_records(world.location(), kind).await;
    count.unwrap()
}

async fn calls(world: &World) -> usize {
    world.books("/requests").await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_thousand_contacts_are_read_exactly_once_and_fire_nothing() {
    let world = World::new(12_000).await;
    let before = calls(&world).await;
    let done = backfill(&world, &[RecordKind::Contact], 200_000)
        .run(&|_| ())
        .await
        .unwrap();
    assert!(!done.resumed);
    assert_eq!(
        (done.progress.contacts, done.progress.records),
        (12_000, 12_000)
    );
    assert_eq!(count(&world, "contact").await, 12_000);
    // 24 full pages and the empty one behind them.
    assert_eq!(calls(&world).await - before, 25);
    assert!(world.events().await.is_empty());
    let again = backfill(&world, &[RecordKind::Contact], 200_000)
        .run(&|_| ())
        .await
        .unwrap();
    assert!(!again.resumed, "one that came to its end begins anew");
    assert_eq!(again.progress.records, 12_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_killed_goes_on_without_a_gap_and_without_reading_all_again() {
    let world = World::new(12_000).await;
    let before = calls(&world).await;
    let killed = backfill(&world, &[RecordKind::Contact], 200_000);
    let (pages, reached) = (AtomicU64::new(0), Notify::new());
    let report = |progress: Progress| {
        pages.store(progress.contacts, Ordering::SeqCst);
        if progress.contacts >= 5_000 {
            reached.notify_one();
        }
    };
    tokio::select! {
        _ = killed.run(&report) => panic!("it came to its end"),
        () = reached.notified() => {}
    }
    let stored = count(&world, "contact").await;
    assert!((5_000..12_000).contains(&stored), "{stored}");
    // People go on working meanwhile.
    let first = world
        .store
        .records(world.location(), "contact", "", 1)
        .await
        .unwrap();
    world.rename(&first[0].record, "Renamed").await;
    let new = world.create("New").await;
    let done = backfill(&world, &[RecordKind::Contact], 200_000)
        .run(&|_| ())
        .await
        .unwrap();
    assert!(done.resumed);
    assert_eq!(done.progress.contacts, 12_001);
    assert_eq!(count(&world, "contact").await, 12_001);
    let found = world.store.records_of_contact(world.location(), &new).await;
    assert_eq!(found.unwrap().len(), 1);
    // 25 pages, and at most the one that was under way.
    assert!(
        calls(&world).await - before <= 30,
        "{}",
        calls(&world).await - before
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_and_tasks_are_read_for_each_contact_and_a_stop_repeats_none() {
    let world = World::new(60).await;
    let contacts = world.books("/contacts").await;
    for contact in &contacts[..40] {
        world.note(contact["id"].as_str().unwrap(), "Called").await;
    }
    let before = calls(&world).await;
    let all = [RecordKind::Contact, RecordKind::Note, RecordKind::Task];
    // 70 % of 100 calls a day: a page of contacts and the notes and tasks of 34.
    let stopped = backfill(&world, &all, 100).run(&|_| ()).await.unwrap_err();
    let BackfillError::DayUsedUp {
        contacts: read,
        total,
        ..
    } = stopped
    else {
        panic!("{stopped}");
    };
    assert_eq!(total, 60);
    assert!((25..=34).contains(&read), "{read}");
    assert_eq!(calls(&world).await - before, 70, "never above its share");
    // Another day.
    let progress = Mutex::new(Vec::new());
    let done = backfill(&world, &all, 1_000)
        .run(&|step| progress.lock().unwrap().push(step.contacts))
        .await
        .unwrap();
    assert!(done.resumed);
    assert_eq!(progress.lock().unwrap()[0], read);
    assert_eq!(
        (count(&world, "contact").await, count(&world, "note").await),
        (60, 40)
    );
    // 1 + 120 + 1 in one go; only what was half read is read again.
    assert!(calls(&world).await - before <= 122 + 16);
    assert_eq!(done.progress.records, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_since_is_read_when_asked() {
    let world = World::new(10).await;
    world.advance_sandbox(3_600).await;
    let new = world.create("New").await;
    let contact = world.books("/contacts").await.pop().unwrap();
    let added = contact["dateAdded"].as_str().unwrap().parse().unwrap();
    let options = BackfillOptions {
        kinds: vec![RecordKind::Contact],
        since: Some(Since {
            asked: "1m".into(),
            at: added,
        }),
    };
    with(&world, options, 1_000).run(&|_| ()).await.unwrap();
    let records = world
        .store
        .records(world.location(), "contact", "", 100)
        .await
        .unwrap();
    let ids: Vec<_> = records
        .into_iter()
        .map(|record| json!(record.record))
        .collect();
    assert_eq!(ids, [json!(new)]);
}
