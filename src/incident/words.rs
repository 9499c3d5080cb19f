//! The timeline in words.

use jiff::Timestamp;

use super::cause::{Cause, Whose};
use super::record::{Ended, Incident};
use super::timeline::{Entry, What};

/// An entry in one line. `quote` makes harmless, for wherever the line stands, what others wrote.
pub fn told(entry: &Entry, quote: impl Fn(&str) -> String) -> String {
    let because = |cause: &Option<Cause>| {
        cause.map_or(String::new(), |cause| format!(": {}", quote(&cause.to_string())))
    };
    match &entry.what {
        What::FirstBad { check, cause } => {
            format!("first failed run: {}{}", quote(check), because(cause))
        }
        What::Failed { check, cause } => format!("{} failed{}", quote(check), because(cause)),
        What::Confirmed { check, passed: true, .. } => {
            format!("{} asked again: it passed", quote(check))
        }
        What::Confirmed { check, passed: false, cause } => {
            format!("{} asked again: confirmed{}", quote(check), because(cause))
        }
        What::Down { check, cause } => format!("{} is down{}", quote(check), because(cause)),
        What::Up { check } => format!("{} is up again", quote(check)),
        What::NotSeen { check } => format!("{} is not seen any more", quote(check)),
        What::Removed { check } => format!("{} was taken out of the config", quote(check)),
        What::Blind { why } => format!("this monitor is blind: {}", quote(why)),
        What::Sees => "this monitor sees".to_owned(),
        What::Change { source, what, who } => {
            let by = who.as_ref().map_or(String::new(), |who| format!(", by {}", quote(who)));
            format!("change ({}): {}{by}", source.as_str(), quote(what))
        }
        What::Users { correlation, ended, failed, .. } => {
            let word = quote(correlation.as_str());
            let ended = count(u64::from(*ended), "conversation");
            format!("users: {failed} of {ended} failed ({word})")
        }
        What::Opened { trouble, severity } => {
            format!("incident opened: {}, {}", trouble.title(), severity.as_str())
        }
        What::Reopened { trouble } => format!("it goes on: {}", trouble.title()),
        What::Changed { trouble, severity, whose } => {
            let (trouble, severity) = (trouble.title(), severity.as_str());
            format!("severity is now {severity} ({trouble}); whose: {}", whose.owner())
        }
        What::Notified { target, event } => format!("told {}: {event}", quote(target)),
        What::Closed { why: Ended::Recovered } => "incident closed: recovered".to_owned(),
        What::Closed { why: Ended::EndpointRemoved } => {
            "incident closed: the endpoint was taken out of the config".to_owned()
        }
    }
}

/// So many of something: `1 minute`, `2 minutes`.
pub fn count(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// Whose trouble it is, in a sentence; with the team, where that is known.
pub fn whose(incident: &Incident) -> String {
    let sentence = incident.whose.sentence();
    let team = &incident.owner.team;
    match incident.whose {
        Whose::You if !team.is_empty() => format!("{sentence} (team {team})"),
        _ => sentence.to_owned(),
    }
}

/// Whom it hurt, in a sentence.
pub fn affected(incident: &Incident) -> String {
    let affected = incident.affected();
    let mut parts = Vec::new();
    if affected.failing_minutes > 0 {
        let (ended, minutes) = (affected.ended, affected.failing_minutes);
        let (ended, minutes) = (count(ended, "conversation"), count(minutes, "bad minute"));
        parts.push(format!("{} of {ended} failed in {minutes}", affected.failed));
    }
    if affected.silent_minutes > 0 {
        let minutes = count(affected.silent_minutes, "minute");
        parts.push(format!("nobody wrote in {minutes}, which is no chance"));
    }
    match parts.as_slice() {
        [] if incident.users_unjudged() => {
            "Not judged yet: how users fare in a minute is known some time after its end."
                .to_owned()
        }
        [] => "No user is known to be hurt.".to_owned(),
        [silence] if affected.failing_minutes == 0 => silence.replacen('n', "N", 1) + ".",
        parts => parts.join("; ") + ".",
    }
}

/// From one moment to a later one: `80 s`, `12 min`.
pub fn span(from: Timestamp, to: Timestamp) -> String {
    match to.duration_since(from).as_secs().max(0) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}
