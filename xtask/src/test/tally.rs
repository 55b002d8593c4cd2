//! Counts what test programs say.

use std::fmt;

/// How the tests went, summed over all test programs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    passed: usize,
    failed: Vec<String>,
    /// Failures that no line of a test tells of.
    nameless: usize,
    skipped: Vec<String>,
    /// Those of the program that is running.
    running_failed: usize,
    running_skipped: usize,
}

impl Tally {
    /// Counts a check that is no test program's.
    pub fn check(&mut self, name: &str, passed: bool) {
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if passed {
            self.passed += 1;
        } else {
            self.failed.push(name.to_owned());
        }
    }

    /// Reads one line of libtest's output.
    pub fn line(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.result(result);
        } else if let Some((name, outcome)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        {
            self.test(name, outcome.trim());
        }
    }

    fn test(&mut self, name: &str, outcome: &str) {
        if outcome == "FAILED" {
            self.failed.push(name.to_owned());
            self.running_failed += 1;
        } else if let Some(reason) = outcome.strip_prefix("ignored") {
            let reason = reason.trim_start_matches([',', ' ']);
            let reason = if reason.is_empty() {
                "it is marked `ignore` without a reason"
            } else {
                reason
            };
            self.skipped.push(format!("{name}: {reason}"));
            self.running_skipped += 1;
        }
    }

    /// `ok. 7 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s`
    fn result(&mut self, result: &str) {
        let count = |what: &str| -> usize {
            let part = result
                .split([';', '.'])
                .map(str::trim)
                .find_map(|part| part.strip_suffix(what));
            part.and_then(|number| number.trim().parse().ok())
                .unwrap_or(0)
        };
        self.passed += count("passed");
        // Output of tests can hide single lines, but not the sum.
        self.nameless += count("failed").saturating_sub(self.running_failed);
        for _ in self.running_skipped..count("ignored") {
            self.skipped
                .push("a test whose line was lost in its own output".to_owned());
        }
        let filtered = count("filtered out");
        if filtered > 0 {
            self.skipped.extend(std::iter::repeat_n(
                "left out by a filter of this command".to_owned(),
                filtered,
            ));
        }
        (self.running_failed, self.running_skipped) = (0, 0);
    }

    /// Cargo has ended.
    pub fn ended(&mut self, success: bool) {
        if !success && self.failed.is_empty() && self.nameless == 0 {
            println!(
                "cargo test failed without a failed test: something does not compile, or a test program died"
            );
            self.nameless += 1;
        }
    }

    pub fn is_success(&self) -> bool {
        self.failed.is_empty() && self.nameless == 0
    }
}

/// The last line is the one that people and programs look for.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.failed {
            writeln!(f, "failed: {name}")?;
        }
        for skipped in &self.skipped {
            writeln!(f, "skipped: {skipped}")?;
        }
        let failed = self.failed.len() + self.nameless;
        writeln!(
            f,
            "{} passed, {failed} failed, {} skipped",
            self.passed,
            self.skipped.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(output: &str, success: bool) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.line(line));
        tally.ended(success);
        tally
    }

    #[test]
    fn programs_are_summed_and_skipped_tests_are_told() {
        let tally = tally(
            "running 3 tests\n\
             test a::b ... ok\n\
             test a::c ... ignored, needs a database\n\
             test a::d - should panic ... ok\n\
             test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             test src/lib.rs - (line 3) ... ignored\n\
             test src/lib.rs - x (line 9) ... ok\n\
             test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.00s\n",
            true,
        );
        assert!(tally.is_success());
        assert_eq!(
            tally.to_string(),
            "skipped: a::c: needs a database\n\
             skipped: src/lib.rs - (line 3): it is marked `ignore` without a reason\n\
             3 passed, 0 failed, 2 skipped\n"
        );
    }

    #[test]
    fn failures_are_named() {
        let tally = tally(
            "test a ... FAILED\ntest b ... noise of the test\nok\n\
             test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.00s\n",
            false,
        );
        assert!(!tally.is_success());
        let text = tally.to_string();
        assert!(text.starts_with("failed: a\n"));
        assert!(text.ends_with("1 passed, 2 failed, 1 skipped\n"));
    }

    #[test]
    fn a_build_that_fails_is_a_failure() {
        assert!(
            tally("", false)
                .to_string()
                .ends_with("0 passed, 1 failed, 0 skipped\n")
        );
    }
}
