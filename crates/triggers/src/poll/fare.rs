//! How polls fare: each attempt is reported, and what a person hears of it follows in the store.

use canopy_highlevel::Refusal;
use canopy_store::{Part, PartReport, PartState};
use jiff::Timestamp;

use super::{Poll, PollError, Polled, Poller};

/// What HighLevel puts before its advice in the text of an error.
const ADVICE: &str = ". What to do: ";

/// How one attempt at a poll went. A part of what it was to read may have failed although another part came through.
#[derive(Debug)]
pub(super) struct Attempt {
    pub polled: Polled,
    pub failed: Option<PollError>,
}

impl Attempt {
    /// Why nothing came of it.
    pub fn in_vain(self) -> Option<PollError> {
        self.failed.filter(|_| self.polled.stored == 0)
    }
}

impl PollError {
    /// As the state of a part.
    fn state(&self) -> PartState {
        let text = crate::poll::chain(self);
        let (cause, told) = match text.split_once(ADVICE) {
            Some((cause, advice)) => (cause.to_owned(), Some(advice.to_owned())),
            None => (text, None),
        };
        let remedy = told.unwrap_or_else(|| self.remedy().to_owned());
        PartState::Failing {
            cause,
            remedy,
            at_once: self.is_for_a_person(),
        }
    }

    /// Trying again mends nothing.
    fn is_for_a_person(&self) -> bool {
        match self {
            Self::Service { source, .. } => matches!(
                source.refusal(),
                Some(
                    Refusal::Unauthorized
                        | Refusal::ScopeMissing { .. }
                        | Refusal::UserTypeMismatch
                        | Refusal::WrongLocation
                        | Refusal::WrongAuthClass
                        | Refusal::Forbidden
                )
            ),
            Self::Cursor { .. } => true,
            Self::Unreadable { .. } | Self::Odd { .. } | Self::Store(_) | Self::Stuck { .. } => {
                false
            }
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::Service { .. } => {
                "it is tried again by itself, and nothing is lost meanwhile; if it lasts, see whether HighLevel is up and whether this machine reaches it"
            }
            Self::Unreadable { .. } | Self::Stuck { .. } => {
                "it is tried again by itself; if it lasts, see what answers in place of HighLevel: a proxy, a firewall, or another base_url"
            }
            Self::Odd { .. } => {
                "everything else of the lists is told; if it lasts, look at what HighLevel shows there, and tell its support"
            }
            Self::Store(_) => "see to the disk; it is tried again by itself",
            Self::Cursor { .. } => "restore a backup of the store, or ask for help with the cursor",
        }
    }
}

impl Poller {
    /// Forgets polls that are not made any more.
    pub(super) async fn keep_reports(&self) {
        let polls = self.polls();
        let names = polls.iter().map(|poll| poll.name.clone()).collect();
        let (store, location) = (&self.site.store, &self.site.location);
        let kept = store.keep_parts(location, Part::Poll, names, self.site.clock.now());
        if let Err(error) = kept.await {
            tracing::debug!(%location, %error, "the states of polls could not be kept");
        }
    }

    /// Reports an attempt. `next`: when the next one is.
    pub(super) async fn report(&self, poll: &Poll, attempt: &Attempt, next: Option<Timestamp>) {
        // Somebody else polls here.
        if attempt.failed.is_none() && !attempt.polled.owner {
            return;
        }
        let state = match &attempt.failed {
            Some(error) => error.state(),
            None => PartState::Good,
        };
        let report = PartReport {
            location: self.site.location.clone(),
            part: Part::Poll,
            name: poll.name.clone(),
            state,
            next_try: next,
        };
        let now = self.site.clock.now();
        if let Err(error) = self.site.store.report_health(vec![report], now).await {
            tracing::debug!(poll = %poll.name, %error, "the state of a poll could not be kept");
        }
    }
}
