//! Which polls a location needs, and whether they fit into its day.

use std::collections::BTreeSet;
use std::time::Duration;

use canopy_highlevel::operation::{Each, EventVersion, Operation, Reading, Trigger};
use canopy_highlevel::{OPERATIONS, WEBHOOKS, arranges, check, describe};
use canopy_mapping::poll_name;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::PollOptions;
use super::stretch::{LONGEST, SHORTEST};

/// Parameters that are filled in when they are not given, because the location is known.
pub(super) const LOCATION: &[&str] = &["locationId", "location_id"];
pub(super) const COMPANY: &str = "companyId";
/// Parameters that say which part of a list comes with an answer.
pub(super) const PAGING: &[&str] = &["limit", "pageLimit", "page", "skip", "offset"];

/// A trigger that a workflow waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct PollSpec {
    /// The operation's name, e.g. `get-calendar-events`.
    pub operation: String,
    /// Its arguments without the location's id.
    pub arguments: Map<String, Value>,
    /// 1 to 15 minutes. `None`: as usual at this location.
    pub every: Option<Duration>,
    /// Report what is there at the first poll, too.
    pub backfill: bool,
}

/// Why a poll cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error(
        "operation \"{operation}\" cannot be a trigger; `canopy ops` tells triggers from actions"
    )]
    NoTrigger { operation: String },
    #[error("trigger \"{operation}\": {problem}")]
    Arguments { operation: String, problem: String },
    #[error("trigger \"{operation}\": every = {} s; write \"1m\" to \"15m\"", every.as_secs())]
    Interval { operation: String, every: Duration },
}

/// One poll: workflows whose triggers have the same operation and arguments share it.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    pub name: String,
    /// Names under which earlier versions of the program polled the same: by all of the arguments.
    pub(super) former: Vec<String>,
    pub operation: &'static Operation,
    pub trigger: Trigger,
    pub arguments: Map<String, Value>,
    pub every: Duration,
    pub backfill: bool,
    /// A workflow waits for just this poll.
    pub named: bool,
    /// Kinds that workflows wait for, whichever way they come.
    pub(super) kinds: BTreeSet<String>,
}

/// The polls of a location, parents before the lists that hang on them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Polls {
    polls: Vec<Poll>,
    /// Kinds that no poll can find.
    webhooks_only: BTreeSet<String>,
}

impl Polls {
    /// The polls for these triggers and for workflows on these kinds.
    pub fn new(
        specs: &[PollSpec],
        kinds: &BTreeSet<String>,
        options: &PollOptions,
    ) -> Result<Self, PlanError> {
        let mut polls = Self::default();
        for spec in specs {
            let every = spec.every.unwrap_or(options.every);
            if !(SHORTEST..=LONGEST).contains(&every) {
                let operation = spec.operation.clone();
                return Err(PlanError::Interval { operation, every });
            }
            let (operation, trigger) = find(&spec.operation)?;
            let name = name_of(operation, &spec.arguments);
            let former = poll_name(operation.name, &spec.arguments);
            let mut poll = Poll {
                former: Vec::from_iter((former != name).then_some(former)),
                name,
                operation,
                trigger,
                arguments: spec.arguments.clone(),
                every,
                backfill: spec.backfill,
                named: true,
                kinds: kinds.clone(),
            };
            poll.take_usual_window();
            poll.check()?;
            poll.backfill |= options.backfill;
            polls.add(poll, kinds, options)?;
        }
        for kind in kinds {
            match standard(kind) {
                Some((operation, trigger)) => {
                    polls.add(
                        usual(operation, trigger, kinds, options, options.every),
                        kinds,
                        options,
                    )?;
                }
                None => {
                    polls.webhooks_only.insert(kind.clone());
                }
            }
        }
        Ok(polls)
    }

    /// Shares a poll, and sees to it that the parents of its records are polled before.
    fn add(
        &mut self,
        poll: Poll,
        kinds: &BTreeSet<String>,
        options: &PollOptions,
    ) -> Result<(), PlanError> {
        if let Some(shared) = self.polls.iter_mut().find(|other| other.name == poll.name) {
            shared.every = shared.every.min(poll.every);
            shared.backfill |= poll.backfill;
            shared.named |= poll.named;
            shared.former.extend(poll.former);
            return Ok(());
        }
        if let Some(parents) = poll.parents() {
            let (operation, trigger) = find(parents)?;
            let parents = usual(operation, trigger, kinds, options, poll.every);
            self.add(parents, kinds, options)?;
        }
        self.polls.push(poll);
        Ok(())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Poll> {
        self.polls.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.polls.is_empty()
    }

    /// Kinds that workflows wait for and that no poll can find: they come by webhook only.
    pub fn webhooks_only(&self) -> impl Iterator<Item = &str> {
        self.webhooks_only.iter().map(String::as_str)
    }
}

impl Poll {
    /// The operation that lists the parents, where this poll reads the lists of several as these change.
    pub(super) fn parents(&self) -> Option<&'static str> {
        let each = self.trigger.each.filter(|each| !each.at_once)?;
        (!self.arguments.contains_key(each.parameter)).then_some(each.of)
    }

    /// The parents of which this poll reads all lists each time.
    pub(super) fn spread(&self) -> Option<Each> {
        let each = self.trigger.each.filter(|each| each.at_once)?;
        let given = |name: &&str| self.arguments.contains_key(*name);
        (!given(&each.parameter) && !each.or.iter().any(given)).then_some(each)
    }

    fn take_usual_window(&mut self) {
        let Some(window) = self.trigger.window else {
            return;
        };
        let Some((from, to)) = window.usual else {
            return;
        };
        for (name, end) in [(window.from, from), (window.to, to)] {
            self.arguments.entry(name).or_insert_with(|| json!(end));
        }
    }

    /// First word of the kinds of the parents.
    pub(super) fn parent_word(&self) -> Option<&'static str> {
        let parents = canopy_highlevel::operation(self.trigger.each?.of)?;
        parents.trigger.map(|trigger| trigger.record)
    }

    /// What is missing was deleted: it is a whole list, and no filter hides a part of it.
    pub(super) fn lists_all(&self) -> bool {
        let fields =
            describe(self.operation.name).map_or_else(|_| Vec::new(), |found| found.fields);
        let each = self.trigger.each.map(|each| each.parameter);
        let is_filter = |name: &String| {
            let field = fields.iter().find(|field| field.name == *name);
            Some(name.as_str()) != each
                && !LOCATION.contains(&name.as_str())
                && !PAGING.contains(&name.as_str())
                && !arranges(self.operation, name)
                && field.is_none_or(|field| !field.required)
        };
        match self.trigger.reading {
            Reading::Record => true,
            _ => self.trigger.lists_all && !self.arguments.keys().any(is_filter),
        }
    }

    /// Somebody wants to hear of what was deleted, and a read by id tells it from what has moved out of the window.
    pub(super) fn looks_for_deleted(&self) -> bool {
        let deleted = format!("{}.deleted", self.trigger.record);
        self.moves() && self.kinds.contains(&deleted) && self.single().is_some()
    }

    /// Members whose changes are kinds that somebody waits for.
    pub(super) fn wants_changes(&self) -> bool {
        self.trigger
            .changes
            .iter()
            .any(|change| self.kinds.contains(change.kind))
    }

    /// Holds the arguments against the description, with something in place of what is filled in later.
    fn check(&self) -> Result<(), PlanError> {
        let mut arguments = self.arguments.clone();
        let some_time = Timestamp::UNIX_EPOCH.to_zoned_datetime(TimeZone::UTC);
        self.place_window(&mut arguments, &some_time)
            .map_err(|(name, error)| PlanError::Arguments {
                operation: self.operation.name.to_owned(),
                problem: format!("{name} {error}"),
            })?;
        for name in filled(self.operation) {
            arguments.entry(name).or_insert_with(|| json!("x"));
        }
        if let Some(each) = self.trigger.each {
            arguments
                .entry(each.parameter)
                .or_insert_with(|| json!("x"));
        }
        let arguments = super::reading::first_page(self, arguments);
        check(self.operation.name, &Value::Object(arguments)).map_err(|error| {
            PlanError::Arguments {
                operation: self.operation.name.to_owned(),
                problem: error.to_string(),
            }
        })
    }
}

/// What a poll is called: triggers that find the same share one, whatever order and pages they ask for.
fn name_of(operation: &Operation, arguments: &Map<String, Value>) -> String {
    let mut finding = arguments.clone();
    finding.retain(|name, _| !arranges(operation, name));
    poll_name(operation.name, &finding)
}

fn find(name: &str) -> Result<(&'static Operation, Trigger), PlanError> {
    canopy_highlevel::operation(name)
        .and_then(|operation| Some((operation, operation.trigger?)))
        .ok_or_else(|| PlanError::NoTrigger {
            operation: name.to_owned(),
        })
}

/// The poll of a list as a whole, for those who read it on the way.
pub(super) fn listing(operation: &str, options: &PollOptions) -> Option<Poll> {
    let (operation, trigger) = find(operation).ok()?;
    let kinds = BTreeSet::new();
    Some(usual(operation, trigger, &kinds, options, options.every))
}

pub(super) fn usual(
    operation: &'static Operation,
    trigger: Trigger,
    kinds: &BTreeSet<String>,
    options: &PollOptions,
    every: Duration,
) -> Poll {
    let arguments = Map::new();
    let mut poll = Poll {
        name: poll_name(operation.name, &arguments),
        former: Vec::new(),
        operation,
        trigger,
        arguments,
        every,
        backfill: options.backfill,
        named: false,
        kinds: kinds.clone(),
    };
    poll.take_usual_window();
    poll
}

/// The poll that finds events of a kind without being told anything: of several the one that is cheapest.
fn standard(kind: &str) -> Option<(&'static Operation, Trigger)> {
    let (word, verb) = kind.split_once('.')?;
    let finds = |trigger: &Trigger| {
        trigger.record == word
            && (matches!(verb, "created" | "updated")
                || (verb == "deleted" && (trigger.lists_all || has_usual_window(trigger)))
                || trigger.changes.iter().any(|change| change.kind == kind))
    };
    let rank = |operation: &Operation, trigger: &Trigger| match trigger.reading {
        Reading::Changes { .. } => Some(0),
        Reading::Snapshot if needs_nothing(operation, trigger) => {
            let spread = trigger.each.is_none_or(|each| each.at_once);
            Some(if spread { 1 } else { 2 })
        }
        _ => None,
    };
    OPERATIONS
        .iter()
        .filter_map(|operation| Some((operation, operation.trigger?)))
        .filter(|(operation, trigger)| finds(trigger) && !is_deprecated(operation))
        .filter_map(|(operation, trigger)| Some((rank(operation, &trigger)?, operation, trigger)))
        .min_by_key(|(rank, ..)| *rank)
        .map(|(_, operation, trigger)| (operation, trigger))
}

/// Whether all that it demands, also in its body, is known without being told.
fn needs_nothing(operation: &Operation, trigger: &Trigger) -> bool {
    let fields = describe(operation.name).map_or_else(|_| Vec::new(), |found| found.fields);
    let filled = filled(operation);
    fields.iter().all(|field| {
        !field.required
            || filled.contains(&field.name)
            || trigger
                .each
                .is_some_and(|each| each.parameter == field.name)
            || PAGING.contains(&field.name.as_str())
            || (has_usual_window(trigger)
                && trigger
                    .window
                    .is_some_and(|window| window.from == field.name || window.to == field.name))
    })
}

fn has_usual_window(trigger: &Trigger) -> bool {
    trigger.window.is_some_and(|window| window.usual.is_some())
}

fn is_deprecated(operation: &Operation) -> bool {
    describe(operation.name).is_ok_and(|description| description.deprecated)
}

/// Parameters of an operation that are filled in when they are not given.
pub(super) fn filled(operation: &Operation) -> Vec<String> {
    let fields = describe(operation.name).map_or_else(|_| Vec::new(), |found| found.fields);
    fields
        .into_iter()
        .map(|field| field.name)
        .filter(|name| LOCATION.contains(&name.as_str()) || name == COMPANY)
        .collect()
}

/// Whether a kind happens once only in a record's life.
pub(super) fn happens_once(kind: &str) -> bool {
    match WEBHOOKS.iter().find(|webhook| webhook.kind == kind) {
        Some(webhook) => webhook.version == EventVersion::Once,
        None => kind.ends_with(".created") || kind.ends_with(".deleted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_polled_for_a_kind_alone_demands_no_argument_that_is_not_known() {
        let told = WEBHOOKS.iter().map(|webhook| webhook.kind.to_owned());
        let records = OPERATIONS.iter().filter_map(|operation| operation.trigger);
        let found = records.flat_map(|trigger| {
            let verbs = ["created", "updated", "deleted"];
            verbs.map(|verb| format!("{}.{verb}", trigger.record))
        });
        let mut polled = 0;
        for kind in told.chain(found) {
            let polls = Polls::new(&[], &[kind.clone()].into(), &PollOptions::default());
            for poll in polls.unwrap().iter() {
                let checked = poll.check();
                assert!(checked.is_ok(), "{kind} by {}: {checked:?}", poll.name);
                polled += 1;
            }
        }
        assert!(polled > 50, "{polled}");
    }
}
