//! Time zones as people write them, and the names of those that are meant. Abbreviations are no names: `EST` is one, of a
//! zone that is five hours behind UTC all year, which no city is.

use jiff::tz::TimeZone;

use crate::file_error::nearest;

/// Abbreviations and the zones of which people mean them.
const SHORT: [(&str, &str); 34] = [
    ("EST", "America/New_York"),
    ("EDT", "America/New_York"),
    ("ET", "America/New_York"),
    ("EST5EDT", "America/New_York"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("CT", "America/Chicago"),
    ("CST6CDT", "America/Chicago"),
    ("MST", "America/Denver"),
    ("MDT", "America/Denver"),
    ("MT", "America/Denver"),
    ("MST7MDT", "America/Denver"),
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("PT", "America/Los_Angeles"),
    ("PST8PDT", "America/Los_Angeles"),
    ("AKST", "America/Anchorage"),
    ("AKDT", "America/Anchorage"),
    ("HST", "Pacific/Honolulu"),
    ("AST", "America/Halifax"),
    ("NST", "America/St_Johns"),
    ("BST", "Europe/London"),
    ("WET", "Europe/Lisbon"),
    ("WEST", "Europe/Lisbon"),
    ("CET", "Europe/Berlin"),
    ("CEST", "Europe/Berlin"),
    ("MET", "Europe/Berlin"),
    ("EET", "Europe/Helsinki"),
    ("EEST", "Europe/Helsinki"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("AEST", "Australia/Sydney"),
    ("AEDT", "Australia/Sydney"),
    ("NZST", "Pacific/Auckland"),
];

/// Names that the database has for programs, and no place.
const NO_PLACE: [&str; 3] = ["factory", "localtime", "posixrules"];

/// The zone of a name; the error says what to write in place of one that there is not.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    get(name).ok_or_else(|| format!("there is no time zone \"{name}\"; {}", fix(name)))
}

/// The zone of a name; abbreviations that stay the same all year are ones, too (`advice`).
pub(crate) fn get(name: &str) -> Option<TimeZone> {
    let is_place = !NO_PLACE.contains(&name.to_ascii_lowercase().as_str());
    is_place.then(|| TimeZone::get(name).ok()).flatten()
}

fn meant(name: &str) -> Option<&'static str> {
    let name = name.trim();
    let is_it = |(short, _): &&(&str, &str)| short.eq_ignore_ascii_case(name);
    SHORT.iter().find(is_it).map(|(_, zone)| *zone)
}

/// What is to be known of a zone that there is, and that is perhaps not meant.
pub(crate) fn advice(name: &str) -> Option<String> {
    if let Some(zone) = meant(name) {
        return Some(format!(
            "timezone \"{name}\" is an abbreviation, and may stay the same in summer; for the clocks of a place write its name, e.g. \"{zone}\""
        ));
    }
    let is_offset = name.to_ascii_lowercase().starts_with("etc/gmt")
        && name.contains(['+', '-'])
        && name.chars().any(|letter| matches!(letter, '1'..='9'));
    is_offset.then(|| {
        format!(
            "timezone \"{name}\" has its sign the other way round (Etc/GMT+5 is five hours behind UTC) and no summer time; for the clocks of a place write its name, e.g. \"America/New_York\""
        )
    })
}

/// What to write in place of a name that no zone has.
pub(crate) fn fix(name: &str) -> String {
    let name = name.trim();
    if let Some(zone) = meant(name) {
        return format!("write the name of a place, e.g. \"{zone}\"");
    }
    let is_offset = name.contains(|letter: char| letter.is_ascii_digit());
    if is_offset || name.len() < 3 || name.eq_ignore_ascii_case("local") {
        return "write the name of a place, e.g. \"Europe/London\" or \"America/New_York\", or \"UTC\"".to_owned();
    }
    if name.eq_ignore_ascii_case("location") {
        return "a timetable is read before any location is asked; write the name of its zone, e.g. \"America/New_York\" (`canopy call get-location` shows it)".to_owned();
    }
    let names: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .filter(|name| !NO_PLACE.contains(&name.to_ascii_lowercase().as_str()))
        .collect();
    // `London`, `new york`.
    let place = name.replace(' ', "_");
    let is_place = |zone: &&String| {
        let last = zone.rsplit_once('/').map(|(_, last)| last);
        last.is_some_and(|last| last.eq_ignore_ascii_case(&place))
    };
    let near = names.iter().find(is_place).map(String::as_str);
    let near = near.or_else(|| {
        let names = names.iter().map(String::as_str);
        nearest(name, names.filter(|zone| zone.contains('/')))
    });
    near.map_or_else(
        || "write the name of a place, e.g. \"Europe/London\" or \"America/New_York\"".to_owned(),
        |near| format!("did you mean \"{near}\"?"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_that_is_told_exists() {
        for (short, zone) in SHORT {
            assert!(TimeZone::get(zone).is_ok(), "{short}: {zone}");
        }
    }

    #[test]
    fn what_people_write_for_a_zone_leads_to_its_name() {
        for (name, told) in [
            ("PST", "\"America/Los_Angeles\""),
            ("pdt", "\"America/Los_Angeles\""),
            ("BST", "\"Europe/London\""),
            ("London", "did you mean \"Europe/London\"?"),
            ("new york", "did you mean \"America/New_York\"?"),
            ("Europe/Londn", "did you mean \"Europe/London\"?"),
            ("location", "its zone"),
            ("UTC+2", "the name of a place"),
            ("+02:00", "the name of a place"),
            ("Z", "the name of a place"),
            ("Local", "the name of a place"),
            ("Mars", "the name of a place"),
        ] {
            assert!(get(name).is_none(), "{name}");
            let fix = fix(name);
            assert!(fix.contains(told), "{name}: {fix}");
        }
        for name in ["localtime", "posixrules", "Factory"] {
            assert!(get(name).is_none(), "{name}");
        }
    }

    #[test]
    fn abbreviations_that_stay_the_same_all_year_are_told() {
        for (name, told) in [
            ("EST", "America/New_York"),
            ("MST", "America/Denver"),
            ("HST", "Pacific/Honolulu"),
            ("Etc/GMT+5", "five hours behind"),
        ] {
            let advice = advice(name).unwrap();
            assert!(advice.contains(told), "{advice}");
        }
        for name in [
            "Europe/London",
            "UTC",
            "GMT",
            "Etc/GMT",
            "Etc/UTC",
            "Asia/Kolkata",
        ] {
            assert_eq!(advice(name), None, "{name}");
        }
    }
}
