//! What single fields of a timetable name.

use std::collections::BTreeSet;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// The step of a field that goes through everything.
pub(super) fn step_of_all(field: &str, first: u32, last: u32) -> Option<u32> {
    let (range, step) = field.split_once('/')?;
    let step: u32 = step.parse().ok().filter(|step| *step > 0)?;
    let is_all = range == "*" || range == "?" || range == format!("{first}-{last}");
    is_all.then_some(step)
}

/// The months that a field names.
pub(super) fn months(field: &str) -> Option<BTreeSet<u32>> {
    let mut field = field.to_lowercase();
    for (number, name) in (1..).zip(MONTHS) {
        field = field.replace(name, &format!("{number}"));
    }
    numbers(&field, 1, 12)
}

/// The numbers that a field names; `None` where it is more than numbers, such as `L` or `15W`.
pub(super) fn numbers(field: &str, first: u32, last: u32) -> Option<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<usize>().ok()?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" || range == "?" => (first, last),
            Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
            None => (range.parse().ok()?, range.parse().ok()?),
        };
        found.extend((from..=to).step_by(step.unwrap_or(1).max(1)));
    }
    Some(found)
}
