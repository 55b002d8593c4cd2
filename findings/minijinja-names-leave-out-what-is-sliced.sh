#!/usr/bin/env bash
# Packages:  crates.io minijinja 3.1.0
# Expected:  `undeclared_variables` tells every variable that a template looks up, as its documentation says; it is what one
#            loads data by, or checks names with.
# Seen:      what is sliced is left out, with all that it is made of: `user.name[:1]` tells nothing, while `user.name[0]` and
#            `user.name|first` tell it. Who loads only what is named renders nothing for it, without an error.
# Needs:     cargo; no network but the registry. Exits with 1 when the behaviour has
#            changed, with 2 when the packages cannot be had.
set -euo pipefail
export CARGO_NET_RETRY=1 npm_config_fetch_retries=1
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"; mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "look"
version = "0.1.0"
edition = "2024"
[dependencies]
minijinja = "=3.1.0"
TOML
cat >src/main.rs <<'RS'
use minijinja::{Environment, context};
fn main() {
    let env = Environment::new();
    let data = context! { user => context! { name => "Ada" }, all => [3, 1, 2], n => 2 };
    for text in ["{{ user.name[0] }}", "{{ user.name[:1] }}", "{{ (all|sort)[:1] }}", "{{ all[:n] }}"] {
        let template = env.template_from_str(text).unwrap();
        let mut names: Vec<_> = template.undeclared_variables(true).into_iter().collect();
        names.sort();
        println!("{text} renders {} and names {names:?}", template.render(&data).unwrap());
    }
}
RS
cargo build --quiet || exit 2
cargo run --quiet >seen; cat seen
diff seen - <<'OUT'
{{ user.name[0] }} renders A and names ["user.name"]
{{ user.name[:1] }} renders A and names []
{{ (all|sort)[:1] }} renders [1] and names []
{{ all[:n] }} renders [3, 1] and names ["n"]
OUT
