#!/usr/bin/env bash
# Packages:  crates.io minijinja 3.1.0, PyPI Jinja2 3.1.6
# Expected:  as in Jinja2, whose language it is: ordering a text and a number, or something that is missing, is an error.
# Seen:      minijinja orders values of different kinds by kind, and what is missing below everything: `"5" > 100` is true,
#            `[1] > 100` is true, `missing < 10` is true, and `["5", 20] | min` is 20. Jinja2 raises TypeError or UndefinedError
#            for the first three and TypeError for the last. A condition that guards a purchase holds for the wrong people.
# Needs:     cargo, python3; no network but the registries. Exits with 1 when the behaviour has
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
minijinja = "=3.1.0"
TOML
cat >src/main.rs <<'RS'
fn main() {
    let environment = minijinja::Environment::new();
    let context = minijinja::context! { five => "5", list => vec![1], nothing => () };
    for text in ["five > 100", "list > 100", "missing < 10", "nothing < 10", "[five, 20] | min"] {
        let answer = environment.compile_expression(text).unwrap().eval(&context);
        println!("minijinja {text}: {}", answer.map_or_else(|error| error.to_string(), |value| value.to_string()));
    }
}
RS
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check Jinja2==3.1.6 || exit 2
cat >look.py <<'PY'
from jinja2 import Environment
for text in ["five > 100", "list > 100", "missing < 10", "nothing < 10", "[five, 20] | min"]:
    try: print(f"Jinja2 {text}:", Environment().from_string("{{ %s }}" % text).render(five="5", list=[1], nothing=None))
    except Exception as error: print(f"Jinja2 {text}: {type(error).__name__}")
PY
cargo build --quiet || exit 2
{ cargo run --quiet; v/bin/python look.py; } >seen; cat seen
diff seen - <<'OUT'
minijinja five > 100: True
minijinja list > 100: True
minijinja missing < 10: True
minijinja nothing < 10: True
minijinja [five, 20] | min: 20
Jinja2 five > 100: TypeError
Jinja2 list > 100: TypeError
Jinja2 missing < 10: UndefinedError
Jinja2 nothing < 10: TypeError
Jinja2 [five, 20] | min: TypeError
OUT
