//! An operation whose success nothing tells is refused, and so is what its answer does not have.

use crate::lint::hold;

const CASES: &[(&str, &str, &str)] = &[
    (
        "        success: { type: boolean }\n",
        "",
        ":22: get-thing, x-evidence: nothing says what its answer must show to be a success; add `x-evidence`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-evidence: sometimes",
        "get-thing, x-evidence: it must be one of `bytes`, `{ list: POINTER }`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-evidence: { lists: /things }",
        "get-thing, x-evidence: `lists` means nothing; write `bytes`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-evidence: { list: /things }",
        "get-thing, x-evidence: the answer has no list at `/things`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-evidence: { list: /thing }",
        "get-thing, x-evidence: the answer has no list at `/thing`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-evidence: { record: /thing/id }",
        "get-thing, x-evidence: the answer's schema has nothing at `/thing/id`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-evidence: { record: /thing/name, asked: id }",
        "get-thing, x-evidence: `asked: id` is no parameter of the path",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-evidence: { members: [/thing] }",
        "get-thing, x-evidence: `members` must be a list of lists of JSON pointers",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-evidence: { members: [[/thing, /price]] }",
        "get-thing, x-evidence: the answer's schema has nothing at `/price`",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-evidence: bytes",
        "get-thing, x-evidence: `bytes` is for answers that are not JSON",
    ),
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-evidence: { nothing: '' }",
        "get-thing, x-evidence: `nothing` must say why",
    ),
    // What a list's operation says of its items is held against its answer, too.
    (
        "x-idempotency: read",
        "x-idempotency: read\n      x-items: /contacts",
        "get-thing, x-evidence: the answer has no list at `/contacts`",
    ),
];

#[test]
fn an_operation_without_evidence_is_told() {
    hold(CASES);
}
