//! Texts of a certain form: whatever the program reads, the schema lets pass.

use std::sync::LazyLock;

use canopy_mapping::schema::DURATION;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::json;

use super::{Described, read, told, validator};

fn is_length(text: &str) -> bool {
    text.parse::<jiff::Span>()
        .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()))
        .is_ok_and(|duration| !duration.is_negative())
}

fn pattern() -> Validator {
    jsonschema::draft7::new(&json!({ "pattern": DURATION })).unwrap()
}

#[test]
fn lengths_of_time_pass_and_others_do_not() {
    let pattern = pattern();
    for text in [
        "5m",
        "90s",
        "12h",
        "7d",
        "1h 30m",
        "1h30m",
        "2 days",
        "1 week, 2 days",
        "PT5M",
        "P1DT2H",
        "pt5m",
        "01:30:00",
        "1d 01:30:00",
        "1.5h",
        "1,5h",
        "+5m",
        "300ms",
        "5 µs",
        "1 hr 2 mins 3 secs",
    ] {
        assert!(is_length(text), "{text}");
        assert!(pattern.is_valid(&json!(text)), "{text}");
    }
    for text in [
        "5 parsecs",
        "5",
        "soon",
        "-5m",
        "5 m x",
        "1mo",
        "5m ago",
        "",
        " ",
    ] {
        assert!(!is_length(text), "{text}");
        assert!(!pattern.is_valid(&json!(text)), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    // Years and months have no one length, so only none of them would be read.
    #[test]
    fn no_length_of_time_is_refused(
        text in r"[+]?([0-9]{1,3}([.,][0-9]{1,2})?[ ]?(w|wk|wks|week|weeks|d|day|days|h|hr|hrs|hour|hours|m|min|mins|minute|minutes|s|sec|secs|second|seconds|ms|msec|msecs|milli|millis|millisecond|milliseconds|us|µs|μs|usec|usecs|micro|micros|microsecond|microseconds|ns|nsec|nsecs|nano|nanos|nanosecond|nanoseconds|x)[, ]{0,2}){0,3}([0-9]{2}:[0-9]{2}:[0-9]{2})?|P([0-9]{1,2}[WD]){0,2}(T([0-9]{1,2}[HMS]){1,2})?"
    ) {
        if is_length(&text) {
            static PATTERN: LazyLock<Validator> = LazyLock::new(pattern);
            prop_assert!(PATTERN.is_valid(&json!(text)), "{text:?}");
        }
    }

    #[test]
    fn no_amount_is_refused(text in r"[+-]?[0-9_]{0,4}[.]?[0-9_]{0,3}(e[+-]?[0-9])?") {
        static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| validator(Described::Config));
        let file = format!(
            "[budget.GBP]\nper_day = \"{text}\"\n[[connection]]\n[connection.highlevel]\ntoken = \"t\"\n[connection.ecologi]\napi_key = \"k\"\n"
        );
        if crate::config::parse("canopy.toml", file.clone(), "".into()).is_ok() {
            prop_assert_eq!(told(&VALIDATOR, &read(&file)), [""; 0]);
        }
    }
}
