//! Operators become calls of our own functions before an expression is compiled: minijinja has no other place for what
//! `<`, `==`, `in`, `+`, `and`, `or`, `[0]` and the like mean (`operators`).

use minijinja::Value;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{
    BinOpKind, Call, CallArg, Const, Expr, Filter, GetAttr, GetItem, IfExpr, List, Map, Slice,
    Spanned, Test, Tuple, UnaryOp, UnaryOpKind, Var,
};

use super::arithmetic::{NUMBER, WHOLE};
use super::lists::{AT, FILTERS, FIRST, LIST};
pub(super) use super::operators::condition;
use super::operators::{binary, chain, operand};
use crate::names::CUSTOM;
use crate::{dates, merge, when};

pub(super) fn at<T>(node: T, span: Span) -> Spanned<T> {
    Spanned::new(node, span)
}

fn exprs<'a>(all: &[Expr<'a>]) -> Vec<Expr<'a>> {
    all.iter().map(expr).collect()
}
pub(super) fn args<'a>(all: &[CallArg<'a>]) -> Vec<CallArg<'a>> {
    let arg = |arg: &CallArg<'a>| match arg {
        CallArg::Pos(value) => CallArg::Pos(expr(value)),
        CallArg::Kwarg(name, value) => CallArg::Kwarg(name, expr(value)),
        CallArg::PosSplat(value) => CallArg::PosSplat(expr(value)),
        CallArg::KwargSplat(value) => CallArg::KwargSplat(expr(value)),
    };
    all.iter().map(arg).collect()
}

/// Filters that are told how many.
const COUNTED: [&str; 4] = ["batch", "indent", "round", "slice"];

/// A count that is read: a text that is a number counts as that.
fn whole<'a>(tree: &Expr<'a>) -> Expr<'a> {
    match tree {
        Expr::Const(_) => expr(tree),
        _ => operand(WHOLE, tree),
    }
}

pub(super) fn expr<'a>(tree: &Expr<'a>) -> Expr<'a> {
    match tree {
        Expr::Var(node) => Expr::Var(at(Var { id: node.id }, node.span())),
        Expr::Const(node) => constant(node.value.clone(), node.span()),
        Expr::Slice(node) => Expr::Slice(at(
            Slice {
                expr: call(LIST, [expr(&node.expr), path(&node.expr)], node.expr.span()),
                start: node.start.as_ref().map(whole),
                stop: node.stop.as_ref().map(whole),
                step: node.step.as_ref().map(whole),
            },
            node.span(),
        )),
        Expr::UnaryOp(node) => {
            let (op, inner) = match node.op {
                UnaryOpKind::Not => (UnaryOpKind::Not, condition(&node.expr)),
                UnaryOpKind::Neg => (UnaryOpKind::Neg, operand(NUMBER, &node.expr)),
            };
            Expr::UnaryOp(at(UnaryOp { op, expr: inner }, node.span()))
        }
        Expr::BinOp(node) => binary(node, node.span()),
        Expr::Compare(node) => chain(node, node.span()),
        Expr::IfExpr(node) => Expr::IfExpr(at(
            IfExpr {
                test_expr: condition(&node.test_expr),
                true_expr: expr(&node.true_expr),
                false_expr: node.false_expr.as_ref().map(expr),
            },
            node.span(),
        )),
        Expr::Filter(node) => {
            let inner = node.expr.as_ref().map(|inner| {
                if FILTERS.contains(&node.name) {
                    call(LIST, [expr(inner), path(inner)], inner.span())
                } else {
                    expr(inner)
                }
            });
            let mut args = args(&node.args);
            if COUNTED.contains(&node.name)
                && let (Some(arg), Some(CallArg::Pos(count))) =
                    (args.first_mut(), node.args.first())
            {
                *arg = CallArg::Pos(whole(count));
            }
            if node.name == "date" && node.expr.as_ref().is_some_and(is_time) {
                args.push(CallArg::Kwarg(
                    dates::TIME,
                    constant(true.into(), node.span()),
                ));
            }
            Expr::Filter(at(
                Filter {
                    name: node.name,
                    expr: inner,
                    args,
                },
                node.span(),
            ))
        }
        Expr::Test(node) => Expr::Test(at(
            Test {
                name: node.name,
                expr: expr(&node.expr),
                args: args(&node.args),
            },
            node.span(),
        )),
        Expr::GetAttr(node) => member(tree, node),
        Expr::GetItem(node) => {
            let of = expr(&node.expr);
            match &node.subscript_expr {
                // A member by its name.
                Expr::Const(name)
                    if name.value.as_str().is_some() && super::number(&name.value).is_none() =>
                {
                    Expr::GetItem(at(
                        GetItem {
                            expr: of,
                            subscript_expr: expr(&node.subscript_expr),
                        },
                        node.span(),
                    ))
                }
                place => call(AT, [of, expr(place), path(&node.expr)], node.span()),
            }
        }
        Expr::Call(node) => Expr::Call(at(
            Call {
                expr: expr(&node.expr),
                args: args(&node.args),
            },
            node.span(),
        )),
        Expr::List(node) => Expr::List(at(
            List {
                items: exprs(&node.items),
            },
            node.span(),
        )),
        Expr::Tuple(node) => Expr::Tuple(at(
            Tuple {
                items: exprs(&node.items),
            },
            node.span(),
        )),
        Expr::Map(node) => Expr::Map(at(
            Map {
                keys: exprs(&node.keys),
                values: exprs(&node.values),
            },
            node.span(),
        )),
    }
}

/// Whether an expression is read as a time to the second, and not as a day.
pub(super) fn is_time(tree: &Expr<'_>) -> bool {
    match tree {
        // A day, so many days later, is a day.
        Expr::Filter(node) if node.name == "later" => {
            let by = node.args.first().and_then(|by| match by {
                CallArg::Pos(Expr::Const(by)) => by.value.as_str(),
                _ => None,
            });
            !by.is_some_and(dates::is_whole_days) || node.expr.as_ref().is_some_and(is_time)
        }
        _ => literal_path(tree).is_some_and(|path| when::is_time(&path)),
    }
}

/// A member; a merge field as what it means, and a custom field by its key where the contact has no such member.
fn member<'a>(tree: &Expr<'a>, node: &Spanned<GetAttr<'a>>) -> Expr<'a> {
    let member = |of: Expr<'a>| {
        Expr::GetAttr(at(
            GetAttr {
                expr: of,
                name: node.name,
            },
            node.span(),
        ))
    };
    let Some(path) = literal_path(tree) else {
        return member(expr(&node.expr));
    };
    if let Some(meant) = merge::expression(&path, expr) {
        return meant;
    }
    let own = member(expr(&node.expr));
    if merge::may_be_custom(&path) {
        let custom = Expr::Var(at(Var { id: CUSTOM }, node.span()));
        return call(FIRST, [own, member(custom)], node.span());
    }
    own
}

pub(super) fn constant<'a>(value: Value, span: Span) -> Expr<'a> {
    // `none` is what is missing, too.
    let value = if value.is_none() {
        Value::UNDEFINED
    } else {
        value
    };
    Expr::Const(at(Const { value }, span))
}

pub(super) fn call<'a, const N: usize>(
    name: &'static str,
    arguments: [Expr<'a>; N],
    span: Span,
) -> Expr<'a> {
    let arguments = arguments.into_iter().map(CallArg::Pos).collect();
    let function = Expr::Var(at(Var { id: name }, span));
    Expr::Call(at(
        Call {
            expr: function,
            args: arguments,
        },
        span,
    ))
}
/// `contact.score`, where the expression is just that.
pub(super) fn literal_path(tree: &Expr<'_>) -> Option<String> {
    match tree {
        Expr::Var(node) => Some(node.id.to_owned()),
        Expr::GetAttr(node) => Some(format!("{}.{}", literal_path(&node.expr)?, node.name)),
        Expr::GetItem(node) => {
            let Expr::Const(name) = &node.subscript_expr else {
                return None;
            };
            let of = literal_path(&node.expr)?;
            match name.value.as_str() {
                Some(name) => Some(format!("{of}['{name}']")),
                None => Some(format!("{of}[{}]", name.value)),
            }
        }
        // A value beside which another stands.
        Expr::BinOp(node) if matches!(node.op, BinOpKind::ScOr) => literal_path(&node.left),
        Expr::Filter(node) => literal_path(node.expr.as_ref()?),
        _ => None,
    }
}

/// The name of what is compared, for messages.
pub(super) fn path<'a>(tree: &Expr<'a>) -> Expr<'a> {
    constant(
        Value::from(literal_path(tree).unwrap_or_default()),
        tree.span(),
    )
}
