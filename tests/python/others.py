#!/usr/bin/env python3
"""Holds what the project gives to other people's tools against these tools.

usage: others.py CANOPY HIGHLEVEL.json ECOLOGI.json

CANOPY is the built binary; the files are the bundles as `cargo xtask spec bundle SERVICE --out FILE` writes
them. Needs the packages of `requirements.txt` beside this file. Only loopback is used.
Exit status: 0 when everything holds; 1 with one line for each thing that does not.
"""
import importlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from openapi_spec_validator import validate

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = ("get", "post", "put", "patch", "delete")
# What openapi-python-client cannot make: an answer that is a file of sound.
CANNOT = re.compile(r"/recording$")
WRONG = []


def wrong(what):
    WRONG.append(what)
    print(f"WRONG  {what}")


def run(*command, cwd=None):
    """A command's exit status and all that it printed."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolve(document, value):
    while "$ref" in value:
        target = document
        for key in value["$ref"][2:].split("/"):
            target = target[key.replace("~1", "/").replace("~0", "~")]
        value = target
    return value


def bundle(name, path):
    """A bundle is a valid document that says in full what a client of any make needs."""
    document = json.loads(path.read_text())
    try:
        validate(document)
    except Exception as error:  # each kind of mistake is an exception of its own
        wrong(f"{name}: openapi-spec-validator: {type(error).__name__}: {str(error)[:300]}")
    shapes = {}
    for path_ in document["paths"]:
        shape = re.sub(r"\{[^}]*\}", "{}", path_)
        if shape in shapes:
            wrong(f"{name}: {path_} and {shapes[shape]} are the same path to OpenAPI")
        shapes[shape] = path_
    if not any("{" in shape for shape in shapes):
        wrong(f"{name}: no path has a parameter: this is no bundle")
    for path_, item in document["paths"].items():
        for method in METHODS:
            operation = item.get(method)
            if operation is None or operation.get("x-api-version") is None:
                continue
            headers = [resolve(document, parameter) for parameter in operation.get("parameters", [])]
            version = [header for header in headers if header["in"] == "header" and header["name"] == "Version"]
            if len(version) != 1 or version[0]["schema"]["enum"] != [operation["x-api-version"]]:
                wrong(f"{name}: {method.upper()} {path_} does not declare its `Version`")
    outside = {key: value for key, value in document.items() if key != "components"}
    used, open_ = set(), list(references(outside))
    while open_:
        reference = open_.pop()
        if reference not in used:
            used.add(reference)
            open_ += references(resolve(document, {"$ref": reference}))
    for kind, items in document["components"].items():
        for component in items:
            if kind != "securitySchemes" and f"#/components/{kind}/{component}" not in used:
                wrong(f"{name}: nothing uses components.{kind}.{component}")
    print(f"ok     {name}: {len(document['paths'])} paths")


def generated_client(canopy, path, temp):
    """A client that somebody else's generator makes of the bundle lists contacts in the sandbox."""
    config = temp / "client.yaml"
    config.write_text("post_hooks: []\n")
    package = temp / "made_client"
    status, said = run(
        sys.executable, "-m", "openapi_python_client", "generate", "--path", path, "--meta", "none",
        "--output-path", package, "--config", config,
    )
    if status != 0 or not package.is_dir():
        return wrong(f"openapi-python-client makes no client: {said[-400:]}")
    # What it leaves out is told as a warning.
    for warning in re.findall(r"WARNING parsing (.*?) within", said):
        if not CANNOT.search(warning):
            wrong(f"openapi-python-client leaves out {warning}")
    sys.path.insert(0, str(temp))
    client_class = importlib.import_module("made_client.client").AuthenticatedClient
    get_contacts = importlib.import_module("made_client.api.contacts.get_contacts")
    sandbox = subprocess.Popen(
        [canopy, "sandbox", "--listen", "127.0.0.1:0", "--contacts", "3", "--seed", "7", "--json"],
        stdout=subprocess.PIPE, text=True, cwd=temp,
    )
    try:
        info = json.loads(sandbox.stdout.readline())
        with client_class(base_url=info["highlevel_url"], token=info["token"]) as client:
            page = get_contacts.sync(client=client, location_id=info["location_id"], limit=2)
        contacts = getattr(page, "contacts", None)
        if not contacts or len(contacts) != 2 or not all(contact.id for contact in contacts):
            return wrong(f"the generated client lists no contacts: {page!r}"[:400])
        print(f"ok     openapi-python-client: listed {len(contacts)} contacts in the sandbox")
    finally:
        sandbox.kill()
        sandbox.wait()


def toml_files(canopy, temp):
    """Editors warn of nothing in the recipes and in the configuration that `canopy init` writes."""
    folder = temp / "toml"
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    # It writes the schemas, too.
    status, said = run(canopy, "init", cwd=folder)
    if status != 0 or not (folder / "canopy.toml").is_file():
        return wrong(f"`canopy init` writes no configuration: {said[-300:]}")
    files = {"recipes/*.toml": "workflow", "workflows/*.toml": "workflow", "canopy.toml": "canopy"}
    tombi = "".join(
        f'[[schemas]]\npath = "schema/{schema}.schema.json"\ninclude = ["{which}"]\n' for which, schema in files.items()
    )
    (folder / "tombi.toml").write_text(tombi)
    taplo = "".join(
        f'[[rule]]\ninclude = ["{which}"]\n[rule.schema]\npath = "./schema/{schema}.schema.json"\n'
        for which, schema in files.items()
    )
    (folder / ".taplo.toml").write_text(taplo)
    linted = [*sorted(folder.glob("recipes/*.toml")), *sorted(folder.glob("workflows/*.toml")), folder / "canopy.toml"]
    for tool in (("tombi", "lint", "--offline", "--error-on-warnings"), ("taplo", "lint")):
        program = pathlib.Path(sys.executable).parent / tool[0]
        status, said = run(program, *tool[1:], *linted, cwd=folder)
        said = re.sub(r"\x1b\[[0-9;]*m", "", said)
        told = [line for line in said.splitlines() if re.search(r"\b(warning|error)\b", line, re.IGNORECASE)]
        if status != 0 or told:
            wrong(f"{tool[0]} warns of {len(told)} things, first: {(told or [said])[0][:300]}")
        else:
            print(f"ok     {tool[0]}: no warning in {len(linted)} files")
    # A check that says nothing of what is wrong would be none.
    bad = folder / "recipes" / "bad.toml"
    bad.write_text('id = "bad"\ntitle = "Bad"\non = "contact.created"\n[[do]]\nid = "a"\naction = "no-such-action"\n')
    for tool in (("tombi", "lint", "--offline", "--error-on-warnings"), ("taplo", "lint")):
        status, _ = run(pathlib.Path(sys.executable).parent / tool[0], *tool[1:], bad, cwd=folder)
        if status == 0:
            wrong(f"{tool[0]} does not read the schema: an action that is not there passes")


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    canopy, highlevel, ecologi = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    bundle("highlevel", highlevel)
    bundle("ecologi", ecologi)
    with tempfile.TemporaryDirectory() as temp:
        generated_client(canopy, highlevel, pathlib.Path(temp))
        toml_files(canopy, pathlib.Path(temp))
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
