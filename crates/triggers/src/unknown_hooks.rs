//! Calls to addresses of workflows' webhooks that no workflow names: mistyped in HighLevel, or renamed here. Each is lost, so a
//! person is told of the names. Strangers can make names up, so few are kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use canopy_store::{NewAlert, StoreError, UNKNOWN_LOCATION};

use crate::receive::Receiver;

/// Kind and subject of the alert. There is one, however many names there are.
const KIND: &str = "webhook_name";
const SUBJECT: &str = "/webhooks/workflow";
/// Names that are kept of those that anybody can send, and of those with a secret of ours; and that are told.
const KEPT: usize = 20;
const TOLD: usize = 5;
/// Characters of a name that are told.
const LONGEST: usize = 64;

/// What was called, since the process started.
#[derive(Debug, Default)]
pub(crate) struct UnknownHooks(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// By whether one of our secrets came with it, and name.
    calls: BTreeMap<(bool, String), Call>,
    others: u64,
    /// Something came that was not told yet.
    news: bool,
}

#[derive(Debug, Default)]
struct Call {
    times: u64,
    /// The webhook whose secret came with it.
    secret_of: Option<String>,
}

impl UnknownHooks {
    pub(crate) fn note(&self, name: &str, secret_of: Option<&str>) {
        let usable = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let name = name.chars().take(LONGEST);
        let name: String = name
            .map(|one| if usable(one) { one } else { '?' })
            .collect();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.news = true;
        let of_kind = seen
            .calls
            .keys()
            .filter(|(has_secret, _)| *has_secret == secret_of.is_some())
            .count();
        let key = (secret_of.is_some(), name);
        if of_kind >= KEPT && !seen.calls.contains_key(&key) {
            seen.others += 1;
            return;
        }
        let call = seen.calls.entry(key).or_default();
        call.times += 1;
        call.secret_of = secret_of.map(str::to_owned);
    }

    /// It could not be told.
    fn untold(&self) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.news = true;
    }

    /// What to tell a person, if there is something new.
    fn message(&self) -> Option<String> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut seen.news) {
            return None;
        }
        let mut calls: Vec<_> = seen.calls.iter().collect();
        calls.sort_by_key(|((has_secret, _), call)| (!has_secret, std::cmp::Reverse(call.times)));
        let told = calls.iter().take(TOLD).map(|((_, name), call)| {
            let times = call.times;
            match &call.secret_of {
                Some(hook) => format!("\"{name}\" ({times}, with the secret of \"{hook}\")"),
                None => format!("\"{name}\" ({times})"),
            }
        });
        let told: Vec<_> = told.collect();
        let left: u64 = calls.iter().skip(TOLD).map(|(_, call)| call.times).sum();
        let left = match left + seen.others {
            0 => String::new(),
            left => format!(", and {left} of other names"),
        };
        Some(format!(
            "calls came for workflow webhooks that are not configured, and are lost: {}{left}. Compare the address in HighLevel's workflow with the names in [[webhooks.workflow]] (where there is no secret of ours, strangers may have sent them)",
            told.join(", ")
        ))
    }
}

impl Receiver {
    /// Tells a person of names that were called and are not ours.
    pub(crate) async fn tell_unknown_hooks(&self) -> Result<(), StoreError> {
        let Some(message) = self.unknown.message() else {
            return Ok(());
        };
        let mut locations = self.locations.iter();
        let location = match (locations.next(), locations.next()) {
            (Some(only), None) => only.clone(),
            _ => UNKNOWN_LOCATION.to_owned(),
        };
        let alert = NewAlert {
            location,
            kind: KIND.to_owned(),
            subject: SUBJECT.to_owned(),
            message,
        };
        let told = self.store.raise_alert(alert, self.clock.now()).await;
        if told.is_err() {
            self.unknown.untold();
        }
        told.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_few_and_those_with_a_secret_of_ours_come_first() {
        let unknown = UnknownHooks::default();
        assert_eq!(unknown.message(), None);
        for number in 0..1000 {
            unknown.note(&format!("made/up<{number}>"), None);
        }
        unknown.note("plant-tre", Some("plant-tree"));
        let told = unknown.message().unwrap();
        let first =
            "are lost: \"plant-tre\" (1, with the secret of \"plant-tree\"), \"made?up?0?\" (1)";
        assert!(told.contains(first), "{told}");
        assert!(told.contains(", and 996 of other names"), "{told}");
        assert!(told.len() < 600, "{told}");
        assert_eq!(unknown.message(), None, "it is told once");
        assert!(unknown.0.lock().unwrap().calls.len() <= 2 * KEPT);
    }
}
