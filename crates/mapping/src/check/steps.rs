//! Mistakes of the steps, and names that nothing has.

use std::collections::BTreeSet;

use super::Check;
use super::place::Lines;
use crate::actions::ActionKind;
use crate::merge;
use crate::on::On;
use crate::once::Once;
use crate::step::Step;
use crate::template;
use crate::values::Sight;

impl Check<'_> {
    pub(super) fn step(&mut self, place: &Lines, step: &Step) {
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
                Ok(()) if text.contains("{%") || text.contains("{#") => Some(
                    "it has a `{% %}` block or a comment; write values as `{{ }}` alone".to_owned(),
                ),
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

    /// A timetable comes again and again: how often that buys is to be said, not guessed.
    pub(super) fn purchase_on_schedule(&mut self, place: &Lines, on: &[On], step: &Step) {
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

    pub(super) fn names_of_step(&mut self, place: &Lines, step: &Step, before: &[&str]) {
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
    pub(super) fn list(&mut self, place: &Lines, of: &str, sight: &Sight) {
        let (Sight::List(path) | Sight::Text(path)) = sight else {
            return;
        };
        let is_text = matches!(sight, Sight::Text(_)) || merge::is_text(path, self.actions);
        if !is_text {
            return;
        }
        let whole = Lines {
            from: 0,
            until: usize::MAX,
        };
        let place = if of.starts_with("step") {
            &whole
        } else {
            place
        };
        let needle = path.split(['[', '|']).next().unwrap_or(path).trim();
        self.tell(
            place,
            needle,
            format!("{of}: {path} is a text where a list is meant"),
            Some(split_it(path)),
        );
    }

    pub(super) fn names_in(
        &mut self,
        place: &Lines,
        of: &str,
        names: &BTreeSet<String>,
        steps: &[&str],
    ) {
        for path in names {
            if let Some(wrong) = self.names.check(path, steps) {
                let text = format!("{of}: {}", wrong.problem);
                self.tell(place, path, text, Some(wrong.fix));
            }
        }
    }
}

/// What to write where a text is gone through as a list.
pub(crate) fn split_it(path: &str) -> String {
    format!(
        "split it, e.g. {path} | split(','), or, for a part of the text, write: {path} is containing('...')"
    )
}
