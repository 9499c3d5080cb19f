//! An incident or a maintenance that the page tells of.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::event::key::Key;
use crate::genesys::moment;
use crate::outcome::quoted::Quoted;

/// Updates that are read of one notice.
const MAX_UPDATES: usize = 100;

/// Components that are read of one notice.
const MAX_COMPONENTS: usize = 1000;

/// Longest name that is shown.
const MAX_NAME: usize = 120;

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Something fails.
    Incident,
    /// Somebody works on something.
    Maintenance,
}

impl NoticeKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Maintenance => "maintenance",
        }
    }
}

/// An incident or a maintenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// By what the page knows it.
    pub id: Key,
    /// Which of the two it is.
    pub kind: NoticeKind,
    /// Its title.
    pub name: Quoted,
    /// How far it is: `investigating`, `scheduled`.
    pub status: Key,
    /// How bad it is, of an incident.
    pub impact: Option<Key>,
    /// Since when it is known.
    pub since: Timestamp,
    /// When a maintenance begins and ends.
    pub planned: Option<(Timestamp, Timestamp)>,
    #[serde(skip)]
    steps: Vec<(Timestamp, Key)>,
}

impl Notice {
    /// Reads one, with the ids of the components that it names.
    pub(super) fn read(row: &Value, kind: NoticeKind) -> Option<(Self, Vec<&str>)> {
        let text = |field: &str| row.get(field).and_then(Value::as_str);
        let key = |field: &str| Key::new(text(field)?).ok();
        let time = |field: &str| moment::read(row.get(field)?);
        let status = key("status")?;
        let since = time("created_at").or_else(|| time("started_at"))?;
        let name = text("name").unwrap_or_default();
        let name = name
            .char_indices()
            .nth(MAX_NAME)
            .map_or(name, |(cut, _)| name.get(..cut).unwrap_or(name));
        let list = |field: &str| row.get(field).and_then(Value::as_array).into_iter().flatten();
        let mut steps: Vec<(Timestamp, Key)> = Vec::new();
        for update in list("incident_updates").take(MAX_UPDATES) {
            let at = update.get("created_at").and_then(moment::read);
            let status = update.get("status").and_then(Value::as_str);
            let status = status.and_then(|status| Key::new(status).ok());
            if let (Some(at), Some(status)) = (at, status) {
                step(&mut steps, at, status);
            }
        }
        if !steps.iter().any(|(_, known)| *known == status) {
            // No update tells of it: it has been so since the page last touched it.
            let at = if steps.is_empty() { None } else { time("updated_at") };
            step(&mut steps, at.unwrap_or(since), status.clone());
        }
        steps.sort();
        let notice = Self {
            id: key("id")?,
            kind,
            name: Quoted::text(name),
            status,
            impact: key("impact").filter(|_| kind == NoticeKind::Incident),
            since,
            planned: time("scheduled_for").zip(time("scheduled_until")),
            steps,
        };
        let components = list("components").take(MAX_COMPONENTS);
        let components = components.filter_map(|component| component.get("id")?.as_str());
        Some((notice, components.collect()))
    }

    /// Whether it is of now: an incident, or a maintenance that has begun.
    pub fn goes_on(&self) -> bool {
        match self.kind {
            NoticeKind::Incident => !["resolved", "postmortem"].contains(&self.status.as_str()),
            NoticeKind::Maintenance => ["in_progress", "verifying"].contains(&self.status.as_str()),
        }
    }

    /// What it came through: each status, when that was first told.
    pub fn updates(&self) -> impl Iterator<Item = (Timestamp, String)> {
        self.steps.iter().map(|(at, status)| (*at, self.told(status)))
    }

    /// How far it is, in one line.
    pub fn words(&self) -> String {
        self.told(&self.status)
    }

    /// That it is over, as far as the page tells: it is not on it any more.
    pub fn over(&self) -> String {
        format!("{} {} \"{}\" is over", self.kind.as_str(), self.id, self.name)
    }

    fn told(&self, status: &Key) -> String {
        let impact = self.impact.as_ref().map_or(String::new(), |impact| format!("{impact}, "));
        let planned =
            self.planned.map_or(String::new(), |(from, to)| format!(" from {from} to {to}"));
        format!("{} {} \"{}\" ({impact}{status}){planned}", self.kind.as_str(), self.id, self.name)
    }
}

/// The first time of each status.
fn step(steps: &mut Vec<(Timestamp, Key)>, at: Timestamp, status: Key) {
    match steps.iter_mut().find(|(_, known)| *known == status) {
        Some((first, _)) => *first = at.min(*first),
        None => steps.push((at, status)),
    }
}
