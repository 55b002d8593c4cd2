//! Takes secrets and personal data out of texts that come from a service, before they reach an error or a log.

use serde_json::{Map, Value};

const MAX_CHARS: usize = 300;

/// A message fit for logs: e-mail addresses, telephone numbers and tokens are masked, and it is cut at 300 characters.
pub fn text(message: &str) -> String {
    let mut masked = String::with_capacity(message.len().min(MAX_CHARS));
    for piece in message.split_inclusive(is_separator) {
        let word = piece.trim_end_matches(is_separator);
        masked.push_str(mask_word(word).unwrap_or(word));
        masked.push_str(&piece[word.len()..]);
    }
    cut(&mask_phones(&masked))
}

/// Members of an error answer whose texts tell about the error, in lower case.
const TELLING: [&str; 15] = [
    "code",
    "constraints",
    "detail",
    "details",
    "error",
    "errors",
    "errorcode",
    "field",
    "message",
    "messages",
    "path",
    "property",
    "status",
    "traceid",
    "type",
];
const MAX_BODY: usize = 2_000;

/// The JSON of an error answer, fit for logs: its shape, its numbers up to six digits, and the texts that tell about the
/// error (these as [`text`] leaves them). All other texts are masked.
pub(crate) fn body(value: Value) -> String {
    let masked = masked(value, true).to_string();
    match masked.char_indices().nth(MAX_BODY) {
        Some((end, _)) => format!("{}…", &masked[..end]),
        None => masked,
    }
}

fn masked(value: Value, telling: bool) -> Value {
    match value {
        Value::String(said) if telling => text(&said).into(),
        Value::String(_) => "…".into(),
        Value::Number(number) if number.to_string().len() > 6 => "[number]".into(),
        Value::Array(list) => list
            .into_iter()
            .map(|element| masked(element, telling))
            .collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| {
                let telling = TELLING.contains(&key.to_lowercase().as_str());
                (text(&key), masked(value, telling))
            })
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

/// Where and why an answer could not be read, without the values in it: serde quotes what it found.
pub fn decode_error(error: &serde_json::Error) -> String {
    let mut out = String::new();
    let mut inside: Option<char> = None;
    for c in error.to_string().chars() {
        match inside {
            Some(quote) if c == quote => {
                out.push('…');
                out.push(c);
                inside = None;
            }
            Some(_) => {}
            None => {
                out.push(c);
                if matches!(c, '"' | '`') {
                    inside = Some(c);
                }
            }
        }
    }
    cut(&out)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            ',' | ';' | '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '='
        )
}

fn mask_word(word: &str) -> Option<&'static str> {
    let bare = word.trim_end_matches(['.', ':', '!', '?']);
    let is_secret = bare.starts_with("pit-") || bare.starts_with("eyJ") || bare.len() >= 48;
    if bare
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
    {
        Some("[e-mail]")
    } else if is_secret {
        Some("[secret]")
    } else {
        None
    }
}

/// Seven digits or more with nothing but telephone punctuation between them.
fn mask_phones(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let starts = (c.is_ascii_digit() || c == '+') && !before.is_alphanumeric();
        let run = if starts { phone_length(rest) } else { 0 };
        if run > 0 {
            out.push_str("[number]");
            before = '0';
            rest = &rest[run..];
        } else {
            out.push(c);
            before = c;
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Length in bytes of the telephone number that `text` starts with, or 0.
fn phone_length(text: &str) -> usize {
    let run = text
        .find(|c: char| {
            !(c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '.' | '(' | ')' | '/'))
        })
        .unwrap_or(text.len());
    let number = text[..run].trim_end_matches(|c: char| !c.is_ascii_digit());
    let followed_by_word = text[number.len()..]
        .chars()
        .next()
        .is_some_and(char::is_alphanumeric);
    if number.chars().filter(char::is_ascii_digit).count() >= 7 && !followed_by_word {
        number.len()
    } else {
        0
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn personal_data_and_secrets_are_masked_and_the_rest_stays() {
        for (given, expected) in [
            (
                "property nmae should not exist",
                "property nmae should not exist",
            ),
            (
                "Contact jo.doe+x@example.com exists",
                "Contact [e-mail] exists",
            ),
            ("duplicate \"jo@example.com\".", "duplicate \"[e-mail]\"."),
            (
                "phone +1 (555) 123-4567 is taken",
                "phone [number] is taken",
            ),
            ("phone 5551234567", "phone [number]"),
            (
                "contact ocQHyuzHvysMo5N5VsXc not found",
                "contact ocQHyuzHvysMo5N5VsXc not found",
            ),
            ("id 12345678abc not found", "id 12345678abc not found"),
            ("limit 500 exceeded by 20", "limit 500 exceeded by 20"),
            ("Bearer pit-0123-abc is wrong", "Bearer [secret] is wrong"),
            ("token=eyJhbGciOi.J9.x expired", "token=[secret] expired"),
            ("Zoë – ünïcode 😀", "Zoë – ünïcode 😀"),
        ] {
            assert_eq!(text(given), expected);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(text(&"ä ".repeat(400)).chars().count(), MAX_CHARS + 1);
    }

    #[test]
    fn decode_errors_lose_the_values() {
        let error = serde_json::from_str::<u32>("\"jo@example.com\"").unwrap_err();
        let shown = decode_error(&error);
        assert!(!shown.contains("jo@"), "{shown}");
        assert!(shown.contains("expected u32"), "{shown}");
        let error = serde_json::from_str::<String>("5551234567").unwrap_err();
        assert!(!decode_error(&error).contains("555"), "{error}");
    }

    #[test]
    fn bodies_keep_what_tells_about_the_error() {
        let given = json!({
            "statusCode": 422, "message": ["email jo@example.com is taken"], "traceId": "tr-1",
            "contact": {"firstName": "Jo", "phone": 15_551_234_567_i64}, "jo@example.com": null,
        });
        assert_eq!(
            serde_json::from_str::<Value>(&body(given)).unwrap(),
            json!({
                "statusCode": 422, "message": ["email [e-mail] is taken"], "traceId": "tr-1",
                "contact": {"firstName": "…", "phone": "[number]"}, "[e-mail]": null,
            })
        );
        assert_eq!(
            body(json!({"message": vec!["ä"; 4000]})).chars().count(),
            MAX_BODY + 1
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_masked(given in ".*") {
            let _ = text(&given);
        }
    }
}
