//! Ecologi's accounts against the ledger: a store that is older than the account must buy nothing twice.

mod compare;
mod copied;
mod fares;
mod gate;
mod nameless;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use canopy_ecologi::{Client, Totals};
use canopy_store::clock::Clock;
use canopy_store::{Bought, NewAlert, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use compare::{Agreed, Booked, Compared, Reported};
pub use copied::Copied;
pub(crate) use gate::Gate;

/// Kind of the alert that an account has more than the ledger explains, and gate of the purchases that wait for it.
pub const ACCOUNT: &str = "account";

/// The kinds of figures, with the ledger's unit and how many of it make one of Ecologi's.
const KINDS: [(&str, &str, i64); 4] = [
    ("trees", "trees", 1),
    ("carbon", "kg_co2e", 1000),
    ("removal", "kg_co2e_removed", 1000),
    ("habitat", "m2", 1),
];

/// An Ecologi account, and whose purchases are made there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Address of the API and user name.
    pub base: String,
    pub user: String,
    /// Ids of its connections.
    pub connections: Vec<String>,
    /// Ids of configured connections whose account is another one. Purchases of all others may have been made here.
    pub others: Vec<String>,
    /// Every configured connection buys here.
    pub only: bool,
    /// What the active workflows buy here, by the ledger's units.
    pub units: Vec<&'static str>,
}

/// What is remembered of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// By kind.
    pub agreed: BTreeMap<String, Agreed>,
    /// How much more the account has than the ledger explains, by kind: real purchases wait while there is any.
    pub more: BTreeMap<String, Decimal>,
}

/// One kind, as it was compared.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub kind: &'static str,
    pub reported: Reported,
    pub booked: Booked,
    /// Bought elsewhere, as agreed, with what was pending then.
    pub elsewhere: Decimal,
    #[serde(skip)]
    pub compared: Compared,
}

/// Why a comparison was not possible.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error("Ecologi's figures of {user} could not be read: {error}")]
    Figures {
        user: String,
        error: canopy_ecologi::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Account {
    /// The name under which the store remembers it.
    pub fn fact(&self) -> String {
        format!("account {} of {}", self.user, self.base)
    }

    /// What the store remembers of it; `None`: it was never compared.
    pub async fn remembered(&self, store: &dyn Store) -> Result<Option<Remembered>, StoreError> {
        let fact = store.fact(&self.fact()).await?;
        Ok(fact.and_then(|(value, _)| serde_json::from_value(value).ok()))
    }

    async fn remember(
        &self,
        store: &dyn Store,
        remembered: &Remembered,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        store.put_fact(&self.fact(), json!(remembered), now).await
    }

    /// What the account reports and the ledger says, kind by kind; kinds that are not reported are left out.
    async fn read(
        &self,
        store: &dyn Store,
        client: &Client,
        delay: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, Reported, Booked)>, CompareError> {
        let impact = client.impact(&self.user).await;
        let impact = impact.map_err(|error| CompareError::Figures {
            user: self.user.clone(),
            error,
        })?;
        // After the report: what that shows is in the ledger by now, unanswered at least.
        let bought = store.bought(now - delay).await?;
        let mut all = Vec::new();
        for (kind, unit, each) in KINDS {
            let pick = |totals: &Totals| match kind {
                "trees" => totals.trees,
                "carbon" => totals.carbon_offset,
                "removal" => totals.carbon_removal,
                _ => totals.habitat_restoration,
            };
            let (total, pending) = (pick(&impact.done), pick(&impact.pending));
            if total.is_none() && pending.is_none() {
                continue;
            }
            let reported = Reported {
                total: total.unwrap_or_default(),
                pending: pending.unwrap_or_default(),
            };
            all.push((kind, reported, self.booked(&bought, unit, each)));
        }
        Ok(all)
    }

    fn booked(&self, bought: &[Bought], unit: &str, each: i64) -> Booked {
        let mut booked = Booked::default();
        for one in bought.iter().filter(|one| one.unit == unit) {
            // The only account has all that was ever bought, whatever its connections were called then.
            if self.only || self.connections.contains(&one.connection) {
                booked.confirmed += one.confirmed;
                booked.open += one.open;
                booked.recent += one.recent;
            } else if !self.others.contains(&one.connection) {
                booked.open += one.confirmed + one.open;
            }
        }
        let each = Decimal::from(each);
        Booked {
            confirmed: booked.confirmed / each,
            open: booked.open / each,
            recent: booked.recent / each,
        }
    }

    /// Compares ledger and account, remembers what agrees, and tells a person what does not. The first comparison takes
    /// what the account has beside the ledger for bought elsewhere, but on a store that may have forgotten purchases: there
    /// nothing was. `true`: purchases may be made.
    pub async fn compare(
        &self,
        store: &dyn Store,
        client: &Client,
        delay: SignedDuration,
        clock: &dyn Clock,
    ) -> Result<(bool, Vec<Line>), CompareError> {
        let now = clock.now();
        let copied = Copied::of(store).await?;
        let copied = copied.filter(|copied| copied.holds(&self.fact()));
        let figures = self.read(store, client, delay, now).await?;
        let mut remembered = self.remembered(store).await?.unwrap_or_default();
        let mut lines = Vec::new();
        remembered.more.clear();
        for (kind, reported, booked) in figures {
            let known = remembered.agreed.get(kind);
            let is_rough = !known.is_some_and(|agreed| agreed.settled);
            let first = if copied.is_some() && is_rough {
                remembered.agreed.remove(kind);
                Agreed::nothing_elsewhere(reported)
            } else {
                Agreed::on(reported, booked)
            };
            let agreed = remembered.agreed.entry(kind.to_owned()).or_insert(first);
            if copied.is_some() {
                *agreed = agreed.of_copy();
            }
            let compared = agreed.compare(reported, booked);
            match compared {
                Compared::Agrees => *agreed = agreed.again(reported, booked),
                Compared::More(more) => {
                    remembered.more.insert(kind.to_owned(), more);
                }
                Compared::Less(_) => {}
            }
            lines.push(line(kind, reported, booked, agreed, compared));
        }
        self.remember(store, &remembered, now).await?;
        let agrees = remembered.more.is_empty();
        let waits = match copied {
            Some(copied) if agrees => {
                let untold = self.untold(store, &lines).await?;
                self.waits(store, copied, &untold, (delay, clock)).await?
            }
            _ => None,
        };
        let is_open = agrees && waits.is_none();
        self.tell(store, waits, &lines, now).await?;
        Ok((is_open, lines))
    }

    /// Why the purchases of a copy wait although nothing differs; `None`: they wait no more.
    async fn waits(
        &self,
        store: &dyn Store,
        mut copied: Copied,
        untold: &[&str],
        (delay, clock): (SignedDuration, &dyn Clock),
    ) -> Result<Option<String>, StoreError> {
        let now = clock.now();
        let left = copied.left(store, delay, clock).await?;
        let until = if !untold.is_empty() {
            format!(
                "for your word, because Ecologi's report of the account has no figure of what is bought here ({})",
                untold.join(", ")
            )
        } else if left.is_positive() {
            format!(
                "until {:.0}: from then on Ecologi's totals can tell, and where they agree with the ledger purchases go on by themselves",
                copied.due(left, (delay, now))
            )
        } else {
            copied.settle(store, &self.fact(), now).await?;
            return Ok(None);
        };
        let whose = format!("of account {}", self.user);
        Ok(Some(copied.told(&whose, &until)))
    }

    /// What is bought here, or was, and does not show in the report.
    async fn untold(
        &self,
        store: &dyn Store,
        lines: &[Line],
    ) -> Result<Vec<&'static str>, StoreError> {
        let bought = store.bought(Timestamp::MIN).await?;
        let is_bought = |unit: &'static str| {
            let mut booked = bought.iter().filter(|one| one.unit == unit);
            self.units.contains(&unit) || booked.any(|one| !self.others.contains(&one.connection))
        };
        let kinds = KINDS.iter().filter(|(kind, unit, _)| {
            is_bought(unit) && !lines.iter().any(|line| line.kind == *kind)
        });
        Ok(kinds.map(|(kind, ..)| *kind).collect())
    }

    /// In test mode, as long as nothing was really bought: what the account has was bought elsewhere. So a copy of the store
    /// that was made before going live tells later what it has forgotten.
    pub async fn agree_in_test(
        &self,
        store: &dyn Store,
        client: &Client,
        delay: SignedDuration,
        now: Timestamp,
    ) -> Result<(), CompareError> {
        let copied = Copied::of(store).await?;
        if copied.is_some_and(|copied| copied.holds(&self.fact())) {
            return Ok(());
        }
        let figures = self.read(store, client, delay, now).await?;
        let nothing = Booked::default();
        if figures.iter().any(|(_, _, booked)| *booked != nothing) {
            return Ok(());
        }
        let agreed = figures
            .into_iter()
            .map(|(kind, reported, booked)| (kind.to_owned(), Agreed::on(reported, booked)));
        let remembered = Remembered {
            agreed: agreed.collect(),
            more: BTreeMap::new(),
        };
        self.remember(store, &remembered, now).await?;
        Ok(())
    }

    /// A person's word: what the account has beside the ledger was bought elsewhere.
    pub async fn acknowledge(
        &self,
        store: &dyn Store,
        client: &Client,
        delay: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<Line>, CompareError> {
        let figures = self.read(store, client, delay, now).await?;
        let mut remembered = Remembered::default();
        let mut lines = Vec::new();
        for (kind, reported, booked) in figures {
            let agreed = Agreed::by_word(reported, booked);
            lines.push(line(kind, reported, booked, &agreed, Compared::Agrees));
            remembered.agreed.insert(kind.to_owned(), agreed);
        }
        self.remember(store, &remembered, now).await?;
        if let Some(copied) = Copied::of(store).await? {
            copied.settle(store, &self.fact(), now).await?;
        }
        self.tell(store, None, &lines, now).await?;
        Ok(lines)
    }

    /// Tells a person what differs, or else why purchases wait all the same; or that all is well.
    async fn tell(
        &self,
        store: &dyn Store,
        waits: Option<String>,
        lines: &[Line],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // It belongs to an account, so to no location.
        let place = ("", &*self.user);
        let more = lines.iter();
        if more
            .filter(|line| matches!(line.compared, Compared::More(_)))
            .count()
            == 0
        {
            return match waits {
                Some(message) => tell_once(store, place, message, now).await,
                None => store
                    .resolve_alert("", ACCOUNT, &self.user, now)
                    .await
                    .map(drop),
            };
        }
        let mut message = format!(
            "Ecologi's account {} has more than the ledger can explain:",
            self.user
        );
        for line in lines {
            if let Compared::More(more) = line.compared {
                let _ = write!(
                    message,
                    " {} {} ({} reported and {} pending, {} in the ledger, {} unanswered, {} elsewhere before);",
                    more.normalize(),
                    line.kind,
                    line.reported.total.normalize(),
                    line.reported.pending.normalize(),
                    line.booked.confirmed.normalize(),
                    line.booked.open.normalize(),
                    line.elsewhere.normalize(),
                );
            }
        }
        message.push_str(
            " real purchases wait. Either it was bought elsewhere (Ecologi's website, another program): `canopy ledger acknowledge`. Or this store is an older copy that has forgotten them: put the newer store back, or `canopy ledger import FILE` what the newer one exported, and settle single ones with `canopy purchase resolve`",
        );
        tell_once(store, place, message, now).await
    }

    /// Whether the account's report shows that an unanswered purchase was not made; its last sending is older than the
    /// report's delay. `None`: not now, because others were confirmed too lately for the report.
    pub(crate) async fn shows_not_made(
        &self,
        store: &dyn Store,
        client: &Client,
        (unit, quantity): (&str, Decimal),
        (delay, now): (SignedDuration, Timestamp),
    ) -> Result<Option<bool>, CompareError> {
        let Some((kind, _, each)) = KINDS.iter().find(|(_, of, _)| *of == unit) else {
            return Ok(Some(false));
        };
        let Some(remembered) = self.remembered(store).await? else {
            return Ok(Some(false));
        };
        let figures = self.read(store, client, delay, now).await?;
        let found = figures.iter().find(|(of, ..)| of == kind);
        let (Some((_, reported, booked)), Some(agreed)) = (found, remembered.agreed.get(*kind))
        else {
            return Ok(Some(false));
        };
        let quantity = quantity / Decimal::from(*each);
        if agreed.shows_not_made(*reported, *booked, quantity) {
            return Ok(Some(true));
        }
        Ok(booked.recent.is_zero().then_some(false))
    }
}

/// Open alerts that are looked through; far more than a person would leave open.
const OPEN: u32 = 1000;

/// What a connection is called where its account is not known.
pub fn connection_fact(id: &str) -> String {
    format!("connection {id}")
}

/// Raises the alert, unless it is open and says just that.
async fn tell_once(
    store: &dyn Store,
    (location, subject): (&str, &str),
    message: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let open = store.alerts(true, OPEN).await?;
    let known = open
        .iter()
        .any(|alert| alert.kind == ACCOUNT && alert.message == message);
    if !known {
        let alert = NewAlert {
            location: location.to_owned(),
            kind: ACCOUNT.to_owned(),
            subject: subject.to_owned(),
            message,
        };
        store.raise_alert(alert, now).await?;
    }
    Ok(())
}

fn line(
    kind: &'static str,
    reported: Reported,
    booked: Booked,
    agreed: &Agreed,
    compared: Compared,
) -> Line {
    // Where nothing was pending then, both readings are the same.
    let elsewhere = agreed.elsewhere();
    Line {
        kind,
        reported,
        booked,
        elsewhere,
        compared,
    }
}
