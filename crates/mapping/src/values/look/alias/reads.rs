//! What expressions read, and of what.

use minijinja::machinery::ast::{BinOpKind, CallArg, Const, Expr, Filter, Spanned};

use super::seen::Seen;
use super::{RECORD, Scope, is_root};
use crate::merge::{self, Meaning};
use crate::values::look::Sight;
use crate::values::rewrite::literal_path;
use crate::values::walk::value_of;

/// What an expression may be; what it reads of something that may be a root goes to the scope.
pub(super) fn read(tree: &Expr<'_>, scope: &mut Scope) -> Seen {
    match tree {
        Expr::Var(node) => match scope.local(node.id) {
            Some(seen) => seen,
            None if is_root(node.id) => Seen::root(node.id),
            None => Seen::default(),
        },
        Expr::Const(node) => of_constant(node),
        Expr::Slice(node) => {
            for tree in [&node.start, &node.stop, &node.step].into_iter().flatten() {
                read(tree, scope);
            }
            read(&node.expr, scope)
        }
        Expr::UnaryOp(node) => nothing([&node.expr], scope),
        Expr::BinOp(node) => {
            let both = read(&node.left, scope).or(read(&node.right, scope));
            match node.op {
                BinOpKind::ScOr | BinOpKind::ScAnd | BinOpKind::Add | BinOpKind::Mul => both,
                _ => Seen::default(),
            }
        }
        Expr::Compare(node) => {
            let others = node.ops.iter().map(|op| &op.expr);
            nothing(std::iter::once(&node.expr).chain(others), scope)
        }
        Expr::IfExpr(node) => {
            read(&node.test_expr, scope);
            let seen = read(&node.true_expr, scope);
            let other = node.false_expr.as_ref().map(|tree| read(tree, scope));
            seen.or(other.unwrap_or_default())
        }
        Expr::Filter(node) => filter(node, scope),
        Expr::Test(node) => {
            args(&node.args, scope);
            nothing([&node.expr], scope)
        }
        Expr::GetAttr(node) => {
            let of = read(&node.expr, scope);
            match &node.expr {
                // This is the merge field itself, unless the template means something else by the root's name.
                Expr::Var(root) if !scope.is_local(root.id) => {}
                Expr::Var(root) if is_read_as_root(root.id, node.name) => {
                    if of.roots.iter().any(|one| one != root.id) || of.roots.is_empty() {
                        scope.found.push(Sight::Hidden {
                            root: root.id.to_owned(),
                            member: node.name.to_owned(),
                        });
                    }
                }
                _ => tell(&of, node.name, &shown(tree, node.name), scope),
            }
            of.member(node.name)
        }
        Expr::GetItem(node) => {
            let of = read(&node.expr, scope);
            let by = read(&node.subscript_expr, scope);
            let is_written = matches!(node.subscript_expr, Expr::Const(_));
            let is_itself = matches!(&node.expr, Expr::Var(root) if !scope.is_local(root.id));
            // What is written as `contact['first_name']` is told with other subscripts.
            if !(is_written && is_itself) {
                for name in &by.texts {
                    tell(&of, name, &shown(tree, name), scope);
                }
            }
            match &node.subscript_expr {
                Expr::Const(name) if name.value.as_str().is_some() => {
                    of.member(name.value.as_str().unwrap_or_default())
                }
                _ => of.item(),
            }
        }
        Expr::Call(node) => {
            let (given, named) = args(&node.args, scope);
            let given = given.into_iter().fold(Seen::default(), Seen::or);
            match &node.expr {
                Expr::Var(function) if ["dict", "namespace"].contains(&function.id) => {
                    given.or(Seen::of_members(named))
                }
                Expr::GetAttr(method) => {
                    read(&method.expr, scope);
                    given
                }
                _ => Seen::default(),
            }
        }
        Expr::List(node) => Seen::of_items(node.items.iter().map(|tree| read(tree, scope))),
        Expr::Tuple(node) => Seen::of_items(node.items.iter().map(|tree| read(tree, scope))),
        Expr::Map(node) => {
            let mut seen = Seen::default();
            for (key, value) in node.keys.iter().zip(&node.values) {
                let value = read(value, scope);
                let names = read(key, scope).texts;
                seen = seen.or(match names.first() {
                    Some(name) if names.len() == 1 => Seen::of_members([(name.clone(), value)]),
                    // Under any name: no text is empty.
                    _ => Seen::of_members([(String::new(), value.clone())]).or(Seen::of_members(
                        names.into_iter().map(|name| (name, value.clone())),
                    )),
                });
            }
            seen
        }
    }
}

fn of_constant(node: &Spanned<Const>) -> Seen {
    if let Some(text) = node.value.as_str() {
        return Seen::text(text);
    }
    // Lists of literals are one literal.
    match node.value.try_iter() {
        Ok(items) if node.value.kind() == minijinja::value::ValueKind::Seq => {
            let items: Vec<_> = items.collect();
            Seen::of_items(
                items
                    .iter()
                    .filter_map(|item| item.as_str().map(Seen::text)),
            )
        }
        _ => Seen::default(),
    }
}

fn nothing<'t, 'a: 't>(trees: impl IntoIterator<Item = &'t Expr<'a>>, scope: &mut Scope) -> Seen {
    for tree in trees {
        read(tree, scope);
    }
    Seen::default()
}

/// What is given by place, and by name. Each is read once: within each other they would take for ever.
pub(super) fn args(all: &[CallArg<'_>], scope: &mut Scope) -> (Vec<Seen>, Vec<(String, Seen)>) {
    let (mut given, mut named) = (Vec::new(), Vec::new());
    for arg in all {
        let seen = read(value_of(arg), scope);
        match arg {
            CallArg::Kwarg(name, _) => named.push(((*name).to_owned(), seen)),
            CallArg::PosSplat(_) => given.push(seen.item()),
            CallArg::Pos(_) | CallArg::KwargSplat(_) => given.push(seen),
        }
    }
    (given, named)
}

fn filter(node: &Spanned<Filter<'_>>, scope: &mut Scope) -> Seen {
    let of = node.expr.as_ref().map(|tree| read(tree, scope));
    let (given, named) = args(&node.args, scope);
    filtered(node.name, &of.unwrap_or_default(), &given, &named, scope)
}

fn filtered(
    name: &str,
    of: &Seen,
    given: &[Seen],
    named: &[(String, Seen)],
    scope: &mut Scope,
) -> Seen {
    let attribute = named.iter().find(|(name, _)| name == "attribute");
    let attribute = attribute.map(|(_, seen)| seen);
    let first = given.first();
    match name {
        "attr" => at(of, first, name, scope),
        "map" => {
            let item = of.each();
            if attribute.is_some() {
                return Seen::of_items([at(&item, attribute, name, scope)]);
            }
            let inner: Vec<String> = first.iter().flat_map(|seen| seen.texts.clone()).collect();
            let each = inner
                .iter()
                .map(|inner| filtered(inner, &item, given.get(1..).unwrap_or(&[]), named, scope));
            let each: Vec<Seen> = each.collect();
            Seen::of_items(each)
        }
        "default" | "d" => of.clone().or(first.cloned().unwrap_or_default()),
        "selectattr" | "rejectattr" => {
            at(&of.each(), first, name, scope);
            of.clone()
        }
        "groupby" => {
            at(&of.each(), attribute.or(first), name, scope);
            Seen::of_items([Seen::of_items([Seen::of_items([of.each()])])])
        }
        "sort" | "unique" | "reverse" | "list" | "select" | "reject" | "split" | "sum" | "join" => {
            let second = given.get(1).filter(|_| name == "join");
            at(&of.each(), attribute.or(second), name, scope);
            match name {
                "sum" | "join" => Seen::default(),
                _ => of.clone(),
            }
        }
        "min" | "max" | "first" | "last" | "random" => {
            at(&of.each(), attribute, name, scope);
            of.each()
        }
        "chain" => given.iter().cloned().fold(of.clone(), Seen::or),
        "zip" => Seen::of_items([given.iter().cloned().fold(of.clone(), Seen::or)]),
        "batch" | "slice" => Seen::of_items([of.clone()]),
        // Pairs of names and values.
        "items" | "dictsort" => Seen::of_items([Seen::of_items([of.item()])]),
        _ => Seen::default(),
    }
}

/// What a filter reads: a member, or one of a member, as `c.first_name`.
fn at(of: &Seen, path: Option<&Seen>, filter: &str, scope: &mut Scope) -> Seen {
    let mut all = Seen::default();
    for path in path.iter().flat_map(|seen| &seen.texts) {
        let mut value = of.clone();
        for part in path.split('.').map(str::trim) {
            tell(&value, part, &format!("| {filter} of '{path}'"), scope);
            value = value.member(part);
        }
        all = all.or(value);
    }
    all
}

fn shown(tree: &Expr<'_>, member: &str) -> String {
    literal_path(tree).unwrap_or_else(|| format!("(...).{member}"))
}

/// Whether a path is understood as a merge field, whatever its root's name stands for in the template.
fn is_read_as_root(root: &str, member: &str) -> bool {
    matches!(
        merge::meaning(&format!("{root}.{member}")),
        Some(Meaning::Is(_))
    )
}

fn tell(of: &Seen, member: &str, shown: &str, scope: &mut Scope) {
    for root in &of.roots {
        let path = format!("{root}.{member}");
        let is_field = merge::meaning(&path).is_some() || merge::may_be_custom(&path);
        let sight = Sight::Alias {
            root: root.clone(),
            member: member.to_owned(),
            shown: shown.to_owned(),
        };
        if (is_field || root == RECORD) && !scope.found.contains(&sight) {
            scope.found.push(sight);
        }
    }
}
