//! How long a channel lives: a day, and another one from each time that its topics are set.

use jiff::{SignedDuration, Timestamp};

/// The life of a channel, and the longest that is believed of one.
const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// The shortest that is believed: it would be renewed all the time else.
const SHORTEST: SignedDuration = SignedDuration::from_secs(20);

/// It is renewed at this part of its life: a day must not end while the API is away.
const RENEW: i32 = 2;

/// Time between tries that fail, at the most: in a short life, a smaller part of it.
const RETRY: SignedDuration = SignedDuration::from_mins(10);

/// The life of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    renewed: Timestamp,
    tried: Option<Timestamp>,
    life: SignedDuration,
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
        Self { renewed: now, tried: None, life: LIFE }
    }

    /// Of a channel that was made at this moment, and ends then where that is told.
    pub fn until(now: Timestamp, expires: Option<Timestamp>) -> Self {
        let life = expires.map_or(LIFE, |expires| expires.duration_since(now));
        Self { life: life.clamp(SHORTEST, LIFE), ..Self::new(now) }
    }

    /// Its topics were set at this moment: it lives as long again.
    pub fn renewed(self, now: Timestamp) -> Self {
        Self { renewed: now, tried: None, ..self }
    }

    /// Whether its topics were to be set again, and that failed.
    pub fn has_failed(&self) -> bool {
        self.tried.is_some()
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
        if now >= after(self.renewed, self.life) || now < after(self.renewed, -RETRY) {
            return Due::Over;
        }
        let next = match self.tried {
            Some(tried) => after(tried, RETRY.min(self.life / 10)),
            None => after(self.renewed, self.life / RENEW),
        };
        if now < next { Due::Wait(next.min(after(self.renewed, self.life))) } else { Due::Renew }
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
        assert!(lease.has_failed() && !lease.renewed(at(1436)).has_failed());
        assert_eq!(lease.renewed(at(1436)).due(at(1440)), Due::Wait(at(1436 + 720)));
    }

    #[test]
    fn a_life_that_is_told_is_believed_up_to_a_day() {
        let at = |seconds: i64| Timestamp::from_second(1_795_000_000 + seconds).unwrap();
        let day = 24 * 3600;
        for (expires, life) in
            [(Some(600), 600), (Some(-5), 20), (Some(0), 20), (Some(9 * day), day), (None, day)]
        {
            let mut lease = Lease::until(at(0), expires.map(at));
            assert_eq!(lease.due(at(0)), Due::Wait(at(life / 2)), "{expires:?}");
            assert_eq!(lease.due(at(life / 2)), Due::Renew);
            lease.failed(at(life / 2));
            let again = (life / 10).min(600);
            assert_eq!(lease.due(at(life / 2)), Due::Wait(at(life / 2 + again)));
            assert_eq!(lease.due(at(life)), Due::Over);
            assert_eq!(lease.renewed(at(life / 2)).due(at(life)), Due::Renew, "as long again");
        }
    }
}
