//! Phone numbers as HighLevel keeps them: in E.164, national forms by the location's country.
//!
//! `rlibphonenumber` is a port of Google's libphonenumber with its metadata of all countries.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// The number in E.164; a text that is none stays as it was written.
pub fn normal(text: &str, country: &str) -> String {
    let region: Option<Region> = country.trim().to_ascii_uppercase().parse().ok();
    let read = PHONE_NUMBER_UTIL.parse(text.trim(), region).ok();
    let read = read.map(|number| number.format_as(PhoneNumberFormat::E164).into_owned());
    read.unwrap_or_else(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn national_forms_are_read_by_the_locations_country() {
        for (text, country, expected) in [
            ("(201) 555-0115", "US", "+12015550115"),
            ("+1 201-555-0115", "GB", "+12015550115"),
            ("020 7946 0000", "GB", "+442079460000"),
            ("none", "US", "none"),
        ] {
            assert_eq!(normal(text, country), expected, "{text}");
        }
    }
}
