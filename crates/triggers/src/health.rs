//! Whether webhooks arrive: how addresses fare by the vendor's measure, whether signatures fit, and whether it is silent.
//!
//! The vendor judges each address by its last three days, once more than 10,000 deliveries came: below 90 % success it
//! warns, and then stops delivering until a person switches the events on again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use canopy_store::{
    DeliveryCount, Missed, Part, PartReport, PartState, Reports, Store, StoreError,
    UNKNOWN_LOCATION,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Serialize, Serializer};

use crate::missed::missed_since;
use crate::tally::slot_of;

/// The vendor's measure.
const JUDGED_OVER: SignedDuration = SignedDuration::from_hours(72);
const JUDGED_FROM: u64 = 10_000;
const PAUSED_BELOW: u64 = 90;
/// Ours: a person should know while there is time. Few deliveries say nothing.
const ALARM_BELOW: u64 = 98;
const ALARM_FROM: u64 = 20;
/// A delivery is tried for some minutes only, so a new key has to be noticed within these.
const KEY_WINDOW: SignedDuration = SignedDuration::from_mins(20);
const FORGED_FROM: u64 = 3;
const UNSIGNED_FROM: u64 = 10;
/// As soon as one in so many does not fit.
const FORGED_SHARE: u64 = 10;
/// Windows in which so many changes of a kind were found by polls alone.
const SILENT: [(SignedDuration, u64); 2] = [
    (SignedDuration::from_hours(1), 10),
    (SignedDuration::from_hours(6), 3),
];
/// A kind of which no webhook told for so long is one for which none is subscribed.
const SUBSCRIBED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Begins the addresses of workflows' own webhooks. The vendor judges none of them, and sends none of their calls again.
pub(crate) const HOOKS: &str = "/webhooks/workflow/";
/// So many calls in a row with a wrong secret are told.
const REFUSED_FROM: u64 = 2;
/// The look at polls costs more than that at figures.
const LISTEN_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// The watch is asked to look so often.
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How an address fared over the last three days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddressHealth {
    /// The path, e.g. `/webhooks/highlevel`; `.../*` for names that are no event's.
    pub address: String,
    /// Those that are HighLevel's: with a signature that fits.
    pub deliveries: u64,
    /// Answered with 2xx.
    pub succeeded: u64,
    /// The share of these in per cent, to a tenth, rounded down.
    #[serde(serialize_with = "as_number")]
    pub percent: Decimal,
    pub duplicates: u64,
    /// Kept aside: of other locations, too old, or not to be read.
    pub useless: u64,
    /// With a signature that does not fit, or not there as a whole; these do not count, because anybody can send them.
    pub forged: u64,
    /// Not to be stored at the moment, or more than could be worked on in time.
    pub failed: u64,
    /// Without a signature; these do not count.
    pub unsigned: u64,
    /// So many deliveries are missing before the vendor judges the address; 0: it is judged.
    pub until_judged: u64,
    /// So many more may fail now before it would be paused.
    pub failures_left: u64,
}

fn as_number<S: Serializer>(share: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(share.to_f64().unwrap_or_default())
}

impl AddressHealth {
    fn of(sum: DeliveryCount) -> Self {
        let (deliveries, succeeded) = (sum.all(), sum.succeeded());
        let tenths = (succeeded * 1000).checked_div(deliveries).unwrap_or(1000);
        // With so many more failures the share is still 90 %, or the address still not judged.
        let until_pause = (succeeded * 100 / PAUSED_BELOW).saturating_sub(deliveries);
        let until_judged = JUDGED_FROM.saturating_sub(deliveries);
        Self {
            address: sum.address,
            deliveries,
            succeeded,
            percent: Decimal::new(i64::try_from(tenths).unwrap_or(1000), 1).normalize(),
            duplicates: sum.duplicate,
            useless: sum.useless,
            forged: sum.forged,
            failed: sum.failed,
            unsigned: sum.unsigned,
            until_judged,
            failures_left: until_pause.max(until_judged),
        }
    }
}

/// How each address to which anything came fared over the last three days.
pub async fn address_health(
    store: &dyn Store,
    now: Timestamp,
) -> Result<Vec<AddressHealth>, StoreError> {
    health_with(store, Vec::new(), now).await
}

/// The same with figures that are not in the store yet.
pub(crate) async fn health_with(
    store: &dyn Store,
    waiting: Vec<DeliveryCount>,
    now: Timestamp,
) -> Result<Vec<AddressHealth>, StoreError> {
    let mut counts = store.delivery_counts(slot_of(now - JUDGED_OVER)).await?;
    counts.extend(waiting);
    counts.retain(|count| !count.address.starts_with(HOOKS));
    Ok(sums(counts).into_values().map(AddressHealth::of).collect())
}

fn sums(counts: Vec<DeliveryCount>) -> BTreeMap<String, DeliveryCount> {
    let mut sums = BTreeMap::<String, DeliveryCount>::new();
    for count in counts {
        match sums.get_mut(&count.address) {
            Some(sum) => sum.add(&count),
            None => {
                sums.insert(count.address.clone(), count);
            }
        }
    }
    sums
}

/// Tells a person when webhooks fail or fall silent, and takes it back when they are well again.
#[derive(Debug)]
pub struct Watch {
    store: Arc<dyn Store>,
    /// Where alerts about addresses belong, which serve all locations.
    place: String,
    listened: Option<Timestamp>,
    reports: Reports,
    /// Addresses to which anything came lately.
    kept: BTreeSet<String>,
}

impl Watch {
    pub fn new(store: Arc<dyn Store>, locations: &[String]) -> Self {
        let place = match locations {
            [only] => only.clone(),
            _ => UNKNOWN_LOCATION.to_owned(),
        };
        Self {
            store,
            place,
            listened: None,
            reports: Reports::default(),
            kept: BTreeSet::new(),
        }
    }

    /// Looks once.
    pub async fn look(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let counts = self
            .store
            .delivery_counts(slot_of(now - JUDGED_OVER))
            .await?;
        let addresses: BTreeSet<_> = counts.iter().map(|count| count.address.clone()).collect();
        if addresses != self.kept {
            // Of one to which nothing came for three days nothing is known any more.
            for part in [Part::WebhookRate, Part::WebhookSignatures] {
                let names = addresses.iter().cloned().collect();
                self.store.keep_parts(&self.place, part, names, now).await?;
            }
            self.kept = addresses;
        }
        let (hooks, counts): (Vec<_>, Vec<_>) = counts
            .into_iter()
            .partition(|count| count.address.starts_with(HOOKS));
        let recent: Vec<_> = counts
            .iter()
            .filter(|count| count.slot >= slot_of(now - KEY_WINDOW))
            .cloned()
            .collect();
        let next = now + LOOK_EVERY;
        let mut found = Vec::new();
        let all = rates(sums(counts)).into_iter().chain(keys(sums(recent)));
        for one in all.chain(secrets(hooks)) {
            found.extend(one.report(&self.place, next));
        }
        let is_due = self
            .listened
            .is_none_or(|at| now.duration_since(at).abs() >= LISTEN_EVERY);
        if is_due {
            self.listened = Some(now);
            let told = missed_since(&*self.store, now - SUBSCRIBED, now).await?;
            let mut windows = Vec::new();
            for (window, least) in SILENT {
                windows.push((missed_since(&*self.store, now - window, now).await?, least));
            }
            for (location, one) in silences(&told, &windows) {
                found.extend(one.report(&location, now + LISTEN_EVERY));
            }
        }
        let news = self.reports.news(found, now);
        self.store.report_health(news, now).await
    }
}

/// What a look found of a part.
struct Found {
    part: Part,
    name: String,
    trouble: Trouble,
}

enum Trouble {
    Yes {
        cause: String,
        remedy: String,
    },
    Over,
    /// Nothing came that would tell.
    Unclear,
}

impl Found {
    fn report(self, location: &str, next: Timestamp) -> Option<PartReport> {
        let state = match self.trouble {
            // It has been counted over a time.
            Trouble::Yes { cause, remedy } => PartState::Failing {
                cause,
                remedy,
                at_once: true,
            },
            Trouble::Over => PartState::Good,
            Trouble::Unclear => return None,
        };
        Some(PartReport {
            location: location.to_owned(),
            part: self.part,
            name: self.name,
            state,
            next_try: Some(next),
        })
    }
}

fn rates(sums: BTreeMap<String, DeliveryCount>) -> Vec<Found> {
    let all = sums.into_values().map(AddressHealth::of);
    all.map(|health| {
        let is_low = health.succeeded * 100 < health.deliveries * ALARM_BELOW;
        let trouble = if is_low && health.deliveries >= ALARM_FROM {
            Trouble::Yes {
                cause: format!(
                    "fewer than {ALARM_BELOW} % of the deliveries to {} over three days went well ({} %: {} could not be stored)",
                    health.address, health.percent, health.failed
                ),
                remedy: format!(
                    "below {PAUSED_BELOW} % of more than {JUDGED_FROM} HighLevel stops delivering until the events are switched on again in its developer dashboard; `canopy status` shows how many may still fail"
                ),
            }
        } else {
            Trouble::Over
        };
        Found {
            part: Part::WebhookRate,
            name: health.address,
            trouble,
        }
    })
    .collect()
}

fn keys(recent: BTreeMap<String, DeliveryCount>) -> Vec<Found> {
    let all = recent.into_values();
    all.map(|sum| {
        let is_high = sum.forged * FORGED_SHARE > sum.signed();
        let trouble = match (is_high, sum.succeeded()) {
            (true, _) if sum.forged >= FORGED_FROM => Trouble::Yes {
                cause: format!(
                    "the signatures of {} of {} deliveries to {} within half an hour do not fit, or they broke off, were too slow or too many to be read",
                    sum.forged,
                    sum.signed(),
                    sum.address
                ),
                remedy: "if HighLevel signs with a new key, add it to [webhooks] public_keys at once, for it tries each delivery for some minutes only and stops for an address at which too many fail (else somebody else sends here, or a proxy changes the bodies)".to_owned(),
            },
            // Strangers send one or two; so many, and none that is signed, came through something that drops the header.
            (_, 0) if sum.unsigned >= UNSIGNED_FROM && sum.forged == 0 && !sum.address.ends_with('*') => {
                Trouble::Yes {
                    cause: format!(
                        "{} deliveries to {} within half an hour came without a signature, and none with one: they are refused",
                        sum.unsigned, sum.address
                    ),
                    remedy: "see that the proxy in front passes the header X-GHL-Signature on; HighLevel tries each delivery for some minutes only (else strangers send here)".to_owned(),
                }
            }
            (false, 1..) => Trouble::Over,
            _ => Trouble::Unclear,
        };
        Found {
            part: Part::WebhookSignatures,
            name: sum.address,
            trouble,
        }
    })
    .collect()
}

/// Calls of workflows' webhooks with a wrong secret, since the last that was taken. They are lost: nothing sends them again.
/// `counts`: of one address after another, the oldest first.
fn secrets(counts: Vec<DeliveryCount>) -> Vec<Found> {
    let mut since = BTreeMap::<String, (u64, bool)>::new();
    for count in counts {
        let (refused, taken) = since.entry(count.address.clone()).or_default();
        // Which came last within these ten minutes is not known.
        if count.succeeded() > 0 {
            (*refused, *taken) = (0, true);
        } else {
            *refused += count.forged;
        }
    }
    since.retain(|address, _| !address.ends_with('*'));
    let found = since.into_iter().map(|(name, (refused, taken))| Found {
        part: Part::WebhookSignatures,
        trouble: match (refused, taken) {
            (REFUSED_FROM.., _) => Trouble::Yes {
                cause: format!("{refused} calls of {name} came with a wrong secret, and none with the right one since: they are lost"),
                remedy: "compare the header and its secret in the webhook action of HighLevel's workflow with [[webhooks.workflow]]; HighLevel sends these calls once only".to_owned(),
            },
            (0, true) => Trouble::Over,
            _ => Trouble::Unclear,
        },
        name,
    });
    found.collect()
}

/// Kinds of which webhooks told within the last days and now tell nothing, although polls find changes.
fn silences(told: &[Missed], windows: &[(Vec<Missed>, u64)]) -> Vec<(String, Found)> {
    let known = told.iter().filter(|row| row.missed < row.events);
    known
        .map(|row| {
            let mut trouble = Trouble::Unclear;
            for (rows, least) in windows {
                let mut rows = rows.iter();
                let now = rows.find(|one| one.location == row.location && one.kind == row.kind);
                match now {
                    Some(now) if now.missed == now.events && now.events >= *least => {
                        trouble = Trouble::Yes {
                            cause: format!(
                                "webhooks used to tell of {} and are silent: polls alone found the last {}",
                                row.kind, now.events
                            ),
                            remedy: "look into HighLevel's developer dashboard whether deliveries were paused or the event is still subscribed, and whether the address can be reached".to_owned(),
                        };
                        break;
                    }
                    // The shorter window says more of the present.
                    Some(now) if now.missed < now.events => {
                        trouble = Trouble::Over;
                        break;
                    }
                    _ => {}
                }
            }
            let found = Found {
                part: Part::WebhookSilence,
                name: row.kind.clone(),
                trouble,
            };
            (row.location.clone(), found)
        })
        .collect()
}
