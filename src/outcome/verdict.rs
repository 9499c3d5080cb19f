//! What a run means for its check.

use serde::Serialize;

use super::failure::Failure;
use super::phase::Phase;
use super::reason::Fault;
use crate::check::origin::Expect;
use crate::check::probe::RefusalStatuses;

/// The judgement of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The expectation was met.
    Pass,
    /// The expectation was not met.
    Fail,
    /// The run says nothing about the endpoint.
    Inconclusive,
}

impl Verdict {
    /// The word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// Judges how a run ended; what it then counts as is a failure too where a denied page got in.
pub fn judge(
    ended: Result<(), Failure>,
    expect: Expect,
    refusals: &RefusalStatuses,
) -> (Verdict, Option<Failure>) {
    match expect {
        Expect::Allow => match ended {
            Ok(()) => (Verdict::Pass, None),
            Err(failure) if failure.fault() == Fault::Monitor => {
                (Verdict::Inconclusive, Some(failure))
            }
            Err(failure) => (Verdict::Fail, Some(failure)),
        },
        Expect::Deny => match ended {
            Ok(()) => (Verdict::Fail, Some(Failure::OriginAccepted)),
            Err(Failure::UpgradeRejected(response)) if refusals.contains(response.status) => {
                (Verdict::Pass, None)
            }
            // The door was open, whatever went wrong behind it.
            Err(failure) if was_let_in(&failure) => (Verdict::Fail, Some(Failure::OriginAccepted)),
            // A dead server refuses everybody: that is no proof of a working allow list.
            Err(failure) => (Verdict::Inconclusive, Some(failure)),
        },
    }
}

/// Whose trouble a run shows, in words.
pub fn whose(verdict: Verdict, failure: &Failure) -> &'static str {
    match (failure.fault(), verdict) {
        (Fault::Monitor, _) => "ours: this says nothing about the endpoint",
        (_, Verdict::Inconclusive) => "not known: a door that is broken proves no allow list",
        (Fault::Path, _) => "on the way there, or theirs",
        (Fault::Target, _) => "theirs",
    }
}

fn was_let_in(failure: &Failure) -> bool {
    matches!(failure.phase(), Some(Phase::Transfer | Phase::Close))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::outcome::response::Response;

    fn rejected(status: u16) -> Failure {
        Failure::UpgradeRejected(Arc::new(Response { status, ..Response::default() }))
    }

    fn verdict(ended: Result<(), Failure>, expect: Expect) -> Verdict {
        judge(ended, expect, &RefusalStatuses::default()).0
    }

    #[test]
    fn an_allowed_page_must_get_in() {
        assert_eq!(verdict(Ok(()), Expect::Allow), Verdict::Pass);
        assert_eq!(verdict(Err(rejected(403)), Expect::Allow), Verdict::Fail);
        assert_eq!(verdict(Err(Failure::ConnectionRefused), Expect::Allow), Verdict::Fail);
    }

    #[test]
    fn our_own_trouble_is_no_verdict() {
        for expect in [Expect::Allow, Expect::Deny] {
            for failure in
                [Failure::NoRoute, Failure::TimedOut(Phase::Resolve), Failure::ShuttingDown]
            {
                assert_eq!(verdict(Err(failure), expect), Verdict::Inconclusive);
            }
        }
    }

    #[test]
    fn a_denied_page_passes_only_by_being_refused() {
        assert_eq!(verdict(Err(rejected(403)), Expect::Deny), Verdict::Pass);
        assert_eq!(verdict(Err(rejected(401)), Expect::Deny), Verdict::Pass);
        for failure in [
            rejected(404),
            rejected(502),
            Failure::NameNotFound,
            Failure::ConnectionRefused,
            Failure::Reset(Phase::Upgrade),
            Failure::TimedOut(Phase::Upgrade),
        ] {
            assert_eq!(verdict(Err(failure), Expect::Deny), Verdict::Inconclusive);
        }
    }

    #[test]
    fn a_denied_page_that_gets_in_is_a_failure_whatever_follows() {
        for ended in [Ok(()), Err(Failure::FrameTooBig), Err(Failure::Reset(Phase::Transfer))] {
            let (verdict, failure) = judge(ended, Expect::Deny, &RefusalStatuses::default());
            assert_eq!((verdict, failure), (Verdict::Fail, Some(Failure::OriginAccepted)));
        }
    }

    #[test]
    fn the_refusal_statuses_can_be_widened() {
        let refusals = RefusalStatuses::new(vec![400]).unwrap();
        assert_eq!(judge(Err(rejected(400)), Expect::Deny, &refusals).0, Verdict::Pass);
        assert_eq!(judge(Err(rejected(403)), Expect::Deny, &refusals).0, Verdict::Inconclusive);
    }
}
