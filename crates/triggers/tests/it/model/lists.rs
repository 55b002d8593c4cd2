//! Lists that are read whole and compared, in pages of two records, and a single record. Promised, after a poll that came
//! through while nothing was done:
//!
//! - The last state of each record is known: by an event, or because it is that of the baseline.
//! - A record that is new since the baseline is created once. What was there before is never created, also when pages
//!   shifted while the baseline was read.
//! - A record that is gone is deleted once, if it was known; one that is there never is, whatever slipped from page to page.
//!   It is told when a read of the record says so, or the next poll agrees; when a large part of the list is gone at once,
//!   not before the next poll. What was gone for some polls is told for certain.
//! - No event is of a state that a record never had. Where records have no version of their own a state is told when it
//!   differs from the one told before it; where they have one, no version is told twice.

use std::collections::{BTreeMap, BTreeSet};

use canopy_store::InboxRow;
use canopy_triggers::{PollOptions, PollSpec, Polls};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};

use super::scene::{Held, Model, Scene, play};
use super::{config, skew, steps};

#[derive(Debug, Clone)]
enum Edit {
    Create(u8),
    Name(u8, u8),
    Delete(u8),
}

fn edit() -> impl Strategy<Value = Edit> + Clone {
    prop_oneof![
        4 => (0..3_u8).prop_map(Edit::Create),
        5 => (any::<u8>(), 0..3_u8).prop_map(|(which, name)| Edit::Name(which, name)),
        3 => any::<u8>().prop_map(Edit::Delete),
    ]
}

/// What is polled.
#[derive(Debug, Clone, Copy, PartialEq)]
enum List {
    /// Pages by the last record; records have a version.
    Opportunities,
    /// Pages by count; records have a version and no time of creation.
    Authors,
    /// Pages by count; records have no version and no time.
    Rooms,
    /// One record without a version.
    Calendar,
}

struct Record {
    /// Each state, oldest first; `None`: it is gone.
    states: Vec<Option<String>>,
    changed: Timestamp,
}

struct Lists {
    list: List,
    /// For opportunities, which are one to a contact and pipeline at most.
    pipeline: Value,
    records: BTreeMap<String, Record>,
    /// In the order of their making.
    ids: Vec<String>,
    poll: String,
    /// How many states each record had when the first poll began, and when it ended.
    baseline: Option<(BTreeMap<String, usize>, BTreeMap<String, usize>)>,
    first: BTreeMap<String, usize>,
    /// Nothing has happened for several polls.
    settled: bool,
}

impl Lists {
    fn new(list: List, poll: String) -> Self {
        Self {
            list,
            pipeline: Value::Null,
            records: BTreeMap::new(),
            ids: Vec::new(),
            poll,
            baseline: None,
            first: BTreeMap::new(),
            settled: false,
        }
    }

    fn path(&self) -> &'static str {
        match self.list {
            List::Opportunities => "/opportunities",
            List::Authors => "/records/authors",
            List::Rooms => "/records/calendar_resources",
            List::Calendar => "/records/calendars",
        }
    }

    async fn create(&mut self, scene: &Scene, name: &str) {
        let location = scene.world.location();
        let body = match self.list {
            List::Opportunities => {
                if self.pipeline.is_null() {
                    self.pipeline = scene.world.books("/records/pipelines").await[0]["id"].clone();
                }
                let contact = scene.world.create("A").await;
                json!({ "pipelineId": self.pipeline, "contactId": contact, "name": name, "status": "open" })
            }
            List::Authors | List::Rooms | List::Calendar => {
                json!({ "locationId": location, "resourceType": "rooms", "name": name })
            }
        };
        let made = scene.world.control(self.path(), body).await;
        self.know(made["id"].as_str().unwrap(), name, scene.now);
    }

    fn know(&mut self, id: &str, name: &str, changed: Timestamp) {
        let states = vec![Some(name.to_owned())];
        self.records
            .insert(id.to_owned(), Record { states, changed });
        self.ids.push(id.to_owned());
    }

    fn pick(&self, which: u8) -> Option<String> {
        let alive = |id: &&String| self.records[*id].states.last().unwrap().is_some();
        let alive: Vec<_> = self.ids.iter().filter(alive).collect();
        (!alive.is_empty()).then(|| alive[usize::from(which) % alive.len()].clone())
    }

    fn lengths(&self) -> BTreeMap<String, usize> {
        let lengths = self.records.iter();
        lengths
            .map(|(id, record)| (id.clone(), record.states.len()))
            .collect()
    }
}

const NAMES: [&str; 3] = ["A", "B", "C"];

impl Model for Lists {
    type Edit = Edit;

    async fn edit(&mut self, scene: &mut Scene, edit: &Edit) {
        match edit {
            Edit::Create(name) if self.list != List::Calendar => {
                self.create(scene, NAMES[usize::from(*name)]).await;
            }
            Edit::Create(_) => {}
            Edit::Name(which, name) => {
                let Some(id) = self.pick(*which) else { return };
                let name = NAMES[usize::from(*name)];
                if self.records[&id].states.last().unwrap().as_deref() == Some(name) {
                    return;
                }
                scene.part_from(Some(self.records[&id].changed)).await;
                let path = format!("{}/{id}", self.path());
                scene.world.control(&path, json!({ "name": name })).await;
                let record = self.records.get_mut(&id).unwrap();
                record.states.push(Some(name.to_owned()));
                record.changed = scene.now;
            }
            Edit::Delete(which) => {
                let Some(id) = self.pick(*which) else { return };
                scene.world.delete(&format!("{}/{id}", self.path())).await;
                self.records.get_mut(&id).unwrap().states.push(None);
            }
        }
    }

    async fn begin(&mut self, _: &Scene) {
        if self.baseline.is_none() {
            self.first = self.lengths();
        }
    }

    async fn broke(&mut self, scene: &Scene) {
        if self.baseline.is_none() && scene.has_read(&self.poll).await {
            self.baseline = Some((self.first.clone(), self.lengths()));
        }
    }

    async fn hold(&mut self, scene: &Scene, quiet: bool) -> Held {
        let inbox = scene.inbox().await;
        let Some((before, after)) = self.baseline.clone() else {
            self.broke(scene).await;
            prop_assert!(inbox.is_empty(), "the baseline fires nothing: {inbox:?}");
            return Ok(());
        };
        let mut told: BTreeMap<&str, Vec<&InboxRow>> = BTreeMap::new();
        for row in &inbox {
            prop_assert!(self.records.contains_key(&row.event.record), "{row:?}");
            told.entry(&row.event.record).or_default().push(row);
        }
        for (id, record) in &self.records {
            let told = told.remove(&**id).unwrap_or_default();
            let known = known(record, before.get(id).copied(), after.get(id).copied());
            self.hold_one(record, &known, &told, quiet)
                .map_err(|error| {
                    TestCaseError::fail(format!("{id}, {:?}: {error}", record.states))
                })?;
        }
        Ok(())
    }
}

/// What the baseline knows of a record.
#[derive(Debug, Clone, PartialEq)]
enum Known {
    Nothing,
    /// It had this state all the while.
    State(Option<String>),
    /// It changed meanwhile, so it depends on the moment of the reading.
    Any,
}

fn known(record: &Record, before: Option<usize>, after: Option<usize>) -> Known {
    match (before, after) {
        (_, None) => Known::Nothing,
        (Some(before), Some(after)) if before == after => {
            Known::State(record.states[after - 1].clone())
        }
        _ => Known::Any,
    }
}

impl Lists {
    fn hold_one(&self, record: &Record, known: &Known, told: &[&InboxRow], quiet: bool) -> Held {
        let now = record.states.last().unwrap().clone();
        let is_new = *known == Known::Nothing;
        let mut last = match known {
            Known::State(state) => state.clone(),
            Known::Nothing | Known::Any => None,
        };
        let mut versions = BTreeSet::new();
        for (place, row) in told.iter().enumerate() {
            let event = &row.event;
            let verb = event.kind.split_once('.').unwrap().1;
            let name = event.payload["name"].as_str().map(str::to_owned);
            match verb {
                "created" => {
                    prop_assert!(place == 0 && (is_new || *known == Known::Any), "{told:?}");
                }
                "updated" => {
                    prop_assert!(place > 0 || !is_new, "not created: {told:?}");
                    if matches!(self.list, List::Rooms | List::Calendar) {
                        prop_assert!(last != name, "told twice: {told:?}");
                    }
                }
                _ => {
                    prop_assert!(
                        now.is_none() && place + 1 == told.len(),
                        "it is there: {told:?}"
                    );
                }
            }
            prop_assert!(
                verb == "deleted" || record.states.contains(&name),
                "{event:?}"
            );
            if verb == "updated" && event.version.is_some() {
                prop_assert!(versions.insert(event.version.clone()), "{told:?}");
            }
            last = name.filter(|_| verb != "deleted");
        }
        if !quiet || (*known == Known::Any && told.is_empty()) {
            return Ok(());
        }
        let was_known = matches!(known, Known::State(Some(_))) || !told.is_empty();
        if now.is_some() || (was_known && self.settled) {
            prop_assert_eq!(last, now, "told: {:?}", told);
        }
        Ok(())
    }
}

async fn history(list: List, skew: i64, before: Vec<Edit>, steps: Vec<super::Step<Edit>>) -> Held {
    let settings = json!({ "search_lag_seconds": 0, "allow_duplicate_contacts": true });
    let options = PollOptions::default();
    let (operation, arguments) = match list {
        List::Opportunities => ("search-opportunity", json!({ "limit": 2 })),
        List::Authors => (
            "get-all-blog-authors-by-location",
            json!({ "limit": 2, "offset": 0 }),
        ),
        List::Rooms => (
            "get-calendar-resources",
            json!({ "resourceType": "rooms", "limit": 2, "skip": 0 }),
        ),
        List::Calendar => ("get-calendar", json!({})),
    };
    let mut arguments = arguments.as_object().unwrap().clone();
    let mut scene = Scene::new(skew, settings.clone(), options, Vec::new(), Vec::new()).await;
    let mut calendar = None;
    if list == List::Calendar {
        let made = scene.world.books("/records/calendars").await.remove(0);
        arguments.insert("calendarId".to_owned(), made["id"].clone());
        calendar = Some(made);
    }
    let spec = PollSpec {
        operation: operation.to_owned(),
        arguments: arguments.clone(),
        every: None,
        backfill: false,
    };
    let polls = Polls::new(std::slice::from_ref(&spec), &BTreeSet::new(), &options).unwrap();
    let poll = polls.iter().find(|poll| poll.named).unwrap().name.clone();
    scene.poll_for(vec![spec]);
    let mut model = Lists::new(list, poll);
    for record in calendar.into_iter().chain(match list {
        List::Authors => scene.world.books("/records/authors").await,
        _ => Vec::new(),
    }) {
        let id = record["id"].as_str().unwrap();
        model.know(id, record["name"].as_str().unwrap(), scene.now);
    }
    for edit in &before {
        model.edit(&mut scene, edit).await;
    }
    scene.play(&mut model, &steps).await?;
    scene.wait(1_000).await;
    for _ in 0..3 {
        scene.calm(&mut model).await?;
    }
    model.settled = true;
    scene.calm(&mut model).await?;
    prop_assert_eq!(scene.polled().await.stored, 0, "nothing happened since");
    Ok(())
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn no_change_of_a_list_is_lost_and_none_told_twice(
        list in prop_oneof![
            2 => Just(List::Opportunities),
            2 => Just(List::Authors),
            3 => Just(List::Rooms),
            1 => Just(List::Calendar),
        ],
        before in prop::collection::vec(edit(), 0..3),
        records in 3..8_u8,
        steps in steps(edit()),
        skew in skew(),
    ) {
        let mut all: Vec<_> = (0..records).map(|number| Edit::Create(number % 3)).collect();
        all.extend(before);
        play(history(list, skew, all, steps))?;
    }
}
