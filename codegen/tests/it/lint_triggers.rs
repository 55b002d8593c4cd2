//! Mistakes in what is said of a read for somebody who polls it.

use crate::lint::hold;

const CASES: &[(&str, &str, &str)] = &[
    (
        "x-idempotency: idempotent",
        "x-idempotency: idempotent\n      x-trigger: { record: thing, reading: answer }",
        "update-thing, x-trigger: `x-trigger` is for what can be polled, but this is no read",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: Thing, reading: answer }",
        "get-thing, x-trigger: `record` must be the first word of the event kinds",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: answer, lists: 1 }",
        "get-thing, x-trigger.lists: `lists` is not known; use record, contact",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: answer, contact: id }",
        "x-trigger.contact: `contact` must be a JSON pointer in the record",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: sometimes }",
        "x-trigger.reading: `reading` must be snapshot, record, answer, bytes or",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: record }",
        "x-trigger.reading: records are told apart by their id; add `x-id`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: bytes }",
        "x-trigger.reading: `bytes` is for answers that are not JSON",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: answer, lists-all: true }",
        "x-trigger.lists-all: `lists-all` must be true or false, and only a list",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: answer, window: { from: a } }",
        "x-trigger.window: `window` must name the parameters that take its ends",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: answer, changes: [{ kind: won, member: /a }] }",
        "x-trigger.changes.0: `kind` must read like `task.completed`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: answer, changes: [{ kind: thing.won, member: a }] }",
        "x-trigger.changes.0: `member` must be a JSON pointer in the record",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: answer, each: { parameter: boxId, of: get-thing } }",
        "x-trigger.each.parameter: the operation has no parameter `boxId`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-trigger: { record: thing, reading: answer, each: { parameter: thingId, of: get-thing } }",
        "x-trigger.each.of: `of: get-thing` must be a list that is a trigger itself",
    ),
];

#[test]
fn every_mistake_in_a_trigger_is_told() {
    hold(CASES);
}
