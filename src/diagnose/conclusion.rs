//! What follows from how an endpoint answered a page, and spellings that are nearly its origin.

use serde::Serialize;

use super::Tried;
use super::near_miss::{NearMiss, Spelling};
use crate::check::origin::Origin;
use crate::check::target::{Host, Scheme, Target};
use crate::outcome::Outcome;
use crate::outcome::cors::error::CorsError;
use crate::outcome::failure::Failure;
use crate::outcome::verdict::Verdict;

/// Why a page is not let in, as far as it can be told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// The page gets in.
    LetIn,
    /// The browser itself refuses: an encrypted page may not open a plain connection.
    MixedContent,
    /// The same question is answered now so, now so.
    Unsteady,
    /// It fails before any origin is sent, or for every page alike.
    NotTheOrigin,
    /// This origin is refused, and others are let in.
    OriginRefused,
    /// Everybody is refused in the same way, also who sends no origin.
    EverybodyRefused,
    /// The server refuses to be asked this often.
    Throttled,
    /// The run says nothing about the endpoint.
    Inconclusive,
}

impl Conclusion {
    /// In one plain sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::LetIn => "The page gets in.",
            Self::MixedContent => {
                "No browser lets an https page open a plain connection: it is blocked before anything is sent."
            }
            Self::Unsteady => "The same question was answered now so, now so.",
            Self::NotTheOrigin => "No origin is at fault: it fails for every page alike.",
            Self::OriginRefused => "The server lets other origins in, and refuses this one.",
            Self::EverybodyRefused => "The server lets in nobody of all who were tried.",
            Self::Throttled => "The server says that it is asked too often (429).",
            Self::Inconclusive => "Nothing can be said: the trouble is on this machine.",
        }
    }
}

/// Whether spellings are worth a try: the server was reached, answered, and refused in a way that
/// may be meant for this origin.
pub fn may_be_the_origin(outcome: &Outcome) -> bool {
    match &outcome.failure {
        // Some say 400 or 404 to strangers.
        Some(Failure::UpgradeRejected(response)) => {
            (400..500).contains(&response.status) && response.status != 429
        }
        Some(Failure::CorsBlocked(blocked)) => {
            blocked.refuses_the_page() && is_about_whom(blocked.error)
        }
        _ => false,
    }
}

/// Whether another spelling of the origin could fare better.
fn is_about_whom(error: CorsError) -> bool {
    use CorsError as E;
    !matches!(
        error,
        E::WildcardOriginNotAllowed
            | E::PreflightWildcardOriginNotAllowed
            | E::InvalidAllowCredentials
            | E::PreflightInvalidAllowCredentials
            | E::MultipleAllowOriginValues
            | E::PreflightMultipleAllowOriginValues
    )
}

/// Judges what the page met, and what the spellings met behind it.
pub fn conclude(
    target: &Target,
    origin: &Origin,
    asked: &[Outcome],
    tried: &[Tried],
) -> Conclusion {
    let Some(first) = asked.first() else { return Conclusion::Inconclusive };
    if is_mixed_content(target, origin) {
        return Conclusion::MixedContent;
    }
    let told = |outcome: &Outcome| outcome.failure.as_ref().map(Failure::reason);
    // What this machine had no way to find out is no difference between nodes.
    let mut known = asked.iter().filter(|outcome| outcome.verdict != Verdict::Inconclusive);
    let first = known.clone().next().unwrap_or(first);
    if asked.iter().any(is_throttled) || tried.iter().any(|one| is_throttled(&one.outcome)) {
        return Conclusion::Throttled;
    }
    if known.any(|one| told(one) != told(first)) {
        return Conclusion::Unsteady;
    }
    match first.verdict {
        Verdict::Pass => Conclusion::LetIn,
        Verdict::Inconclusive => Conclusion::Inconclusive,
        Verdict::Fail if tried.is_empty() => Conclusion::NotTheOrigin,
        Verdict::Fail if let_in(tried).next().is_some() => Conclusion::OriginRefused,
        Verdict::Fail => Conclusion::EverybodyRefused,
    }
}

/// The spellings that were let in.
pub fn let_in(tried: &[Tried]) -> impl Iterator<Item = &NearMiss> {
    tried.iter().filter(|one| gets_in(&one.outcome)).map(|one| &one.near_miss)
}

/// Whether the origin was good enough, whatever came then.
fn gets_in(outcome: &Outcome) -> bool {
    outcome.verdict == Verdict::Pass
        || matches!(outcome.failure, Some(Failure::HttpStatusUnexpected(_)))
}

/// Whether the server refuses to be asked this often.
pub fn is_throttled(outcome: &Outcome) -> bool {
    outcome.observation.http_status == Some(429)
}

/// Browsers take loopback for safe, however it is spoken to.
fn is_mixed_content(target: &Target, origin: &Origin) -> bool {
    let local = match &target.host {
        Host::Address(address) => address.is_loopback(),
        Host::Name(name) => {
            let name: &str = name.as_ref();
            name == "localhost" || name.ends_with(".localhost")
        }
    };
    let plain = matches!(target.scheme, Scheme::Ws | Scheme::Http);
    plain && !local && matches!(origin, Origin::Page(text) if text.starts_with("https://"))
}

/// What to do about it, a sentence each, the most useful first.
pub fn advice(
    conclusion: Conclusion,
    target: &Target,
    origin: &Origin,
    asked: &[Outcome],
) -> Vec<String> {
    let failure = asked.iter().find_map(|outcome| outcome.failure.as_ref());
    let fix = failure.map(|failure| failure.reason().fix().to_owned());
    match conclusion {
        Conclusion::LetIn => {
            vec![
                "If the page still cannot, look at its own Content-Security-Policy: connect-src must name the endpoint."
                    .to_owned(),
            ]
        }
        Conclusion::MixedContent => vec![format!(
            "Ask over TLS: {}.",
            target.to_string().replacen("ws://", "wss://", 1).replacen("http://", "https://", 1)
        )],
        Conclusion::Unsteady => {
            vec![
                "Compare the nodes behind the name: one has another list, or is not well."
                    .to_owned(),
            ]
        }
        Conclusion::OriginRefused => of_refused(target, origin),
        Conclusion::EverybodyRefused => of_everybody(target, origin, failure),
        Conclusion::Throttled => {
            vec!["Wait some minutes, and ask less: customers share the limit.".to_owned()]
        }
        Conclusion::NotTheOrigin | Conclusion::Inconclusive => fix.into_iter().collect(),
    }
}

fn of_refused(target: &Target, origin: &Origin) -> Vec<String> {
    match origin {
        Origin::Page(_) => vec![entry(target, origin)],
        Origin::Null => vec![
            "Give the page an origin of its own: an allow list that has null lets every sandboxed frame in."
                .to_owned(),
        ],
        Origin::Absent => vec![
            "Send an Origin that is on the list, or have the server let in who sends none: no browser does that."
                .to_owned(),
        ],
    }
}

/// What the spellings that were let in show of the allow list, a sentence each.
pub fn lessons(tried: &[Tried]) -> Vec<&'static str> {
    let mut lessons: Vec<_> = let_in(tried).map(|miss| miss.spelling).collect();
    // Who lets strangers in has a list of those that are refused: neighbours then teach nothing.
    if lessons.contains(&Spelling::Foreign) {
        lessons.retain(|spelling| matches!(spelling, Spelling::Foreign | Spelling::Absent));
    }
    // www. is a name below, too.
    if lessons.contains(&Spelling::Subdomain) {
        lessons.retain(|spelling| *spelling != Spelling::Www);
    }
    lessons.into_iter().map(Spelling::lesson).collect()
}

fn of_everybody(target: &Target, origin: &Origin, failure: Option<&Failure>) -> Vec<String> {
    if let Some(Failure::CorsBlocked(blocked)) = failure {
        return vec![
            match blocked.status {
                400.. => "Mend the error first: pages of errors often come without CORS headers, and then every error looks like one of CORS.",
                _ => "This answer bears no CORS header that fits for anybody: look whether this path has any CORS rule at all.",
            }
            .to_owned(),
        ];
    }
    let mut advice = vec![
        "Do not blame the origin yet: a wrong deployment id or path, a missing credential or a service that is switched off is refused in the same way."
            .to_owned(),
    ];
    if is_genesys(target) {
        advice.push(
            "At Genesys Cloud a 403 stands for a deployment id that is wrong or not active as well as for a page that is not listed: look at both."
                .to_owned(),
        );
    }
    if matches!(origin, Origin::Page(_)) {
        advice.push(format!("If the list is at fault: {}", entry(target, origin)));
    }
    advice.extend(failure.map(|failure| failure.reason().fix().to_owned()));
    advice
}

/// The entry that an allow list needs.
fn entry(target: &Target, origin: &Origin) -> String {
    let text = origin.to_string();
    let host = text.split_once("://").map_or(text.as_str(), |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    if is_genesys(target) {
        format!(
            "Add {host} to the deployment's allowed domains: an entry with a scheme or a port never matches."
        )
    } else {
        format!("Add exactly this to the allow list: {origin}")
    }
}

/// The public web messaging hosts, `webmessaging.{region}`.
fn is_genesys(target: &Target) -> bool {
    matches!(&target.host, Host::Name(name) if name.as_ref().starts_with("webmessaging."))
}
