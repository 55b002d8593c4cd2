//! Purchases: intent in the ledger, then `sent`, then the call, then its outcome. The key makes it once.

use canopy_ecologi::{IdempotencyKey, InvalidOrder, OrderRequest};
use canopy_mapping::{NAME_A_MODE, Step, template};
use canopy_store::{
    NewPurchase, Purchase, PurchaseIntent, PurchaseOutcome, PurchaseState, StepState,
};
use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::StepRun;
use super::control::AHEAD;
use super::mail::{LEFT_OUT, is_mail_refused};
use super::refused::is_of_account;
use super::unknown::unknown;
use crate::connection::Connection;
use crate::context::Context;
use crate::error::{EngineError, Verdict};
use crate::observer::Boundary;

/// What the arguments of a purchase come to.
pub(crate) enum Wanted {
    Order(OrderRequest),
    /// Below what can be bought: there is nothing to do.
    TooLittle {
        request: Value,
        reason: String,
    },
    Nonsense(String),
}

impl StepRun<'_> {
    pub(crate) async fn buy(&mut self) -> Result<Verdict, EngineError> {
        let engine = self.engine;
        let order = match self.order().await? {
            Wanted::Order(order) => order,
            Wanted::TooLittle { request, reason } => {
                return self.skip(request, json!({ "skipped": reason })).await;
            }
            Wanted::Nonsense(error) => return self.refuse(error).await,
        };
        if let Some(barred) = self.barred().await? {
            return Ok(barred);
        }
        engine.observer.at(Boundary::BeforeIntent, &self.step.id);
        let purchase = match self.new_purchase(&order) {
            Ok(purchase) => purchase,
            Err(reason) => return self.hold(order.body(), reason).await,
        };
        let _turn = self.item.line.turn(self.connection).await;
        // It may have been switched off while others bought.
        if self.connection.workflows.is_off(&self.context.workflow) {
            return Ok(Verdict::Unsent);
        }
        // Whoever had the turn before may have been refused.
        if let Some(barred) = self.barred().await? {
            return Ok(barred);
        }
        let known = engine.store.purchase_for(&self.key).await?;
        let barred = match known.map(|known| known.state) {
            None | Some(PurchaseState::Refused) => self.at_account_gate(&purchase).await?,
            // It has its place in the caps already, and was not sent, as far as this store knows.
            Some(PurchaseState::Intended) => self.intended_at_account_gate().await?,
            Some(PurchaseState::Sent | PurchaseState::Confirmed | PurchaseState::Unknown) => None,
        };
        match barred {
            Some(verdict) => Ok(verdict),
            None => self.go_on(&order, purchase).await,
        }
    }

    /// From the intent on.
    pub(crate) async fn go_on(
        &mut self,
        order: &OrderRequest,
        purchase: NewPurchase,
    ) -> Result<Verdict, EngineError> {
        let engine = self.engine;
        let now = engine.clock.now();
        let caps = engine.caps_of(self.connection, &self.context.workflow);
        let caps = match caps.await? {
            Ok(caps) => caps,
            Err(verdict) => return Ok(verdict),
        };
        let step = self.intent(order.body());
        let intent = engine
            .store
            .intend_purchase(self.fence, purchase, step, caps, now)
            .await?;
        engine.observer.at(Boundary::AfterIntent, &self.step.id);
        match intent {
            PurchaseIntent::Intended(purchase) => self.send(order, &purchase, false).await,
            PurchaseIntent::Existing(purchase) => self.resume(order, purchase).await,
            PurchaseIntent::OverCap { cap, used } => Ok(self.at_cap(&cap, used)),
            PurchaseIntent::OtherCurrency { currency } => Ok(self.in_other_currency(&currency)),
        }
    }

    /// What the step wants to buy. What is in the ledger and was not refused stays as it was written there: the same key
    /// never speaks of anything else.
    async fn order(&self) -> Result<Wanted, EngineError> {
        let known = self.engine.store.purchase_for(&self.key).await?;
        let known = known.filter(|purchase| purchase.state != PurchaseState::Refused);
        let known = known.and_then(|purchase| {
            OrderRequest::from_action(&self.step.action, &purchase.request).ok()
        });
        Ok(match known {
            Some(order) => Wanted::Order(order),
            None => order(self.step, self.connection, self.context),
        })
    }

    pub(super) fn estimate(&self, order: &OrderRequest) -> Decimal {
        let Connection {
            prices, currency, ..
        } = self.connection;
        prices.estimate(&order.order, currency).unwrap_or_default()
    }

    pub(crate) fn new_purchase(&self, order: &OrderRequest) -> Result<NewPurchase, String> {
        let currency = &self.connection.currency;
        let estimate = match self.connection.prices.estimate(&order.order, currency) {
            Some(estimate) => estimate,
            // Nothing is charged, so nothing needs a price.
            None if self.connection.test => Decimal::ZERO,
            None => {
                return Err(format!(
                    "no price is known for \"{}\" in {currency}, so the caps cannot be kept; add it to [prices.{currency}]",
                    self.step.action
                ));
            }
        };
        Ok(NewPurchase {
            key: self.key.clone(),
            connection: self.connection.id.clone(),
            contact: self.event.contact.clone(),
            workflow: self.context.workflow.clone(),
            step: self.step.id.clone(),
            run: self.run,
            operation: order.operation().to_owned(),
            request: order.body(),
            quantity: order.order.quantity(),
            unit: order.order.unit().to_owned(),
            test: self.connection.test,
            estimate,
            currency: currency.clone(),
        })
    }

    /// It is in the ledger already.
    async fn resume(
        &mut self,
        order: &OrderRequest,
        purchase: Purchase,
    ) -> Result<Verdict, EngineError> {
        // Another run may have written it just now, in other words.
        let known = OrderRequest::from_action(&self.step.action, &purchase.request);
        let order = known.as_ref().unwrap_or(order);
        match purchase.state {
            PurchaseState::Confirmed => {
                let output = bought(&purchase);
                let verdict = self.skip(purchase.request, output).await?;
                self.context
                    .reload_profile(self.engine, self.connection)
                    .await?;
                Ok(verdict)
            }
            PurchaseState::Intended | PurchaseState::Refused => {
                self.send(order, &purchase, false).await
            }
            PurchaseState::Sent => {
                let sent = purchase.sent_at.unwrap_or(purchase.created_at);
                let age = self.engine.clock.now().duration_since(sent);
                // By a clock that was ahead nobody knows how old it is.
                let is_known = age >= SignedDuration::ZERO.saturating_sub(AHEAD);
                let is_here = self.connection.is_sent_here(&purchase);
                let window = self.engine.options.purchase_window;
                let really = self.engine.unanswered_for(&purchase.key).await?;
                let is_young = really.is_some_and(|really| really <= window);
                if is_here && is_known && is_young && age <= window {
                    return self.send(order, &purchase, true).await;
                }
                self.reconcile(order, &purchase).await
            }
            PurchaseState::Unknown => {
                let error = purchase.error.unwrap_or_default();
                Ok(Verdict::Held(unknown(&purchase.key, &error)))
            }
        }
    }

    /// `in_doubt`: it was sent before and not answered, so it may have been bought already.
    async fn send(
        &mut self,
        order: &OrderRequest,
        purchase: &Purchase,
        in_doubt: bool,
    ) -> Result<Verdict, EngineError> {
        let engine = self.engine;
        let key = &purchase.key;
        let account = &self.connection.ecologi_account;
        // Side by side, as the store writes down together what waits for it.
        let sent = engine
            .store
            .mark_sent(self.fence, key, account, engine.clock.now());
        tokio::try_join!(engine.note_sending(key, in_doubt), sent)?;
        let ecologi = &self.connection.ecologi;
        let answer = engine
            .order(ecologi, order, &IdempotencyKey::new(key))
            .await
            .and_then(|receipt| receipt.plausible(order, purchase.estimate));
        engine.observer.at(Boundary::AfterCall, &self.step.id);
        let error = match answer {
            Ok(receipt) => {
                let amount = receipt.amount;
                let own = &self.connection.currency;
                let told = receipt.currency.as_deref().map(str::trim);
                let told = told.filter(|told| !told.is_empty()).unwrap_or(own);
                let same = told.eq_ignore_ascii_case(own);
                let outcome = PurchaseOutcome::Confirmed {
                    // A receipt that tells only where to look: the amount is known from the price list, in its currency.
                    amount: amount.unwrap_or_else(|| self.estimate(order)),
                    currency: match amount {
                        Some(_) => told.to_ascii_uppercase(),
                        None => own.clone(),
                    },
                    url: receipt.url,
                    response: receipt.raw.clone(),
                };
                let mut output = receipt.raw;
                if self.left_out_mail(order, purchase).await?
                    && let Some(members) = output.as_object_mut()
                {
                    members.insert("note".to_owned(), LEFT_OUT.into());
                }
                engine.observer.at(Boundary::BeforeOutcome, &self.step.id);
                self.settle(key, outcome, StepState::Done, Some(output.clone()), None)
                    .await?;
                engine.observer.at(Boundary::AfterOutcome, &self.step.id);
                self.tell_bought(&output);
                engine.took_order(self.connection).await?;
                if same {
                    self.compare_price(order, amount).await?;
                } else {
                    engine.tell_other_currency(self.connection).await?;
                }
                self.context.reload_profile(engine, self.connection).await?;
                return Ok(Verdict::Done(output));
            }
            Err(error) => error,
        };
        let text = error.to_string();
        let after = error.retry_after();
        if error.outcome_unknown() {
            // Stays `sent`: the next attempt asks again under the same key.
            let step = self.outcome(StepState::Unsure, None, Some(text.clone()));
            engine
                .store
                .finish_step(self.fence, step, engine.clock.now())
                .await?;
            return Ok(Verdict::Retry { error: text, after });
        }
        if in_doubt {
            // This attempt bought nothing, but an earlier one may have: it stays `sent`, from the first sending on.
            let step = self.outcome(StepState::Unsure, None, Some(text.clone()));
            engine
                .store
                .finish_step(self.fence, step, engine.clock.now())
                .await?;
        } else {
            let refused = PurchaseOutcome::Refused {
                error: text.clone(),
            };
            self.settle(key, refused, StepState::Failed, None, Some(&text))
                .await?;
            if is_mail_refused(order, &error) {
                return Box::pin(self.buy_without_mail(order)).await;
            }
        }
        // It cannot be left out while an earlier attempt may have bought with it: the key says so within its window.
        if in_doubt && is_mail_refused(order, &error) {
            return Ok(Verdict::Retry { error: text, after });
        }
        if error.is_retryable() {
            Ok(Verdict::Retry { error: text, after })
        } else if error.refusal().as_ref().is_some_and(is_of_account) {
            self.order_refused(order, text).await
        } else {
            Ok(Verdict::Dead(text))
        }
    }

    pub(crate) async fn settle(
        &self,
        key: &str,
        outcome: PurchaseOutcome,
        state: StepState,
        output: Option<Value>,
        error: Option<&str>,
    ) -> Result<(), EngineError> {
        let step = self.outcome(state, output, error.map(str::to_owned));
        let now = self.engine.clock.now();
        self.engine
            .store
            .settle_purchase(self.fence, key, outcome, step, now)
            .await?;
        Ok(())
    }

    pub(crate) async fn hold(
        &self,
        request: Value,
        reason: String,
    ) -> Result<Verdict, EngineError> {
        self.skip_as(StepState::Failed, request, &reason).await?;
        Ok(Verdict::Held(reason))
    }

    async fn skip_as(
        &self,
        state: StepState,
        request: Value,
        error: &str,
    ) -> Result<(), EngineError> {
        let now = self.engine.clock.now();
        self.engine
            .store
            .intend_step(self.fence, self.intent(request), now)
            .await?;
        let outcome = self.outcome(state, None, Some(error.to_owned()));
        self.engine
            .store
            .finish_step(self.fence, outcome, now)
            .await?;
        Ok(())
    }
}

/// What a step asks Ecologi for, as things stand.
pub(crate) fn order(step: &Step, connection: &Connection, context: &Context) -> Wanted {
    let request = match request(step, connection, context) {
        Ok(request) => request,
        Err(error) => return Wanted::Nonsense(error),
    };
    match OrderRequest::from_action(&step.action, &request) {
        Ok(order) => Wanted::Order(order),
        Err(error @ InvalidOrder::TooLittle { .. }) => Wanted::TooLittle {
            request,
            reason: format!("{error}, so nothing is bought"),
        },
        Err(error @ (InvalidOrder::NotWhole { .. } | InvalidOrder::TooFine { .. })) => {
            Wanted::Nonsense(format!("{error}; {NAME_A_MODE}"))
        }
        Err(error) => Wanted::Nonsense(error.to_string()),
    }
}

fn request(step: &Step, connection: &Connection, context: &Context) -> Result<Value, String> {
    let mut arguments = super::arguments(step, context)?;
    // A webhook sends its numbers as texts.
    if let Some(text) = arguments.get("number").filter(|value| value.is_string())
        && let Some(number) = template::number(text)
    {
        arguments.insert("number".to_owned(), number);
    }
    if let Some(problem) = template::no_quantity(step.with.get("number"), arguments.get("number")) {
        return Err(problem);
    }
    // Whether money is spent is decided by the connection alone, never by a workflow.
    arguments.insert("test".to_owned(), Value::Bool(connection.test));
    let consent = step.consent.as_ref().or(context.consent.as_ref());
    let agreed = match consent {
        Some(condition) => canopy_mapping::consents(condition, &context.value)
            .map_err(|error| format!("\"consent\": {error}"))?,
        None => false,
    };
    if !agreed {
        arguments.retain(|name, _| !canopy_mapping::PERSONAL.contains(&name.as_str()));
    }
    Ok(Value::Object(arguments))
}

/// What later steps see of a purchase that was made before.
fn bought(purchase: &Purchase) -> Value {
    purchase
        .response
        .clone()
        .unwrap_or_else(|| json!({ "treeUrl": purchase.url, "amount": purchase.amount }))
}
