#!/usr/bin/env bash
# Packages:  crates.io croner 4.0.3, PyPI croniter 6.0.0, npm cron-parser 5.4.0
# Expected:  `*/90` in the minutes means nothing (there are 60), so parsers refuse it, or all read it alike.
# Seen:      all three take it and run at minute 0 of each hour: "every 90 minutes" is every 60. `*/59` is minutes 0 and 59, so
#            one minute and 59 minutes apart by turns. None warns.
# Needs:     cargo, python3, node, npm; no network but the registries. Exits with 1 when the behaviour has
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
TOML
cat >src/main.rs <<'RS'
use chrono::{TimeZone, Utc};
use std::str::FromStr;
fn main() {
    let start = Utc.with_ymd_and_hms(2026, 6, 1, 0, 0, 30).unwrap();
    for pattern in ["*/90 * * * *", "*/59 * * * *"] {
        let times: Vec<_> = croner::Cron::from_str(pattern).unwrap().iter_from(start, croner::Direction::Forward).take(4).map(|at| at.format("%H:%M").to_string()).collect();
        println!("croner {pattern}: {}", times.join(" "));
    }
}
RS
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check croniter==6.0.0 || exit 2
npm init -y >/dev/null; npm install --silent --no-audit --no-fund cron-parser@5.4.0 >/dev/null || exit 2
cat >look.py <<'PY'
from datetime import datetime
from croniter import croniter
for pattern in ["*/90 * * * *", "*/59 * * * *"]:
    try:
        it = croniter(pattern, datetime(2026, 6, 1, 0, 0, 30))
        print(f"croniter {pattern}:", *(it.get_next(datetime).strftime("%H:%M") for _ in range(4)))
    except Exception as error: print(f"croniter {pattern}: refuses, {type(error).__name__}")
PY
cat >look.cjs <<'JS'
const { CronExpressionParser } = require("cron-parser");
for (const pattern of ["*/90 * * * *", "*/59 * * * *"]) {
  try {
    const it = CronExpressionParser.parse(pattern, { currentDate: "2026-06-01T00:00:30Z", tz: "UTC" });
    console.log(`cron-parser ${pattern}:`, it.take(4).map((at) => at.toISOString().slice(11, 16)).join(" "));
  } catch (error) { console.log(`cron-parser ${pattern}: refuses, ${error.message}`); }
}
JS
cargo build --quiet || exit 2
{ cargo run --quiet; v/bin/python look.py; node look.cjs; } >seen; cat seen
diff seen - <<'OUT'
croner */90 * * * *: 01:00 02:00 03:00 04:00
croner */59 * * * *: 00:59 01:00 01:59 02:00
croniter */90 * * * *: 01:00 02:00 03:00 04:00
croniter */59 * * * *: 00:59 01:00 01:59 02:00
cron-parser */90 * * * *: 01:00 02:00 03:00 04:00
cron-parser */59 * * * *: 00:59 01:00 01:59 02:00
OUT
