//! Values at a place of a list, as `webhook.items[0].qty`.

use minijinja::machinery::ast::Expr;

use super::Sight;
use crate::values::rewrite::literal_path;

/// A part of a path: a member, or a place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Member(String),
    Place(usize),
}

/// Farther down nobody names the places.
const LAST: usize = 50;

/// What the expression reads, where it names a place of a list on the way.
pub(super) fn read(tree: &Expr<'_>) -> Option<Sight> {
    let parts = parts_of(tree)?;
    let has_place = parts.iter().any(|part| matches!(part, Part::Place(_)));
    let shown = literal_path(tree).filter(|_| has_place)?;
    Some(Sight::Indexed { shown, parts })
}

fn parts_of(tree: &Expr<'_>) -> Option<Vec<Part>> {
    let (of, part) = match tree {
        Expr::Var(node) => return Some(vec![Part::Member(node.id.to_owned())]),
        Expr::GetAttr(node) => (&node.expr, Part::Member(node.name.to_owned())),
        Expr::GetItem(node) => {
            let Expr::Const(place) = &node.subscript_expr else {
                return None;
            };
            let part = match place.value.as_str() {
                Some(name) => Part::Member(name.to_owned()),
                None => Part::Place(usize::try_from(place.value.clone()).ok()?),
            };
            (&node.expr, part)
        }
        _ => return None,
    };
    let is_near = !matches!(part, Part::Place(place) if place > LAST);
    let mut parts = parts_of(of).filter(|_| is_near)?;
    parts.push(part);
    Some(parts)
}
