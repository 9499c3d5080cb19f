//! How many descriptors there are, and who may have them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::http::server::MAX_CONNECTIONS;

/// For files, timers, pipes and threads of our own, with room.
const OWN: u64 = 64;

/// A run asks for both families of addresses at a time.
const PER_RUN: u64 = 2;

/// However few there are, so many connections to the page.
const FEWEST_CONNECTIONS: u64 = 8;

/// Descriptors that are kept for the page when probes have taken all others.
pub const SPARE: usize = 8;

/// Who may have how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    /// Runs at a time.
    inflight: usize,
    /// Connections to the page at a time.
    connections: usize,
}

/// Connections to the page at a time.
pub fn connections() -> usize {
    shared(raise(), usize::MAX).connections
}

/// Runs at a time: fewer than wanted where there is not enough, which is told.
pub fn inflight(wanted: usize) -> usize {
    let limit = raise();
    let inflight = shared(limit, wanted).inflight;
    if inflight < wanted {
        tracing::warn!(
            limit,
            max_inflight = wanted,
            lowered_to = inflight,
            "too few descriptors for max-inflight: raise LimitNOFILE"
        );
    }
    inflight
}

/// Raises the soft limit to the hard one; gives what holds then.
fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current.unwrap_or(u64::MAX);
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum.unwrap_or(u64::MAX),
        Err(error) => {
            tracing::warn!(%error, "the limit of descriptors stays as it is");
            current.unwrap_or(u64::MAX)
        }
    }
}

fn shared(limit: u64, max_inflight: usize) -> Share {
    let free = limit.saturating_sub(OWN);
    let connections = (free / 4).clamp(FEWEST_CONNECTIONS, MAX_CONNECTIONS as u64);
    let inflight = (free.saturating_sub(connections) / PER_RUN).max(1);
    Share {
        inflight: usize::try_from(inflight).unwrap_or(usize::MAX).min(max_inflight),
        connections: usize::try_from(connections).unwrap_or(MAX_CONNECTIONS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_shared() {
        for (limit, inflight, connections) in [
            (u64::MAX, 1024, 512),
            (65_536, 1024, 512),
            (2624, 1024, 512),
            (1024, 360, 240),
            (256, 72, 48),
            (64, 1, 8),
            (3, 1, 8),
        ] {
            assert_eq!(shared(limit, 1024), Share { inflight, connections }, "{limit}");
            let all = (inflight as u64) * PER_RUN + connections as u64 + OWN;
            assert!(all <= limit || limit <= 80, "{limit}: {all}");
        }
        assert_eq!(shared(65_536, 4).inflight, 4);
    }
}
