//! Records that a list does not show any more.
//!
//! A list alone is weak evidence: an answer without records looks like one of a service that has lost them. A record was
//! deleted when its own read says so; where it has none, when the next poll agrees. When a large part of a list goes at
//! once nothing is told before the next poll agrees, and a person hears of it meanwhile.

use canopy_highlevel::operation::{Operation, Reading};
use canopy_highlevel::{OPERATIONS, WEBHOOKS};
use canopy_store::PollRecord;
use serde_json::{Map, Value, json};

use super::compare::Found;
use super::events::Maker;
use super::evidence::{self, ReadError, id_parameter};
use super::plan::LOCATION;
use super::reading::Reader;
use super::{Poll, Poller};

/// Reads of single records in one poll; the others have their turn at the next.
pub(super) const LOOKS: u32 = 25;
/// A record that is there and that its list does not show is looked at again after so many polls, at the latest.
const LATEST: u32 = 12;

/// What a read of a record says.
enum Look {
    Gone,
    There,
    /// It may not be read; the list has the word.
    Forbidden,
    /// Not now.
    Later,
}

/// What is missing for the first time, where it is much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Doubt {
    pub missing: usize,
    pub known: usize,
}

impl Poller {
    /// Decides what became of records that a list no longer shows, and notes in `found` what is to be asked again.
    /// `known`: how many it had; `still`: it shows the same part of all that there is as before.
    pub(super) async fn settle(
        &self,
        maker: Maker<'_>,
        reader: &Reader,
        (known, still): (usize, bool),
        absent: Vec<PollRecord>,
        found: &mut Found,
    ) {
        // Its own read is the poll.
        if maker.poll.trigger.reading == Reading::Record {
            for record in &absent {
                maker.missing(record, found);
            }
            return;
        }
        let fresh = absent.iter().filter(|record| record.missing == 0).count();
        let at_once = still && is_large(fresh, known);
        found.waits |= at_once;
        if at_once && maker.poll.lists_all() {
            found.doubt.missing += fresh;
            found.doubt.known += known;
        }
        let single = maker.poll.single();
        for mut record in absent {
            let before = record.missing;
            record.missing += 1;
            // A window that moved on shows less, and that deletes nothing.
            if !maker.poll.lists_all() && !maker.poll.looks_for_deleted() {
                if at_once && before == 0 {
                    found.wait(record);
                } else {
                    found.gone.push(record.record);
                }
                continue;
            }
            if at_once && before == 0 {
                found.wait(record);
                continue;
            }
            let look = match single {
                Some((operation, parameter)) if is_due(record.missing) => {
                    self.look(maker.poll, reader, operation, parameter, &record)
                        .await
                }
                Some(_) => Look::There,
                None => Look::Forbidden,
            };
            match look {
                Look::Gone => maker.missing(&record, found),
                Look::Forbidden if before > 0 => maker.missing(&record, found),
                Look::Forbidden => found.wait(record),
                Look::There if maker.poll.lists_all() => found.seen.push(record),
                // It has moved out of the window.
                Look::There => found.gone.push(record.record),
                Look::Later => {
                    record.missing = before;
                    found.wait(record);
                }
            }
        }
    }

    async fn look(
        &self,
        poll: &Poll,
        reader: &Reader,
        operation: &'static Operation,
        parameter: &'static str,
        record: &PollRecord,
    ) -> Look {
        if !reader.may_look(LOOKS) {
            return Look::Later;
        }
        let mut arguments = poll.place_of(&self.site.location, &record.parent);
        arguments.retain(|name, _| operation.parameters.iter().any(|one| one.name == *name));
        arguments.insert(parameter.to_owned(), json!(record.record));
        let arguments = Value::Object(arguments);
        let read = match reader.invoke(operation.name, &arguments).await {
            Ok(answer) => evidence::record(operation, &answer, &arguments).map(drop),
            Err(error) => Err(ReadError::from(error)),
        };
        match read {
            Ok(()) => Look::There,
            Err(error) if error.is_gone() => Look::Gone,
            Err(error) if error.is_forbidden() => Look::Forbidden,
            Err(error) => {
                tracing::debug!(poll = %poll.name, %error, "a record that its list does not show cannot be read now");
                Look::Later
            }
        }
    }
}

impl Poll {
    /// The read of a single record of its list, and the parameter that takes the record's id. All else that it demands is
    /// known from the poll.
    pub(super) fn single(&self) -> Option<(&'static Operation, &'static str)> {
        let word = self.trigger.record;
        let polled = OPERATIONS.iter().filter(move |operation| {
            operation
                .trigger
                .is_some_and(|found| found.record == word && found.reading == Reading::Record)
        });
        let completing = WEBHOOKS
            .iter()
            .filter(move |webhook| webhook.kind.split('.').next() == Some(word))
            .filter_map(|webhook| canopy_highlevel::operation(webhook.fetch?));
        let known = self.place_of("l", "p");
        polled.chain(completing).find_map(|operation| {
            let parameter = id_parameter(operation)?;
            let demanded = operation.parameters.iter().filter(|one| one.required);
            let mut others = demanded.filter(|one| one.name != parameter);
            // What the list was asked by is no id of its records.
            let is_own = !self.arguments.contains_key(parameter)
                && self
                    .trigger
                    .each
                    .is_none_or(|each| each.parameter != parameter);
            (is_own && others.all(|one| known.contains_key(one.name)))
                .then_some((operation, parameter))
        })
    }

    /// Arguments that say where a list is: its own, and the parent's id.
    fn place_of(&self, location: &str, parent: &str) -> Map<String, Value> {
        let mut place = self.arguments.clone();
        for name in LOCATION {
            place.entry(*name).or_insert_with(|| json!(location));
        }
        if let Some(each) = self.trigger.each
            && !parent.is_empty()
        {
            place.insert(each.parameter.to_owned(), json!(parent));
        }
        place
    }
}

/// All, or so much that something else than a person is likely to have done it.
fn is_large(missing: usize, known: usize) -> bool {
    missing > 0 && (missing >= known || (missing >= 2 && missing * 4 > known))
}

/// Whether a record that has been missing for so many polls is looked at now.
fn is_due(missing: u32) -> bool {
    missing.is_power_of_two() || missing.is_multiple_of(LATEST)
}

#[cfg(test)]
mod tests {
    use canopy_highlevel::operation::Place;

    use super::*;
    use crate::PollOptions;
    use crate::poll::plan::usual;

    #[test]
    fn what_goes_at_once_is_much_or_all() {
        let large = |missing, known| is_large(missing, known);
        assert!(large(1, 1) && large(2, 3) && large(30, 100));
        assert!(!large(0, 0) && !large(1, 2) && !large(1, 3) && !large(20, 100));
    }

    #[test]
    fn a_record_that_is_there_is_looked_at_less_and_less() {
        let due: Vec<u32> = (1..40).filter(|missing| is_due(*missing)).collect();
        assert_eq!(due, [1, 2, 4, 8, 12, 16, 24, 32, 36]);
    }

    /// What is read before a record is called deleted. The records of all other lists are, once two polls agree.
    #[test]
    fn each_list_knows_the_read_of_its_records() {
        let options = PollOptions::default();
        let mut reads = Vec::new();
        for operation in OPERATIONS {
            let Some(trigger) = operation.trigger.filter(|trigger| trigger.lists_all) else {
                continue;
            };
            let mut poll = usual(operation, trigger, &[].into(), &options, options.every);
            let demanded = operation.parameters.iter().filter(|one| one.required);
            let places = demanded.filter(|one| {
                one.place == Place::Path
                    && trigger.each.is_none_or(|each| each.parameter != one.name)
                    && !LOCATION.contains(&one.name)
            });
            let places = places.map(|one| (one.name.to_owned(), json!("x")));
            poll.arguments = places.collect();
            if let Some((read, _)) = poll.single() {
                reads.push((operation.name, read.name));
            }
        }
        let expected = [
            ("find-associations", "get-association-by-id"),
            ("get-all-notes", "get-note"),
            ("get-all-tasks", "get-task"),
            ("get-appointments-for-contact", "get-appointment"),
            ("get-businesses-by-location", "get-business"),
            ("get-calendar-notifications", "get-calendar-notification"),
            ("get-calendar-resources", "get-calendar-resource"),
            ("get-calendars", "get-calendar"),
            ("get-contacts", "get-contact"),
            ("get-user-by-location", "get-user"),
            ("search-conversation", "get-conversation"),
            ("search-locations", "get-location"),
            ("search-opportunity", "get-opportunity"),
            ("search-users", "get-user"),
        ];
        assert_eq!(reads, expected);
    }
}
