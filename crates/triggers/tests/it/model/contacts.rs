//! Contacts, which are asked for by the time of their change. Promised:
//!
//! - After a poll that came through, an event speaks of the last state of every contact that the search showed when the
//!   poll began, or of a later one. What lies between two polls may be told together, by its last state.
//! - No event is of a state that a contact never had; no state is told twice under one kind.
//! - A contact that is new since the baseline is created once. What the search showed at the baseline is never told.
//! - `contact.tags_updated` tells each set of tags once, and the last one for certain.
//!
//! Deletions are not promised: the search does not show them. The search may lag by as much as the polls overlap.

use std::collections::{BTreeMap, BTreeSet};

use canopy_triggers::PollOptions;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::scene::{Held, Model, Scene, at, play};
use super::{config, skew, steps};

#[derive(Debug, Clone)]
enum Edit {
    Create,
    Name(u8, u8),
    Tags(u8, u8),
    Delete(u8),
}

fn edit() -> impl Strategy<Value = Edit> + Clone {
    prop_oneof![
        4 => Just(Edit::Create),
        5 => (any::<u8>(), 0..3_u8).prop_map(|(which, name)| Edit::Name(which, name)),
        3 => (any::<u8>(), 0..3_u8).prop_map(|(which, tags)| Edit::Tags(which, tags)),
        1 => any::<u8>().prop_map(Edit::Delete),
    ]
}

struct Contacts {
    lag: SignedDuration,
    /// Some writes show up sooner than others.
    uneven: bool,
    /// With the time of the last change.
    alive: Vec<(String, Timestamp)>,
    /// Tags of each contact, from when on.
    tags: BTreeMap<String, Vec<(Timestamp, Value)>>,
    /// What the search showed when the running poll began, and how long the history was then.
    shown: BTreeMap<String, Timestamp>,
    /// What the search showed when the first poll began, and when it ended: between the two a state may be either part
    /// of the baseline or told.
    baseline: Option<(BTreeMap<String, Timestamp>, BTreeMap<String, Timestamp>)>,
    first: BTreeMap<String, Timestamp>,
}

impl Contacts {
    /// The state of each contact that a search with this lag shows now.
    fn shown(scene: &Scene, history: &[Value], lag: SignedDuration) -> BTreeMap<String, Timestamp> {
        let mut shown = BTreeMap::new();
        for change in history {
            let (record, changed) = (change["record_id"].as_str().unwrap(), at(&change["at"]));
            if changed + lag > scene.now {
                continue;
            }
            if change["kind"] == "contact.deleted" {
                shown.remove(record);
            } else {
                shown.insert(record.to_owned(), changed);
            }
        }
        shown
    }

    fn pick(&self, which: u8) -> Option<usize> {
        (!self.alive.is_empty()).then(|| usize::from(which) % self.alive.len())
    }

    async fn change(&mut self, scene: &mut Scene, which: u8, body: Value) -> Option<String> {
        let index = self.pick(which)?;
        scene.part_from(Some(self.alive[index].1)).await;
        let id = self.alive[index].0.clone();
        let contact = scene.world.control(&format!("/contacts/{id}"), body).await;
        self.alive[index].1 = at(&contact["dateUpdated"]);
        Some(id)
    }
}

impl Model for Contacts {
    type Edit = Edit;

    async fn edit(&mut self, scene: &mut Scene, edit: &Edit) {
        match edit {
            Edit::Create => {
                let id = scene.world.create("A").await;
                self.tags.insert(id.clone(), vec![(scene.now, json!([]))]);
                self.alive.push((id, scene.now));
            }
            Edit::Name(which, name) => {
                let name = ["A", "B", "C"][usize::from(*name)];
                self.change(scene, *which, json!({ "firstName": name }))
                    .await;
            }
            Edit::Tags(which, tags) => {
                let tags =
                    [json!([]), json!(["oak"]), json!(["oak", "elm"])][usize::from(*tags)].clone();
                if let Some(id) = self.change(scene, *which, json!({ "tags": tags })).await {
                    self.tags.get_mut(&id).unwrap().push((scene.now, tags));
                }
            }
            Edit::Delete(which) => {
                if let Some(index) = self.pick(*which) {
                    let (id, last) = self.alive.remove(index);
                    scene.part_from(Some(last)).await;
                    scene.world.delete(&format!("/contacts/{id}")).await;
                }
            }
        }
    }

    async fn begin(&mut self, scene: &Scene) {
        self.shown = Self::shown(scene, &scene.history().await, self.lag);
        if self.baseline.is_none() {
            self.first = self.shown.clone();
        }
    }

    async fn broke(&mut self, scene: &Scene) {
        if self.baseline.is_none() && scene.has_read("search-contacts-advanced").await {
            // What may have been seen already.
            let lag = if self.uneven {
                SignedDuration::ZERO
            } else {
                self.lag
            };
            let mut after = self.first.clone();
            after.extend(Self::shown(scene, &scene.history().await, lag));
            self.baseline = Some((self.first.clone(), after));
        }
    }

    async fn hold(&mut self, scene: &Scene, quiet: bool) -> Held {
        let history = scene.history().await;
        let Some((before, after)) = self.baseline.clone() else {
            self.broke(scene).await;
            prop_assert!(scene.inbox().await.is_empty(), "the baseline fires nothing");
            return Ok(());
        };
        let mut states: BTreeMap<&str, BTreeSet<Timestamp>> = BTreeMap::new();
        for change in &history {
            let record = change["record_id"].as_str().unwrap();
            states.entry(record).or_default().insert(at(&change["at"]));
        }
        let mut told: BTreeMap<String, Timestamp> = BTreeMap::new();
        let mut once = BTreeSet::new();
        let mut tags: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for row in scene.inbox().await {
            let event = row.event;
            let state = at(&event.payload["dateUpdated"]);
            prop_assert!(
                states[&*event.record].contains(&state),
                "no such state: {event:?}"
            );
            prop_assert!(
                before.get(&event.record).is_none_or(|first| state > *first),
                "part of the baseline: {event:?}"
            );
            let key = if event.kind == "contact.created" {
                prop_assert!(!before.contains_key(&event.record), "not new: {event:?}");
                None
            } else {
                prop_assert_eq!(
                    event.version.as_deref().map(|v| v.parse().unwrap()),
                    Some(state)
                );
                Some(state)
            };
            let is_new = once.insert((event.kind.clone(), event.record.clone(), key));
            prop_assert!(is_new, "told twice: {event:?}");
            let last = told.entry(event.record.clone()).or_insert(state);
            *last = state.max(*last);
            if matches!(&*event.kind, "contact.created" | "contact.tags_updated") {
                tags.entry(event.record)
                    .or_default()
                    .push(event.payload["tags"].clone());
            }
        }
        for (record, state) in &self.shown {
            if after.get(record).is_some_and(|baseline| baseline >= state) {
                continue;
            }
            prop_assert!(
                told.get(record).is_some_and(|told| told >= state),
                "lost: {record} in its state of {state}; told is {:?}",
                told.get(record)
            );
            if quiet && before == after {
                self.hold_tags(record, *state, after.get(record), tags.get(record))?;
            }
        }
        Ok(())
    }
}

impl Contacts {
    fn hold_tags(
        &self,
        record: &str,
        state: Timestamp,
        baseline: Option<&Timestamp>,
        told: Option<&Vec<Value>>,
    ) -> Held {
        let of = |state: Timestamp| {
            let until = self.tags[record].iter().take_while(|(at, _)| *at <= state);
            until.last().unwrap().1.clone()
        };
        let mut chain: Vec<Value> = baseline.map(|baseline| of(*baseline)).into_iter().collect();
        chain.extend(told.cloned().unwrap_or_default());
        prop_assert!(
            chain.windows(2).all(|two| two[0] != two[1]),
            "twice: {chain:?}"
        );
        prop_assert_eq!(chain.last(), Some(&of(state)), "{}", record);
        Ok(())
    }
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn no_change_of_a_contact_is_lost_and_none_told_twice(
        steps in steps(edit()),
        before in prop::collection::vec(edit(), 0..6),
        lag in prop_oneof![Just(0_u32), Just(30), Just(59), Just(59)],
        skew in skew(),
        uneven in prop::bool::weighted(0.7),
        page in prop_oneof![Just(1_u32), Just(2), Just(500)],
    ) {
        play(async move {
            let options = PollOptions { page, ..PollOptions::default() };
            let kinds = vec!["contact.created", "contact.updated", "contact.tags_updated"];
            let settings = json!({ "search_lag_seconds": lag, "search_lag_uneven": uneven, "allow_duplicate_contacts": true });
            let mut scene = Scene::new(skew, settings, options, Vec::new(), kinds).await;
            let mut model = Contacts {
                lag: SignedDuration::from_secs(i64::from(lag)),
                uneven,
                alive: Vec::new(),
                tags: BTreeMap::new(),
                shown: BTreeMap::new(),
                baseline: None,
                first: BTreeMap::new(),
            };
            for edit in [Edit::Create, Edit::Create, Edit::Create] {
                model.edit(&mut scene, &edit).await;
            }
            scene.wait(3_600_000).await;
            for edit in &before {
                model.edit(&mut scene, edit).await;
            }
            scene.play(&mut model, &steps).await?;
            scene.wait(60_000).await;
            scene.calm(&mut model).await?;
            scene.calm(&mut model).await?;
            prop_assert_eq!(scene.polled().await.stored, 0, "nothing happened since");
            Ok(())
        })?;
    }
}
