//! The words by which states are stored; the same as in their JSON form.

use canopy_mapping::Source;

use crate::health_store::Part;
use crate::types::{EventEnd, EventState, PurchaseState, RunState, StepState};

/// A value that is stored as one of a closed set of words.
pub(crate) trait Word: Sized {
    fn parse(text: &str) -> Option<Self>;
}

macro_rules! words {
    ($($type:ty { $($variant:ident $word:literal)* })*) => {$(
        impl $type {
            /// The word that the store, the pages and the JSON form use.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl Word for $type {
            fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

words! {
    EventState {
        Pending "pending"
        Held "held"
        Started "started"
        Echo "echo"
        NoMatch "no_match"
        Gone "gone"
        Duplicate "duplicate"
    }
    RunState {
        Ready "ready"
        Waiting "waiting"
        Held "held"
        Done "done"
        Dead "dead"
    }
    StepState {
        Intended "intended"
        Unsure "unsure"
        Done "done"
        Skipped "skipped"
        Failed "failed"
        Withheld "withheld"
    }
    PurchaseState {
        Intended "intended"
        Sent "sent"
        Confirmed "confirmed"
        Refused "refused"
        Unknown "unknown"
    }
    Part {
        Token "token"
        Key "key"
        Totals "totals"
        Ecologi "ecologi"
        Reading "reading"
        Poll "poll"
        WebhookRate "webhook_rate"
        WebhookSignatures "webhook_signatures"
        WebhookSilence "webhook_silence"
        Limit "limit"
        Store "store"
        Drain "drain"
        Timetables "timetables"
        ClockOff "clock_off"
        DeadRuns "dead_runs"
        HeldRuns "held_runs"
        UnknownPurchases "unknown_purchases"
    }
}

impl Word for Source {
    fn parse(text: &str) -> Option<Self> {
        [
            Self::Webhook,
            Self::Poll,
            Self::Manual,
            Self::Workflow,
            Self::Schedule,
        ]
        .into_iter()
        .find(|source| source.as_str() == text)
    }
}

impl From<EventEnd> for EventState {
    fn from(end: EventEnd) -> Self {
        match end {
            EventEnd::Echo => Self::Echo,
            EventEnd::NoMatch => Self::NoMatch,
            EventEnd::Gone => Self::Gone,
            EventEnd::Duplicate => Self::Duplicate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_as_json<T: Word + serde::Serialize + PartialEq + std::fmt::Debug>(
        values: &[(T, &str)],
    ) {
        for (value, word) in values {
            assert_eq!(serde_json::to_value(value).unwrap(), *word);
            assert_eq!(T::parse(word).as_ref(), Some(value));
        }
        assert_eq!(T::parse("nonsense"), None);
    }

    #[test]
    fn stored_words_are_those_of_the_json_form() {
        use EventState as E;
        use PurchaseState as P;
        use RunState as R;
        use StepState as S;
        same_as_json(
            &[
                E::Pending,
                E::Held,
                E::Started,
                E::Echo,
                E::NoMatch,
                E::Gone,
                E::Duplicate,
            ]
            .map(|value| (value, value.as_str())),
        );
        same_as_json(
            &[R::Ready, R::Waiting, R::Held, R::Done, R::Dead].map(|value| (value, value.as_str())),
        );
        same_as_json(
            &[S::Intended, S::Unsure, S::Done, S::Skipped, S::Failed]
                .map(|value| (value, value.as_str())),
        );
        same_as_json(
            &[P::Intended, P::Sent, P::Confirmed, P::Refused, P::Unknown]
                .map(|value| (value, value.as_str())),
        );
        same_as_json(&Part::ALL.map(|value| (value, value.as_str())));
        same_as_json(
            &[
                Source::Webhook,
                Source::Poll,
                Source::Manual,
                Source::Workflow,
                Source::Schedule,
            ]
            .map(|value| (value, value.as_str())),
        );
    }
}
