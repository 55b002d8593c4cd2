//! `profile.note`, `profile.task`, `profile.tag`: what belongs to a contact on the Ecologi side besides its fields.

use canopy_mapping::{ProfileNote, ProfileTask, Source, Trace, profile_id, profile_record_id};
use canopy_store::{NewEvent, ProfileChange, ProfileUpdate, StepState};
use serde_json::{Map, Value, json};

use super::StepRun;
use super::order::Target;
use crate::actions::{PROFILE_NOTE, PROFILE_TAG, PROFILE_TASK};
use crate::error::{EngineError, Verdict};
use crate::observer::Boundary;
use crate::profile_arguments::{self, STATUSES};

/// What one step makes of a profile.
#[derive(Default)]
struct Plan {
    changes: Vec<ProfileChange>,
    /// Kind, record and payload.
    events: Vec<(&'static str, String, Value)>,
    output: Value,
    /// What it writes.
    target: Option<Target>,
}

/// The step as it is written cannot be carried out, or the store failed.
enum Problem {
    Refused(String),
    Engine(EngineError),
}

impl From<String> for Problem {
    fn from(reason: String) -> Self {
        Self::Refused(reason)
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<canopy_store::StoreError> for Problem {
    fn from(error: canopy_store::StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl StepRun<'_> {
    pub(crate) async fn keep_record(&mut self) -> Result<Verdict, EngineError> {
        let arguments = match self.arguments() {
            Ok(arguments) => arguments,
            Err(error) => return self.refuse(error).await,
        };
        let Some(contact) = self.event.contact.clone() else {
            return self.refuse(self.needs_contact()).await;
        };
        let plan = match self.step.action.as_str() {
            PROFILE_NOTE => self.note(&contact, &arguments).await,
            PROFILE_TASK => self.task(&contact, &arguments).await,
            _ => self.tags(&contact, &arguments).await,
        };
        let plan = match plan {
            Ok(plan) => plan,
            Err(Problem::Refused(reason)) => return self.refuse(reason).await,
            Err(Problem::Engine(error)) => return Err(error),
        };
        if let Some(target) = &plan.target
            && let (_, Some(run)) = self.overtaken(target).await?
        {
            return self.superseded(Value::Object(arguments), run).await;
        }
        let engine = self.engine;
        let location = &self.connection.location;
        engine.observer.at(Boundary::BeforeIntent, &self.step.id);
        let intent = self.intent(Value::Object(arguments));
        engine
            .store
            .intend_step(self.fence, intent, engine.clock.now())
            .await?;
        engine.observer.at(Boundary::AfterIntent, &self.step.id);
        let mut outcome = self.outcome(StepState::Done, Some(plan.output.clone()), None);
        if engine.store.profile(location, &contact).await?.is_none() {
            let id = profile_id(&self.connection.id, location, &contact);
            let payload = json!({ "ecologiProfileId": id, "contact": contact, "fields": {} });
            outcome
                .events
                .push(self.tell("profile.created", id.clone(), payload));
            outcome.profile = Some(ProfileUpdate {
                id,
                contact,
                fields: Map::new(),
            });
        }
        outcome.changes = plan.changes;
        outcome
            .written
            .extend(plan.target.map(|target| self.written(target)));
        for (kind, record, payload) in plan.events {
            outcome.events.push(self.tell(kind, record, payload));
        }
        engine.observer.at(Boundary::BeforeOutcome, &self.step.id);
        engine
            .store
            .finish_step(self.fence, outcome, engine.clock.now())
            .await?;
        engine.observer.at(Boundary::AfterOutcome, &self.step.id);
        self.context.reload_profile(engine, self.connection).await?;
        Ok(Verdict::Done(plan.output))
    }

    pub(crate) fn needs_contact(&self) -> String {
        format!(
            "\"{}\" needs a contact, and {} has none",
            self.step.action, self.event.kind
        )
    }

    /// The event by which other workflows hear of what this step did.
    pub(crate) fn tell(&self, kind: &str, record: String, payload: Value) -> NewEvent {
        NewEvent {
            source: Source::Workflow,
            kind: kind.to_owned(),
            location: self.connection.location.clone(),
            contact: self.event.contact.clone(),
            record,
            occurred_at: self.engine.clock.now(),
            // A step is done once in a run: each is a change of its own.
            version: Some(format!("run {} step {}", self.run, self.step.id)),
            delivery: None,
            payload,
            trace: Trace {
                found_by: Vec::new(),
                cause: Some(self.run),
                depth: self.event.trace.depth + 1,
                made_at: None,
            },
        }
    }

    async fn note(&self, contact: &str, arguments: &Map<String, Value>) -> Result<Plan, Problem> {
        only(PROFILE_NOTE, arguments)?;
        let Some(body) = text(arguments, "body") else {
            return Err("\"profile.note\" needs a body, and it is empty"
                .to_owned()
                .into());
        };
        let linked = text(arguments, "linked");
        let location = &self.connection.location;
        let notes = self.engine.store.profile_notes(location, contact).await?;
        let id = profile_record_id("note", &self.key);
        let known = find(&notes, linked.as_ref(), &id, |note: &ProfileNote| {
            (&note.id, note.highlevel_id.as_ref())
        });
        let id = known.map_or(id, |note| note.id.clone());
        let target = Some(Target::of_profile("profile_note", &id, ["*"]));
        // A note that came from HighLevel need not go back there.
        let origin = if linked.is_some() {
            "highlevel"
        } else {
            "profile"
        };
        let output = json!({ "id": id, "contact": contact, "body": body, "origin": origin,
            "highlevelId": linked.as_ref().or_else(|| known.and_then(|note| note.highlevel_id.as_ref())) });
        if known.is_some_and(|note| {
            note.body == body && (linked.is_none() || note.highlevel_id == linked)
        }) {
            return Ok(Plan {
                output,
                target,
                ..Plan::default()
            });
        }
        let kind = if known.is_some() {
            "profile_note.updated"
        } else {
            "profile_note.created"
        };
        Ok(Plan {
            events: vec![(kind, id.clone(), output.clone())],
            changes: vec![ProfileChange::Note {
                id,
                contact: contact.to_owned(),
                highlevel_id: linked,
                body,
            }],
            output,
            target,
        })
    }

    async fn task(&self, contact: &str, arguments: &Map<String, Value>) -> Result<Plan, Problem> {
        only(PROFILE_TASK, arguments)?;
        let linked = text(arguments, "linked");
        let location = &self.connection.location;
        let tasks = self.engine.store.profile_tasks(location, contact).await?;
        let id = profile_record_id("task", &self.key);
        let known = find(&tasks, linked.as_ref(), &id, |task: &ProfileTask| {
            (&task.id, task.highlevel_id.as_ref())
        });
        let id = known.map_or(id, |task| task.id.clone());
        let target = Some(Target::of_profile("profile_task", &id, ["*"]));
        let title = text(arguments, "title").or_else(|| known.map(|task| task.title.clone()));
        let Some(title) = title else {
            return Err("\"profile.task\" needs a title, and it is empty"
                .to_owned()
                .into());
        };
        let before = known.map_or((0, false), |task| (task.progress, task.completed));
        let (progress, completed) = standing(arguments, before)?;
        let output = json!({ "id": id, "contact": contact, "title": title, "progress": progress, "completed": completed,
            "highlevelId": linked.as_ref().or_else(|| known.and_then(|task| task.highlevel_id.as_ref())) });
        if known.is_some_and(|task| {
            (task.progress, task.completed) == (progress, completed)
                && task.title == title
                && (linked.is_none() || task.highlevel_id == linked)
        }) {
            return Ok(Plan {
                output,
                target,
                ..Plan::default()
            });
        }
        let first = if known.is_some() {
            "profile_task.updated"
        } else {
            "profile_task.created"
        };
        let mut events = vec![(first, id.clone(), output.clone())];
        if completed && !before.1 {
            events.push(("profile_task.completed", id.clone(), output.clone()));
        }
        Ok(Plan {
            events,
            changes: vec![ProfileChange::Task {
                id,
                contact: contact.to_owned(),
                highlevel_id: linked,
                title,
                progress,
                completed,
            }],
            output,
            target,
        })
    }

    async fn tags(&self, contact: &str, arguments: &Map<String, Value>) -> Result<Plan, Problem> {
        only(PROFILE_TAG, arguments)?;
        let location = &self.connection.location;
        let before = self.engine.store.profile_tags(location, contact).await?;
        let mut after = before.clone();
        let mut changes = Vec::new();
        let named = words(arguments.get("add"))
            .into_iter()
            .chain(words(arguments.get("remove")));
        let parts: Vec<String> = named.collect();
        let target = Target::of_profile("profile_tags", contact, parts.iter().map(String::as_str));
        let (covered, _) = self.overtaken(&target).await?;
        for (name, present) in [("add", true), ("remove", false)] {
            for tag in words(arguments.get(name)) {
                // A newer event has said so, or otherwise, since.
                if covered.contains(&tag) || after.contains(&tag) == present {
                    continue;
                }
                if present {
                    after.push(tag.clone());
                } else {
                    after.retain(|other| *other != tag);
                }
                changes.push(ProfileChange::Tag {
                    contact: contact.to_owned(),
                    tag,
                    present,
                });
            }
        }
        after.sort();
        let id = profile_id(&self.connection.id, location, contact);
        let output = json!({ "ecologiProfileId": id, "contact": contact, "tags": after });
        let events = if after == before {
            Vec::new()
        } else {
            vec![("profile.updated", id, output.clone())]
        };
        let parts = target
            .parts
            .into_iter()
            .filter(|tag| !covered.contains(tag));
        let target = Target {
            name: target.name,
            parts: parts.collect(),
        };
        let target = (!target.parts.is_empty()).then_some(target);
        Ok(Plan {
            changes,
            events,
            output,
            target,
        })
    }
}

/// The record with this counterpart in HighLevel, or the one that this step made before.
fn find<'a, T>(
    records: &'a [T],
    linked: Option<&String>,
    id: &str,
    ids: impl Fn(&T) -> (&String, Option<&String>),
) -> Option<&'a T> {
    let counterpart = records
        .iter()
        .find(|record| linked.is_some() && ids(record).1 == linked);
    counterpart.or_else(|| records.iter().find(|record| ids(record).0 == id))
}

/// A file that was written for another version may have others.
fn only(action: &str, arguments: &Map<String, Value>) -> Result<(), String> {
    let known = profile_arguments::known(action).unwrap_or_default();
    match arguments
        .keys()
        .find(|name| !known.contains(&name.as_str()))
    {
        None => Ok(()),
        Some(name) => Err(format!(
            "there is no argument \"{name}\"; there are: {}",
            known.join(", ")
        )),
    }
}

fn text(arguments: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match arguments.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// One tag or a list of them, in HighLevel's lower case.
fn words(value: Option<&Value>) -> Vec<String> {
    let list = match value {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter()
        .filter_map(Value::as_str)
        .map(|tag| tag.trim().to_lowercase())
        .filter(|tag| !tag.is_empty())
        .collect()
}

/// Progress and whether the task is completed, from what the step says and how it was before.
fn standing(arguments: &Map<String, Value>, before: (u32, bool)) -> Result<(u32, bool), String> {
    let given = match text(arguments, "progress") {
        None => None,
        Some(text) => Some(percent(&text)?),
    };
    let said = match text(arguments, "status") {
        None => None,
        Some(word) => {
            let known = STATUSES.iter().find(|(status, _)| *status == word);
            Some(known.map(|(_, progress)| *progress).ok_or_else(|| {
                let words = STATUSES.map(|(status, _)| status).join(", ");
                format!("\"{word}\" is no status of a task; there are: {words}")
            })?)
        }
    };
    let flag = arguments.get("completed").and_then(Value::as_bool);
    let progress = given.or(said);
    Ok(match (progress, flag) {
        (Some(progress), Some(completed)) => (progress, completed),
        (Some(progress), None) => (progress, progress == 100),
        (None, Some(true)) => (100, true),
        // Reopened: what was complete is so no more.
        (None, Some(false)) => (if before.0 == 100 { 0 } else { before.0 }, false),
        (None, None) => before,
    })
}

fn percent(text: &str) -> Result<u32, String> {
    let number = text
        .parse::<f64>()
        .ok()
        .filter(|n| (0.0..=100.0).contains(n));
    let whole = number
        .map(f64::round)
        .and_then(|n| format!("{n}").parse().ok());
    whole.ok_or_else(|| format!("progress is {text}; it must be a number from 0 to 100"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_follows_from_what_is_said() {
        for (said, before, expected) in [
            (json!({ "progress": 40 }), (0, false), (40, false)),
            (json!({ "progress": "40.4" }), (0, false), (40, false)),
            (json!({ "progress": 100 }), (0, false), (100, true)),
            (json!({ "status": "in_progress" }), (0, false), (50, false)),
            (json!({ "completed": true }), (20, false), (100, true)),
            (json!({ "completed": false }), (100, true), (0, false)),
            (json!({ "completed": false }), (20, false), (20, false)),
            (json!({}), (20, false), (20, false)),
        ] {
            let standing = standing(said.as_object().unwrap(), before);
            assert_eq!(standing, Ok(expected), "{said}");
        }
        for wrong in [
            json!({ "progress": 101 }),
            json!({ "progress": "much" }),
            json!({ "status": "stuck" }),
        ] {
            assert!(standing(wrong.as_object().unwrap(), (0, false)).is_err());
        }
    }

    #[test]
    fn tags_are_one_or_many() {
        assert_eq!(words(Some(&json!("Green "))), ["green"]);
        assert_eq!(words(Some(&json!(["A", "", "b"]))), ["a", "b"]);
        assert!(words(None).is_empty());
    }
}
