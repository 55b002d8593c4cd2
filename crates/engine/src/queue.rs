//! Purchases that wait: which of them may go, in their order, and what a person is told.

use std::collections::BTreeMap;

use canopy_store::{Alert, Cap, CapScope, Fence, NewAlert, OTHER_CURRENCY, Turn, WaitingPurchase};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::Engine;
use crate::account::ACCOUNT;
use crate::connection::{BudgetZone, Connection};
use crate::error::{EngineError, Verdict};

/// The kind of the alerts of caps.
const BUDGET: &str = "budget";
/// The kind of the alert of an account that answers in another currency.
const CURRENCY: &str = "currency";
/// Open alerts that are looked through; far more than a person would leave open.
const OPEN: u32 = 1000;
/// What waits for a person is looked at again after this time at the latest; a look at each drain frees it before.
pub(crate) const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// How long a location's zone is believed.
const ZONE: SignedDuration = SignedDuration::from_hours(24);

/// Gates of purchases that wait for a person, not for time.
pub const UNSURE_GATES: [&str; 2] = [ACCOUNT, OTHER_CURRENCY];

/// The name under which the store remembers the time zone of a connection's location.
pub fn zone_fact(connection: &str) -> String {
    format!("zone of connection {connection}")
}

/// What keeps purchases waiting, with what a person is told: kind, subject, message.
type Told = (&'static str, String, String);

impl Engine {
    /// Lets go what waits and may go now, oldest first. Nothing overtakes: what comes later and fits waits as well while
    /// something before it waits at the same cap.
    pub(crate) async fn free_waiting(
        &self,
        connection: &Connection,
        fence: &Fence,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let location = &connection.location;
        let waiting = self.store.waiting_purchases(Some(location)).await?;
        let open = self.store.alerts(true, OPEN).await?;
        let open = open.into_iter().filter(|alert| {
            alert.location == *location && [BUDGET, CURRENCY].contains(&&*alert.kind)
        });
        let open: Vec<Alert> = open.collect();
        if waiting.is_empty() && open.is_empty() {
            return Ok(());
        }
        if waiting.iter().any(|one| one.gate == ACCOUNT)
            && !self.account_is_open(connection).await.unwrap_or(false)
        {
            let slots = waiting.into_iter().map(|one| one.slot).collect();
            let until = now + LOOK_AGAIN;
            self.store
                .keep_waiting(fence, slots, ACCOUNT, until, now)
                .await?;
            return Ok(());
        }
        // Without the zone nobody knows what the caps have left; what waits goes on waiting.
        let Ok(zone) = self.budget_zone(connection).await? else {
            return Ok(());
        };
        let mut told: Vec<Told> = Vec::new();
        let mut shut: BTreeMap<String, (Timestamp, Vec<String>)> = BTreeMap::new();
        for purchase in &waiting {
            let caps = caps(connection, &purchase.workflow, now, &zone);
            if let Some((gate, _)) = first_shut(&shut, &caps, purchase, connection) {
                if let Some((_, slots)) = shut.get_mut(&gate) {
                    slots.push(purchase.slot.clone());
                }
                continue;
            }
            let until = now + LOOK_AGAIN;
            let (slot, currency) = (&purchase.slot, &connection.currency);
            let turn = self
                .store
                .free_purchase(fence, slot, currency, caps, until, now)
                .await?;
            match turn {
                Turn::Goes => {}
                Turn::OtherCurrency { currency } => {
                    told.push(other_currency(connection, &currency));
                    // Whatever waits, waits for this.
                    break;
                }
                Turn::OverCap { cap, .. } => {
                    let gate = subject(&cap, purchase, connection);
                    if purchase.estimate > cap.limit {
                        told.push(too_dear(connection, &cap, &gate, purchase));
                    } else {
                        told.push(at_cap(connection, &cap, &gate));
                        shut.insert(gate, (cap.until, Vec::new()));
                    }
                }
            }
        }
        for (gate, (until, slots)) in shut {
            if !slots.is_empty() {
                self.store
                    .keep_waiting(fence, slots, &gate, until, now)
                    .await?;
            }
        }
        self.tell(location, &open, told, now).await
    }

    /// Alerts say what holds now, once; what is over is resolved.
    async fn tell(
        &self,
        location: &str,
        open: &[Alert],
        told: Vec<Told>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        for alert in open {
            let stays = told
                .iter()
                .any(|(kind, subject, _)| alert.kind == *kind && alert.subject == *subject);
            if !stays {
                self.store
                    .resolve_alert(location, &alert.kind, &alert.subject, now)
                    .await?;
            }
        }
        for (kind, subject, message) in told {
            let known = open
                .iter()
                .any(|alert| alert.kind == kind && alert.message == message);
            if !known {
                let alert = NewAlert {
                    location: location.to_owned(),
                    kind: kind.to_owned(),
                    subject,
                    message,
                };
                self.store.raise_alert(alert, now).await?;
            }
        }
        Ok(())
    }

    /// The caps in force for a workflow of a connection. The inner error: it is not known where their days begin.
    pub(crate) async fn caps_of(
        &self,
        connection: &Connection,
        workflow: &str,
    ) -> Result<Result<Vec<Cap>, Verdict>, EngineError> {
        if connection.test || connection.budget.is_none() {
            return Ok(Ok(Vec::new()));
        }
        let zone = self.budget_zone(connection).await?;
        Ok(zone.map(|zone| caps(connection, workflow, self.clock.now(), &zone)))
    }

    /// Where the days of the caps begin: also the location's, as it was read last.
    async fn budget_zone(
        &self,
        connection: &Connection,
    ) -> Result<Result<TimeZone, Verdict>, EngineError> {
        match connection.budget.as_ref().map(|budget| &budget.zone) {
            None | Some(BudgetZone::Utc) => return Ok(Ok(TimeZone::UTC)),
            Some(BudgetZone::Named(zone)) => return Ok(Ok(zone.clone())),
            Some(BudgetZone::Location) => {}
        }
        let now = self.clock.now();
        let name = zone_fact(&connection.id);
        let known = self.store.fact(&name).await?;
        let zone_of = |value: &Value| TimeZone::get(value.as_str()?).ok();
        if let Some((value, at)) = &known
            && now.duration_since(*at).abs() < ZONE
            && let Some(zone) = zone_of(value)
        {
            return Ok(Ok(zone));
        }
        let error = match self.zone(connection).await {
            Ok(Ok(zone)) => {
                if let Some(iana) = zone.iana_name() {
                    self.store.put_fact(&name, json!(iana), now).await?;
                }
                return Ok(Ok(zone));
            }
            Ok(Err(error)) => error,
            Err(error) => error.to_string(),
        };
        Ok(match known.and_then(|(value, _)| zone_of(&value)) {
            Some(zone) => Ok(zone),
            None => Err(Verdict::Retry {
                error: format!(
                    "the caps' days are to begin in the location's time zone, which is not known: {error}; or write [connection.budget] timezone = \"Europe/London\""
                ),
                after: None,
            }),
        })
    }
}

fn caps(connection: &Connection, workflow: &str, now: Timestamp, zone: &TimeZone) -> Vec<Cap> {
    match &connection.budget {
        Some(budget) if !connection.test => budget.caps(workflow, now, zone),
        _ => Vec::new(),
    }
}

fn subject(cap: &Cap, purchase: &WaitingPurchase, connection: &Connection) -> String {
    let contact = purchase.contact.as_deref();
    cap.subject(&purchase.workflow, contact, &connection.currency)
}

/// The first of these caps at which an earlier purchase waits.
fn first_shut(
    shut: &BTreeMap<String, (Timestamp, Vec<String>)>,
    caps: &[Cap],
    purchase: &WaitingPurchase,
    connection: &Connection,
) -> Option<(String, CapScope)> {
    caps.iter().find_map(|cap| {
        let gate = subject(cap, purchase, connection);
        shut.contains_key(&gate).then_some((gate, cap.scope))
    })
}

fn at_cap(connection: &Connection, cap: &Cap, gate: &str) -> Told {
    let message = format!(
        "the cap of {} {} {gate} is reached; purchases wait until {}, or longer if other caps are reached. `canopy budget` shows them; raise the cap in the configuration to have them go on, in their order",
        cap.limit, connection.currency, cap.until
    );
    (BUDGET, gate.to_owned(), message)
}

fn too_dear(connection: &Connection, cap: &Cap, gate: &str, purchase: &WaitingPurchase) -> Told {
    let message = format!(
        "a purchase of {} {} would cost {} {currency}, which is above the whole cap of {} {currency} {gate}: it waits until the cap is raised, and keeps nothing else waiting (run {})",
        purchase.quantity.normalize(),
        purchase.unit,
        purchase.estimate.normalize(),
        cap.limit,
        purchase.run,
        currency = connection.currency,
    );
    (BUDGET, format!("{gate}: run {}", purchase.run), message)
}

fn other_currency(connection: &Connection, currency: &str) -> Told {
    let message = format!(
        "the Ecologi account of connection {} was charged in {currency}, and the configuration says {}: real purchases wait, because caps in one currency say nothing of the other; write ecologi.currency = \"{currency}\" with caps and prices in it",
        connection.id, connection.currency
    );
    (CURRENCY, connection.id.clone(), message)
}
