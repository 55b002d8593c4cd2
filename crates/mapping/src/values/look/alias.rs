//! Merge fields that are read of something else than their root itself: of another name of the contact, of an item of a
//! list that it is in, by a filter. Only what stands as `contact.full_name` is understood; the rest would print nothing.

mod reads;
mod seen;

use std::collections::BTreeMap;

use minijinja::machinery::ast::{Expr, Stmt};

use super::Sight;
use crate::merge;
use reads::read;
use seen::Seen;

/// A record that some events call so, whatever it is.
const RECORD: &str = "record";

/// What merge fields are of.
fn is_root(name: &str) -> bool {
    let of = |(path, _): &(&str, merge::Meaning)| {
        path.split_once('.').is_some_and(|(root, _)| root == name)
    };
    name == RECORD || merge::FIELDS.iter().any(of)
}

/// What is known at a place of a template.
#[derive(Default)]
struct Scope {
    /// Names that the template makes itself, the inner ones last.
    locals: Vec<(String, Seen)>,
    /// What is kept in namespaces, from anywhere.
    kept: BTreeMap<String, Seen>,
    found: Vec<Sight>,
    /// Whether what is set may not be set in all runs.
    is_branch: bool,
}

pub(super) fn in_expression(tree: &Expr<'_>) -> Vec<Sight> {
    let mut scope = Scope::default();
    read(tree, &mut scope);
    scope.found
}

pub(super) fn in_template(tree: &Stmt<'_>) -> Vec<Sight> {
    let mut scope = Scope::default();
    stmt(tree, &mut scope);
    // A loop may read of a namespace what is kept there further down.
    let mut again = Scope {
        kept: scope.kept,
        ..Scope::default()
    };
    stmt(tree, &mut again);
    again.found
}

impl Scope {
    fn local(&self, name: &str) -> Option<Seen> {
        let mut inner = self.locals.iter().rev();
        let (_, seen) = inner.find(|(local, _)| local == name)?;
        let kept = self.kept.get(name).cloned().unwrap_or_default();
        Some(seen.clone().or(kept))
    }

    fn is_local(&self, name: &str) -> bool {
        self.locals.iter().any(|(local, _)| local == name)
    }

    fn bind(&mut self, target: &Expr<'_>, seen: &Seen) {
        match target {
            Expr::Var(node) => {
                let before = self.local(node.id).filter(|_| self.is_branch);
                let seen = seen.clone().or(before.unwrap_or_default());
                self.locals.push((node.id.to_owned(), seen));
            }
            Expr::List(node) => node
                .items
                .iter()
                .for_each(|one| self.bind(one, &seen.item())),
            Expr::Tuple(node) => node
                .items
                .iter()
                .for_each(|one| self.bind(one, &seen.item())),
            Expr::GetAttr(node) => {
                if let Expr::Var(of) = &node.expr {
                    let kept = self.kept.remove(of.id).unwrap_or_default();
                    let member = Seen::of_members([(node.name.to_owned(), seen.clone())]);
                    self.kept.insert(of.id.to_owned(), kept.or(member));
                }
            }
            _ => {}
        }
    }

    /// What is named within is not known behind it.
    fn within(&mut self, inner: impl FnOnce(&mut Self)) {
        let (outside, is_branch) = (self.locals.len(), self.is_branch);
        self.is_branch = false;
        inner(self);
        self.is_branch = is_branch;
        self.locals.truncate(outside);
    }

    /// What is set within may be set behind it.
    fn perhaps(&mut self, inner: impl FnOnce(&mut Self)) {
        let is_branch = std::mem::replace(&mut self.is_branch, true);
        inner(self);
        self.is_branch = is_branch;
    }
}

fn stmts(all: &[Stmt<'_>], scope: &mut Scope) {
    for tree in all {
        stmt(tree, scope);
    }
}

fn stmt(tree: &Stmt<'_>, scope: &mut Scope) {
    match tree {
        Stmt::Template(node) => stmts(&node.children, scope),
        Stmt::EmitExpr(node) => drop(read(&node.expr, scope)),
        Stmt::EmitRaw(_) => {}
        Stmt::ForLoop(node) => {
            let item = read(&node.iter, scope).each();
            scope.within(|scope| {
                scope.bind(&node.target, &item);
                let beside = ["previtem", "nextitem"].map(|name| (name.to_owned(), item.clone()));
                let of_loop = Seen::of_members(beside);
                scope.locals.push(("loop".to_owned(), of_loop));
                node.filter_expr
                    .iter()
                    .for_each(|tree| drop(read(tree, scope)));
                stmts(&node.body, scope);
            });
            scope.within(|scope| stmts(&node.else_body, scope));
        }
        Stmt::IfCond(node) => {
            read(&node.expr, scope);
            scope.perhaps(|scope| stmts(&node.true_body, scope));
            scope.perhaps(|scope| stmts(&node.false_body, scope));
        }
        Stmt::WithBlock(node) => scope.within(|scope| {
            for (target, value) in &node.assignments {
                let seen = read(value, scope);
                scope.bind(target, &seen);
            }
            stmts(&node.body, scope);
        }),
        Stmt::Set(node) => {
            let seen = read(&node.expr, scope);
            scope.bind(&node.target, &seen);
        }
        Stmt::SetBlock(node) => {
            scope.within(|scope| stmts(&node.body, scope));
            scope.bind(&node.target, &Seen::default());
        }
        Stmt::AutoEscape(node) => stmts(&node.body, scope),
        Stmt::FilterBlock(node) => {
            read(&node.filter, scope);
            stmts(&node.body, scope);
        }
        Stmt::Do(node) => drop(reads::args(&node.call.args, scope)),
    }
}
