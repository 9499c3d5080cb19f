//! What is asked of which door, and what must come of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::CanaryError;
use super::door::{ALLOWED, Door};
use super::expected::Expected;
use crate::check::Check;
use crate::check::cadence::Cadence;
use crate::check::endpoint::{AddressFamily, Endpoint, EndpointName, Reach, Trust};
use crate::check::fetch::Fetch;
use crate::check::messaging::Messaging;
use crate::check::origin::{Expect, Origin, OriginRule};
use crate::check::probe::{Cors, Forgeries, Probe, Websocket};
use crate::check::target::{ConnectTo, Scheme};
use crate::edge::Opened;
use crate::edge::authority::Authority;
use crate::event::key::Key;
use crate::outcome::reason::Reason;
use crate::outcome::sight::SelfCheck;
use crate::outcome::verdict::Verdict;

/// How long a run may take, where nothing hangs.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long those are waited for that never say what they ought to.
const SHORT_TIMEOUT: Duration = Duration::from_millis(250);

/// A page that must be refused.
const DENIED: &str = "https://denied.canary.invalid";

/// One question to one door.
#[derive(Debug)]
pub struct Target {
    /// The label.
    pub name: SelfCheck,
    /// The question.
    pub check: Arc<Check>,
    door: Option<(Door, Arc<Opened>)>,
    verdict: Verdict,
    reason: Option<Reason>,
    address: SocketAddr,
    /// What was wrong when it was seen last, if it has been seen.
    pub last: Option<Option<String>>,
}

impl Target {
    /// How many visitors the door has had, where somebody counts them.
    pub fn visits(&self) -> Option<usize> {
        self.door.as_ref().map(|(_, opened)| opened.visits())
    }

    /// What must come of it.
    pub fn expected(&self, turning_is_open: bool) -> Expected {
        let turning = self.door.as_ref().is_some_and(|(door, _)| *door == Door::Turning);
        let (verdict, reason) = if turning && turning_is_open {
            (Verdict::Pass, None)
        } else {
            (self.verdict, self.reason)
        };
        Expected { verdict, reason, address: self.address }
    }
}

/// Every question; that of the good door first, as others are held against it.
pub fn all(
    authority: &Authority,
    doors: Vec<(Door, Opened)>,
    nobody: SocketAddr,
) -> Result<Vec<Target>, CanaryError> {
    let trust = Trust::Anchors([authority.root().clone()].into());
    let fail = |reason| (Verdict::Fail, Some(reason));
    let mut targets = Vec::new();
    for (door, opened) in doors {
        let scheme = if door.is_of_http() { "https" } else { "wss" };
        let endpoint = endpoint(scheme, &door.host(), opened.address, trust.clone())?;
        let opened = Arc::new(opened);
        let asks = match door {
            Door::Good => vec![
                (SelfCheck::CanaryOpen, Expect::Allow, (Verdict::Pass, None)),
                (SelfCheck::CanaryDenied, Expect::Deny, (Verdict::Pass, None)),
            ],
            Door::Open => {
                vec![(SelfCheck::CanaryAccepted, Expect::Deny, fail(Reason::OriginAccepted))]
            }
            Door::Shut => {
                let unproven = (Verdict::Inconclusive, Some(Reason::ControlFailed));
                vec![
                    (SelfCheck::CanaryShut, Expect::Allow, fail(Reason::UpgradeRefused)),
                    (SelfCheck::CanaryUnproven, Expect::Deny, unproven),
                ]
            }
            Door::Turning => {
                vec![(SelfCheck::CanaryTurning, Expect::Allow, fail(Reason::UpgradeRefused))]
            }
            Door::Untrusted => {
                vec![(SelfCheck::CanaryUntrusted, Expect::Allow, fail(Reason::CertUnknownIssuer))]
            }
            Door::Expired => {
                vec![(SelfCheck::CanaryExpired, Expect::Allow, fail(Reason::CertExpired))]
            }
            Door::WrongName => {
                let reason = Reason::CertHostnameMismatch;
                vec![(SelfCheck::CanaryWrongName, Expect::Allow, fail(reason))]
            }
            Door::WrongAccept => {
                vec![(SelfCheck::CanaryWrongAccept, Expect::Allow, fail(Reason::BadAccept))]
            }
            Door::Silent => {
                vec![(SelfCheck::CanarySilent, Expect::Allow, fail(Reason::TimedOut))]
            }
            Door::Readable => vec![
                (SelfCheck::CanaryReadable, Expect::Allow, (Verdict::Pass, None)),
                (SelfCheck::CanaryKeptOut, Expect::Deny, (Verdict::Pass, None)),
            ],
            Door::Unreadable => {
                let reason = Reason::CorsPreflightMissingAllowOriginHeader;
                vec![(SelfCheck::CanaryUnreadable, Expect::Allow, fail(reason))]
            }
            Door::Messenger => {
                vec![(SelfCheck::CanaryGuest, Expect::Allow, (Verdict::Pass, None))]
            }
            Door::Parrot => {
                let reason = Reason::MessagingMalformed;
                vec![(SelfCheck::CanaryUnheard, Expect::Allow, fail(reason))]
            }
        };
        let timeout = match door {
            Door::Silent | Door::Parrot => SHORT_TIMEOUT,
            _ => TIMEOUT,
        };
        for (name, expect, (verdict, reason)) in asks {
            let check = check(endpoint.clone(), expect, timeout, door.is_of_guests())?;
            let (address, door) = (opened.address, Some((door, opened.clone())));
            let last = None;
            targets.push(Target { name, check, door, verdict, reason, address, last });
        }
    }
    let (verdict, reason) = fail(Reason::ConnectionRefused);
    targets.push(Target {
        name: SelfCheck::CanaryClosedPort,
        check: check(
            endpoint("wss", "nobody.canary.invalid", nobody, trust)?,
            Expect::Allow,
            TIMEOUT,
            false,
        )?,
        door: None,
        verdict,
        reason,
        address: nobody,
        last: None,
    });
    Ok(targets)
}

fn check(
    endpoint: Arc<Endpoint>,
    expect: Expect,
    timeout: Duration,
    as_guest: bool,
) -> Result<Arc<Check>, CanaryError> {
    let page = |origin: &str, expect| {
        let (name, origin) = (origin.to_owned(), Origin::Page(origin.to_owned()));
        Arc::new(OriginRule { name, origin, expect })
    };
    let allowed = page(ALLOWED, Expect::Allow);
    let rule = match expect {
        Expect::Allow => allowed.clone(),
        Expect::Deny => page(DENIED, Expect::Deny),
    };
    let cadence = Cadence::new(Cadence::MAX_INTERVAL, timeout).map_err(told)?;
    let probe = match endpoint.target.scheme {
        // What is asked for first, so that both answers are judged.
        Scheme::Https => Probe::Cors(Cors {
            fetch: Fetch::new("PUT".parse().map_err(told)?, Vec::new(), false).map_err(told)?,
            forgeries: Forgeries::Never,
            ..Cors::default()
        }),
        _ if as_guest => Probe::Messaging(Messaging::of(Key::new("canary").map_err(told)?)),
        _ => Probe::Websocket(Websocket::default()),
    };
    let check = Check::new(endpoint, Arc::new(probe), Some(rule), cadence);
    Ok(Arc::new(check.beside(Some(allowed))))
}

fn told(error: impl std::fmt::Display) -> CanaryError {
    CanaryError::Target(error.to_string())
}

fn endpoint(
    scheme: &str,
    host: &str,
    address: SocketAddr,
    trust: Trust,
) -> Result<Arc<Endpoint>, CanaryError> {
    let target = format!("{scheme}://{host}:{}/", address.port());
    let target = target.parse().map_err(told)?;
    let connect_to = ConnectTo { address: address.ip(), port: Some(address.port()) };
    Ok(Arc::new(Endpoint {
        reach: Reach { connect_to: Some(connect_to), family: AddressFamily::Any },
        trust,
        slo: 0.5,
        ..Endpoint::alone(EndpointName::internal(host), target)
    }))
}
