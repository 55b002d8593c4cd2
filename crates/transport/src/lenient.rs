//! How answers are read: a value of an unexpected shape is bent to the expected one where its meaning is plain, and is
//! absent where it is not. One odd member never costs the rest of an answer.
//!
//! Generated answer types read every member through [`read`]. Their code is written out instead of derived, because
//! derived code for several thousand lenient members takes the compiler longer than all the rest of a client.
//!
//! ```
//! use canopy_transport::lenient;
//! use serde_json::json;
//!
//! assert_eq!(lenient::read::<String>(json!(7)).as_deref(), Some("7"));
//! assert_eq!(lenient::read::<bool>(json!("false")), Some(false));
//! assert_eq!(lenient::read::<i64>(json!({})), None);
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The members of an object.
pub type Members = Map<String, Value>;

/// Reads an optional member of an answer.
pub fn read<T: Lenient>(value: Value) -> Option<T> {
    if value.is_null() {
        None
    } else {
        T::from_json(value)
    }
}

/// Reads an answer that is a list and nothing around it. An empty answer is an empty list.
pub fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Lenient,
{
    let value = Value::deserialize(deserializer)?;
    if value.as_object().is_some_and(Map::is_empty) {
        return Ok(Vec::new());
    }
    Ok(Vec::from_json(value).unwrap_or_default())
}

/// What can be read from JSON of more than one shape.
pub trait Lenient: Sized {
    /// `None` when the value cannot mean such a thing.
    fn from_json(value: Value) -> Option<Self>;
}

/// Text; numbers and booleans are written out.
impl Lenient for String {
    fn from_json(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// A number, or one written as text.
impl Lenient for f64 {
    fn from_json(value: Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }
}

/// A whole number; `20.0` and `"20"` are one, too.
impl Lenient for i64 {
    fn from_json(value: Value) -> Option<Self> {
        let number = match &value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.or_else(|| whole(f64::from_json(value)?))
    }
}

/// The number without its `.0`, as long as no digit of it is lost.
#[allow(clippy::cast_possible_truncation)] // Inside 2^53 every whole f64 is an i64.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// True and false, also as text or as 1 and 0.
impl Lenient for bool {
    fn from_json(value: Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(flag),
            Value::Number(number) if number.as_i64() == Some(1) => Some(true),
            Value::Number(number) if number.as_i64() == Some(0) => Some(false),
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" => Some(true),
                "false" | "0" | "no" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Anything, as it is.
impl Lenient for Value {
    fn from_json(value: Value) -> Option<Self> {
        Some(value)
    }
}

/// A list; one thing outside a list is a list of one, and elements that make no sense are left out.
impl<T: Lenient> Lenient for Vec<T> {
    fn from_json(value: Value) -> Option<Self> {
        match value {
            Value::Array(elements) => Some(elements.into_iter().filter_map(T::from_json).collect()),
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            one => T::from_json(one).map(|one| vec![one]),
        }
    }
}

impl Lenient for Map<String, Value> {
    fn from_json(value: Value) -> Option<Self> {
        match value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }
}

impl<T: Lenient> Lenient for BTreeMap<String, T> {
    fn from_json(value: Value) -> Option<Self> {
        let members = Map::from_json(value)?;
        Some(
            members
                .into_iter()
                .filter_map(|(key, value)| Some((key, T::from_json(value)?)))
                .collect(),
        )
    }
}

/// Writes an answer: its members that are there, then what else the service sent.
#[derive(Debug)]
pub struct Writer<S: Serializer>(S::SerializeMap);

impl<S: Serializer> Writer<S> {
    pub fn new(serializer: S) -> Result<Self, S::Error> {
        serializer.serialize_map(None).map(Self)
    }

    pub fn member<T: Serialize>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
    ) -> Result<(), S::Error> {
        match value {
            Some(value) => self.0.serialize_entry(name, value),
            None => Ok(()),
        }
    }

    pub fn end(mut self, extra: &Map<String, Value>) -> Result<S::Ok, S::Error> {
        for (name, value) in extra {
            self.0.serialize_entry(name, value)?;
        }
        self.0.end()
    }
}

/// One of the documented values, or another one that the service has added since.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Open<T> {
    Known(T),
    Other(String),
}

impl<T> Open<T> {
    /// The documented value, if it is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(known) => Some(known),
            Self::Other(_) => None,
        }
    }
}

impl<T: fmt::Display> fmt::Display for Open<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => known.fmt(f),
            Self::Other(other) => f.write_str(other),
        }
    }
}

impl<T: FromStr> Lenient for Open<T> {
    fn from_json(value: Value) -> Option<Self> {
        let text = String::from_json(value)?;
        Some(text.parse().map_or_else(|_| Self::Other(text), Self::Known))
    }
}

impl<T: fmt::Display> Serialize for Open<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Open<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(text.parse().map_or_else(|_| Self::Other(text), Self::Known))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bare_list_is_read_whatever_it_is() {
        let read = |value: Value| list::<_, String>(value).expect("a list is always read");
        assert_eq!(read(json!(["a", {}, 7])), ["a", "7"]);
        assert_eq!(read(json!("a")), ["a"]);
        assert!(read(json!({})).is_empty() && read(json!(null)).is_empty());
    }

    #[test]
    fn scalars_are_bent() {
        assert_eq!(read::<String>(json!(12)), Some("12".into()));
        assert_eq!(read::<String>(json!(2.9)), Some("2.9".into()));
        assert_eq!(
            read::<String>(json!(1_690_000_000_000_i64)),
            Some("1690000000000".into())
        );
        assert_eq!(read::<f64>(json!(" 2.5 ")), Some(2.5));
        assert_eq!(read::<f64>(json!("NaN")), None);
        assert_eq!(read::<i64>(json!("20")), Some(20));
        assert_eq!(read::<i64>(json!(20.0)), Some(20));
        assert_eq!(read::<i64>(json!(20.5)), None);
        assert_eq!(read::<i64>(json!(1e300)), None);
        assert_eq!(read::<bool>(json!("False")), Some(false));
        assert_eq!(read::<bool>(json!(1)), Some(true));
        assert_eq!(read::<bool>(json!(2)), None);
    }

    #[test]
    fn what_makes_no_sense_is_absent() {
        assert_eq!(read::<String>(json!({ "a": 1 })), None);
        assert_eq!(read::<f64>(json!("many")), None);
        assert_eq!(read::<Map<String, Value>>(json!([])), None);
        assert_eq!(read::<Value>(json!(null)), None);
    }

    #[test]
    fn lists_take_one_thing_and_drop_nonsense() {
        assert_eq!(read::<Vec<String>>(json!("vip")), Some(vec!["vip".into()]));
        assert_eq!(read::<Vec<String>>(json!("")), None);
        assert_eq!(read::<Vec<String>>(json!(null)), None);
        assert_eq!(
            read::<Vec<String>>(json!(["a", null, 1, {}])),
            Some(vec!["a".into(), "1".into()])
        );
        // A search continues from the very values that were given, nulls included.
        assert_eq!(
            read::<Vec<Value>>(json!([null, "id"])),
            Some(vec![json!(null), json!("id")])
        );
    }

    #[test]
    fn maps_keep_what_they_can() {
        let map = read::<BTreeMap<String, f64>>(json!({ "a": "1.5", "b": [] })).unwrap();
        assert_eq!(map, BTreeMap::from([("a".to_owned(), 1.5)]));
    }

    #[test]
    fn enums_stay_open() {
        type Port = Open<u16>;
        assert_eq!(read::<Port>(json!("80")), Some(Open::Known(80)));
        assert_eq!(
            read::<Port>(json!("http")),
            Some(Open::Other("http".into()))
        );
        assert_eq!(
            serde_json::to_value(Port::Other("http".into())).unwrap(),
            json!("http")
        );
        assert_eq!(
            serde_json::from_value::<Port>(json!("80")).unwrap().known(),
            Some(&80)
        );
    }
}
