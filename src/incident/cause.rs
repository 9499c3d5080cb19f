//! Why a check does not pass, and whose trouble that is.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::reason::{Fault, Reason};

/// Why a run did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Out of the README's list; none that this program knows, where a later one wrote it down.
    #[serde(default, deserialize_with = "known")]
    pub reason: Option<Reason>,
    /// Where the run ended.
    #[serde(default)]
    pub phase: Option<Phase>,
    /// Whose trouble it is.
    #[serde(default)]
    pub fault: Option<Fault>,
}

impl Cause {
    /// Of a failure.
    pub fn of(failure: &Failure) -> Self {
        Self {
            reason: Some(failure.reason()),
            phase: failure.phase(),
            fault: Some(failure.fault()),
        }
    }
}

impl fmt::Display for Cause {
    /// `upgrade_refused in upgrade`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.map_or("an unknown reason", Reason::code))?;
        self.phase.map_or(Ok(()), |phase| write!(f, " in {phase}"))
    }
}

/// A reason that was stored; one of a later program is none.
fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Reason>, D::Error> {
    let code = Option::<String>::deserialize(deserializer)?;
    Ok(code.and_then(|code| Reason::from_code(&code)))
}

/// Whose trouble an incident is, in one word: that of the endpoint's owner, that of whoever runs
/// the monitor, or that of the networks in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The endpoint's owner.
    You,
    /// Whoever runs this monitor.
    Us,
    /// Somebody on the way.
    Internet,
    /// The probes do not say.
    Unknown,
}

impl Whose {
    /// What most of the faults say. Where as many say one as the other, the nearer to the endpoint
    /// goes first: that is where somebody can look.
    pub fn of(faults: impl IntoIterator<Item = Fault>) -> Self {
        let mut counts = [(0, Self::You), (0, Self::Internet), (0, Self::Us)];
        for fault in faults {
            let whose = match fault {
                Fault::Target => Self::You,
                Fault::Path => Self::Internet,
                Fault::Monitor => Self::Us,
            };
            for (count, of) in &mut counts {
                *count += u32::from(*of == whose);
            }
        }
        let mut most = (0, Self::Unknown);
        for (count, whose) in counts {
            if count > most.0 {
                most = (count, whose);
            }
        }
        most.1
    }

    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::You => "you",
            Self::Us => "us",
            Self::Internet => "internet",
            Self::Unknown => "unknown",
        }
    }

    /// A sentence for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::You => "The endpoint's owner: what fails is at the endpoint",
            Self::Us => "This monitor: what fails is at the monitor",
            Self::Internet => "The way there: what fails is between here and the endpoint",
            Self::Unknown => "Not known: the probes see nothing that fails",
        }
    }

    /// In a few words, for people.
    pub fn owner(self) -> &'static str {
        match self {
            Self::You => "the endpoint's owner",
            Self::Us => "this monitor",
            Self::Internet => "the way there",
            Self::Unknown => "not known",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_faults_decide_and_the_endpoint_goes_first() {
        use Fault::{Monitor, Path, Target};
        assert_eq!(Whose::of([]), Whose::Unknown);
        assert_eq!(Whose::of([Path]), Whose::Internet);
        assert_eq!(Whose::of([Path, Target]), Whose::You);
        assert_eq!(Whose::of([Target, Path, Path]), Whose::Internet);
        assert_eq!(Whose::of([Monitor, Monitor, Path]), Whose::Us);
    }

    #[test]
    fn a_reason_of_a_later_program_is_none() {
        let text = r#"{"reason":"of_2027","phase":"tls","fault":"target"}"#;
        let cause: Cause = serde_json::from_str(text).unwrap();
        assert_eq!((cause.reason, cause.phase), (None, Some(Phase::Tls)));
        assert_eq!(cause.to_string(), "an unknown reason in tls");
    }
}
