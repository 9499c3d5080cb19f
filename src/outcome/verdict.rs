//! What a run means for its check.

use serde::Serialize;

use super::control::Control;
use super::failure::Failure;
use super::messaging::Trouble;
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
///
/// A refusal passes only beside a `control` that got in.
pub fn judge(
    ended: Result<(), Failure>,
    expect: Expect,
    refusals: &RefusalStatuses,
    control: Option<&Control>,
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
            Err(failure) if is_refusal(&failure, refusals) => held_against(control, Phase::Upgrade),
            Err(failure) if is_turned_away(&failure) => match control {
                // All are told the same: no page is looked at.
                Some(Control { entry: Err(other), .. }) if is_turned_away(other) => {
                    (Verdict::Fail, Some(Failure::OriginAccepted))
                }
                control => held_against(control, Phase::Transfer),
            },
            // The door was open, whatever went wrong behind it.
            Err(failure) if was_let_in(&failure) => (Verdict::Fail, Some(Failure::OriginAccepted)),
            // A dead server refuses everybody: that is no proof of a working allow list.
            Err(failure) => (Verdict::Inconclusive, Some(failure)),
        },
    }
}

/// Whether this is how a server says "not from this page".
pub fn is_refusal(failure: &Failure, refusals: &RefusalStatuses) -> bool {
    match failure {
        Failure::UpgradeRejected(response) => refusals.contains(response.status),
        _ => false,
    }
}

/// Whether the socket opened, and the application behind it turned the guest away.
pub fn is_turned_away(failure: &Failure) -> bool {
    matches!(failure, Failure::Messaging(refused) if refused.trouble == Trouble::Authenticated)
}

/// What a refusal that was wanted means.
pub fn held_against(control: Option<&Control>, phase: Phase) -> (Verdict, Option<Failure>) {
    match control {
        Some(Control { entry: Ok(()), .. }) => (Verdict::Pass, None),
        // Nobody was asked.
        Some(Control { entry: Err(failure @ Failure::BudgetSpent { .. }), .. }) => {
            (Verdict::Inconclusive, Some(failure.clone()))
        }
        Some(Control { entry: Err(failure), page }) => {
            let (page, failure) = (page.clone(), Box::new(failure.clone()));
            (Verdict::Inconclusive, Some(Failure::ControlFailed { phase, page, failure }))
        }
        None => (Verdict::Inconclusive, Some(Failure::ControlMissing(phase))),
    }
}

/// Whose trouble a run shows, in words.
pub fn whose(verdict: Verdict, failure: &Failure) -> &'static str {
    match (failure.fault(), verdict) {
        (Fault::Monitor, _) => "this monitor: it says nothing about the endpoint",
        (_, Verdict::Inconclusive) => "not known: a door that is broken proves no allow list",
        (Fault::Path, _) => "the way there, or the endpoint's owner",
        (Fault::Target, _) => "the endpoint's owner",
    }
}

fn was_let_in(failure: &Failure) -> bool {
    matches!(failure.phase(), Some(Phase::Transfer | Phase::Close))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check::origin::{Origin, OriginRule};
    use crate::outcome::reason::Reason;
    use crate::outcome::response::Response;

    fn rejected(status: u16) -> Failure {
        Failure::UpgradeRejected(Arc::new(Response { status, ..Response::default() }))
    }

    fn beside(entry: Result<(), Failure>) -> Control {
        let (name, origin) = ("shop".to_owned(), Origin::Absent);
        Control { page: Arc::new(OriginRule { name, origin, expect: Expect::Allow }), entry }
    }

    /// Beside a page that gets in.
    fn verdict(ended: Result<(), Failure>, expect: Expect) -> Verdict {
        judge(ended, expect, &RefusalStatuses::default(), Some(&beside(Ok(())))).0
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
            for control in [None, Some(&beside(Ok(()))), Some(&beside(Err(rejected(403))))] {
                let refusals = RefusalStatuses::default();
                let judged = judge(ended.clone(), Expect::Deny, &refusals, control);
                assert_eq!(judged, (Verdict::Fail, Some(Failure::OriginAccepted)));
            }
        }
    }

    #[test]
    fn a_door_that_is_shut_to_everybody_proves_no_allow_list() {
        let refusals = RefusalStatuses::default();
        let judged = |control: Option<Control>| {
            judge(Err(rejected(403)), Expect::Deny, &refusals, control.as_ref())
        };
        let missing = (Verdict::Inconclusive, Some(Failure::ControlMissing(Phase::Upgrade)));
        assert_eq!(judged(None), missing);
        for entry in [rejected(403), Failure::TimedOut(Phase::Upgrade), Failure::NoRoute] {
            let fault = entry.fault();
            let (verdict, failure) = judged(Some(beside(Err(entry))));
            let failure = failure.unwrap();
            assert_eq!((verdict, failure.reason()), (Verdict::Inconclusive, Reason::ControlFailed));
            assert_eq!(failure.fault(), fault, "whose trouble it is, is told by the control");
            assert!(failure.evidence().starts_with("shop does not get in: "));
        }
    }

    #[test]
    fn the_refusal_statuses_can_be_widened() {
        let refusals = RefusalStatuses::new(vec![400]).unwrap();
        let judged =
            |status| judge(Err(rejected(status)), Expect::Deny, &refusals, Some(&beside(Ok(())))).0;
        assert_eq!(judged(400), Verdict::Pass);
        assert_eq!(judged(403), Verdict::Inconclusive);
    }
}
