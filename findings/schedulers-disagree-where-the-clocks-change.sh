#!/usr/bin/env bash
# Packages:  Debian 12 cron 3.0pl1-162, systemd 252.38-1~deb12u1 and libfaketime 0.9.10-2.1, PyPI croniter 7.0.0
# Expected:  what all three read (`30 1 * * *`) means the same on the two nights of the year on which the clocks change.
# Seen:      no two agree. A time that is skipped is made up for by cron and croniter, and left out by systemd. One that is
#            shown twice is due once for cron and systemd, twice for croniter; a list of minutes that is skipped runs at once
#            for each of them in cron. `*/30 1` runs through both showings in cron and croniter, not in systemd, which leaves
#            an hour of `30 *` out. `0 9 */1 * 1` is Mondays for cron (each day for croniter). A job that moves from one to another runs twice or not at all, once a year.
# Needs:     Debian 12 with these packages, root (mount namespaces), python3, three minutes; no network but the registry. Exits
#            with 1 when the behaviour has changed, with 2 when the packages cannot be had.
set -euo pipefail
has() { [ "$(dpkg-query -W -f '${Version}' "$1" 2>/dev/null)" = "$2" ]; }
has cron 3.0pl1-162 && has systemd 252.38-1~deb12u1 && has libfaketime 0.9.10-2.1 || { echo "apt-get install cron=3.0pl1-162 systemd=252.38-1~deb12u1 libfaketime=0.9.10-2.1" >&2; exit 2; }
unshare -m true 2>/dev/null || { echo "no mount namespaces here" >&2; exit 2; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; chmod 755 .
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check croniter==7.0.0 || exit 2
cat >patterns <<'P'
30 1 * * *
0 1,13 * * *
0,30 1 * * *
*/30 1 * * *
30 * * * *
P
cat >by_croniter.py <<'PY'
from croniter import croniter
from datetime import datetime
from zoneinfo import ZoneInfo
zone = ZoneInfo("Europe/London")
for day in (datetime(2026, 3, 29, tzinfo=zone), datetime(2026, 10, 25, tzinfo=zone)):
    for pattern in open("patterns").read().splitlines():
        it, seen = croniter(pattern, day), []
        while (at := it.get_next(datetime)).date() == day.date() and at.hour < 3:
            if at.hour: seen.append(at.strftime("%H:%M%Z"))
        print(f"croniter {day.date()} {pattern}:", *seen)
PY
cat >systemd.py <<'PY'
import subprocess, re
# What the five patterns are as calendar events.
events = ["01:30", "01,13:00", "01:00,30", "01:00/30", "*:30"]
for day, zone in (("2026-03-29", "GMT"), ("2026-10-25", "BST")):
    for pattern, event in zip(open("patterns").read().splitlines(), events):
        said = subprocess.run(["systemd-analyze", "calendar", "--iterations=8", f"--base-time={day} 00:00:00", f"*-*-* {event}:00"],
                              env={"TZ": "Europe/London", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True).stdout
        times = re.findall(rf"(?:Next elapse|Iteration #\d+|Iter\. #\d+): \w+ {day} (\d\d:\d\d):\d\d (\w+)", said)
        print(f"systemd {day} {pattern}:", *(a + b for a, b in times if "01" <= a < "03"))
PY
# cron on a clock that runs sixty times as fast. Jobs do not know of that clock; the job of each minute counts the minutes.
night() {
  mkdir -p "$1/spool" "$1/empty"; : >"$1/crontab"
  { echo '* * * * * echo minute >>log'; while read -r line; do echo "$line echo '$line' >>log"; done; } <"$4" | sed "s#>>log#>>$work/$1/log#" >"$1/spool/root"
  chmod 600 "$1/spool/root"; chown root:crontab "$1/spool/root"
  TZ=Europe/London unshare -m bash -c "mount --bind $1/spool /var/spool/cron/crontabs && mount --bind $1/empty /etc/cron.d && mount --bind $1/crontab /etc/crontab && mount -t tmpfs t /run &&
    LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 FAKETIME='@$1 $2:30 x60' FAKETIME_DONT_FAKE_MONOTONIC=1 timeout $3 /usr/sbin/cron -f" || [ $? = 124 ]
}
# Until 03:05, of which one night has an hour less and the other one more; and a Tuesday morning.
printf '%s\n' '0 9 */1 * 1' '0 9 * * 2' >days
night 2026-03-29 00:54 72 patterns & night 2026-10-25 00:54 192 patterns & night 2026-06-02 08:54 12 days & wait
cat >cron.py <<'PY'
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo
zone = ZoneInfo("Europe/London")
for day in ("2026-03-29", "2026-10-25"):
    start, minute, seen = datetime.fromisoformat(day + "T00:54:00").replace(tzinfo=zone).timestamp(), 0, {}
    for line in open(f"{day}/log").read().splitlines():
        if line == "minute": minute += 1
        # The jobs of one minute come in any order, so it is told to the next five minutes.
        else: seen.setdefault(line, []).append(datetime.fromtimestamp(round((start + 60 * minute) / 300) * 300, zone))
    for pattern in open("patterns").read().splitlines():
        print(f"cron {day} {pattern}:", *(at.strftime("%H:%M%Z") for at in seen.get(pattern, []) if at.hour < 3))
ran = open("2026-06-02/log").read().splitlines()
for pattern in open("days").read().splitlines(): print(f"cron 2026-06-02 {pattern}:", "runs" if pattern in ran else "rests")
PY
{ python3 cron.py; python3 systemd.py; v/bin/python by_croniter.py; } >seen; cat seen
diff seen - <<'OUT'
cron 2026-03-29 30 1 * * *: 02:00BST
cron 2026-03-29 0 1,13 * * *: 02:00BST
cron 2026-03-29 0,30 1 * * *: 02:00BST 02:00BST
cron 2026-03-29 */30 1 * * *:
cron 2026-03-29 30 * * * *: 02:30BST
cron 2026-10-25 30 1 * * *: 01:30BST
cron 2026-10-25 0 1,13 * * *: 01:00BST
cron 2026-10-25 0,30 1 * * *: 01:00BST 01:30BST
cron 2026-10-25 */30 1 * * *: 01:00BST 01:30BST 01:00GMT 01:30GMT
cron 2026-10-25 30 * * * *: 01:30BST 01:30GMT 02:30GMT
cron 2026-06-02 0 9 */1 * 1: rests
cron 2026-06-02 0 9 * * 2: runs
systemd 2026-03-29 30 1 * * *:
systemd 2026-03-29 0 1,13 * * *:
systemd 2026-03-29 0,30 1 * * *:
systemd 2026-03-29 */30 1 * * *:
systemd 2026-03-29 30 * * * *: 02:30BST
systemd 2026-10-25 30 1 * * *: 01:30BST
systemd 2026-10-25 0 1,13 * * *: 01:00BST
systemd 2026-10-25 0,30 1 * * *: 01:00BST 01:30BST
systemd 2026-10-25 */30 1 * * *: 01:00BST 01:30BST
systemd 2026-10-25 30 * * * *: 01:30BST 02:30GMT
croniter 2026-03-29 30 1 * * *: 02:00BST
croniter 2026-03-29 0 1,13 * * *: 02:00BST
croniter 2026-03-29 0,30 1 * * *: 02:00BST
croniter 2026-03-29 */30 1 * * *: 02:00BST
croniter 2026-03-29 30 * * * *: 02:30BST
croniter 2026-10-25 30 1 * * *: 01:30BST 01:30GMT
croniter 2026-10-25 0 1,13 * * *: 01:00BST 01:00GMT
croniter 2026-10-25 0,30 1 * * *: 01:00BST 01:30BST 01:00GMT 01:30GMT
croniter 2026-10-25 */30 1 * * *: 01:00BST 01:30BST 01:00GMT 01:30GMT
croniter 2026-10-25 30 * * * *: 01:30BST 01:30GMT 02:30GMT
OUT
