#!/usr/bin/env bash
# Packages:  npm @gohighlevel/api-client 3.1.0, PyPI gohighlevel-api-client 3.0.0 (both by the vendor, both "generated from our OpenAPI spec")
# Expected:  the same operation is asked for under the same `Version` header by both, and under the version that its page names.
# Seen:      with no configuration, Node sends `2023-02-21` and Python sends `v3`, for contacts (page: 2021-07-28) and for
#            calendars (page: 2021-04-15) alike. The version is one constant of the client, no property of the operation, and
#            answers differ between versions: a recording made with one SDK is no fixture for the other.
# Needs:     node, npm, python3; loopback only. Exits with 1 when the behaviour has
#            changed, with 2 when the packages cannot be had.
set -euo pipefail
export CARGO_NET_RETRY=1 npm_config_fetch_retries=1
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init -y >/dev/null; npm install --silent --no-audit --no-fund @gohighlevel/api-client@3.1.0 >/dev/null || exit 2
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check gohighlevel-api-client==3.0.0 || exit 2
cat >peer.py <<'PY'
import http.server, sys
class Peer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path.split("?")[0], self.headers.get("Version"), flush=True)
        self.send_response(200); self.send_header("Content-Type", "application/json"); self.send_header("Content-Length", "2"); self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Peer)
print(server.server_address[1], file=open("port", "w"), flush=True)
server.serve_forever()
PY
python3 peer.py >seen & peer=$!; trap 'kill $peer; rm -rf "$work"' EXIT
until [ -s port ]; do sleep 0.1; done; port=$(cat port)
cat >ask.cjs <<'JS'
const { HighLevel } = require("@gohighlevel/api-client");
(async () => {
  const client = new HighLevel({ privateIntegrationToken: "pit-x", logLevel: "error" });
  client.httpClient.defaults.baseURL = `http://127.0.0.1:${process.argv[2]}/node`;
  await client.contacts.getContact({ contactId: "c1" });
  await client.calendars.getCalendar({ calendarId: "k1" });
})();
JS
node ask.cjs "$port"
cat >ask.py <<'PY'
import asyncio, sys
from highlevel.highlevel import HighLevel
async def main():
    client = HighLevel(private_integration_token="pit-x", log_level="error")
    client.http_client.base_url = f"http://127.0.0.1:{sys.argv[1]}/python"
    await client.contacts.get_contact(contact_id="c1")
    await client.calendars.get_calendar(calendar_id="k1")
asyncio.run(main())
PY
v/bin/python ask.py "$port"
cat seen
diff seen - <<'OUT'
/node/contacts/c1 2023-02-21
/node/calendars/k1 2023-02-21
/python/contacts/c1 v3
/python/calendars/k1 v3
OUT
