//! Whether an account has more than the ledger explains. Pure: figures in, verdict out.
//!
//! Ecologi does not say whether `total` contains `pending`, so both readings are followed side by side. A reading that the
//! figures contradict is left out; what every possible reading says is believed.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How fine a report's figures are, by the most decimals that were seen: it is documented nowhere. A purchase that is
/// smaller may not show in it, and two figures may differ by less than this from what they stand for. Trees are whole.
fn grain(figures: &[Reported]) -> Decimal {
    let all = figures.iter().flat_map(|one| [one.total, one.pending]);
    let most = all.map(|figure| figure.normalize().scale()).max();
    // What JSON makes of a figure has further ones.
    Decimal::new(1, most.unwrap_or_default().min(9))
}

/// What the arithmetic of floating point leaves behind.
const DUST: Decimal = Decimal::from_parts(1, 0, 0, false, 9);

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
    /// So much of what is beside the ledger may be purchases that were not answered when a person spoke of it.
    #[serde(default)]
    pub open: Decimal,
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
            open: Decimal::ZERO,
        }
    }

    /// The same by a person's word, which ends a difference that was seen: it holds exactly, but for what is not answered,
    /// of which nobody knows whether the account has it already.
    pub fn by_word(reported: Reported, booked: Booked) -> Self {
        Self {
            within: reported.within() - booked.confirmed,
            apart: reported.apart() - booked.confirmed,
            reported,
            settled: true,
            open: booked.open,
        }
    }

    /// Of a store that may have forgotten purchases, and what was bought elsewhere: a person says what that is.
    pub const fn nothing_elsewhere(reported: Reported) -> Self {
        Self {
            within: Decimal::ZERO,
            apart: Decimal::ZERO,
            reported,
            settled: true,
            open: Decimal::ZERO,
        }
    }

    /// The same on a store that may have forgotten purchases: what may have been its own was nobody else's, or it would stand
    /// for what was forgotten.
    #[must_use]
    pub fn of_copy(&self) -> Self {
        Self {
            within: self.within - self.open,
            apart: self.apart - self.open,
            open: Decimal::ZERO,
            ..*self
        }
    }

    /// How much more the account has than ledger and agreement, by each reading that is possible.
    fn excesses(&self, now: Reported, booked: Booked) -> Vec<Decimal> {
        let within = now.within() - booked.confirmed - self.within;
        let apart = now.apart() - booked.confirmed - self.apart;
        let before = self.reported;
        let fine = self.fine(now);
        // What is bought shows in the total as well, and what is pending is part of it.
        let is_within = now.pending <= now.total + fine
            && now.pending - before.pending <= now.total - before.total + fine;
        // What is paid moves from one to the other.
        let is_apart = now.apart() >= before.apart() - fine;
        let readings = [(within, is_within), (apart, is_apart)];
        let possible = |strict: bool| -> Vec<Decimal> {
            let readings = readings.iter();
            let kept = readings
                .filter(|(excess, is)| *is && !(strict && self.lacks(*excess, now, booked)));
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

    fn grain(&self, now: Reported) -> Decimal {
        grain(&[self.reported, now])
    }

    /// What two equal figures may differ by.
    fn fine(&self, now: Reported) -> Decimal {
        self.grain(now) - DUST
    }

    /// Whether the account cannot have so little: what was receipted long ago is in its report.
    fn lacks(&self, excess: Decimal, now: Reported, booked: Booked) -> bool {
        excess + self.open + booked.recent <= -self.grain(now) + DUST
    }

    pub fn compare(&self, now: Reported, booked: Booked) -> Compared {
        if !self.settled {
            return Compared::Agrees;
        }
        let excesses = self.excesses(now, booked);
        let least = excesses.iter().copied().min().unwrap_or_default();
        let most = excesses.iter().copied().max().unwrap_or_default();
        if least >= booked.open + self.grain(now) - DUST {
            Compared::More(least - booked.open)
        } else if self.lacks(most, now, booked) {
            Compared::Less(-most)
        } else {
            Compared::Agrees
        }
    }

    /// Whether the report shows that an unanswered purchase of this quantity was not made: it must be older than the
    /// report's delay. What is smaller than a report can show proves nothing by not being there, nor does anything while
    /// something that is known to be made is not there either.
    pub fn shows_not_made(&self, now: Reported, booked: Booked, quantity: Decimal) -> bool {
        let grain = self.grain(now);
        let shows = |excess: &Decimal| {
            *excess + self.open + booked.recent <= quantity - grain + DUST
                && !self.lacks(*excess, now, booked)
        };
        self.settled && quantity >= grain && self.excesses(now, booked).iter().all(shows)
    }

    /// Whether it is to be looked at again before long, because something was open.
    pub fn is_rough(&self) -> bool {
        !self.settled || !self.open.is_zero()
    }

    /// What was bought elsewhere as far as that is known, with what was pending then.
    pub fn elsewhere(&self) -> Decimal {
        (self.apart - self.open).max(Decimal::ZERO)
    }

    /// What is agreed from now on: the same differences, with the newest report.
    #[must_use]
    pub fn again(&self, now: Reported, booked: Booked) -> Self {
        let is_quiet = booked.open.is_zero() && booked.recent.is_zero();
        if !self.settled || is_quiet && !self.open.is_zero() {
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

    #[test]
    fn what_was_not_answered_when_a_person_spoke_is_nobody_elses() {
        // One confirmed, one unanswered, which was made; three were bought elsewhere.
        let word = Agreed::by_word(reported(5, 0), booked(1, 1, 0));
        assert_eq!(word.elsewhere(), 3.into());
        let one = Decimal::ONE;
        assert!(!word.shows_not_made(reported(5, 0), booked(1, 1, 0), one));
        assert_eq!(
            word.compare(reported(5, 0), booked(1, 1, 0)),
            Compared::Agrees
        );
        assert_eq!(
            word.compare(reported(7, 0), booked(1, 1, 0)),
            Compared::More(1.into())
        );
        // It was made: nothing is missing, and from then on the agreement is exact.
        assert_eq!(
            word.compare(reported(5, 0), booked(2, 0, 0)),
            Compared::Agrees
        );
        let exact = word.again(reported(5, 0), booked(2, 0, 0));
        assert_eq!((exact.elsewhere(), exact.is_rough()), (3.into(), false));
        // A copy that has forgotten one does not take it for the one that was open.
        assert_eq!(
            word.of_copy().compare(reported(6, 0), booked(2, 0, 0)),
            Compared::More(1.into())
        );
        // It was not: all that there is was bought elsewhere.
        let exact = word.again(reported(5, 0), booked(1, 0, 0));
        assert_eq!((exact.elsewhere(), exact.is_rough()), (4.into(), false));
        assert_eq!(
            exact.compare(reported(6, 0), booked(1, 0, 0)),
            Compared::More(1.into())
        );
    }

    /// Tonnes, as the service writes them.
    fn tonnes(total: &str) -> Reported {
        Reported {
            total: total.parse().unwrap(),
            pending: Decimal::ZERO,
        }
    }

    fn kilograms(confirmed: i64, open: i64) -> Booked {
        Booked {
            confirmed: Decimal::new(confirmed, 3),
            open: Decimal::new(open, 3),
            recent: Decimal::ZERO,
        }
    }

    #[test]
    fn what_a_rounded_report_cannot_show_proves_nothing() {
        let kilogram = |number| Decimal::new(number, 3);
        let agreed = Agreed::on(tonnes("0.0"), kilograms(0, 0));
        assert!(!agreed.shows_not_made(tonnes("0.0"), kilograms(2, 2), kilogram(2)));
        let agreed = Agreed::on(tonnes("12.34"), kilograms(0, 0));
        let shows = |now: &str, booked, number| {
            agreed.shows_not_made(tonnes(now), booked, kilogram(number))
        };
        assert!(!shows("12.34", kilograms(0, 2), 2));
        // 0.012 can show as 0.01.
        assert!(!shows("12.35", kilograms(0, 12), 12));
        assert!(shows("12.34", kilograms(0, 12), 12));
        // Something that is known to be made is not in it either.
        assert!(!shows("12.34", kilograms(50, 50), 50));
        // As soon as thousandths were seen, they count.
        assert!(shows("12.345", kilograms(5, 2), 2));
        // Rounding is no purchase of somebody else's, and no loss.
        assert_eq!(
            agreed.compare(tonnes("12.35"), kilograms(6, 0)),
            Compared::Agrees
        );
        assert_eq!(
            agreed.compare(tonnes("12.34"), kilograms(4, 0)),
            Compared::Agrees
        );
        assert_eq!(
            agreed.compare(tonnes("12.35"), kilograms(0, 0)),
            Compared::More(kilogram(10))
        );
    }

    #[test]
    fn a_store_that_may_have_forgotten_takes_nothing_for_bought_elsewhere() {
        let nothing = Agreed::nothing_elsewhere(reported(3, 0));
        assert_eq!(
            nothing.compare(reported(3, 0), booked(2, 0, 0)),
            Compared::More(1.into())
        );
        assert_eq!(
            nothing.compare(reported(3, 0), booked(3, 0, 0)),
            Compared::Agrees
        );
    }
}
