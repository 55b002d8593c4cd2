//! `{{ }}` templates and `when` expressions, by minijinja: the notation that HighLevel users know.

use std::collections::{BTreeSet, HashSet};

use minijinja::value::ValueKind;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::{dates, rounding, words};

/// A template or expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{source_text:?} {problem}")]
pub struct TemplateError {
    /// The template as written.
    pub source_text: String,
    /// What is wrong with it.
    pub problem: String,
}

impl TemplateError {
    fn new(source_text: &str, error: &minijinja::Error) -> Self {
        let detail = error.detail().unwrap_or("cannot be evaluated");
        Self {
            source_text: source_text.to_owned(),
            problem: format!("is not valid: {detail}"),
        }
    }
}

pub(crate) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // HighLevel leaves out empty members, so a missing one is normal and reads as nothing.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    // A template that loops for ever is stopped.
    environment.set_fuel(Some(100_000));
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_formatter(|out, state, value| match whole_number(value) {
        Some(number) => write!(out, "{number}").map_err(minijinja::Error::from),
        None => minijinja::escape_formatter(out, state, value),
    });
    rounding::add_to(&mut environment);
    dates::add_to(&mut environment);
    environment
}

/// The integer that a value is; `2.0` is one, too.
fn whole_number(value: &minijinja::Value) -> Option<i64> {
    (value.kind() == ValueKind::Number && !value.is_integer())
        .then(|| f64::try_from(value.clone()).ok())
        .flatten()
        .and_then(whole)
}

/// The inner text when a value is exactly one expression, e.g. `{{ contact.id }}`.
fn single_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then_some(inner)
}

fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whether a value has a template somewhere, so that it is known only in a run.
pub fn is_dynamic(value: &Value) -> bool {
    match value {
        Value::String(text) => is_template(text),
        Value::Array(items) => items.iter().any(is_dynamic),
        Value::Object(members) => members.values().any(is_dynamic),
        _ => false,
    }
}

/// Whether an expression is written correctly and calls nothing that is not there.
pub fn check_expression(expression: &str) -> Result<(), TemplateError> {
    let environment = environment();
    environment
        .compile_expression(expression)
        .map_err(|error| TemplateError::new(expression, &error))?;
    check_words(&environment, expression, &[expression])
}

fn check_words(
    environment: &Environment<'_>,
    text: &str,
    codes: &[&str],
) -> Result<(), TemplateError> {
    let problem = codes
        .iter()
        .find_map(|code| words::mistake(environment, code));
    match problem {
        None => Ok(()),
        Some(problem) => Err(TemplateError {
            source_text: text.to_owned(),
            problem,
        }),
    }
}

/// Whether all templates in a value are written correctly.
pub fn check(value: &Value) -> Result<(), TemplateError> {
    match value {
        Value::String(text) if is_template(text) => {
            if let Some(expression) = single_expression(text) {
                return check_expression(expression);
            }
            let environment = environment();
            environment
                .template_from_str(text)
                .map_err(|error| TemplateError::new(text, &error))?;
            check_words(&environment, text, &words::codes(text))
        }
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(members) => members.values().try_for_each(check),
        _ => Ok(()),
    }
}

/// The names that an expression reads, e.g. `contact.firstName`; what it calls is none of them.
pub fn names_in_expression(expression: &str) -> BTreeSet<String> {
    let environment = environment();
    let names = environment.compile_expression(expression);
    let names = names.map(|compiled| compiled.undeclared_variables(true));
    without_globals(&environment, names.unwrap_or_default())
}

/// The same of all templates in a value.
pub fn names(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(text) if is_template(text) => {
            if let Some(expression) = single_expression(text) {
                return names_in_expression(expression);
            }
            let environment = environment();
            let names = environment.template_from_str(text);
            let names = names.map(|template| template.undeclared_variables(true));
            without_globals(&environment, names.unwrap_or_default())
        }
        Value::Array(items) => items.iter().flat_map(names).collect(),
        Value::Object(members) => members.values().flat_map(names).collect(),
        _ => BTreeSet::new(),
    }
}

fn without_globals(environment: &Environment<'_>, names: HashSet<String>) -> BTreeSet<String> {
    let globals: HashSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let root = |name: &String| name.split('.').next().unwrap_or_default().to_owned();
    let names = names.into_iter();
    names
        .filter(|name| !globals.contains(&*root(name)))
        .collect()
}

/// Whether a `when` holds. Empty strings, empty lists, zero and missing values are false.
pub fn holds(expression: &str, context: &impl Serialize) -> Result<bool, TemplateError> {
    environment()
        .compile_expression(expression)
        .and_then(|compiled| {
            compiled.eval(minijinja::Value::from(minijinja::value::Serde(context)))
        })
        .map(|value| value.is_true())
        .map_err(|error| TemplateError::new(expression, &error))
}

/// Fills in all templates of a value. A value that is exactly one expression keeps its type; members whose
/// expression has no value are left out.
pub fn render(value: &Value, context: &impl Serialize) -> Result<Value, TemplateError> {
    let context = minijinja::Value::from(minijinja::value::Serde(context));
    let environment = environment();
    Ok(fill(&environment, value, &context)?.unwrap_or(Value::Null))
}

fn fill(
    environment: &Environment<'_>,
    value: &Value,
    context: &minijinja::Value,
) -> Result<Option<Value>, TemplateError> {
    Ok(match value {
        Value::String(text) if is_template(text) => match single_expression(text) {
            Some(expression) => {
                let result = environment
                    .compile_expression(expression)
                    .and_then(|compiled| compiled.eval(context))
                    .map_err(|error| TemplateError::new(text, &error))?;
                plain(&result, text)?
            }
            None => Some(Value::String(
                environment
                    .render_str(text, context)
                    .map_err(|error| TemplateError::new(text, &error))?,
            )),
        },
        Value::Array(items) => {
            let mut filled = Vec::with_capacity(items.len());
            for item in items {
                filled.extend(fill(environment, item, context)?);
            }
            Some(Value::Array(filled))
        }
        Value::Object(members) => {
            let mut filled = Map::new();
            for (name, member) in members {
                if let Some(member) = fill(environment, member, context)? {
                    filled.insert(name.clone(), member);
                }
            }
            Some(Value::Object(filled))
        }
        // Also `with = { limit = 2.0 }` is meant as an integer.
        other => Some(without_zeros(other.clone())),
    })
}

/// The JSON value of an expression's result; `None` where it has no value.
fn plain(result: &minijinja::Value, text: &str) -> Result<Option<Value>, TemplateError> {
    if result.is_undefined() || result.is_none() {
        return Ok(None);
    }
    let value = serde_json::to_value(result).map_err(|error| TemplateError {
        source_text: text.to_owned(),
        problem: format!("gives a value that JSON cannot hold: {error}"),
    })?;
    Ok(Some(without_zeros(value)))
}

/// `2.0` becomes `2`: services refuse a fraction where they want an integer.
fn without_zeros(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            match number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
                Some(whole) => Value::Number(Number::from(whole)),
                None => Value::Number(number),
            }
        }
        Value::Array(items) => items.into_iter().map(without_zeros).collect(),
        Value::Object(members) => {
            let members = members.into_iter();
            members
                .map(|(name, member)| (name, without_zeros(member)))
                .collect()
        }
        other => other,
    }
}

/// The integer that a floating point number stands for.
fn whole(number: f64) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the guard keeps it within 2^53"
    )]
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn context() -> Value {
        json!({
            "contact": { "id": "c1", "firstName": "Ada", "tags": ["vip"], "score": 4, "quoted": "{{ 7 }}" },
            "steps": { "tree": { "number": 2.0 } },
        })
    }

    #[test]
    fn a_single_expression_keeps_its_type() {
        assert_eq!(
            render(&json!("{{ contact.score * 2 }}"), &context()).unwrap(),
            json!(8)
        );
        assert_eq!(
            render(&json!("{{ contact.tags }}"), &context()).unwrap(),
            json!(["vip"])
        );
        assert_eq!(
            render(&json!("{{ steps.tree.number }}"), &context()).unwrap(),
            json!(2)
        );
        assert_eq!(
            render(&json!("Hi {{ contact.firstName }}!"), &context()).unwrap(),
            json!("Hi Ada!")
        );
    }

    #[test]
    fn a_missing_value_leaves_the_member_out() {
        let value =
            json!({ "company": "{{ contact.company.name }}", "name": "{{ contact.firstName }}" });
        assert_eq!(
            render(&value, &context()).unwrap(),
            json!({ "name": "Ada" })
        );
        assert_eq!(
            render(&json!("<{{ contact.company }}>"), &context()).unwrap(),
            json!("<>")
        );
    }

    #[test]
    fn values_are_not_templates() {
        assert_eq!(
            render(&json!("{{ contact.quoted }}"), &context()).unwrap(),
            json!("{{ 7 }}")
        );
    }

    #[test]
    fn nothing_is_escaped() {
        let context = json!({ "contact": { "firstName": "<O'Neil & Söhne>" } });
        assert_eq!(
            render(&json!("{{ contact.firstName }}."), &context).unwrap(),
            json!("<O'Neil & Söhne>.")
        );
    }

    #[test]
    fn conditions_read_empty_as_false() {
        assert!(holds("contact.firstName and 'vip' in contact.tags", &context()).unwrap());
        assert!(!holds("contact.company", &context()).unwrap());
        assert!(!holds("contact.company.name == 'x'", &context()).unwrap());
    }

    /// Any JSON value, as records of a service may hold it.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::hash_map("[a-z]{1,6}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}", wrapped in any::<bool>()) {
            let text = if wrapped { format!("{{{{ {text} }}}}") } else { text };
            let _ = check(&json!(text));
            let _ = render(&json!(text), &context());
            let _ = holds(&text, &context());
        }

        #[test]
        fn no_record_panics(record in json(), text in "[a-z0-9+*/|. ()\\[\\]'~]{0,30}") {
            let context = json!({ "contact": record.clone(), "record": record });
            let value = json!({ "one": format!("{{{{ {text} }}}}"), "more": [format!("a {{{{ {text} }}}}"), "{{ record | round }}"] });
            let _ = render(&value, &context);
            let _ = holds(&text, &context);
        }

        #[test]
        fn a_single_expression_gives_the_value_itself(record in json()) {
            let given = render(&json!("{{ record }}"), &json!({ "record": record.clone() })).unwrap();
            prop_assert_eq!(given, without_zeros(record));
        }

        #[test]
        fn plain_values_stay_as_they_are(number in any::<i64>(), flag in any::<bool>(), text in "[a-z ]{0,20}") {
            let value = json!({ "number": number, "flag": flag, "text": text, "none": null });
            prop_assert_eq!(render(&value, &context()).unwrap(), value);
        }
    }
}
