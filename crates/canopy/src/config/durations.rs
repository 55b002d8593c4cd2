//! Durations as people write them: `"90s"`, `"5m"`, `"12h"`, `"7d"`.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| {
            D::Error::custom(format!(
                "\"{text}\" is no duration; write e.g. \"90s\", \"5m\", \"12h\" or \"7d\""
            ))
        })
}

/// In the largest unit that divides it: the schema shows defaults so.
pub(super) fn serialize<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let seconds = duration.as_secs();
    let units = [("d", 86_400), ("h", 3_600), ("m", 60)];
    let whole = units
        .into_iter()
        .find(|(_, length)| seconds > *length && seconds.is_multiple_of(*length));
    let (unit, length) = whole.unwrap_or(("s", 1));
    serializer.collect_str(&format_args!("{}{unit}", seconds / length))
}

/// The same for one that may be left out.
pub(super) mod maybe {
    use std::time::Duration;

    use serde::Deserializer;

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}
