//! Finds every mistake of a workflow file, and the line on which it stands.

use jiff::SignedDuration;

use crate::actions::{Actions, ArgumentError};
use crate::file_error::{FileError, nearest};
use crate::names::Names;
use crate::on::{On, ScheduleOn, TriggerOn};
use crate::schedule::ScheduleError;
use crate::template;
use crate::workflow::Workflow;
use crate::zones;

mod place;
mod steps;

use place::Lines;
pub(crate) use steps::split_it;

const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// All mistakes, in the order of their lines. Names of triggers become those of their operations.
pub(crate) fn mistakes(
    workflow: &mut Workflow,
    file: &str,
    text: &str,
    actions: &dyn Actions,
) -> Vec<FileError> {
    let mut check = Check {
        file,
        text,
        actions,
        names: Names::of(&[], actions),
        found: Vec::new(),
    };
    let head = check.head();
    check.id(&head, "id", &workflow.id);
    if workflow.on.is_empty() {
        check.tell(
            &head,
            "on",
            "\"on\" is empty, so nothing would ever start it",
            Some("name an event kind, e.g. on = [\"contact.created\"]".to_owned()),
        );
    }
    for on in &mut workflow.on {
        check.on(&head, on);
    }
    if let Some(when) = &workflow.when {
        check.expression(&head, "\"when\"", when);
    }
    // Names of triggers are operations' from here on.
    check.names = Names::of(&workflow.on, actions);
    if let Some(when) = &workflow.when {
        check.names_of_condition(&head, "\"when\"", when, &[]);
    }
    let mut before: Vec<&str> = Vec::new();
    if workflow.steps.is_empty() {
        check
            .found
            .push(FileError::new(file, "there is no step").fix("add a [[do]] section"));
    }
    for (index, step) in workflow.steps.iter().enumerate() {
        let place = check.section(index);
        check.id(&place, "step id", &step.id);
        if workflow.steps[..index]
            .iter()
            .any(|other| other.id == step.id)
        {
            check.tell(
                &place,
                &step.id,
                format!("step id \"{}\" is used twice", step.id),
                Some("give each step an id of its own; ids are part of the keys against buying twice".to_owned()),
            );
        }
        check.step(&place, step);
        check.names_of_step(&place, step, &before);
        before.push(&step.id);
        let answer = actions.answer_members(actions.operation_of(&step.action));
        check.names.add_step(&step.id, answer);
        check.purchase_on_schedule(&place, &workflow.on, step);
    }
    for (of, sight) in workflow.sights() {
        check.list(&head, &of, &sight);
    }
    if let Some(consent) = &workflow.consent {
        check.names_of_condition(&head, "\"consent\"", consent, &before);
    }
    if let Err(error) = crate::consent::check(workflow, file, text, actions) {
        check.found.push(error);
    }
    check.found.sort_by_key(|error| error.line);
    let found = check.found;
    for step in &mut workflow.steps {
        let operation = actions.operation_of(&step.action);
        if operation != step.action {
            step.action = operation.to_owned();
        }
    }
    found
}

struct Check<'a> {
    file: &'a str,
    text: &'a str,
    actions: &'a dyn Actions,
    names: Names,
    found: Vec<FileError>,
}

impl Check<'_> {
    fn tell(
        &mut self,
        place: &Lines,
        needle: &str,
        problem: impl Into<String>,
        fix: Option<String>,
    ) {
        let line = self.line_of(place, needle);
        self.found.push(FileError {
            file: self.file.to_owned(),
            // The section's first line is better than none.
            line: line.or((place.until != usize::MAX || place.from > 0).then_some(place.from + 1)),
            problem: problem.into(),
            fix,
        });
    }

    fn unknown(&mut self, place: &Lines, what: &str, name: &str, known: &[&str]) {
        let fix =
            nearest(name, known.iter().copied()).map(|near| format!("did you mean \"{near}\"?"));
        self.tell(place, name, format!("unknown {what} \"{name}\""), fix);
    }

    fn id(&mut self, place: &Lines, what: &str, id: &str) {
        if !is_usable(id) {
            self.tell(
                place,
                id,
                format!("{what} \"{id}\" is not usable"),
                Some("use 1 to 64 lower-case letters, digits, \"-\" or \"_\"".to_owned()),
            );
        }
    }

    fn expression(&mut self, place: &Lines, what: &str, expression: &str) {
        if let Err(problem) = template::check_condition(expression) {
            self.tell(place, expression, format!("{what}: {problem}"), None);
        }
    }

    fn on(&mut self, place: &Lines, on: &mut On) {
        match on {
            On::Kind(kind) => {
                let kinds = self.actions.event_kinds();
                if kinds.contains(&kind.as_str()) {
                    return;
                }
                if let Some(operation) = self.actions.trigger(kind).map(str::to_owned) {
                    let mut trigger = TriggerOn {
                        trigger: kind.clone(),
                        with: serde_json::Map::new(),
                        every: None,
                        backfill: false,
                        arranging: Vec::new(),
                    };
                    self.parameters(place, &trigger, &operation);
                    trigger.trigger = operation;
                    *on = On::Trigger(trigger);
                    return;
                }
                let known: Vec<&str> = kinds.into_iter().chain(self.actions.triggers()).collect();
                self.unknown(place, "event kind or trigger", &kind.clone(), &known);
            }
            On::Trigger(trigger) => {
                if let Some(every) = trigger.every
                    && !(SHORTEST..=LONGEST).contains(&every)
                {
                    self.tell(
                        place,
                        "every",
                        format!("trigger \"{}\": \"every\" is {every:#}", trigger.trigger),
                        Some("write \"1m\" to \"15m\"".to_owned()),
                    );
                }
                let operation = self.actions.trigger(&trigger.trigger);
                if let Some(operation) = operation.map(str::to_owned) {
                    self.parameters(place, trigger, &operation);
                    let given = trigger.with.keys();
                    let arranging = given.filter(|name| self.actions.arranges(&operation, name));
                    trigger.arranging = arranging.cloned().collect();
                    trigger.trigger = operation;
                } else {
                    let known = self.actions.triggers();
                    self.unknown(place, "trigger", &trigger.trigger, &known);
                }
            }
            On::Schedule(schedule) => self.schedule(place, schedule),
            On::Webhook(webhook) => self.id(place, "webhook", &webhook.webhook),
        }
    }

    fn parameters(&mut self, place: &Lines, trigger: &TriggerOn, operation: &str) {
        for error in self.actions.check_trigger(operation, &trigger.with) {
            self.argument(
                place,
                &format!("trigger \"{}\"", trigger.trigger),
                &trigger.trigger,
                error,
            );
        }
        for (name, value) in &trigger.with {
            if template::is_dynamic(value) {
                self.tell(
                    place,
                    name,
                    format!(
                        "trigger \"{}\": \"{name}\" has a template, but there is no event yet that could fill it",
                        trigger.trigger
                    ),
                    Some("write the value itself".to_owned()),
                );
            }
        }
    }

    fn schedule(&mut self, place: &Lines, schedule: &ScheduleOn) {
        match schedule.timetable() {
            Ok(_) => {}
            Err(ScheduleError::Zone(zone)) => {
                let fix = zones::fix(&zone);
                self.tell(
                    place,
                    &zone,
                    format!("unknown time zone \"{zone}\""),
                    Some(fix),
                );
            }
            Err(error) => self.tell(
                place,
                &schedule.schedule,
                error.to_string(),
                Some("write minute, hour, day of the month, month and day of the week, e.g. \"0 9 1 * *\"".to_owned()),
            ),
        }
    }

    fn argument(&mut self, place: &Lines, of: &str, fallback: &str, error: ArgumentError) {
        let name = error.field.rsplit('.').next().unwrap_or(&error.field);
        let name = name.split('[').next().unwrap_or(name).to_owned();
        let text = format!("{of}: \"{}\" {}", error.field, error.problem);
        let is_written = error.problem != "is missing";
        // Short forms name no argument.
        let needle = if is_written && self.line_of(place, &name).is_some() {
            &*name
        } else {
            fallback
        };
        self.tell(place, needle, text, error.fix);
    }
}

fn is_usable(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    (1..=64).contains(&id.len()) && id.chars().all(fits)
}
