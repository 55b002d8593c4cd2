//! Operators become calls of our own functions before an expression is compiled: minijinja has no other place for what
//! `<`, `==`, `in`, `+` and the like mean. `and`, `or` and `not` stay its own.

use std::collections::BTreeMap;

use minijinja::machinery::ast::{
    AutoEscape, BinOp, BinOpKind, Call, CallArg, Compare, CompareOpKind, Const, Do, EmitExpr,
    EmitRaw, Expr, Filter, FilterBlock, ForLoop, GetAttr, GetItem, IfCond, IfExpr, List, Map, Set,
    SetBlock, Slice, Spanned, Stmt, Template, Test, Tuple, UnaryOp, UnaryOpKind, Var, WithBlock,
};
use minijinja::machinery::{
    CodeGenerator, Instructions, Span, eval, make_string_output, parse, parse_expr,
};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, Value};

use super::arithmetic::{DIVISOR, NUMBER, PLUS};
use super::compare::{AT_MOST, BELOW, CONTAINS, EQUAL};
use super::lists::{FILTERS, FIRST, LIST};
use super::print::CONCAT;
use crate::merge;
use crate::names::CUSTOM;

/// An expression or a template, ready to be run.
pub(crate) struct Program<'source> {
    instructions: Instructions<'source>,
}

impl<'source> Program<'source> {
    pub fn expression(source: &'source str) -> Result<Self, Error> {
        let tree = expr(&parse_expr(source)?);
        let mut code = CodeGenerator::new("<expression>", source);
        code.compile_expr(&tree);
        Ok(Self {
            instructions: code.finish().0,
        })
    }

    pub fn template(source: &'source str) -> Result<Self, Error> {
        let tree = stmt(&parse(source, "<template>", SyntaxConfig::default())?);
        let mut code = CodeGenerator::new("<template>", source);
        code.compile_stmt(&tree);
        Ok(Self {
            instructions: code.finish().0,
        })
    }

    /// The value of an expression, and the text of a template.
    pub fn run(
        &self,
        environment: &Environment<'_>,
        context: &Value,
    ) -> Result<(Value, String), Error> {
        let mut text = String::new();
        let mut out = make_string_output(&mut text);
        let blocks = BTreeMap::new();
        let escape = minijinja::AutoEscape::None;
        let value = eval(
            environment,
            &self.instructions,
            context.clone(),
            &blocks,
            &mut out,
            escape,
        )?
        .0;
        Ok((value.unwrap_or_default(), text))
    }
}

fn at<T>(node: T, span: Span) -> Spanned<T> {
    Spanned::new(node, span)
}

fn exprs<'a>(all: &[Expr<'a>]) -> Vec<Expr<'a>> {
    all.iter().map(expr).collect()
}

fn stmts<'a>(all: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
    all.iter().map(stmt).collect()
}

fn args<'a>(all: &[CallArg<'a>]) -> Vec<CallArg<'a>> {
    let arg = |arg: &CallArg<'a>| match arg {
        CallArg::Pos(value) => CallArg::Pos(expr(value)),
        CallArg::Kwarg(name, value) => CallArg::Kwarg(name, expr(value)),
        CallArg::PosSplat(value) => CallArg::PosSplat(expr(value)),
        CallArg::KwargSplat(value) => CallArg::KwargSplat(expr(value)),
    };
    all.iter().map(arg).collect()
}

fn stmt<'a>(tree: &Stmt<'a>) -> Stmt<'a> {
    match tree {
        Stmt::Template(node) => Stmt::Template(at(
            Template {
                children: stmts(&node.children),
            },
            node.span(),
        )),
        Stmt::EmitExpr(node) => Stmt::EmitExpr(at(
            EmitExpr {
                expr: expr(&node.expr),
            },
            node.span(),
        )),
        Stmt::EmitRaw(node) => Stmt::EmitRaw(at(EmitRaw { raw: node.raw }, node.span())),
        Stmt::ForLoop(node) => Stmt::ForLoop(at(
            ForLoop {
                target: expr(&node.target),
                iter: call(LIST, [expr(&node.iter), path(&node.iter)], node.iter.span()),
                filter_expr: node.filter_expr.as_ref().map(expr),
                recursive: node.recursive,
                body: stmts(&node.body),
                else_body: stmts(&node.else_body),
            },
            node.span(),
        )),
        Stmt::IfCond(node) => Stmt::IfCond(at(
            IfCond {
                expr: expr(&node.expr),
                true_body: stmts(&node.true_body),
                false_body: stmts(&node.false_body),
            },
            node.span(),
        )),
        Stmt::WithBlock(node) => {
            let assignments = node.assignments.iter();
            let assignments = assignments.map(|(target, value)| (expr(target), expr(value)));
            Stmt::WithBlock(at(
                WithBlock {
                    assignments: assignments.collect(),
                    body: stmts(&node.body),
                },
                node.span(),
            ))
        }
        Stmt::Set(node) => Stmt::Set(at(
            Set {
                target: expr(&node.target),
                expr: expr(&node.expr),
            },
            node.span(),
        )),
        Stmt::SetBlock(node) => Stmt::SetBlock(at(
            SetBlock {
                target: expr(&node.target),
                filter: node.filter.as_ref().map(expr),
                body: stmts(&node.body),
            },
            node.span(),
        )),
        Stmt::AutoEscape(node) => Stmt::AutoEscape(at(
            AutoEscape {
                enabled: expr(&node.enabled),
                body: stmts(&node.body),
            },
            node.span(),
        )),
        Stmt::FilterBlock(node) => Stmt::FilterBlock(at(
            FilterBlock {
                filter: expr(&node.filter),
                filter_span: node.filter_span,
                body: stmts(&node.body),
            },
            node.span(),
        )),
        Stmt::Do(node) => {
            let inner = Call {
                expr: expr(&node.call.expr),
                args: args(&node.call.args),
            };
            Stmt::Do(at(
                Do {
                    call: at(inner, node.call.span()),
                },
                node.span(),
            ))
        }
    }
}

fn expr<'a>(tree: &Expr<'a>) -> Expr<'a> {
    match tree {
        Expr::Var(node) => Expr::Var(at(Var { id: node.id }, node.span())),
        Expr::Const(node) => constant(node.value.clone(), node.span()),
        Expr::Slice(node) => Expr::Slice(at(
            Slice {
                expr: expr(&node.expr),
                start: node.start.as_ref().map(expr),
                stop: node.stop.as_ref().map(expr),
                step: node.step.as_ref().map(expr),
            },
            node.span(),
        )),
        Expr::UnaryOp(node) => {
            let (op, inner) = match node.op {
                UnaryOpKind::Not => (UnaryOpKind::Not, expr(&node.expr)),
                UnaryOpKind::Neg => (UnaryOpKind::Neg, operand(NUMBER, &node.expr)),
            };
            Expr::UnaryOp(at(UnaryOp { op, expr: inner }, node.span()))
        }
        Expr::BinOp(node) => binary(node, node.span()),
        Expr::Compare(node) => chain(node, node.span()),
        Expr::IfExpr(node) => Expr::IfExpr(at(
            IfExpr {
                test_expr: expr(&node.test_expr),
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
            Expr::Filter(at(
                Filter {
                    name: node.name,
                    expr: inner,
                    args: args(&node.args),
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
        Expr::GetItem(node) => Expr::GetItem(at(
            GetItem {
                expr: expr(&node.expr),
                subscript_expr: expr(&node.subscript_expr),
            },
            node.span(),
        )),
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

fn constant<'a>(value: Value, span: Span) -> Expr<'a> {
    // `none` is what is missing, too.
    let value = if value.is_none() {
        Value::UNDEFINED
    } else {
        value
    };
    Expr::Const(at(Const { value }, span))
}

fn call<'a, const N: usize>(name: &'static str, arguments: [Expr<'a>; N], span: Span) -> Expr<'a> {
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

fn not(inner: Expr<'_>, span: Span) -> Expr<'_> {
    Expr::UnaryOp(at(
        UnaryOp {
            op: UnaryOpKind::Not,
            expr: inner,
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
fn path<'a>(tree: &Expr<'a>) -> Expr<'a> {
    constant(
        Value::from(literal_path(tree).unwrap_or_default()),
        tree.span(),
    )
}

/// Something to reckon with.
fn operand<'a>(function: &'static str, tree: &Expr<'a>) -> Expr<'a> {
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

fn binary<'a>(node: &BinOp<'a>, span: Span) -> Expr<'a> {
    let (left, right) = (&node.left, &node.right);
    let reckoned = |op, divisor| {
        let right = operand(divisor, right);
        Expr::BinOp(at(
            BinOp {
                op,
                left: operand(NUMBER, left),
                right,
            },
            span,
        ))
    };
    match node.op {
        BinOpKind::Eq => compared(CompareOpKind::Eq, left, right, span),
        BinOpKind::Ne => compared(CompareOpKind::Ne, left, right, span),
        BinOpKind::Lt => compared(CompareOpKind::Lt, left, right, span),
        BinOpKind::Lte => compared(CompareOpKind::Lte, left, right, span),
        BinOpKind::Gt => compared(CompareOpKind::Gt, left, right, span),
        BinOpKind::Gte => compared(CompareOpKind::Gte, left, right, span),
        BinOpKind::In => compared(CompareOpKind::In, left, right, span),
        op @ (BinOpKind::ScAnd | BinOpKind::ScOr) => Expr::BinOp(at(
            BinOp {
                op,
                left: expr(left),
                right: expr(right),
            },
            span,
        )),
        BinOpKind::Concat => call(CONCAT, [expr(left), expr(right)], span),
        BinOpKind::Add if is_text(left) || is_text(right) => {
            call(CONCAT, [expr(left), expr(right)], span)
        }
        BinOpKind::Add => call(
            PLUS,
            [expr(left), expr(right), path(left), path(right)],
            span,
        ),
        // `'-' * 20` is a line.
        BinOpKind::Mul if is_text(left) => Expr::BinOp(at(
            BinOp {
                op: BinOpKind::Mul,
                left: expr(left),
                right: operand(NUMBER, right),
            },
            span,
        )),
        BinOpKind::Mul => reckoned(BinOpKind::Mul, NUMBER),
        BinOpKind::Sub => reckoned(BinOpKind::Sub, NUMBER),
        BinOpKind::Pow => reckoned(BinOpKind::Pow, NUMBER),
        op @ (BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem) => reckoned(op, DIVISOR),
    }
}

/// `1 < x < 5`: every pair.
fn chain<'a>(node: &Compare<'a>, span: Span) -> Expr<'a> {
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
