//! Where the location's zone may matter: it is read for these places, and for no others.

use minijinja::machinery::ast::{
    BinOp, BinOpKind, CallArg, Compare, CompareOpKind, Expr, Filter, Test,
};

use super::Sight;
use crate::values::number;
use crate::values::rewrite::literal_path;

/// Filters of which a number comes.
const OF_NUMBER: [&str; 14] = [
    "abs",
    "amount",
    "ceil",
    "count",
    "float",
    "floor",
    "int",
    "length",
    "max",
    "min",
    "round",
    "round_even",
    "sum",
    "trunc",
];

/// Whether it is a number whatever is read, or an instant that names its zone.
fn needs_none(tree: &Expr<'_>) -> bool {
    match tree {
        Expr::Const(node) => number(&node.value).is_some() || node.value.as_str().is_none(),
        Expr::UnaryOp(_) => true,
        Expr::BinOp(node) => match node.op {
            BinOpKind::ScOr | BinOpKind::ScAnd => needs_none(&node.right),
            BinOpKind::Concat => false,
            _ => true,
        },
        Expr::Filter(node) if matches!(node.name, "default" | "d") => node
            .args
            .iter()
            .any(|arg| matches!(arg, CallArg::Pos(of) if needs_none(of))),
        // The least of days is a day.
        Expr::Filter(node) if matches!(node.name, "min" | "max") => {
            node.expr.as_ref().is_some_and(one_needs_none)
        }
        Expr::Filter(node) => OF_NUMBER.contains(&node.name),
        _ => literal_path(tree).is_some_and(|path| path.starts_with("impact.")),
    }
}

/// Whether an item of a list that is written out is a number: all others are then meant as such.
fn one_needs_none(tree: &Expr<'_>) -> bool {
    matches!(tree, Expr::List(list) if list.items.iter().any(needs_none))
}

/// The event's own time has its zone.
fn is_of_event(tree: &Expr<'_>) -> bool {
    literal_path(tree).is_some_and(|path| path.starts_with("event."))
}

pub(super) fn in_comparison(node: &Compare<'_>) -> bool {
    let is_order = |op: CompareOpKind| {
        matches!(
            op,
            CompareOpKind::Lt | CompareOpKind::Lte | CompareOpKind::Gt | CompareOpKind::Gte
        )
    };
    let sides = || std::iter::once(&node.expr).chain(node.ops.iter().map(|op| &op.expr));
    node.ops.iter().any(|op| is_order(op.op)) && !sides().any(needs_none)
}

pub(super) fn in_pair(node: &BinOp<'_>) -> bool {
    let is_order = matches!(
        node.op,
        BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte
    );
    is_order && !needs_none(&node.left) && !needs_none(&node.right)
}

pub(super) fn in_test(node: &Test<'_>) -> bool {
    const ORDERS: [&str; 10] = [
        "<",
        "<=",
        ">",
        ">=",
        "ge",
        "greaterthan",
        "gt",
        "le",
        "lessthan",
        "lt",
    ];
    let is_number = |arg: &CallArg<'_>| matches!(arg, CallArg::Pos(other) if needs_none(other));
    ORDERS.contains(&node.name) && !needs_none(&node.expr) && !node.args.iter().any(is_number)
}

/// The zone that `date` names.
pub(super) fn named(node: &Filter<'_>) -> Option<Sight> {
    let name = |arg: &CallArg<'_>| match arg {
        CallArg::Kwarg("zone", Expr::Const(name)) => name.value.as_str().map(str::to_owned),
        CallArg::Pos(Expr::Const(name)) => {
            let is_zone = |text: &&str| !text.contains('%');
            name.value.as_str().filter(is_zone).map(str::to_owned)
        }
        _ => None,
    };
    let name = (node.name == "date").then(|| node.args.iter().find_map(name));
    name.flatten().map(Sight::ZoneName)
}

pub(super) fn in_filter(node: &Filter<'_>) -> bool {
    let Some(of) = &node.expr else {
        // A block's: `{% filter later('1h') %}`.
        return matches!(node.name, "later" | "date");
    };
    match node.name {
        "map" => {
            let moves = |arg: &CallArg<'_>| matches!(arg, CallArg::Pos(Expr::Const(name)) if matches!(name.value.as_str(), Some("later" | "date")));
            node.args.iter().any(moves)
        }
        "later" => !is_of_event(of),
        "date" => !is_of_event(of) && !node.args.is_empty(),
        "min" | "max" | "sort" => !one_needs_none(of),
        "select" | "reject" | "selectattr" | "rejectattr" => {
            let given = |arg: &CallArg<'_>| match arg {
                CallArg::Pos(Expr::Const(node)) => node.value.as_str().is_some_and(|name| {
                    [
                        "lt",
                        "le",
                        "gt",
                        "ge",
                        "<",
                        "<=",
                        ">",
                        ">=",
                        "lessthan",
                        "greaterthan",
                    ]
                    .contains(&name)
                }),
                _ => false,
            };
            let is_number = |arg: &CallArg<'_>| matches!(arg, CallArg::Pos(Expr::Const(node)) if node.value.is_number());
            node.args.iter().any(given) && !node.args.iter().any(is_number)
        }
        _ => false,
    }
}
