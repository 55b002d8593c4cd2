//! Which arguments of a list arrange what it shows and do not choose it.

use canopy_transport::operation::{Operation, Paging};

/// How services call the order of a list.
const ORDER: [&str; 5] = [
    "order",
    "sort",
    "sortBy",
    "sortDirection",
    "sortScoreProfile",
];

/// Whether a parameter of a list says only in which order and in which pages the records come. Read to its end, the list
/// shows the same records with any value of it. Names of paging parameters are those of the operation's way of paging.
///
/// ```
/// let search = canopy_highlevel::operation("search-opportunity").unwrap();
/// assert!(canopy_highlevel::arranges(search, "order"));
/// assert!(canopy_highlevel::arranges(search, "limit"));
/// assert!(!canopy_highlevel::arranges(search, "status"));
/// ```
pub fn arranges(operation: &Operation, parameter: &str) -> bool {
    if operation.items.is_none() {
        return false;
    }
    let paging: &[&str] = match operation.paging {
        // All that there is comes at once, or a size would cut it off.
        Paging::None => &[],
        Paging::SearchAfter => &["page", "pageLimit", "searchAfter"],
        Paging::StartAfter => &["startAfter", "startAfterId", "page", "limit"],
        Paging::Skip => &["skip", "limit"],
        Paging::Offset => &["offset", "limit"],
        Paging::After { parameter: of, .. } | Paging::Cursor { parameter: of, .. } => {
            if of == parameter {
                return true;
            }
            &["limit"]
        }
    };
    paging.contains(&parameter) || ORDER.contains(&parameter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OPERATIONS, describe};

    /// The names of orders are not in the description: whoever adds a list with another one is to look at this.
    #[test]
    fn each_list_that_is_polled_has_an_order_of_a_known_name() {
        let mut wrong = Vec::new();
        for operation in OPERATIONS.iter().filter(|one| one.trigger.is_some()) {
            for field in describe(operation.name).unwrap().fields {
                let name = field.name.to_lowercase();
                let orders = ["order", "sort"].iter().any(|word| name.starts_with(word));
                if operation.items.is_some() && orders && !arranges(operation, &field.name) {
                    wrong.push((operation.name, field.name));
                }
            }
        }
        assert_eq!(wrong, []);
    }
}
