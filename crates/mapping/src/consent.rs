//! Consent: what is personal goes to Ecologi only where the workflow says under which condition it may.

use serde::Serialize;
use serde_json::{Value, json};

use crate::actions::{ActionKind, Actions};
use crate::file_error::FileError;
use crate::template::{self, TemplateError};
use crate::values;
use crate::workflow::Workflow;

/// Arguments of a purchase that speak of a person: `name` is shown in public, `recipientEmail` sends a mail.
pub const PERSONAL: [&str; 2] = ["name", "recipientEmail"];

/// Whether a consent condition holds. Stricter than [`template::holds`]: a list of answers that all say no is none.
pub fn consents(expression: &str, context: &impl Serialize) -> Result<bool, TemplateError> {
    let value = template::render(&json!(format!("{{{{ {expression} }}}}")), context)?;
    Ok(is_yes(&value))
}

fn is_yes(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !values::says_no(text),
        Value::Array(items) => items.iter().any(is_yes),
        Value::Object(members) => !members.is_empty(),
    }
}

/// Refuses purchases that name a person without a consent condition, on the step or on the workflow.
pub(crate) fn check(
    workflow: &Workflow,
    file: &str,
    text: &str,
    actions: &dyn Actions,
) -> Result<(), FileError> {
    let conditions = workflow.steps.iter().map(|step| step.consent.as_ref());
    for condition in conditions.chain([workflow.consent.as_ref()]).flatten() {
        template::check_condition(condition).map_err(|problem| {
            FileError::new(file, format!("\"consent\": {problem}"))
                .at(text, &format!("\"{condition}\""))
        })?;
    }
    for step in &workflow.steps {
        let purchase = actions.kind(&step.action) == Some(ActionKind::Purchase);
        if !purchase && step.consent.is_some() {
            let problem = format!(
                "step \"{}\": \"{}\" is no purchase, so \"consent\" means nothing",
                step.id, step.action
            );
            return Err(FileError::new(file, problem)
                .at(text, "consent")
                .fix("use \"when\" for a condition of the step"));
        }
        if !purchase || step.consent.is_some() || workflow.consent.is_some() {
            continue;
        }
        if let Some(name) = PERSONAL.iter().find(|name| step.with.contains_key(**name)) {
            let problem = format!(
                "step \"{}\": \"{name}\" tells Ecologi who somebody is, and no consent is asked for",
                step.id
            );
            let mut error = FileError::new(file, problem).fix(format!(
                "add consent = \"...\" to the step, an expression that is true for those who agreed, or leave \"{name}\" out"
            ));
            error.line = line_of(text, &step.id, name);
            return Err(error);
        }
    }
    Ok(())
}

/// The line on which a step sets an argument, counted from 1.
fn line_of(text: &str, step: &str, argument: &str) -> Option<usize> {
    let sets = |line: &str| {
        line.match_indices(argument).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + argument.len()..].trim_start_matches(['"', '\'']);
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.')
                && after.trim_start().starts_with('=')
        })
    };
    let begins = text
        .lines()
        .position(|line| {
            line.trim_start().starts_with("id") && line.contains(&format!("\"{step}\""))
        })
        .unwrap_or(0);
    let mut lines = text.lines().enumerate();
    lines
        .clone()
        .skip(begins)
        .find(|(_, line)| sets(line))
        .or_else(|| lines.find(|(_, line)| sets(line)))
        .map(|(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::some_actions::SomeActions;

    const TEXT: &str = r#"
id = "thanks"
title = "The name = of a contact"
on = ["contact.created"]

[[do]]
id = "tree"
action = "buy-trees"
with = { number = 1 }

[[do]]
id = "named"
action = "buy-trees"
with = { number = 1, name = "{{ contact.firstName }}" }
"#;

    fn problem(text: &str) -> Option<String> {
        let read = Workflow::parse("thanks.toml", text, &SomeActions);
        read.err().map(|error| error.to_string())
    }

    #[test]
    fn a_person_is_named_only_under_a_condition() {
        let refused = problem(TEXT).unwrap();
        assert!(
            refused.starts_with("thanks.toml:14: step \"named\": \"name\" tells Ecologi"),
            "{refused}"
        );
        let with = |consent: &str| {
            TEXT.replace("id = \"named\"\n", &format!("id = \"named\"\n{consent}\n"))
        };
        assert_eq!(problem(&with("consent = \"contact.ok\"")), None);
        let whole = TEXT.replace(
            "\n[[do]]\nid = \"tree\"",
            "consent = \"contact.ok\"\n[[do]]\nid = \"tree\"",
        );
        assert_eq!(problem(&whole), None);
        let wrong = problem(&with("consent = \"contact.\"")).unwrap();
        assert!(
            wrong.starts_with("thanks.toml:13: \"consent\": "),
            "{wrong}"
        );
    }

    #[test]
    fn a_no_is_no_consent_in_whatever_type_it_comes() {
        for (value, agreed) in [
            (json!(true), true),
            (json!("Yes"), true),
            (json!(["I agree"]), true),
            (json!(1), true),
            (json!(false), false),
            (json!("No"), false),
            (json!(" FALSE "), false),
            (json!("0"), false),
            (json!([]), false),
            (json!(["no"]), false),
            (json!(0), false),
            (json!(null), false),
        ] {
            let context = json!({ "contact": { "ok": value } });
            assert_eq!(consents("contact.ok", &context).unwrap(), agreed, "{value}");
        }
        assert!(!consents("contact.missing.deeper", &json!({})).unwrap());
        assert!(
            consents(
                "contact.ok == 'Yes'",
                &json!({ "contact": { "ok": "Yes" } })
            )
            .unwrap()
        );
    }
}
