//! What is due for one drain, page by page and oldest first, each so often at most.
//!
//! While a service is down, what failed may be due again before the drain is over. It is left to the next one, or a round
//! would never end; and it keeps nothing waiting that lies behind it, however much of it there is.

use std::collections::HashMap;
use std::hash::Hash;

use canopy_store::{InboxRow, Run};

/// Rows read from the store at a time.
pub(crate) const PAGE: u32 = 500;
/// A run or event is carried out at most so often in one drain.
const MOST_TRIES: u32 = 3;

/// Runs by event and number, as the store orders them.
pub(crate) type DueRuns = Due<(i64, i64), Run>;
/// Events by number.
pub(crate) type DueEvents = Due<i64, InboxRow>;

/// Pages through the rows that are due, from the oldest one on, and leaves out those that were tried enough.
#[derive(Debug)]
pub(crate) struct Due<K, T> {
    key: fn(&T) -> K,
    page: u32,
    tried: HashMap<K, u32>,
    /// All that was due up to here was tried enough.
    floor: K,
    /// Where the next page begins, if not at the floor.
    at: Option<K>,
    found: Vec<T>,
    /// It was looked from the very beginning.
    from_start: bool,
}

impl DueRuns {
    pub fn runs() -> Self {
        Self::new(|run| (run.event, run.id), PAGE)
    }
}

impl DueEvents {
    pub fn events() -> Self {
        Self::new(|row| row.event.id, PAGE)
    }
}

impl<K: Copy + Default + Eq + Hash, T> Due<K, T> {
    fn new(key: fn(&T) -> K, page: u32) -> Self {
        Self {
            key,
            page,
            tried: HashMap::new(),
            floor: K::default(),
            at: None,
            found: Vec::new(),
            from_start: true,
        }
    }

    /// The row behind which the next page is to begin.
    pub fn after(&self) -> K {
        self.at.unwrap_or(self.floor)
    }

    /// Takes a page that begins there. `Some`: what to carry out now, nothing when all was tried enough; `None`: a
    /// further page is needed to tell.
    pub fn take(&mut self, page: Vec<T>) -> Option<Vec<T>> {
        let key = self.key;
        let is_last = page.len() < self.page as usize;
        let end = page.last().map(key).filter(|_| !is_last);
        for row in page {
            let tries = self.tried.entry(key(&row)).or_default();
            if *tries < MOST_TRIES {
                *tries += 1;
                self.found.push(row);
            }
        }
        self.at = end;
        if let (Some(end), true) = (end, self.found.is_empty()) {
            self.floor = end;
        }
        let is_enough = self.found.len() * 2 >= self.page as usize;
        if is_enough || (is_last && (!self.found.is_empty() || self.from_start)) {
            self.at = None;
            self.from_start = self.floor == K::default();
            return Some(std::mem::take(&mut self.found));
        }
        if is_last {
            // What was not due yet when it was passed may be due now.
            self.floor = K::default();
            self.from_start = true;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: u32 = 4;

    fn due() -> Due<i64, i64> {
        Due::new(|row| *row, SMALL)
    }

    /// What a drain would carry out next, when these rows are due.
    fn next(due: &mut Due<i64, i64>, rows: &[i64]) -> Vec<i64> {
        loop {
            let after = due.after();
            let behind = rows.iter().copied().filter(|row| *row > after);
            if let Some(found) = due.take(behind.take(SMALL as usize).collect()) {
                return found;
            }
        }
    }

    #[test]
    fn what_stays_due_is_tried_three_times_and_what_lies_behind_it_as_well() {
        let rows: Vec<i64> = (1..=11).collect();
        let mut due = due();
        let mut tried = HashMap::<i64, u32>::new();
        loop {
            let found = next(&mut due, &rows);
            if found.is_empty() {
                break;
            }
            for row in found {
                *tried.entry(row).or_default() += 1;
            }
        }
        assert_eq!(tried.len(), rows.len());
        assert!(tried.values().all(|times| *times == 3), "{tried:?}");
    }

    #[test]
    fn the_oldest_come_first_and_what_is_new_is_found() {
        let mut due = due();
        assert_eq!(next(&mut due, &[1, 2, 3, 4, 5]), [1, 2, 3, 4]);
        assert_eq!(next(&mut due, &[2, 5]), [2, 5]);
        assert_eq!(next(&mut due, &[2, 9]), [2, 9]);
        assert_eq!(next(&mut due, &[2]), [] as [i64; 0]);
        assert_eq!(next(&mut due, &[2, 10]), [10]);
    }

    #[test]
    fn what_falls_due_before_rows_that_were_tried_enough_is_found() {
        let mut due = due();
        let failing = [10, 20, 30, 40, 50];
        while !next(&mut due, &failing).is_empty() {}
        assert_eq!(next(&mut due, &[5, 10, 20, 30, 40, 50]), [5]);
        assert_eq!(next(&mut due, &[10, 15, 20, 30, 40, 50, 60]), [15, 60]);
        assert_eq!(next(&mut due, &failing), [] as [i64; 0]);
    }
}
