//! Each of the catalog's triggers against the sandbox: the baseline and what did not change fire nothing, what is new
//! and what changed fire once.

mod cases;
mod pages;

use std::collections::{BTreeMap, BTreeSet};

use canopy_highlevel::operation::EntryKind;
use canopy_triggers::{PollOptions, PollSpec};
use serde_json::{Value, json};

use self::cases::{account, contacts, dealings};
use crate::support::World;

/// Something that a user does. The id of what comes of it is remembered under a name.
struct Do {
    name: &'static str,
    by: By,
    body: Value,
}

enum By {
    /// The sandbox's control API, at this path, and the pointer to the id in its answer.
    Control(&'static str, &'static str),
    /// An operation, and the pointer to the id in its answer.
    Call(&'static str, &'static str),
}

/// `path` of the control API.
fn control(name: &'static str, path: &'static str, body: Value) -> Do {
    let by = By::Control(path, "/id");
    Do { name, by, body }
}

fn call(name: &'static str, operation: &'static str, id: &'static str, body: Value) -> Do {
    let by = By::Call(operation, id);
    Do { name, by, body }
}

struct Case {
    operation: &'static str,
    arguments: Value,
    before: Vec<Do>,
    /// What is done between polls, and the kind that tells it.
    then: Vec<(Do, &'static str)>,
}

fn case(operation: &'static str, arguments: Value) -> Case {
    Case {
        operation,
        arguments,
        before: Vec::new(),
        then: Vec::new(),
    }
}

impl Case {
    fn before(mut self, done: Do) -> Self {
        self.before.push(done);
        self
    }

    fn then(mut self, done: Do, kind: &'static str) -> Self {
        self.then.push((done, kind));
        self
    }
}

/// A world with the ids of what is there from the start.
struct Play {
    world: World,
    agency: String,
    ids: BTreeMap<String, String>,
}

impl Play {
    async fn new() -> Self {
        let world = World::new(2).await;
        world.same_time().await;
        let token = world
            .control("/tokens", json!({ "class": "agency_key" }))
            .await;
        let agency = token["token"].as_str().unwrap().to_owned();
        let info = world.sandbox.info();
        let mut ids = BTreeMap::from([
            ("location".to_owned(), info.location_id.clone()),
            ("company".to_owned(), info.company_id.clone()),
        ]);
        for (name, path) in [
            ("contact", "/contacts"),
            ("user", "/records/users"),
            ("calendar", "/records/calendars"),
            ("pipeline", "/records/pipelines"),
            ("workflow", "/records/workflows"),
            ("campaign", "/records/campaigns"),
            ("snapshot", "/records/snapshots"),
            ("blog", "/records/blogs"),
            ("author", "/records/authors"),
            ("category", "/records/categories"),
        ] {
            let first = &world.books(path).await[0];
            ids.insert(name.to_owned(), first["id"].as_str().unwrap().to_owned());
        }
        let user = world.books("/records/users").await.remove(0);
        ids.insert(
            "email".to_owned(),
            user["email"].as_str().unwrap().to_owned(),
        );
        Self { world, agency, ids }
    }

    /// Puts ids in the place of their names.
    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(list) => list.iter().map(|value| self.filled(value)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.filled(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        let Some((before, name)) = text.split_once('$') else {
            return text.to_owned();
        };
        let id = self.ids.get(name);
        format!("{before}{}", id.unwrap_or_else(|| panic!("no {name}")))
    }

    async fn act(&mut self, done: &Do) -> Result<(), String> {
        let body = self.filled(&done.body);
        let (answer, id) = match done.by {
            By::Control(path, id) => (self.world.control(&self.text(path), body).await, id),
            By::Call(operation, id) => {
                let answer = self.world.client().invoke(operation, &body).await;
                let answer = answer.map_err(|error| format!("{operation}: {error}"))?;
                (answer, id)
            }
        };
        if let Some(id) = answer.pointer(id).and_then(Value::as_str) {
            self.ids.insert(done.name.to_owned(), id.to_owned());
        }
        Ok(())
    }

    async fn hold(mut self, case: &Case) -> Result<(), String> {
        for done in &case.before {
            self.act(done).await?;
        }
        let arguments = self.filled(&case.arguments);
        let spec = PollSpec {
            operation: case.operation.to_owned(),
            arguments: arguments.as_object().unwrap().clone(),
            every: None,
            backfill: false,
        };
        let needs_agency = matches!(
            case.operation,
            "get-company" | "get-custom-snapshots" | "filter-users-by-email"
        );
        let token = needs_agency.then_some(self.agency.as_str());
        let poller = self.world.poller_as(token, PollOptions::default(), &[spec]);
        let first = poller.poll().await.map_err(|error| error.to_string())?;
        if !first.baseline || first.stored > 0 {
            return Err(format!("the baseline is {first:?}"));
        }
        let mut told = 0;
        for (done, kind) in &case.then {
            for after in [&[][..], &[*kind][..], &[][..]] {
                self.world.advance(600).await;
                if !after.is_empty() {
                    self.act(done).await?;
                }
                poller.poll().await.map_err(|error| error.to_string())?;
                let events = self.world.events().await;
                let kinds: Vec<_> = events[told..].iter().map(|(kind, _)| &**kind).collect();
                if kinds != after {
                    return Err(format!("it told {kinds:?} and not {after:?}"));
                }
                told = events.len();
            }
        }
        Ok(())
    }
}

async fn hold(cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(problem) = Play::new().await.hold(case).await {
            wrong.push(format!("{}: {problem}", case.operation));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn triggers_of_contacts_and_calendars() {
    hold(contacts()).await;
}

#[tokio::test]
async fn triggers_of_opportunities_users_and_conversations() {
    hold(dealings()).await;
}

#[tokio::test]
async fn triggers_of_the_account() {
    hold(account()).await;
}

#[test]
fn every_trigger_of_the_catalog_has_a_case() {
    let cases: BTreeSet<_> = [contacts(), dealings(), account()]
        .iter()
        .flatten()
        .map(|case| case.operation)
        .collect();
    let catalog = canopy_highlevel::CATALOG.iter();
    let triggers: BTreeSet<_> = catalog
        .filter(|entry| entry.kind == EntryKind::Trigger)
        .map(|entry| entry.operation)
        .collect();
    assert_eq!(cases, triggers);
}
