//! From JSON to the values of templates and back. Null is nothing on the way in; what is nothing inside a whole value is
//! null on the way out, so that a record that is handed on stays as it was.

use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use serde::Serialize;
use serde_json::{Map, Number, Value as Json};

use super::number::whole;

/// What templates see of a context.
pub(crate) fn context(context: &impl Serialize) -> Result<Value, serde_json::Error> {
    let json = serde_json::to_value(context)?;
    let kind = json.pointer("/event/kind").and_then(Json::as_str);
    let is_of_contact = kind.is_some_and(|kind| kind.starts_with("contact."));
    let is_contact = |name: &str| name == "contact" || name == "record" && is_of_contact;
    Ok(match json {
        Json::Object(members) => {
            Value::from_object(Members::of(members, |name, member| match member {
                Json::Object(members) if is_contact(name) => {
                    Value::from_object(Contact(Members::of(members, |_, member| value(member))))
                }
                other => value(other),
            }))
        }
        other => value(other),
    })
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::UNDEFINED,
        Json::Bool(flag) => Value::from(flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Value::from(number),
            (_, Some(number), _) => Value::from(number),
            (_, _, number) => number.map_or(Value::UNDEFINED, Value::from),
        },
        Json::String(text) => Value::from(text),
        Json::Array(items) => items.into_iter().map(value).collect::<Vec<_>>().into(),
        Json::Object(members) => {
            Value::from_object(Members::of(members, |_, member| value(member)))
        }
    }
}

/// An object in its own order. A member without a value is none for who looks, and null for who takes it all.
#[derive(Debug)]
struct Members(indexmap::IndexMap<String, Value>);

impl Members {
    fn of(members: Map<String, Json>, seen: impl Fn(&str, Json) -> Value) -> Self {
        let members = members.into_iter();
        Self(
            members
                .map(|(name, member)| {
                    let member = seen(&name, member);
                    (name, member)
                })
                .collect(),
        )
    }

    fn names(&self) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|key| Value::from(key.as_str())).collect())
    }
}

impl Object for Members {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.names()
    }
}

/// A contact, whose name and address are there whichever answer it is from: single reads give the halves of the name alone,
/// lists the whole in lower case; searches say `address`, others `address1`. So they read by any name of the contact as
/// `contact.name` does. Who takes the whole contact gets it as it came.
#[derive(Debug)]
struct Contact(Members);

impl Contact {
    fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.0.get(name)?.as_str()?;
        (!text.trim().is_empty()).then_some(text)
    }

    fn known(&self, name: &str) -> Option<String> {
        match name {
            "name" => {
                let halves = ["firstName", "lastName"].into_iter();
                let halves: Vec<_> = halves.filter_map(|half| self.text(half)).collect();
                (!halves.is_empty()).then(|| halves.join(" "))
            }
            "address" | "address1" if self.text(name).is_none() => {
                let other = if name == "address" {
                    "address1"
                } else {
                    "address"
                };
                self.text(other).map(str::to_owned)
            }
            _ => None,
        }
    }
}

impl Object for Contact {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let known = self.known(name).map(Value::from);
        known.or_else(|| self.0.0.get(name).cloned())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.0.names()
    }
}

/// The JSON of a value. A number that no JSON holds (a division that ran over) is an error.
pub(crate) fn json(value: &Value) -> Result<Json, String> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => Json::Null,
        ValueKind::Number => {
            if let Ok(number) = i64::try_from(value.clone())
                && value.is_integer()
            {
                return Ok(number.into());
            }
            if let Ok(number) = u64::try_from(value.clone())
                && value.is_integer()
            {
                return Ok(number.into());
            }
            let number = f64::try_from(value.clone()).map_err(|error| error.to_string())?;
            match whole(number) {
                // `2.0` becomes `2`: services refuse a fraction where they want an integer.
                Some(whole) => whole.into(),
                None => Number::from_f64(number)
                    .ok_or("gives a number that is without bounds")?
                    .into(),
            }
        }
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::String => Json::String(value.as_str().unwrap_or_default().to_owned()),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|error| error.to_string())?;
            items.map(|item| json(&item)).collect::<Result<_, _>>()?
        }
        ValueKind::Map => {
            let mut members = Map::new();
            for key in value.try_iter().map_err(|error| error.to_string())? {
                let member = value.get_item(&key).map_err(|error| error.to_string())?;
                let name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                members.insert(name, json(&member)?);
            }
            Json::Object(members)
        }
        // A function, or what a loop knows of itself.
        _ => return Err("is no value that could be written".to_owned()),
    })
}

/// What stands at a path such as `customData.trees` or `items.0`.
pub(crate) fn at(value: &Value, path: &str) -> Value {
    path.split('.').fold(value.clone(), |value, name| {
        let place = name
            .parse::<usize>()
            .map_or_else(|_| Value::from(name), Value::from);
        value.get_item(&place).unwrap_or_default()
    })
}
