//! What a prober cannot do without: a way out, names, the time, CAs to trust.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::outcome::chain::skew::EARLIEST;
use crate::outcome::sight::{Look, SelfCheck};
use crate::probe::Prober;

/// Longest that an address or a name server is waited for.
const WAIT: Duration = Duration::from_secs(3);

/// A clock that jumps by less than this is being set right.
const JUMP: SignedDuration = SignedDuration::from_secs(60);

/// Whether one of these addresses accepts TCP; nothing where there are none.
pub async fn egress(addresses: &[SocketAddr]) -> Option<Look> {
    if addresses.is_empty() {
        return None;
    }
    let knock = |address: SocketAddr| async move {
        match timeout(WAIT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(format!("{address}: {error}")),
            Err(_) => Err(format!("{address}: no answer")),
        }
    };
    let knocks = || futures_util::future::join_all(addresses.iter().map(|at| knock(*at)));
    let mut answers = knocks().await;
    if answers.iter().all(Result::is_err) {
        // Once more: a packet may be lost.
        answers = knocks().await;
    }
    let errors: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    let trouble = (errors.len() == answers.len())
        .then(|| errors.iter().map(|error| error.as_str()).collect::<Vec<_>>().join(", "));
    Some(Look { check: SelfCheck::Egress, trouble })
}

/// Whether a name has an address; nothing where none is given.
pub async fn resolver(prober: &Prober, name: Option<&str>) -> Option<Look> {
    let name = name?;
    let mut answer = timeout(WAIT, prober.resolves(name)).await;
    if !matches!(answer, Ok(Ok(()))) {
        answer = timeout(WAIT, prober.resolves(name)).await;
    }
    let trouble = match answer {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(format!("{name}: {}", failure.reason())),
        Err(_) => Some(format!("{name}: no answer")),
    };
    Some(Look { check: SelfCheck::Resolver, trouble })
}

/// Whether this machine trusts a CA, where an endpoint leaves that to it.
pub fn trust_store(prober: &Prober) -> Option<Look> {
    let trouble = (prober.system_roots()? == 0).then(|| {
        "no CA can be read: install ca-certificates, or set ca-file for every endpoint".to_owned()
    });
    Some(Look { check: SelfCheck::TrustStore, trouble })
}

/// The clock at one moment, beside one that cannot be set.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The time of day.
    pub now: Timestamp,
    /// The other.
    pub instant: Instant,
}

/// Whether the clock can be right, by itself and since the moment before.
pub fn clock(before: Option<Moment>, at: Moment) -> Look {
    let trouble = if at.now < EARLIEST {
        Some(format!("{} is before this program was written", at.now))
    } else {
        before.and_then(|before| {
            let passed = at.instant.saturating_duration_since(before.instant);
            let jump = before.now.duration_until(at.now)
                - SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
            (jump.abs() >= JUMP)
                .then(|| format!("it jumped by {} s, or the machine slept", jump.as_secs()))
        })
    };
    Look { check: SelfCheck::Clock, trouble }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(base: Instant, wall: i64, passed: u64) -> Moment {
        let now = Timestamp::from_second(1_800_000_000 + wall).unwrap();
        Moment { now, instant: base + Duration::from_secs(passed) }
    }

    #[test]
    fn a_clock_that_jumps_is_red_once() {
        let base = Instant::now();
        let start = moment(base, 0, 0);
        for (wall, red) in [(30, false), (89, false), (90, true), (3_630, true), (-30, true)] {
            let look = clock(Some(start), moment(base, wall, 30));
            assert_eq!(look.trouble.is_some(), red, "{wall}");
        }
        let after = clock(Some(moment(base, 3_630, 30)), moment(base, 3_660, 60));
        assert_eq!(after.trouble, None, "the next look is held against the new time");
    }

    #[test]
    fn a_clock_that_is_older_than_the_program_stays_red() {
        let at = |second| Moment {
            now: Timestamp::from_second(second).unwrap(),
            instant: Instant::now(),
        };
        assert!(clock(None, at(0)).trouble.is_some());
        assert!(clock(Some(at(1_000_000_000)), at(1_000_000_000)).trouble.is_some());
        assert_eq!(clock(None, at(1_800_000_000)).trouble, None);
    }
}
