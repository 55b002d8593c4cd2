//! Operators, as calls of our own functions.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{
    BinOp, BinOpKind, Compare, CompareOpKind, Expr, IfExpr, UnaryOp, UnaryOpKind,
};

use super::arithmetic::{DIVISOR, EXACT, FACTOR, NUMBER, PLUS, QUOTIENT, REST};
use super::compare::{AT_MOST, BELOW, CONTAINS, EQUAL};
use super::number::{HAS_VALUE, TRUTH, number};
use super::print::CONCAT;
use super::rewrite::{at, call, constant, expr, path};

fn not(inner: Expr<'_>, span: Span) -> Expr<'_> {
    Expr::UnaryOp(at(
        UnaryOp {
            op: UnaryOpKind::Not,
            expr: inner,
        },
        span,
    ))
}
/// An expression of which only matters whether it holds: a text that says no does not.
pub(super) fn condition<'a>(tree: &Expr<'a>) -> Expr<'a> {
    match tree {
        Expr::BinOp(node) if matches!(node.op, BinOpKind::ScAnd | BinOpKind::ScOr) => {
            Expr::BinOp(at(
                BinOp {
                    op: node.op,
                    left: condition(&node.left),
                    right: condition(&node.right),
                },
                node.span(),
            ))
        }
        // These are true or false by themselves.
        Expr::UnaryOp(node) if matches!(node.op, UnaryOpKind::Not) => expr(tree),
        Expr::Compare(_) | Expr::Test(_) => expr(tree),
        _ => call(TRUTH, [expr(tree)], tree.span()),
    }
}

/// What stands in a value's place.
#[derive(Debug, PartialEq, Eq)]
enum Fallback {
    /// A number, so that the value is meant as one: 0 is a value, and so is what is no number and told as such.
    Number,
    /// A text or a list: it stands for all that is empty, 0 and false among it, as templates have it everywhere.
    Written,
    /// Something that is read: 0 is a value.
    Read,
}

impl Fallback {
    fn of(tree: &Expr<'_>) -> Self {
        match tree {
            Expr::Const(node) if node.value.is_number() => Self::Number,
            Expr::UnaryOp(node) if matches!(node.op, UnaryOpKind::Neg) => Self::Number,
            Expr::BinOp(node) => match node.op {
                BinOpKind::ScOr | BinOpKind::ScAnd => Self::of(&node.right),
                BinOpKind::Add if is_text(tree) => Self::Written,
                BinOpKind::Add
                | BinOpKind::Sub
                | BinOpKind::Mul
                | BinOpKind::Div
                | BinOpKind::FloorDiv
                | BinOpKind::Rem
                | BinOpKind::Pow => Self::Number,
                _ => Self::Written,
            },
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) | Expr::Filter(_) => Self::Read,
            _ => Self::Written,
        }
    }
}

/// The parts of `a or b or c`, however they are put together; the same with `and`.
fn parts<'t, 'a>(tree: &'t Expr<'a>, is_op: fn(BinOpKind) -> bool, found: &mut Vec<&'t Expr<'a>>) {
    match tree {
        Expr::BinOp(node) if is_op(node.op) => {
            parts(&node.left, is_op, found);
            parts(&node.right, is_op, found);
        }
        _ => found.push(tree),
    }
}

fn is_or(op: BinOpKind) -> bool {
    matches!(op, BinOpKind::ScOr)
}

fn is_and(op: BinOpKind) -> bool {
    matches!(op, BinOpKind::ScAnd)
}

/// `a or b` as a value: the first that is there. All of them are meant as what stands at the end.
fn either<'a>(left: &Expr<'a>, right: &Expr<'a>, span: Span) -> Expr<'a> {
    let kind = Fallback::of(right);
    if kind == Fallback::Written {
        return Expr::BinOp(at(
            BinOp {
                op: BinOpKind::ScOr,
                left: expr(left),
                right: expr(right),
            },
            span,
        ));
    }
    let mut all = Vec::new();
    parts(left, is_or, &mut all);
    parts(right, is_or, &mut all);
    let last = all.pop().map_or_else(|| expr(right), expr);
    all.into_iter().rev().fold(last, |rest, part| {
        let as_number = constant((kind == Fallback::Number).into(), span);
        let is_there = call(HAS_VALUE, [expr(part), as_number], span);
        choice(is_there, expr(part), rest, span)
    })
}

/// `a and b` as a value: the first that does not hold, or else the last.
fn all<'a>(left: &Expr<'a>, right: &Expr<'a>, span: Span) -> Expr<'a> {
    let mut all = Vec::new();
    parts(left, is_and, &mut all);
    parts(right, is_and, &mut all);
    let last = all.pop().map_or_else(|| expr(right), expr);
    all.into_iter().rev().fold(last, |rest, part| {
        choice(condition(part), rest, expr(part), span)
    })
}

fn choice<'a>(test: Expr<'a>, yes: Expr<'a>, no: Expr<'a>, span: Span) -> Expr<'a> {
    Expr::IfExpr(at(
        IfExpr {
            test_expr: test,
            true_expr: yes,
            false_expr: Some(no),
        },
        span,
    ))
}

/// Something to reckon with.
pub(super) fn operand<'a>(function: &'static str, tree: &Expr<'a>) -> Expr<'a> {
    call(function, [expr(tree), path(tree)], tree.span())
}

/// Whether it is a text in any case: a quoted one, or something put together.
fn is_text(tree: &Expr<'_>) -> bool {
    match tree {
        Expr::Const(node) => node.value.as_str().is_some(),
        Expr::BinOp(node) => match node.op {
            BinOpKind::Concat => true,
            BinOpKind::Add => is_text(&node.left) || is_text(&node.right),
            _ => false,
        },
        _ => false,
    }
}

/// Whether it is a text and no number.
fn is_word(tree: &Expr<'_>) -> bool {
    match tree {
        Expr::Const(node) => is_text(tree) && number(&node.value).is_none(),
        Expr::BinOp(node) if matches!(node.op, BinOpKind::Add) => {
            is_word(&node.left) || is_word(&node.right)
        }
        _ => is_text(tree),
    }
}

fn compared<'a>(op: CompareOpKind, left: &Expr<'a>, right: &Expr<'a>, span: Span) -> Expr<'a> {
    let pair = |function, one: &Expr<'a>, other: &Expr<'a>| {
        call(
            function,
            [expr(one), expr(other), path(one), path(other)],
            span,
        )
    };
    match op {
        CompareOpKind::Eq => pair(EQUAL, left, right),
        CompareOpKind::Ne => not(pair(EQUAL, left, right), span),
        CompareOpKind::Lt => pair(BELOW, left, right),
        CompareOpKind::Lte => pair(AT_MOST, left, right),
        CompareOpKind::Gt => pair(BELOW, right, left),
        CompareOpKind::Gte => pair(AT_MOST, right, left),
        CompareOpKind::In => pair(CONTAINS, right, left),
        CompareOpKind::NotIn => not(pair(CONTAINS, right, left), span),
    }
}

pub(super) fn binary<'a>(node: &BinOp<'a>, span: Span) -> Expr<'a> {
    let (left, right) = (&node.left, &node.right);
    let reckoned = |op, divisor| {
        let both = BinOp {
            op,
            left: operand(NUMBER, left),
            right: operand(divisor, right),
        };
        call(EXACT, [Expr::BinOp(at(both, span))], span)
    };
    let divided = |function| {
        call(
            function,
            [operand(NUMBER, left), operand(DIVISOR, right)],
            span,
        )
    };
    match node.op {
        BinOpKind::Eq => compared(CompareOpKind::Eq, left, right, span),
        BinOpKind::Ne => compared(CompareOpKind::Ne, left, right, span),
        BinOpKind::Lt => compared(CompareOpKind::Lt, left, right, span),
        BinOpKind::Lte => compared(CompareOpKind::Lte, left, right, span),
        BinOpKind::Gt => compared(CompareOpKind::Gt, left, right, span),
        BinOpKind::Gte => compared(CompareOpKind::Gte, left, right, span),
        BinOpKind::In => compared(CompareOpKind::In, left, right, span),
        BinOpKind::ScAnd => all(left, right, span),
        BinOpKind::ScOr => either(left, right, span),
        BinOpKind::Concat => call(CONCAT, [expr(left), expr(right)], span),
        // What stands in quotes and is a number may be meant as one; then both sides decide.
        BinOpKind::Add if is_word(left) || is_word(right) => {
            call(CONCAT, [expr(left), expr(right)], span)
        }
        BinOpKind::Add => call(
            PLUS,
            [expr(left), expr(right), path(left), path(right)],
            span,
        ),
        // `'-' * 20` is a line; what stands in quotes and is a number counts as one.
        BinOpKind::Mul if is_text(left) => {
            let both = BinOp {
                op: BinOpKind::Mul,
                left: call(FACTOR, [expr(left)], left.span()),
                right: operand(NUMBER, right),
            };
            call(EXACT, [Expr::BinOp(at(both, span))], span)
        }
        BinOpKind::Mul => reckoned(BinOpKind::Mul, NUMBER),
        BinOpKind::Sub => reckoned(BinOpKind::Sub, NUMBER),
        BinOpKind::Pow => reckoned(BinOpKind::Pow, NUMBER),
        BinOpKind::Div => reckoned(BinOpKind::Div, DIVISOR),
        BinOpKind::FloorDiv => divided(QUOTIENT),
        BinOpKind::Rem => divided(REST),
    }
}

/// `1 < x < 5`: every pair.
pub(super) fn chain<'a>(node: &Compare<'a>, span: Span) -> Expr<'a> {
    let mut left = &node.expr;
    let mut whole = None;
    for op in &node.ops {
        let pair = compared(op.op, left, &op.expr, span);
        whole = Some(match whole {
            None => pair,
            Some(before) => Expr::BinOp(at(
                BinOp {
                    op: BinOpKind::ScAnd,
                    left: before,
                    right: pair,
                },
                span,
            )),
        });
        left = &op.expr;
    }
    whole.unwrap_or_else(|| expr(left))
}
