//! `{{ }}` templates and `when` expressions, by minijinja: the notation that HighLevel users know.

use std::collections::{BTreeSet, HashSet};

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::values::{self, Mistake, Program, Sight};
use crate::{dates, merge, rounding, words};

mod error;

pub use error::TemplateError;

pub(crate) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // HighLevel leaves out empty members, so a missing one is normal and reads as nothing.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    // A template that loops for ever is stopped.
    environment.set_fuel(Some(100_000));
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    for name in ["escape", "e", "safe"] {
        // These write for web pages, and print other values as Python does.
        environment.remove_filter(name);
    }
    for name in ["escaped", "safe", "filter", "test"] {
        environment.remove_test(name);
    }
    environment.remove_global("debug");
    values::add_to(&mut environment);
    rounding::add_to(&mut environment);
    dates::add_to(&mut environment);
    environment
}

/// The inner text when a value is exactly one expression, e.g. `{{ contact.id }}`.
fn single_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    if inner.contains("{{") || inner.contains("}}") {
        return None;
    }
    // `{{-` takes spaces away, of which a whole value has none; it is no minus.
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    Some(inner.strip_suffix(['-', '+']).unwrap_or(inner))
}

fn is_template(text: &str) -> bool {
    let has_comment = || text.contains("{#") && text.contains("#}");
    text.contains("{{") || text.contains("{%") || has_comment()
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
    check_words(expression, &[expression])?;
    told(
        expression,
        values::tried_expression(expression, &environment),
    )
}

/// The same of an expression that is a condition.
pub fn check_condition(expression: &str) -> Result<(), TemplateError> {
    check_expression(expression)?;
    told(expression, values::tried_condition(expression))
}

fn told(text: &str, problem: Option<String>) -> Result<(), TemplateError> {
    problem.map_or(Ok(()), |problem| {
        Err(TemplateError {
            source_text: text.to_owned(),
            problem,
        })
    })
}

fn check_words(text: &str, codes: &[&str]) -> Result<(), TemplateError> {
    told(text, codes.iter().find_map(|code| words::mistake(code)))
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
            check_words(text, &words::codes(text))?;
            told(text, values::tried_template(text, &environment))
        }
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(members) => members.values().try_for_each(check),
        _ => Ok(()),
    }
}

/// The names that an expression reads, e.g. `contact.firstName`; what it calls is none of them. What merge fields and
/// dates read besides is among them.
pub fn names_in_expression(expression: &str) -> BTreeSet<String> {
    with_reads(
        written_in_expression(expression),
        words::reads_zone(expression),
    )
}

/// The names that stand in an expression.
pub(crate) fn written_in_expression(expression: &str) -> BTreeSet<String> {
    let environment = environment();
    let names = environment.compile_expression(expression);
    let names = names.map(|compiled| compiled.undeclared_variables(true));
    let mut names = names.unwrap_or_default();
    if expression.contains('[') {
        names.extend(values::sliced(&values::in_expression(expression)));
    }
    without_globals(&environment, names)
}

/// With what merge fields and dates read besides.
fn with_reads(mut names: BTreeSet<String>, zone: bool) -> BTreeSet<String> {
    let more: Vec<String> = names.iter().flat_map(|name| merge::reads(name)).collect();
    names.extend(more);
    if zone {
        names.insert(dates::ZONE.to_owned());
    }
    names
}

/// The same of all templates in a value.
pub fn names(value: &Value) -> BTreeSet<String> {
    with_reads(written(value), reads_zone(value))
}

/// The names that stand in the templates of a value.
pub(crate) fn written(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(text) if is_template(text) => {
            if let Some(expression) = single_expression(text) {
                return written_in_expression(expression);
            }
            let environment = environment();
            let names = environment.template_from_str(text);
            let names = names.map(|template| template.undeclared_variables(true));
            let mut names = names.unwrap_or_default();
            if text.contains('[') {
                names.extend(values::sliced(&values::in_template(text)));
            }
            without_globals(&environment, names)
        }
        Value::Array(items) => items.iter().flat_map(written).collect(),
        Value::Object(members) => members.values().flat_map(written).collect(),
        _ => BTreeSet::new(),
    }
}

fn reads_zone(value: &Value) -> bool {
    match value {
        Value::String(text) => words::codes(text).into_iter().any(words::reads_zone),
        Value::Array(items) => items.iter().any(reads_zone),
        Value::Object(members) => members.values().any(reads_zone),
        _ => false,
    }
}

/// What an expression shows before it runs.
pub(crate) fn sights_in_expression(expression: &str) -> Vec<Sight> {
    values::in_expression(expression)
}

/// The same of all templates in a value.
pub(crate) fn sights(value: &Value) -> Vec<Sight> {
    match value {
        Value::String(text) if is_template(text) => match single_expression(text) {
            Some(expression) => values::in_expression(expression),
            None => values::in_template(text),
        },
        Value::Array(items) => items.iter().flat_map(sights).collect(),
        Value::Object(members) => members.values().flat_map(sights).collect(),
        _ => Vec::new(),
    }
}

/// Whether a template is a time to the second, and not a day: where it falls on midnight UTC, that is no day.
pub fn is_time(value: &Value) -> bool {
    let expression = value.as_str().and_then(single_expression);
    expression.is_some_and(values::is_time)
}

/// A value as it reads in a text.
pub fn as_text(value: &Value) -> Option<String> {
    let seen = values::context(value).ok()?;
    values::printed(&seen).ok()
}

/// Why a quantity that a template gave is none, with the field that it was read from. `None`: it is one, or it is written in
/// the file.
pub fn no_quantity(template: Option<&Value>, given: Option<&Value>) -> Option<String> {
    let expression = template?.as_str().and_then(single_expression)?;
    let given = given.cloned().unwrap_or_default();
    if number(&given).is_some() {
        return None;
    }
    let name = values::path(expression);
    let seen = values::context(&given).ok()?;
    if values::is_blank(&seen) {
        let what = name.unwrap_or_else(|| format!("{{{{{expression}}}}}"));
        return Some(format!(
            "`number` is missing: {what} has no value; say what counts then, e.g. | default(1)"
        ));
    }
    let told = Mistake::no_number(&seen).told(name.as_deref());
    Some(format!("`number` must be a number: {told}"))
}

/// The number that a value is, or that its text is: webhooks of HighLevel send numbers as texts.
pub fn number(value: &Value) -> Option<Value> {
    let seen = values::context(value).ok()?;
    values::json(&values::number(&seen)?).ok()
}

/// What is put together with others in an expression (`a ~ b`, `[a, b] | join`) and has no value. `None`: all is there.
pub(crate) fn joined_nothing(expression: &str, context: &impl Serialize) -> Option<String> {
    values::joined(expression).into_iter().find(|path| {
        let whole = Value::from(format!("{{{{ {path} }}}}"));
        let value = render(&whole, context).unwrap_or_default();
        value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
    })
}

fn without_globals(environment: &Environment<'_>, names: HashSet<String>) -> BTreeSet<String> {
    let globals: HashSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let root = |name: &String| name.split('.').next().unwrap_or_default().to_owned();
    let names = names.into_iter();
    names
        .filter(|name| !globals.contains(&*root(name)))
        .collect()
}

/// Whether a `when` holds. What is missing or empty, zero, false and texts that say no are false.
pub fn holds(expression: &str, context: &impl Serialize) -> Result<bool, TemplateError> {
    let context = seen(expression, context)?;
    let program =
        Program::condition(expression).map_err(|error| TemplateError::new(expression, &error))?;
    let value = run(&program, &environment(), expression, expression, &context)?;
    Ok(values::truth(&value))
}

/// Fills in all templates of a value. A value that is exactly one expression keeps its type; members whose
/// expression has no value are left out.
pub fn render(value: &Value, context: &impl Serialize) -> Result<Value, TemplateError> {
    if !is_dynamic(value) {
        return Ok(without_zeros(value.clone()));
    }
    let context = seen("", context)?;
    let environment = environment();
    Ok(fill(&environment, value, &context)?.unwrap_or(Value::Null))
}

/// The value of an expression of which each part that it is put together of has to be there.
pub(crate) fn render_given(
    expression: &str,
    context: &impl Serialize,
) -> Result<Value, TemplateError> {
    let context = seen(expression, context)?;
    let mut environment = environment();
    values::demand_parts(&mut environment, expression);
    let value = evaluate(&environment, expression, expression, &context)?;
    Ok(plain(&value, expression)?.unwrap_or_default())
}

/// The context as templates see it.
fn seen(text: &str, context: &impl Serialize) -> Result<minijinja::Value, TemplateError> {
    values::context(context).map_err(|error| TemplateError {
        source_text: text.to_owned(),
        problem: format!("has nothing to read from: {error}"),
    })
}

/// The value of an expression, which stands in `text`.
fn evaluate(
    environment: &Environment<'_>,
    expression: &str,
    text: &str,
    context: &minijinja::Value,
) -> Result<minijinja::Value, TemplateError> {
    let program =
        Program::expression(expression).map_err(|error| TemplateError::new(text, &error))?;
    run(&program, environment, expression, text, context)
}

fn run(
    program: &Program<'_>,
    environment: &Environment<'_>,
    expression: &str,
    text: &str,
    context: &minijinja::Value,
) -> Result<minijinja::Value, TemplateError> {
    let result = program.run(environment, context);
    result.map(|(value, _)| value).map_err(|error| {
        TemplateError::of_run(text, &error, &names_in_expression(expression), context)
    })
}

fn fill(
    environment: &Environment<'_>,
    value: &Value,
    context: &minijinja::Value,
) -> Result<Option<Value>, TemplateError> {
    Ok(match value {
        Value::String(text) if is_template(text) => {
            if let Some(expression) = single_expression(text) {
                return plain(&evaluate(environment, expression, text, context)?, text);
            }
            let program =
                Program::template(text).map_err(|error| TemplateError::new(text, &error))?;
            let result = program.run(environment, context);
            let (_, rendered) = result
                .map_err(|error| TemplateError::of_run(text, &error, &names(value), context))?;
            Some(Value::String(rendered))
        }
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
    if values::is_missing(result) {
        return Ok(None);
    }
    let value = values::json(result).map_err(|problem| TemplateError {
        source_text: text.to_owned(),
        problem,
    })?;
    Ok(Some(value))
}

/// `2.0` becomes `2`: services refuse a fraction where they want an integer.
fn without_zeros(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().and_then(values::whole);
            whole.map_or(Value::Number(number), Value::from)
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

#[cfg(test)]
mod tests;
