//! Holds real purchases while the account has more than the ledger explains.

use std::collections::{BTreeSet, HashMap};

use canopy_ecologi::Order;
use canopy_store::clock::Moment;
use canopy_store::{Purchase, StepState, StoreError, UNANSWERED};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Mutex;

use super::{ACCOUNT, Account, Agreed, CompareError, Copied};
use crate::Engine;
use crate::breaker::buys;
use crate::connection::Connection;
use crate::error::{EngineError, Verdict};
use crate::queue::LOOK_AGAIN;
use crate::run::is_about_contact;
use crate::steps::StepRun;
use crate::steps::control::AHEAD;

/// How long a comparison is believed while nothing is wrong.
const DAILY: SignedDuration = SignedDuration::from_hours(24);
/// How often it is made while purchases are held.
const HELD: SignedDuration = SignedDuration::from_mins(10);

/// What is noted with a purchase that waits.
const HELD_HERE: &str = "it is not known whether the ledger has all that the account has, so real purchases wait; `canopy alerts` says why and what to do";

fn unanswered_fact(key: &str) -> String {
    format!("{UNANSWERED}{key}")
}

/// When a purchase went out, by clocks that nobody sets.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Unanswered {
    /// The first sending; earlier versions did not note it.
    first: Option<Moment>,
    #[serde(flatten)]
    last: Moment,
}

/// When accounts were compared, since this process began.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<HashMap<String, Looks>>);

#[derive(Debug, Clone)]
struct Looks {
    /// Whether there was one only.
    one: bool,
    at: Timestamp,
    /// The same by clocks that nobody sets.
    moment: Moment,
}

/// What the last sending of an unanswered purchase allows now.
pub(crate) enum Evidence {
    NotMade,
    /// Nobody can tell yet; at this time perhaps.
    Later(String, Option<Timestamp>),
    /// Nobody can tell: a person decides.
    Person(String),
}

impl Engine {
    /// The Ecologi account of a connection, as far as its user name is known.
    pub fn account_of(&self, connection: &Connection) -> Option<Account> {
        let user = connection.ecologi_user.clone()?;
        let base = connection.ecologi.base_url().to_string();
        let shares = |one: &&Connection| {
            one.ecologi_user.as_ref() == Some(&user) && one.ecologi.base_url().as_str() == base
        };
        let ids = |wanted: &dyn Fn(&&Connection) -> bool| {
            let ids = self.connections().filter(wanted);
            let mut ids: Vec<_> = ids.map(|one| one.id.clone()).collect();
            ids.sort_unstable();
            ids
        };
        let elsewhere = |one: &&Connection| one.ecologi_user.is_some() && !shares(one);
        Some(Account {
            connections: ids(&shares),
            others: ids(&elsewhere),
            only: self.connections().all(|one| shares(&one)),
            units: units(self.connections().filter(shares)),
            base,
            user,
        })
    }

    /// Compares all accounts that are due: before the first real purchase of this process, then daily.
    pub async fn compare_accounts(&self) -> Result<(), CompareError> {
        for connection in self.connections() {
            self.account_is_open(connection).await?;
        }
        self.agree_in_test().await
    }

    /// Accounts at which everything is only simulated.
    pub async fn agree_in_test(&self) -> Result<(), CompareError> {
        let (now, delay) = (self.clock.now(), self.options.report_delay);
        for connection in self.connections().filter(|connection| connection.test) {
            let Some(account) = self.account_of(connection) else {
                continue;
            };
            let is_real = |one: &Connection| !one.test && account.connections.contains(&one.id);
            if !self.connections().any(is_real) {
                let (store, client) = (&*self.store, &connection.ecologi);
                account.agree_in_test(store, client, delay, now).await?;
            }
        }
        Ok(())
    }

    /// Whether real purchases may be made, as far as ledger and account tell. Without a user name nobody can tell, and
    /// they are made, but where the store is known to have forgotten some.
    pub(crate) async fn account_is_open(
        &self,
        connection: &Connection,
    ) -> Result<bool, CompareError> {
        if connection.test {
            return Ok(true);
        }
        let now = self.clock.now();
        let copied = Copied::of(&*self.store).await?;
        let Some(account) = self.account_of(connection) else {
            return Ok(self.without_account(connection, copied, now).await?);
        };
        let copied = copied.filter(|copied| copied.holds(&account.fact()));
        if self.is_planning() {
            let known = account.remembered(&*self.store).await?;
            let agrees = known.is_none_or(|known| known.more.is_empty());
            return Ok(agrees && copied.is_none());
        }
        let mut compared = self.account_gate.0.lock().await;
        let name = account.fact();
        let last = compared.get(&name).cloned();
        let delay = self.options.report_delay;
        if let Some(looks) = last
            && let Some(known) = account.remembered(&*self.store).await?
        {
            let passed = self.clock.moment().since(&looks.moment);
            let age = now.duration_since(looks.at).abs().max(passed);
            // What a store has forgotten of its last minutes without anybody's notice shows in the totals a little later; and
            // what was left open when a person spoke may be known by now.
            let again =
                (looks.one || known.agreed.values().any(Agreed::is_rough)) && passed >= delay;
            // What it is known to have forgotten, when the totals are late no more.
            let is_ripe = copied.as_ref().is_some_and(|copied| {
                let in_place = copied.passed(&*self.clock);
                in_place >= delay && in_place - passed < delay
            });
            let is_open = known.more.is_empty() && copied.is_none();
            if is_open && age < DAILY && !again {
                return Ok(true);
            }
            if !is_open && age < HELD && !is_ripe {
                return Ok(false);
            }
        }
        let (store, client) = (&*self.store, &connection.ecologi);
        let read = account.compare(store, client, delay, &*self.clock).await;
        self.report_totals(connection, read.as_ref().err()).await;
        let (is_open, _) = read?;
        self.end_what_is_over(connection, now).await?;
        let looks = Looks {
            one: !compared.contains_key(&name),
            at: now,
            moment: self.clock.moment(),
        };
        compared.insert(name, looks);
        Ok(is_open)
    }

    /// Notes that a purchase goes out now, by clocks that nobody sets. `again`: not for the first time.
    pub(crate) async fn note_sending(&self, key: &str, again: bool) -> Result<(), StoreError> {
        let (now, moment) = (self.clock.now(), self.clock.moment());
        let first = if again {
            self.unanswered(key).await?.and_then(|known| known.first)
        } else {
            Some(moment.clone())
        };
        let noted = Unanswered {
            first,
            last: moment,
        };
        let name = unanswered_fact(key);
        self.store.put_fact(&name, json!(noted), now).await
    }

    async fn unanswered(&self, key: &str) -> Result<Option<Unanswered>, StoreError> {
        let known = self.store.fact(&unanswered_fact(key)).await?;
        Ok(known.and_then(|(value, _)| serde_json::from_value(value).ok()))
    }

    /// How long it has really been at least since an unanswered purchase first went out, whatever the machine's clock says:
    /// one that was set back, or went on where it had stopped, makes no old key young. `None`: nobody knows.
    pub(crate) async fn unanswered_for(
        &self,
        key: &str,
    ) -> Result<Option<SignedDuration>, StoreError> {
        let first = self.unanswered(key).await?.and_then(|known| known.first);
        Ok(first.and_then(|first| self.clock.moment().known_since(&first)))
    }

    /// How long it has really been since an unanswered purchase last went out, at least. The machine's clock may have been set
    /// since, and the report is late by the world's.
    async fn really_since(&self, key: &str) -> Result<SignedDuration, StoreError> {
        let known = self.unanswered(key).await?;
        let passed = known.map(|known| self.clock.moment().since(&known.last));
        if let Some(passed) = passed.filter(|passed| !passed.is_zero()) {
            return Ok(passed);
        }
        // The process was cut off, or the machine was started again: it counts from now on.
        self.note_sending(key, true).await?;
        Ok(SignedDuration::ZERO)
    }

    /// What is known of an unanswered purchase that is too old to be sent again under its key alone.
    pub(crate) async fn evidence(
        &self,
        connection: &Connection,
        purchase: &Purchase,
    ) -> Result<Evidence, EngineError> {
        let now = self.clock.now();
        let options = &self.options;
        let sent = purchase.sent_at.unwrap_or(purchase.created_at);
        if !connection.is_sent_here(purchase) {
            let reason = "it was sent to another Ecologi account than this connection has now, so neither its key nor this account's totals can tell";
            return Ok(Evidence::Person(reason.to_owned()));
        }
        let Some(account) = self.account_of(connection) else {
            let reason = "without ecologi.username the account's totals cannot tell either";
            return Ok(Evidence::Person(reason.to_owned()));
        };
        if purchase.test {
            // Simulations are never shown.
            return Ok(Evidence::NotMade);
        }
        let entries = self.store.ledger(&purchase.key).await?;
        let last = entries.iter().map(|entry| entry.at).max().unwrap_or(sent);
        // What a copy knows ends before it was put in place: it may have been sent again by the newer store.
        let copied = Copied::of(&*self.store).await?;
        let copied = copied.filter(|copied| copied.at > last && copied.at <= now);
        let last = copied.as_ref().map_or(last, |copied| copied.at);
        if last > now + AHEAD {
            let reason = "the clock was ahead then, so nobody knows how old it is";
            return Ok(Evidence::Person(reason.to_owned()));
        }
        let shown = last + options.report_delay;
        if now < shown {
            let reason = format!(
                "sent at {sent:.0} and not answered; from {shown:.0} on the account's totals tell whether it was made"
            );
            return Ok(Evidence::Later(reason, Some(shown)));
        }
        let of = (purchase.unit.as_str(), purchase.quantity);
        let times = (options.report_delay, now);
        let store = &*self.store;
        match account
            .shows_not_made(store, &connection.ecologi, of, times)
            .await
        {
            Ok(Some(true)) => {
                // It is bought anew on this word, so nothing but time that has really passed counts.
                let mut passed = self.really_since(&purchase.key).await?;
                if let Some(copied) = &copied {
                    passed = passed.min(copied.passed(&*self.clock));
                }
                let left = options.report_delay - passed;
                if !left.is_positive() {
                    return Ok(Evidence::NotMade);
                }
                let age = now.duration_since(sent);
                if age >= options.key_memory && !self.clock.moment().outlives_the_process() {
                    return Ok(Evidence::Person(format!(
                        "this machine does not tell how long it has been running, so the account's totals are believed only by a canopy that runs for {:#} without an end",
                        options.report_delay
                    )));
                }
                let until = now + left;
                let reason = format!(
                    "sent at {sent:.0} and not answered; the clock may have been set since, so the account's totals are believed from {until:.0} on"
                );
                Ok(Evidence::Later(reason, Some(until)))
            }
            Ok(None) if now.duration_since(sent) < options.key_memory => {
                let reason = "the account's totals do not show yet whether it was made, because others were bought just now";
                Ok(Evidence::Later(
                    reason.to_owned(),
                    Some(now + options.report_delay),
                ))
            }
            Ok(_) => Ok(Evidence::Person(format!(
                "the totals of account {} do not show whether it was made",
                account.user
            ))),
            Err(CompareError::Store(error)) => Err(error.into()),
            Err(error) => Ok(Evidence::Later(error.to_string(), None)),
        }
    }
}

/// What the active workflows of connections buy, by the ledger's units.
fn units<'a>(connections: impl Iterator<Item = &'a Connection>) -> Vec<&'static str> {
    let mut all = BTreeSet::new();
    for connection in connections {
        for workflow in connection.workflows.current().iter() {
            let actions = workflow.steps.iter().filter(|step| buys(step));
            all.extend(actions.filter_map(|step| {
                // Local trees name a country; which one is no matter here.
                let order = Order::smallest(&step.action, None);
                let order = order.or_else(|| Order::smallest(&step.action, Some("UK")));
                order.map(|order| order.unit())
            }));
        }
    }
    all.into_iter().collect()
}

impl StepRun<'_> {
    /// `Some`: the purchase waits, because the account has more than the ledger explains or that cannot be known now.
    pub(crate) async fn at_account_gate(
        &self,
        purchase: &canopy_store::NewPurchase,
    ) -> Result<Option<Verdict>, EngineError> {
        let engine = self.engine;
        let reason = match engine.account_is_open(self.connection).await {
            Ok(true) => return Ok(None),
            Ok(false) => HELD_HERE.to_owned(),
            Err(CompareError::Store(error)) => return Err(error.into()),
            Err(error) => {
                // Nothing is bought on a store that may be an old copy.
                let error =
                    format!("before the first purchase ledger and account are compared: {error}");
                self.note_waiting(purchase).await?;
                engine
                    .store
                    .wait_for_gate(self.fence, purchase.clone(), ACCOUNT, engine.clock.now())
                    .await?;
                return Ok(Some(Verdict::Retry { error, after: None }));
            }
        };
        let now = engine.clock.now();
        self.note_waiting(purchase).await?;
        engine
            .store
            .wait_for_gate(self.fence, purchase.clone(), ACCOUNT, now)
            .await?;
        let until = now + LOOK_AGAIN;
        Ok(Some(Verdict::Wait { reason, until }))
    }

    /// The same for one that was intended before, by this store or the one that it is a copy of.
    pub(crate) async fn intended_at_account_gate(&self) -> Result<Option<Verdict>, EngineError> {
        let until = self.engine.clock.now() + HELD;
        let waits = |reason: String| Ok(Some(Verdict::Wait { reason, until }));
        match self.engine.account_is_open(self.connection).await {
            Ok(true) => Ok(None),
            Ok(false) => waits(HELD_HERE.to_owned()),
            Err(CompareError::Store(error)) => Err(error.into()),
            Err(error) => waits(format!(
                "before the first purchase ledger and account are compared: {error}"
            )),
        }
    }

    /// The page shows what waits.
    async fn note_waiting(&self, purchase: &canopy_store::NewPurchase) -> Result<(), EngineError> {
        let now = self.engine.clock.now();
        let intent = self.intent(purchase.request.clone());
        self.engine
            .store
            .intend_step(self.fence, intent, now)
            .await?;
        Ok(())
    }

    /// An unanswered purchase that is too old for its key alone: the account's totals tell, or a person does.
    pub(crate) async fn reconcile(
        &mut self,
        order: &canopy_ecologi::OrderRequest,
        purchase: &Purchase,
    ) -> Result<Verdict, EngineError> {
        let engine = self.engine;
        let now = engine.clock.now();
        let sent = purchase.sent_at.unwrap_or(purchase.created_at);
        match engine.evidence(self.connection, purchase).await? {
            Evidence::NotMade => {
                let error = format!(
                    "sent at {sent:.0} and never answered; the account's totals show that it was not made"
                );
                let refused = canopy_store::PurchaseOutcome::Refused {
                    error: error.clone(),
                };
                self.settle(
                    &purchase.key,
                    refused,
                    StepState::Failed,
                    None,
                    Some(&error),
                )
                .await?;
                if is_about_contact(self.event) {
                    // It is begun anew, so it is judged anew.
                    let (reason, until) = (error, now);
                    return Ok(Verdict::Wait { reason, until });
                }
                match self.new_purchase(order) {
                    Ok(again) => Box::pin(self.go_on(order, again)).await,
                    Err(reason) => self.hold(order.body(), reason).await,
                }
            }
            Evidence::Later(reason, Some(until)) => Ok(Verdict::Wait { reason, until }),
            Evidence::Later(error, None) => Ok(Verdict::Retry { error, after: None }),
            Evidence::Person(why) => {
                let age = now.duration_since(sent);
                let memory = engine.options.key_memory;
                let forgotten = if age > memory {
                    format!(", and keys are trusted for {memory:#} at most")
                } else {
                    String::new()
                };
                let error = format!(
                    "sent at {sent:.0} and never answered for longer than {:#}{forgotten}; {why}",
                    engine.options.purchase_window
                );
                self.leave_to_person(purchase, error).await
            }
        }
    }
}
