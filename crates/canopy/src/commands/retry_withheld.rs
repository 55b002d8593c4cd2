//! `canopy retry` of what test mode recorded and did not send.

use std::collections::BTreeMap;

use canopy_store::{BreakerStore as _, Run, SimulatedPurchase, SqliteStore, Store as _, Withheld};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::config::{ConnectionConfig, Loaded};
use crate::exit::Failure;

/// Ended runs of which something was simulated in test mode, and how their connections stand now.
pub(super) struct Simulated<'a> {
    runs: BTreeMap<i64, Withheld>,
    connections: &'a [ConnectionConfig],
}

/// What an operator's word would carry out.
pub(super) struct Plan {
    pub runs: Vec<i64>,
    /// What of it buys for real, in words.
    pub bought: Option<String>,
}

impl<'a> Simulated<'a> {
    pub async fn of(store: &SqliteStore, loaded: &'a Loaded) -> Result<Self, Failure> {
        let all = store.withheld().await;
        let all = all.map_err(|error| Failure::failed(&error))?;
        Ok(Self {
            runs: all.into_iter().map(|one| (one.run, one)).collect(),
            connections: &loaded.config.connection,
        })
    }

    /// All that can be carried out. Where nothing can, because a connection still writes nothing, that is refused.
    pub fn all(&self) -> Result<Plan, Failure> {
        let (mut runs, mut bought) = (Vec::new(), Vec::new());
        let mut refused = None;
        for one in self.runs.values() {
            let id = &one.connection;
            if let Err(why) = self.must_write(id) {
                refused = refused.or(Some(why));
                continue;
            }
            let is_real = self
                .connection(id)
                .is_some_and(|connection| !connection.test);
            if is_real {
                bought.extend(&one.purchases);
            }
            if is_real || one.steps > 0 {
                runs.push(one.run);
            }
        }
        match refused {
            Some(why) if runs.is_empty() => return Err(why),
            Some(why) => eprintln!("canopy: others are left as they are: {why}"),
            None => {}
        }
        let bought = (!bought.is_empty()).then(|| described(&bought));
        Ok(Plan { runs, bought })
    }

    fn must_write(&self, id: &str) -> Result<(), Failure> {
        match self.connection(id) {
            Some(connection) if connection.writes() => Ok(()),
            Some(_) => Err(Failure::BadInput(format!(
                "connection {id} is in test mode, in which nothing is written to HighLevel, so there is nothing to carry out yet; write test = false (or write_in_test = true) first"
            ))),
            None => Err(Failure::BadInput(format!(
                "what was recorded is of connection {id}, which the configuration no longer has"
            ))),
        }
    }

    fn connection(&self, id: &str) -> Option<&ConnectionConfig> {
        self.connections.iter().find(|one| one.id == id)
    }

    /// The runs that may go on without a word about each, and how many may not: what began in test mode would buy for real.
    pub async fn without(
        &self,
        store: &SqliteStore,
        runs: Vec<Run>,
    ) -> Result<(Vec<i64>, usize), Failure> {
        let failed = |error: canopy_store::StoreError| Failure::failed(&error);
        let (mut ids, mut left) = (Vec::new(), 0);
        for run in runs {
            let id = store.connection_of(&run.location).await.map_err(failed)?;
            let connection = id.as_deref().and_then(|id| self.connection(id));
            let is_real = connection.is_none_or(|connection| !connection.test);
            let began_in_test = self.runs.contains_key(&run.id)
                || store.began_in_test(run.id).await.map_err(failed)? == Some(true);
            if is_real && began_in_test {
                left += 1;
            } else {
                ids.push(run.id);
            }
        }
        Ok((ids, left))
    }

    /// Lets a run carry out for real what of it was simulated. `false`: that is not what it waits for.
    pub async fn carry_out(
        &self,
        store: &SqliteStore,
        run: i64,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let failed = |error: canopy_store::StoreError| Failure::failed(&error);
        let known = if let Some(known) = self.runs.get(&run) {
            Some(known.connection.clone())
        } else {
            // It may have bought in test mode, and written nothing yet.
            let run = store.run(run).await.map_err(failed)?;
            let location = run.map(|run| run.location).unwrap_or_default();
            store.connection_of(&location).await.map_err(failed)?
        };
        let config = known.as_deref().and_then(|id| self.connection(id));
        let Some(config) = config.filter(|config| config.writes()) else {
            return Ok(false);
        };
        let carried = store.carry_out(run, !config.test, now).await;
        carried.map_err(failed)
    }
}

/// Purchases in words: how many, of what, for how much.
fn described(all: &[&SimulatedPurchase]) -> String {
    let (mut quantities, mut costs) = (BTreeMap::new(), BTreeMap::new());
    for one in all {
        *quantities.entry(&one.unit).or_insert(Decimal::ZERO) += one.quantity;
        *costs.entry(&one.currency).or_insert(Decimal::ZERO) += one.cost;
    }
    let quantities: Vec<_> = quantities
        .into_iter()
        .map(|(unit, quantity)| format!("{} {unit}", quantity.normalize()))
        .collect();
    let costs: Vec<_> = costs
        .into_iter()
        .map(|(currency, cost)| format!("{cost:.2} {currency}"))
        .collect();
    format!(
        "{} purchase(s): {}, about {} by what the simulations said",
        all.len(),
        quantities.join(", "),
        costs.join(" and ")
    )
}
