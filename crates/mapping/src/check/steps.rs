//! Mistakes of the steps, and names that nothing has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Check;
use super::place::Lines;
use crate::actions::ActionKind;
use crate::merge;
use crate::names::{self, Told, WrongName};
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
                // `{{ 'webhook.orderId' }}`: the first run would be the last.
                Ok(()) if template::written(&text.as_str().into()).is_empty() => Some(format!(
                    "\"{text}\" reads nothing of the event, so that the step would happen once for all of them; name a value without quotes, as in \"{{{{ webhook.orderId }}}}\""
                )),
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
            Some(Once::Contact) if schedules.any(|one| one.each.is_none()) => (
                format!("step \"{id}\" buys once for each contact, and this timetable has none"),
                "add each = \"profile\" to the timetable, or write once = \"event\"",
            ),
            Some(Once::Month) if schedules.any(|one| one.each.is_none()) => (
                format!(
                    "step \"{id}\" buys once a month for each contact, and this timetable has none"
                ),
                "add each = \"profile\" to the timetable, or write once = \"event\" (each time), or, for once a month, once = \"{{ event.occurredAt | date('%Y-%m', zone='UTC') }}\"",
            ),
            _ => return,
        };
        self.tell(place, id, problem, Some(fix.to_owned()));
    }

    pub(super) fn names_of_step(&mut self, place: &Lines, step: &Step, before: &[&str]) {
        let of = |what: &str| format!("step \"{}\", {what}", step.id);
        for (what, expression) in [("when", &step.when), ("consent", &step.consent)] {
            if let Some(expression) = expression {
                self.names_of_condition(place, &of(&format!("\"{what}\"")), expression, before);
            }
        }
        if let Some(Once::Value(text)) = &step.once {
            let text = text.as_str().into();
            self.names_of_value(place, &of("\"once\""), &text, before);
        }
        for (name, value) in &step.with {
            self.names_of_value(place, &of(&format!("\"{name}\"")), value, before);
        }
        for (name, field) in &step.custom_fields {
            let what = of(&format!("custom field \"{name}\""));
            self.names_of_value(place, &what, &field.value, before);
        }
    }

    pub(super) fn names_of_condition(
        &mut self,
        place: &Lines,
        of: &str,
        expression: &str,
        steps: &[&str],
    ) {
        let sights = template::sights_in_expression(expression);
        let names = template::written_in_expression(expression);
        self.names_in(place, of, &uncalled(names, &sights), steps);
        self.subscripts_in(place, of, &sights, steps);
    }

    fn names_of_value(&mut self, place: &Lines, of: &str, value: &Value, steps: &[&str]) {
        let sights = template::sights(value);
        self.names_in(
            place,
            of,
            &uncalled(template::written(value), &sights),
            steps,
        );
        self.subscripts_in(place, of, &sights, steps);
    }

    /// Members that are named by a text and that no run has.
    fn subscripts_in(&mut self, place: &Lines, of: &str, sights: &[Sight], steps: &[&str]) {
        for sight in sights {
            if let Sight::Method { of: value, name } = sight {
                let text =
                    format!("{of}: {value}.{name}() is called, and values have nothing to call");
                self.tell(
                    place,
                    &format!("{value}.{name}"),
                    text,
                    Some(instead_of_method(value, name)),
                );
            }
            if let Some((wrong, needle)) = self.aliased(sight) {
                let text = format!("{of}: {}", wrong.problem);
                self.tell(place, &needle, text, Some(wrong.fix));
            }
            let Sight::Subscript(read) = sight else {
                continue;
            };
            let parts = read.parts();
            if let Some(Told::Wrong(wrong)) = self.names.subscript(&parts, steps) {
                let text = format!("{of}: {}", wrong.problem);
                self.tell(place, parts.last().unwrap_or(&""), text, Some(wrong.fix));
            }
        }
    }

    /// A merge field that is read of something else than its root, and the name by which its line is found.
    fn aliased(&self, sight: &Sight) -> Option<(WrongName, String)> {
        match sight {
            Sight::Alias {
                root,
                member,
                shown,
            } => {
                let wrong = self.names.alias(root, member, shown)?;
                let is_path = shown.ends_with(&format!(".{member}"));
                Some((wrong, if is_path { shown } else { member }.clone()))
            }
            Sight::Hidden { root, member } => {
                Some((names::hidden(root, member), format!("{root}.{member}")))
            }
            _ => None,
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

    fn names_in(&mut self, place: &Lines, of: &str, names: &BTreeSet<String>, steps: &[&str]) {
        for path in names {
            if let Some(wrong) = self.names.check(path, steps) {
                let text = format!("{of}: {}", wrong.problem);
                self.tell(place, path, text, Some(wrong.fix));
            }
        }
    }
}

/// Names without those of what is called, which is told by itself.
fn uncalled(mut names: BTreeSet<String>, sights: &[Sight]) -> BTreeSet<String> {
    for sight in sights {
        if let Sight::Method { of, name } = sight {
            names.remove(&format!("{of}.{name}"));
        }
    }
    names
}

/// What Python's methods are called here.
fn instead_of_method(value: &str, name: &str) -> String {
    let filter = match name {
        "get" => return format!("write {value}['...']"),
        "startswith" => return format!("write {value} is startingwith('...')"),
        "endswith" => return format!("write {value} is endingwith('...')"),
        "keys" | "values" => return format!("write {value} | items"),
        "strip" | "lstrip" | "rstrip" => "trim",
        "strftime" | "isoformat" => "date('%d')",
        "split" => "split(',')",
        "replace" => "replace('a', 'b')",
        "append" | "extend" => return format!("write {value} + ['...']"),
        "format" => return "put texts together with ~".to_owned(),
        known if crate::words::filters().any(|filter| filter == known) => known,
        _ => return "use a filter, such as | lower or | split(',')".to_owned(),
    };
    format!("write {value} | {filter}")
}

/// What to write where a text is gone through as a list.
pub(crate) fn split_it(path: &str) -> String {
    format!(
        "split it, e.g. {path} | split(','), or, for a part of the text, write: {path} is containing('...')"
    )
}
