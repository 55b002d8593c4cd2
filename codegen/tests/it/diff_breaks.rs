//! Whom a change breaks, and what is told to whoever calls by name.

use canopy_codegen::diff::Breaks;

use super::diff::{OLD, compare, lines};

#[test]
fn it_says_whom_a_change_breaks() {
    use Breaks::{CallsByName, TypedCode, WorkflowFiles};
    const TRIGGER: &str = "x-items: /things\n      x-trigger: { record: thing, changes: [{ kind: thing.sold, member: /kind, to: b }] }";
    let old = OLD.replacen("x-items: /things", TRIGGER, 1);
    let cases: [(&str, &str, &[Breaks]); 7] = [
        (
            "operationId: list-things",
            "operationId: all-things",
            &[TypedCode, WorkflowFiles, CallsByName],
        ),
        (
            "name: limit, in: query",
            "name: limit, in: query, required: true",
            &[TypedCode, WorkflowFiles, CallsByName],
        ),
        (
            "tags: [things]\n      x-items",
            "tags: [lists]\n      x-items",
            &[TypedCode],
        ),
        (
            "        when: { type: string, format: date }\n",
            "",
            &[TypedCode, WorkflowFiles],
        ),
        ("record: thing,", "record: piece,", &[WorkflowFiles]),
        ("kind: thing.sold", "kind: thing.gone", &[WorkflowFiles]),
        ("[name]", "[]", &[TypedCode]),
    ];
    for (from, to, whom) in cases {
        assert!(old.contains(from), "{from}");
        let found = compare(&old, &old.replacen(from, to, 1));
        let breaks: Vec<&[Breaks]> = found
            .changes
            .iter()
            .filter(|change| change.breaking)
            .map(|change| change.breaks)
            .collect();
        assert_eq!(breaks, [whom], "{to}: {found}");
    }
}

#[test]
fn what_is_new_says_how_it_is_called() {
    let new = OLD.replacen(
        "components:",
        "  /things/lookup:\n    get:\n      operationId: lookup-things\n      x-api-version: v3\n      x-scopes: [things.readonly]\n      x-token-kinds: [location-app]\n      x-items: /things\n      x-paging: { cursor: { parameter: nextCursor, next: /nextCursor } }\n      x-trigger: { record: thing }\ncomponents:",
        1,
    );
    let told = "added  lookup-things  new: GET /things/lookup; version v3, scope things.readonly, token location-app, pages by cursor in `nextCursor`, polls for thing events";
    let found = compare(OLD, &new);
    assert!(lines(&found).iter().any(|line| line == told), "{found}");
}

/// Typed code takes any number in a query; what is called by name is held against its bounds.
#[test]
fn numbers_of_parameters_are_told_to_those_who_call() {
    let with = |schema: &str| {
        let parameter =
            format!("      parameters: [{{ name: size, in: query, schema: {schema} }}]\n");
        OLD.replacen(
            "      operationId: list-things\n",
            &format!("      operationId: list-things\n{parameter}"),
            1,
        )
    };
    for (old, new, told) in [
        (
            "{ type: integer, maximum: 50 }",
            "{ type: integer, maximum: 20 }",
            "BREAKS `maximum` was 50, is 20",
        ),
        (
            "{ type: integer, maximum: 20 }",
            "{ type: integer, maximum: 50 }",
            "`maximum` was 20, is 50",
        ),
        (
            "{ type: number }",
            "{ type: number, minimum: 0 }",
            "BREAKS `minimum` was nothing, is 0",
        ),
        (
            "{ type: integer, enum: [1, 2] }",
            "{ type: integer, enum: [1, 5] }",
            "BREAKS its numbers were [1,2], are [1,5]",
        ),
        (
            "{ type: integer, enum: [1] }",
            "{ type: integer, enum: [1, 5] }",
            "its numbers were [1], are [1,5]",
        ),
    ] {
        let found = compare(&with(old), &with(new));
        let [change] = found.changes.as_slice() else {
            panic!("{found}")
        };
        let mark = if change.breaking { "BREAKS " } else { "" };
        assert_eq!(format!("{mark}{}", change.what), told);
        assert!(!change.breaks.contains(&Breaks::TypedCode), "{found}");
    }
}

#[test]
fn what_a_poll_does_not_tell_any_more_breaks_workflow_files() {
    let with = |more: &str| {
        let trigger = format!("      x-trigger: {{ record: thing, reading: snapshot{more} }}\n");
        OLD.replacen(
            "      operationId: list-things\n",
            &format!("      operationId: list-things\n{trigger}"),
            1,
        )
    };
    for (old, new, breaks) in [
        (", lists-all: true", "", true),
        ("", ", lists-all: true", false),
        (", contact: /a", ", contact: /b", true),
        ("", ", contact: /b", false),
        (", created: /a", ", created: /b", false),
    ] {
        let found = compare(&with(old), &with(new));
        assert_eq!(
            (found.changes.len(), found.breaking),
            (1, usize::from(breaks)),
            "{found}"
        );
    }
}

#[test]
fn a_token_that_is_not_taken_any_more_breaks_all_who_call() {
    let with = |kinds: &str| {
        OLD.replacen(
            "      operationId: list-things\n",
            &format!("      operationId: list-things\n      x-token-kinds: [{kinds}]\n"),
            1,
        )
    };
    for (old, new, breaks) in [
        ("location", "agency", true),
        ("location", "location-app", true),
        ("location-app", "location", false),
        ("location", "location, agency", false),
        ("location, agency", "agency", true),
    ] {
        let found = compare(&with(old), &with(new));
        assert_eq!(
            (found.changes.len(), found.breaking),
            (1, usize::from(breaks)),
            "{old} {new}: {found}"
        );
    }
}
