//! How often a step may happen.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::people::email_key;
use crate::template::{self, TemplateError};

/// How often a step may happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(with = "Written")
)]
#[serde(try_from = "String", into = "String")]
pub enum Once {
    /// Once for each contact, for ever.
    Contact,
    /// Once for each record (opportunity, task, note ...), for ever.
    Record,
    /// Once for each event.
    Event,
    /// Once for each contact and calendar month (UTC) of the event.
    Month,
    /// Once for each value of a template, for ever: a number that the sender gave, such as that of an order.
    Value(String),
}

/// For the schema: as it is written. Alternatives would be told by editors as kinds of values, not as words.
#[cfg(feature = "schema")]
struct Written;

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Written {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Once".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^(contact|record|event|month)$|\{\{",
            "examples": ["contact", "record", "event", "month", "{{ webhook.orderId }}"]
        })
    }
}

impl TryFrom<String> for Once {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Ok(match &*text {
            "contact" => Self::Contact,
            "record" => Self::Record,
            "event" => Self::Event,
            "month" => Self::Month,
            _ if text.contains("{{") => Self::Value(text),
            _ => {
                return Err(format!(
                    "once = \"{text}\" says nothing; write \"contact\", \"record\", \"event\", \"month\", or a template such as \"{{{{ webhook.orderId }}}}\""
                ));
            }
        })
    }
}

impl From<Once> for String {
    fn from(once: Once) -> Self {
        match once {
            Once::Contact => "contact".to_owned(),
            Once::Record => "record".to_owned(),
            Once::Event => "event".to_owned(),
            Once::Month => "month".to_owned(),
            Once::Value(template) => template,
        }
    }
}

/// A `once` that has no value in this run. Nothing is done under a key that several events could share by mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    #[error(
        "once = \"{template}\" has no value: {missing} is missing or empty; have the sender give it, or write once = \"event\""
    )]
    Missing { template: String, missing: String },
    #[error("once = \"{template}\": {part} is a list or an object; name a text or a number in it")]
    Compound { template: String, part: String },
    #[error(
        "once = \"{template}\": {part} is {number}, a number too large to be told from others beside it; have the sender give it as a text"
    )]
    Inexact {
        template: String,
        part: String,
        number: String,
    },
    #[error("once = \"{template}\": {error}")]
    Template {
        template: String,
        error: TemplateError,
    },
}

/// A part of a template's text.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Expression(&'a str),
}

/// The texts and the expressions of a template.
fn parts(mut text: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    while let Some((before, rest)) = text.split_once("{{") {
        if !before.is_empty() {
            found.push(Part::Text(before));
        }
        let end = end_of(rest);
        let expression = rest[..end].trim_matches(['-', '+']).trim();
        found.push(Part::Expression(expression));
        text = rest.get(end + 2..).unwrap_or_default();
    }
    if !text.is_empty() {
        found.push(Part::Text(text));
    }
    found
}

/// Where an expression ends: at the first `}}` that is not within a text.
fn end_of(text: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '}') if text[index..].starts_with("}}") => return index,
            _ => {}
        }
    }
    text.len()
}

/// What a template says in this run, part by part. Each expression must have a value: of `{{ webhook.shop }}-{{
/// webhook.order }}` without an order nothing could be told apart.
///
/// The same within one expression: of `webhook.shop ~ '-' ~ webhook.order` each is needed.
pub(crate) fn values(text: &str, context: &impl Serialize) -> Result<Vec<String>, NoValue> {
    let mut values = Vec::new();
    let context = json!(context);
    for part in parts(text) {
        let expression = match part {
            Part::Text(text) => {
                values.push(text.to_owned());
                continue;
            }
            Part::Expression(expression) => expression,
        };
        if let Some(missing) = template::joined_nothing(expression, &context) {
            return Err(NoValue::Missing {
                template: text.to_owned(),
                missing,
            });
        }
        // What is put together of more than paths is told when it is.
        let value =
            template::render_given(expression, &context).map_err(|error| NoValue::Template {
                template: text.to_owned(),
                error,
            })?;
        let value = match value {
            // One address is one person, in whichever letters.
            Value::String(text) if is_address(&text) => email_key(&text),
            Value::String(text) => text.trim().to_owned(),
            // The sender may write the same number as 5 and as 5.0.
            Value::Number(number) => match number.as_f64() {
                // From here on several whole numbers are one floating point number.
                Some(float) if number.is_f64() && float.abs() >= 9_007_199_254_740_992.0 => {
                    return Err(NoValue::Inexact {
                        template: text.to_owned(),
                        part: expression.to_owned(),
                        number: format!("{float:e}"),
                    });
                }
                Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float:.0}"),
                _ => number.to_string(),
            },
            Value::Bool(is) => is.to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => {
                return Err(NoValue::Compound {
                    template: text.to_owned(),
                    part: expression.to_owned(),
                });
            }
        };
        if value.is_empty() {
            return Err(NoValue::Missing {
                template: text.to_owned(),
                missing: expression.to_owned(),
            });
        }
        values.push(value);
    }
    Ok(values)
}

/// Whether a text is an e-mail address and nothing else.
fn is_address(text: &str) -> bool {
    let text = text.trim();
    let halves = text.split_once('@');
    halves.is_some_and(|(name, host)| {
        let host_is_one = host.contains('.') && !host.contains('@') && !host.contains('/');
        !name.is_empty() && host_is_one && !text.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_a_word_or_a_template() {
        for text in [
            "contact",
            "record",
            "event",
            "month",
            "{{ webhook.orderId }}",
        ] {
            let once: Once = serde_json::from_value(json!(text)).unwrap();
            assert_eq!(json!(once), json!(text));
        }
        let wrong = serde_json::from_value::<Once>(json!("order")).unwrap_err();
        assert!(
            wrong.to_string().contains("\"month\", or a template"),
            "{wrong}"
        );
    }

    #[test]
    fn a_template_falls_into_its_parts() {
        let told = parts("a {{ x ~ '}}' }}-{{- y -}}b");
        let expected = [
            Part::Text("a "),
            Part::Expression("x ~ '}}'"),
            Part::Text("-"),
            Part::Expression("y"),
            Part::Text("b"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn each_expression_has_a_value_or_is_named() {
        let context = json!({ "webhook": { "order": "A-7", "number": 5, "float": 5.0, "text": " 5 ", "empty": " ",
            "null": null, "yes": false, "list": [1] } });
        let told = |template: &str| values(template, &context);
        assert_eq!(told("{{ webhook.order }}"), Ok(vec!["A-7".to_owned()]));
        for five in [
            "{{ webhook.number }}",
            "{{ webhook.float }}",
            "{{ webhook.text }}",
        ] {
            assert_eq!(told(five), Ok(vec!["5".to_owned()]), "{five}");
        }
        assert_eq!(told("{{ webhook.yes }}"), Ok(vec!["false".to_owned()]));
        let either = told("{{ webhook.absent or webhook.order }}");
        assert_eq!(either, Ok(vec!["A-7".to_owned()]));
        for absent in ["absent", "empty", "null", "absent.deep"] {
            let template = format!("{{{{ webhook.order }}}}/{{{{ webhook.{absent} }}}}");
            let error = told(&template).unwrap_err().to_string();
            assert!(
                error.contains(&format!("webhook.{absent} is missing")) || absent == "absent.deep",
                "{error}"
            );
        }
        // Also within one expression.
        for (joined, missing) in [
            (
                "{{ webhook.order ~ '-' ~ webhook.absent }}",
                "webhook.absent",
            ),
            ("{{ webhook.empty ~ webhook.order }}", "webhook.empty"),
            (
                "{{ [webhook.order, webhook.null] | join('-') }}",
                "webhook.null",
            ),
            (
                "{{ (webhook.order ~ '/' ~ webhook.absent) | lower }}",
                "webhook.absent",
            ),
        ] {
            let error = told(joined).unwrap_err().to_string();
            assert!(
                error.contains(&format!("{missing} is missing or empty")),
                "{error}"
            );
        }
        for (joined, right) in [
            ("{{ webhook.order ~ '-' ~ webhook.number }}", "A-7-5"),
            ("{{ webhook.order ~ (webhook.absent or '0') }}", "A-70"),
            (
                "{{ [webhook.order, webhook.number] | join('/') | lower }}",
                "a-7/5",
            ),
        ] {
            assert_eq!(told(joined), Ok(vec![right.to_owned()]), "{joined}");
        }
        let error = told("{{ webhook.list }}").unwrap_err();
        assert!(matches!(error, NoValue::Compound { .. }), "{error}");
        assert!(told("{{ webhook.order | nonsense }}").is_err());
    }

    /// serde_json 1 without `arbitrary_precision` reads whole numbers above 2^64 as the next floating point number.
    #[test]
    fn numbers_that_cannot_be_told_apart_are_no_key() {
        let told = |id: &str| {
            let context: Value = serde_json::from_str(&format!("{{\"id\":{id}}}")).unwrap();
            values("{{ id }}", &context)
        };
        for id in [
            "18446744073709551615",
            "9007199254740993",
            "-9223372036854775808",
        ] {
            assert_eq!(told(id), Ok(vec![id.to_owned()]));
        }
        for id in [
            "123456789012345678901234567890",
            "9007199254740993.0",
            "-1e16",
        ] {
            let error = told(id).unwrap_err();
            assert!(matches!(error, NoValue::Inexact { .. }), "{id}: {error}");
        }
    }

    #[test]
    fn what_is_put_together_in_one_expression_needs_each_part() {
        let context = json!({ "webhook": { "a": "1", "b": "2", "n": 7, "empty": "", "blank": " ", "null": null,
            "items": [{ "id": "x" }, { "id": "" }] } });
        let told = |expression: &str| values(&format!("{{{{ {expression} }}}}"), &context);
        for (expression, right) in [
            ("webhook.a ~ '-' ~ webhook.b", "1-2"),
            ("webhook.a ~ ' ' ~ webhook.n", "1 7"),
            ("[webhook.a, webhook.b] | join('-')", "1-2"),
            ("'%s/%d' | format(webhook.a, webhook.n)", "1/7"),
            ("webhook.a ~ '-' ~ (webhook.null or webhook.b)", "1-2"),
            ("webhook.a ~ (webhook.null | default(''))", "1"),
            // Parts of what does not count are not looked at.
            ("webhook.a or (webhook.null ~ webhook.b)", "1"),
        ] {
            assert_eq!(told(expression), Ok(vec![right.to_owned()]), "{expression}");
        }
        for (expression, named) in [
            ("webhook.a ~ '-' ~ webhook.null", "webhook.null"),
            ("webhook.a ~ '-' ~ webhook.empty", "webhook.empty"),
            ("webhook.blank ~ '-' ~ webhook.a", "webhook.blank"),
            ("webhook.a ~ '-' ~ webhook.no", "webhook.no"),
            ("[webhook.a, webhook.empty] | join('-')", "webhook.empty"),
            (
                "webhook['items'] | join('-', attribute='id')",
                "webhook.items[1].id",
            ),
            ("'%s/%s' | format(webhook.a, webhook.null)", "webhook.null"),
            ("webhook.a ~ '-' ~ (webhook.null | upper)", "webhook.null"),
            (
                "webhook.a ~ '-' ~ webhook.null if webhook.a else webhook.b",
                "webhook.null",
            ),
            ("(webhook.a ~ '-' ~ webhook.null) | upper", "webhook.null"),
        ] {
            let error = told(expression).unwrap_err().to_string();
            let is_told =
                error.contains("the key incomplete") || error.contains("is missing or empty");
            assert!(is_told && error.contains(named), "{expression}: {error}");
        }
    }

    #[test]
    fn an_address_is_one_in_whichever_letters_and_other_texts_are_not() {
        let told = |value: &str| {
            let context = json!({ "webhook": { "x": value } });
            values("{{ webhook.x }}", &context).unwrap().remove(0)
        };
        for address in ["Ada@x.com", "ada@X.com", " ada@x.com"] {
            assert_eq!(told(address), "ada@x.com");
        }
        for other in ["A-7", "Call me@home", "A@B@c.d", "https://u@x.com/Path"] {
            assert_eq!(told(other), other);
        }
    }
}
