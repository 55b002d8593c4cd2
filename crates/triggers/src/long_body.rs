//! Deliveries that are longer than is read: when HighLevel signed one it is noted and answered well, or it would come again
//! twelve times and count against the address. What it is of is read out of its beginning as far as that shows it.

use canopy_highlevel::webhook::{Signatures, SignedStream};
use canopy_store::{NewAlert, StoreError, UNKNOWN_LOCATION};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::normalise;
use crate::receive::{MOST_ASIDE, ReceiveError, Received, Receiver};
use crate::receive_hook::UNREADABLE;
use crate::tally;

/// So many bytes of its beginning are looked through.
const HEAD: usize = 64 * 1024;
/// Members that say what a delivery is of. None is personal.
const SAID: [&str; 5] = ["type", "webhookId", "timestamp", "locationId", "id"];
/// No id and no name is longer.
const LONGEST: usize = 64;
const PROBLEM: &str = "it is longer than is read";

/// A body of which only hash, size and beginning are kept.
#[derive(Debug)]
pub struct LongBody {
    signed: SignedStream,
    hash: Sha256,
    bytes: u64,
    head: Vec<u8>,
}

impl LongBody {
    /// The next piece of it.
    pub fn update(&mut self, piece: &[u8]) {
        self.signed.update(piece);
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
        let room = HEAD.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..room]);
    }
}

impl Receiver {
    /// For a body that turns out to be longer than is read. `None`: its signature cannot be checked piece by piece.
    pub fn long_body(&self, signatures: Signatures<'_>) -> Option<LongBody> {
        Some(LongBody {
            signed: self.verifier.stream(signatures)?,
            hash: Sha256::new(),
            bytes: 0,
            head: Vec::new(),
        })
    }

    /// Notes a delivery that is longer than is read, and tells a person.
    pub async fn receive_long(
        &self,
        event: Option<&str>,
        body: LongBody,
    ) -> Result<Received, ReceiveError> {
        let now = self.clock.now();
        let received = self.note_long(event, body, now).await;
        self.count(event, &received, now);
        received
    }

    async fn note_long(
        &self,
        event: Option<&str>,
        body: LongBody,
        now: Timestamp,
    ) -> Result<Received, ReceiveError> {
        let LongBody {
            signed,
            hash,
            bytes,
            head,
        } = body;
        signed.finish()?;
        let hash = hex::encode(hash.finalize());
        let mut payload = Map::new();
        for member in SAID {
            if let Some(said) = said(&head, member) {
                payload.insert(member.to_owned(), said.into());
            }
        }
        let of = event.map(str::to_owned);
        let of = of.or_else(|| payload.get("type")?.as_str().map(str::to_owned));
        payload.insert("bytes".to_owned(), json!(bytes));
        payload.insert("sha256".to_owned(), json!(hash));
        payload.insert("problem".to_owned(), json!(PROBLEM));
        let noted = normalise::noted_unread(&hash, Value::Object(payload), now);
        self.store
            .set_aside(noted, PROBLEM, MOST_ASIDE, now)
            .await?;
        self.tell_long(event, of.as_deref(), bytes, now).await?;
        Ok(Received::Unreadable)
    }

    async fn tell_long(
        &self,
        event: Option<&str>,
        of: Option<&str>,
        bytes: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut locations = self.locations.iter();
        let location = match (locations.next(), locations.next()) {
            (Some(only), None) => only.clone(),
            _ => UNKNOWN_LOCATION.to_owned(),
        };
        let of: String = of
            .unwrap_or("an event without a type")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '.' | '-'))
            .take(LONGEST)
            .collect();
        let alert = NewAlert {
            location,
            kind: UNREADABLE.to_owned(),
            subject: tally::address(event),
            message: format!(
                "a delivery of HighLevel ({of}, {bytes} bytes) is longer than is read, so it is noted by size and hash and does nothing; `canopy events --location unknown` shows what it says of itself. Polls find the change where the workflow's trigger can be polled"
            ),
        };
        self.store.raise_alert(alert, now).await.map(drop)
    }
}

/// The text of a member, where the beginning of the body shows it plainly.
fn said(head: &[u8], member: &str) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let (_, rest) = head.split_once(&format!("\"{member}\""))?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let (text, _) = rest.strip_prefix('"')?.split_once('"')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '+');
    ((1..=LONGEST).contains(&text.len()) && text.chars().all(plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_beginning_shows_plainly_is_taken_and_nothing_else() {
        let head = br#"{ "type" : "NoteCreate", "id":"n1", "locationId": 7, "webhookId": "Ada Byron", "timestamp": "2026-03-02T18:00:00.000Z", "body": "x"#;
        let all: Vec<_> = SAID.iter().map(|member| said(head, member)).collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            all,
            [
                text("NoteCreate"),
                None,
                text("2026-03-02T18:00:00.000Z"),
                None,
                text("n1")
            ]
        );
    }
}
