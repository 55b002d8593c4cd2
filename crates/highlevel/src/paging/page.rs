//! One page of a list, and the records on it.

use canopy_transport::operation::Operation;
use canopy_transport::{CallError, OddRecord, PagingError, redact};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Error;

/// One answer of a list operation.
#[derive(Debug, Clone)]
pub struct Page {
    operation: &'static Operation,
    answer: Value,
    next: Option<Value>,
}

/// One record of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    operation: &'static Operation,
    path: String,
    value: Value,
}

impl Page {
    /// A list that is null or absent is none: that there are no records is told by an empty one.
    pub(super) fn read(operation: &'static Operation, answer: Value) -> Result<Self, PagingError> {
        let page = Self {
            operation,
            answer,
            next: None,
        };
        match page.answer.pointer(page.place()) {
            Some(Value::Array(_)) => Ok(page),
            _ => Err(PagingError::NoList),
        }
    }

    pub(super) fn continues_with(&mut self, next: Map<String, Value>) {
        self.next = Some(Value::Object(next));
    }

    /// Some lists are the whole answer.
    fn place(&self) -> &'static str {
        self.operation.items.unwrap_or_default()
    }

    /// The records, as they came.
    pub fn items(&self) -> &[Value] {
        let items = self.answer.pointer(self.place()).and_then(Value::as_array);
        items.map_or(&[], Vec::as_slice)
    }

    /// The whole answer, with what it says beside the records.
    pub fn answer(&self) -> &Value {
        &self.answer
    }

    /// How many records the list has in all, where the answer tells.
    pub fn total(&self) -> Option<u64> {
        ["/total", "/meta/total"]
            .iter()
            .find_map(|place| self.answer.pointer(place)?.as_u64())
    }

    /// Arguments of the page behind this one: to go on later, or after a restart. `None` on the last page.
    pub fn next_args(&self) -> Option<&Value> {
        self.next.as_ref()
    }

    /// The records one by one; those that are none are errors.
    pub fn into_items(self) -> Vec<Result<Item, Error>> {
        self.read_each(Ok)
    }

    /// The records, read as a type; those that do not fit it are errors.
    pub fn into_typed<T: DeserializeOwned>(self) -> Vec<Result<T, Error>> {
        self.read_each(Item::read)
    }

    fn read_each<R>(mut self, read: impl Fn(Item) -> Result<R, Error>) -> Vec<Result<R, Error>> {
        let (operation, place) = (self.operation, self.place());
        let items = self.answer.pointer_mut(place).map(Value::take);
        let Some(Value::Array(items)) = items else {
            return Vec::new();
        };
        let each = items.into_iter().enumerate().map(|(index, value)| {
            let item = Item {
                operation,
                path: format!("{place}/{index}"),
                value,
            };
            // What has an id is an object.
            if operation.id.is_some() && !item.value.is_object() {
                return Err(item.odd("", "a record is an object, and this is none"));
            }
            read(item)
        });
        each.collect()
    }
}

impl Item {
    /// The record, as it came.
    pub fn value(&self) -> &Value {
        &self.value
    }

    pub fn into_value(self) -> Value {
        self.value
    }

    /// JSON pointer to the record in its page's answer.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The record's id, where the description says what that is and the record has one.
    pub fn id(&self) -> Option<&str> {
        self.value.pointer(self.operation.id?)?.as_str()
    }

    /// What changes with the record: the time of its last change.
    pub fn version(&self) -> Option<&str> {
        self.value.pointer(self.operation.version?)?.as_str()
    }

    /// Reads the record as a type. The error has the path to the member that does not fit, and the record.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        serde_path_to_error::deserialize(&self.value).map_err(|error| {
            let inner: String = error
                .path()
                .iter()
                .filter_map(|segment| match segment {
                    serde_path_to_error::Segment::Seq { index } => Some(format!("/{index}")),
                    serde_path_to_error::Segment::Map { key } => {
                        Some(format!("/{}", key.replace('~', "~0").replace('/', "~1")))
                    }
                    _ => None,
                })
                .collect();
            self.odd(&inner, &redact::decode_error(error.inner()))
        })
    }

    fn odd(&self, inner: &str, problem: &str) -> Error {
        let path = format!("{}{inner}", self.path);
        let record = OddRecord::new(path, problem.to_owned(), self.value.clone());
        Error::new(
            Some(self.operation),
            CallError::record(self.operation, record),
        )
    }
}
