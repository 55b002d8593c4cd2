//! Public figures of a user, about ten minutes old.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{Client, Error, number};

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    pub total: Option<Decimal>,
    /// Bought and not carried out yet. Older answers lack it.
    pub pending: Option<Decimal>,
}

/// The four figures; older accounts lack the newer ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    pub trees: Option<Decimal>,
    /// Tonnes of carbon dioxide equivalent kept from being emitted.
    pub carbon_offset: Option<Decimal>,
    /// Tonnes of carbon dioxide equivalent taken out of the air.
    pub carbon_removal: Option<Decimal>,
    /// Square metres.
    pub habitat_restoration: Option<Decimal>,
}

/// All figures of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Impact {
    pub done: Totals,
    pub pending: Totals,
}

impl Client {
    /// All figures of a user.
    pub async fn impact(&self, username: &str) -> Result<Impact, Error> {
        let answer = self.report("get-impact", username).await?;
        Ok(Impact {
            done: totals(&answer),
            pending: totals(&answer["pending"]),
        })
    }

    /// Trees.
    pub async fn trees(&self, username: &str) -> Result<Total, Error> {
        self.total("get-trees", username).await
    }

    /// Tonnes of carbon dioxide equivalent kept from being emitted.
    pub async fn carbon_offset(&self, username: &str) -> Result<Total, Error> {
        self.total("get-carbon-offset", username).await
    }

    /// Tonnes of carbon dioxide equivalent taken out of the air.
    pub async fn carbon_removal(&self, username: &str) -> Result<Total, Error> {
        self.total("get-carbon-removal", username).await
    }

    /// Square metres of habitat.
    pub async fn habitat_restoration(&self, username: &str) -> Result<Total, Error> {
        self.total("get-habitat-restoration", username).await
    }

    async fn total(&self, operation: &str, username: &str) -> Result<Total, Error> {
        let answer = self.report(operation, username).await?;
        Ok(Total {
            total: figure(&answer, "total"),
            pending: figure(&answer, "pending"),
        })
    }

    async fn report(&self, operation: &str, username: &str) -> Result<Value, Error> {
        self.invoke(operation, &json!({ "username": username }))
            .await
    }
}

fn totals(answer: &Value) -> Totals {
    Totals {
        trees: figure(answer, "trees"),
        carbon_offset: figure(answer, "carbonOffset"),
        carbon_removal: figure(answer, "carbonRemoval"),
        habitat_restoration: figure(answer, "habitatRestoration"),
    }
}

fn figure(answer: &Value, member: &str) -> Option<Decimal> {
    answer.get(member).and_then(number::decimal)
}
