//! Where calls go out, and where they do not: an engine that plans, or works for a connection in test mode, does everything as always, but calls that would
//! change something at HighLevel or Ecologi are answered here, in the form of the description and with marked texts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use canopy_ecologi::{IdempotencyKey, OrderRequest, Receipt};
use canopy_highlevel::operation::{Idempotency, Operation};
use canopy_highlevel::{Client, Error, Priority};
use canopy_mapping::NAME_A_MODE;
use serde_json::{Map, Value};

use crate::Engine;
use crate::arguments;
use crate::connection::Connection;

/// Begins every text that stands for one which only a real call would bring.
pub const PLANNED: &str = "\u{ab}planned: ";

/// Planned calls that write, by operation.
#[derive(Debug, Default)]
pub(crate) struct Plan(Mutex<BTreeMap<&'static str, u64>>);

impl Plan {
    fn count(&self, operation: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(operation).or_default() += 1;
    }
}

impl Engine {
    /// Has it plan: what writes to a service does not go out. Its store is written to as always, so give it a copy.
    #[must_use]
    pub fn planning(mut self) -> Self {
        self.plan = Some(Plan::default());
        // A call that did not come this way must not write either.
        for connection in self.connections.values_mut() {
            let reading = Connection {
                highlevel: connection.highlevel.reading_only(),
                ecologi: connection.ecologi.reading_only(),
                ..Connection::clone(connection)
            };
            *connection = Arc::new(reading);
        }
        self
    }

    pub(crate) fn is_planning(&self) -> bool {
        self.plan.is_some()
    }

    /// The calls that would have written, by operation.
    pub fn planned(&self) -> BTreeMap<&'static str, u64> {
        let counts = self.plan.as_ref().map(|plan| {
            let counts = plan.0.lock().unwrap_or_else(PoisonError::into_inner);
            counts.clone()
        });
        counts.unwrap_or_default()
    }

    /// A call of HighLevel.
    pub(crate) async fn invoke(
        &self,
        (client, location): (&Client, &str),
        operation: &str,
        arguments: &Value,
    ) -> Result<Value, Error> {
        let answer = self
            .invoke_or_plan((client, location), operation, arguments)
            .await;
        answer.map_err(|error| {
            if arguments::is_fraction_for_integer(&error, arguments) {
                error.with_advice(NAME_A_MODE)
            } else {
                error
            }
        })
    }

    async fn invoke_or_plan(
        &self,
        (client, location): (&Client, &str),
        operation: &str,
        arguments: &Value,
    ) -> Result<Value, Error> {
        if let (true, Some(operation)) = (
            self.holds_back(location),
            canopy_highlevel::operation(operation),
        ) {
            let writes = operation.idempotency != Idempotency::Read;
            // What has no real id yet can be read by none.
            if writes || is_marked(arguments) {
                canopy_highlevel::check(operation.name, arguments)?;
                if let (true, Some(plan)) = (writes, &self.plan) {
                    plan.count(operation.name);
                }
                return answer(operation, arguments);
            }
        }
        client
            .invoke_as(Priority::Workflow, operation, arguments)
            .await
    }

    /// An order at Ecologi.
    pub(crate) async fn order(
        &self,
        client: &canopy_ecologi::Client,
        order: &OrderRequest,
        key: &IdempotencyKey,
    ) -> Result<Receipt, canopy_ecologi::Error> {
        let Some(plan) = &self.plan else {
            return client.buy(order, key).await;
        };
        let operation = order.operation();
        plan.count(operation);
        Receipt::placeholder(order, &|name| mark(operation, name))
    }
}

/// A text that stands for a member of an answer.
pub(crate) fn mark(operation: &str, name: &str) -> String {
    format!("{PLANNED}{name} of {operation}\u{bb}")
}

fn is_marked(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(PLANNED),
        Value::Array(list) => list.iter().any(is_marked),
        Value::Object(members) => members.values().any(is_marked),
        _ => false,
    }
}

/// An answer of the described form; the record in it says what was to be written.
fn answer(operation: &Operation, arguments: &Value) -> Result<Value, Error> {
    let text = |name: &str| mark(operation.name, name);
    let mut answer = canopy_highlevel::placeholder(operation.name, &text)?;
    let record = match operation.record {
        Some(pointer) => answer.pointer_mut(pointer),
        None => Some(&mut answer),
    };
    if let (Some(Value::Object(record)), Some(arguments)) = (record, arguments.as_object()) {
        overlay(record, arguments);
    }
    Ok(answer)
}

fn overlay(record: &mut Map<String, Value>, arguments: &Map<String, Value>) {
    for (name, value) in record.iter_mut() {
        if let Some(given) = arguments.get(name).filter(|given| !given.is_null()) {
            value.clone_from(given);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_planned_answer_says_what_was_to_be_written_and_marks_the_rest() {
        let arguments = json!({ "contactId": "c", "title": "Call", "dueDate": "2027-01-01T00:00:00Z", "completed": true });
        let operation = canopy_highlevel::operation("create-task").unwrap();
        let answer = answer(operation, &arguments).unwrap();
        let task = &answer["task"];
        assert_eq!(
            (&task["title"], &task["completed"]),
            (&json!("Call"), &json!(true))
        );
        assert!(is_marked(&task["id"]), "{task}");
        assert!(!is_marked(&arguments));
    }

    #[test]
    fn every_operation_that_writes_has_a_planned_answer() {
        let writes = |operation: &&Operation| operation.idempotency != Idempotency::Read;
        for operation in canopy_highlevel::OPERATIONS.iter().filter(writes) {
            let example = canopy_highlevel::describe(operation.name).unwrap().example;
            let answer = answer(operation, &example).unwrap();
            if let (Some(pointer), true) = (operation.id, operation.items.is_none()) {
                assert!(
                    answer.pointer(pointer).is_some(),
                    "{}: {answer}",
                    operation.name
                );
            }
        }
    }
}
