//! What a call of a workflow's webhook says: JSON, or a form.

use canopy_highlevel::tolerant;
use encoding_rs::{Encoding, UTF_8};
use serde_json::{Map, Value};

mod long_numbers;

/// A body that no event can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    #[error(
        "the body is no JSON object and no form; send a JSON object, or a form with content type application/x-www-form-urlencoded"
    )]
    NotJson,
    #[error(
        "the form has nothing that can be read: no name=value pair, or bytes and percent signs that stand for no text; send a form as UTF-8, or JSON"
    )]
    Form,
    #[error("the body is JSON, but no object; send the members in an object")]
    NotObject,
    #[error("the character set of the content type is not known; send UTF-8")]
    Charset,
    #[error("the parts of the form cannot be told apart; compare the boundary in the content type")]
    Parts,
}

/// Reads a body by its content type. Members of forms are texts; those that come several times are lists.
pub(crate) async fn read(content_type: Option<&str>, body: &[u8]) -> Result<Value, PayloadError> {
    let content_type = content_type.unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let encoding = charset(content_type)?;
    let is = |name: &str| kind.eq_ignore_ascii_case(name);
    if is("multipart/form-data") {
        return parts(content_type, body).await;
    }
    // Senders set content types without looking at what they send.
    let looks_like_json = body.trim_ascii_start().starts_with(b"{");
    if is("application/x-www-form-urlencoded") && !looks_like_json {
        return form(body, encoding);
    }
    json(body, encoding)
}

fn charset(content_type: &str) -> Result<&'static Encoding, PayloadError> {
    let parameters = content_type.split(';').skip(1);
    let named = parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let Some((_, label)) = named else {
        return Ok(UTF_8);
    };
    let label = label.trim().trim_matches('"');
    Encoding::for_label(label.as_bytes()).ok_or(PayloadError::Charset)
}

fn json(body: &[u8], encoding: &'static Encoding) -> Result<Value, PayloadError> {
    // Bytes that are no text become U+FFFD: the rest of the call is worth more than its being refused.
    let (text, ..) = encoding.decode(body);
    // The workflow builder puts a contact's notes and addresses into its JSON as they are: a line break breaks it.
    let text = long_numbers::as_texts(&text);
    let value = tolerant::parse(text.as_bytes()).map_err(|_| PayloadError::NotJson)?;
    if value.is_object() {
        return Ok(value);
    }
    Err(PayloadError::NotObject)
}

fn form(body: &[u8], encoding: &'static Encoding) -> Result<Value, PayloadError> {
    let mut members = Map::new();
    let mut has_pair = false;
    let decoded = |bytes: &[u8]| {
        if !are_percents_right(bytes) {
            return Err(PayloadError::Form);
        }
        let spaced: Vec<u8> = bytes
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        let raw: Vec<u8> = percent_encoding::percent_decode(&spaced).collect();
        let (text, is_wrong) = encoding.decode_without_bom_handling(&raw);
        if is_wrong {
            return Err(PayloadError::Form);
        }
        Ok(text.into_owned())
    };
    for pair in body.split(|byte| *byte == b'&') {
        if pair.trim_ascii().is_empty() {
            continue;
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decoded(halves.next().unwrap_or_default())?;
        let value = halves.next();
        has_pair |= value.is_some() && !name.is_empty();
        add(&mut members, &name, decoded(value.unwrap_or_default())?);
    }
    if has_pair {
        Ok(Value::Object(members))
    } else {
        Err(PayloadError::Form)
    }
}

/// Two digits stand behind each percent sign.
fn are_percents_right(bytes: &[u8]) -> bool {
    let mut parts = bytes.split(|byte| *byte == b'%');
    parts.next();
    parts.all(|part| part.len() >= 2 && part[..2].iter().all(u8::is_ascii_hexdigit))
}

async fn parts(content_type: &str, body: &[u8]) -> Result<Value, PayloadError> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| PayloadError::Parts)?;
    let bytes = body.to_vec();
    let stream = futures::stream::once(async move { Ok::<_, std::convert::Infallible>(bytes) });
    let mut fields = multer::Multipart::new(stream, boundary);
    let mut members = Map::new();
    while let Some(field) = fields.next_field().await.map_err(|_| PayloadError::Parts)? {
        let name = field.name().unwrap_or_default().to_owned();
        // Of a file its name is enough.
        let file = field.file_name().map(str::to_owned);
        let text = field.text().await.map_err(|_| PayloadError::Parts)?;
        add(&mut members, &name, file.unwrap_or(text));
    }
    if members.is_empty() {
        return Err(PayloadError::Form);
    }
    Ok(Value::Object(members))
}

/// Deeper names than this are texts.
const DEEPEST: usize = 8;

/// Puts a text where its name says: `a[b]` is member `b` of `a`, and `a[]` one of several.
fn add(members: &mut Map<String, Value>, name: &str, text: String) {
    let path = path(name);
    let mut at = members;
    let (last, parents) = match path.split_last() {
        Some((last, parents)) => (*last, parents),
        None => (name, &[][..]),
    };
    for parent in parents {
        let inner = at
            .entry((*parent).to_owned())
            .or_insert_with(|| Value::Object(Map::new()));
        if !inner.is_object() {
            // A text of the same name came before: both are kept.
            *inner = Value::Object(Map::from_iter([(String::new(), inner.take())]));
        }
        let Value::Object(inner) = inner else {
            return;
        };
        at = inner;
    }
    let text = Value::String(text);
    match at.get_mut(last) {
        None => {
            at.insert(last.to_owned(), text);
        }
        Some(Value::Array(texts)) => texts.push(text),
        Some(first) => *first = Value::Array(vec![first.take(), text]),
    }
}

/// The members that a name leads through: `a[b][c]` through `a` and `b` to `c`. A last `[]` says only that there are
/// several.
fn path(name: &str) -> Vec<&str> {
    let Some((first, rest)) = name.split_once('[') else {
        return vec![name];
    };
    let Some(rest) = rest.strip_suffix(']').filter(|_| !first.is_empty()) else {
        return vec![name];
    };
    let mut parts: Vec<&str> = rest.split("][").collect();
    if parts.last() == Some(&"") {
        parts.pop();
    }
    let is_odd = |part: &&str| part.is_empty() || part.contains(['[', ']']);
    if parts.iter().any(is_odd) || parts.len() > DEEPEST {
        return vec![name];
    }
    parts.insert(0, first);
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn told(content_type: &str, body: &[u8]) -> Result<Value, PayloadError> {
        let content_type = Some(content_type).filter(|text| !text.is_empty());
        futures::executor::block_on(read(content_type, body))
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn forms_are_read_in_their_character_set() {
        let body = b"contact_id=c1&note=one+two%0Athree&tag=a&tag=b&tag=c&empty=&bare&&caf%C3%A9=%E2%9C%93";
        let expected = json!({ "contact_id": "c1", "note": "one two\nthree", "tag": ["a", "b", "c"], "empty": "",
            "bare": "", "caf\u{e9}": "\u{2713}" });
        for kind in [FORM, "Application/X-WWW-Form-Urlencoded; charset=UTF-8"] {
            assert_eq!(told(kind, body).unwrap(), expected, "{kind}");
        }
        let latin = format!("{FORM}; charset=\"iso-8859-1\"");
        assert_eq!(
            told(&latin, b"n=caf%E9").unwrap(),
            json!({ "n": "caf\u{e9}" })
        );
        let body = b"n=caf\xe9";
        assert_eq!(told(&latin, body).unwrap(), json!({ "n": "caf\u{e9}" }));
        assert_eq!(
            told("text/plain; charset=klingon", b"{}"),
            Err(PayloadError::Charset)
        );
    }

    #[test]
    fn names_with_brackets_are_members() {
        let body = b"customData[trees]=3&customData[to][name]=Ada&tags[]=a&tags[]=b&one[]=x&a[=1&[b]=2&a[][c]=3";
        let expected = json!({ "customData": { "trees": "3", "to": { "name": "Ada" } }, "tags": ["a", "b"], "one": "x",
            "a[": "1", "[b]": "2", "a[][c]": "3" });
        assert_eq!(told(FORM, body).unwrap(), expected);
    }

    #[test]
    fn a_form_that_says_nothing_is_none() {
        for body in [
            &b""[..],
            b"&&",
            b"oops",
            b"<html>oops</html>",
            b"=3",
            b"\xff\xfe",
            b"a=\xff",
            b"a=%",
            b"a=%zz",
            b"a=1&b=%f",
        ] {
            assert_eq!(
                told(FORM, body),
                Err(PayloadError::Form),
                "{}",
                body.escape_ascii()
            );
        }
        assert_eq!(told("", b""), Err(PayloadError::NotJson));
    }

    #[test]
    fn a_form_in_parts_is_read_and_of_a_file_its_name() {
        let body = b"--XX\r\nContent-Disposition: form-data; name=\"contact_id\"\r\n\r\nc1\r\n--XX\r\nContent-Disposition: form-data; name=\"scan\"; filename=\"oak.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--XX--\r\n";
        let expected = json!({ "contact_id": "c1", "scan": "oak.pdf" });
        assert_eq!(
            told("multipart/form-data; boundary=XX", body).unwrap(),
            expected
        );
        for kind in ["multipart/form-data", "multipart/form-data; boundary=YY"] {
            assert_eq!(told(kind, body), Err(PayloadError::Parts), "{kind}");
        }
    }

    #[test]
    fn json_that_a_line_break_broke_is_read_all_the_same() {
        for (body, expected) in [
            (
                "{\"note\":\"one\ntwo\tthree\r\nfour\"}",
                json!({ "note": "one\ntwo\tthree\r\nfour" }),
            ),
            (
                "{\n\t\"a\": \"x\u{1}y\",\r\n \"b\": [\"\n\"]}",
                json!({ "a": "x\u{1}y", "b": ["\n"] }),
            ),
            (
                "{\"a\":\"say \\\"hi\\\"\n\\\\\"}",
                json!({ "a": "say \"hi\"\n\\" }),
            ),
            ("{\"a\":\"back\\\nslash\"}", json!({ "a": "back\\\nslash" })),
        ] {
            for kind in ["application/json", "", FORM] {
                assert_eq!(told(kind, body.as_bytes()).unwrap(), expected, "{body}");
            }
        }
        assert_eq!(
            told("", b"{\"a\":\"caf\xe9\"}").unwrap(),
            json!({ "a": "caf\u{fffd}" })
        );
        let latin = "application/json; charset=latin1";
        assert_eq!(
            told(latin, b"{\"a\":\"caf\xe9\"}").unwrap(),
            json!({ "a": "caf\u{e9}" })
        );
    }

    #[test]
    fn ids_that_no_number_holds_keep_their_digits() {
        let body = br#"{"id":123456789012345678901234567891,"n":[18446744073709551615,5,1.5],"s":"a\" 123456789012345678901234567891"}"#;
        let expected = json!({ "id": "123456789012345678901234567891", "n": [u64::MAX, 5, 1.5],
            "s": "a\" 123456789012345678901234567891" });
        assert_eq!(told("application/json", body).unwrap(), expected);
    }

    #[test]
    fn what_says_nothing_is_a_mistake() {
        for (body, error) in [
            ("", PayloadError::NotJson),
            ("contact_id=c1", PayloadError::NotJson),
            ("{\"note\":\"he said \"hi\"\"}", PayloadError::NotJson),
            ("{\"a\":", PayloadError::NotJson),
            ("[]", PayloadError::NotObject),
            ("\"c1\"", PayloadError::NotObject),
        ] {
            assert_eq!(
                told("application/json", body.as_bytes()),
                Err(error),
                "{body}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_whatever_is_not_escaped_in_it(text in any::<String>(), number in any::<i32>()) {
            let whole = json!({ "note": text, "number": number }).to_string();
            let read = told("application/json", whole.as_bytes()).unwrap();
            prop_assert_eq!(read["note"].as_str(), Some(&*text));
            // As a builder writes it that escapes nothing but quotes and backslashes.
            let raw = text.replace('\\', "\\\\").replace('"', "\\\"");
            let body = format!("{{\"note\":\"{raw}\",\"number\":{number}}}");
            let read = told("application/json", body.as_bytes()).unwrap();
            prop_assert_eq!(read["note"].as_str(), Some(&*text));
            prop_assert_eq!(&read["number"], &json!(number));
        }

        #[test]
        fn any_form_is_read_as_it_was_written(pairs in prop::collection::btree_map("[^\u{0}\\[]{1,8}", any::<String>(), 1..5)) {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(&pairs);
            let read = told(FORM, form.finish().as_bytes()).unwrap();
            prop_assert_eq!(read, json!(pairs));
        }
    }
}
