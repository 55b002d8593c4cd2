//! What can be told of an expression before it runs: lists looked for in, and caps made of values that can be missing.

mod alias;
mod indexed;
mod sliced;
mod zones;

use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, Stmt};
use minijinja::machinery::{parse, parse_expr};

use super::lists::FILTERS;
use super::rewrite::literal_path;
pub(crate) use indexed::Part;

/// What somebody should know of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sight {
    /// This is gone through as a list: the right of `in`, a loop, a filter for lists.
    List(String),
    /// The same of what is a text whatever is read.
    Text(String),
    /// The least or the most of these, which may have no value.
    Cap { filter: String, paths: Vec<String> },
    /// A member that is named by a text, `contact['score']`.
    Subscript(Read),
    /// A value at a place of a list, `webhook.items[0].qty`.
    Indexed { shown: String, parts: Vec<Part> },
    /// A text with capitals is looked for in the contact's tags.
    Capitals(String),
    /// A name that is read within what is sliced (`custom.topics[:2]`): minijinja 3.1.0 does not tell it among an
    /// expression's names.
    Sliced(String),
    /// A name that the template makes itself.
    Local(String),
    /// `contact.email.lower()`: the value and what is called of it.
    Method { of: String, name: String },
    /// Days and times may be compared or moved here, of which some name no zone.
    Zone,
    /// A time zone by its name, `date(zone='EST')`.
    ZoneName(String),
    /// A member of what may be a root of merge fields by another name; `shown` as it is written.
    Alias {
        root: String,
        member: String,
        shown: String,
    },
    /// A merge field, where the template means something else by its root's name.
    Hidden { root: String, member: String },
}

/// A path that ends in a subscript, from its root on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    parts: Vec<String>,
    shown: String,
    /// The file says what counts where there is no value.
    pub has_default: bool,
}

impl Read {
    pub fn parts(&self) -> Vec<&str> {
        self.parts.iter().map(String::as_str).collect()
    }

    /// The path as messages show it.
    pub fn written(&self) -> String {
        self.shown.clone()
    }

    /// `['a']` and `.a` alike.
    fn parts_of(tree: &Expr<'_>) -> Option<Vec<String>> {
        let (of, name) = match tree {
            Expr::Var(node) => return Some(vec![node.id.to_owned()]),
            Expr::GetAttr(node) => (&node.expr, node.name),
            Expr::GetItem(node) => match &node.subscript_expr {
                Expr::Const(name) => (&node.expr, name.value.as_str()?),
                _ => return None,
            },
            _ => return None,
        };
        let mut parts = Self::parts_of(of)?;
        parts.push(name.to_owned());
        Some(parts)
    }

    fn sight(tree: &Expr<'_>, has_default: bool) -> Option<Sight> {
        let parts = Self::parts_of(tree)?;
        let shown = literal_path(tree)?;
        Some(Sight::Subscript(Self {
            parts,
            shown,
            has_default,
        }))
    }
}

/// What an expression shows.
pub(crate) fn in_expression(source: &str) -> Vec<Sight> {
    let mut found = Vec::new();
    if let Ok(tree) = parse_expr(source) {
        expr(&tree, &mut found);
        found.extend(alias::in_expression(&tree));
    }
    found
}

/// What a template shows.
pub(crate) fn in_template(source: &str) -> Vec<Sight> {
    let mut found = Vec::new();
    if let Ok(tree) = parse(
        source,
        "<template>",
        minijinja::syntax::SyntaxConfig::default(),
    ) {
        stmt(&tree, &mut found);
        found.extend(alias::in_template(&tree));
    }
    found
}

/// Names within what is sliced, other than those that the template makes itself.
pub(crate) fn sliced(sights: &[Sight]) -> impl Iterator<Item = String> + '_ {
    let is_local = |path: &str| {
        let root = path.split('.').next().unwrap_or(path);
        sights.contains(&Sight::Local(root.to_owned()))
    };
    sights.iter().filter_map(move |sight| match sight {
        Sight::Sliced(path) if !is_local(path) => Some(path.clone()),
        _ => None,
    })
}

/// The bare paths that an expression puts together with others: the operands of `~`, and the items of a list that is
/// joined.
pub(crate) fn joined(source: &str) -> Vec<String> {
    fn parts(tree: &Expr<'_>, found: &mut Vec<String>) {
        match tree {
            Expr::BinOp(node) if matches!(node.op, BinOpKind::Concat | BinOpKind::Add) => {
                for side in [&node.left, &node.right] {
                    match side {
                        Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => {
                            found.extend(literal_path(side));
                        }
                        other => parts(other, found),
                    }
                }
            }
            Expr::Filter(node) => match (node.name, &node.expr) {
                ("join", Some(Expr::List(list))) => {
                    found.extend(list.items.iter().filter_map(bare_path));
                }
                (_, Some(of)) => parts(of, found),
                (_, None) => {}
            },
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(tree) = parse_expr(source) {
        parts(&tree, &mut found);
    }
    found
}

/// A path just as it stands, with nothing beside it that would be there in its place.
fn bare_path(tree: &Expr<'_>) -> Option<String> {
    match tree {
        Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => literal_path(tree),
        // These hand on what is missing.
        Expr::Filter(node)
            if matches!(
                node.name,
                "int" | "float" | "round" | "floor" | "ceil" | "trunc" | "abs"
            ) =>
        {
            bare_path(node.expr.as_ref()?)
        }
        _ => None,
    }
}

/// Filters of which a text comes.
const OF_TEXT: [&str; 11] = [
    "capitalize",
    "date",
    "format",
    "join",
    "lower",
    "money",
    "replace",
    "string",
    "title",
    "trim",
    "upper",
];

/// HighLevel keeps tags in lower case, so that no other one is ever found.
fn capitals(item: &Expr<'_>, list: &Expr<'_>) -> Option<Sight> {
    let Expr::Const(item) = item else { return None };
    let text = item.value.as_str()?;
    let of = literal_path(list)?.replace("['", ".").replace("']", "");
    let has_capital = text.chars().any(char::is_uppercase);
    (has_capital && of == "contact.tags").then(|| Sight::Capitals(text.to_owned()))
}

fn is_list(tree: &Expr<'_>, found: &mut Vec<Sight>) {
    match tree {
        Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => {
            found.extend(literal_path(tree).map(Sight::List));
        }
        Expr::Const(node) => {
            let text = node.value.as_str().filter(|text| !text.trim().is_empty());
            found.extend(text.map(|text| Sight::Text(format!("'{text}'"))));
        }
        Expr::Filter(node) if OF_TEXT.contains(&node.name) => {
            let of = literal_path(tree).unwrap_or_default();
            found.push(Sight::Text(format!("{of} | {}", node.name)));
        }
        Expr::Filter(node) if matches!(node.name, "default" | "d") => {
            node.expr.iter().for_each(|of| is_list(of, found));
        }
        // Each of the two may be what is gone through.
        Expr::BinOp(node) if matches!(node.op, BinOpKind::ScOr) => {
            is_list(&node.left, found);
            is_list(&node.right, found);
        }
        Expr::BinOp(node) if matches!(node.op, BinOpKind::Concat) => {
            found.push(Sight::Text("what ~ joins".to_owned()));
        }
        _ => {}
    }
}

fn stmts(all: &[Stmt<'_>], found: &mut Vec<Sight>) {
    for tree in all {
        stmt(tree, found);
    }
}

fn stmt(tree: &Stmt<'_>, found: &mut Vec<Sight>) {
    match tree {
        Stmt::Template(node) => stmts(&node.children, found),
        Stmt::EmitExpr(node) => expr(&node.expr, found),
        Stmt::EmitRaw(_) => {}
        Stmt::ForLoop(node) => {
            sliced::locals(&node.target, found);
            is_list(&node.iter, found);
            expr(&node.iter, found);
            node.filter_expr.iter().for_each(|tree| expr(tree, found));
            stmts(&node.body, found);
            stmts(&node.else_body, found);
        }
        Stmt::IfCond(node) => {
            expr(&node.expr, found);
            stmts(&node.true_body, found);
            stmts(&node.false_body, found);
        }
        Stmt::WithBlock(node) => {
            for (target, _) in &node.assignments {
                sliced::locals(target, found);
            }
            node.assignments
                .iter()
                .for_each(|(_, value)| expr(value, found));
            stmts(&node.body, found);
        }
        Stmt::Set(node) => {
            sliced::locals(&node.target, found);
            expr(&node.expr, found);
        }
        Stmt::SetBlock(node) => {
            sliced::locals(&node.target, found);
            stmts(&node.body, found);
        }
        Stmt::AutoEscape(node) => stmts(&node.body, found),
        Stmt::FilterBlock(node) => {
            expr(&node.filter, found);
            stmts(&node.body, found);
        }
        Stmt::Do(node) => args(&node.call.args, found),
    }
}

fn args(all: &[CallArg<'_>], found: &mut Vec<Sight>) {
    for arg in all {
        match arg {
            CallArg::Pos(tree)
            | CallArg::Kwarg(_, tree)
            | CallArg::PosSplat(tree)
            | CallArg::KwargSplat(tree) => {
                expr(tree, found);
            }
        }
    }
}

fn expr(tree: &Expr<'_>, found: &mut Vec<Sight>) {
    match tree {
        Expr::Var(_) | Expr::Const(_) => {}
        Expr::Slice(node) => {
            sliced::names(&node.expr, found);
            is_list(&node.expr, found);
            expr(&node.expr, found);
        }
        Expr::UnaryOp(node) => expr(&node.expr, found),
        Expr::BinOp(node) => {
            if zones::in_pair(node) {
                found.push(Sight::Zone);
            }
            if matches!(node.op, BinOpKind::In) {
                is_list(&node.right, found);
                found.extend(capitals(&node.left, &node.right));
            }
            expr(&node.left, found);
            expr(&node.right, found);
        }
        Expr::Compare(node) => {
            if let Some(op) = node.ops.first()
                && matches!(op.op, CompareOpKind::In | CompareOpKind::NotIn)
            {
                found.extend(capitals(&node.expr, &op.expr));
            }
            expr(&node.expr, found);
            if zones::in_comparison(node) {
                found.push(Sight::Zone);
            }
            for op in &node.ops {
                if matches!(op.op, CompareOpKind::In | CompareOpKind::NotIn) {
                    is_list(&op.expr, found);
                }
                expr(&op.expr, found);
            }
        }
        Expr::IfExpr(node) => {
            expr(&node.test_expr, found);
            expr(&node.true_expr, found);
            node.false_expr.iter().for_each(|tree| expr(tree, found));
        }
        Expr::Filter(node) => {
            if zones::in_filter(node) {
                found.push(Sight::Zone);
            }
            found.extend(zones::named(node));
            if let Some(of) = &node.expr {
                if let ("default" | "d", Expr::GetItem(read)) = (node.name, of) {
                    found.extend(Read::sight(of, true));
                    expr(&read.expr, found);
                    args(&node.args, found);
                    return;
                }
                if FILTERS.contains(&node.name) {
                    is_list(of, found);
                }
                if let ("min" | "max", Expr::List(list)) = (node.name, of) {
                    let paths: Vec<String> = list.items.iter().filter_map(bare_path).collect();
                    if !paths.is_empty() {
                        found.push(Sight::Cap {
                            filter: node.name.to_owned(),
                            paths,
                        });
                    }
                }
                expr(of, found);
            }
            args(&node.args, found);
        }
        Expr::Test(node) => {
            if zones::in_test(node) {
                found.push(Sight::Zone);
            }
            if node.name == "in" {
                for arg in &node.args {
                    if let CallArg::Pos(list) = arg {
                        is_list(list, found);
                    }
                }
            }
            expr(&node.expr, found);
            args(&node.args, found);
        }
        Expr::GetAttr(node) => {
            found.extend(indexed::read(tree));
            expr(&node.expr, found);
        }
        Expr::GetItem(node) => {
            found.extend(indexed::read(tree));
            if matches!(&node.subscript_expr, Expr::Const(place) if place.value.is_number()) {
                is_list(&node.expr, found);
            }
            found.extend(Read::sight(tree, false));
            expr(&node.expr, found);
            expr(&node.subscript_expr, found);
        }
        Expr::Call(node) => {
            if let Expr::GetAttr(method) = &node.expr {
                let of = literal_path(&method.expr).unwrap_or_else(|| "a text".to_owned());
                // What a loop and a namespace have are functions.
                if !["loop", "super"].contains(&of.as_str()) {
                    found.push(Sight::Method {
                        of,
                        name: method.name.to_owned(),
                    });
                }
                expr(&method.expr, found);
            }
            args(&node.args, found);
        }
        Expr::List(node) => node.items.iter().for_each(|tree| expr(tree, found)),
        Expr::Tuple(node) => node.items.iter().for_each(|tree| expr(tree, found)),
        Expr::Map(node) => node.values.iter().for_each(|tree| expr(tree, found)),
    }
}
