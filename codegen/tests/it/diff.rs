//! What is told of two descriptions, and what of it breaks code.

use canopy_codegen::Source;
use canopy_codegen::diff::{Diff, diff};
use serde_json::Value;

pub(super) const OLD: &str = r##"openapi: 3.0.3
paths:
  /things/{thingId}:
    put:
      operationId: update-thing
      tags: [things]
      x-api-version: "1"
      x-scopes: [things.write]
      parameters:
        - { name: thingId, in: path, required: true, schema: { type: string } }
        - { name: limit, in: query, schema: { type: integer } }
      requestBody:
        content: { application/json: { schema: { $ref: "#/components/schemas/Thing" } } }
      responses:
        "200":
          content: { application/json: { schema: { $ref: "#/components/schemas/Answer" } } }
  /things:
    get:
      operationId: list-things
      tags: [things]
      x-items: /things
      responses:
        "200":
          content: { application/json: { schema: { $ref: "#/components/schemas/Answer" } } }
components:
  schemas:
    Thing:
      type: object
      required: [name]
      properties:
        name: { type: string }
        size: { type: integer, minimum: 1 }
        note: { type: string, maxLength: 80 }
        kind: { $ref: "#/components/schemas/Kind" }
    Kind: { type: string, enum: [a, b] }
    Answer:
      type: object
      required: [count]
      properties:
        count: { type: integer }
        when: { type: string, format: date }
        kind: { $ref: "#/components/schemas/Kind" }
"##;

pub(super) fn compare(old: &str, new: &str) -> Diff {
    diff(&Source::new("old.yaml", old), &Source::new("new.yaml", new)).unwrap()
}

/// What is replaced, by what, and the one line that tells it.
const CASES: &[(&str, &str, &str)] = &[
    (
        "operationId: list-things",
        "operationId: all-things",
        "BREAKS  removed  list-things  the operation is called `all-things` now",
    ),
    (
        "  /things:",
        "  /other:",
        "changed  list-things  moved from GET /things to GET /other",
    ),
    (
        "tags: [things]\n      x-items",
        "tags: [lists]\n      x-items",
        "BREAKS  changed  list-things  its module was `things`, is `lists`",
    ),
    (
        "x-items: /things",
        "x-items: /all",
        "changed  list-things x-items  was `/things`, is `/all`",
    ),
    (
        "      x-items: /things\n",
        "",
        "BREAKS  changed  list-things x-items  was `/things`, is nothing",
    ),
    (
        "x-api-version: \"1\"",
        "x-api-version: \"2\"",
        "changed  update-thing x-api-version  was `1`, is `2`",
    ),
    (
        "[things.write]",
        "[things.write, all]",
        "changed  update-thing x-scopes  was `things.write`, is `things.write all`",
    ),
    (
        "tags: [things]\n      x-api",
        "tags: [things]\n      deprecated: true\n      x-api",
        "changed  update-thing  the vendor advises against it now",
    ),
    // Parameters.
    (
        "        - { name: limit, in: query, schema: { type: integer } }\n",
        "",
        "BREAKS  removed  update-thing limit  the query parameter is gone",
    ),
    (
        "        - { name: limit",
        "        - { name: page, in: query, schema: { type: string } }\n        - { name: limit",
        "added  update-thing page  new optional query parameter: string",
    ),
    (
        "        - { name: limit",
        "        - { name: page, in: query, required: true, schema: { type: string } }\n        - { name: limit",
        "BREAKS  added  update-thing page  new required query parameter: string",
    ),
    (
        "limit, in: query",
        "limit, in: query, required: true",
        "BREAKS  changed  update-thing limit  it is required now",
    ),
    (
        "schema: { type: integer }",
        "schema: { type: string }",
        "BREAKS  changed  update-thing limit  was integer, is string",
    ),
    // Requests.
    (
        "required: [name]",
        "required: []",
        "BREAKS  changed  Thing.name  it is optional now (in update-thing)",
    ),
    (
        "required: [name]",
        "required: [name, note]",
        "BREAKS  changed  Thing.note  it is required now (in update-thing)",
    ),
    (
        "        name: { type: string }\n",
        "        name: { type: string }\n        more: { type: boolean }\n",
        "added  Thing.more  new member: boolean (in update-thing)",
    ),
    (
        "required: [name]\n      properties:\n",
        "required: [name, more]\n      properties:\n        more: { type: boolean }\n",
        "BREAKS  added  Thing.more  new required member: boolean (in update-thing)",
    ),
    (
        "        size: { type: integer, minimum: 1 }\n",
        "",
        "BREAKS  removed  Thing.size  the member is gone (in update-thing)",
    ),
    (
        "        note: { type: string, maxLength: 80 }\n",
        "        note: { type: string, maxLength: 40 }\n",
        "BREAKS  changed  Thing.note  `maxLength` was 80, is 40 (in update-thing)",
    ),
    (
        "maxLength: 80",
        "maxLength: 90",
        "changed  Thing.note  `maxLength` was 80, is 90 (in update-thing)",
    ),
    (
        "{ type: string, maxLength: 80 }",
        "{ type: string }",
        "BREAKS  changed  Thing.note  `maxLength` was 80, is nothing (in update-thing)",
    ),
    (
        "minimum: 1",
        "minimum: 0",
        "BREAKS  changed  Thing.size  `minimum` was 1, is 0 (in update-thing)",
    ),
    (
        "maxLength: 80",
        "maxLength: 80, nullable: true",
        "BREAKS  changed  Thing.note  was string, is string, or null to empty it (in update-thing)",
    ),
    (
        "name: { type: string }",
        "name: { type: string, nullable: true }",
        "BREAKS  changed  Thing.name  it may be null now (in update-thing)",
    ),
    // Answers.
    (
        "        count: { type: integer }\n",
        "        count: { type: integer }\n        more: { type: string }\n",
        "added  Answer.more  new member: string (in list-things and 1 more)",
    ),
    (
        "        when: { type: string, format: date }\n",
        "",
        "BREAKS  removed  Answer.when  the member is gone (in list-things and 1 more)",
    ),
    (
        "count: { type: integer }",
        "count: { type: string }",
        "BREAKS  changed  Answer.count  was integer, is string (in list-things and 1 more)",
    ),
    // Words.
    (
        "enum: [a, b]",
        "enum: [a, b, c]",
        "added  Kind  new word `c` (in list-things and 1 more)",
    ),
    (
        "enum: [a, b]",
        "enum: [a]",
        "BREAKS  removed  Kind  the word `b` is gone (in list-things and 1 more)",
    ),
];

/// The lines of changes, without the padding of their columns.
pub(super) fn lines(diff: &Diff) -> Vec<String> {
    let text = diff.to_string();
    let is_change = |line: &&str| {
        ["removed", "changed", "added"].iter().any(|kind| {
            line.trim_start_matches("BREAKS")
                .trim_start()
                .starts_with(kind)
        })
    };
    let changes = text.lines().filter(is_change).take(diff.changes.len());
    changes
        .map(|line| {
            let cells = line
                .split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty());
            cells.collect::<Vec<_>>().join("  ")
        })
        .collect()
}

#[test]
fn every_change_is_told_and_judged() {
    let mut wrong = Vec::new();
    for (old, new, told) in CASES {
        assert!(OLD.contains(old), "the old one has no {old:?}");
        let found = compare(OLD, &OLD.replacen(old, new, 1));
        let lines = lines(&found);
        let breaks = told.starts_with("BREAKS");
        if !lines.iter().any(|line| line == told) || (found.breaking > 0) != breaks {
            wrong.push(format!("{told}\nis not told, but\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_answers_promise_or_how_a_text_is_written_is_no_change() {
    for (old, new) in [
        ("required: [count]", "required: []"),
        ("format: date", "format: date-time"),
        (
            "count: { type: integer }",
            "count: { type: integer, nullable: true, minimum: 3 }",
        ),
    ] {
        assert!(OLD.contains(old));
        let found = compare(OLD, &OLD.replacen(old, new, 1));
        assert_eq!(found.changes, [], "{old} -> {new}");
        assert_eq!(found.to_string(), "nothing changed\n");
    }
}

#[test]
fn a_type_that_requests_and_answers_come_to_share_is_renamed_in_requests() {
    let old = "        count: { type: integer }\n";
    let new = format!("{old}        thing: {{ $ref: \"#/components/schemas/Thing\" }}\n");
    let found = compare(OLD, &OLD.replacen(old, &new, 1));
    let told = "BREAKS  changed  update-thing body  was Thing, is ThingInput";
    assert!(lines(&found).iter().any(|line| line == told), "{found}");
}

const NEW: &str = r##"openapi: 3.0.3
paths:
  /things/{thingId}:
    put:
      operationId: update-thing
      tags: [things]
      x-api-version: "1"
      x-scopes: [things.write]
      parameters:
        - { name: thingId, in: path, required: true, schema: { type: string } }
        - { name: limit, in: query, required: true, schema: { type: integer } }
      requestBody:
        content: { application/json: { schema: { $ref: "#/components/schemas/Thing" } } }
      responses:
        "200":
          content: { application/json: { schema: { $ref: "#/components/schemas/Answer" } } }
components:
  schemas:
    Thing:
      type: object
      required: [name]
      properties:
        name: { type: string }
        size: { type: integer, minimum: 1 }
        note: { type: string, maxLength: 80 }
        kind: { $ref: "#/components/schemas/Kind" }
    Kind: { type: string, enum: [a, b, c] }
    Answer:
      type: object
      properties:
        count: { type: integer }
        kind: { $ref: "#/components/schemas/Kind" }
"##;

#[test]
fn the_text_is_aligned_and_ends_with_the_count() {
    let text = compare(OLD, NEW).to_string();
    assert_eq!(text, include_str!("diff.txt"));
}

#[test]
fn the_json_says_the_same() {
    let found = compare(OLD, NEW);
    let json: Value = serde_json::from_str(&found.json()).unwrap();
    let golden: Value = serde_json::from_str(include_str!("diff.json")).unwrap();
    assert_eq!(json, golden, "{}", found.json());
}

#[test]
fn what_is_no_description_is_refused() {
    for text in [
        "",
        "[1]",
        "openapi: 2.0\npaths: {}",
        "openapi: 3.0.3",
        "a: [",
        "openapi: 3.0.3\npaths: 7",
    ] {
        let problems = diff(
            &Source::new("old.yaml", OLD),
            &Source::new("new.yaml", text),
        );
        let told = problems.unwrap_err().to_string();
        assert!(told.starts_with("new.yaml"), "{told}");
    }
}

/// Foreign documents are not linted, so nothing may rely on their being right.
#[test]
fn an_odd_part_never_makes_it_panic() {
    for part in [
        "paths:\n  /a: 7",
        "paths:\n  /a: { get: 7 }",
        "paths: {}\ncomponents: 7",
        "paths:\n  /a: { get: { parameters: {}, responses: [] } }\ncomponents: { schemas: { A: 7, B: { properties: [], required: x, enum: 7 } } }",
    ] {
        let odd = format!("openapi: 3.0.3\n{part}\n");
        for (old, new) in [
            (OLD, odd.as_str()),
            (odd.as_str(), OLD),
            (odd.as_str(), odd.as_str()),
        ] {
            let _ = diff(&Source::new("old.yaml", old), &Source::new("new.yaml", new));
        }
    }
}

#[test]
fn a_renamed_operation_is_one_change_and_its_own_changes_are_told() {
    let new = OLD
        .replacen("operationId: update-thing", "operationId: change-thing", 1)
        .replacen("[things.write]", "[things.all]", 1);
    let found = compare(OLD, &new);
    assert_eq!(
        lines(&found),
        [
            "BREAKS  removed  update-thing  the operation is called `change-thing` now",
            "changed  update-thing x-scopes  was `things.write`, is `things.all`",
        ],
        "{found}"
    );
}

#[test]
fn renamed_parameters_and_members_are_one_change() {
    let found = compare(OLD, &OLD.replacen("name: limit", "name: pageSize", 1));
    let told = "BREAKS  removed  update-thing limit  the query parameter is called `pageSize` now";
    assert!(lines(&found).iter().any(|line| line == told), "{found}");
    assert_eq!((found.breaking, found.other), (1, 0), "{found}");
    let found = compare(OLD, &OLD.replacen("when: { type", "onDay: { type", 1));
    let told = "the member is called `onDay` now";
    assert!(
        lines(&found).iter().any(|line| line.contains(told)),
        "{found}"
    );
    assert_eq!((found.breaking, found.other), (1, 0), "{found}");
}
