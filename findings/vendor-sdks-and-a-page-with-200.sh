#!/usr/bin/env bash
# Packages:  npm @gohighlevel/api-client 3.1.0, PyPI gohighlevel-api-client 3.0.0
# Expected:  a 200 with an HTML page or without a body is an error in both, as neither is the answer that the method's type promises.
# Seen:      Node resolves: the caller gets a string (the page, or ""), so `answer.contacts` is undefined and a loop over
#            `answer.contacts ?? []` ends as if there were no contacts. Python raises JSONDecodeError, which is no GHLError.
#            Both hand on `{"statusCode":500,...}` that comes with 200 as an answer, and `null` as null and None.
# Needs:     node, npm, python3; loopback only. Exits with 1 when the behaviour has
#            changed, with 2 when the packages cannot be had.
set -euo pipefail
export CARGO_NET_RETRY=1 npm_config_fetch_retries=1
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
npm init -y >/dev/null; npm install --silent --no-audit --no-fund @gohighlevel/api-client@3.1.0 >/dev/null || exit 2
python3 -m venv v; v/bin/pip install -q --disable-pip-version-check gohighlevel-api-client==3.0.0 || exit 2
cat >peer.py <<'PY'
import http.server
ANSWERS = {
    "page": ("text/html", b"<html>Back soon</html>"),
    "nothing": ("application/json", b""),
    "error": ("application/json", b'{"statusCode":500,"message":"Internal server error"}'),
    "null": ("application/json", b"null"),
}
class Peer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, body = ANSWERS[self.path.split("/")[1]]
        self.send_response(200); self.send_header("Content-Type", kind); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Peer)
print(server.server_address[1], file=open("port", "w"), flush=True)
server.serve_forever()
PY
python3 peer.py & peer=$!; trap 'kill $peer; rm -rf "$work"' EXIT
until [ -s port ]; do sleep 0.1; done; port=$(cat port)
cat >ask.cjs <<'JS'
const { HighLevel } = require("@gohighlevel/api-client");
(async () => {
  for (const form of ["page", "nothing", "error", "null"]) {
    const client = new HighLevel({ privateIntegrationToken: "pit-x", logLevel: "error" });
    client.httpClient.defaults.baseURL = `http://127.0.0.1:${process.argv[2]}/${form}`;
    try { console.log("node", form, JSON.stringify(await client.contacts.searchContactsAdvanced({ locationId: "l", pageLimit: 1 }))); }
    catch (error) { console.log("node", form, "raises", error.name); }
  }
})();
JS
cat >ask.py <<'PY'
import asyncio, json, sys
from highlevel.highlevel import HighLevel
async def main():
    for form in ["page", "nothing", "error", "null"]:
        client = HighLevel(private_integration_token="pit-x", log_level="error")
        client.http_client.base_url = f"http://127.0.0.1:{sys.argv[1]}/{form}"
        try: print("python", form, json.dumps(await client.contacts.search_contacts_advanced({"locationId": "l", "pageLimit": 1})))
        except Exception as error: print("python", form, "raises", type(error).__name__)
asyncio.run(main())
PY
{ node ask.cjs "$port"; v/bin/python ask.py "$port"; } >seen; cat seen
diff seen - <<'OUT'
node page "<html>Back soon</html>"
node nothing ""
node error {"statusCode":500,"message":"Internal server error"}
node null null
python page raises JSONDecodeError
python nothing raises JSONDecodeError
python error {"statusCode": 500, "message": "Internal server error"}
python null null
OUT
