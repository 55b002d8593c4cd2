#!/usr/bin/env bash
# Packages:  crates.io serde_json 1.0.154, npm node 22.23.3 (Node.js itself)
# Expected:  a JSON text that one parser wrote, another reads; where a single member is odd, the rest of the document is there.
# Seen:      a text cut in the middle of a surrogate pair, which JSON.stringify writes as `"\ud83d"`, and the number 1e999 are
#            grammatical JSON. Node reads both; serde_json refuses the whole document for either, so one member of one
#            record costs the page of a list. And reading is not keeping: Node writes the number again as `null`.
# Needs:     cargo, node, npm; no network but the registry. Exits with 1 when the behaviour has
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
serde_json = "=1.0.154"
TOML
cat >src/main.rs <<'RS'
fn main() {
    for file in ["cut", "large"] {
        let read = serde_json::from_str::<serde_json::Value>(&std::fs::read_to_string(file).unwrap());
        println!("serde_json {file}: {}", read.map_or_else(|error| format!("refuses, {error}"), |value| value.to_string()));
    }
}
RS
npm init -y >/dev/null; npm install --silent --no-audit --no-fund node@22.23.3 >/dev/null || exit 2
export PATH=$PWD/node_modules/.bin:$PATH
node -e 'process.stdout.write(JSON.stringify([{id:1,name:"Ann 🌳".slice(0,5)},{id:2}]))' >cut
echo -n '[{"id":1,"score":1e999},{"id":2}]' >large
cargo build --quiet || exit 2
{
  cat cut; echo
  for file in cut large; do node -e 'console.log("node", process.argv[1] + ":", JSON.stringify(JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))))' $file; done
  cargo run --quiet
} >seen; cat seen
diff seen - <<'OUT'
[{"id":1,"name":"Ann \ud83c"},{"id":2}]
node cut: [{"id":1,"name":"Ann \ud83c"},{"id":2}]
node large: [{"id":1,"score":null},{"id":2}]
serde_json cut: refuses, unexpected end of hex escape at line 1 column 28
serde_json large: refuses, number out of range at line 1 column 22
OUT
