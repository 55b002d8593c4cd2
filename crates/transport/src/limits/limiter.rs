//! The queue in front of the limits: the most urgent call first, then the one that waited longest.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::daily::Daily;
use super::server::ServerWindow;
use super::window::Window;
use super::{Budget, Exhausted, Limits, Priority, ServerLimits, SharedPace};
use crate::clock::Clock;

/// No service is known to count in a longer window than this; a wrong number must not put everything to sleep.
const LONGEST_WINDOW: Duration = Duration::from_mins(1);

/// Gives permits for calls of one location. Share one among all clients of that location.
pub struct Limiter {
    clock: Arc<dyn Clock>,
    max_pause: Duration,
    longest_pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    window: Option<Window>,
    daily: Option<Daily>,
    server: ServerWindow,
    /// The service asked for silence until then.
    paused_until: Option<Instant>,
    in_flight: u32,
    queue: BTreeMap<Place, Arc<Notify>>,
    arrivals: u64,
}

type Place = (Priority, u64);

enum Turn {
    Now,
    /// Somebody else is served first; the queue wakes us.
    Later,
    After(Duration),
    Never(Exhausted),
}

impl Limiter {
    /// `used_today`: calls that an earlier run of the program already made this (UTC) day.
    pub fn new(limits: &Limits, used_today: u32, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        Self {
            clock,
            max_pause: limits.max_pause,
            longest_pause: limits.longest_pause,
            state: Mutex::new(State {
                window: limits.window.map(Window::new),
                daily: limits.daily.map(|limit| Daily::new(limit, used_today, now)),
                server: ServerWindow::default(),
                paused_until: None,
                in_flight: 0,
                queue: BTreeMap::new(),
                arrivals: 0,
            }),
        }
    }

    /// Other processes draw on the same window: what this one may do is told by what all have done.
    #[must_use]
    pub fn shared_by(self, pace: Arc<dyn SharedPace>) -> Self {
        if let Some(window) = &mut self.lock().window {
            window.share(pace);
        }
        self
    }

    /// So many calls of this (UTC) day were used by everybody, as the service told an earlier run of the program.
    pub fn assume_used(&self, used: u32) {
        if let Some(daily) = &mut self.lock().daily {
            daily.assume(used);
        }
    }

    /// Waits for a permit. Short waits are waited for; a used-up day or a long pause is refused at once.
    pub async fn acquire(self: &Arc<Self>, priority: Priority) -> Result<Permit, Exhausted> {
        let ticket = Ticket::draw(self, priority);
        loop {
            match self.turn(ticket.place) {
                Turn::Now => {
                    return Ok(Permit {
                        limiter: Arc::clone(self),
                    });
                }
                Turn::Later => ticket.called.notified().await,
                Turn::After(wait) => tokio::time::sleep(wait).await,
                Turn::Never(refused) => return Err(refused),
            }
        }
    }

    /// What is used and what remains.
    pub fn snapshot(&self) -> Budget {
        let now = self.clock.now();
        let mut state = self.lock();
        Budget {
            window: state.window.as_mut().map(Window::report),
            daily: state.daily.as_mut().map(|daily| daily.report(now)),
            waiting: state.queue.len(),
            paused_for: state.pause(Instant::now()),
        }
    }

    fn turn(&self, place: Place) -> Turn {
        let now = Instant::now();
        let mut state = self.lock();
        if let Some(daily) = &mut state.daily
            && let Err(refused) = daily.check(place.0, self.clock.now())
        {
            return Turn::Never(refused);
        }
        let pause = state.pause(now).max(state.server.wait(now));
        if let Some(retry_after) = pause.filter(|pause| *pause > self.max_pause) {
            return Turn::Never(Exhausted::Paused { retry_after });
        }
        if state
            .queue
            .first_key_value()
            .is_some_and(|(first, _)| *first != place)
        {
            return Turn::Later;
        }
        if let Some(pause) = pause {
            return Turn::After(pause);
        }
        if let Some(Err(wait)) = state.window.as_mut().map(Window::take) {
            return Turn::After(wait);
        }
        state.server.take();
        if let Some(daily) = &mut state.daily {
            daily.count();
        }
        state.in_flight += 1;
        Turn::Now
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The counters stay usable whatever happened to another holder.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("budget", &self.snapshot())
            .finish_non_exhaustive()
    }
}

impl State {
    fn pause(&self, now: Instant) -> Option<Duration> {
        self.paused_until
            .map(|until| until.saturating_duration_since(now))
            .filter(|pause| !pause.is_zero())
    }
}

/// A place in the queue; leaving it (served, refused or cancelled) calls the next.
struct Ticket<'a> {
    limiter: &'a Limiter,
    place: Place,
    called: Arc<Notify>,
}

impl<'a> Ticket<'a> {
    fn draw(limiter: &'a Limiter, priority: Priority) -> Self {
        let called = Arc::new(Notify::new());
        let mut state = limiter.lock();
        state.arrivals += 1;
        let place = (priority, state.arrivals);
        state.queue.insert(place, Arc::clone(&called));
        drop(state);
        Self {
            limiter,
            place,
            called,
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        state.queue.remove(&self.place);
        if let Some((_, next)) = state.queue.first_key_value() {
            next.notify_one();
        }
    }
}

/// The right to send one call. Keep it until the answer is there.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once counts as a call without an answer"]
pub struct Permit {
    limiter: Arc<Limiter>,
}

impl Permit {
    /// Obeys the limit headers of the answer.
    pub fn answered(self, status: StatusCode, headers: &HeaderMap) -> ServerLimits {
        let wall = self.limiter.clock.now();
        let now = Instant::now();
        let told = ServerLimits::read(headers, wall);
        let server = told.within(self.limiter.longest_pause);
        // A window is no pause: cut short it would let more calls go than the service allows.
        let window_told = told.within(self.limiter.longest_pause.max(LONGEST_WINDOW));
        let mut state = self.limiter.lock();
        let others = state.in_flight.saturating_sub(1);
        state.server.obey(&window_told, others, now);
        if let Some(daily) = &mut state.daily {
            daily.obey(&server, others, wall);
        }
        if let Some(window) = &mut state.window {
            window.obey(&window_told);
        }
        if let Some(pause) = server.pause(status) {
            state.paused_until = state.paused_until.max(now.checked_add(pause));
        }
        drop(state);
        server
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}
