//! Tag writes of one drain that are sent together: what several contacts are to get in the same way costs one call.
//!
//! A work item of the drain (a contact) holds a slot while it works. A step that comes to a tag write gives the slot back
//! and waits here. When no work item can bring another write, because each waits here or has ended, all groups go; a full
//! group goes at once. One member of the group makes the call and tells the others what became of their contacts.
//! Nobody waits for a clock, and nobody is waited for who waits here himself, so the last one always lets all go.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use canopy_highlevel::operation::Operation;
use canopy_highlevel::{Cause, Error};
use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, oneshot};

use super::StepRun;

const BULK: &str = "bulk-update-contact-tags";
/// Most contacts in one call. The service names no limit; where it has a smaller one it refuses, and each contact is
/// written by itself.
const MOST: usize = 100;
/// So often a step's write is merged; after that it is sent by itself, so that one contact on which the service
/// stumbles does not take the others with it.
const MERGED_ATTEMPTS: u32 = 2;

/// The slots of a drain, and the tag writes that wait in it.
#[derive(Debug)]
pub(crate) struct TagWrites {
    slots: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Work items that can still bring a write.
    active: usize,
    waiting: HashMap<Change, Vec<Waiting>>,
}

/// What is done to a contact's tags. Writes that are equal in it can be merged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Change {
    operation: &'static Single,
    tags: BTreeSet<String>,
}

/// An operation on one contact, and the word for it in the bulk operation.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Single {
    name: &'static str,
    verb: &'static str,
}

const SINGLE: [Single; 2] = [
    Single {
        name: "add-tags",
        verb: "add",
    },
    Single {
        name: "remove-tags",
        verb: "remove",
    },
];

/// A write that waits.
#[derive(Debug)]
struct Waiting {
    contact: String,
    turn: oneshot::Sender<Turn>,
}

/// What a write that waited comes to hear.
#[derive(Debug)]
enum Turn {
    /// It is to make the call, for these as well.
    Lead(Vec<Waiting>),
    /// The call was made.
    Take(Merged),
}

/// What a merged call brought for one contact.
#[derive(Debug)]
pub(super) enum Merged {
    /// The answer, or the failure that all share.
    Answer(Result<Value, Error>),
    /// Nothing that can be relied on: the ordinary call tells.
    Alone,
    /// The program stops, and no call was made.
    Stopped,
}

impl TagWrites {
    /// For so many work items, of which at most `slots` work at the same time.
    pub fn new(items: usize, slots: usize) -> Self {
        Self {
            slots: Semaphore::new(slots.max(1)),
            state: Mutex::new(State {
                active: items,
                waiting: HashMap::new(),
            }),
        }
    }

    /// A work item begins, once there is a slot.
    pub async fn begin(&self) {
        if let Ok(slot) = self.slots.acquire().await {
            // It is given back by hand: a drop in the middle ends the whole drain, and the slots with it.
            slot.forget();
        }
    }

    /// A work item has ended.
    pub fn end(&self) {
        self.slots.add_permits(1);
        self.state().leave();
    }

    /// Waits until it is this write's turn. `None`: whoever was to make the call has not.
    async fn turn(&self, change: Change, contact: String) -> Option<Turn> {
        let (turn, told) = oneshot::channel();
        self.state().wait(change, Waiting { contact, turn });
        self.slots.add_permits(1);
        let turn = told.await.ok();
        self.begin().await;
        turn
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock can leave it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wait(&mut self, change: Change, write: Waiting) {
        let group = self.waiting.entry(change).or_default();
        group.push(write);
        let full = if group.len() >= MOST {
            std::mem::take(group)
        } else {
            Vec::new()
        };
        self.let_go(full);
        self.leave();
    }

    /// One fewer can bring a write; after the last one all go.
    fn leave(&mut self) {
        self.active = self.active.saturating_sub(1);
        if self.active == 0 {
            for (_, group) in std::mem::take(&mut self.waiting) {
                self.let_go(group);
            }
        }
    }

    fn let_go(&mut self, mut group: Vec<Waiting>) {
        self.active += group.len();
        if !group.is_empty() {
            let first = group.remove(0);
            // Who has gone away needs no turn.
            let _ = first.turn.send(Turn::Lead(group));
        }
    }
}

impl StepRun<'_> {
    /// The change and the contact, where the step writes tags and nothing else.
    pub(super) fn change_of_tags(
        &self,
        operation: &Operation,
        arguments: &Map<String, Value>,
    ) -> Option<(Change, String)> {
        let attempts = self.earlier.map_or(0, |step| step.attempts);
        if attempts >= MERGED_ATTEMPTS {
            return None;
        }
        change_of_tags(operation.name, arguments)
    }

    /// Has the tags of its contact written together with those of others for whom the same is wanted.
    pub(super) async fn merge(&self, change: &Change, contact: String) -> Merged {
        // It waits for others here, so none of them may wait for it.
        self.item.line.passes();
        match self.item.tags.turn(change.clone(), contact.clone()).await {
            Some(Turn::Take(Merged::Answer(answer))) => Merged::Answer(answer),
            // Those for whom it was to call hear from nobody, and stop as well.
            _ if self.engine.is_stopping() => Merged::Stopped,
            Some(Turn::Lead(others)) if !others.is_empty() => {
                self.lead(change, &contact, others).await
            }
            _ => Merged::Alone,
        }
    }

    /// Makes the call for a whole group, and tells the others what came of it for their contacts.
    async fn lead(&self, change: &Change, contact: &str, others: Vec<Waiting>) -> Merged {
        let mut named = HashSet::new();
        let contacts: Vec<&str> = std::iter::once(contact)
            .chain(others.iter().map(|other| &*other.contact))
            .filter(|contact| named.insert(*contact))
            .collect();
        let arguments = json!({
            "type": change.operation.verb, "contacts": contacts, "tags": change.tags,
            "locationId": self.connection.location,
        });
        let answer = self.read(BULK, &arguments).await;
        let merged = |contact: &str| match &answer {
            // What a plan answers tells of no contact.
            Ok(_) if self.engine.is_planning() => {
                Merged::Answer(Ok(json!({ "tags": change.tags })))
            }
            Ok(answer) => tags_of(answer, contact).map_or(Merged::Alone, |tags| {
                Merged::Answer(Ok(json!({ "tags": tags })))
            }),
            Err(error) if is_everyones(error) => Merged::Answer(Err(error.clone())),
            Err(_) => Merged::Alone,
        };
        for other in others {
            let _ = other.turn.send(Turn::Take(merged(&other.contact)));
        }
        merged(contact)
    }
}

fn change_of_tags(operation: &str, arguments: &Map<String, Value>) -> Option<(Change, String)> {
    let operation = SINGLE.iter().find(|single| single.name == operation)?;
    let (contact, tags) = (arguments.get("contactId")?, arguments.get("tags")?);
    let tags: Option<BTreeSet<String>> = tags
        .as_array()?
        .iter()
        .map(|tag| tag.as_str().map(str::to_owned))
        .collect();
    let tags = tags.filter(|tags| !tags.is_empty() && arguments.len() == 2)?;
    Some((Change { operation, tags }, contact.as_str()?.to_owned()))
}

/// The tags that a contact has after the call, as the operation on one contact answers them. `None`: it does not say that
/// it went well. Only what is said of each contact counts; the vendor's own example has errors under an `errorCount` of 0.
fn tags_of(answer: &Value, contact: &str) -> Option<Vec<String>> {
    let texts = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let results = answer["responses"].as_array()?;
    let mut of_contact = results.iter().filter(|one| one["contactId"] == contact);
    let result = of_contact.next().filter(|one| one["type"] == "success")?;
    result["oldTags"].as_array()?;
    let (mut tags, gone) = (texts(&result["oldTags"]), texts(&result["tagsRemoved"]));
    for tag in texts(&result["tagsAdded"]) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.retain(|tag| !gone.contains(tag));
    Some(tags)
}

/// Whether a failure of the merged call would meet each call by itself: then each step has it, and is repeated (or held) as
/// after a call of its own. Otherwise the service did not take the call as it was, perhaps for the sake of one contact.
fn is_everyones(error: &Error) -> bool {
    let unreadable = matches!(error.cause(), Cause::Unreadable { .. });
    let unsure = error.is_retryable() || error.outcome_unknown();
    (unsure && !unreadable) || error.status() == Some(401)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(operation: &str, arguments: &Value) -> Option<(Change, String)> {
        change_of_tags(operation, arguments.as_object().unwrap())
    }

    #[test]
    fn only_writes_of_the_same_tags_in_the_same_direction_are_equal() {
        let write = |tags: &[&str]| json!({ "contactId": "c", "tags": tags });
        let (first, contact) = change("add-tags", &write(&["b", "a"])).unwrap();
        assert_eq!(contact, "c");
        let equal = |operation, tags| change(operation, &write(tags)).unwrap().0 == first;
        assert!(equal("add-tags", &["a", "b", "a"]));
        assert!(!equal("remove-tags", &["a", "b"]));
        assert!(!equal("add-tags", &["a"]) && !equal("add-tags", &["A", "b"]));
    }

    #[test]
    fn what_is_more_or_less_than_a_tag_write_goes_by_itself() {
        for (operation, arguments) in [
            ("update-contact", json!({ "contactId": "c", "tags": ["a"] })),
            (
                "add-tags",
                json!({ "contactId": "c", "tags": ["a"], "customFields": [] }),
            ),
            ("add-tags", json!({ "contactId": "c", "tags": [] })),
            ("add-tags", json!({ "contactId": "c", "tags": ["a", 1] })),
            ("add-tags", json!({ "contactId": 1, "tags": ["a"] })),
            ("remove-tags", json!({ "tags": ["a"] })),
        ] {
            assert!(change(operation, &arguments).is_none(), "{arguments}");
        }
    }

    #[test]
    fn the_tags_follow_from_what_there_was_and_what_changed() {
        let success = |members: Value| {
            let mut result = json!({ "contactId": "c", "type": "success" });
            let members = members.as_object().unwrap().clone();
            result.as_object_mut().unwrap().extend(members);
            json!({ "succeded": true, "errorCount": 0, "responses": [
                { "contactId": "d", "type": "error" }, result,
            ] })
        };
        for (members, expected) in [
            (
                json!({ "oldTags": ["a"], "tagsAdded": ["b"], "tagsRemoved": [] }),
                Some(vec!["a", "b"]),
            ),
            (
                json!({ "oldTags": ["a", "b"], "tagsAdded": ["b"] }),
                Some(vec!["a", "b"]),
            ),
            (
                json!({ "oldTags": ["a", "b"], "tagsAdded": [], "tagsRemoved": ["a"] }),
                Some(vec!["b"]),
            ),
            (json!({ "oldTags": [] }), Some(vec![])),
            (json!({ "tagsAdded": ["b"] }), None),
            (json!({ "type": "error", "oldTags": ["a"] }), None),
        ] {
            let tags = tags_of(&success(members.clone()), "c");
            let tags = tags
                .as_ref()
                .map(|tags| tags.iter().map(String::as_str).collect());
            assert_eq!(tags, expected, "{members}");
        }
        assert_eq!(tags_of(&success(json!({ "oldTags": [] })), "d"), None);
        assert_eq!(tags_of(&success(json!({ "oldTags": [] })), "e"), None);
        assert_eq!(tags_of(&Value::Null, "c"), None);
    }
}
