//! Finds entries of the catalog by words of what somebody wants to do.

use super::Entry;

/// Entries that hold one of the words at least, the best first.
pub(crate) fn search(entries: impl Iterator<Item = Entry>, query: &str) -> Vec<Entry> {
    let wanted = words(query);
    let mut found: Vec<(u32, Entry)> = entries
        .map(|entry| (wanted.iter().map(|word| score(&entry, word)).sum(), entry))
        .filter(|(score, _)| *score > 0 || wanted.is_empty())
        .collect();
    // Of equals, the shorter name says less beside what was asked for. The sort is stable: the rest stay in the
    // catalog's order.
    found.sort_by_key(|(score, entry)| (std::cmp::Reverse(*score), words(entry.name).len()));
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// A word of the name counts more than one that is only in the summary, and a whole word more than a part of one.
fn score(entry: &Entry, word: &str) -> u32 {
    let weigh = |text: &str, whole: u32, part: u32| {
        let words = words(text);
        if words.iter().any(|one| one == word) {
            whole
        } else if words.iter().any(|one| one.starts_with(word)) {
            part
        } else {
            0
        }
    };
    let name = weigh(entry.name, 8, 3).max(weigh(entry.title, 8, 3));
    let about = weigh(entry.operation.summary, 4, 2);
    name.max(about) + weigh(entry.category, 2, 1)
}

/// They are in half of all titles.
const STOP_WORDS: [&str; 12] = [
    "a", "an", "and", "by", "for", "from", "in", "of", "on", "the", "to", "with",
];

/// In lower case and without the plural's `s`: who looks for "notes" means "note" as well.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .filter(|word| !STOP_WORDS.contains(&word.as_str()))
        .map(|word| {
            let stem = word
                .strip_suffix('s')
                .filter(|stem| stem.len() > 2 && !stem.ends_with('s'));
            stem.map(str::to_owned).unwrap_or(word)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::*;

    fn names(query: &str) -> Vec<&'static str> {
        search(catalog::entries(), query)
            .iter()
            .map(|entry| entry.name)
            .collect()
    }

    #[test]
    fn what_is_meant_comes_first() {
        for (query, expected) in [
            ("create a note", "create-contact-note"),
            ("get contact", "get-contact"),
            ("Get a contact", "get-contact"),
            ("send a message", "send-message"),
            ("Notes, get", "get-contact-notes"),
            ("remove tags", "remove-tags-from-contact"),
        ] {
            assert_eq!(names(query)[0], expected, "{query}");
        }
    }

    #[test]
    fn words_that_are_nowhere_find_nothing_and_no_words_find_everything() {
        assert!(names("xylophone").is_empty());
        assert_eq!(names("").len(), catalog::entries().count());
    }
}
