//! A member of an update that can be left alone, set, or emptied.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What to do with a field that the service can empty. Leaving it alone is the `None` around it.
///
/// ```
/// use canopy_transport::Patch;
///
/// assert_eq!(serde_json::to_string(&Patch::set("Ada")).unwrap(), r#""Ada""#);
/// assert_eq!(serde_json::to_string(&Patch::<String>::Clear).unwrap(), "null");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Patch<T> {
    /// Write this value.
    Set(T),
    /// Empty the field: sends null.
    Clear,
}

impl Patch<String> {
    /// Write this text.
    pub fn set(text: impl Into<String>) -> Self {
        Self::Set(text.into())
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl From<&str> for Patch<String> {
    fn from(text: &str) -> Self {
        Self::set(text)
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(value) => value.serialize(serializer),
            Self::Clear => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T> Patch<T> {
    /// Reads an optional member and tells null from absent, which serde's `Option` does not.
    pub fn present<'de, D>(deserializer: D) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>,
        T: Deserialize<'de>,
    {
        Self::deserialize(deserializer).map(Some)
    }
}
