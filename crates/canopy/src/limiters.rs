//! The limiters of this process, which outlive a configuration: what was called within a window counts after SIGHUP as
//! well, and so does what a service said of its limits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use canopy_transport::{Limiter, Limits};

/// Whose limits they are: the service's address, and the location there.
type Whose = (String, String);

/// Handed from one program to the next.
#[derive(Debug, Default)]
pub(crate) struct Limiters(Mutex<HashMap<Whose, (Limits, Arc<Limiter>)>>);

impl Limiters {
    /// The one that these limits have been kept by; `None`: there is none, or the configured limits are others now.
    pub fn find(&self, service: &str, location: &str, limits: &Limits) -> Option<Arc<Limiter>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(&(service.to_owned(), location.to_owned()));
        let (_, limiter) = found.filter(|(known, _)| known == limits)?;
        Some(Arc::clone(limiter))
    }

    /// Has it found from now on.
    pub fn keep(&self, service: &str, location: &str, limits: Limits, limiter: &Arc<Limiter>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(
            (service.to_owned(), location.to_owned()),
            (limits, Arc::clone(limiter)),
        );
    }
}

#[cfg(test)]
mod tests {
    use canopy_transport::SystemClock;

    use super::*;

    #[test]
    fn a_limiter_is_found_for_the_same_limits_of_the_same_location_alone() {
        let limiters = Limiters::default();
        let limits = Limits::UNLIMITED;
        let limiter = Arc::new(Limiter::new(&limits, 0, Arc::new(SystemClock)));
        limiters.keep("https://a", "l", limits.clone(), &limiter);
        let found = limiters.find("https://a", "l", &limits).unwrap();
        assert!(Arc::ptr_eq(&found, &limiter));
        let others = Limits {
            longest_pause: std::time::Duration::from_secs(1),
            ..limits.clone()
        };
        assert!(limiters.find("https://a", "l", &others).is_none());
        assert!(limiters.find("https://a", "m", &limits).is_none());
        assert!(limiters.find("https://b", "l", &limits).is_none());
    }
}
