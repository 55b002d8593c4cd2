//! What the Ecologi account may do, by simulated orders: the smallest of each purchase that workflows make.

use std::collections::BTreeSet;

use canopy_ecologi::{Error, Order, Receipt, Refusal};
use canopy_mapping::{ActionKind, Actions as _, Step, Workflow};
use futures::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use super::{Standing, Subject, in_time};
use crate::exit::chain;

/// How the account stands.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Key, billing and what may be bought.
    pub key: Standing,
    /// Whether it is the configured currency.
    pub currency: Standing,
    /// The account's own currency, where it told.
    pub told: Option<String>,
    /// Something was asked and not answered in time.
    pub late: bool,
}

impl Account {
    pub(super) async fn assess(subject: Subject<'_>, deadline: Instant) -> Self {
        let tried = smallest_orders(subject.workflows).into_iter();
        let tried = tried.map(|order| {
            let call = subject.ecologi.try_order(order);
            in_time("Ecologi", deadline, call)
        });
        let mut account = Self {
            key: Standing::Good,
            currency: Standing::Unknown("the account's currency was not told".to_owned()),
            told: None,
            late: false,
        };
        for answer in join_all(tried).await {
            account.take(subject.currency, answer);
        }
        account
    }

    fn take(&mut self, currency: &str, answer: Result<Result<Receipt, Error>, String>) {
        let standing = match answer {
            Err(late) => {
                self.late = true;
                Standing::Unknown(late)
            }
            Ok(Err(error)) => judge(&error),
            Ok(Ok(receipt)) => {
                if let Some(told) = receipt.currency {
                    self.currency = if told.eq_ignore_ascii_case(currency) {
                        Standing::Good
                    } else {
                        Standing::Bad(format!(
                            "the Ecologi account's currency is {told}, and ecologi.currency says {currency}, so the caps would count other money; write currency = \"{told}\" and caps and prices in it"
                        ))
                    };
                    self.told = Some(told);
                }
                Standing::Good
            }
        };
        self.key = std::mem::replace(&mut self.key, Standing::Good).and(standing);
    }
}

fn judge(error: &Error) -> Standing {
    match error.refusal() {
        Some(Refusal::BadKey | Refusal::NoBilling | Refusal::NotEnabled) => {
            Standing::Bad(chain(error))
        }
        _ => Standing::Unknown(chain(error)),
    }
}

/// The steps that buy.
pub(super) fn buying(workflow: &Workflow) -> impl Iterator<Item = &Step> {
    let steps = workflow.steps.iter();
    steps.filter(|step| canopy_engine::Catalog.kind(&step.action) == Some(ActionKind::Purchase))
}

/// Where local trees can grow; a template may come to any of them.
const COUNTRIES: [&str; 4] = ["UK", "US", "AU", "BR"];

/// The countries that a step may buy local trees in; one without a name for other purchases.
pub(super) fn countries(step: &Step) -> Vec<Option<&str>> {
    if step.action != "buy-local-trees" {
        return vec![None];
    }
    match step.with.get("country").and_then(Value::as_str) {
        Some(country) if COUNTRIES.contains(&country) => vec![Some(country)],
        _ => COUNTRIES.into_iter().map(Some).collect(),
    }
}

/// One order of each purchase in use; a tree where none is, so that the key is looked at.
fn smallest_orders(workflows: &[Workflow]) -> Vec<Order> {
    let steps = workflows.iter().flat_map(buying);
    let mut wanted: BTreeSet<(&str, Option<&str>)> = steps
        .filter_map(|step| Some((step.action.as_str(), countries(step).first().copied()?)))
        .collect();
    if wanted.is_empty() {
        wanted.insert(("buy-trees", None));
    }
    let orders = wanted.into_iter();
    orders
        .filter_map(|(action, country)| Order::smallest(action, country))
        .collect()
}
