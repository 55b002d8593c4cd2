//! The keys of steps, before anything is done.

use canopy_mapping::{
    ActionKind, Actions as _, Event, KeyError, KeyScope, Once, Step, Workflow, step_key, template,
};
use serde_json::Value;

use crate::Catalog;
use crate::connection::Connection;

/// The key of a step. A step that its `when` leaves out needs no value for its `once`.
pub(crate) fn key_of(
    scope: KeyScope<'_>,
    step: &Step,
    kind: ActionKind,
    event: &Event,
    context: &Value,
) -> Result<String, KeyError> {
    match step_key(scope, &step.once(kind), event, context) {
        Err(KeyError::NoValue { .. }) if is_left_out(step, context) => {
            step_key(scope, &Once::Event, event, context)
        }
        key => key,
    }
}

/// The mistake of a step whose `once` has no value, as far as it can be told before the first step: nothing is bought then.
pub(crate) fn mistake(
    connection: &Connection,
    workflow: &Workflow,
    event: &Event,
    context: &Value,
) -> Option<KeyError> {
    workflow.steps.iter().find_map(|step| {
        let Some(Once::Value(text)) = &step.once else {
            return None;
        };
        let kind = Catalog.kind(&step.action)?;
        let names = template::names(&Value::from(text.as_str()));
        let conditions = step.when.iter();
        let conditions = conditions.flat_map(|when| template::names_in_expression(when));
        // What earlier steps answer is not known yet.
        let mut all = names.into_iter().chain(conditions);
        if all.any(|name| name == "steps" || name.starts_with("steps.")) {
            return None;
        }
        let scope = KeyScope {
            connection: &connection.id,
            test: connection.test,
            workflow: &workflow.id,
            step: &step.id,
        };
        key_of(scope, step, kind, event, context).err()
    })
}

fn is_left_out(step: &Step, context: &Value) -> bool {
    let when = step.when.as_deref();
    when.is_some_and(|when| matches!(template::holds(when, context), Ok(false)))
}
