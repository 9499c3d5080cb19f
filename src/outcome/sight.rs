//! Whether this monitor can tell good from bad: what its checks of itself came to.

use std::fmt;

macro_rules! self_checks {
    ($($variant:ident $name:literal $sentence:literal)+) => {
        /// A check of the monitor by itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum SelfCheck {
            $(#[doc = $sentence] $variant,)+
        }

        impl SelfCheck {
            /// Every check.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The label.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What must be so.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

self_checks! {
    CanaryOpen "canary_open" "A page gets in where it is allowed."
    CanaryDenied "canary_denied" "A page is refused where it must be, and the allowed one gets in: a pass."
    CanaryAccepted "canary_accepted" "A page gets in where it must be refused: a failure."
    CanaryShut "canary_shut" "An allowed page is refused with 403: a failure."
    CanaryUnproven "canary_unproven" "A page is refused, and so is the allowed one: inconclusive."
    CanaryTurning "canary_turning" "A door that opens and shuts by turns is seen as it is."
    CanaryUntrusted "canary_untrusted" "A certificate of an unknown CA is a failure."
    CanaryExpired "canary_expired" "An expired certificate is a failure."
    CanaryWrongName "canary_wrong_name" "A certificate for another host is a failure."
    CanaryWrongAccept "canary_wrong_accept" "An upgrade with a wrong Sec-WebSocket-Accept is a failure."
    CanarySilent "canary_silent" "A server that does not answer is a timeout."
    CanaryClosedPort "canary_closed_port" "A port where nobody listens is connection_refused."
    CanaryReadable "canary_readable" "A page may read what it is allowed to, behind a preflight."
    CanaryKeptOut "canary_kept_out" "A page is kept from an answer that another one may read: a pass."
    CanaryUnreadable "canary_unreadable" "An answer to a preflight without CORS headers is a failure."
    CanaryGuest "canary_guest" "A messenger's guest is told how the deployment is configured."
    CanaryUnheard "canary_unheard" "A messenger that says something else is a failure."
    Egress "egress" "One of the egress addresses accepts TCP."
    Resolver "resolver" "The control name has an address."
    Clock "clock" "The clock does not jump, and is not older than this program."
    TrustStore "trust_store" "This machine trusts a CA, where an endpoint leaves that to it."
}

impl fmt::Display for SelfCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Which.
    pub check: SelfCheck,
    /// What is wrong, if something is.
    pub trouble: Option<String>,
}

/// What came of all of them. Without any, nothing is known to be wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight(Vec<Look>);

impl Sight {
    /// Of these checks.
    pub fn new(looks: Vec<Look>) -> Self {
        Self(looks)
    }

    /// In their order.
    pub fn looks(&self) -> &[Look] {
        &self.0
    }

    /// Those that are red. One is enough: no verdict of this monitor counts.
    pub fn red(&self) -> impl Iterator<Item = (SelfCheck, &str)> {
        self.0.iter().filter_map(|look| Some((look.check, look.trouble.as_deref()?)))
    }

    /// Why nothing that this monitor says counts; `None` while it sees.
    pub fn blind(&self) -> Option<String> {
        let told: Vec<_> =
            self.red().map(|(check, trouble)| format!("{check}: {trouble}")).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn look(check: SelfCheck, trouble: Option<&str>) -> Look {
        Look { check, trouble: trouble.map(str::to_owned) }
    }

    #[test]
    fn one_red_check_is_enough_to_be_blind() {
        assert_eq!(Sight::default().blind(), None);
        let mut looks = vec![look(SelfCheck::CanaryOpen, None), look(SelfCheck::Clock, None)];
        assert_eq!(Sight::new(looks.clone()).blind(), None);
        looks.push(look(SelfCheck::Egress, Some("no way out")));
        assert_eq!(Sight::new(looks).blind().as_deref(), Some("egress: no way out"));
    }

    #[test]
    fn names_are_distinct_labels() {
        let names: HashSet<_> = SelfCheck::ALL.iter().map(|check| check.name()).collect();
        assert_eq!(names.len(), SelfCheck::ALL.len());
        let legal = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(names.iter().all(|name| name.chars().all(legal)));
    }
}
