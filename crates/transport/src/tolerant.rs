//! JSON that a strict parser refuses as a whole although a single value in it is odd.
//!
//! JavaScript writes half of an emoji that was cut as half a surrogate pair (`"\ud83d"`), and services let through numbers
//! that no float holds (`1e999`), raw line breaks in texts, and nesting without end. One such value should cost itself, not
//! the page or the delivery that it stands in.

use std::borrow::Cow;

use serde_json::Value;

/// What is nested deeper becomes null. Below the parser's own limit of 128.
const DEEPEST: usize = 100;

/// Reads JSON; where it cannot be read as it is, what is odd in it is mended: half surrogate pairs and bytes that are no
/// UTF-8 become U+FFFD, raw control characters in texts count as if they were escaped, numbers out of range and what is
/// nested more than 100 deep become null. One pass over the text, whatever is in it.
///
/// ```
/// use canopy_transport::tolerant;
/// let page = tolerant::parse(br#"[{"id": "a", "name": "cut \ud83d"}, {"id": "b", "score": 1e999}]"#)?;
/// assert_eq!(page[0]["name"], "cut \u{fffd}");
/// assert_eq!(page[1], serde_json::json!({ "id": "b", "score": null }));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn parse(body: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(body).or_else(|error| {
        // What is no JSON at all keeps the error that says where.
        serde_json::from_slice(mended(body).as_bytes()).map_err(|_| error)
    })
}

/// The text of [`parse`]'s second reading, for those who read it into types of their own.
pub fn mended(body: &[u8]) -> String {
    let text: Cow<'_, str> = String::from_utf8_lossy(body);
    let mut mend = Mend {
        rest: &text,
        out: String::with_capacity(text.len() + 16),
        depth: 0,
    };
    mend.all();
    mend.out
}

struct Mend<'a> {
    rest: &'a str,
    out: String,
    depth: usize,
}

impl<'a> Mend<'a> {
    fn all(&mut self) {
        while let Some(c) = self.rest.chars().next() {
            match c {
                '"' => self.text(),
                '{' | '[' => {
                    self.depth += 1;
                    if self.depth == DEEPEST + 1 {
                        // Still a value, so that what is around it stays well formed.
                        self.out.push_str("null");
                    }
                    self.take(1);
                }
                '}' | ']' => {
                    self.take(1);
                    self.depth = self.depth.saturating_sub(1);
                }
                '-' | '0'..='9' => self.number(),
                c => self.take(c.len_utf8()),
            }
        }
    }

    /// Goes on, keeping what was passed unless it is too deep.
    fn take(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length);
        self.keep(taken);
        self.rest = rest;
    }

    fn keep(&mut self, text: &str) {
        if self.depth <= DEEPEST {
            self.out.push_str(text);
        }
    }

    fn number(&mut self) {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let is_endless = self.rest[..end].parse::<f64>().is_ok_and(f64::is_infinite);
        if is_endless {
            self.keep("null");
            self.rest = &self.rest[end..];
        } else {
            self.take(end);
        }
    }

    fn text(&mut self) {
        self.take(1);
        while let Some(index) = self.rest.find(|c| c == '"' || c == '\\' || c < ' ') {
            self.take(index);
            match self.rest.as_bytes().first() {
                Some(b'"') => return self.take(1),
                Some(b'\\') => self.escape(),
                // A control character as it is.
                Some(raw) => {
                    self.keep(&format!("\\u{raw:04x}"));
                    self.rest = &self.rest[1..];
                }
                None => {}
            }
        }
        self.take(self.rest.len());
    }

    fn escape(&mut self) {
        let unit = |text: &'a str| {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            u16::from_str_radix(digits, 16).ok()
        };
        match unit(self.rest) {
            Some(0xd800..=0xdbff) => match unit(&self.rest[6..]) {
                Some(0xdc00..=0xdfff) => self.take(12),
                _ => self.half(),
            },
            Some(0xdc00..=0xdfff) => self.half(),
            Some(_) => self.take(6),
            None => match self.rest[1..].chars().next() {
                // A backslash before a raw line break escapes nothing.
                Some(c) if c < ' ' => {
                    self.keep("\\\\");
                    self.rest = &self.rest[1..];
                }
                Some(c) => self.take(1 + c.len_utf8()),
                None => self.take(1),
            },
        }
    }

    fn half(&mut self) {
        self.keep("\u{fffd}");
        self.rest = &self.rest[6..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            let members = prop::collection::btree_map(any::<String>(), inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn what_is_odd_costs_itself_alone() {
        for (text, expected) in [
            (r#"["\ud83d", "a"]"#, json!(["\u{fffd}", "a"])),
            (r#"["\ude00x\ud83d\u0041"]"#, json!(["\u{fffd}x\u{fffd}A"])),
            (r#"["\ud83d\ude00\ud83d"]"#, json!(["\u{1f600}\u{fffd}"])),
            (r#"["\\ud83d"]"#, json!(["\\ud83d"])),
            (r#"["\ud83d\"]"#, json!(null)),
            ("[1e999, -1e999, 1e-999, 2]", json!([null, null, 0.0, 2])),
            ("{\"a\": 1E+400}", json!({ "a": null })),
            ("[\"1e999\"]", json!(["1e999"])),
            ("[\"a\nb\tc\u{1}\"]", json!(["a\nb\tc\u{1}"])),
            ("[\"a\\\nb\"]", json!(["a\\\nb"])),
            ("[\"\u{e9}\\u00e9\nx\"]", json!(["\u{e9}\u{e9}\nx"])),
        ] {
            match parse(text.as_bytes()) {
                Ok(told) => assert_eq!(told, expected, "{text}"),
                Err(error) => assert!(expected.is_null(), "{text}: {error}"),
            }
        }
        assert_eq!(
            parse(b"[\"caf\xe9\", 1]").unwrap(),
            json!(["caf\u{fffd}", 1])
        );
        for wrong in ["", "{", "[1,]", "nonsense", "[1e999", "{\"a\":\"b\"c\"}"] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_nested_without_end_is_cut_off() {
        for depth in [127, 128, 129, 50_000] {
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let page = format!("[{{\"id\":\"a\",\"deep\":{deep}}},{{\"id\":\"b\"}}]");
            let told = parse(page.as_bytes()).unwrap();
            assert_eq!((&told[0]["id"], &told[1]["id"]), (&json!("a"), &json!("b")));
        }
        let objects = format!("{}\"]}}\"{}", "{\"a\":".repeat(300), "}".repeat(300));
        let mut told = &parse(objects.as_bytes()).unwrap();
        let mut depth = 0;
        while let Some(inner) = told.get("a") {
            (told, depth) = (inner, depth + 1);
        }
        assert_eq!((depth, told), (DEEPEST, &Value::Null));
    }

    proptest! {
        #[test]
        fn what_is_well_is_read_as_it_is(value in values()) {
            let text = value.to_string();
            prop_assert_eq!(parse(text.as_bytes()).unwrap(), value.clone());
            // Mending what is well changes nothing.
            let again: Value = serde_json::from_str(&mended(text.as_bytes())).unwrap();
            prop_assert_eq!(again, value);
        }

        #[test]
        fn one_odd_member_leaves_the_others(value in values(), odd in prop::sample::select(vec![
            "\"\\ud83d\"", "\"\\udc00\\ud800\"", "1e999", "\"\u{0}\n\"", "-9e9999",
        ])) {
            let text = format!("{{\"before\":{value},\"odd\":{odd},\"after\":{value}}}");
            let told = parse(text.as_bytes()).unwrap();
            prop_assert_eq!((&told["before"], &told["after"]), (&value, &value));
        }

        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\u dD8e1-+.n\x00\n\xe9\xf0".to_vec()), 0..60)) {
            let strict = serde_json::from_slice::<Value>(&bytes);
            match (strict, parse(&bytes)) {
                (Ok(strict), told) => prop_assert_eq!(told.unwrap(), strict),
                (Err(_), Ok(told)) => {
                    prop_assert!(serde_json::from_str::<Value>(&told.to_string()).is_ok());
                }
                (Err(_), Err(_)) => {}
            }
        }
    }
}
