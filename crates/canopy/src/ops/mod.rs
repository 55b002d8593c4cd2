//! The catalog for people and assistants: what there is, what it takes, and calling it by name.

mod arguments;
mod caller;
pub(crate) mod catalog;
pub(crate) mod cli;
mod describe;
mod request;
mod scopes;
mod search;

pub(crate) use arguments::Given;
pub(crate) use caller::{Caller, failure, pick};
pub(crate) use catalog::Entry;
pub(crate) use describe::{as_json, as_text, row};
pub(crate) use request::Preview;
pub(crate) use scopes::Known;
pub(crate) use search::search;
