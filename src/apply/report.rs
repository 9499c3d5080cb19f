//! What is known of a run so far. It is written while the run goes on, so that whoever interrupts
//! one learns what state things are in.

use std::time::Duration;

use super::doors::Seen;
use super::objects::WriteTrouble;
use super::plan::{Change, Declared};
use super::summary::{Metrics, Summary, millis};
use super::write::WriteError;
use crate::event::key::Key;
use crate::genesys::trouble::Trouble;
use crate::outcome::quoted::Quoted;
use crate::outcome::verdict::Verdict;

/// A run.
#[derive(Debug, Default)]
pub struct Report {
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// In the order of the file.
    pub objects: Vec<Object>,
    /// The webhook, where one is to be registered.
    pub webhook: Option<Hook>,
    /// What could not be asked for before anything was written.
    pub unread: Option<Refusal>,
    /// Whether it came to its end.
    pub ended: bool,
}

/// Why no door of an object is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoDoors {
    /// The file names no origins.
    NoOrigins,
    /// Nobody says where they are who may be believed.
    NoAddress,
}

impl NoDoors {
    /// In words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoOrigins => "the file names no origins",
            Self::NoAddress => "the file has no webchat-url, and that of the platform is not used",
        }
    }
}

/// One object.
#[derive(Debug)]
pub struct Object {
    /// `deployments[0]`
    pub place: String,
    /// `deployment` or `channel`.
    pub noun: &'static str,
    /// Its id.
    pub id: Key,
    /// Its name, as it was read.
    pub name: Option<Quoted>,
    /// What is to be changed, and what was there before.
    pub plan: Vec<Change>,
    /// How far it has come.
    pub stage: Stage,
    /// What was really changed.
    pub changed: Vec<Change>,
    /// How often somebody else was faster.
    pub conflicts: u32,
    /// How long the write took.
    pub took: Option<Duration>,
    /// Why it was not written, or not put back.
    pub refusal: Option<Refusal>,
    /// Its doors, as they were seen last.
    pub doors: Vec<Seen>,
    /// Whether it says why there are none.
    pub without_doors: Option<NoDoors>,
    /// The list on the CDN.
    pub cdn: Option<Cdn>,
    /// Fields that somebody else has changed since, which were not put back.
    pub left: Vec<String>,
    /// Its doors, after the former values were put back.
    pub doors_after: Vec<Seen>,
}

/// How far an object has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// There is nothing to change.
    AsDeclared,
    /// It is to be changed, and was not touched.
    Planned,
    /// A write is under way: nobody knows whether it was done.
    Writing,
    /// It was written.
    Written,
    /// The write was refused.
    Refused,
    /// The former values are being put back: nobody knows whether that was done.
    Undoing,
    /// The former values are there again.
    Undone,
    /// They could not be put back.
    NotUndone,
}

/// The list on the CDN, which browsers go by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cdn {
    /// It is that of the platform.
    Same,
    /// It is another one.
    Stale,
    /// It could not be read.
    Unread(Refusal),
}

/// A webhook.
#[derive(Debug)]
pub struct Hook {
    /// By which it is found again.
    pub name: String,
    /// Its id, where the platform says it.
    pub id: Option<Quoted>,
    /// What it must be.
    pub fields: Vec<Declared>,
    /// What was, or is to be, changed; nothing where it is made.
    pub plan: Vec<Change>,
    /// What becomes of it.
    pub stage: HookStage,
    /// Why not.
    pub refusal: Option<Refusal>,
}

/// What becomes of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookStage {
    /// It is there, as it must be.
    AsDeclared,
    /// It is there, and nobody says what it is.
    Exists,
    /// It is to be made.
    ToMake,
    /// It is to be changed.
    ToChange,
    /// It is being made or changed: nobody knows whether that was done.
    Writing,
    /// It was made.
    Made,
    /// It was changed.
    Changed,
    /// It could not be made or changed.
    Refused,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A word for it.
    pub code: &'static str,
    /// In words.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// There is nothing to do, and the doors are as declared.
    NothingToDo,
    /// There is something to do, and nothing was done.
    Planned,
    /// All is as declared.
    Done,
    /// A write was refused, or a door is not as declared.
    Failed,
    /// The same, and the former values are there again.
    RolledBack,
    /// Nobody knows.
    Inconclusive,
    /// It was interrupted.
    Interrupted,
}

impl Ending {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingToDo => "nothing_to_do",
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Inconclusive => "inconclusive",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Stage {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsDeclared => "as_declared",
            Self::Planned => "planned",
            Self::Writing => "writing",
            Self::Written => "written",
            Self::Refused => "refused",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::NotUndone => "not_undone",
        }
    }
}

impl HookStage {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AsDeclared => "as_declared",
            Self::Exists => "exists",
            Self::ToMake => "to_make",
            Self::ToChange => "to_change",
            Self::Writing => "writing",
            Self::Made => "made",
            Self::Changed => "changed",
            Self::Refused => "refused",
        }
    }

    fn is_pending(self) -> bool {
        matches!(self, Self::ToMake | Self::ToChange)
    }
}

impl Object {
    /// One that was read and is to be changed so.
    pub fn new(place: &str, noun: &'static str, id: Key, plan: Vec<Change>) -> Self {
        let stage = if plan.is_empty() { Stage::AsDeclared } else { Stage::Planned };
        Self {
            place: place.to_owned(),
            noun,
            id,
            name: None,
            plan,
            stage,
            changed: Vec::new(),
            conflicts: 0,
            took: None,
            refusal: None,
            doors: Vec::new(),
            without_doors: None,
            cdn: None,
            left: Vec::new(),
            doors_after: Vec::new(),
        }
    }

    /// Whether something of it may be other than it was.
    pub fn is_touched(&self) -> bool {
        !self.changed.is_empty()
    }

    /// What its doors and its list come to.
    pub fn verdict(&self) -> Verdict {
        let doors = self.doors.iter().map(|seen| seen.verdict);
        let cdn = (self.cdn == Some(Cdn::Stale)).then_some(Verdict::Fail);
        // Pages are declared, and nobody could look whether they get in.
        let unseen =
            (self.without_doors == Some(NoDoors::NoAddress)).then_some(Verdict::Inconclusive);
        worst(doors.chain(cdn).chain(unseen))
    }
}

impl Report {
    /// Whether anything is to be written.
    pub fn has_plan(&self) -> bool {
        let hook = self.webhook.as_ref().is_some_and(|hook| hook.stage.is_pending());
        hook || self.objects.iter().any(|object| !object.plan.is_empty())
    }

    /// Whether something was refused.
    pub fn is_refused(&self) -> bool {
        let hook = self.webhook.as_ref().is_some_and(|hook| hook.stage == HookStage::Refused);
        let refused = |object: &Object| matches!(object.stage, Stage::Refused | Stage::NotUndone);
        hook || self.objects.iter().any(refused)
    }

    /// What the doors come to.
    pub fn verdict(&self) -> Verdict {
        worst(self.objects.iter().map(Object::verdict))
    }

    /// Whether the former values are there again.
    pub fn is_undone(&self) -> bool {
        let mut touched = self.objects.iter().filter(|object| object.is_touched()).peekable();
        touched.peek().is_some() && touched.all(|object| object.stage == Stage::Undone)
    }

    /// How it ended.
    pub fn ending(&self) -> Ending {
        if self.unread.is_some() {
            return Ending::Inconclusive;
        }
        if !self.ended {
            return Ending::Interrupted;
        }
        if self.dry_run {
            return if self.has_plan() { Ending::Planned } else { Ending::NothingToDo };
        }
        if self.is_undone() {
            return Ending::RolledBack;
        }
        match self.verdict() {
            _ if self.is_refused() => Ending::Failed,
            Verdict::Fail => Ending::Failed,
            Verdict::Inconclusive => Ending::Inconclusive,
            Verdict::Pass if self.is_changed() => Ending::Done,
            Verdict::Pass => Ending::NothingToDo,
        }
    }

    fn is_changed(&self) -> bool {
        let hook = self.webhook.as_ref().map(|hook| hook.stage);
        matches!(hook, Some(HookStage::Made | HookStage::Changed))
            || self.objects.iter().any(Object::is_touched)
    }

    /// The figures.
    pub fn summary(&self) -> Summary {
        let mut metrics = Metrics::default();
        for object in &self.objects {
            let written = match object.stage {
                Stage::AsDeclared | Stage::Planned | Stage::Writing => None,
                Stage::Refused => Some(false),
                Stage::Written | Stage::Undoing | Stage::Undone | Stage::NotUndone => {
                    Some(object.took.is_some())
                }
            };
            if let Some(success) = written {
                metrics.updates.add(success, object.took.map(millis));
            }
            for seen in &object.doors {
                let opened = seen.outcome.observation.upgraded;
                let time = seen.outcome.observation.phases.to_open();
                let success = seen.verdict == Verdict::Pass;
                metrics.handshakes.add(success, opened.then(|| millis(time)));
            }
        }
        Summary::of(metrics)
    }
}

impl From<&Trouble> for Refusal {
    fn from(trouble: &Trouble) -> Self {
        let fix = trouble.kind.fix().to_owned();
        Self { code: trouble.kind.code(), message: trouble.to_string(), fix }
    }
}

impl From<&WriteError> for Refusal {
    fn from(error: &WriteError) -> Self {
        let (code, fix) = match error {
            WriteError::Refused(WriteTrouble::Trouble(trouble)) => return trouble.into(),
            WriteError::Refused(WriteTrouble::Misshapen(_)) => {
                ("misshapen", "See what answers at that URL: the object is of another kind.")
            }
            WriteError::Contended(_) => {
                ("contended", "See who else writes it, and try again when they have finished.")
            }
            WriteError::NotHeld(_) => (
                "not_held",
                "See whether the platform lets these fields be set, and who resets them.",
            ),
        };
        Self { code, message: error.to_string(), fix: fix.to_owned() }
    }
}

fn worst(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.fold(Verdict::Pass, |worst, verdict| match (worst, verdict) {
        (Verdict::Fail, _) | (_, Verdict::Fail) => Verdict::Fail,
        (Verdict::Inconclusive, _) | (_, Verdict::Inconclusive) => Verdict::Inconclusive,
        _ => Verdict::Pass,
    })
}
