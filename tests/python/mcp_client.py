"""`canopy mcp` as an assistant's program uses it, by the official Python SDK (PyPI: mcp) and, where it is given, the
inspector's command line (npm: @modelcontextprotocol/inspector).

    CANOPY=target/debug/canopy python tests/python/mcp_client.py [path/to/mcp-inspector]

It starts a sandbox on loopback and needs nothing else. The first thing that is not as it should be ends it with 1.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from mcp import Client, StdioServerParameters

CANOPY = str(Path(os.environ.get("CANOPY", "target/debug/canopy")).resolve())
MOST = 6000


def check(holds, what):
    if not holds:
        sys.exit(f"mcp_client: {what}")


def read(result):
    check(not result.is_error, f"refused: {result.content}")
    check(result.structured_content is None, "the records come twice")
    check([block.type for block in result.content] == ["text"], f"not one text: {result.content}")
    return json.loads(result.content[0].text)


def refusal(result):
    check(result.is_error, f"taken: {result.content}")
    return result.content[0].text


async def sdk(command, location, mode):
    async with Client(command, mode=mode) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        check(tools == ["find_operations", "describe_operation", "call_operation"], f"tools: {tools}")

        async def call(name, arguments, **others):
            return await client.call_tool("call_operation", {"name": name, "arguments": arguments, **others})

        found = read(await client.call_tool("find_operations", {"query": "add tags"}))
        check(found["operations"][0]["name"] == "add-tags-to-contact", found)
        described = read(await client.call_tool("describe_operation", {"name": "add-tags"}))
        check(any(field["name"] == "tags" for field in described["fields"]), described)

        # Arguments as text, whole and in part; answers that are cut, and going on.
        ids, skip = [], 0
        while skip is not None:
            result = await call("search-contacts", json.dumps({"pageLimit": 50.0}), skip=skip)
            check(len(result.content[0].text) <= MOST, "an answer is too long")
            page = read(result)
            check(page["location"] == location, page)
            ids += [contact["id"] for contact in page["answer"]["contacts"]]
            skip = page.get("left_out", {}).get("go_on", {}).get("skip")
        check(len(ids) == len(set(ids)) == 50, f"{len(ids)} records, {len(set(ids))} of them different")
        few = read(await call("search-contacts", {"pageLimit": 50}, fields=["id", "email"]))
        check(len(few["answer"]["contacts"]) == 50 and "left_out" not in few, few)

        tags = read(await call("add-tags", {"contactId": ids[0], "tags": '["a", "b"]'}))
        check({"a", "b"} <= set(tags["answer"]["tags"]), tags)
        dry = read(await call("create-contact-note", {"contactId": ids[0], "body": "[1]"}, dry_run=True))
        check(dry["dry_run"]["body"] == {"body": "[1]"}, dry)
        check(dry["scopes"]["needed"] == ["contacts.write"], dry)

        check("`pageLimit` must be a whole number" in refusal(await call("search-contacts", {"pageLimit": 2.5})), "2.5")
        check("did you mean" in refusal(await call("serch-contacts", {})), "no hint")
        return client.protocol_version


def broken(command, environment):
    """What is no JSON is answered, and what comes after it as well."""
    lines = '{"jsonrpc"\n{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", '
    lines += '"capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}}\n'
    done = subprocess.run(command, input=lines, capture_output=True, text=True, env=environment, timeout=60, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    check(answers[0]["error"]["code"] == -32700 and answers[0]["id"] is None, answers)
    check(answers[1]["id"] == 1 and "result" in answers[1], answers)


def inspector(cli, command, folder):
    def run(*arguments):
        done = subprocess.run([cli, "--cli", *command, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)
        check(done.returncode == 0, f"inspector: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    tools = run("--method", "tools/list")
    check(len(tools["tools"]) == 3, tools)
    arguments = ["--tool-name", "call_operation", "--tool-arg", "name=search-contacts", "--tool-arg", 'arguments={"pageLimit":2}']
    result = run("--method", "tools/call", *arguments)
    check(not result.get("isError"), result)
    answer = json.loads(result["content"][0]["text"])
    check(len(answer["answer"]["contacts"]) == 2, answer)


def main():
    with tempfile.TemporaryDirectory() as folder:
        options = ["--listen", "127.0.0.1:0", "--contacts", "50", "--no-limits", "--json"]
        sandbox = subprocess.Popen([CANOPY, "sandbox", *options], stdout=subprocess.PIPE, text=True)
        try:
            info = json.loads(sandbox.stdout.readline())
            # What was seeded a moment ago is found at once.
            settings = json.dumps({"search_lag_seconds": 0}).encode()
            headers = {"Content-Type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(info["control_url"] + "/settings", settings, headers)).close()
            config = Path(folder, "canopy.toml")
            config.write_text(
                f"""[[connection]]
write_in_test = true
[connection.highlevel]
base_url = "{info['highlevel_url']}"
token = "{info['token']}"
[connection.ecologi]
base_url = "{info['ecologi_url']}"
api_key = "{info['ecologi_key']}"
"""
            )
            arguments = ["mcp", "--config", str(config), "--allow-actions", "--max-answer", str(MOST)]
            command = StdioServerParameters(command=CANOPY, args=arguments)
            for mode in ("auto", "legacy"):
                version = asyncio.run(sdk(command, info["location_id"], mode))
                print(f"mcp_client: the Python SDK, {mode}, protocol {version}: good")
            broken([CANOPY, *arguments], os.environ)
            print("mcp_client: what is no JSON is answered: good")
            if len(sys.argv) > 1:
                # Its own options have the names of some of ours.
                inspector(sys.argv[1], [CANOPY, "mcp"], folder)
                print("mcp_client: the inspector: good")
        finally:
            sandbox.terminate()
            sandbox.wait(timeout=30)


if __name__ == "__main__":
    main()
