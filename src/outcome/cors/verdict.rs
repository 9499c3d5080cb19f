//! What a CORS run means for its check.

use crate::check::origin::Expect;
use crate::outcome::control::Control;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::reason::Fault;
use crate::outcome::verdict::{Verdict, held_against};

/// Judges how a run ended; `Ok` where the page may read a wanted answer. That a page is kept out
/// passes only beside a `control` that may read.
pub fn judge(
    ended: Result<(), Failure>,
    expect: Expect,
    control: Option<&Control>,
) -> (Verdict, Option<Failure>) {
    match (expect, ended) {
        (Expect::Allow, Ok(())) => (Verdict::Pass, None),
        (Expect::Deny, Ok(())) => (Verdict::Fail, Some(Failure::OriginReadable)),
        (_, Err(failure)) if failure.fault() == Fault::Monitor => {
            (Verdict::Inconclusive, Some(failure))
        }
        (Expect::Allow, Err(failure)) => (Verdict::Fail, Some(failure)),
        (Expect::Deny, Err(failure)) => match failure {
            failure if is_refusal(&failure) => held_against(control, Phase::Request),
            // It may read, whatever there is to be read.
            Failure::HttpStatusUnexpected(_) => (Verdict::Fail, Some(Failure::OriginReadable)),
            // A server that answers nobody, or that answers this to everybody, shows no allow list.
            failure => (Verdict::Inconclusive, Some(failure)),
        },
    }
}

/// Whether the server keeps this page out, and not every page.
pub fn is_refusal(failure: &Failure) -> bool {
    matches!(failure, Failure::CorsBlocked(blocked) if blocked.refuses_the_page())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check::origin::{Origin, OriginRule};
    use crate::outcome::cors::error::{Blocked, CorsError};
    use crate::outcome::quoted::Quoted;
    use crate::outcome::response::Response;

    /// A page that may read.
    fn control() -> Control {
        let origin = Origin::Page("https://app.test".into());
        let page = OriginRule { name: "app".into(), origin, expect: Expect::Allow };
        Control { page: Arc::new(page), entry: Ok(()) }
    }

    fn blocked(error: CorsError, status: u16) -> Failure {
        Failure::CorsBlocked(Blocked { error, status, found: None, lacks: None })
    }

    #[test]
    fn an_allowed_page_must_be_able_to_read_a_good_answer() {
        let verdict = |ended| judge(ended, Expect::Allow, None).0;
        assert_eq!(verdict(Ok(())), Verdict::Pass);
        for failure in [
            blocked(CorsError::MissingAllowOriginHeader, 200),
            Failure::HttpStatusUnexpected(Arc::new(Response::default())),
            Failure::CorsRedirected { location: Quoted::default() },
            Failure::Reset(Phase::Request),
        ] {
            assert_eq!(verdict(Err(failure)), Verdict::Fail);
        }
        assert_eq!(verdict(Err(Failure::NoRoute)), Verdict::Inconclusive);
    }

    #[test]
    fn a_denied_page_passes_only_where_the_server_keeps_it_out() {
        let verdict = |ended| judge(ended, Expect::Deny, Some(&control())).0;
        for failure in [
            blocked(CorsError::MissingAllowOriginHeader, 200),
            blocked(CorsError::AllowOriginMismatch, 403),
            blocked(CorsError::PreflightMissingAllowOriginHeader, 404),
            blocked(CorsError::PreflightInvalidAllowCredentials, 204),
            blocked(CorsError::PreflightInvalidStatus, 403),
        ] {
            assert_eq!(verdict(Err(failure)), Verdict::Pass);
        }
        for failure in [
            blocked(CorsError::MissingAllowOriginHeader, 502),
            blocked(CorsError::PreflightMissingAllowOriginHeader, 429),
            blocked(CorsError::PreflightInvalidStatus, 405),
            blocked(CorsError::MethodDisallowedByPreflightResponse, 204),
            blocked(CorsError::PreflightDisallowedRedirect, 301),
            blocked(CorsError::RedirectContainsCredentials, 302),
            Failure::CorsRedirected { location: Quoted::default() },
            Failure::TimedOut(Phase::Request),
            Failure::ConnectionRefused,
        ] {
            assert_eq!(verdict(Err(failure)), Verdict::Inconclusive);
        }
    }

    #[test]
    fn who_keeps_everybody_out_proves_no_list() {
        let refused = || Err(blocked(CorsError::MissingAllowOriginHeader, 200));
        let none = judge(refused(), Expect::Deny, None);
        assert_eq!(none, (Verdict::Inconclusive, Some(Failure::ControlMissing(Phase::Request))));
        let shut = Control { entry: refused(), ..control() };
        let (verdict, failure) = judge(refused(), Expect::Deny, Some(&shut));
        assert_eq!(verdict, Verdict::Inconclusive);
        assert!(matches!(failure, Some(Failure::ControlFailed { .. })));
    }

    #[test]
    fn a_denied_page_that_may_read_is_a_failure_whatever_it_reads() {
        let error = Failure::HttpStatusUnexpected(Arc::new(Response::default()));
        for ended in [Ok(()), Err(error)] {
            let judged = judge(ended, Expect::Deny, None);
            assert_eq!(judged, (Verdict::Fail, Some(Failure::OriginReadable)));
        }
    }
}
