//! Filters and tests that templates name. minijinja looks them up when it meets them, which is in a run and too late.

use crate::file_error::nearest;
use crate::rounding;

/// All filters, besides the ways to round.
const FILTERS: [&str; 49] = [
    "abs",
    "amount",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "date",
    "default",
    "dictsort",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "later",
    "length",
    "letters",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "money",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "zip",
];

/// All tests.
const TESTS: [&str; 33] = [
    "boolean",
    "containing",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
    "upper",
];

/// What is wrong with the filters and tests of an expression; of a template, `code` is what stands in one of its braces.
pub(crate) fn mistake(code: &str) -> Option<String> {
    called(code).into_iter().find_map(|(kind, name)| {
        let known: Vec<&str> = match kind {
            FILTER => filters().collect(),
            _ => TESTS.to_vec(),
        };
        if known.contains(&name) {
            return None;
        }
        let problem = format!("has a {kind} \"{name}\", and there is none");
        Some(match nearest(name, known.iter().copied()) {
            Some(near) => format!("{problem}; did you mean \"{near}\"?"),
            None => format!("{problem}; there are {}", known.join(", ")),
        })
    })
}

/// All filters that are told of.
pub(crate) fn filters() -> impl Iterator<Item = &'static str> {
    FILTERS.into_iter().chain(rounding::modes())
}

const FILTER: &str = "filter";
const TEST: &str = "test";

/// Filters (`| name`) and tests (`is name`, `is not name`) that stand in the code, outside of its texts.
fn called(code: &str) -> Vec<(&'static str, &str)> {
    let mut found = Vec::new();
    let mut rest = code;
    // Whatever the next name is one of.
    let mut next = None;
    let mut is_member = false;
    while let Some(first) = rest.chars().next() {
        if first == '"' || first == '\'' {
            rest = after_text(rest, first);
            next = None;
        } else if first.is_alphabetic() || first == '_' {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let word = &rest[..end];
            match (next, word) {
                (Some(TEST), "not") => {}
                (Some(kind), _) => {
                    found.push((kind, word));
                    next = None;
                }
                (None, "is") if !is_member => next = Some(TEST),
                (None, _) => {}
            }
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                next = (first == '|').then_some(FILTER);
            }
            rest = &rest[first.len_utf8()..];
        }
        is_member = first == '.';
    }
    found
}

/// Whether a `date` in the code names no time zone, so that it means the location's.
pub(crate) fn reads_zone(code: &str) -> bool {
    let is_date = |(start, word): (usize, &str)| {
        let before = code[..start].trim_end();
        let after = &code[start + word.len()..];
        let is_longer = after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if is_longer {
            return false;
        }
        // `map('date')`, and `{% filter date %}`.
        let is_named = before
            .strip_suffix(['\'', '"'])
            .is_some_and(|before| before.trim_end().ends_with("map("));
        if is_named {
            return true;
        }
        if !before.ends_with('|') && !before.ends_with("filter") {
            return false;
        }
        let arguments = after.trim_start();
        let arguments = arguments
            .strip_prefix('(')
            .and_then(|rest| rest.split(')').next());
        let arguments = arguments.unwrap_or_default();
        // A text without a pattern is a zone; one that is read may be missing.
        let is_text = |text: &str| text.trim_start().starts_with(['\'', '"']);
        let names_zone = arguments.match_indices("zone").any(|(at, word)| {
            let value = arguments[at + word.len()..].trim_start();
            value.strip_prefix('=').is_some_and(is_text)
        });
        let is_zone = is_text(arguments) && !arguments.contains('%') && !arguments.contains('=');
        !is_zone && !names_zone
    };
    code.match_indices("date").any(is_date)
}

/// What comes after the text that begins with this quote.
fn after_text(code: &str, quote: char) -> &str {
    let mut is_escaped = false;
    for (at, letter) in code.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if letter == quote => return &code[at + letter.len_utf8()..],
            _ => {}
        }
    }
    ""
}

/// The code in the braces of a template.
pub(crate) fn codes(template: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some(start) = ["{{", "{%", "{#"]
        .iter()
        .filter_map(|open| rest.find(open))
        .min()
    {
        if let Some(comment) = rest[start..].strip_prefix("{#") {
            rest = comment.split_once("#}").map_or("", |(_, after)| after);
            continue;
        }
        let end = if rest[start..].starts_with("{{") {
            "}}"
        } else {
            "%}"
        };
        let code = &rest[start + 2..];
        let mut left = code;
        loop {
            match left.chars().next() {
                None => break,
                Some(_) if left.starts_with(end) => break,
                Some(quote @ ('"' | '\'')) => left = after_text(left, quote),
                Some(other) => left = &left[other.len_utf8()..],
            }
        }
        let inner = &code[..code.len() - left.len()];
        // What follows is text, braces or not.
        if inner.trim_matches(['-', '+', ' ']) == "raw" {
            break;
        }
        found.push(inner);
        rest = left.get(2..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use minijinja::Environment;
    use serde_json::json;

    use super::*;
    use crate::template;

    fn problem(text: &str) -> Option<String> {
        template::check(&json!(text)).err().map(|it| it.problem)
    }

    #[test]
    fn a_filter_or_test_that_there_is_not_is_told_with_the_nearest() {
        for (text, told) in [
            (
                "{{ (5 / 2) | roud }}",
                "has a filter \"roud\", and there is none; did you mean \"round\"?",
            ),
            (
                "Dear {{ contact.firstName|trimm }}!",
                "has a filter \"trimm\", and there is none; did you mean \"trim\"?",
            ),
            (
                "{% if contact.email is not defind %}x{% endif %}",
                "has a test \"defind\", and there is none; did you mean \"defined\"?",
            ),
            (
                "{{ 1 | round_evn }}",
                "has a filter \"round_evn\", and there is none; did you mean \"round_even\"?",
            ),
        ] {
            assert_eq!(problem(text).as_deref(), Some(told), "{text}");
        }
        let wrong = template::check_expression("false and contact.email | lowr == 'a'");
        assert!(wrong.unwrap_err().to_string().contains("\"lower\"?"));
    }

    #[test]
    fn texts_and_members_are_neither() {
        for text in [
            "{{ '| roud is it' ~ contact.is.it }}",
            "{{ 'it\\'s | roud' }} | roud }}",
            "this is it {{ \"}} is it\" }}",
            "{% raw %}{{ x | roud }}{% endraw %}",
            "{{ x | default('a') | upper }}{{ x is not divisibleby 3 }}{{ x | later('3d') }}",
        ] {
            assert_eq!(problem(text), None, "{text}");
        }
    }

    /// minijinja 3.1.0 has filters, tests and functions of its own, some of which write for web pages or print values as
    /// Python does; a later one may have more. Only what is known here can be called.
    #[test]
    fn nothing_of_the_librarys_own_is_left_that_is_not_known_here() {
        let names = |environment: &Environment<'_>, of: &str| -> Vec<String> {
            let all = format!("{environment:?}");
            let (_, rest) = all.split_once(&format!("{of}: ")).unwrap();
            let list = rest.split(['}', ']']).next().unwrap();
            let quoted = list.split('"').skip(1).step_by(2);
            quoted.map(str::to_owned).collect()
        };
        let (bare, own) = (Environment::new(), template::environment());
        let known: Vec<&str> = filters().collect();
        assert!(names(&bare, "filters").contains(&"escape".to_owned()));
        for filter in names(&own, "filters") {
            assert!(known.contains(&&*filter), "a filter {filter} can be called");
        }
        for filter in known {
            assert!(
                names(&own, "filters").contains(&filter.to_owned()),
                "{filter}"
            );
        }
        assert!(names(&bare, "tests").contains(&"safe".to_owned()));
        for test in names(&own, "tests") {
            let is_word = test.starts_with(char::is_alphabetic);
            assert!(
                !is_word || TESTS.contains(&&*test),
                "a test {test} can be called"
            );
        }
        for test in TESTS {
            assert!(names(&own, "tests").contains(&test.to_owned()), "{test}");
        }
        let functions: Vec<&str> = own.globals().map(|(name, _)| name).collect();
        let own_calls = functions.iter().filter(|name| !name.starts_with("canopy "));
        let mut own_calls: Vec<&&str> = own_calls.collect();
        own_calls.sort_unstable();
        assert_eq!(own_calls, [&"dict", &"namespace", &"range"]);
    }

    #[test]
    fn what_writes_for_web_pages_is_told() {
        for filter in ["escape", "e", "safe"] {
            let told = problem(&format!("{{{{ contact.tags | {filter} }}}}")).unwrap();
            assert!(
                told.starts_with(&format!("has a filter \"{filter}\", and there is none")),
                "{told}"
            );
        }
    }

    #[test]
    fn comments_are_no_code() {
        assert_eq!(problem("{# {{ x | roud }} #}{{ x | round }}"), None);
        let told = problem("{# {{ #}{{ x | roud }}").unwrap();
        assert!(told.contains("\"roud\""), "{told}");
    }

    #[test]
    fn all_that_are_named_as_the_nearest_exist() {
        for name in filters() {
            assert_eq!(mistake(&format!("x | {name}")), None);
        }
        for name in TESTS {
            assert_eq!(mistake(&format!("x is {name}")), None);
        }
    }
}
