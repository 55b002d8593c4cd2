//! Finds every mistake of a workflow file, and the line on which it stands.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::actions::{ActionKind, Actions, ArgumentError};
use crate::file_error::{FileError, nearest};
use crate::names::Names;
use crate::on::{On, ScheduleOn, TriggerOn};
use crate::once::Once;
use crate::schedule::ScheduleError;
use crate::step::Step;
use crate::template;
use crate::values::Sight;
use crate::workflow::Workflow;

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
        check.names_in(
            &head,
            "\"when\"",
            &template::written_in_expression(when),
            &[],
        );
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
        let names = template::written_in_expression(consent);
        check.names_in(&head, "\"consent\"", &names, &before);
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

/// The lines of a part of the file: where to look for a name.
struct Lines {
    from: usize,
    until: usize,
}

struct Check<'a> {
    file: &'a str,
    text: &'a str,
    actions: &'a dyn Actions,
    names: Names,
    found: Vec<FileError>,
}

impl Check<'_> {
    /// What stands before the first step.
    fn head(&self) -> Lines {
        Lines {
            from: 0,
            until: self.headers().next().unwrap_or(usize::MAX),
        }
    }

    /// The lines of a step. Steps that are not written as `[[do]]` sections are looked for in the whole file.
    fn section(&self, index: usize) -> Lines {
        let mut headers = self.headers().skip(index);
        Lines {
            from: headers.next().unwrap_or(0),
            until: headers.next().unwrap_or(usize::MAX),
        }
    }

    fn headers(&self) -> impl Iterator<Item = usize> + '_ {
        let lines = self.text.lines().enumerate();
        lines
            .filter(|(_, line)| line.trim_start().starts_with("[[do]]"))
            .map(|(index, _)| index)
    }

    /// The number of the line on which a name stands.
    fn line_of(&self, place: &Lines, needle: &str) -> Option<usize> {
        let lines = self.text.lines().enumerate();
        let mut within = lines.filter(|(index, line)| {
            (place.from..place.until).contains(index) && !line.trim_start().starts_with('#')
        });
        let found = within.find(|(_, line)| holds_word(line, needle));
        found.map(|(index, _)| index + 1)
    }

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
        if let Err(problem) = template::check_expression(expression) {
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
                let names: Vec<String> = jiff::tz::db()
                    .available()
                    .map(|name| name.to_string())
                    .collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.unknown(place, "time zone", &zone, &names);
            }
            Err(error) => self.tell(
                place,
                &schedule.schedule,
                error.to_string(),
                Some("write minute, hour, day of the month, month and day of the week, e.g. \"0 9 1 * *\"".to_owned()),
            ),
        }
    }

    /// A timetable comes again and again: how often that buys is to be said, not guessed.
    fn purchase_on_schedule(&mut self, place: &Lines, on: &[On], step: &Step) {
        let mut schedules = on.iter().filter_map(|on| match on {
            On::Schedule(schedule) => Some(schedule),
            _ => None,
        });
        if self.actions.kind(&step.action) != Some(ActionKind::Purchase) {
            return;
        }
        let id = &step.id;
        let (problem, fix) = match &step.once {
            None if schedules.next().is_some() => (
                format!(
                    "step \"{id}\" does not say how often it buys, and a timetable comes again and again"
                ),
                "add once = \"event\" (each time), \"month\" or \"contact\" (once for ever)",
            ),
            Some(Once::Contact | Once::Month) if schedules.any(|one| one.each.is_none()) => (
                format!("step \"{id}\" buys once for each contact, and this timetable has none"),
                "add each = \"profile\" to the timetable, or write once = \"event\"",
            ),
            _ => return,
        };
        self.tell(place, id, problem, Some(fix.to_owned()));
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

    fn step(&mut self, place: &Lines, step: &Step) {
        let operation = self.actions.operation_of(&step.action);
        let Some(kind) = self.actions.kind(operation) else {
            let names = self.actions.names();
            self.unknown(place, "action", &step.action, &names);
            return;
        };
        if let Some(when) = &step.when {
            self.expression(place, &format!("step \"{}\", \"when\"", step.id), when);
        }
        if let Some(Once::Value(text)) = &step.once {
            let problem = match template::check(&text.as_str().into()) {
                Err(error) => Some(error.to_string()),
                Ok(()) if text.contains("{%") => {
                    Some("it has a `{% %}` block; write values as `{{ }}` alone".to_owned())
                }
                Ok(()) => None,
            };
            if let Some(problem) = problem {
                let text = format!("step \"{}\", \"once\": {problem}", step.id);
                self.tell(place, "once", text, None);
            }
        }
        for (name, value) in &step.with {
            if let Err(problem) = template::check(value) {
                let text = format!("step \"{}\", \"{name}\": {problem}", step.id);
                self.tell(place, name, text, None);
            }
        }
        for (name, field) in &step.custom_fields {
            if let Err(problem) = template::check(&field.value) {
                let text = format!("step \"{}\", custom field \"{name}\": {problem}", step.id);
                self.tell(place, name, text, None);
            }
        }
        if kind != ActionKind::HighLevel && !step.custom_fields.is_empty() {
            self.tell(
                place,
                "custom_fields",
                format!(
                    "step \"{}\": \"{}\" writes no custom fields",
                    step.id, step.action
                ),
                Some(
                    "use custom_fields with update-contact, create-contact or upsert-contact"
                        .to_owned(),
                ),
            );
        }
        let of = format!("step \"{}\", {}", step.id, step.action);
        let writes_fields = !step.custom_fields.is_empty();
        let wrong = self
            .actions
            .check_action(operation, &step.with, writes_fields);
        for error in wrong {
            self.argument(place, &of, &step.action, error);
        }
    }
}

impl Check<'_> {
    fn names_of_step(&mut self, place: &Lines, step: &Step, before: &[&str]) {
        let of = |what: &str| format!("step \"{}\", {what}", step.id);
        for (what, expression) in [("when", &step.when), ("consent", &step.consent)] {
            if let Some(expression) = expression {
                let names = template::written_in_expression(expression);
                self.names_in(place, &of(&format!("\"{what}\"")), &names, before);
            }
        }
        if let Some(Once::Value(text)) = &step.once {
            let names = template::names(&text.as_str().into());
            self.names_in(place, &of("\"once\""), &names, before);
        }
        for (name, value) in &step.with {
            let names = template::written(value);
            self.names_in(place, &of(&format!("\"{name}\"")), &names, before);
        }
        for (name, field) in &step.custom_fields {
            let names = template::written(&field.value);
            let what = of(&format!("custom field \"{name}\""));
            self.names_in(place, &what, &names, before);
        }
    }

    /// A text has no items: looking for one in it would find parts of words.
    fn list(&mut self, place: &Lines, of: &str, sight: &Sight) {
        let Sight::List(path) = sight else {
            return;
        };
        let Some((record, member)) = path.split_once('.') else {
            return;
        };
        if self.actions.is_text(record, member) {
            let whole = Lines {
                from: 0,
                until: usize::MAX,
            };
            let place = if of.starts_with("step") {
                &whole
            } else {
                place
            };
            self.tell(
                place,
                path,
                format!("{of}: {path} is a text where a list is meant"),
                Some(format!("split it, e.g. {path} | split(','), or, for a part of the text, write: {path} is containing('...')")),
            );
        }
    }

    fn names_in(&mut self, place: &Lines, of: &str, names: &BTreeSet<String>, steps: &[&str]) {
        for path in names {
            if let Some(wrong) = self.names.check(path, steps) {
                let text = format!("{of}: {}", wrong.problem);
                self.tell(place, path, text, Some(wrong.fix));
            }
        }
    }
}

/// Whether `needle` stands in the line, not as a part of a longer name.
fn holds_word(line: &str, needle: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == '.';
    // TOML writes quotes inside of texts with a backslash.
    let line = line.replace("\\\"", "\"");
    line.match_indices(needle).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + needle.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

fn is_usable(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    (1..=64).contains(&id.len()) && id.chars().all(fits)
}
