//! The part of a `Cargo.toml` that lists the resources as cargo features. The rest of the file is written by hand.

use std::fmt::Write as _;

use crate::problem::Problem;
use crate::services::{COMMAND, Manifest};
use crate::source::{Output, Source};

const BEGIN: &str = "# Resources, one feature each: written by";
const END: &str = "# End of the resources.";

/// The manifest with its section brought up to date.
pub(crate) fn manifest(
    manifest: &Manifest,
    source: Option<&Source>,
    resources: &[&str],
) -> Result<Output, Problem> {
    let problem = |message: String| Problem {
        file: manifest.path.to_owned(),
        line: 0,
        place: String::new(),
        message,
    };
    let source = source.ok_or_else(|| problem("the file is missing; restore it".to_owned()))?;
    let marks = source
        .text
        .find(BEGIN)
        .and_then(|begin| Some((begin, begin + source.text[begin..].find(END)?)));
    let (begin, end) = marks.ok_or_else(|| {
        problem(format!(
            "there is no place for the resources; add the lines `{BEGIN} ...` and `{END}` below `[features]`"
        ))
    })?;
    let (head, tail) = (&source.text[..begin], &source.text[end..]);
    Ok(Output {
        path: manifest.path.to_owned(),
        text: format!("{head}{}{tail}", section(manifest, resources)),
    })
}

fn section(manifest: &Manifest, resources: &[&str]) -> String {
    let mut resources = resources.to_vec();
    resources.sort_unstable();
    let mut text = format!("{BEGIN} `{COMMAND}`.\nall = [\n");
    for resource in &resources {
        let _ = writeln!(text, "    \"{resource}\",");
    }
    text.push_str("]\n");
    for resource in &resources {
        let _ = match manifest.forwards_to {
            Some(package) => writeln!(text, "{resource} = [\"{package}/{resource}\"]"),
            None => writeln!(text, "{resource} = []"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: Manifest = Manifest {
        path: "a/Cargo.toml",
        forwards_to: Some("b"),
    };

    #[test]
    fn only_the_section_changes() {
        let text = format!("[features]\nx = []\n{BEGIN} y\nold\n{END}\n\n[dependencies]\n");
        let resources = ["notes", "calls"];
        let source = Source::new("a/Cargo.toml", text);
        let output = manifest(&MANIFEST, Some(&source), &resources).unwrap();
        let section = "all = [\n    \"calls\",\n    \"notes\",\n]\ncalls = [\"b/calls\"]\nnotes = [\"b/notes\"]\n";
        assert_eq!(
            output.text,
            format!("[features]\nx = []\n{BEGIN} `{COMMAND}`.\n{section}{END}\n\n[dependencies]\n")
        );
        let again = Source::new("a/Cargo.toml", output.text.clone());
        assert_eq!(
            manifest(&MANIFEST, Some(&again), &resources).unwrap(),
            output
        );
    }

    #[test]
    fn a_manifest_without_a_place_for_them_is_told() {
        let source = Source::new("a/Cargo.toml", "[features]\n");
        for source in [None, Some(&source)] {
            let problem = manifest(&MANIFEST, source, &[]).unwrap_err().to_string();
            assert!(problem.starts_with("a/Cargo.toml: "), "{problem}");
        }
    }
}
