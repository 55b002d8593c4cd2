//! The changes made to a document, in order. Each is a pure function of the document.

mod all_of;
mod clearable;
mod defaults;
mod fork;
mod lists_of_values;
mod one_of_answers;
mod one_success;
mod parameters;
mod path_parameters;
mod secrets;
mod strict_requests;
pub(crate) mod unique_paths;
mod used_only;
mod version_header;
mod whole_numbers;

use serde_json::Value;

/// A named change.
pub(crate) struct Transform {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "it names the transform to tests and readers")
    )]
    pub name: &'static str,
    pub apply: fn(&mut Value),
}

macro_rules! transforms {
    ($($name:ident$(::$part:ident)?),* $(,)?) => {
        &[$(Transform { name: concat!(stringify!($name) $(, "::", stringify!($part))?), apply: $name$(::$part)?::apply }),*]
    };
}

/// What a bundle goes through: it then says in full what the files say in short.
pub(crate) const BUNDLE: &[Transform] =
    transforms![defaults, path_parameters, version_header, all_of, used_only];

/// What a bundle goes through on its way into the generator. `fork` must see whole answers and bodies, and what follows
/// it tells requests from answers.
pub(crate) const CLIENT: &[Transform] = transforms![
    one_success,
    parameters,
    version_header::taken_out,
    lists_of_values::of_numbers,
    whole_numbers,
    fork,
    lists_of_values::open,
    one_of_answers,
    clearable,
    secrets,
    strict_requests
];

/// Applies a list.
pub(crate) fn run(transforms: &[Transform], document: &mut Value) {
    for transform in transforms {
        (transform.apply)(document);
    }
}

pub(crate) use fork::Side;
pub(crate) use used_only::used;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(transforms: &[Transform]) -> Vec<&'static str> {
        transforms.iter().map(|transform| transform.name).collect()
    }

    #[test]
    fn the_order_is_deliberate() {
        assert_eq!(
            names(BUNDLE),
            [
                "defaults",
                "path_parameters",
                "version_header",
                "all_of",
                "used_only"
            ]
        );
        assert_eq!(
            names(CLIENT),
            [
                "one_success",
                "parameters",
                "version_header::taken_out",
                "lists_of_values::of_numbers",
                "whole_numbers",
                "fork",
                "lists_of_values::open",
                "one_of_answers",
                "clearable",
                "secrets",
                "strict_requests"
            ]
        );
    }
}
