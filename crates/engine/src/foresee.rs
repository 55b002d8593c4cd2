//! What a workflow would buy, told from what is known and without a call: for the cost of firing it.

use canopy_ecologi::OrderRequest;
use canopy_mapping::fields::CustomFieldInfo;
use canopy_mapping::{ActionKind, Actions as _, Event, KeyScope, Workflow, template};
use canopy_store::{Result, Store};
use rust_decimal::Decimal;

use crate::Catalog;
use crate::connection::Connection;
use crate::context::Context;
use crate::keys::key_of;
use crate::steps::purchase::{self, Wanted};

/// A purchase that a step of the workflow would make.
#[derive(Debug, Clone)]
pub struct Foreseen {
    /// As in the ledger.
    pub key: String,
    /// `None`: what it buys is known only when earlier steps have been answered.
    pub order: Option<OrderRequest>,
    /// In the connection's currency; `None`: no price is known.
    pub estimate: Option<Decimal>,
}

/// The purchases of a workflow for an event; `None`: the event would not start it. `custom`: the location's custom
/// fields, for a workflow that reads a contact's.
pub async fn foresee(
    store: &dyn Store,
    connection: &Connection,
    workflow: &Workflow,
    custom: &[CustomFieldInfo],
    event: &Event,
) -> Result<Option<Vec<Foreseen>>> {
    let mut context = Context::known(store, connection, workflow, event).await?;
    context.name_fields(custom.to_vec());
    // A condition that cannot be evaluated starts the run or the step, which then fails visibly.
    let holds = |when: &Option<String>| {
        when.as_ref()
            .is_none_or(|when| template::holds(when, &context.value).unwrap_or(true))
    };
    if !holds(&workflow.when) {
        return Ok(None);
    }
    let mut found = Vec::new();
    for step in &workflow.steps {
        if Catalog.kind(&step.action) != Some(ActionKind::Purchase) || !holds(&step.when) {
            continue;
        }
        let scope = KeyScope {
            connection: &connection.id,
            test: connection.test,
            workflow: &workflow.id,
            step: &step.id,
        };
        // A step without a key is refused when it runs.
        let Ok(key) = key_of(scope, step, ActionKind::Purchase, event, &context.value) else {
            continue;
        };
        let order = match purchase::order(step, connection, &context) {
            Wanted::Order(order) => Some(order),
            // There is nothing to buy.
            Wanted::TooLittle { .. } => continue,
            Wanted::Nonsense(_) => None,
        };
        let estimate = order.as_ref().and_then(|order| {
            connection
                .prices
                .estimate(&order.order, &connection.currency)
        });
        found.push(Foreseen {
            key,
            order,
            estimate,
        });
    }
    Ok(Some(found))
}
