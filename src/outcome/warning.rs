//! The closed list of warnings: what a run saw that fails nothing yet, each with its code, a
//! sentence and a fix.
//!
//! This table is the only source of labels, of what the terminal and the page say, and of the
//! list in the README, as that of [`Reason`](super::reason::Reason) is for failures.

use super::Observation;
use super::code::codes;

codes! {
    /// What is not well, though the run passed, or beside what it failed of.
    Warning
    TlsHelloRetry "tls_hello_retry"
        "The server asked for another key share, which costs each visitor a round trip."
        "Let the server take X25519MLKEM768 or X25519, the groups that browsers send a share for."
    OcspStale "ocsp_stale"
        "The OCSP answer that the server staples is out of date."
        "Find out why the server gets no new one: its way to the responder, or the job that fetches it."
    OcspUnknown "ocsp_unknown"
        "The OCSP answer that the server staples says that the responder does not know the certificate."
        "A CA that has just issued it may need some minutes; else ask the CA."
    OcspInvalid "ocsp_invalid"
        "What the server staples is no valid OCSP answer for its certificate."
        "See the evidence; after a renewal the server must fetch a new answer."
    CertRenewalOverdue "cert_renewal_overdue"
        "By its lifetime, the certificate should have been renewed by now."
        "Find out why nothing has renewed it, or why the server was not told to load the new one."
    CertWithoutSct "cert_without_sct"
        "The certificate holds no promise of a Certificate Transparency log."
        "Chromium and Safari refuse what a public CA issues like this: have it issued anew. A private CA belongs into ca-file."
    CertLongLife "cert_long_life"
        "The certificate lives longer than public CAs may issue it for."
        "Chromium refuses more than 398 days of a public CA: have it issued anew. A private CA belongs into ca-file."
    ChainWrongOrder "chain_wrong_order"
        "The certificates of the chain come in the wrong order."
        "Serve the server's own first, then each one's issuer: TLS 1.2 demands it, and some clients still do."
    ChainExtraCertificate "chain_extra_certificate"
        "The server presents certificates that its chain does not need."
        "Leave them out, unless they are there for old clients: each handshake carries them."
    ChainExtraExpired "chain_extra_expired"
        "The server presents a certificate that its chain does not need and that has expired."
        "Leave it out: some clients fail of it, as in May 2020 of AddTrust's."
    ChainRootPresented "chain_root_presented"
        "The server presents the root itself."
        "Leave it out: whoever trusts it has it, and nobody else believes it."
    CorsReflectsAnyOrigin "cors_reflects_any_origin"
        "The server lets whatever origin asks read its answers: one that cannot exist was named in Access-Control-Allow-Origin."
        "Compare the origin with a list. Where answers are for everybody, say *, which goes without cookies."
    CorsOriginSuffixConfusion "cors_origin_suffix_confusion"
        "An origin that only begins like the allowed one may read the answers: anybody can have such a name."
        "Compare whole origins; end a pattern with $, and escape its dots."
    CorsOriginPrefixConfusion "cors_origin_prefix_confusion"
        "An origin that only ends like the allowed one may read the answers: anybody can have such a name."
        "Compare whole origins; for subdomains, demand the dot before the name."
    CorsNullOriginAllowed "cors_null_origin_allowed"
        "The origin null may read the answers: any page can be that, in a sandboxed frame."
        "Take null off the allow list."
    CorsVaryOriginMissing "cors_vary_origin_missing"
        "The answer names one origin, and no Vary: Origin keeps caches from giving it to another page."
        "Send Vary: Origin with every answer, also where no origin is allowed."
    CorsMaxAgeIgnored "cors_max_age_ignored"
        "Access-Control-Max-Age is no number of seconds: browsers pass it over, and ask again after five seconds."
        "Send a whole number; Chromium keeps a preflight for two hours at the most, Firefox for a day."
    CorsWildcardCoversAuthorization "cors_wildcard_covers_authorization"
        "Authorization is allowed by * alone. Browsers still take that; the standard does not."
        "Add Authorization to Access-Control-Allow-Headers by name."
    MessagingNeedsAuthentication "messaging_needs_authentication"
        "The deployment wants guests to be known: the probe goes no further up."
        "Nothing, where that is meant; a lower level then says all that can be said."
    MessagingConfigurationMissing "messaging_configuration_missing"
        "The messaging application did not say how the deployment is configured; it said something else, or gave a session all the same."
        "It lives, and may have changed its protocol: look for a newer version of this program."
    MessagingSessionsStopped "messaging_sessions_stopped"
        "No session is asked for any more: one of this deployment began a conversation."
        "Switch automatic conversations off, or lower the level; another config or a restart takes it up again."
}

/// A warning, with what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Which.
    pub warning: Warning,
    /// What was seen, for people; made of quoted text. Empty where the warning says it all.
    pub evidence: String,
}

/// What is to be said of a run beside its verdict. For a good run it takes no memory.
pub fn remarks(seen: &Observation) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if let Some(session) = seen.session.as_ref().filter(|session| session.hello_retry) {
        let evidence = session.key_exchange.map(|group| format!("it chose {group}"));
        let evidence = evidence.unwrap_or_default();
        remarks.push(Remark { warning: Warning::TlsHelloRetry, evidence });
    }
    remarks.extend(seen.chain.iter().flat_map(|chain| &chain.remarks).cloned());
    if let Some(cors) = &seen.cors {
        remarks.extend(cors.remarks.iter().cloned());
    }
    if let Some(messaging) = &seen.messaging {
        remarks.extend(messaging.remarks.iter().cloned());
    }
    remarks
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::outcome::reason::Reason;

    #[test]
    fn a_code_is_that_of_one_reason_or_one_warning() {
        let warnings = Warning::ALL.iter().map(|warning| warning.code());
        let codes: Vec<_> =
            Reason::ALL.iter().map(|reason| reason.code()).chain(warnings).collect();
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(codes.iter().all(|code| code.chars().all(legal)));
    }

    #[test]
    fn every_warning_ends_its_sentences() {
        for warning in Warning::ALL {
            let ends = |text: &str| text.ends_with(['.', '?']);
            assert!(ends(warning.sentence()) && ends(warning.fix()), "{warning}");
        }
    }
}
