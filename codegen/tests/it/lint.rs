//! Each trap of the generator is told with file, line, place and remedy, before the generator sees it.

use serde_json::{Value, json};

use canopy_codegen::{Problems, Service, Source, bundle, generate_service};

/// One description without a mistake.
pub const GOOD: &str = r##"openapi: 3.0.3
info: { title: T, version: "1" }
tags: [{ name: things, description: Things. }]
security: [{ key: [] }]
paths:
  /things/{thingId}:
    put:
      operationId: update-thing
      summary: Update
      description: Changes a thing.
      x-idempotency: idempotent
      parameters:
        - { name: thingId, in: path, required: true, description: Its id., schema: { type: string } }
        - { name: limit, in: query, description: How many., schema: { type: number } }
      requestBody:
        required: true
        content: { application/json: { schema: { $ref: "#/components/schemas/Thing" } } }
      responses:
        "200":
          description: Done.
          content: { application/json: { schema: { $ref: "#/components/schemas/Answer" } } }
    get:
      operationId: get-thing
      summary: Get
      description: Reads a thing.
      x-idempotency: read
      parameters:
        - { name: thingId, in: path, required: true, description: Its id., schema: { type: string } }
      responses:
        "200":
          description: Done.
          content: { application/json: { schema: { $ref: "#/components/schemas/Answer" } } }
components:
  schemas:
    Thing:
      type: object
      description: A thing.
      required: [name]
      properties:
        name: { type: string }
        kind: { $ref: "#/components/schemas/Kind" }
    Kind: { type: string, description: A kind., enum: [a, b] }
    Answer:
      type: object
      description: An answer.
      properties:
        thing: { $ref: "#/components/schemas/Thing" }
        success: { type: boolean }
"##;

pub fn lint(text: &str) -> Result<String, Problems> {
    bundle(
        &[Source::new("spec/ecologi.yaml", text)],
        Service::named("ecologi").unwrap(),
    )
}

#[test]
fn the_good_one_is_good() {
    lint(GOOD).unwrap();
}

/// What is replaced in the good one, by what, and what is then told (with the line).
const CASES: &[(&str, &str, &str)] = &[
    (
        "Thing\" } } }\n      resp",
        "Thin\" } } }\n      resp",
        ":17: update-thing, requestBody.content.application/json.schema: `$ref: #/components/schemas/Thin` leads nowhere",
    ),
    (
        "schemas/Kind\" }\n",
        "schemas/Kin\" }\n",
        ":41: Thing, kind: `$ref: #/components/schemas/Kin` leads nowhere",
    ),
    (
        "\"#/components/schemas/Kind\"",
        "\"other.yaml#/components/schemas/Kind\"",
        ":41: Thing, kind: `$ref: other.yaml#/components/schemas/Kind` leads to another file",
    ),
    (
        "operationId: get-thing",
        "operationId: update-thing",
        ":23: update-thing, operationId: another operation is called `update-thing`, too",
    ),
    (
        "operationId: get-thing",
        "operationId: getThing",
        ":23: getThing, operationId: `operationId: getThing` must be in kebab-case",
    ),
    (
        "      operationId: get-thing\n",
        "",
        "GET /things/{thingId}: `operationId` is missing",
    ),
    (
        "summary: Get",
        "summary: ''",
        ": get-thing: `summary` is missing",
    ),
    (
        "openapi: 3.0.3",
        "openapi: 3.1.0",
        ":1: openapi: `openapi` must be 3.0.x",
    ),
    (
        "version: \"1\"",
        "version: 1",
        "`info.version` must be text",
    ),
    (
        "name: things",
        "name: someThings",
        "`someThings` becomes a module; write it in snake_case",
    ),
    (
        "/{thingId}:",
        "/{thingId}/{part}:",
        "update-thing: the path has `{part}`, but no parameter declares it",
    ),
    (
        "in: path, required: true",
        "in: path",
        ":13: update-thing, parameters.0: path parameter `thingId` needs `required: true`",
    ),
    (
        "in: query",
        "in: path, required: true",
        "path parameter `limit` is not in the path",
    ),
    (
        "in: query",
        "in: cookie",
        "parameter `limit` is `in: cookie`; only path, query and header",
    ),
    (
        "in: query",
        "in: query, style: deepObject",
        "parameter `limit` has `style`, which the generator cannot do",
    ),
    (
        "name: limit",
        "name: thing_id",
        "parameters `thingId` and `thing_id` become the same name",
    ),
    (
        "schema: { type: number }",
        "schema: { type: any }",
        ":14: update-thing, parameters.1.schema.type: `type: \"any\"` is no type",
    ),
    (
        "name: { type: string }",
        "name: { type: [string, 'null'] }",
        "Thing, name.type: `type: [\"string\",\"null\"]` is no type",
    ),
    (
        "        required: true\n",
        "",
        "update-thing, requestBody: write `required: true`",
    ),
    (
        "content: { application/json",
        "content: { multipart/form-data",
        "`multipart/form-data` is not supported",
    ),
    (
        "content: { application/json: { schema: { $ref: \"#/components/schemas/Answer\" } } }",
        "content: { audio/x-wav: { schema: { type: string } } }",
        "`audio/x-wav` is not supported; use application/json; the schema of a file is `{ type: string, format: binary }`",
    ),
    (
        "{ application/json: { schema: { $ref: \"#/components/schemas/Thing\" } } }",
        "{ application/json: { schema: { type: object } } }",
        "give the schema a name under `components.schemas`",
    ),
    (
        "          content: { application/json: { schema: { $ref: \"#/components/schemas/Answer\" } } }\n    get",
        "    get",
        ":19: update-thing, responses.200: the answer has no content",
    ),
    (
        "\"200\":",
        "\"404\":",
        ":18: update-thing, responses: there must be one success answer, there are 0",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: maybe",
        "get-thing, x-idempotency: `x-idempotency` must be read, idempotent",
    ),
    (
        "      x-idempotency: read\n",
        "",
        "get-thing, x-idempotency: `x-idempotency` must be read",
    ),
    (
        "x-idempotency: idempotent",
        "x-idempotency: { keyed: Key }",
        "`keyed: Key` needs a header parameter of this name",
    ),
    (
        "x-idempotency: idempotent",
        "x-idempotency: { lookup: { operation: nope, equal: [name] } }",
        "`lookup.operation: nope` is no GET operation",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-itms: /a",
        "get-thing, x-itms: `x-itms` means nothing; use one of",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-items: things",
        "`x-items` must be a JSON pointer",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-paging: pages",
        "`x-paging` must be one of",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-token-kinds: [user]",
        "`x-token-kinds` must list",
    ),
    (
        "name: { type: string }",
        "name: { anyOf: [{ type: string }] }",
        "Thing, name.anyOf: `anyOf` becomes a struct of flattened options; use `oneOf`",
    ),
    (
        "name: { type: string }",
        "name: { type: string, default: x }",
        "`default` would always be sent",
    ),
    (
        "name: { type: string }",
        "name: { const: x }",
        "`const` belongs to OpenAPI 3.1",
    ),
    (
        "name: { type: string }",
        "name: { type: string, enum: [a] }",
        ":40: Thing, name: give the `enum` a name",
    ),
    (
        "name: { type: string }",
        "name: { type: object, properties: { a: {} } }",
        "Thing, name: give the object a name",
    ),
    (
        "name: { type: string }",
        "name: { type: array }",
        "a list needs `items`",
    ),
    (
        "name: { type: string }",
        "name: { $ref: \"#/components/schemas/Kind\", nullable: true }",
        "what stands beside `$ref` is ignored",
    ),
    (
        "name: { type: string }",
        "name: { type: string, maxLenght: 3 }",
        "`maxLenght` is not known",
    ),
    (
        "name: { type: string }",
        "name: { type: string }\n        Name: { type: string }",
        ":41: Thing, Name: `name` and `Name` become the same field",
    ),
    (
        "name: { type: string }",
        "name: { type: string }\n        extra: { type: string }",
        "keeps unknown members under `extra`",
    ),
    (
        "required: [name]",
        "required: [nam]",
        "`required` names `nam`, which is no property",
    ),
    (
        "enum: [a, b]",
        "enum: [a, no, 1]",
        "an `enum` must be `type: string` with a list of texts",
    ),
    (
        "enum: [a, b]",
        "enum: [on-hold, on_hold]",
        "`on-hold` and `on_hold` become the same variant",
    ),
    (
        "enum: [a, b]",
        "enum: [a, '']",
        "a word without letters cannot be a variant",
    ),
    (
        "    Kind: {",
        "    kind: {",
        "`kind` becomes a type; write it in UpperCamelCase",
    ),
    (
        "      description: A thing.\n",
        "",
        ": Thing: `description` is missing",
    ),
    (
        "    Kind: {",
        "    Spare: { type: object, description: Spare. }\n    Kind: {",
        ":42: Spare: nothing uses it; remove it",
    ),
    (
        "name: { type: string }",
        "name: { type: integer, enum: [1, 1.5] }",
        ":40: Thing, name.enum: the `enum` of an integer must list whole numbers",
    ),
    (
        "name: { type: string }",
        "name: { type: number, enum: [] }",
        "Thing, name.enum: the `enum` of a number must list numbers",
    ),
    (
        "name: { type: string }",
        "name: { type: string, x-open: true }",
        "Thing, name.x-open: `x-open: true` says that the service adds to the `enum`",
    ),
    (
        "enum: [a, b]",
        "enum: [a, b], x-open: maybe",
        "Kind, x-open: `x-open: true` says that the service adds to the `enum`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-api-version: 2021-7-28",
        "get-thing, x-api-version: `x-api-version` must be a text like",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-api-version: v33",
        "get-thing, x-api-version: the service is not known to have this version, only 2021-01-01",
    ),
    (
        "x-idempotency: idempotent",
        "x-idempotency: read",
        "update-thing, x-idempotency: `read` changes nothing, and a PUT or DELETE does",
    ),
    (
        "\"200\":",
        "2xx:",
        "responses.2xx: `2xx` is no status; write three digits",
    ),
    (
        "\"200\":",
        "2XX:",
        "responses.2XX: write the one status that it answers",
    ),
    (
        "schema: { type: number } }",
        "schema: { $ref: \"#/components/schemas/Thing\" } }",
        "parameter `limit` needs a `schema` of a plain type or a list of one",
    ),
    (
        "\"200\":",
        "default:",
        "there must be one success answer, there are 0; `default` is for refusals",
    ),
    (
        "          description: Done.\n          content: { application/json: { schema: { $ref: \"#/components/schemas/Answer\" } } }\n    get",
        "          $ref: \"#/components/responses/Done\"\n    get",
        ":19: update-thing, responses.200: write the success out here",
    ),
    (
        "    Kind: {",
        "    Plain: { type: string, description: Text. }\n    Kind: {",
        ":42: Plain, type: a component must be an object, a list or an `enum` of texts; write `type: string` where",
    ),
    (
        "    Kind: {",
        "    Either: { description: Two., oneOf: [{ $ref: \"#/components/schemas/Kind\" }] }\n    Kind: {",
        ":42: Either, oneOf.0: the alternatives of a component must be objects",
    ),
    (
        "components:",
        "  /things/{otherId}/:\n    delete: {}\ncomponents:",
        ":33: /things/{otherId}/: it differs from /things/{thingId} by its last slash only",
    ),
    (
        "components:",
        "  /things/{otherId}:\n    get: {}\ncomponents:",
        ":33: /things/{otherId}: GET /things/{thingId} is the same to a server; keep one of them",
    ),
];

#[test]
fn every_trap_is_told() {
    hold(CASES);
}

/// Makes each mistake in the good one and looks for what is told.
pub fn hold(cases: &[(&str, &str, &str)]) {
    let mut untold = Vec::new();
    for (old, new, told) in cases {
        assert!(GOOD.contains(old), "the good one has no {old:?}");
        let problems = lint(&GOOD.replacen(old, new, 1))
            .expect_err(told)
            .to_string();
        let is_told = |line: &str| {
            line.strip_prefix("spec/ecologi.yaml")
                .is_some_and(|line| line.contains(told))
        };
        if !problems.lines().any(is_told) {
            untold.push(format!("{told}\nis not told, but\n{problems}\n"));
        }
    }
    assert!(untold.is_empty(), "{}", untold.join("\n"));
}

#[test]
fn what_is_not_yaml_is_told() {
    let problems = lint("openapi: 3.0.3\npaths: [\ninfo: {\n")
        .unwrap_err()
        .to_string();
    assert!(problems.starts_with("spec/ecologi.yaml:"), "{problems}");
    assert!(problems.contains("this is not YAML"), "{problems}");
    let problems = lint("- 1\n").unwrap_err().to_string();
    assert!(
        problems.contains("the file must be a mapping"),
        "{problems}"
    );
}

#[test]
fn a_service_without_a_description_is_told() {
    let problems = bundle(&[], Service::named("highlevel").unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        problems.contains("nothing describes the service `highlevel`"),
        "{problems}"
    );
}

/// The pointers of everything in a document.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (key, inner) in members {
                pointers(
                    inner,
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(elements) => {
            for (index, inner) in elements.iter().enumerate() {
                pointers(inner, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Whatever a part is replaced by, there are files or problems, and never a panic or problems of the generator's code.
#[test]
fn no_mistake_makes_it_panic() {
    // JSON is YAML, too.
    let good: Value = serde_json::from_str(&lint(GOOD).unwrap()).unwrap();
    let mut all = Vec::new();
    pointers(&good, "", &mut all);
    let odd = [
        json!(null),
        json!(7),
        json!("odd"),
        json!([7]),
        json!([{}]),
        json!({}),
        json!({ "a": { "b": 1 } }),
    ];
    for pointer in &all {
        for value in &odd {
            let mut changed = good.clone();
            *changed.pointer_mut(pointer).unwrap() = value.clone();
            let source = Source::new("spec/ecologi.yaml", changed.to_string());
            if let Err(problems) = generate_service(&[source], Service::named("ecologi").unwrap()) {
                assert!(
                    !problems.to_string().contains("fault of codegen"),
                    "{pointer} = {value}: {problems}"
                );
            }
        }
    }
}
