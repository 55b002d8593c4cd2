//! Hand-written Rust files: their length, and what must not be left in them.

/// Longer files are hard to review: split them.
const MOST_LINES: usize = 500;
/// A message of `expect` is a proof, and a proof has some words.
const LEAST_PROOF: usize = 12;

pub fn problems(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        problems.push(format!(
            "{path}: {lines} lines; split it, {MOST_LINES} are the most"
        ));
    }
    let mut is_test =
        path.contains("/tests/") || path.ends_with("/tests.rs") || path.starts_with("tests/");
    for (index, line) in text.lines().enumerate() {
        let at = format!("{path}:{}", index + 1);
        is_test |= line.trim() == "#[cfg(test)]";
        for word in [concat!("TO", "DO"), concat!("FIX", "ME")] {
            if is_unowned(line, word) {
                problems.push(format!(
                    "{at}: {word} without an owner; write `{word}(name): ...` or do it"
                ));
            }
        }
        for call in [concat!("todo", "!("), concat!("unimplemented", "!(")] {
            if line.contains(call) {
                problems.push(format!("{at}: `{call}...)` is left; do it"));
            }
        }
        if let Some(message) = short_proof(line).filter(|_| !is_test) {
            problems.push(format!("{at}: `expect(\"{message}\")` proves nothing; say why it cannot fail, or return an error"));
        }
    }
    problems
}

/// The word in capitals, as a word of its own, without `(name)` behind it.
fn is_unowned(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let is_letter = |c: char| c.is_alphanumeric() || c == '_';
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter) && after != Some('(')
    })
}

fn short_proof(line: &str) -> Option<&str> {
    let message = line
        .split(concat!(".expect", "(\""))
        .nth(1)?
        .split('"')
        .next()?;
    (message.len() < LEAST_PROOF && !line.trim_start().starts_with("//")).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        problems(path, text).len()
    }

    #[test]
    fn long_files_are_found() {
        assert_eq!(found("a/src/b.rs", &"x\n".repeat(MOST_LINES)), 0);
        assert_eq!(found("a/src/b.rs", &"x\n".repeat(MOST_LINES + 1)), 1);
    }

    #[test]
    fn leftovers_are_found() {
        let word = concat!("TO", "DO");
        assert_eq!(
            problems("a.rs", &format!("ok\n// {word}: later"))[0]
                .split(": ")
                .next(),
            Some("a.rs:2")
        );
        assert_eq!(found("a.rs", &format!("// {word}(ada): later")), 0);
        assert_eq!(found("a.rs", &format!("const {word}S: u8 = 0;")), 0);
        assert_eq!(found("a.rs", concat!("todo", "!(\"later\")")), 1);
    }

    #[test]
    fn proofs_must_prove() {
        let short = concat!("x.expect", "(\"lock\");");
        assert_eq!(found("a/src/b.rs", short), 1);
        assert_eq!(found("a/tests/b.rs", short), 0);
        assert_eq!(found("a/src/b.rs", &format!("#[cfg(test)]\n{short}")), 0);
        assert_eq!(
            found(
                "a/src/b.rs",
                concat!("x.expect", "(\"no panic while the lock is held\");")
            ),
            0
        );
    }
}
