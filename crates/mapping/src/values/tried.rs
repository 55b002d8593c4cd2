//! What no run can take, told when the file is checked: filters, tests and functions are tried with the arguments that
//! stand in the file, on a value of each kind.

use std::sync::Arc;

use minijinja::machinery::ast::{
    BinOp, BinOpKind, Call, CallArg, CompareOpKind, Const, Expr, Filter, Test, UnaryOpKind, Var,
};
use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Environment, Error, Value, context};

use super::lists::{FILTERS, LIST};
use super::mistake::Mistake;
use super::number::says_no;
use super::operators::binary;
use super::program::Program;
use super::rewrite::{args, at, call, literal_path, path};
use super::walk;

/// The value that a filter is tried on.
const SAMPLE: &str = "sample";

/// What is wrong with an expression whatever it reads.
pub(crate) fn expression(source: &str, environment: &Environment<'_>) -> Option<String> {
    let mut found = None;
    walk::of_expression(source, &mut |tree| {
        found = found.take().or_else(|| mistake(tree, source, environment));
    });
    found
}

/// The same of a template.
pub(crate) fn template(source: &str, environment: &Environment<'_>) -> Option<String> {
    let mut found = None;
    walk::of_template(source, &mut |tree| {
        found = found.take().or_else(|| mistake(tree, source, environment));
    });
    found
}

/// What is wrong with an expression that is a condition as a whole.
pub(crate) fn condition(source: &str) -> Option<String> {
    walk::root_of(source, constant_side).flatten()
}

/// A text that stands by itself beside `or` or `and`: `contact.city == 'Rome' or 'Oslo'` holds for everybody.
fn constant_side(tree: &Expr<'_>) -> Option<String> {
    let Expr::BinOp(node) = tree else { return None };
    let word = match node.op {
        BinOpKind::ScOr => "or",
        BinOpKind::ScAnd => "and",
        _ => return None,
    };
    let text = |side: &Expr<'_>| match side {
        Expr::Const(side) => side.value.as_str().map(str::to_owned),
        _ => None,
    };
    let sides = [&node.left, &node.right];
    if let Some(text) = sides.iter().find_map(|side| text(side)) {
        let does = if says_no(&text) {
            "never holds"
        } else {
            "always holds"
        };
        return Some(format!(
            "has '{text}' by itself beside \"{word}\", which {does}; compare with several texts as in contact.city in ['Rome', 'Oslo']"
        ));
    }
    sides.into_iter().find_map(constant_side)
}

/// `contact.tags == 'vip'`, which ends the run of each contact that has tags.
fn text_of_tags(left: &Expr<'_>, right: &Expr<'_>) -> Option<String> {
    let text = |side: &Expr<'_>| match side {
        Expr::Const(side) => side.value.as_str().map(str::to_owned),
        _ => None,
    };
    let (side, text) = text(right)
        .map(|text| (left, text))
        .or_else(|| text(left).map(|text| (right, text)))?;
    let is_bare = matches!(side, Expr::GetAttr(_) | Expr::GetItem(_));
    let path = literal_path(side)?.replace("['", ".").replace("']", "");
    (is_bare && path == "contact.tags" && !text.trim().is_empty()).then(|| {
        format!(
            "compares contact.tags, which is a list, with '{text}'; write '{text}' in contact.tags"
        )
    })
}

fn is_order(op: BinOpKind) -> bool {
    matches!(
        op,
        BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte
    )
}

/// Members that are times in every contact and event.
const TIMES: [&str; 3] = [
    "contact.dateAdded",
    "contact.dateUpdated",
    "event.occurredAt",
];

/// `contact.dateAdded > '11/30/2026'`: a time beside what is none.
fn time_beside(
    left: &Expr<'_>,
    right: &Expr<'_>,
    op: BinOpKind,
    environment: &Environment<'_>,
) -> Option<String> {
    let known = |side: &Expr<'_>| {
        let path = matches!(side, Expr::GetAttr(_)).then(|| literal_path(side));
        path.flatten().filter(|path| TIMES.contains(&path.as_str()))
    };
    let (path, other) = match (left, right) {
        (time, Expr::Const(other)) | (Expr::Const(other), time) => (known(time)?, other),
        _ => return None,
    };
    let written = || {
        Expr::Const(at(
            Const {
                value: other.value.clone(),
            },
            other.span(),
        ))
    };
    let pair = BinOp {
        op,
        left: variable(&written()),
        right: written(),
    };
    let sample = Value::from("2026-12-01T12:00:00Z");
    tried(&binary(&pair, other.span()), sample, environment).err()?;
    let other = super::json(&other.value).ok()?;
    Some(format!(
        "compares {path}, which is a time, with {other}; write a day or a time, e.g. {path} >= '2026-12-31'"
    ))
}

fn mistake(tree: &Expr<'_>, source: &str, environment: &Environment<'_>) -> Option<String> {
    match tree {
        Expr::IfExpr(node) => constant_side(&node.test_expr),
        Expr::BinOp(node) if is_order(node.op) => {
            time_beside(&node.left, &node.right, node.op, environment)
        }
        Expr::BinOp(node) if matches!(node.op, BinOpKind::Eq | BinOpKind::Ne) => {
            text_of_tags(&node.left, &node.right)
        }
        Expr::Compare(node) => {
            let op = node.ops.first()?;
            let is_equal = matches!(op.op, CompareOpKind::Eq | CompareOpKind::Ne);
            if is_equal {
                return text_of_tags(&node.expr, &op.expr);
            }
            let order = match op.op {
                CompareOpKind::Lt => BinOpKind::Lt,
                CompareOpKind::Lte => BinOpKind::Lte,
                CompareOpKind::Gt => BinOpKind::Gt,
                CompareOpKind::Gte => BinOpKind::Gte,
                _ => return None,
            };
            time_beside(&node.expr, &op.expr, order, environment)
        }
        Expr::UnaryOp(node) if matches!(node.op, UnaryOpKind::Not) => constant_side(&node.expr),
        Expr::Filter(node) => {
            let subject = match &node.expr {
                Some(Expr::Const(of)) => Some(of.value.clone()),
                _ => None,
            };
            // What a format needs stands in its text.
            let is_open = node.name == "format" && subject.is_none();
            if is_open || !node.args.iter().all(is_written) {
                return None;
            }
            let try_on = |sample: Value| {
                let mut inner = variable(tree);
                if FILTERS.contains(&node.name) {
                    inner = call(LIST, [inner, path(tree)], node.span());
                }
                let filter = Filter {
                    name: node.name,
                    expr: Some(inner),
                    args: args(&node.args),
                };
                tried(&Expr::Filter(at(filter, node.span())), sample, environment)
            };
            let what = format!("| {}", called(node.name, &node.args, tree, source));
            let samples = subject.map_or_else(samples, |subject| vec![subject]);
            on_all(samples, try_on).map(|error| told(&what, &error, hint(node.name)))
        }
        Expr::Test(node) if node.args.iter().all(is_written) => {
            let try_on = |sample: Value| {
                let test = Test {
                    name: node.name,
                    expr: variable(tree),
                    args: args(&node.args),
                };
                tried(&Expr::Test(at(test, node.span())), sample, environment)
            };
            let what = format!("is {}", called(node.name, &node.args, tree, source));
            on_all(samples(), try_on).map(|error| told(&what, &error, None))
        }
        Expr::Call(node) => match &node.expr {
            Expr::Var(function) if node.args.iter().all(is_written) => {
                let is_known = environment.globals().any(|(name, _)| name == function.id);
                let expr = Call {
                    expr: Expr::Var(at(Var { id: function.id }, node.span())),
                    args: args(&node.args),
                };
                let tree = Expr::Call(at(expr, node.span()));
                let result = tried(&tree, Value::UNDEFINED, environment);
                let error = result.err().filter(|_| is_known)?;
                let what = called(function.id, &node.args, &tree, source);
                Some(told(&what, &error, None))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether an argument stands in the file with all that it is made of.
fn is_written(arg: &CallArg<'_>) -> bool {
    if !matches!(arg, CallArg::Pos(_) | CallArg::Kwarg(..)) {
        return false;
    }
    let mut reads = false;
    walk::expr(walk::value_of(arg), &mut |tree| {
        reads |= !matches!(
            tree,
            Expr::Const(_) | Expr::List(_) | Expr::Tuple(_) | Expr::UnaryOp(_)
        );
    });
    !reads
}

fn variable<'a>(tree: &Expr<'a>) -> Expr<'a> {
    Expr::Var(at(Var { id: SAMPLE }, tree.span()))
}

fn tried(tree: &Expr<'_>, sample: Value, environment: &Environment<'_>) -> Result<(), Error> {
    let location = context! { timezone => "UTC" };
    let context = context! { sample, location };
    let value = Program::made(tree).run(environment, &context)?.0;
    // Some filters begin when what they give is read.
    if let Ok(items) = value.try_iter() {
        items.for_each(drop);
    }
    Ok(())
}

/// A value of each kind.
fn samples() -> Vec<Value> {
    let anything = || Value::from_object(Anything);
    vec![
        Value::from("5"),
        Value::from(5),
        Value::from("2026-12-01T12:00:00Z"),
        Value::from(vec![1, 2]),
        Value::from(vec!["a", "b"]),
        Value::from(vec![anything(), anything()]),
        anything(),
        context! { a => 1 },
        Value::from(true),
    ]
}

/// The error of all samples; `None` where one of them passes, or where it may be the value's.
fn on_all(
    samples: Vec<Value>,
    mut attempt: impl FnMut(Value) -> Result<(), Error>,
) -> Option<Error> {
    let mut first = None;
    for sample in samples {
        let error = attempt(sample).err()?;
        if !is_of_value(&error) {
            first = first.or(Some(error));
        }
    }
    first
}

/// Whether the value is wrong, and not what is done with it.
fn is_of_value(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(found) = cause {
        if found.is::<Mistake>() {
            return true;
        }
        cause = found.source();
    }
    false
}

/// The filter with its arguments, as it is written.
fn called(name: &str, args: &[CallArg<'_>], tree: &Expr<'_>, source: &str) -> String {
    let span = tree.span();
    let (from, until) = (span.start_offset as usize, span.end_offset as usize);
    let whole = source.get(from..until).unwrap_or_default();
    let written = whole.rfind(name).map_or(name, |at| whole[at..].trim());
    if args.is_empty() || !written.ends_with(')') {
        name.to_owned()
    } else {
        written.to_owned()
    }
}

fn told(what: &str, error: &Error, hint: Option<&str>) -> String {
    let detail = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("has \"{what}\", which no value passes: {detail}{hint}")
}

/// How a filter is written.
fn hint(filter: &str) -> Option<&'static str> {
    Some(match filter {
        "date" => {
            "write e.g. | date, | date('%d/%m/%Y') or | date('%d/%m/%Y', zone='Europe/London')"
        }
        "later" => {
            "write e.g. | later('12h'), | later('3d') or | later('2w'); months and years are no length of time"
        }
        "round" | "floor" | "ceil" | "trunc" => "write e.g. | round or | round(2)",
        "money" => "write | money",
        "replace" => "write e.g. | replace('old', 'new')",
        "map" => "write e.g. | map(attribute='name') or | map('upper')",
        "select" | "reject" => "write e.g. | select or | select('gt', 5)",
        "selectattr" | "rejectattr" => "write e.g. | selectattr('paid')",
        _ => return None,
    })
}

/// An object that has every member.
#[derive(Debug)]
struct Anything;

impl Object for Anything {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from(5))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["name"])
    }
}
