//! What values mean in templates and conditions.
//!
//! minijinja orders values of different kinds by kind, and what is missing below everything; it repeats a text that is
//! multiplied, looks for parts of texts with `in`, and prints null as `None`. HighLevel sends numbers as texts and nulls
//! for what is empty. So operators (`rewrite`), filters and tests that compare, reckon or print are our own. The rules
//! are in docs/workflows.md, "Values"; the tables in `tests` hold them.

mod arithmetic;
mod compare;
mod convert;
mod filters;
mod lists;
mod look;
mod mistake;
mod moments;
mod money;
mod number;
mod operators;
mod parts;
mod phones;
mod print;
mod program;
mod rewrite;
mod statements;
mod suspects;
#[cfg(test)]
mod tests;
mod tried;
mod walk;

use minijinja::Environment;

pub(crate) use convert::{at, context, json};
pub(crate) use look::{Part, Sight, in_expression, in_template, joined, sliced};
pub(crate) use mistake::{Mistake, read};
pub(crate) use number::{decimal, is_blank, is_missing, number, says_no, truth, whole};
pub(crate) use parts::demand_parts;
pub(crate) use print::printed;
pub(crate) use program::{Program, is_time, path};
pub(crate) use suspects::read_from;
pub(crate) use tried::{
    condition as tried_condition, expression as tried_expression, template as tried_template,
};

/// Adds all of them.
pub(crate) fn add_to(environment: &mut Environment<'_>) {
    arithmetic::add_to(environment);
    compare::add_to(environment);
    lists::add_to(environment);
    filters::add_to(environment);
    money::add_to(environment);
    number::add_to(environment);
    print::add_to(environment);
}
