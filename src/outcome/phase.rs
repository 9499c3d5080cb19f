//! The timed stages of a run.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A stage of a run, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Name to addresses.
    Resolve,
    /// TCP, from SYN to established.
    Connect,
    /// From the ClientHello to the judged chain.
    Tls,
    /// From the preflight to its judged answer, where a page must ask first.
    Preflight,
    /// From the request to the head of its answer.
    Request,
    /// From the upgrade request to the judged answer.
    Upgrade,
    /// Messages, where the probe has any.
    Transfer,
    /// From our Close frame to the end of the connection.
    Close,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 8] = [
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::Preflight,
        Self::Request,
        Self::Upgrade,
        Self::Transfer,
        Self::Close,
    ];

    /// The word in labels and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Preflight => "preflight",
            Self::Request => "request",
            Self::Upgrade => "upgrade",
            Self::Transfer => "transfer",
            Self::Close => "close",
        }
    }

    /// The phase that a word stands for.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == text)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long each phase of one run took; phases that were not reached have no time.
///
/// A run that needs several connections goes through some phases more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PhaseTimes([Option<Duration>; Phase::ALL.len()]);

impl PhaseTimes {
    /// Sets the time of a phase.
    pub fn set(&mut self, phase: Phase, time: Duration) {
        if let Some(slot) = self.0.get_mut(phase as usize) {
            *slot = Some(time);
        }
    }

    /// Adds to the time of a phase.
    pub fn add(&mut self, phase: Phase, time: Duration) {
        self.set(phase, self.get(phase).unwrap_or_default() + time);
    }

    /// The time of a phase.
    pub fn get(&self, phase: Phase) -> Option<Duration> {
        self.0.get(phase as usize).copied().flatten()
    }

    /// The phases that were reached, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Phase, Duration)> + '_ {
        Phase::ALL.into_iter().filter_map(|phase| Some((phase, self.get(phase)?)))
    }

    /// The whole run: phases follow each other without gaps, so it is their sum.
    pub fn total(&self) -> Duration {
        self.iter().map(|(_, time)| time).sum()
    }

    /// Until the door was open: all up to and with the upgrade or the request, or TLS where there
    /// is neither.
    pub fn to_open(&self) -> Duration {
        let after = [Phase::Transfer, Phase::Close];
        self.iter().filter(|(phase, _)| !after.contains(phase)).map(|(_, time)| time).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_the_sum_of_what_was_reached() {
        let mut times = PhaseTimes::default();
        times.set(Phase::Close, Duration::from_millis(4));
        times.set(Phase::Resolve, Duration::from_millis(1));
        times.set(Phase::Connect, Duration::from_millis(2));
        assert_eq!(times.total(), Duration::from_millis(7));
        assert_eq!(times.to_open(), Duration::from_millis(3));
        assert_eq!(times.get(Phase::Tls), None);
        let order: Vec<_> = times.iter().map(|(phase, _)| phase).collect();
        assert_eq!(order, [Phase::Resolve, Phase::Connect, Phase::Close]);
        times.add(Phase::Connect, Duration::from_millis(3));
        times.add(Phase::Tls, Duration::from_millis(5));
        assert_eq!(times.total(), Duration::from_millis(15));
    }
}
