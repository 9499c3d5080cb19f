//! When the scheduler will have turned its loop: whoever watches it needs to know no more.

use std::sync::{Mutex, PoisonError};

use tokio::time::Duration;
use tokio::time::Instant;

/// What the scheduler has promised last.
#[derive(Debug)]
pub struct Promise(Mutex<Option<Instant>>);

impl Promise {
    /// It promises to have begun.
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(Some(now)))
    }

    /// It has turned, and will again at this time; `None`: nothing will ever be due.
    pub fn turned(&self, next: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Whether it has kept its word, give or take so much.
    pub fn is_kept(&self, now: Instant, patience: Duration) -> bool {
        let promised = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        promised.is_none_or(|at| now.saturating_duration_since(at) <= patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_broken_once_its_time_has_passed() {
        let patience = Duration::from_secs(1);
        let now = Instant::now();
        let promise = Promise::new(now);
        assert!(promise.is_kept(now + patience, patience));
        assert!(!promise.is_kept(now + patience * 2, patience), "it never began");
        promise.turned(Some(now + patience * 9));
        assert!(promise.is_kept(now + patience * 10, patience), "nothing is due before");
        assert!(!promise.is_kept(now + patience * 11, patience));
        promise.turned(None);
        assert!(promise.is_kept(now + patience * 1000, patience));
    }
}
