//! Expressions and templates, compiled after their operators became calls (`rewrite`), and run.

use std::collections::BTreeMap;

use minijinja::machinery::ast::Expr;
use minijinja::machinery::{
    CodeGenerator, Instructions, eval, make_string_output, parse, parse_expr,
};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, Value};

use super::rewrite::{self, condition, expr};
use super::statements::stmt;

/// Whether an expression is read as a time to the second.
pub(crate) fn is_time(source: &str) -> bool {
    parse_expr(source).is_ok_and(|tree| rewrite::is_time(&tree))
}

/// The path that an expression is, where it is nothing else.
pub(crate) fn path(source: &str) -> Option<String> {
    let tree = parse_expr(source).ok()?;
    let is_path = matches!(tree, Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_));
    rewrite::literal_path(&tree).filter(|_| is_path)
}

/// An expression or a template, ready to be run.
pub(crate) struct Program<'source> {
    instructions: Instructions<'source>,
}

impl<'source> Program<'source> {
    pub fn expression(source: &'source str) -> Result<Self, Error> {
        Ok(Self::of(source, &expr(&parse_expr(source)?)))
    }

    /// An expression of which only matters whether it holds.
    pub fn condition(source: &'source str) -> Result<Self, Error> {
        Ok(Self::of(source, &condition(&parse_expr(source)?)))
    }

    pub fn template(source: &'source str) -> Result<Self, Error> {
        let tree = stmt(&parse(source, "<template>", SyntaxConfig::default())?);
        let mut code = CodeGenerator::new("<template>", source);
        code.compile_stmt(&tree);
        Ok(Self {
            instructions: code.finish().0,
        })
    }

    /// Of an expression that was rewritten already.
    pub fn made(tree: &Expr<'source>) -> Self {
        Self::of("", tree)
    }

    fn of(source: &'source str, tree: &Expr<'source>) -> Self {
        let mut code = CodeGenerator::new("<expression>", source);
        code.compile_expr(tree);
        Self {
            instructions: code.finish().0,
        }
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
