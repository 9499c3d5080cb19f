//! Until when each surface wants to be left alone, as it said itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::genesys::bases::Surface;

/// The surfaces that want that.
#[derive(Debug, Default)]
pub struct Gates {
    until: Mutex<HashMap<Surface, Instant>>,
}

impl Gates {
    /// It wants no request before that. An earlier time takes nothing back.
    pub fn close(&self, surface: Surface, until: Instant) {
        let mut all = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(surface).or_insert(until);
        *known = until.max(*known);
    }

    /// Until when it is to be left alone, if it is.
    pub fn closed(&self, surface: Surface, now: Instant) -> Option<Instant> {
        let all = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&surface).copied().filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_gate_is_closed_for_as_long_as_anybody_was_told() {
        let gates = Gates::default();
        let now = Instant::now();
        let seconds = |n| now + Duration::from_secs(n);
        gates.close(Surface::Api, seconds(10));
        gates.close(Surface::Api, seconds(5));
        assert_eq!(gates.closed(Surface::Api, now), Some(seconds(10)));
        assert_eq!(gates.closed(Surface::Api, seconds(10)), None);
        assert_eq!(gates.closed(Surface::Login, now), None);
        gates.close(Surface::Api, seconds(20));
        assert_eq!(gates.closed(Surface::Api, seconds(10)), Some(seconds(20)));
    }
}
