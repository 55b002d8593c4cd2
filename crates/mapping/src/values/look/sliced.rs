//! Names within what is sliced.

use minijinja::machinery::ast::{CallArg, Expr};

use super::Sight;

/// `contact.tags`, of members alone.
fn dotted(tree: &Expr<'_>) -> Option<String> {
    match tree {
        Expr::Var(node) => Some(node.id.to_owned()),
        Expr::GetAttr(node) => Some(format!("{}.{}", dotted(&node.expr)?, node.name)),
        _ => None,
    }
}

pub(super) fn names(tree: &Expr<'_>, found: &mut Vec<Sight>) {
    if let Some(path) = dotted(tree) {
        found.push(Sight::Sliced(path));
        return;
    }
    let mut all = |trees: &[Expr<'_>]| trees.iter().for_each(|tree| names(tree, found));
    match tree {
        Expr::List(node) => all(&node.items),
        Expr::Tuple(node) => all(&node.items),
        Expr::Map(node) => all(&node.values),
        Expr::GetAttr(node) => names(&node.expr, found),
        Expr::GetItem(node) => {
            names(&node.expr, found);
            names(&node.subscript_expr, found);
        }
        Expr::UnaryOp(node) => names(&node.expr, found),
        Expr::BinOp(node) => {
            names(&node.left, found);
            names(&node.right, found);
        }
        Expr::Compare(node) => {
            names(&node.expr, found);
            node.ops.iter().for_each(|op| names(&op.expr, found));
        }
        Expr::IfExpr(node) => {
            names(&node.test_expr, found);
            names(&node.true_expr, found);
            node.false_expr.iter().for_each(|tree| names(tree, found));
        }
        Expr::Filter(node) => {
            node.expr.iter().for_each(|tree| names(tree, found));
            args(&node.args, found);
        }
        Expr::Test(node) => {
            names(&node.expr, found);
            args(&node.args, found);
        }
        Expr::Call(node) => args(&node.args, found),
        // A slice within tells its own.
        Expr::Slice(_) | Expr::Const(_) | Expr::Var(_) => {}
    }
}

fn args(all: &[CallArg<'_>], found: &mut Vec<Sight>) {
    for arg in all {
        match arg {
            CallArg::Pos(tree)
            | CallArg::Kwarg(_, tree)
            | CallArg::PosSplat(tree)
            | CallArg::KwargSplat(tree) => names(tree, found),
        }
    }
}

/// What a loop, a `set` or a `with` names.
pub(super) fn locals(target: &Expr<'_>, found: &mut Vec<Sight>) {
    match target {
        Expr::Var(node) => found.push(Sight::Local(node.id.to_owned())),
        Expr::List(node) => node.items.iter().for_each(|one| locals(one, found)),
        Expr::Tuple(node) => node.items.iter().for_each(|one| locals(one, found)),
        _ => {}
    }
}
