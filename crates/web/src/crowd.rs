//! Room for a number of guests: where there is none left, the one that has been quiet longest makes room.
//!
//! A limit alone would let whoever takes all places and then does nothing shut everybody else out until a time is over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// A room that many share.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// How much there is room for: connections, or bytes.
    room: usize,
    present: Mutex<Present>,
}

#[derive(Debug, Default)]
struct Present {
    taken: usize,
    /// Number of the next sign of life.
    next: u64,
    /// By its last sign of life, so the first is the one that has been quiet longest.
    guests: BTreeMap<u64, (usize, CancellationToken)>,
}

/// One that takes up room, until it is dropped.
#[derive(Debug)]
pub(crate) struct Guest {
    crowd: Arc<Crowd>,
    /// Its last sign of life.
    seen: Mutex<u64>,
    leave: CancellationToken,
}

impl Crowd {
    pub fn new(room: usize) -> Arc<Self> {
        let present = Mutex::default();
        Arc::new(Self { room, present })
    }

    /// Lets one more in, that takes so much.
    pub fn enter(self: &Arc<Self>, takes: usize) -> Guest {
        let leave = CancellationToken::new();
        let mut present = self.lock();
        let seen = present.next;
        present.next += 1;
        present.guests.insert(seen, (takes, leave.clone()));
        present.taken += takes;
        self.make_room(&mut present, seen);
        drop(present);
        Guest {
            crowd: Arc::clone(self),
            seen: Mutex::new(seen),
            leave,
        }
    }

    /// Sends the quietest away, as the machine has no more room for a guest.
    pub fn send_one_away(&self) {
        let mut present = self.lock();
        if let Some((_, (takes, leave))) = present.guests.pop_first() {
            present.taken -= takes;
            leave.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        // Nothing that is done under the lock can leave it half done.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the quietest ones away until all that are left fit. The newest stays in any case.
    fn make_room(&self, present: &mut Present, newest: u64) {
        while present.taken > self.room
            && let Some(first) = present.guests.first_entry()
            && *first.key() != newest
        {
            let (takes, leave) = first.remove();
            present.taken -= takes;
            leave.cancel();
        }
    }
}

impl Guest {
    /// A sign of life, with which it takes so much more.
    pub fn stir(&self, takes_more: usize) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = self.crowd.lock();
        // Who was sent away has nothing to say any more.
        let Some((takes, leave)) = present.guests.remove(&seen) else {
            return;
        };
        *seen = present.next;
        present.next += 1;
        present.guests.insert(*seen, (takes + takes_more, leave));
        present.taken += takes_more;
        self.crowd.make_room(&mut present, *seen);
    }

    /// Takes more without its being a sign of life: who sends a byte now and then is as quiet as before.
    pub fn grow(&self, takes_more: usize) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = self.crowd.lock();
        if let Some((takes, _)) = present.guests.get_mut(&seen) {
            *takes += takes_more;
            present.taken += takes_more;
            self.crowd.make_room(&mut present, *seen);
        }
    }

    /// Resolves when it has to go.
    pub async fn sent_away(&self) {
        self.leave.cancelled().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut present = self.crowd.lock();
        if let Some((takes, _)) = present.guests.remove(&seen) {
            present.taken -= takes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_to_go(guest: &Guest) -> bool {
        guest.leave.is_cancelled()
    }

    #[test]
    fn the_quietest_makes_room() {
        let crowd = Crowd::new(2);
        let (first, second) = (crowd.enter(1), crowd.enter(1));
        first.stir(0);
        let third = crowd.enter(1);
        assert!(has_to_go(&second) && !has_to_go(&first) && !has_to_go(&third));
        // It has been counted out already.
        drop(second);
        let fourth = crowd.enter(1);
        assert!(has_to_go(&first) && !has_to_go(&third) && !has_to_go(&fourth));
        assert_eq!(crowd.lock().taken, 2);
        drop((third, fourth));
        assert_eq!(crowd.lock().taken, 0);
    }

    #[test]
    fn who_grows_stays_as_quiet_as_before_and_alone_may_take_all() {
        let crowd = Crowd::new(10);
        let (slow, quick) = (crowd.enter(0), crowd.enter(0));
        slow.grow(6);
        quick.grow(5);
        assert!(has_to_go(&slow) && !has_to_go(&quick));
        drop(slow);
        quick.grow(100);
        assert!(!has_to_go(&quick));
        assert_eq!(crowd.lock().taken, 105);
        // Nor does it take more after it was sent away.
        let other = crowd.enter(1);
        assert!(has_to_go(&quick));
        quick.stir(3);
        assert_eq!(crowd.lock().taken, 1);
        drop(other);
    }
}
