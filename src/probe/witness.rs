//! Notes what a run sees while it sees it, and outlives the run's future: a run that is cut off
//! still says how far it came.

use tokio::time::Instant;

use super::io_error;
use crate::outcome::Observation;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;

/// The notes of one run.
pub struct Witness {
    /// What was seen so far.
    pub seen: Observation,
    /// The server asked for a client certificate.
    pub certificate_asked: bool,
    /// The server asked for a client certificate, and we have none.
    pub certificate_wanted: bool,
    phase: Phase,
    since: Instant,
}

impl Witness {
    /// Begins with the first phase.
    pub fn new() -> Self {
        Self {
            seen: Observation::default(),
            certificate_asked: false,
            certificate_wanted: false,
            phase: Phase::Resolve,
            since: Instant::now(),
        }
    }

    /// Ends the phase that runs and begins the next in the same instant, so that the phases of a
    /// run sum to the whole of it.
    pub fn enter(&mut self, next: Phase) {
        let now = Instant::now();
        self.stamp(now);
        self.phase = next;
        self.since = now;
    }

    /// Stops the clock of the phase that runs: what follows is not the run's own.
    pub fn pause(&mut self) {
        let now = Instant::now();
        self.stamp(now);
        self.since = now;
    }

    /// Lets it go on.
    pub fn resume(&mut self) {
        self.since = Instant::now();
    }

    /// The phase that runs.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What a failure means behind the handshake: alerts that speak of a certificate can only mean
    /// ours if one was asked for.
    pub fn meant_by(&self, failure: Failure) -> Failure {
        match failure {
            Failure::ClientCertificateRefused { alert } if !self.certificate_asked => {
                io_error::late_alert(&alert)
            }
            other => other,
        }
    }

    /// Ends the phase that runs, and gives what was seen.
    pub fn finish(mut self) -> Observation {
        self.stamp(Instant::now());
        self.seen
    }

    fn stamp(&mut self, now: Instant) {
        self.seen.phases.add(self.phase, now.duration_since(self.since));
    }
}
