//! Phone numbers are equal however they are written: HighLevel keeps them in E.164, forms and shops send what was typed.

use crate::people::plain;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

/// A text with fewer digits is an id, a year or an amount rather than the number of somebody.
const FEWEST: usize = 7;

/// Whether two texts are one phone number. One of them has its country; the other is read as people of that country write
/// theirs. Both must be numbers that can be given to somebody, so that ids are not equal by accident.
pub(super) fn same(left: &str, right: &str) -> bool {
    let reads = |whole: &str, other: &str| {
        let (whole, other) = (&*plain(whole), &*plain(other));
        if !whole.trim_start().starts_with('+') {
            return false;
        }
        let Some(whole) = read(whole, None) else {
            return false;
        };
        let other = read(other, whole.get_region_code());
        other.is_some_and(|other| written(&whole) == written(&other))
    };
    reads(left, right) || reads(right, left)
}

fn read(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let text = text.trim();
    let fits = |letter: char| letter.is_ascii_digit() || " +-()./\u{a0}".contains(letter);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits < FEWEST || !text.chars().all(fits) {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    number.is_valid().then_some(number)
}

fn written(number: &PhoneNumber) -> String {
    number.format_as(PhoneNumberFormat::E164).into_owned()
}
