//! Every expression of an expression or a template, the outer ones first.

use minijinja::machinery::ast::{CallArg, Expr, Stmt};
use minijinja::machinery::{parse, parse_expr};
use minijinja::syntax::SyntaxConfig;

/// Goes through the expressions of an expression.
pub(super) fn of_expression(source: &str, visit: &mut dyn FnMut(&Expr<'_>)) {
    if let Ok(tree) = parse_expr(source) {
        expr(&tree, visit);
    }
}

/// What is told of an expression as a whole.
pub(super) fn root_of<T>(source: &str, told: impl FnOnce(&Expr<'_>) -> T) -> Option<T> {
    parse_expr(source).ok().map(|tree| told(&tree))
}

/// Goes through the expressions of a template.
pub(super) fn of_template(source: &str, visit: &mut dyn FnMut(&Expr<'_>)) {
    if let Ok(tree) = parse(source, "<template>", SyntaxConfig::default()) {
        stmt(&tree, visit);
    }
}

fn stmts(all: &[Stmt<'_>], visit: &mut dyn FnMut(&Expr<'_>)) {
    for tree in all {
        stmt(tree, visit);
    }
}

fn stmt(tree: &Stmt<'_>, visit: &mut dyn FnMut(&Expr<'_>)) {
    match tree {
        Stmt::Template(node) => stmts(&node.children, visit),
        Stmt::EmitExpr(node) => expr(&node.expr, visit),
        Stmt::EmitRaw(_) => {}
        Stmt::ForLoop(node) => {
            expr(&node.iter, visit);
            if let Some(tree) = &node.filter_expr {
                expr(tree, visit);
            }
            stmts(&node.body, visit);
            stmts(&node.else_body, visit);
        }
        Stmt::IfCond(node) => {
            expr(&node.expr, visit);
            stmts(&node.true_body, visit);
            stmts(&node.false_body, visit);
        }
        Stmt::WithBlock(node) => {
            for (_, value) in &node.assignments {
                expr(value, visit);
            }
            stmts(&node.body, visit);
        }
        Stmt::Set(node) => expr(&node.expr, visit),
        Stmt::SetBlock(node) => {
            if let Some(tree) = &node.filter {
                expr(tree, visit);
            }
            stmts(&node.body, visit);
        }
        Stmt::AutoEscape(node) => stmts(&node.body, visit),
        Stmt::FilterBlock(node) => {
            expr(&node.filter, visit);
            stmts(&node.body, visit);
        }
        Stmt::Do(node) => {
            expr(&node.call.expr, visit);
            args(&node.call.args, visit);
        }
    }
}

/// The value of an argument, whatever its form.
pub(super) fn value_of<'t, 'a>(arg: &'t CallArg<'a>) -> &'t Expr<'a> {
    match arg {
        CallArg::Pos(tree)
        | CallArg::Kwarg(_, tree)
        | CallArg::PosSplat(tree)
        | CallArg::KwargSplat(tree) => tree,
    }
}

fn args(all: &[CallArg<'_>], visit: &mut dyn FnMut(&Expr<'_>)) {
    for arg in all {
        expr(value_of(arg), visit);
    }
}

/// Goes through an expression and all that it is made of.
pub(super) fn expr(tree: &Expr<'_>, visit: &mut dyn FnMut(&Expr<'_>)) {
    visit(tree);
    match tree {
        Expr::Var(_) | Expr::Const(_) => {}
        Expr::Slice(node) => {
            expr(&node.expr, visit);
            for tree in [&node.start, &node.stop, &node.step].into_iter().flatten() {
                expr(tree, visit);
            }
        }
        Expr::UnaryOp(node) => expr(&node.expr, visit),
        Expr::BinOp(node) => {
            expr(&node.left, visit);
            expr(&node.right, visit);
        }
        Expr::Compare(node) => {
            expr(&node.expr, visit);
            for op in &node.ops {
                expr(&op.expr, visit);
            }
        }
        Expr::IfExpr(node) => {
            expr(&node.test_expr, visit);
            expr(&node.true_expr, visit);
            if let Some(tree) = &node.false_expr {
                expr(tree, visit);
            }
        }
        Expr::Filter(node) => {
            if let Some(tree) = &node.expr {
                expr(tree, visit);
            }
            args(&node.args, visit);
        }
        Expr::Test(node) => {
            expr(&node.expr, visit);
            args(&node.args, visit);
        }
        Expr::GetAttr(node) => expr(&node.expr, visit),
        Expr::GetItem(node) => {
            expr(&node.expr, visit);
            expr(&node.subscript_expr, visit);
        }
        Expr::Call(node) => {
            expr(&node.expr, visit);
            args(&node.args, visit);
        }
        Expr::List(node) => node.items.iter().for_each(|tree| expr(tree, visit)),
        Expr::Tuple(node) => node.items.iter().for_each(|tree| expr(tree, visit)),
        Expr::Map(node) => {
            node.keys.iter().for_each(|tree| expr(tree, visit));
            node.values.iter().for_each(|tree| expr(tree, visit));
        }
    }
}
