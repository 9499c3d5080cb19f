//! A run in words: what is to be changed, and what became of it.

use std::fmt::{self, Formatter};

use serde_json::Value;

use super::doors::Seen;
use super::plan::{Change, Declared};
use super::report::{Cdn, Hook, HookStage, Object, Refusal, Report, Stage};
use super::summary::millis;
use crate::check::origin::Expect;
use crate::outcome::quoted::Quoted;
use crate::outcome::verdict::Verdict;

/// Entries of a list that are named.
const MAX_NAMED: usize = 40;

/// What is to be changed.
pub struct Plan<'a>(pub &'a Report);

impl fmt::Display for Plan<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Report { objects, webhook, .. } = self.0;
        for object in objects {
            if object.plan.is_empty() {
                writeln!(f, "{}: as declared", Title(object))?;
                continue;
            }
            writeln!(f, "{}", Title(object))?;
            object.plan.iter().try_for_each(|change| write!(f, "{}", Line(change)))?;
        }
        let Some(hook) = webhook else { return Ok(()) };
        let name = &hook.name;
        match hook.stage {
            HookStage::ToMake => {
                writeln!(f, "webhook \"{name}\": to be made")?;
                hook.fields.iter().try_for_each(|field| {
                    writeln!(f, "  {:<20} {}", field.key, value(field, field.value.as_ref()))
                })
            }
            HookStage::ToChange => {
                writeln!(f, "webhook \"{name}\"")?;
                hook.plan.iter().try_for_each(|change| write!(f, "{}", Line(change)))
            }
            _ => writeln!(f, "webhook \"{name}\": as declared"),
        }
    }
}

/// `deployment "Shop" (5409…)`
struct Title<'a>(&'a Object);

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Object { noun, name, id, .. } = self.0;
        match name {
            Some(name) => write!(f, "{noun} \"{name}\" ({id})"),
            None => write!(f, "{noun} {id}"),
        }
    }
}

/// One change; of a list, what is added and what is taken away.
struct Line<'a>(&'a Change);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Change { declared, was } = self.0;
        let key = &declared.key;
        let becomes = declared.value.as_ref();
        if let (Some(before), Some(after)) = (texts(was.as_ref()), texts(becomes)) {
            let more = after.iter().filter(|text| !before.contains(text));
            let less = before.iter().filter(|text| !after.contains(text));
            let lines = more.map(|text| ('+', text)).chain(less.map(|text| ('-', text)));
            let lines: Vec<_> = lines.collect();
            for (n, (sign, text)) in lines.iter().take(MAX_NAMED).enumerate() {
                let key = if n == 0 { key } else { "" };
                writeln!(f, "  {key:<20} {sign} {}", Quoted::text(text))?;
            }
            return match lines.len().saturating_sub(MAX_NAMED) {
                0 => Ok(()),
                more => writeln!(f, "  {:<20}   {more} more", ""),
            };
        }
        let (before, after) = (value(declared, was.as_ref()), value(declared, becomes));
        writeln!(f, "  {key:<20} {before} -> {after}")
    }
}

fn texts(list: Option<&Value>) -> Option<Vec<&str>> {
    match list {
        None | Some(Value::Null) => None,
        Some(list) => list.as_array()?.iter().map(Value::as_str).collect(),
    }
}

fn value(declared: &Declared, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(_) if declared.secret => "…".to_owned(),
        Some(Value::String(text)) => format!("\"{}\"", Quoted::text(text)),
        Some(other) => Quoted::text(&other.to_string()).to_string(),
    }
}

/// What became of it.
pub struct Result<'a>(pub &'a Report);

impl fmt::Display for Result<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Report { objects, webhook, ended, .. } = self.0;
        objects.iter().try_for_each(|object| write!(f, "{}", Outcome(object, *ended)))?;
        webhook.as_ref().map_or(Ok(()), |hook| write!(f, "{}", HookOutcome(hook)))
    }
}

/// One object, and whether the run came to its end.
struct Outcome<'a>(&'a Object, bool);

impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(object, ended) = self;
        write!(f, "{}: {}", Title(object), stage(object.stage))?;
        if let Some(took) = object.took {
            write!(f, " in {:.0} ms", millis(took))?;
        }
        match object.conflicts {
            0 => writeln!(f)?,
            1 => writeln!(f, ", after 1 conflict")?,
            several => writeln!(f, ", after {several} conflicts")?,
        }
        if let Some(refusal) = &object.refusal {
            write!(f, "{}", Why(refusal))?;
        }
        if !object.left.is_empty() {
            let keys = object.left.join(", ");
            writeln!(f, "  somebody else has changed it since, and it was left so: {keys}")?;
        }
        let unfinished = matches!(object.stage, Stage::Writing | Stage::Written | Stage::Undoing);
        if object.stage == Stage::NotUndone || (!ended && unfinished) {
            writeln!(f, "  what was there before:")?;
            let done = if object.is_touched() { &object.changed } else { &object.plan };
            for Change { declared, was } in done {
                writeln!(f, "    {:<18} {}", declared.key, value(declared, was.as_ref()))?;
            }
        }
        object.doors.iter().try_for_each(|seen| write!(f, "{}", DoorLine(seen)))?;
        match (object.without_doors, &object.cdn) {
            (Some(why), _) => writeln!(f, "  no door was looked at: {}", why.sentence())?,
            (None, _) if object.doors.is_empty() && !ended && unfinished => {
                writeln!(f, "  its doors were not looked at")?;
            }
            _ => {}
        }
        match &object.cdn {
            Some(Cdn::Same) => writeln!(f, "  the list on the CDN is the same")?,
            Some(Cdn::Stale) => {
                writeln!(f, "  the list on the CDN is another one: browsers still go by that")?;
            }
            Some(Cdn::Unread(refusal)) => {
                writeln!(f, "  the list on the CDN is not known:")?;
                write!(f, "{}", Why(refusal))?;
            }
            None => {}
        }
        if !object.doors_after.is_empty() {
            writeln!(f, "  with the former values:")?;
            object.doors_after.iter().try_for_each(|seen| write!(f, "{}", DoorLine(seen)))?;
        }
        Ok(())
    }
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::AsDeclared => "as declared, nothing was written",
        Stage::Planned => "to be changed, and not touched",
        Stage::Writing => "a write was under way: it may have been done or not",
        Stage::Written => "written",
        Stage::Refused => "not as declared",
        Stage::Undoing => "the former values were being put back: that may have been done or not",
        Stage::Undone => "the former values were put back",
        Stage::NotUndone => "the former values could not be put back",
    }
}

struct Why<'a>(&'a Refusal);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Refusal { message, fix, .. } = self.0;
        writeln!(f, "    {message}\n    do: {fix}")
    }
}

struct DoorLine<'a>(&'a Seen);

impl fmt::Display for DoorLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Seen { door, outcome, verdict, looks } = self.0;
        let origin = door.check.origin.as_ref().map_or("", |rule| rule.name.as_str());
        let (mark, told) = match (verdict, door.check.expect()) {
            (Verdict::Pass, Expect::Allow) => ('✔', "let in"),
            (Verdict::Pass, Expect::Deny) => ('✔', "refused"),
            (verdict, _) => {
                let mark = if *verdict == Verdict::Fail { '✘' } else { '?' };
                (mark, outcome.failure.as_ref().map_or("", |failure| failure.reason().code()))
            }
        };
        let status = outcome.observation.http_status.filter(|_| *verdict != Verdict::Pass);
        let status = status.map_or(String::new(), |status| format!(" {status}"));
        let looks = if *looks == 1 { String::new() } else { format!("  ({looks} looks)") };
        writeln!(f, "  {mark} {origin:<40} {told}{status}{looks}")?;
        let remarks = outcome.observation.messaging.iter().flat_map(|seen| &seen.remarks);
        for remark in remarks.filter(|_| *verdict == Verdict::Pass) {
            writeln!(f, "      but: {}", remark.warning.sentence())?;
        }
        match &outcome.failure {
            Some(failure) if *verdict != Verdict::Pass => {
                let reason = failure.reason();
                let evidence = failure.evidence();
                writeln!(f, "      {}", reason.sentence())?;
                if !evidence.is_empty() {
                    writeln!(f, "      seen: {evidence}")?;
                }
                writeln!(f, "      do: {}", reason.fix())
            }
            _ => Ok(()),
        }
    }
}

struct HookOutcome<'a>(&'a Hook);

impl fmt::Display for HookOutcome<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Hook { name, stage, refusal, .. } = self.0;
        let told = match stage {
            HookStage::AsDeclared => "as declared, nothing was written",
            HookStage::Exists => "there already; the platform does not say what it is",
            HookStage::ToMake => "to be made, and not touched",
            HookStage::ToChange => "to be changed, and not touched",
            HookStage::Writing => "a write was under way: it may have been done or not",
            HookStage::Made => "made",
            HookStage::Changed => "changed",
            HookStage::Refused => "not as declared",
        };
        writeln!(f, "webhook \"{name}\": {told}")?;
        refusal.as_ref().map_or(Ok(()), |refusal| write!(f, "{}", Why(refusal)))
    }
}
