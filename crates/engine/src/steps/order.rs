//! Order: a step of an older event never writes over what one of a newer event has written.
//!
//! A run that waits keeps nothing else waiting, so a later change of the same record may be carried out before it. When the
//! run comes back, what newer events have written since is left out of its writes. What adds something of its own (notes,
//! messages, purchases) is not held against anything.

use canopy_highlevel::operation::{Idempotency, Operation, Place};
use canopy_mapping::{Event, Source};
use canopy_store::Written;
use serde_json::{Map, Value, json};

use super::StepRun;
use crate::error::{EngineError, Verdict};

/// Stands for the run of a newer write where it was nobody's run.
pub(super) const BY_SOMEBODY: i64 = 0;
/// The whole of a target.
pub(super) const WHOLE: &str = "*";
pub(super) const UPSERT_CONTACT: &str = "upsert-contact";
const UPSERT_OPPORTUNITY: &str = "upsert-opportunity";
/// Members of an upsert by which the record is found.
const SAY_WHICH: &[&str] = &[
    "id",
    "locationId",
    "email",
    "phone",
    "createNewIfDuplicateAllowed",
];

/// What a call writes: something, and which parts of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub name: String,
    pub parts: Vec<String>,
}

impl Target {
    /// What an event itself tells to have been written: a person's note, on either side. Of other records an event does
    /// not tell which of their members a person wrote.
    pub fn told(event: &Event) -> Option<Self> {
        let note = &event.record;
        match (&*event.kind, &event.contact) {
            ("note.created" | "note.updated", Some(contact)) => Some(Self {
                name: format!("/contacts/{contact}/notes/{note}"),
                parts: vec!["body".to_owned()],
            }),
            ("profile_note.created" | "profile_note.updated", _)
                if event.source == Source::Manual =>
            {
                Some(Self::of_profile("profile_note", note, [WHOLE]))
            }
            _ => None,
        }
    }

    /// Something on the Ecologi side.
    pub fn of_profile<'a>(word: &str, id: &str, parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            name: format!("{word} {id}"),
            parts: parts.into_iter().map(str::to_owned).collect(),
        }
    }

    /// What an operation of HighLevel writes with these arguments; `None`: it adds something, or names nothing.
    pub fn of(operation: &Operation, arguments: &Map<String, Value>) -> Option<Self> {
        // A call for many writes to each of them, see `bulk.rs`.
        if operation.idempotency == Idempotency::Read || operation.path.contains("/bulk/") {
            return None;
        }
        if operation.name == UPSERT_OPPORTUNITY {
            return Self::of_upsert("/opportunities", arguments.get("id")?.as_str()?, arguments);
        }
        let (name, rest) = filled(operation.path, arguments)?;
        let adds = operation.idempotency != Idempotency::Idempotent && !rest.is_empty();
        if adds {
            return None;
        }
        let in_body = |name: &str| {
            let mut parameters = operation.parameters.iter();
            !parameters.any(|parameter| parameter.name == name)
        };
        let mut parts = Vec::new();
        for (member, value) in arguments.iter().filter(|(member, _)| in_body(member)) {
            match elements(member, value, !rest.is_empty()) {
                Some(elements) => parts.extend(elements),
                None => parts.push(member.clone()),
            }
        }
        if parts.is_empty() {
            let part = if rest.is_empty() { WHOLE } else { rest };
            parts.push(part.to_owned());
        }
        Some(Self { name, parts })
    }
}

impl Target {
    /// All that a call wrote, as its answer shows it.
    pub fn all_of(
        operation: &Operation,
        arguments: &Map<String, Value>,
        answer: &Value,
    ) -> Vec<Self> {
        let id = |pointer| answer.pointer(pointer).and_then(Value::as_str);
        let upserted = match operation.name {
            UPSERT_CONTACT => id("/contact/id").map(|id| ("/contacts", id)),
            UPSERT_OPPORTUNITY => id("/opportunity/id").map(|id| ("/opportunities", id)),
            _ => None,
        };
        let one = match upserted {
            Some((list, id)) => Self::of_upsert(list, id, arguments),
            None => Self::of(operation, arguments),
        };
        let mut all = super::bulk::targets(operation, arguments);
        all.extend(one);
        all
    }

    /// What an upsert of a record that is there writes.
    pub fn of_upsert(list: &str, id: &str, arguments: &Map<String, Value>) -> Option<Self> {
        let named = |(member, value): (&String, &Value)| {
            if SAY_WHICH.contains(&member.as_str()) {
                return Vec::new();
            }
            elements(member, value, false).unwrap_or_else(|| vec![member.clone()])
        };
        let parts: Vec<_> = arguments.iter().flat_map(named).collect();
        (!id.is_empty() && !parts.is_empty()).then(|| Self {
            name: format!("{list}/{id}"),
            parts,
        })
    }
}

/// The path up to its last id, filled in, and what comes after it. `None`: it has no id.
fn filled<'a>(path: &'a str, arguments: &Map<String, Value>) -> Option<(String, &'a str)> {
    let end = path.rfind('}')? + 1;
    let mut name = String::new();
    let mut open = &path[..end];
    while let Some((before, rest)) = open.split_once('{') {
        let (parameter, after) = rest.split_once('}')?;
        name.push_str(before);
        name.push_str(arguments.get(parameter)?.as_str()?);
        open = after;
    }
    Some((name, path[end..].trim_matches('/')))
}

/// The parts of a member that is written element by element: custom fields, and lists of an operation that adds to or
/// takes away from them.
fn elements(member: &str, value: &Value, of_list: bool) -> Option<Vec<String>> {
    let list = value.as_array()?;
    let name = |element: &Value| match element {
        Value::String(text) if of_list => Some(text.to_lowercase()),
        Value::Object(field) if member == "customFields" => {
            let id = field.get("id").or_else(|| field.get("key"))?;
            id.as_str().map(str::to_owned)
        }
        _ => None,
    };
    let names: Option<Vec<String>> = list.iter().map(name).collect();
    Some(
        names?
            .into_iter()
            .map(|name| format!("{member}:{name}"))
            .collect(),
    )
}

/// Whether what was written later covers this part, or the other way round.
pub(super) fn touches(newer: &str, part: &str) -> bool {
    let group = |name: &str, of: &str| {
        of.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(':'))
    };
    newer == part || newer == WHOLE || part == WHOLE || group(newer, part) || group(part, newer)
}

/// Takes the parts out of the arguments that were written later.
fn leave_out(arguments: &mut Map<String, Value>, covered: &[String]) {
    let is_covered = |part: &str| covered.iter().any(|covered| covered == part);
    let of_lists: Vec<String> = arguments.keys().cloned().collect();
    for member in of_lists {
        if is_covered(&member) {
            arguments.shift_remove(&member);
            continue;
        }
        let Some(Value::Array(list)) = arguments.get_mut(&member) else {
            continue;
        };
        let before = list.len();
        list.retain(|element| {
            let single = Value::Array(vec![element.clone()]);
            let names = elements(&member, &single, true).unwrap_or_default();
            !names.iter().any(|name| is_covered(name))
        });
        if list.is_empty() && before > 0 {
            arguments.shift_remove(&member);
        }
    }
}

impl StepRun<'_> {
    /// What becomes durable with the step's outcome: that it wrote this.
    pub(super) fn written(&self, target: Target) -> Written {
        Written {
            target: target.name,
            parts: target.parts,
            contact: self.event.contact.clone(),
            position: self.position,
        }
    }

    /// The parts of a target that a newer event has written, and the run that did.
    pub(super) async fn overtaken(
        &self,
        target: &Target,
    ) -> Result<(Vec<String>, Option<i64>), EngineError> {
        let location = &self.connection.location;
        let newer = self
            .engine
            .store
            .newer_writes(location, &target.name, self.position, self.run)
            .await?;
        let by = |part: &String| newer.iter().find(|(newer, _)| touches(newer, part));
        let covered: Vec<String> = target
            .parts
            .iter()
            .filter(|part| by(part).is_some())
            .cloned()
            .collect();
        let run = target.parts.iter().find_map(by).map(|(_, run)| *run);
        Ok((covered, run))
    }

    /// Leaves out of a call what newer events or somebody else have written since; `found`: the contact that an upsert would
    /// write to. The verdict: nothing is left of it.
    pub(super) async fn yield_to_newer(
        &self,
        operation: &Operation,
        arguments: &mut Map<String, Value>,
        found: Option<&str>,
    ) -> Result<(Vec<String>, Option<Verdict>), EngineError> {
        let target = match found {
            Some(id) => Target::of_upsert("/contacts", id, arguments),
            None => Target::of(operation, arguments),
        };
        let Some(target) = target else {
            return Ok((Vec::new(), None));
        };
        let (mut covered, run) = self.overtaken(&target).await?;
        let others = self.changed_by_somebody(operation, &target, arguments);
        for part in others.await? {
            if !covered.contains(&part) {
                covered.push(part);
            }
        }
        if covered.is_empty() {
            return Ok((covered, None));
        }
        let run = run.unwrap_or(BY_SOMEBODY);
        let mut rest = arguments.clone();
        leave_out(&mut rest, &covered);
        // What is left may be no request any more: then the newer one stands for all of it.
        let is_whole = covered.len() < target.parts.len()
            && canopy_highlevel::check(operation.name, &Value::Object(rest.clone())).is_ok()
            && rest.keys().any(|name| is_body(operation, name));
        if is_whole {
            *arguments = rest;
            return Ok((covered, None));
        }
        let verdict = self
            .superseded(Value::Object(arguments.clone()), run)
            .await?;
        Ok((covered, Some(verdict)))
    }

    /// Ends the step, because a newer event has written what it was to write. Later steps see what the newer one answered.
    pub(super) async fn superseded(
        &self,
        request: Value,
        run: i64,
    ) -> Result<Verdict, EngineError> {
        let steps = self.engine.store.steps(run).await?;
        let same = steps
            .into_iter()
            .find(|step| step.step == self.step.id && step.action == self.step.action);
        let mut output = match same.and_then(|step| step.output) {
            Some(Value::Object(output)) => output,
            _ => Map::new(),
        };
        let why = match run {
            BY_SOMEBODY => "superseded: a person has written this since".to_owned(),
            run => format!("superseded: run {run}, of a newer event, has written this already"),
        };
        output.insert("skipped".to_owned(), json!(why));
        self.skip(request, Value::Object(output)).await
    }
}

fn is_body(operation: &Operation, name: &str) -> bool {
    let mut parameters = operation.parameters.iter();
    !parameters.any(|parameter| parameter.name == name && parameter.place == Place::Path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(operation: &str, arguments: &Value) -> Option<(String, Vec<String>)> {
        let operation = canopy_highlevel::operation(operation).unwrap();
        let target = Target::of(operation, arguments.as_object().unwrap())?;
        Some((target.name, target.parts))
    }

    #[test]
    fn a_call_writes_members_of_what_its_path_names() {
        for (operation, arguments, name, parts) in [
            (
                "update-contact",
                json!({ "contactId": "c", "firstName": "Ada", "customFields": [{ "id": "f", "field_value": 1 }], "tags": ["A"] }),
                "/contacts/c",
                vec!["firstName", "customFields:f", "tags"],
            ),
            (
                "add-tags",
                json!({ "contactId": "c", "tags": ["A", "b"] }),
                "/contacts/c",
                vec!["tags:a", "tags:b"],
            ),
            (
                "delete-contact",
                json!({ "contactId": "c" }),
                "/contacts/c",
                vec!["*"],
            ),
            (
                "update-opportunity-status",
                json!({ "id": "o", "status": "won" }),
                "/opportunities/o",
                vec!["status"],
            ),
            (
                "upsert-opportunity",
                json!({ "id": "o", "locationId": "l", "pipelineId": "p", "status": "won" }),
                "/opportunities/o",
                vec!["pipelineId", "status"],
            ),
            (
                "update-task-completed",
                json!({ "contactId": "c", "taskId": "t", "completed": true }),
                "/contacts/c/tasks/t",
                vec!["completed"],
            ),
            (
                "add-contact-to-workflow",
                json!({ "contactId": "c", "workflowId": "w" }),
                "/contacts/c/workflow/w",
                vec!["*"],
            ),
        ] {
            let parts = parts.into_iter().map(str::to_owned).collect();
            assert_eq!(
                target(operation, &arguments),
                Some((name.to_owned(), parts)),
                "{operation}"
            );
        }
    }

    #[test]
    fn what_adds_something_of_its_own_yields_to_nothing() {
        for (operation, arguments) in [
            ("create-note", json!({ "contactId": "c", "body": "x" })),
            ("create-contact", json!({ "locationId": "l" })),
            (
                "send-a-new-message",
                json!({ "contactId": "c", "type": "SMS" }),
            ),
            (
                "bulk-update-contact-tags",
                json!({ "type": "add", "contacts": ["c"], "tags": ["a"] }),
            ),
            (
                "upsert-opportunity",
                json!({ "locationId": "l", "pipelineId": "p", "status": "won" }),
            ),
            ("get-location", json!({ "locationId": "l" })),
        ] {
            assert_eq!(target(operation, &arguments), None, "{operation}");
        }
    }

    #[test]
    fn parts_meet_in_themselves_and_in_what_holds_them() {
        for (newer, part, meet) in [
            ("firstName", "firstName", true),
            ("firstName", "lastName", false),
            ("*", "lastName", true),
            ("body", "*", true),
            ("tags", "tags:a", true),
            ("tags:a", "tags", true),
            ("tags:a", "tags:b", false),
            ("tag", "tags:a", false),
        ] {
            assert_eq!(touches(newer, part), meet, "{newer} {part}");
        }
    }

    #[test]
    fn only_what_was_written_later_is_left_out() {
        let mut arguments = json!({ "contactId": "c", "firstName": "Ada", "city": "Rome",
            "customFields": [{ "id": "f", "field_value": 1 }, { "id": "g", "field_value": 2 }] });
        let arguments = arguments.as_object_mut().unwrap();
        let covered = ["firstName", "customFields:f"].map(str::to_owned);
        leave_out(arguments, &covered);
        let expected = json!({ "contactId": "c", "city": "Rome", "customFields": [{ "id": "g", "field_value": 2 }] });
        assert_eq!(Value::Object(arguments.clone()), expected);
    }
}
