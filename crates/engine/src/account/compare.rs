//! Whether an account has more than the ledger explains. Pure: figures in, verdict out.
//!
//! Ecologi does not say whether `total` contains `pending`, so both readings are followed side by side. A reading that the
//! figures contradict is left out; what every possible reading says is believed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Finer than the smallest purchase of any kind, coarser than the rounding of a report.
const FINE: Decimal = Decimal::from_parts(5, 0, 0, false, 4);

/// What the account reports of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    pub total: Decimal,
    pub pending: Decimal,
}

/// What the ledger says of one kind, of real purchases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Booked {
    /// Confirmed, also what the report may not show yet.
    pub confirmed: Decimal,
    /// Sent or unknown: it may have been made.
    pub open: Decimal,
    /// Of what is confirmed, what was so just now: the report may not show it yet.
    pub recent: Decimal,
}

/// What was agreed: how much the account has beside the ledger, by both readings, and what it reported then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Beside the ledger, where `total` contains `pending`.
    pub within: Decimal,
    /// Beside the ledger, where both add up.
    pub apart: Decimal,
    pub reported: Reported,
    /// `false`: purchases were under way then, so the difference is known only roughly.
    pub settled: bool,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// The ledger explains what the account has.
    Agrees,
    /// The account has so much more than the ledger can explain.
    More(Decimal),
    /// The account lacks so much of what the ledger confirms.
    Less(Decimal),
}

impl Reported {
    const fn within(self) -> Decimal {
        self.total
    }

    fn apart(self) -> Decimal {
        self.total + self.pending
    }
}

impl Agreed {
    /// Takes what the account has beside the ledger for bought elsewhere.
    pub fn on(reported: Reported, booked: Booked) -> Self {
        let is_quiet = booked.open.is_zero() && booked.recent.is_zero();
        // What the report may lack must not look like somebody else's later.
        let seen = booked.confirmed - booked.recent;
        Self {
            within: reported.within() - seen,
            apart: reported.apart() - seen,
            reported,
            settled: is_quiet,
        }
    }

    /// The same by a person's word, which ends a difference that was seen: it holds exactly.
    pub fn by_word(reported: Reported, booked: Booked) -> Self {
        Self {
            within: reported.within() - booked.confirmed,
            apart: reported.apart() - booked.confirmed,
            reported,
            settled: true,
        }
    }

    /// How much more the account has than ledger and agreement, by each reading that is possible.
    fn excesses(&self, now: Reported, booked: Booked) -> Vec<Decimal> {
        let within = now.within() - booked.confirmed - self.within;
        let apart = now.apart() - booked.confirmed - self.apart;
        let (before, lacks) = (self.reported, |excess: Decimal| {
            // It cannot lack what was receipted long ago.
            excess < -booked.recent - FINE
        });
        // What is bought shows in the total as well, and what is pending is part of it.
        let is_within = now.pending <= now.total + FINE
            && now.pending - before.pending <= now.total - before.total + FINE;
        // What is paid moves from one to the other.
        let is_apart = now.apart() >= before.apart() - FINE;
        let readings = [(within, is_within), (apart, is_apart)];
        let possible = |strict: bool| -> Vec<Decimal> {
            let readings = readings.iter();
            let kept = readings.filter(|(excess, is)| *is && !(strict && lacks(*excess)));
            kept.map(|(excess, _)| *excess).collect()
        };
        let strict = possible(true);
        if !strict.is_empty() {
            return strict;
        }
        let loose = possible(false);
        if loose.is_empty() {
            return vec![within, apart];
        }
        loose
    }

    pub fn compare(&self, now: Reported, booked: Booked) -> Compared {
        if !self.settled {
            return Compared::Agrees;
        }
        let excesses = self.excesses(now, booked);
        let least = excesses.iter().copied().min().unwrap_or_default();
        let most = excesses.iter().copied().max().unwrap_or_default();
        if least > booked.open + FINE {
            Compared::More(least - booked.open)
        } else if most < -booked.recent - FINE {
            Compared::Less(-most)
        } else {
            Compared::Agrees
        }
    }

    /// Whether the report shows that an unanswered purchase of this quantity was not made: it must be older than the
    /// report's delay.
    pub fn shows_not_made(&self, now: Reported, booked: Booked, quantity: Decimal) -> bool {
        let shows = |excess: &Decimal| *excess + booked.recent < quantity - FINE;
        self.settled && self.excesses(now, booked).iter().all(shows)
    }

    /// What is agreed from now on: the same differences, with the newest report.
    #[must_use]
    pub fn again(&self, now: Reported, booked: Booked) -> Self {
        if !self.settled {
            return Self::on(now, booked);
        }
        Self {
            reported: now,
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(total: i64, pending: i64) -> Reported {
        Reported {
            total: total.into(),
            pending: pending.into(),
        }
    }

    fn booked(confirmed: i64, open: i64, recent: i64) -> Booked {
        Booked {
            confirmed: confirmed.into(),
            open: open.into(),
            recent: recent.into(),
        }
    }

    /// An account that had a hundred trees before, and ten pending.
    fn agreed() -> Agreed {
        Agreed::on(reported(100, 10), booked(0, 0, 0))
    }

    #[test]
    fn own_purchases_are_explained_by_either_reading() {
        let agreed = agreed();
        // Pending is part of the total, and then it is paid.
        for now in [reported(105, 15), reported(105, 5), reported(105, 0)] {
            assert_eq!(
                agreed.compare(now, booked(5, 0, 0)),
                Compared::Agrees,
                "{now:?}"
            );
        }
        // Pending is beside it.
        for now in [reported(100, 15), reported(110, 5), reported(115, 0)] {
            assert_eq!(
                agreed.compare(now, booked(5, 0, 0)),
                Compared::Agrees,
                "{now:?}"
            );
        }
        // The report does not show the newest yet.
        assert_eq!(
            agreed.compare(reported(100, 10), booked(5, 0, 5)),
            Compared::Agrees
        );
        assert_eq!(
            agreed.compare(reported(100, 10), booked(5, 0, 0)),
            Compared::Less(5.into())
        );
    }

    #[test]
    fn what_the_ledger_cannot_explain_is_more_by_either_reading() {
        let agreed = agreed();
        for now in [
            reported(101, 11),
            reported(101, 10),
            reported(100, 11),
            reported(101, 1),
        ] {
            assert_eq!(
                agreed.compare(now, booked(0, 0, 0)),
                Compared::More(1.into()),
                "{now:?}"
            );
            assert_eq!(
                agreed.compare(now, booked(0, 1, 0)),
                Compared::Agrees,
                "unanswered: {now:?}"
            );
        }
        // Somebody else's beside our own.
        for now in [reported(106, 16), reported(100, 16), reported(116, 0)] {
            assert_eq!(
                agreed.compare(now, booked(5, 0, 0)),
                Compared::More(1.into()),
                "{now:?}"
            );
        }
        // An older copy of the ledger: what it lacks is more.
        assert_eq!(
            agreed.compare(reported(105, 15), booked(3, 0, 0)),
            Compared::More(2.into())
        );
    }

    #[test]
    fn an_agreement_while_purchases_are_under_way_is_settled_later() {
        let rough = Agreed::on(reported(100, 0), booked(5, 0, 5));
        assert!(!rough.settled);
        assert_eq!(
            rough.compare(reported(105, 0), booked(5, 0, 0)),
            Compared::Agrees
        );
        let settled = rough.again(reported(105, 0), booked(5, 0, 0));
        assert!(settled.settled);
        assert_eq!(
            settled.compare(reported(106, 0), booked(5, 0, 0)),
            Compared::More(1.into())
        );
    }

    #[test]
    fn a_report_without_it_shows_that_it_was_not_made() {
        let agreed = agreed();
        let one = Decimal::ONE;
        assert!(agreed.shows_not_made(reported(100, 10), booked(0, 1, 0), one));
        assert!(!agreed.shows_not_made(reported(101, 11), booked(0, 1, 0), one));
        assert!(!agreed.shows_not_made(reported(100, 11), booked(0, 1, 0), one));
        // What was confirmed just now may be missing in the report, and hide it.
        assert!(!agreed.shows_not_made(reported(101, 11), booked(1, 1, 1), one));
        assert!(agreed.shows_not_made(reported(101, 10), booked(1, 1, 0), one));
        // By one reading two were made: nobody can tell.
        assert!(!agreed.shows_not_made(reported(101, 11), booked(1, 1, 0), one));
        assert!(agreed.shows_not_made(reported(100, 10), booked(1, 3, 1), 3.into()));
        let rough = Agreed::on(reported(100, 10), booked(1, 0, 1));
        assert!(!rough.shows_not_made(reported(100, 10), booked(1, 1, 0), one));
    }
}
