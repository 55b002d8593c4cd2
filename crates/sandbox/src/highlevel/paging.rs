//! Pages: by how many to pass over, and by the last record seen.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;

/// How large a page is when nothing is asked, and at most.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub default: usize,
    pub most: usize,
}

/// The page that `limit` and a query key for how many to pass over ask for.
pub fn skipping<T>(
    items: impl IntoIterator<Item = T>,
    call: &Call<'_>,
    skip: &str,
    size: Size,
) -> Result<Vec<T>, Answer> {
    let limit = call.number("limit", size.default)?.min(size.most);
    let skip = call.number(skip, 0)?;
    Ok(items.into_iter().skip(skip).take(limit).collect())
}

/// A page of a list, and what its answer says about the others.
#[derive(Debug)]
pub struct Page<'i, T> {
    pub items: &'i [T],
    pub meta: Value,
}

/// What a list is ordered by: when a record was made, in milliseconds, and its id to tell equals apart.
pub type Place<'i> = (i64, &'i str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    NewestFirst,
    OldestFirst,
}

impl Order {
    pub fn sort<T>(self, items: &mut [T], place: impl Fn(&T) -> Place<'_>) {
        items.sort_by(|left, right| self.rank(place(left)).cmp(&self.rank(place(right))));
    }

    fn rank(self, (at, id): Place<'_>) -> Place<'_> {
        match self {
            Self::NewestFirst => (at.saturating_neg(), id),
            Self::OldestFirst => (at, id),
        }
    }
}

/// The page after the record that `startAfter` (milliseconds) and `startAfterId` name, or by its number.
pub fn after<'i, T>(
    items: &'i [T],
    (order, place): (Order, impl Fn(&'i T) -> Place<'i>),
    call: &Call<'_>,
    path: &str,
    size: Size,
) -> Result<Page<'i, T>, Answer> {
    let limit = call.number("limit", size.default)?;
    if !(1..=size.most).contains(&limit) {
        return Err(Answer::invalid(vec![format!(
            "limit must not be greater than {} or less than 1",
            size.most
        )]));
    }
    let start = match (call.query("startAfter"), call.query("startAfterId")) {
        (Some(_), id) => {
            let last = (call.number("startAfter", 0)?, id.unwrap_or_default());
            let is_seen = |item: &&'i T| order.rank(place(item)) <= order.rank(last);
            items.iter().take_while(is_seen).count()
        }
        (None, Some(id)) => items
            .iter()
            .position(|item| place(item).1 == id)
            .map_or(0, |at| at + 1),
        (None, None) => (call.number("page", 1_usize)?.max(1) - 1).saturating_mul(limit),
    };
    let start = start.min(items.len());
    let end = start.saturating_add(limit).min(items.len());
    let page = &items[start..end];
    let last = page.last().map(place);
    let next = last.filter(|_| end < items.len());
    let number = start / limit + 1;
    let meta = json!({
        "total": items.len(),
        "nextPageUrl": next.map(|(at, id)| next_url(call, path, at, id)),
        "startAfterId": last.map(|(_, id)| id),
        "startAfter": last.map(|(at, _)| at),
        "currentPage": number,
        "nextPage": next.map(|_| number + 1),
        "prevPage": (number > 1).then(|| number - 1),
    });
    Ok(Page { items: page, meta })
}

/// The same request, continued after a record.
fn next_url(call: &Call<'_>, path: &str, at: i64, id: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in call.query {
        if !["startAfter", "startAfterId", "page"].contains(&name.as_str()) {
            query.append_pair(name, value);
        }
    }
    query.append_pair("startAfter", &at.to_string());
    query.append_pair("startAfterId", id);
    format!("{}{path}?{}", call.base_url, query.finish())
}
