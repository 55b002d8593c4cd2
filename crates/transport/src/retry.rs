//! Whether to send a request again: a pure decision, apart from everything that sends.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use http::{HeaderMap, StatusCode};

use crate::operation::{Idempotency, Operation};

/// What sending a request twice does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It reads: nothing happens at all.
    Reads,
    /// It changes something, and a repeat changes nothing more.
    Harmless,
    /// A repeat may do it twice.
    Doubles,
}

impl Repeat {
    /// A keyed operation is harmless only when the request carries its key.
    pub fn of(operation: &Operation, headers: &HeaderMap) -> Self {
        match operation.idempotency {
            Idempotency::Read => Self::Reads,
            Idempotency::Idempotent => Self::Harmless,
            Idempotency::Keyed { header } if headers.contains_key(header) => Self::Harmless,
            Idempotency::Keyed { .. } | Idempotency::Lookup(_) | Idempotency::Unsafe => {
                Self::Doubles
            }
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered; `pause` is how long it asked to wait.
    Answered {
        status: StatusCode,
        pause: Option<Duration>,
    },
    /// An answer came that shows nothing: not in the service's own form where it refuses, not what a success must show.
    /// Somebody in between may have written it.
    Unreadable,
    /// Nothing was sent: no connection was made.
    NotSent,
    /// It was or may have been sent, and no whole answer came.
    Lost,
}

/// Refusals that a proxy, a firewall or a login page in between writes as well: all but those that only ask for patience.
/// Where the service itself refuses it says so in its own form; otherwise they say nothing about the account, the record or
/// what was done.
pub fn needs_own_form(status: StatusCode) -> bool {
    let asks_for_patience = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    );
    status.is_redirection()
        || status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED
        || status.is_client_error() && !asks_for_patience
}

impl Outcome {
    /// Sorts an answer's status; `own_form`: whether an error is told in the service's own form.
    pub fn of_status(status: StatusCode, own_form: bool, pause: Option<Duration>) -> Self {
        if needs_own_form(status) && !own_form {
            Self::Unreadable
        } else {
            Self::Answered { status, pause }
        }
    }

    /// Sorts a `reqwest::Error`. Whatever is not surely unsent may have been sent.
    pub fn of_error(error: &reqwest::Error) -> Self {
        if error.is_connect() || error.is_builder() {
            Self::NotSent
        } else {
            Self::Lost
        }
    }

    /// Whether the service may have carried the request out although no success was answered.
    pub fn in_doubt(self, repeat: Repeat) -> bool {
        if repeat == Repeat::Reads {
            return false;
        }
        match self {
            Self::NotSent => false,
            Self::Lost | Self::Unreadable => true,
            // A 503 that names a time is a refusal to work, not an accident at work.
            Self::Answered { status, pause } => {
                status.is_server_error()
                    && !(status == StatusCode::SERVICE_UNAVAILABLE && pause.is_some())
                    || status == StatusCode::REQUEST_TIMEOUT
            }
        }
    }

    /// Whether the cause may pass by itself.
    pub fn is_transient(self) -> bool {
        match self {
            Self::NotSent | Self::Lost | Self::Unreadable => true,
            Self::Answered { status, .. } => {
                matches!(
                    status,
                    StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                ) || status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
            }
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Hand the outcome to the caller.
    Stop,
    /// Send it again after the time that the service named.
    After(Duration),
    /// Send it again after a delay of ours.
    BackOff,
}

/// Decides by outcome and by what a repeat would do.
pub fn decide(repeat: Repeat, outcome: Outcome) -> Decision {
    match outcome {
        _ if !outcome.is_transient() => Decision::Stop,
        // The service did not do it, and said when to come again.
        Outcome::Answered {
            status: StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE,
            pause: Some(pause),
        } => Decision::After(pause),
        Outcome::NotSent => Decision::BackOff,
        _ if repeat == Repeat::Doubles => Decision::Stop,
        Outcome::Answered { .. } | Outcome::Unreadable | Outcome::Lost => Decision::BackOff,
    }
}

/// How often and how long to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; 1 never retries.
    pub max_attempts: u32,
    /// No retry starts later than this after the call began, by the clock that waiting goes by and by the wall's.
    pub max_elapsed: Duration,
    /// First delay; it doubles, and a random part of up to its own length is added.
    pub first_delay: Duration,
    pub max_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            max_elapsed: Duration::from_mins(1),
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(15),
        }
    }
}

impl RetryPolicy {
    /// One attempt only.
    pub const NEVER: Self = Self {
        max_attempts: 1,
        max_elapsed: Duration::ZERO,
        first_delay: Duration::from_millis(500),
        max_delay: Duration::from_secs(15),
    };

    /// The delays of one call. The seed is given, as backon without its `std` feature would draw the same for all.
    pub(crate) fn delays(&self, seed: u64) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.max_delay)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(seed)
            .build()
    }

    /// Whether attempt number `attempt` (from 1) may be followed by another after `delay`.
    pub fn allows(&self, attempt: u32, elapsed: Duration, delay: Duration) -> bool {
        attempt < self.max_attempts && elapsed.saturating_add(delay) <= self.max_elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Option<Duration> = Some(Duration::from_secs(3));

    fn answered(status: u16, pause: Option<Duration>) -> Outcome {
        Outcome::Answered {
            status: StatusCode::from_u16(status).unwrap(),
            pause,
        }
    }

    #[test]
    fn the_decision_as_a_table() {
        use Decision::{After, BackOff, Stop};
        let after = After(Duration::from_secs(3));
        //  outcome                  reads    harmless doubles
        let table = [
            (answered(200, None), [Stop, Stop, Stop]),
            (answered(400, None), [Stop, Stop, Stop]),
            (answered(401, None), [Stop, Stop, Stop]),
            (answered(422, None), [Stop, Stop, Stop]),
            (answered(408, None), [BackOff, BackOff, Stop]),
            (answered(429, PAUSE), [after, after, after]),
            (answered(429, None), [BackOff, BackOff, Stop]),
            (answered(500, None), [BackOff, BackOff, Stop]),
            (answered(501, None), [Stop, Stop, Stop]),
            (answered(502, None), [BackOff, BackOff, Stop]),
            (answered(503, PAUSE), [after, after, after]),
            (answered(503, None), [BackOff, BackOff, Stop]),
            (Outcome::Unreadable, [BackOff, BackOff, Stop]),
            (Outcome::NotSent, [BackOff, BackOff, BackOff]),
            (Outcome::Lost, [BackOff, BackOff, Stop]),
        ];
        for (outcome, expected) in table {
            let found = [Repeat::Reads, Repeat::Harmless, Repeat::Doubles]
                .map(|repeat| decide(repeat, outcome));
            assert_eq!(found, expected, "{outcome:?}");
        }
    }

    #[test]
    fn doubt_as_a_table() {
        for (outcome, doubt) in [
            (answered(200, None), false),
            (answered(404, None), false),
            (answered(408, None), true),
            (answered(429, None), false),
            (answered(500, None), true),
            (answered(503, None), true),
            (answered(503, PAUSE), false),
            (Outcome::Unreadable, true),
            (Outcome::NotSent, false),
            (Outcome::Lost, true),
        ] {
            assert!(!outcome.in_doubt(Repeat::Reads), "{outcome:?}");
            assert_eq!(outcome.in_doubt(Repeat::Harmless), doubt, "{outcome:?}");
            assert_eq!(outcome.in_doubt(Repeat::Doubles), doubt, "{outcome:?}");
        }
    }

    #[test]
    fn a_refusal_that_anybody_could_have_written_counts_in_the_services_form_only() {
        for (status, believed) in [
            (200, true),
            (302, false),
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (407, false),
            (409, false),
            (422, false),
            (429, true),
            (500, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let of = |own_form| Outcome::of_status(status, own_form, None);
            let answered = Outcome::Answered {
                status,
                pause: None,
            };
            assert_eq!(of(true), answered, "{status}");
            let foreign = if believed {
                answered
            } else {
                Outcome::Unreadable
            };
            assert_eq!(of(false), foreign, "{status}");
        }
    }

    #[test]
    fn attempts_and_time_are_bounded() {
        let policy = RetryPolicy {
            max_attempts: 3,
            max_elapsed: Duration::from_secs(10),
            ..RetryPolicy::default()
        };
        let secs = Duration::from_secs;
        assert!(policy.allows(2, secs(4), secs(6)));
        assert!(!policy.allows(3, secs(0), secs(0)));
        assert!(!policy.allows(1, secs(4), secs(7)));
        assert!(!RetryPolicy::NEVER.allows(1, secs(0), secs(0)));
    }

    #[test]
    fn delays_double_with_a_random_part_and_differ_between_calls() {
        let policy = RetryPolicy::default();
        let of = |seed| policy.delays(seed).take(4).collect::<Vec<_>>();
        for (delay, base) in of(1).into_iter().zip([500, 1_000, 2_000, 4_000]) {
            let base = Duration::from_millis(base);
            assert!(delay >= base && delay <= base * 2, "{delay:?} of {base:?}");
        }
        assert_ne!(of(1), of(2));
    }
}
