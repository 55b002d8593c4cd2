//! Purchases that wait: which of them may go, in their order, and what a person is told.

use std::collections::BTreeMap;
use std::sync::Arc;

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

/// Where purchases are freed, and what was found there.
struct Place {
    connection: Arc<Connection>,
    fence: Fence,
    /// `None`: nothing is known of what is freed here.
    zone: Option<TimeZone>,
    /// Whatever waits here, waits for the currency.
    shut: bool,
    told: Vec<Told>,
}

/// A cap at which purchases wait: those of one location, or of all that share it.
type Gate = (Option<String>, String);

/// What waits behind others at a cap.
struct Shut {
    until: Timestamp,
    /// Location and slot.
    behind: Vec<(String, String)>,
}

impl Engine {
    /// Lets go what waits and may go now, in the order in which things happened. Nothing overtakes: what comes later and
    /// fits waits as well while something before it waits at the same cap. Connections that share a cap are looked at
    /// together.
    pub(crate) async fn free_waiting(
        &self,
        connection: &Arc<Connection>,
        fence: &Fence,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let all_open = self.store.alerts(true, OPEN).await?;
        let all_waiting = self.store.waiting_purchases(None).await?;
        let is_told = all_open
            .iter()
            .any(|alert| alert.location == connection.location && is_of_caps(alert));
        let is_own = |one: &WaitingPurchase| one.location == connection.location;
        if !all_waiting.iter().any(is_own) && !is_told {
            return Ok(());
        }
        // One at a time: what is freed by one look counts at the next.
        let _alone = self.freeing.lock().await;
        let mut places = vec![
            self.place(connection, fence.clone(), &all_waiting, now)
                .await?,
        ];
        for other in self.sharing(connection) {
            // Another process may work there.
            if let Some(fence) = self.lease(&other.location).await? {
                places.push(self.place(other, fence, &all_waiting, now).await?);
            }
        }
        let waiting = self.store.waiting_purchases(None).await?;
        let mut shut: BTreeMap<Gate, Shut> = BTreeMap::new();
        for purchase in &waiting {
            let mut places = places.iter_mut();
            let place = places.find(|place| place.connection.location == purchase.location);
            if let Some(place) = place {
                self.free_one(place, purchase, &mut shut, now).await?;
            }
        }
        for ((_, gate), shut) in shut {
            for place in &places {
                let behind = shut.behind.iter();
                let own = behind.filter(|(location, _)| *location == place.connection.location);
                let slots: Vec<_> = own.map(|(_, slot)| slot.clone()).collect();
                if !slots.is_empty() {
                    self.store
                        .keep_waiting(&place.fence, slots, &gate, shut.until, now)
                        .await?;
                }
            }
        }
        for place in places.into_iter().filter(|place| place.zone.is_some()) {
            let location = &place.connection.location;
            let open = all_open.iter();
            let open = open.filter(|alert| alert.location == *location && is_of_caps(alert));
            let open: Vec<Alert> = open.cloned().collect();
            self.tell(location, &open, place.told, now).await?;
        }
        Ok(())
    }

    /// The other connections with which caps are shared.
    fn sharing<'a>(&'a self, own: &'a Connection) -> impl Iterator<Item = &'a Arc<Connection>> {
        let shares = |one: &Connection| {
            let all = one.budget.as_ref().map(|budget| budget.all);
            !one.test && all.is_some_and(|all| all.per_day.is_some() || all.per_month.is_some())
        };
        self.connections.values().filter(move |other| {
            shares(own)
                && shares(other)
                && other.currency == own.currency
                && other.location != own.location
        })
    }

    /// Looks whether purchases of a connection may be freed at all.
    async fn place(
        &self,
        connection: &Arc<Connection>,
        fence: Fence,
        waiting: &[WaitingPurchase],
        now: Timestamp,
    ) -> Result<Place, EngineError> {
        let mut place = Place {
            connection: Arc::clone(connection),
            fence,
            zone: None,
            shut: false,
            told: Vec::new(),
        };
        let own = waiting
            .iter()
            .filter(|one| one.location == connection.location);
        if own.clone().any(|one| one.gate == ACCOUNT)
            && !self.account_is_open(connection).await.unwrap_or(false)
        {
            let slots = own.map(|one| one.slot.clone()).collect();
            let until = now + LOOK_AGAIN;
            self.store
                .keep_waiting(&place.fence, slots, ACCOUNT, until, now)
                .await?;
            return Ok(place);
        }
        // Without the zone nobody knows what the caps have left; what waits goes on waiting.
        place.zone = self.budget_zone(connection).await?.ok();
        // Told as long as it is so, whether or not anything waits.
        place.told.extend(self.other_currency(connection).await?);
        Ok(place)
    }

    /// What a person is told of an account that charged in another currency than the configured one.
    async fn other_currency(&self, connection: &Connection) -> Result<Option<Told>, EngineError> {
        if connection.test {
            return Ok(None);
        }
        let (id, own) = (&connection.id, &connection.currency);
        let other = self.store.other_currency(id, own).await?;
        Ok(other.map(|other| other_currency(connection, &other)))
    }

    /// At the first receipt that shows it, not when the next purchase is wanted.
    pub(crate) async fn tell_other_currency(
        &self,
        connection: &Connection,
    ) -> Result<(), EngineError> {
        if let Some(told) = self.other_currency(connection).await? {
            let now = self.clock.now();
            self.tell(&connection.location, &[], vec![told], now)
                .await?;
        }
        Ok(())
    }

    async fn free_one(
        &self,
        place: &mut Place,
        purchase: &WaitingPurchase,
        shut: &mut BTreeMap<Gate, Shut>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let Some(zone) = place.zone.as_ref().filter(|_| !place.shut) else {
            return Ok(());
        };
        let connection = &place.connection;
        let caps = caps(connection, &purchase.workflow, now, zone);
        for cap in &caps {
            let gate = gate_of(cap, purchase, connection);
            if let Some(first) = shut.get_mut(&gate) {
                let behind = (purchase.location.clone(), purchase.slot.clone());
                first.behind.push(behind);
                let told = at_cap(connection, cap, &gate.1);
                if !place.told.contains(&told) {
                    place.told.push(told);
                }
                return Ok(());
            }
        }
        let until = now + LOOK_AGAIN;
        let (slot, currency) = (&purchase.slot, &connection.currency);
        let turn = self
            .store
            .free_purchase(&place.fence, slot, currency, caps, until, now)
            .await?;
        match turn {
            Turn::Goes => {}
            Turn::OtherCurrency { currency } => {
                let told = other_currency(connection, &currency);
                if !place.told.contains(&told) {
                    place.told.push(told);
                }
                place.shut = true;
            }
            Turn::OverCap { cap, .. } => {
                let gate = gate_of(&cap, purchase, connection);
                if purchase.estimate > cap.limit {
                    let told = too_dear(connection, &cap, &gate.1, purchase);
                    place.told.push(told);
                } else {
                    place.told.push(at_cap(connection, &cap, &gate.1));
                    let until = cap.until;
                    let behind = Vec::new();
                    shut.entry(gate).or_insert(Shut { until, behind });
                }
            }
        }
        Ok(())
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

fn gate_of(cap: &Cap, purchase: &WaitingPurchase, connection: &Connection) -> Gate {
    let contact = purchase.contact.as_deref();
    let subject = cap.subject(&purchase.workflow, contact, &connection.currency);
    let location = (cap.scope != CapScope::All).then(|| purchase.location.clone());
    (location, subject)
}

fn is_of_caps(alert: &Alert) -> bool {
    [BUDGET, CURRENCY].contains(&&*alert.kind)
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
