//! The least scopes that a configuration needs, and what for: from the operations that its workflows come down to.

use std::collections::BTreeMap;

use canopy_engine::{BudgetZone, Catalog, SYNC_PROFILE, writes_by_local_clock};
use canopy_highlevel::WEBHOOKS;
use canopy_highlevel::operation::Idempotency;
use canopy_mapping::fields::Direction;
use canopy_mapping::{
    ActionKind, Actions as _, CUSTOM, LOCATION, Moment, On, Step, TriggerOn, USER, WAIT, Workflow,
    template, waits_by_local_clock,
};
use canopy_triggers::Polls;
use serde::Serialize;

use crate::config::{self, ConnectionConfig, Loaded};
use crate::exit::Failure;
use crate::polls;

/// The poll that is made in any case.
const CONTACTS: &str = "search-contacts-advanced";

/// One scope, and who needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Need {
    pub scope: &'static str,
    pub needed_by: Vec<String>,
}

/// The scopes of a connection, in alphabetical order.
pub(crate) fn needed(loaded: &Loaded, config: &ConnectionConfig) -> Result<Vec<Need>, Failure> {
    let workflows = config::workflows(loaded)?;
    Ok(needs(loaded, config, &workflows))
}

/// The same for these workflows.
pub(crate) fn needs(
    loaded: &Loaded,
    config: &ConnectionConfig,
    workflows: &[Workflow],
) -> Vec<Need> {
    let mut needs = Needs::default();
    needs.add("search-contacts-advanced", "the check of the connection");
    needs.add("get-custom-fields", "the check of the connection");
    match &config.highlevel.oauth {
        Some(oauth) if oauth.agency => {
            needs.add("get-location-access-token", "the agency's token");
        }
        None if config.highlevel.location_id.is_none() => {
            needs.add(
                "search-locations",
                "finding the location; write highlevel.location_id to do without",
            );
        }
        _ => {}
    }
    if loaded.config.poll.enabled {
        needs.add(CONTACTS, "the poll of contacts");
    }
    let zone = config
        .budget
        .as_ref()
        .map(|budget| config::zone(&budget.timezone));
    if let Some(Ok(BudgetZone::Location)) = zone {
        needs.add("get-location", "the days of [connection.budget]");
    }
    let mut ways = config.fields.0.values().map(|rule| rule.direction);
    let mapped = match (
        config.fields.is_empty(),
        ways.all(|way| way == Direction::From),
    ) {
        (true, _) => Mapped::Nothing,
        (false, true) => Mapped::FromHighLevel,
        (false, false) => Mapped::Both,
    };
    for workflow in workflows {
        needs.add_workflow(workflow, mapped);
    }
    if loaded.config.poll.enabled {
        for workflow in workflows {
            needs.add_polls(loaded, workflow);
        }
    }
    let by_scope = needs.0.into_iter();
    by_scope
        .map(|(scope, needed_by)| Need { scope, needed_by })
        .collect()
}

/// What `profile.sync` does at a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mapped {
    Nothing,
    FromHighLevel,
    /// It writes to contacts.
    Both,
}

/// Whether its window begins or ends with a day, which the location's time zone tells.
fn names_day(on: &TriggerOn) -> bool {
    let window = canopy_highlevel::operation(&on.trigger)
        .and_then(|operation| operation.trigger?.window)
        .map(|window| [window.from, window.to]);
    window.into_iter().flatten().any(|name| {
        let text = on.with.get(name).and_then(|value| value.as_str());
        text.is_some_and(|text| Moment::parse(text).is_ok_and(Moment::is_of_day))
    })
}

/// Whether it waits, or may wait, for a day or a time on the location's clock. What a template gives is known in a run only.
fn may_wait_by_local_clock(step: &Step) -> bool {
    let until = step.with.get("until");
    step.action == WAIT
        && !step.with.contains_key("timezone")
        && (until.is_some_and(template::is_dynamic) || waits_by_local_clock(&step.with))
}

#[derive(Default)]
struct Needs(BTreeMap<&'static str, Vec<String>>);

impl Needs {
    fn add(&mut self, operation: &str, who: &str) {
        let Some(operation) = canopy_highlevel::operation(operation) else {
            return;
        };
        let line = format!("{who} ({})", operation.name);
        for scope in operation.scopes {
            let lines = self.0.entry(scope).or_default();
            if !lines.contains(&line) {
                lines.push(line.clone());
            }
        }
    }

    fn add_workflow(&mut self, workflow: &Workflow, mapped: Mapped) {
        let who = format!("workflow {}", workflow.id);
        for start in &workflow.on {
            match start {
                On::Kind(kind) => self.add_kind(kind, &who),
                On::Trigger(trigger) => {
                    self.add_trigger(trigger, &who);
                    if names_day(trigger) {
                        self.add("get-location", &format!("{who}, when \"today\" begins"));
                    }
                }
                On::Schedule(_) | On::Webhook(_) => {}
            }
        }
        if workflow.reads(CUSTOM) {
            self.add(
                "get-custom-fields",
                &format!("{who}, names of custom fields"),
            );
        }
        if workflow.reads_members(LOCATION, &["id"]) {
            let what = "what it says of the location, or the location's time zone";
            self.add("get-location", &format!("{who}, {what}"));
        }
        if workflow.reads(USER) {
            let what = "who is responsible for the contact";
            self.add("get-user", &format!("{who}, {what}"));
        }
        for step in &workflow.steps {
            let who = format!("{who}, step {}", step.id);
            if Catalog.kind(&step.action) == Some(ActionKind::HighLevel)
                && let Some(operation) = canopy_highlevel::operation(&step.action)
            {
                self.add(operation.name, &who);
                if let Idempotency::Lookup(lookup) = operation.idempotency {
                    self.add(lookup.operation, &format!("{who}, looking before a repeat"));
                }
            }
            if may_wait_by_local_clock(step) || writes_by_local_clock(step) {
                let what = "the zone of a day or a time that names none";
                self.add("get-location", &format!("{who}, {what}"));
            }
            if step.action == SYNC_PROFILE && mapped != Mapped::Nothing {
                self.add("get-custom-fields", &who);
                self.add("get-contact", &who);
                if mapped == Mapped::Both {
                    self.add("update-contact", &who);
                }
            }
            if !step.custom_fields.is_empty() {
                self.add("get-custom-fields", &who);
                self.add(
                    "create-custom-field",
                    &format!("{who}, a field that is missing"),
                );
            }
        }
    }

    fn add_trigger(&mut self, on: &TriggerOn, who: &str) {
        let operation = on.trigger.as_str();
        self.add(operation, &format!("{who}, its poll"));
        let trigger = canopy_highlevel::operation(operation).and_then(|one| one.trigger);
        let Some(trigger) = trigger else { return };
        // A poll that is told what to go through need not find it.
        let given = |name: &&str| on.with.contains_key(*name);
        if let Some(each) = trigger.each
            && !given(&each.parameter)
            && !each.or.iter().any(given)
        {
            self.add(
                each.of,
                &format!("{who}, finding what its poll goes through"),
            );
        }
        if trigger.contact.is_some() {
            self.add("get-contact", &format!("{who}, the contact of {operation}"));
        }
    }

    /// The polls that find the kinds that a workflow waits for, and what these polls go through.
    fn add_polls(&mut self, loaded: &Loaded, workflow: &Workflow) {
        let options = polls::options(&loaded.config.poll);
        for kind in workflow.on.iter().filter_map(|on| match on {
            On::Kind(kind) => Some(kind),
            _ => None,
        }) {
            let Ok(found) = Polls::new(&[], &[kind.clone()].into(), &options) else {
                continue;
            };
            // That of contacts is there in any case.
            let polls = found.iter().filter(|poll| poll.operation.name != CONTACTS);
            for poll in polls {
                let who = format!("the poll for {kind}");
                self.add(poll.operation.name, &who);
                if let Some(each) = poll.trigger.each.filter(|each| each.of != CONTACTS) {
                    self.add(each.of, &format!("{who}, finding what it goes through"));
                }
            }
        }
    }

    fn add_kind(&mut self, kind: &str, who: &str) {
        let mut of_contact = false;
        for webhook in WEBHOOKS.iter().filter(|webhook| webhook.kind == kind) {
            of_contact |= webhook.contact.is_some();
            if let Some(fetch) = webhook.fetch {
                self.add(fetch, &format!("{who}, reading what {kind} speaks of"));
            }
        }
        if of_contact {
            self.add("get-contact", &format!("{who}, the contact of {kind}"));
        }
    }
}
