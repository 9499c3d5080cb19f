//! Until when each surface wants to be left alone, as it said itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::check::target::Target;
use crate::genesys::bases::Surface;

/// The surfaces that want that, each where it is. Whoever sets a client up anew hands them on: what
/// was said to the one before counts for the next.
#[derive(Debug, Clone, Default)]
pub struct Gates {
    until: Arc<Mutex<HashMap<(Surface, String), Instant>>>,
}

impl Gates {
    /// It wants no request before that. An earlier time takes nothing back.
    pub fn close(&self, surface: Surface, at: &Target, until: Instant, now: Instant) {
        let mut all = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of servers that nobody asks any more.
        all.retain(|_, until| *until > now);
        let known = all.entry((surface, at.to_string())).or_insert(until);
        *known = until.max(*known);
    }

    /// Until when it is to be left alone, if it is.
    pub fn closed(&self, surface: Surface, at: &Target, now: Instant) -> Option<Instant> {
        let all = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(surface, at.to_string())).copied().filter(|until| *until > now)
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
        let at = |url: &str| url.parse::<Target>().unwrap();
        let (here, there) = (at("https://api.mypurecloud.ie"), at("https://proxy.example/api"));
        gates.close(Surface::Api, &here, seconds(10), now);
        gates.close(Surface::Api, &here, seconds(5), now);
        // As many as are set up, they are the same gates.
        let gates = gates.clone();
        assert_eq!(gates.closed(Surface::Api, &here, now), Some(seconds(10)));
        assert_eq!(gates.closed(Surface::Api, &here, seconds(10)), None);
        assert_eq!(gates.closed(Surface::Login, &here, now), None);
        assert_eq!(gates.closed(Surface::Api, &there, now), None, "another server");
        gates.close(Surface::Api, &here, seconds(20), seconds(1));
        assert_eq!(gates.closed(Surface::Api, &here, seconds(10)), Some(seconds(20)));
        gates.close(Surface::Api, &there, seconds(40), seconds(30));
        assert_eq!(gates.until.lock().unwrap().len(), 1, "what is over is forgotten");
    }
}
