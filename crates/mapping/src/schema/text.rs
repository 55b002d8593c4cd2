//! What texts of a certain form look like, as regular expressions that JavaScript and Rust read alike.

/// Lengths of time as [`jiff`] reads them, up to weeks: `5m`, `1h 30m`, `2 days`, `PT5M`, `01:30:00`.
pub const DURATION: &str = concat!(
    r"^\s*\+?\s*([0-9][0-9.,]*\s*",
    "(w|wks?|weeks?|d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?|ms|msecs?|millis?|milliseconds?",
    "|[uµμ]s|usecs?|micros?|microseconds?|ns|nsecs?|nanos?|nanoseconds?)",
    r",?\s*)+([0-9]+:[0-9:.,]+)?\s*$|^\s*\+?\s*[0-9]+:[0-9:.,]+\s*$|^\s*\+?[Pp]([0-9.,]+[WwDd])*([Tt]([0-9.,]+[HhMmSs])+)?\s*$"
);

/// A text with a `{{ }}` template in it.
pub const TEMPLATE: &str = r"\{[{%]";

/// How dates and times begin.
pub(super) const DATE: &str = r"^\s*[+-]?[0-9]{4}";

/// Any of these.
pub(super) fn or(patterns: &[&str]) -> String {
    patterns.join("|")
}

/// Ids of workflows, steps and webhooks.
pub(crate) const ID: &str = "^[a-z0-9_-]{1,64}$";

/// Five fields, or one of cron's nicknames.
pub(crate) const CRON: &str = r"^\s*(\S+(\s+\S+){4}|@[A-Za-z]+)\s*$";
