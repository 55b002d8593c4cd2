#!/usr/bin/env bash
# Packages:  crates.io croner 4.0.3, PyPI croniter 7.0.0 and cronsim 2.8, npm cron-parser 5.10.5
# Expected:  a day field that is `*/1` is as open as `*`, so that `0 9 */1 * 1` is each Monday, as in Vixie's and Debian's cron
#            (a field that begins with a star is a star); croner calls its expressions very similar to Vixie's.
# Seen:      croner, croniter and cron-parser take any step for days that are named, and a day is due that fits one of both
#            fields: `0 9 */1 * 1` runs every day, `0 9 */2 * 1` on odd days and on Mondays. cronsim does as cron does.
#            None of them warns, and a crontab that moves from one to another runs seven times as often.
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
    let start = Utc.with_ymd_and_hms(2026, 6, 1, 0, 0, 0).unwrap();
    for pattern in ["0 9 * * 1", "0 9 */1 * 1", "0 9 */2 * 1"] {
        let times: Vec<_> = croner::Cron::from_str(pattern).unwrap().iter_from(start, croner::Direction::Forward).take(5).map(|at| at.format("%a%d").to_string()).collect();
        println!("croner {pattern}: {}", times.join(" "));
    }
}
RS
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check croniter==7.0.0 cronsim==2.8 || exit 2
npm init -y >/dev/null; npm install --silent --no-audit --no-fund cron-parser@5.10.5 >/dev/null || exit 2
cat >look.py <<'PY'
from datetime import datetime
from croniter import croniter
from cronsim import CronSim
start = datetime(2026, 6, 1)
for pattern in ["0 9 * * 1", "0 9 */1 * 1", "0 9 */2 * 1"]:
    for name, it in [("croniter", croniter(pattern, start).all_next(datetime)), ("cronsim", CronSim(pattern, start))]:
        print(f"{name} {pattern}:", *(next(it).strftime("%a%d") for _ in range(5)))
PY
cat >look.cjs <<'JS'
const { CronExpressionParser } = require("cron-parser");
for (const pattern of ["0 9 * * 1", "0 9 */1 * 1", "0 9 */2 * 1"]) {
  const it = CronExpressionParser.parse(pattern, { currentDate: "2026-06-01T00:00:00Z", tz: "UTC" });
  console.log(`cron-parser ${pattern}:`, it.take(5).map((at) => at.toISOString().slice(8, 10)).join(" "));
}
JS
cargo build --quiet || exit 2
{ cargo run --quiet; v/bin/python look.py; node look.cjs; } >seen; cat seen
diff seen - <<'OUT'
croner 0 9 * * 1: Mon01 Mon08 Mon15 Mon22 Mon29
croner 0 9 */1 * 1: Mon01 Tue02 Wed03 Thu04 Fri05
croner 0 9 */2 * 1: Mon01 Wed03 Fri05 Sun07 Mon08
croniter 0 9 * * 1: Mon01 Mon08 Mon15 Mon22 Mon29
cronsim 0 9 * * 1: Mon01 Mon08 Mon15 Mon22 Mon29
croniter 0 9 */1 * 1: Mon01 Tue02 Wed03 Thu04 Fri05
cronsim 0 9 */1 * 1: Mon01 Mon08 Mon15 Mon22 Mon29
croniter 0 9 */2 * 1: Mon01 Wed03 Fri05 Sun07 Mon08
cronsim 0 9 */2 * 1: Mon01 Mon15 Mon29 Mon13 Mon27
cron-parser 0 9 * * 1: 01 08 15 22 29
cron-parser 0 9 */1 * 1: 01 02 03 04 05
cron-parser 0 9 */2 * 1: 01 03 05 07 08
OUT
