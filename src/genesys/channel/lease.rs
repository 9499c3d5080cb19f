//! How long a channel lives: a day, and another one from each time that its topics are set.

use jiff::{SignedDuration, Timestamp};

/// The life of a channel, of which nobody tells it.
const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// It is renewed at half of it: a day must not end while the API is away.
const RENEW: SignedDuration = SignedDuration::from_hours(12);

/// Time between tries that fail.
const RETRY: SignedDuration = SignedDuration::from_mins(10);

/// The life of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    renewed: Timestamp,
    tried: Option<Timestamp>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing before then.
    Wait(Timestamp),
    /// Set its topics again.
    Renew,
    /// Make another one.
    Over,
}

impl Lease {
    /// Of a channel whose topics were set at this moment.
    pub fn new(now: Timestamp) -> Self {
        Self { renewed: now, tried: None }
    }

    /// When its topics were set last.
    pub fn renewed_at(&self) -> Timestamp {
        self.renewed
    }

    /// Its topics were to be set again, and that failed.
    pub fn failed(&mut self, now: Timestamp) {
        self.tried = Some(now);
    }

    /// What is to be done.
    pub fn due(&self, now: Timestamp) -> Due {
        let after = |at: Timestamp, time| at.saturating_add(time).unwrap_or(at);
        // A clock that went back must not let it die.
        if now >= after(self.renewed, LIFE) || now < after(self.renewed, -RETRY) {
            return Due::Over;
        }
        let next = match self.tried {
            Some(tried) => after(tried, RETRY),
            None => after(self.renewed, RENEW),
        };
        if now < next { Due::Wait(next.min(after(self.renewed, LIFE))) } else { Due::Renew }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_renewed_at_half_its_life_and_given_up_at_its_end() {
        let at = |minutes: i64| Timestamp::from_second(1_795_000_000 + 60 * minutes).unwrap();
        let mut lease = Lease::new(at(0));
        assert_eq!(lease.due(at(1)), Due::Wait(at(720)));
        assert_eq!(lease.due(at(720)), Due::Renew);
        lease.failed(at(720));
        assert_eq!(lease.due(at(725)), Due::Wait(at(730)));
        assert_eq!(lease.due(at(730)), Due::Renew);
        lease.failed(at(1435));
        assert_eq!(lease.due(at(1436)), Due::Wait(at(1440)));
        assert_eq!(lease.due(at(1440)), Due::Over);
        assert_eq!(lease.due(at(-60)), Due::Over, "the clock went back");
    }
}
