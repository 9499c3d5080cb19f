//! The differential diagnosis of one page at one door: what the list predicts, what happens, what
//! happens to a page that must get in, and what API and CDN say of the deployment.
//!
//! A refusal alone says nothing: a bad id, a deployment that is off and a page that is not allowed
//! look the same. Held against each other, these five tell them apart.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::lint::Oddity;
use crate::check::origin::Expect;
use crate::outcome::code::codes;

/// How long a changed list may take until every server knows it.
pub const PROPAGATION: SignedDuration = SignedDuration::from_mins(10);

codes! {
    /// What is so with one page at one door.
    Finding
    Ok "ok"
        "The page gets in, as the list of allowed domains says."
        "Nothing."
    OriginNotAllowed "origin_not_allowed"
        "The page is refused, as the list of allowed domains says, and a page that is listed gets in."
        "Add its host name to the allowed domains of the deployment, unless it is meant to be kept out."
    OriginEnforcementDrift "origin_enforcement_drift"
        "The list allows the page, and yet it is refused, while another page gets in."
        "Save the list once more; if it stays so, tell Genesys Cloud Care: the servers hold another list."
    DeploymentRefused "deployment_refused"
        "Nobody gets in: the deployment itself is refused, and no page is at fault."
        "Look at the deployment's id, its status, its region and whether its configuration is published."
    OriginEnforcementGap "origin_enforcement_gap"
        "The list does not allow the page, and yet it gets in: any site may open conversations."
        "Do not rely on the list until it is enforced; tell Genesys Cloud Care."
    Throttled "throttled"
        "There are too many connections (429): nothing can be said of the page."
        "Probe less often: the limit is shared with customers."
    CdnStale "cdn_stale"
        "The public files of the deployment say something else than the platform API: browsers go by the files."
        "Wait for the files to follow; if they do not, save the deployment once more."
    LegacyApiRemoved "legacy_api_removed"
        "The door is one of ACD web chat, which was removed on 2026-08-15."
        "Move the page to web messaging, and watch its deployment."
    Undetermined "undetermined"
        "It cannot be told."
        "See why: it stands beside the finding."
}

/// What became of a page at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// It got in.
    LetIn,
    /// It was refused as a page is.
    Refused,
    /// There are too many connections.
    Throttled,
    /// There is nothing at this path (404 or 410).
    Gone,
    /// The door is in trouble of another kind.
    Trouble,
}

impl Entry {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::LetIn, Self::Refused, Self::Throttled, Self::Gone, Self::Trouble];

    /// The word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LetIn => "let_in",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Gone => "gone",
            Self::Trouble => "trouble",
        }
    }
}

/// What a source says of the deployment as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is in use.
    On,
    /// It is there, and not in use.
    Off,
    /// There is none of this id.
    Absent,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::On, Self::Off, Self::Absent];

    /// The word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Absent => "absent",
        }
    }
}

/// Everything that a finding rests on; none is what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Evidence {
    /// What the platform API's list says of the page.
    pub by_api: Option<Expect>,
    /// What the published list says of it.
    pub by_cdn: Option<Expect>,
    /// What became of it.
    pub actual: Option<Entry>,
    /// What became of another page that the list allows, at the same door.
    pub control: Option<Entry>,
    /// What the published configuration says of the deployment.
    pub config: Option<Standing>,
    /// What the platform API says of it.
    pub api: Option<Standing>,
    /// What keeps everybody out, where the lists of both do.
    pub shut_out_by: Option<Oddity>,
    /// Whether the door is one of the API that was removed.
    #[serde(skip)]
    pub legacy: bool,
    /// When the list was changed last, as far as that was seen.
    #[serde(skip)]
    pub list_changed_at: Option<Timestamp>,
}

impl Evidence {
    /// What the list says: the platform API's where it is known, since the other follows it.
    pub fn predicted(&self) -> Option<Expect> {
        self.by_api.or(self.by_cdn)
    }

    /// Whether API and CDN contradict each other in what concerns the page.
    pub fn is_contradictory(&self) -> bool {
        let lists = matches!((self.by_api, self.by_cdn), (Some(api), Some(cdn)) if api != cdn);
        let standings = match (self.api, self.config) {
            (Some(api), Some(config)) => (api == Standing::On) != (config == Standing::On),
            _ => false,
        };
        lists || standings
    }

    /// Whether the list alone explains that a page is refused, and no other page can show it: both
    /// lists let nobody in, and the deployment is in use.
    fn is_shut_out(&self) -> bool {
        self.shut_out_by.is_some()
            && self.control.is_none()
            && (self.by_api, self.by_cdn) == (Some(Expect::Deny), Some(Expect::Deny))
            && self.api == Some(Standing::On)
            && !self.is_said_to_be_off()
    }

    /// Whether somebody says that nobody can get in.
    fn is_said_to_be_off(&self) -> bool {
        [self.api, self.config].into_iter().flatten().any(|standing| standing != Standing::On)
    }
}

/// Why nothing can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// No probe has said anything yet.
    NoRun,
    /// Whom the list lets in is not known.
    NoList,
    /// No other page that the list allows is tried at this door.
    NoControl,
    /// The door, or the other page's, is in trouble that says nothing about pages.
    DoorInTrouble,
    /// The deployment is said to be off, and the page gets in.
    OffAndLetIn,
}

impl Doubt {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::NoRun, Self::NoList, Self::NoControl, Self::DoorInTrouble, Self::OffAndLetIn];

    /// What is missing, in plain words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoRun => "no probe has said anything yet",
            Self::NoList => "the list of allowed domains is not known",
            Self::NoControl => {
                "the page is refused, and no other page that the list allows is tried at this door"
            }
            Self::DoorInTrouble => "the door is in trouble that says nothing about pages",
            Self::OffAndLetIn => "the deployment is said to be off, and yet the page gets in",
        }
    }
}

/// A finding, with what goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// What is so.
    pub finding: Finding,
    /// Why it cannot be told, where it cannot.
    pub doubt: Option<Doubt>,
    /// What is wrong with the list, where it is found by that it lets nobody in.
    pub shut_out_by: Option<Oddity>,
    /// Whether the list was changed so lately that the servers may not know it yet.
    pub propagating: bool,
}

impl Diagnosis {
    /// What is so, in plain words.
    pub fn sentence(&self) -> String {
        let sentence = match (self.doubt, self.shut_out_by) {
            (_, Some(oddity)) => format!(
                "The page is refused, as the list of allowed domains says: it lets nobody in \
                 ({oddity}). {}",
                oddity.sentence()
            ),
            (Some(doubt), None) => format!(
                "{} {}.",
                self.finding.sentence().trim_end_matches('.').to_owned() + ":",
                doubt.sentence()
            ),
            (None, None) => self.finding.sentence().to_owned(),
        };
        match self.propagating {
            true => format!(
                "{sentence} The list was changed in the last 10 minutes: it may still be propagating."
            ),
            false => sentence,
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        if let Some(oddity) = self.shut_out_by {
            return oddity.fix();
        }
        match (self.doubt, self.propagating) {
            (_, true) => "Wait until 10 minutes have passed since the change.",
            (Some(Doubt::NoRun), _) => "Wait for the next run.",
            (Some(Doubt::NoList), _) => {
                "See why the list cannot be had: the deployment's id, the region, the network."
            }
            (Some(Doubt::NoControl), _) => {
                "Add another origin to the endpoint that the list allows."
            }
            (Some(Doubt::DoorInTrouble), _) => "See the check's own reason.",
            (Some(Doubt::OffAndLetIn), _) => "Look at the deployment's status once more.",
            (None, false) => self.finding.fix(),
        }
    }
}

/// Tells what is so.
pub fn diagnose(evidence: &Evidence, now: Timestamp) -> Diagnosis {
    let (finding, doubt) = match find(evidence) {
        Ok(finding) => (finding, None),
        Err(doubt) => (Finding::Undetermined, Some(doubt)),
    };
    let concerned = matches!(
        finding,
        Finding::OriginEnforcementDrift | Finding::OriginEnforcementGap | Finding::CdnStale
    );
    let lately = evidence.list_changed_at.is_some_and(|at| {
        // A clock that went back proves nothing.
        at > now || now.duration_since(at) < PROPAGATION
    });
    let by_list = finding == Finding::OriginNotAllowed && evidence.is_shut_out();
    let shut_out_by = evidence.shut_out_by.filter(|_| by_list);
    Diagnosis { finding, doubt, shut_out_by, propagating: concerned && lately }
}

fn find(evidence: &Evidence) -> Result<Finding, Doubt> {
    let Evidence { actual, control, .. } = *evidence;
    if evidence.legacy && (actual == Some(Entry::Gone) || evidence.api == Some(Standing::Absent)) {
        return Ok(Finding::LegacyApiRemoved);
    }
    // What the door says of everybody goes before what is said of it.
    match (actual, control) {
        (Some(Entry::Throttled), _) | (Some(Entry::Refused), Some(Entry::Throttled)) => {
            return Ok(Finding::Throttled);
        }
        (Some(Entry::Refused), Some(Entry::Refused)) => return Ok(Finding::DeploymentRefused),
        _ => {}
    }
    if evidence.is_contradictory() {
        return Ok(Finding::CdnStale);
    }
    match (actual, control) {
        (None, _) => Err(Doubt::NoRun),
        (Some(Entry::Gone | Entry::Trouble | Entry::Throttled), _) => Err(Doubt::DoorInTrouble),
        (Some(Entry::Refused), Some(Entry::LetIn)) => match evidence.predicted() {
            Some(Expect::Deny) => Ok(Finding::OriginNotAllowed),
            Some(Expect::Allow) => Ok(Finding::OriginEnforcementDrift),
            None => Err(Doubt::NoList),
        },
        // Nobody is known to get in, and somebody says why.
        (Some(Entry::Refused), _) if evidence.is_said_to_be_off() => Ok(Finding::DeploymentRefused),
        (Some(Entry::Refused), None) if evidence.is_shut_out() => Ok(Finding::OriginNotAllowed),
        (Some(Entry::Refused), None) => Err(Doubt::NoControl),
        (Some(Entry::Refused), Some(_)) => Err(Doubt::DoorInTrouble),
        (Some(Entry::LetIn), _) => match evidence.predicted() {
            Some(Expect::Deny) => Ok(Finding::OriginEnforcementGap),
            Some(Expect::Allow) if evidence.is_said_to_be_off() => Err(Doubt::OffAndLetIn),
            Some(Expect::Allow) => Ok(Finding::Ok),
            None => Err(Doubt::NoList),
        },
    }
}

#[cfg(test)]
mod tests;
