//! Caps that buy all they allow where a value is missing: `webhook.trees if webhook.trees < 20 else 20` is 20 without
//! `trees`. Told by trying: there are too many ways to write a cap for knowing them by sight.

use serde_json::{Map, Value, json};

use crate::values::{Part, Sight};
use crate::{merge, template};

/// Beyond every cap that anybody means.
const LARGE: [i64; 2] = [1_000_000_000, 3_000_000_000];
const SMALL: [i64; 4] = [1, 3, 0, -7];
/// So many values are tried in the places of the others.
const MOST_OTHERS: usize = 8;
/// Roots of which every member has a value in every run.
const OURS: [&str; 3] = ["impact", "event", "connection"];

/// What a template comes to where a value that bounds it is missing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cap {
    pub path: String,
    /// `None`: nothing at all.
    pub without: Option<f64>,
}

/// Whether a value at this path can be missing in a run.
pub(crate) fn may_lack(path: &str) -> bool {
    !OURS.iter().any(|own| path.split('.').next() == Some(*own))
}

/// A value that a template reads.
struct Input {
    /// As it is written.
    path: String,
    /// Where it is read from: a merge field is read by other names.
    places: Vec<Vec<Part>>,
}

impl Input {
    /// All that a template reads, in whichever notation.
    fn all(value: &Value) -> Vec<Self> {
        let member = |name: &str| Part::Member(name.to_owned());
        let parts = |path: &str| path.split('.').map(member).collect::<Vec<_>>();
        let written = template::written(value).into_iter();
        let dotted = written.filter(|path| path.contains('.')).map(|path| Self {
            places: std::iter::once(path.clone())
                .chain(merge::reads(&path))
                .map(|place| parts(&place))
                .collect(),
            path,
        });
        let mut all: Vec<Self> = dotted.collect();
        for sight in template::sights(value) {
            let (path, place) = match sight {
                Sight::Subscript(read) => (
                    read.written(),
                    read.parts().into_iter().map(member).collect(),
                ),
                Sight::Indexed { shown, parts } => (shown, parts),
                _ => continue,
            };
            if !all.iter().any(|known| known.path == path) {
                let places = vec![place];
                all.push(Self { path, places });
            }
        }
        all
    }
}

/// The values that a template keeps below a bound, and that it comes to the bound (or to nothing) without.
pub(crate) fn of(value: &Value) -> Vec<Cap> {
    let Some(text) = value.as_str().filter(|_| template::is_dynamic(value)) else {
        return Vec::new();
    };
    let inputs = Input::all(value);
    let others = others(text);
    let lacking = inputs.iter().filter(|input| may_lack(&input.path));
    lacking
        .filter(|input| !has_default(text, &input.path))
        .filter_map(|input| {
            others
                .iter()
                .find_map(|other| capped(value, &inputs, input, other))
        })
        .collect()
}

/// What the template comes to without this value, where that is its bound or nothing.
fn capped(value: &Value, inputs: &[Input], input: &Input, other: &Value) -> Option<Cap> {
    let rendered = |own: Value| template::render(value, &context(inputs, input, &own, other)).ok();
    let number = |own: Value| template::number(&rendered(own)?)?.as_f64();
    let bound = number(json!(LARGE[0]))?;
    if number(json!(LARGE[1])) != Some(bound) {
        return None;
    }
    let varies = SMALL
        .iter()
        .any(|small| number(json!(small)).is_some_and(|found| found < bound));
    let without = match rendered(Value::Null)? {
        Value::Null => None,
        found => Some(template::number(&found)?.as_f64()?),
    };
    let is_told = without.is_none_or(|without| without >= bound && bound > 0.0);
    (varies && is_told).then(|| Cap {
        path: input.path.clone(),
        without,
    })
}

/// What may stand in the other places: a number, nothing, and what the template compares with.
fn others(text: &str) -> Vec<Value> {
    let mut found = vec![json!(7), Value::Null];
    for quote in ['\'', '"'] {
        let quoted = text.split(quote).skip(1).step_by(2);
        found.extend(quoted.map(Value::from));
    }
    found.truncate(MOST_OTHERS);
    found
}

fn context(inputs: &[Input], input: &Input, own: &Value, other: &Value) -> Value {
    let mut context = Value::Object(Map::new());
    let others = inputs.iter().filter(|each| each.path != input.path);
    // What two names read in common is this one's.
    for each in std::iter::once(input).chain(others) {
        let ours = json!(7);
        let value = match may_lack(&each.path) {
            false => &ours,
            true if each.path == input.path => own,
            true => other,
        };
        for parts in &each.places {
            put(&mut context, parts, value);
        }
    }
    context
}

/// Puts a value where nothing is yet.
fn put(context: &mut Value, parts: &[Part], value: &Value) {
    let mut place = context;
    for (index, part) in parts.iter().enumerate() {
        let next = parts.get(index + 1);
        let empty = || match next {
            None => value.clone(),
            Some(Part::Member(_)) => Value::Object(Map::new()),
            Some(Part::Place(_)) => Value::Array(Vec::new()),
        };
        place = match (part, place) {
            (Part::Member(name), Value::Object(members)) => {
                members.entry(name.clone()).or_insert_with(empty)
            }
            (Part::Place(at), Value::Array(items)) => {
                while items.len() <= *at {
                    items.push(Value::Null);
                }
                let item = &mut items[*at];
                if item.is_null() {
                    *item = empty();
                }
                item
            }
            _ => return,
        };
    }
}

/// Whether the file says by itself what counts without the value.
pub(crate) fn has_default(text: &str, path: &str) -> bool {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    ["|default(", "|d("]
        .iter()
        .any(|filter| text.contains(&format!("{path}{filter}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(expression: &str) -> Vec<(String, Option<f64>)> {
        let text = if expression.contains("{%") {
            expression.to_owned()
        } else {
            format!("{{{{ {expression} }}}}")
        };
        let caps = of(&json!(text));
        caps.into_iter()
            .map(|cap| (cap.path, cap.without))
            .collect()
    }

    #[test]
    fn a_cap_that_is_bought_without_a_value_is_told_however_it_is_written() {
        for cap in [
            "webhook.trees if webhook.trees < 20 else 20",
            "20 if not (webhook.trees < 20) else webhook.trees",
            "{% if webhook.trees < 20 %}{{ webhook.trees }}{% else %}20{% endif %}",
            "(webhook.trees|int) if (webhook.trees|int) <= 20 else 20",
            "[webhook.trees, 20] | sort | first",
            "[webhook.trees, 20] | select | min",
            "[webhook.trees, 20] | min or 20",
            "[webhook.trees, 20] | min | default(20)",
            "(webhook.trees if webhook.trees < 20 else 20) if webhook.kind == 'gold' else 1",
            "([webhook.trees, 20] | sort)[:1] | first",
        ] {
            assert!(
                told(cap).contains(&("webhook.trees".to_owned(), Some(20.0))),
                "{cap}: {:?}",
                told(cap)
            );
        }
        // Whichever way the value is named.
        for (cap, path) in [
            (
                "custom['Trees planted'] if custom['Trees planted'] < 20 else 20",
                "custom['Trees planted']",
            ),
            (
                "20 if not custom['Trees'] < 20 else custom['Trees']",
                "custom['Trees']",
            ),
            ("([custom['Trees'], 20] | sort)[0]", "custom['Trees']"),
            ("[custom['Trees'], 20] | select | min", "custom['Trees']"),
            (
                "webhook.data['trees'] if webhook.data['trees'] < 20 else 20",
                "webhook.data['trees']",
            ),
            (
                "webhook.items[0].qty if webhook.items[0].qty < 20 else 20",
                "webhook.items[0].qty",
            ),
            (
                "[webhook.data['order list'][1], 20] | sort | first",
                "webhook.data['order list'][1]",
            ),
            (
                "opportunity.lead_value if opportunity.lead_value < 20 else 20",
                "opportunity.lead_value",
            ),
            (
                "contact.trees if contact.trees < 20 else 20",
                "contact.trees",
            ),
        ] {
            assert_eq!(told(cap), [(path.to_owned(), Some(20.0))], "{cap}");
        }
        for cap in [
            "[webhook.trees, 20] | min",
            "([webhook.trees] + [20]) | min",
            "[(webhook.trees|replace(',','')|int), 20] | min",
            "[webhook.trees, webhook.most] | min",
        ] {
            assert!(
                told(cap).contains(&("webhook.trees".to_owned(), None)),
                "{cap}: {:?}",
                told(cap)
            );
        }
    }

    #[test]
    fn what_says_what_counts_or_has_no_cap_is_not_told() {
        for good in [
            "[webhook.trees | default(1), 20] | min",
            "[webhook.trees or 1, 20] | min",
            "[webhook.trees or 0, 20] | min",
            "[(webhook.trees or webhook.customData.trees or 1) | floor, 100] | min",
            "[webhook.trees | default(20), 20] | min",
            "webhook.trees",
            "(opportunity.monetaryValue or 0) / 100",
            "2 if webhook.kind == 'gold' else 1",
            "2 if webhook.gold else 1",
            "5 if contact.tags | length > 3 else 1",
            "webhook.trees if webhook.trees < 20 else 0",
            "[custom['Trees'] | default(1), 20] | min",
            "[impact.trees, 20] | min",
            "contact.firstName",
            "[webhook.items[0].qty | default(1), 20] | min",
            "webhook.items[0].qty * 2",
        ] {
            assert_eq!(told(good), [], "{good}");
        }
    }
}
