#!/usr/bin/env bash
# Packages:  crates.io croner 4.0.3, chrono-tz 0.10.4
# Expected:  croner treats a fixed time at a change of clocks as cron does (a skipped one is made up for, a doubled one runs
#            once); a second hour or minute in a list adds times and changes nothing of that.
# Seen:      the rule holds only where minute and hour are single numbers. `0 2 * * *` runs once on both nights; with an
#            afternoon added, `0 2,14 * * *`, the two o'clock runs twice in autumn and not at all in spring, though only
#            14 was added. In spring `15,45 2 * * *` has no time at all. And the made-up time of `30 2 * * *` is 03:00, not 03:30.
# Needs:     cargo; no network but the registry. Exits with 1 when the behaviour has
#            changed, with 2 when the packages cannot be had.
set -euo pipefail
export CARGO_NET_RETRY=1 npm_config_fetch_retries=1
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "look"
version = "0.1.0"
edition = "2021"
[dependencies]
croner = "=4.0.3"
chrono = "=0.4.45"
chrono-tz = "=0.10.4"
TOML
cat >src/main.rs <<'RS'
use chrono::{Duration, NaiveDate, TimeZone};
use chrono_tz::Europe::Berlin;
use std::str::FromStr;
fn main() {
    for (night, pattern) in [
        ("2026-10-25", "0 2 * * *"), ("2026-10-25", "0 2,14 * * *"), ("2026-10-25", "0,30 2 * * *"),
        ("2026-03-29", "0 2 * * *"), ("2026-03-29", "0 2,14 * * *"), ("2026-03-29", "15,45 2 * * *"), ("2026-03-29", "30 2 * * *"),
    ] {
        let day = NaiveDate::from_str(night).unwrap();
        let start = Berlin.from_local_datetime(&day.and_hms_opt(0, 0, 0).unwrap()).unwrap();
        let times: Vec<_> = croner::Cron::from_str(pattern).unwrap().iter_from(start, croner::Direction::Forward)
            .take_while(|at| at.date_naive() == day && *at < start + Duration::hours(26))
            .map(|at| at.format("%H:%M%:z").to_string()).collect();
        println!("{night} {pattern}: {}", times.join(" "));
    }
}
RS
cargo build --quiet || exit 2
cargo run --quiet >seen; cat seen
diff seen - <<'OUT'
2026-10-25 0 2 * * *: 02:00+02:00
2026-10-25 0 2,14 * * *: 02:00+02:00 02:00+01:00 14:00+01:00
2026-10-25 0,30 2 * * *: 02:00+02:00 02:30+02:00 02:00+01:00 02:30+01:00
2026-03-29 0 2 * * *: 03:00+02:00
2026-03-29 0 2,14 * * *: 14:00+02:00
2026-03-29 15,45 2 * * *: 
2026-03-29 30 2 * * *: 03:00+02:00
OUT
