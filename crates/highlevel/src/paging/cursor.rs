//! Where a list goes on: arguments in, the next arguments out. Nothing is sent here.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use canopy_transport::PagingError;
use canopy_transport::operation::Paging;
use canopy_transport::schema::Field;
use serde_json::{Map, Value, json};

type Args = Map<String, Value>;

/// Page size where the service demands that one is named, or tells how large one may be: its own default is a fifth of
/// that for the longest lists, and each page is a call.
const PAGE_SIZE: u32 = 100;
/// Page numbers of the search reach this far.
const NUMBERED: usize = 10_000;

/// Remembers what was met, so that a list that runs in a circle is noticed.
#[derive(Debug)]
pub(super) struct Cursor {
    paging: Paging,
    /// Counts are written as text: some are described so.
    as_text: bool,
    places: HashSet<u64>,
    last_page: Option<u64>,
}

/// Arguments of the first page: what the caller left out of what the service demands is filled in, and the page size.
pub(super) fn first(paging: Paging, fields: &[Field], mut args: Args) -> Args {
    let mut fill = |name: &str, value: u32| {
        let field = fields
            .iter()
            .find(|field| field.name == name && (field.required || field.maximum.is_some()));
        if let Some(field) = field.filter(|_| args.get(name).is_none_or(Value::is_null)) {
            let value = field
                .maximum
                .map_or(f64::from(value), |most| most.min(value.into()));
            args.insert(name.to_owned(), number(Some(field), value));
        }
    };
    match paging {
        Paging::SearchAfter => {
            fill("pageLimit", PAGE_SIZE);
            if !args.contains_key("page") && !args.contains_key("searchAfter") {
                args.insert("page".to_owned(), json!(1));
            }
        }
        Paging::Skip => {
            fill("limit", PAGE_SIZE);
            fill("skip", 0);
        }
        Paging::Offset => {
            fill("limit", PAGE_SIZE);
            fill("offset", 0);
        }
        Paging::None | Paging::StartAfter | Paging::After { .. } | Paging::Cursor { .. } => {
            fill("limit", PAGE_SIZE);
        }
    }
    args
}

/// Some members that are numbers are described as text.
fn number(field: Option<&Field>, value: f64) -> Value {
    if field.is_some_and(|field| field.kind == "string") {
        json!(value.to_string())
    } else {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "page sizes and counts are far below 2^53"
        )]
        let whole = value as i64;
        json!(whole)
    }
}

impl Cursor {
    pub(super) fn new(paging: Paging, fields: &[Field]) -> Self {
        let counts = |field: &&Field| matches!(field.name.as_str(), "skip" | "offset");
        Self {
            paging,
            as_text: fields
                .iter()
                .find(counts)
                .is_some_and(|field| field.kind == "string"),
            places: HashSet::new(),
            last_page: None,
        }
    }

    /// Refuses a page that is the one before it once more: the service does not obey the place that was named.
    pub(super) fn meet(&mut self, items: &[Value]) -> Result<(), PagingError> {
        let page = (!items.is_empty())
            .then(|| hash(&items.iter().map(Value::to_string).collect::<String>()));
        if page.is_some() && page == self.last_page {
            return Err(PagingError::Stuck);
        }
        self.last_page = page;
        Ok(())
    }

    /// Arguments of the page behind this one; `None` at the end of the list.
    pub(super) fn advance(
        &mut self,
        sent: &Args,
        answer: &Value,
        items: &[Value],
    ) -> Result<Option<Args>, PagingError> {
        // Two styles name the next place outside the items, so that an empty page need not be the last one.
        let is_named_outside = matches!(self.paging, Paging::StartAfter | Paging::Cursor { .. });
        if items.is_empty() && !is_named_outside {
            return Ok(None);
        }
        let mut next = sent.clone();
        match self.paging {
            Paging::None => return Ok(None),
            Paging::Skip => count_on(&mut next, "skip", items.len(), self.as_text),
            Paging::Offset => count_on(&mut next, "offset", items.len(), self.as_text),
            Paging::SearchAfter => search_after(&mut next, items)?,
            Paging::StartAfter => {
                let meta = &answer["meta"];
                let given = ["startAfter", "startAfterId"].map(|name| (name, &meta[name]));
                if given.iter().all(|(_, value)| is_blank(value)) {
                    return Ok(None);
                }
                for (name, value) in given {
                    next.insert(name.to_owned(), value.clone());
                }
                next.shift_remove("page");
            }
            Paging::After { parameter, from } => match last(items, from) {
                Some(place) => {
                    next.insert(parameter.to_owned(), place.clone());
                }
                None => return Ok(None),
            },
            Paging::Cursor {
                parameter,
                next: place,
            } => match answer.pointer(place).filter(|place| !is_blank(place)) {
                Some(place) => {
                    next.insert(parameter.to_owned(), place.clone());
                }
                None => return Ok(None),
            },
        }
        // The first page's own arguments are a place, too.
        self.places
            .insert(hash(&Value::Object(sent.clone()).to_string()));
        if self
            .places
            .insert(hash(&Value::Object(next.clone()).to_string()))
        {
            Ok(Some(next))
        } else if items.is_empty() {
            Ok(None)
        } else {
            Err(PagingError::Stuck)
        }
    }
}

/// Goes on behind the last record. Page numbers are for records that do not tell their place, as far as they reach.
fn search_after(next: &mut Args, items: &[Value]) -> Result<(), PagingError> {
    if let Some(place) = last(items, "searchAfter") {
        next.insert("searchAfter".to_owned(), place.clone());
        next.shift_remove("page");
        return Ok(());
    }
    let whole = |name: &str| {
        next.get(name)
            .and_then(Value::as_u64)
            .and_then(|number| usize::try_from(number).ok())
    };
    let page = whole("page").unwrap_or(1);
    let size = whole("pageLimit").unwrap_or(items.len());
    if next.contains_key("searchAfter") || (page + 1) * size > NUMBERED {
        return Err(PagingError::Beyond {
            records: page * size,
        });
    }
    next.insert("page".to_owned(), json!(page + 1));
    Ok(())
}

fn count_on(next: &mut Args, name: &str, items: usize, as_text: bool) {
    let before = match next.get(name) {
        Some(Value::String(text)) => text.trim().parse().unwrap_or(0),
        Some(value) => value.as_u64().unwrap_or(0),
        None => 0,
    };
    let after = before + items as u64;
    let value = if as_text {
        json!(after.to_string())
    } else {
        json!(after)
    };
    next.insert(name.to_owned(), value);
}

/// The member of the last record that has it: an odd last record must not end the list. A member inside another is
/// named by a JSON pointer.
fn last<'a>(items: &'a [Value], from: &str) -> Option<&'a Value> {
    let member = |item: &'a Value| {
        if from.starts_with('/') {
            item.pointer(from)
        } else {
            item.get(from)
        }
    };
    items
        .iter()
        .rev()
        .filter_map(member)
        .find(|value| !is_blank(value))
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: Paging = Paging::Cursor {
        parameter: "nextCursor",
        next: "/meta/nextCursor",
    };

    fn after(
        cursor: &mut Cursor,
        sent: &Args,
        answer: &Value,
    ) -> Result<Option<Value>, PagingError> {
        let items = answer["items"].as_array().map(Vec::as_slice);
        let next = cursor.advance(sent, answer, items.unwrap_or_default())?;
        Ok(next.map(Value::Object))
    }

    #[test]
    fn a_cursor_of_the_answer_is_sent_back_until_there_is_none() {
        let mut cursor = Cursor::new(CURSOR, &[]);
        let mut sent = Args::from_iter([("limit".to_owned(), json!(20))]);
        for (answer, place) in [
            (json!({ "items": [1], "meta": { "nextCursor": "b" } }), "b"),
            // An empty page need not be the last one.
            (json!({ "items": [], "meta": { "nextCursor": "c" } }), "c"),
        ] {
            let next = after(&mut cursor, &sent, &answer).unwrap().unwrap();
            assert_eq!(next, json!({ "limit": 20, "nextCursor": place }));
            sent = next.as_object().unwrap().clone();
        }
        for end in [
            json!({ "items": [2], "meta": { "nextCursor": null } }),
            json!({ "items": [2], "meta": { "nextCursor": "" } }),
            json!({ "items": [2] }),
        ] {
            assert_eq!(after(&mut cursor, &sent, &end).unwrap(), None, "{end}");
        }
    }

    #[test]
    fn a_cursor_that_comes_again_is_no_circle() {
        let mut cursor = Cursor::new(CURSOR, &[]);
        let answer = json!({ "items": [1], "meta": { "nextCursor": "b" } });
        let next = after(&mut cursor, &Args::new(), &answer).unwrap().unwrap();
        let sent = next.as_object().unwrap().clone();
        assert!(matches!(
            after(&mut cursor, &sent, &answer),
            Err(PagingError::Stuck)
        ));
    }
}
