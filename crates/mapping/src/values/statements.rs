//! The statements of templates, with their expressions rewritten.

use minijinja::machinery::ast::{
    AutoEscape, Call, Do, EmitExpr, EmitRaw, FilterBlock, ForLoop, IfCond, Set, SetBlock, Stmt,
    Template, WithBlock,
};

use super::lists::LIST;
use super::rewrite::{args, at, call, condition, expr, path};

fn stmts<'a>(all: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
    all.iter().map(stmt).collect()
}
pub(super) fn stmt<'a>(tree: &Stmt<'a>) -> Stmt<'a> {
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
                filter_expr: node.filter_expr.as_ref().map(condition),
                recursive: node.recursive,
                body: stmts(&node.body),
                else_body: stmts(&node.else_body),
            },
            node.span(),
        )),
        Stmt::IfCond(node) => Stmt::IfCond(at(
            IfCond {
                expr: condition(&node.expr),
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
