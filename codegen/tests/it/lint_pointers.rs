//! Pointers that lead nowhere in what an operation answers.

use canopy_codegen::{Service, Source, bundle};

use crate::output::changed;

const LIST: &str = r##"openapi: 3.0.3
info: { title: T, version: "1" }
tags: [{ name: things, description: Things. }]
security: [{ key: [] }]
paths:
  /things:
    get:
      operationId: list-things
      summary: List
      description: Lists things.
      x-idempotency: read
      x-items: /page/things
      x-id: /id
      x-version: /changedAt
      x-paging: { cursor: { parameter: nextCursor, next: /page/nextCursor } }
      x-trigger:
        record: thing
        contact: /owner/id
        created: /createdAt
        reading: snapshot
        changes: [{ kind: thing.done, member: /done, to: true }, { kind: thing.sold, member: /kind, to: sold }]
        window: { from: from, to: to }
      parameters:
        - { name: nextCursor, in: query, description: Where to go on., schema: { type: string } }
        - { name: from, in: query, description: From., schema: { type: integer } }
        - { name: to, in: query, description: To., schema: { type: integer } }
      responses:
        "200":
          description: A page.
          content: { application/json: { schema: { $ref: "#/components/schemas/Things" } } }
  /things/{thingId}:
    get:
      operationId: get-thing
      summary: Get
      description: Reads a thing.
      x-idempotency: read
      x-record: /thing
      x-id: /thing/id
      parameters:
        - { name: thingId, in: path, required: true, description: Its id., schema: { type: string } }
      responses:
        "200":
          description: Done.
          content: { application/json: { schema: { $ref: "#/components/schemas/Answer" } } }
    post:
      operationId: create-thing
      summary: Create
      description: Makes a thing.
      x-idempotency: { lookup: { operation: list-things, equal: [kind], by: { kind: from }, created: /createdAt } }
      x-record: /thing
      x-id: /thing/id
      parameters:
        - { name: thingId, in: path, required: true, description: Its id., schema: { type: string } }
      requestBody:
        required: true
        content: { application/json: { schema: { $ref: "#/components/schemas/NewThing" } } }
      responses:
        "201":
          description: Made.
          content: { application/json: { schema: { $ref: "#/components/schemas/Answer" } } }
components:
  schemas:
    NewThing:
      type: object
      description: What to make.
      properties:
        kind: { $ref: "#/components/schemas/Kind" }
        colour: { type: string }
    Things:
      type: object
      description: An answer.
      properties:
        page: { $ref: "#/components/schemas/Page" }
    Page:
      type: object
      description: A page.
      properties:
        things: { type: array, items: { $ref: "#/components/schemas/Thing" } }
        nextCursor: { type: string }
    Thing:
      description: A thing.
      allOf: [{ $ref: "#/components/schemas/Facts" }, { type: object, properties: { done: { type: boolean } } }]
    Facts:
      type: object
      description: What is known.
      properties:
        id: { type: string }
        changedAt: { type: string }
        createdAt: { type: string }
        kind: { $ref: "#/components/schemas/Kind" }
        owner: { type: object }
        tags: { type: array, items: { type: string } }
    Kind: { type: string, description: A kind., enum: [new, sold] }
    Answer:
      type: object
      description: An answer.
      properties:
        thing: { $ref: "#/components/schemas/Thing" }
"##;

fn lint(text: String) -> Result<String, String> {
    let sources = [Source::new("spec/ecologi.yaml", text)];
    bundle(&sources, Service::named("ecologi").unwrap()).map_err(|problems| problems.to_string())
}

#[test]
fn right_pointers_are_right() {
    lint(LIST.to_owned()).unwrap();
}

const CASES: &[(&str, &str, &str)] = &[
    (
        "colour: { type: string }",
        "colour: { type: string, minLength: 9, maxLength: 3 }",
        "`minLength: 9` is above `maxLength: 3`, so that no value fits; correct one of them",
    ),
    (
        "description: From., schema: { type: integer }",
        "description: From., schema: { type: integer, minimum: 60, maximum: 50 }",
        "`minimum: 60` is above `maximum: 50`",
    ),
    (
        "description: From., schema: { type: integer }",
        "description: From., schema: { type: integer, maximum: \"50\" }",
        "`maximum` must be a number",
    ),
    (
        "description: From., schema: { type: integer }",
        "description: From., schema: { type: number, multipleOf: 0 }",
        "`multipleOf` must be a number above zero",
    ),
    (
        "equal: [kind]",
        "equal: [name]",
        "create-thing, x-idempotency.lookup.equal: the create sends no `name`; name a member of its body",
    ),
    (
        "equal: [kind]",
        "equal: [colour]",
        "create-thing, x-idempotency.lookup.equal: `/colour` leads nowhere: `colour` is not in a record",
    ),
    (
        "by: { kind: from }",
        "by: { kind: kind }",
        "create-thing, x-idempotency.lookup.by: `list-things` takes no \"kind\"; name one of its parameters",
    ),
    (
        "by: { kind: from }",
        "by: { name: from }",
        "create-thing, x-idempotency.lookup.by: the create sends no `name`",
    ),
    (
        "created: /createdAt }",
        "created: /made }",
        "create-thing, x-idempotency.lookup.created: `/made` leads nowhere",
    ),
    (
        "created: /createdAt }",
        "since: /createdAt }",
        "create-thing, x-idempotency.lookup.since: `since` means nothing; use one of operation, equal, by, created",
    ),
    (
        "x-items: /page/things",
        "x-items: /page/thing",
        ":12: list-things, x-items: `/page/thing` leads nowhere: `thing` is not in the answer, which has `things`, `nextCursor`; correct",
    ),
    (
        "x-items: /page/things",
        "x-items: /page",
        ":12: list-things, x-items: `/page` leads to type `object`, and must lead to a list",
    ),
    (
        "x-id: /id",
        "x-id: /_id",
        ":13: list-things, x-id: `/_id` leads nowhere: `_id` is not in a record, which has",
    ),
    (
        "x-id: /id",
        "x-id: /tags",
        ":13: list-things, x-id: `/tags` leads to type `array`, and must lead to a text or a number",
    ),
    (
        "x-version: /changedAt",
        "x-version: /id",
        ":14: list-things, x-version: `/id` is an id, and `x-version` leads to the time of the last change",
    ),
    (
        "x-id: /id",
        "x-id: /createdAt",
        ":13: list-things, x-id: `/createdAt` is a time, and `x-id` leads to the id",
    ),
    (
        "x-version: /changedAt",
        "x-version: /things/changedAt",
        ":14: list-things, x-version: `/things/changedAt` leads nowhere",
    ),
    (
        "next: /page/nextCursor",
        "next: /nextCursor",
        ":15: list-things, x-paging: `/nextCursor` leads nowhere",
    ),
    (
        "next: /page/nextCursor",
        "next: nextCursor",
        "x-paging: `next: nextCursor` must be a JSON pointer in the answer, such as `/nextCursor`",
    ),
    (
        "parameter: nextCursor",
        "parameter: cursor",
        ":15: list-things, x-paging: the operation takes no `cursor`, by which this style of paging goes on",
    ),
    (
        "{ cursor: { parameter: nextCursor, next: /page/nextCursor } }",
        "{ after: { parameter: nextCursor, from: /page } }",
        ":15: list-things, x-paging: `/page` leads nowhere: `page` is not in a record",
    ),
    (
        "{ cursor: { parameter: nextCursor, next: /page/nextCursor } }",
        "{ cursor: { parameter: nextCursor, from: /page/nextCursor } }",
        "x-paging: `x-paging` must be one of search-after, start-after, skip, offset, `{ after:",
    ),
    (
        "{ cursor: { parameter: nextCursor, next: /page/nextCursor } }",
        "skip",
        "x-paging: the operation takes no `skip`, by which this style of paging goes on",
    ),
    (
        "{ cursor: { parameter: nextCursor, next: /page/nextCursor } }",
        "start-after",
        "x-paging: `/meta/startAfter` leads nowhere",
    ),
    (
        "{ cursor: { parameter: nextCursor, next: /page/nextCursor } }",
        "search-after",
        "x-paging: `/searchAfter` leads nowhere",
    ),
    (
        "contact: /owner/id",
        "contact: /contactId",
        ":18: list-things, x-trigger.contact: `/contactId` leads nowhere",
    ),
    (
        "created: /createdAt",
        "created: /tags",
        ":19: list-things, x-trigger.created: `/tags` leads to type `array`",
    ),
    (
        "reading: snapshot",
        "reading: { changes: /changed }",
        ":20: list-things, x-trigger.reading.changes: `/changed` leads nowhere",
    ),
    (
        "member: /done",
        "member: /isDone",
        ":21: list-things, x-trigger.changes.0.member: `/isDone` leads nowhere",
    ),
    (
        "to: true",
        "to: yes",
        ":21: list-things, x-trigger.changes.0.to: `/done` is never \"yes\"",
    ),
    (
        "to: sold",
        "to: lost",
        ":21: list-things, x-trigger.changes.1.to: `/kind` is never \"lost\"",
    ),
    (
        "window: { from: from",
        "window: { from: since",
        ":22: list-things, x-trigger.window.from: the operation has no parameter `since`",
    ),
    (
        "x-record: /thing\n",
        "x-record: /things\n",
        ":37: get-thing, x-record: `/things` leads nowhere: `things` is not in the answer, which has `thing`",
    ),
    (
        "x-record: /thing\n",
        "x-record: /thing/id\n",
        ":37: get-thing, x-record: `/thing/id` leads to type `string`, and must lead to an object",
    ),
    (
        "x-id: /thing/id",
        "x-id: /id",
        ":38: get-thing, x-id: `/id` leads nowhere: `id` is not in the answer",
    ),
    (
        "x-record: /thing\n",
        "x-record: /thing\n      x-items: /thing\n",
        "get-thing, x-record: `x-items` says that the answer is a list",
    ),
    (
        "x-id: /thing/id",
        "x-id: /thing/id\n      x-paging: skip",
        "get-thing, x-paging: a list continues, but the answer is none",
    ),
    (
        "x-id: /thing/id",
        "x-id: /thing/id\n      x-trigger: { record: thing, reading: snapshot }",
        "get-thing, x-trigger.reading: `snapshot` compares the records of a list; add `x-items`",
    ),
];

#[test]
fn every_wrong_pointer_is_told() {
    let mut untold = Vec::new();
    for (old, new, told) in CASES {
        assert!(LIST.contains(old), "the good one has no {old:?}");
        match lint(LIST.replacen(old, new, 1)) {
            Err(problems) if problems.contains(told) => {}
            Err(problems) => untold.push(format!("{told}\nis not told, but\n{problems}\n")),
            Ok(_) => untold.push(format!("{new:?} passes\n")),
        }
    }
    assert!(untold.is_empty(), "{}", untold.join("\n"));
}

/// Each pointer of the workspace's own spec, led astray: file, what is replaced, by what.
#[test]
fn wrong_pointers_in_the_spec_of_this_workspace_are_told() {
    for (file, old, new) in [
        ("contacts", "x-items: /contacts", "x-items: /contact"),
        ("notes", "x-id: /note/id", "x-id: /id"),
        (
            "opportunities",
            "x-version: /updatedAt",
            "x-version: /dateUpdated",
        ),
        ("messages", "from: /id", "from: /messageId"),
        ("tasks", "x-record: /task\n", "x-record: /tasks\n"),
    ] {
        let path = format!("spec/highlevel/{file}.yaml");
        let problems = changed(&path, old, new).expect_err(new).to_string();
        assert!(problems.starts_with(&path), "{problems}");
        assert!(problems.contains("leads nowhere"), "{problems}");
    }
}
