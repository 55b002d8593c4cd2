//! What has changed between two readings of an answer that is no record, or of a file. Pure: readings in, events out.

use canopy_mapping::content_hash;
use canopy_store::PollRecord;
use serde_json::{Value, json};

use super::compare::Found;
use super::events::{Maker, Seen};
use super::window::{Span, within};

impl Maker<'_> {
    /// Compares an answer about a window that moves: the part counts that both windows showed and that is to come.
    pub fn compare_window(
        &self,
        before: Option<&PollRecord>,
        content: Option<(String, Value)>,
        span: Span,
        baseline: bool,
    ) -> Found {
        let (hash, answer) = content.unwrap_or_default();
        let same = before.map(|before| {
            let last_to = before.facets["to"].as_str().and_then(|to| to.parse().ok());
            let shared = Span {
                from: span.from.max(self.now),
                to: span.to.min(last_to.unwrap_or(span.to)),
            };
            let [old, new] = [&before.facets["answer"], &answer]
                .map(|answer| content_hash(&within(answer, shared).unwrap_or_default()));
            old == new
        });
        let number = before.map_or(1, |before| before.number + i64::from(same == Some(false)));
        let mut found = Found::default();
        if !same.unwrap_or(baseline) {
            let seen = Seen {
                id: &self.poll.name,
                parent: "",
                own: None,
                payload: &answer,
            };
            found.events.push(self.changed(seen, number, &hash));
        }
        found.seen.push(PollRecord {
            record: self.poll.name.clone(),
            version: hash,
            number,
            facets: json!({ "answer": answer, "to": span.to.to_string() }),
            ..PollRecord::default()
        });
        found
    }

    /// Compares an answer that is no record, or bytes, by content. `None`: there is none now.
    pub fn compare_content(
        &self,
        before: Option<&PollRecord>,
        content: Option<(String, Value)>,
        baseline: bool,
    ) -> Found {
        let (hash, payload) = content.unwrap_or_default();
        let number = match before {
            Some(before) if before.version == hash => return Found::default(),
            Some(before) => before.number + 1,
            None => 1,
        };
        let mut found = Found::default();
        if !baseline {
            let seen = Seen {
                id: &self.poll.name,
                parent: "",
                own: None,
                payload: &payload,
            };
            found.events.push(self.changed(seen, number, &hash));
        }
        found.seen.push(PollRecord {
            record: self.poll.name.clone(),
            version: hash,
            number,
            facets: json!({}),
            ..PollRecord::default()
        });
        found
    }
}
