//! Notes, which are read for the contacts that changed, and of all contacts in a slow sweep. Whether a note moves its
//! contact's `dateUpdated` or not. Promised:
//!
//! - Each note made after the baseline is created once, and in the end its last state is told; one that was there before
//!   is never created.
//! - A note that was told of and is gone is deleted once, unless its contact went with it. One that is there never is.
//! - No event is of a state that a note never had, and none tells the state that was told before it.
//!
//! Not promised: changes of a note that was there before the baseline, until the list of its contact was read once.

use std::collections::BTreeMap;

use canopy_triggers::PollOptions;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::json;

use super::scene::{Held, Model, Scene, play};
use super::{config, steps};

#[derive(Debug, Clone)]
enum Edit {
    Contact,
    Rename(u8, u8),
    Leave(u8),
    Write(u8, u8),
    Rewrite(u8, u8),
    Erase(u8),
}

fn edit() -> impl Strategy<Value = Edit> + Clone {
    prop_oneof![
        1 => Just(Edit::Contact),
        3 => (any::<u8>(), 0..3_u8).prop_map(|(which, name)| Edit::Rename(which, name)),
        1 => any::<u8>().prop_map(Edit::Leave),
        5 => (any::<u8>(), 0..3_u8).prop_map(|(which, body)| Edit::Write(which, body)),
        4 => (any::<u8>(), 0..3_u8).prop_map(|(which, body)| Edit::Rewrite(which, body)),
        2 => any::<u8>().prop_map(Edit::Erase),
    ]
}

#[derive(Default)]
struct Notes {
    contacts: Vec<String>,
    written: BTreeMap<String, Note>,
    /// There is no baseline so far.
    before: bool,
    /// When the poll began that set it.
    first: Timestamp,
}

#[derive(Debug)]
struct Note {
    contact: String,
    made: Timestamp,
    /// Made when there was no baseline.
    early: bool,
    states: Vec<Option<String>>,
}

const BODIES: [&str; 3] = ["Oak", "Elm", "Ash"];

impl Notes {
    fn contact(&self, which: u8) -> Option<String> {
        let count = self.contacts.len();
        (count > 0).then(|| self.contacts[usize::from(which) % count].clone())
    }

    fn note(&self, which: u8) -> Option<(String, String)> {
        let alive = self
            .written
            .iter()
            .filter(|(_, note)| note.states.last().unwrap().is_some());
        let alive: Vec<_> = alive.collect();
        let (id, note) = alive.get(usize::from(which) % alive.len().max(1))?;
        Some(((*id).clone(), note.contact.clone()))
    }

    fn change(&mut self, id: &str, state: Option<&str>) {
        let note = self.written.get_mut(id).unwrap();
        if note.states.last().unwrap().as_deref() != state {
            note.states.push(state.map(str::to_owned));
        }
    }
}

impl Model for Notes {
    type Edit = Edit;

    async fn edit(&mut self, scene: &mut Scene, edit: &Edit) {
        match edit {
            Edit::Contact => self.contacts.push(scene.world.create("A").await),
            Edit::Rename(which, name) => {
                let Some(contact) = self.contact(*which) else {
                    return;
                };
                // Changes of a contact within one millisecond are one change to everybody.
                scene.part_from(Some(scene.now)).await;
                scene
                    .world
                    .rename(&contact, ["A", "B", "C"][usize::from(*name)])
                    .await;
            }
            Edit::Leave(which) => {
                let Some(contact) = self.contact(*which) else {
                    return;
                };
                scene.world.delete(&format!("/contacts/{contact}")).await;
                self.contacts.retain(|other| *other != contact);
                self.written.retain(|_, note| note.contact != contact);
            }
            Edit::Write(which, body) => {
                let Some(contact) = self.contact(*which) else {
                    return;
                };
                scene.part_from(Some(scene.now)).await;
                let body = BODIES[usize::from(*body)];
                let arguments = json!({ "contactId": contact, "body": body });
                let note = scene.world.call("create-note", arguments).await;
                let note = note["note"]["id"].as_str().unwrap().to_owned();
                let states = vec![Some(body.to_owned())];
                let (made, early) = (scene.now, self.before);
                self.written.insert(
                    note,
                    Note {
                        contact,
                        made,
                        early,
                        states,
                    },
                );
            }
            Edit::Rewrite(which, body) => {
                let Some((id, contact)) = self.note(*which) else {
                    return;
                };
                scene.part_from(Some(scene.now)).await;
                let body = BODIES[usize::from(*body)];
                let arguments = json!({ "contactId": contact, "id": id, "body": body });
                scene.world.call("update-note", arguments).await;
                self.change(&id, Some(body));
            }
            Edit::Erase(which) => {
                let Some((id, contact)) = self.note(*which) else {
                    return;
                };
                scene.part_from(Some(scene.now)).await;
                let arguments = json!({ "contactId": contact, "id": id });
                scene.world.call("delete-note", arguments).await;
                self.change(&id, None);
            }
        }
    }

    async fn begin(&mut self, scene: &Scene) {
        if self.before {
            self.first = scene.now;
        }
    }

    async fn broke(&mut self, scene: &Scene) {
        self.before &= !scene.has_read("get-all-notes").await;
    }

    async fn hold(&mut self, scene: &Scene, _: bool) -> Held {
        self.broke(scene).await;
        self.told(scene).await.map(drop)
    }
}

impl Notes {
    /// Made before the baseline for certain: the service's clock is known to the second, and what is made while the first
    /// poll runs may be on either side.
    fn is_old(&self, note: &Note) -> bool {
        note.early && note.made.as_second() < self.first.as_second()
    }

    /// The last state told of each note.
    async fn told(&self, scene: &Scene) -> Result<BTreeMap<String, Option<String>>, TestCaseError> {
        let mut told: BTreeMap<String, Option<String>> = BTreeMap::new();
        for row in scene.inbox().await {
            let event = row.event;
            let Some(verb) = event.kind.strip_prefix("note.") else {
                continue;
            };
            // The notes of a contact that is gone are gone with it.
            let Some(note) = self.written.get(&event.record) else {
                continue;
            };
            let state = event.payload["body"].as_str().map(str::to_owned);
            let before = told.insert(event.record.clone(), state.clone());
            let fits = match verb {
                "created" => before.is_none() && !self.is_old(note),
                "updated" => before != Some(state.clone()),
                _ => note.states.last().unwrap().is_none(),
            };
            prop_assert!(fits, "{event:?} {note:?}");
            prop_assert!(before != Some(None), "told of after its end: {event:?}");
            prop_assert!(
                verb == "deleted" || note.states.contains(&state),
                "{event:?} {note:?}"
            );
            if verb == "updated" && before.is_none() {
                prop_assert!(note.early, "not created: {event:?} {note:?}");
            }
        }
        Ok(told)
    }
}

proptest! {
    #![proptest_config(config(16))]

    #[test]
    fn no_note_is_lost_and_none_told_twice(
        before in prop::collection::vec(edit(), 0..8),
        steps in steps(edit()),
        moves in any::<bool>(),
        skew in super::skew(),
    ) {
        play(async move {
            let sweep = SignedDuration::from_hours(1);
            let options = PollOptions { sweep, ..PollOptions::default() };
            let kinds = vec!["note.created", "note.updated", "note.deleted"];
            let settings = json!({ "note_moves_contact": moves, "allow_duplicate_contacts": true });
            let mut scene = Scene::new(skew, settings, options, Vec::new(), kinds).await;
            let mut model = Notes { before: true, ..Notes::default() };
            for edit in [Edit::Contact, Edit::Contact].iter().chain(&before) {
                model.edit(&mut scene, edit).await;
            }
            scene.play(&mut model, &steps).await?;
            for _ in 0..4 {
                scene.wait(3_600_000).await;
                scene.calm(&mut model).await?;
            }
            let told = model.told(&scene).await?;
            for (id, note) in &model.written {
                let now = note.states.last().unwrap();
                match told.get(id) {
                    Some(told) => prop_assert_eq!(told, now, "{} {:?}", id, note),
                    None => prop_assert!(note.early || now.is_none(), "lost: {id} {note:?}"),
                }
            }
            Ok(())
        })?;
    }
}
