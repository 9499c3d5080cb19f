//! Whether the server still lives, and when to begin anew. Times are those of one clock that only
//! goes on, since whatever moment.

use std::time::Duration;

use super::Frame;

/// Silence after which it is asked: a heartbeat comes every 30 s.
pub const SILENCE: Duration = Duration::from_secs(35);

/// How long its answer is waited for.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Longest wait between two tries to connect.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why a socket is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It said nothing, also when it was asked.
    Silent,
    /// It said that it is about to close.
    Closing,
    /// The channel is gone.
    Gone,
    /// It was closed.
    Closed,
    /// What came was no frame.
    Nonsense,
    /// Events could not be stored.
    Refused,
}

impl Lost {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Silent, Self::Closing, Self::Gone, Self::Closed, Self::Nonsense, Self::Refused];

    /// The label.
    pub fn code(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Closing => "closing",
            Self::Gone => "gone",
            Self::Closed => "closed",
            Self::Nonsense => "nonsense",
            Self::Refused => "refused",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Silent => "it was silent",
            Self::Closing => "the server closes it",
            Self::Gone => "the channel is gone",
            Self::Closed => "it was closed",
            Self::Nonsense => "what came was no frame",
            Self::Refused => "events could not be stored",
        }
    }
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing before then.
    Wait(Duration),
    /// Ask whether the server lives.
    Ping,
    /// Begin anew.
    Leave(Lost),
}

/// One socket, from its opening to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    heard: Duration,
    asked: Option<Duration>,
    lost: Option<Lost>,
}

impl Pulse {
    /// Of a socket that was opened at this moment.
    pub fn new(now: Duration) -> Self {
        Self { heard: now, asked: None, lost: None }
    }

    /// Takes in a frame.
    pub fn heard(&mut self, frame: &Frame, now: Duration) {
        (self.heard, self.asked) = (now.max(self.heard), None);
        let lost = match frame {
            Frame::Closing => Some(Lost::Closing),
            Frame::Gone => Some(Lost::Gone),
            Frame::Heartbeat | Frame::Pong | Frame::Event { .. } | Frame::Other => None,
        };
        self.lost = self.lost.or(lost);
    }

    /// The server was asked whether it lives.
    pub fn asked(&mut self, now: Duration) {
        self.asked = Some(now);
    }

    /// What is to be done.
    pub fn step(&self, now: Duration) -> Step {
        if let Some(lost) = self.lost {
            return Step::Leave(lost);
        }
        let until = match self.asked {
            Some(asked) => asked + PATIENCE,
            None => self.heard + SILENCE,
        };
        match (now < until, self.asked) {
            (true, _) => Step::Wait(until),
            (false, None) => Step::Ping,
            (false, Some(_)) => Step::Leave(Lost::Silent),
        }
    }
}

/// How often in a row there was no socket, or none for long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tries(u32);

impl Tries {
    /// There was none; gives how often that had been so before.
    pub fn failed(&mut self) -> u32 {
        let before = self.0;
        self.0 = before.saturating_add(1);
        before
    }

    /// One was lost that was open for so long; gives how many before it were not open for long.
    /// One that was open for a while was no try that failed.
    pub fn lost(&mut self, open: Duration) -> u32 {
        if open >= SILENCE {
            *self = Self::default();
        }
        self.failed()
    }
}

/// How long to wait before try number `tries`, the first of which is 0; `chance` is from 0 to 1.
///
/// All that lost a server at one moment must not come back to it at one moment.
pub fn wait(tries: u32, chance: f64) -> Duration {
    let longest = LONGEST_WAIT.min(Duration::from_secs(1 << tries.min(6)));
    longest.mul_f64(0.2 + 0.8 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUND: Duration = SILENCE.saturating_add(PATIENCE);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_silent_server_is_asked_and_then_left() {
        let mut pulse = Pulse::new(s(100));
        assert_eq!(pulse.step(s(110)), Step::Wait(s(135)));
        assert_eq!(pulse.step(s(135)), Step::Ping);
        pulse.asked(s(135));
        assert_eq!(pulse.step(s(140)), Step::Wait(s(145)));
        pulse.heard(&Frame::Pong, s(141));
        assert_eq!(pulse.step(s(145)), Step::Wait(s(176)));
        pulse.asked(s(176));
        assert_eq!(pulse.step(s(186)), Step::Leave(Lost::Silent));
    }

    #[test]
    fn one_that_closes_or_knows_no_channel_is_left_at_once() {
        let mut pulse = Pulse::new(s(0));
        pulse.heard(&Frame::Closing, s(1));
        pulse.heard(&Frame::Heartbeat, s(2));
        assert_eq!(pulse.step(s(2)), Step::Leave(Lost::Closing));
        let mut pulse = Pulse::new(s(0));
        pulse.heard(&Frame::Gone, s(1));
        assert_eq!(pulse.step(s(1)), Step::Leave(Lost::Gone));
    }

    #[test]
    fn sockets_that_are_lost_at_once_become_rarer_whyever_they_are_lost() {
        let mut tries = Tries::default();
        let lost: Vec<_> = (0..4).map(|_| tries.lost(s(1))).collect();
        assert_eq!((lost, tries.failed()), (vec![0, 1, 2, 3], 4));
        assert_eq!((tries.lost(SILENCE), tries.lost(s(0))), (0, 1), "that one was good");
    }

    #[test]
    fn tries_are_spread_and_become_rarer() {
        assert_eq!((wait(0, 0.0), wait(0, 1.0)), (Duration::from_millis(200), s(1)));
        assert_eq!(wait(3, 1.0), s(8));
        assert_eq!((wait(6, 1.0), wait(u32::MAX, 2.0)), (s(60), s(60)));
    }

    proptest! {
        /// Whatever comes when, nobody waits on a silent socket for longer than the bound.
        #[test]
        fn a_socket_is_never_silent_for_longer_than_the_bound(
            frames in prop::collection::vec((0u64..90_000, 0usize..4), 0..60)
        ) {
            let kinds = [Frame::Heartbeat, Frame::Pong, Frame::Closing, Frame::Other];
            let mut now = Duration::ZERO;
            let mut pulse = Pulse::new(now);
            let mut last = now;
            // Then nothing comes any more.
            let frames = frames.iter().map(|(gap, kind)| (Some(*gap), &kinds[*kind]));
            for (gap, frame) in frames.chain([(None, &Frame::Other)]) {
                let comes = gap.map(|gap| now + Duration::from_millis(gap));
                loop {
                    match pulse.step(now) {
                        Step::Leave(_) => {
                            prop_assert!(now - last <= BOUND, "left after {:?}", now - last);
                            pulse = Pulse::new(now);
                            last = now;
                            if comes.is_none() {
                                return Ok(());
                            }
                        }
                        Step::Ping => pulse.asked(now),
                        Step::Wait(until) => {
                            prop_assert!(until > now, "it would wait for nothing");
                            prop_assert!(until - last <= BOUND, "it waits until {until:?}");
                            match comes {
                                Some(comes) if comes <= until => break,
                                _ => now = until,
                            }
                        }
                    }
                }
                now = comes.unwrap_or(now);
                pulse.heard(frame, now);
                last = now;
            }
        }
    }
}
