//! Whole numbers that no number of a program holds, such as ids of thirty digits: their digits are kept as a text.
//!
//! A JSON parser makes the nearest floating point number of them, so that two ids become one, and with them two orders.

use std::borrow::Cow;

/// JSON with its whole numbers beyond 64 bits in quotes; everything else as it is, also what is no JSON.
pub(super) fn as_texts(json: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut kept, mut at) = (0, 0);
    let bytes = json.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at + 1),
            b'-' | b'0'..=b'9' => {
                let rest = &json[at..];
                let is_part =
                    |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
                let number = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
                if is_long(number) {
                    out.push_str(&json[kept..at]);
                    out.push('"');
                    out.push_str(number);
                    out.push('"');
                    kept = at + number.len();
                }
                at += number.len();
            }
            _ => at += 1,
        }
    }
    if kept == 0 {
        return json.into();
    }
    out.push_str(&json[kept..]);
    out.into()
}

/// Behind the quote that ends a text.
fn end_of_text(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn is_long(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    is_whole
        && digits.len() > 18
        && number.parse::<u64>().is_err()
        && number.parse::<i64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_beyond_64_bits_become_texts() {
        for (json, expected) in [
            ("[18446744073709551616]", "[\"18446744073709551616\"]"),
            ("[-9223372036854775809,7]", "[\"-9223372036854775809\",7]"),
            (
                "{\"a\":123456789012345678901,\"b\": 223456789012345678901 }",
                "{\"a\":\"123456789012345678901\",\"b\": \"223456789012345678901\" }",
            ),
        ] {
            assert_eq!(as_texts(json), expected);
        }
        for same in [
            "[18446744073709551615,-9223372036854775808,0,-1]",
            "[123456789012345678901.5,1e300,123456789012345678901e2,0123456789012345678901]",
            "[\"123456789012345678901\",\"\\\" 123456789012345678901\"]",
            "\"123456789012345678901",
            "\"\\",
            "--123456789012345678901",
            "",
            "\u{e9}",
        ] {
            assert_eq!(as_texts(same), same);
        }
    }
}
