//! The turns of an incident: opened, told of, closed.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::note::{failed, note, note_change, strike};
use super::{BLIND_SPOT_WITHIN, CHANGED_EVERY, Case, Dirt, FLAPPING, MAX_UNWRITTEN, Watched};
use crate::correlate::Minute;
use crate::health::State;
use crate::incident::cause::Whose;
use crate::incident::id::IncidentId;
use crate::incident::minutes::Minutes;
use crate::incident::notice::{Event, Notice};
use crate::incident::now::Reach;
use crate::incident::record::{Closed, Ended, Incident, LastWord, Trouble};
use crate::incident::severity::{Impact, weigh};
use crate::incident::timeline::{Timeline, What};
use crate::incident::{ChangeEvent, ChangeSource};

impl Case {
    pub(super) fn open(
        &mut self,
        trouble: Trouble,
        from: Option<Timestamp>,
        changes: &VecDeque<ChangeEvent>,
        now: Timestamp,
    ) -> Option<Notice> {
        let last = self.incident.take();
        let goes_on = last
            .as_ref()
            .and_then(|last| last.closed)
            .is_some_and(|closed| now.duration_since(closed.at) < FLAPPING);
        let down = self.checks.iter().filter(|(_, watched)| watched.health == State::Down);
        let first_run = |watched: &Watched| Some(watched.failing.front()?.at);
        let first = down.clone().filter_map(|(_, watched)| first_run(watched)).min();
        let began_at = from.or(first).unwrap_or(now).min(now);
        let mut incident = match last {
            Some(mut last) if goes_on => {
                last.closed = None;
                last.reopened += 1;
                // What it was before it ended may not be what it is now.
                last.trouble = trouble;
                last.timeline.add(now, What::Reopened { trouble });
                last
            }
            Some(last) if self.dirt != Dirt::None && self.unwritten.len() < MAX_UNWRITTEN => {
                self.unwritten.push(last);
                self.blank(trouble, began_at, now)
            }
            Some(_) | None => self.blank(trouble, began_at, now),
        };
        let runs = down.flat_map(|(_, watched)| &watched.failing);
        let mut runs: Vec<_> = runs.cloned().collect();
        runs.sort_by_key(|run| run.at);
        for (number, run) in runs.iter().enumerate() {
            let (check, cause) = (run.check.to_string(), run.cause);
            let first = number == 0 && !run.confirm;
            let what = if first { What::FirstBad { check, cause } } else { failed(run) };
            incident.timeline.add(run.at, what);
        }
        for run in &runs {
            note(&mut incident, run);
        }
        // Those that were down already when this program began to look have no run on file.
        for (id, watched) in &self.checks {
            let id = id.as_str();
            if watched.health == State::Down && !incident.checks.contains_key(id) {
                strike(&mut incident, id, watched.expect, None, now);
            }
        }
        let early = Minute::of(began_at).0 - BLIND_SPOT_WITHIN;
        for minute in self.minutes.iter().filter(|minute| minute.minute.0 >= early) {
            incident.minutes.put(*minute);
        }
        for change in changes.iter().filter(|change| change.concerns(&self.endpoint)) {
            note_change(&mut incident, change);
        }
        if let Some(hint) = &self.hint {
            // It may have begun long before: whoever asks whose trouble this is wants to know.
            let (source, what) = (ChangeSource::StatusPage, format!("at this moment: {hint}"));
            incident.timeline.add(now, What::Change { source, what, who: None });
        }
        self.incident = Some(incident);
        self.weigh(now);
        let incident = self.incident.as_mut()?;
        if incident.reopened == 0 {
            let (trouble, severity) = (incident.trouble, incident.severity);
            incident.timeline.add(now, What::Opened { trouble, severity });
        }
        self.tell(Event::Opened, now)
    }

    fn blank(&self, trouble: Trouble, began_at: Timestamp, now: Timestamp) -> Incident {
        let (severity, weights) = weigh(&Impact::default());
        Incident {
            id: IncidentId::new(&self.endpoint, now),
            endpoint: self.endpoint.clone(),
            owner: self.owner.clone(),
            trouble,
            severity,
            worst: severity,
            weights,
            whose: Whose::Unknown,
            began_at,
            opened_at: now,
            closed: None,
            reopened: 0,
            checks: BTreeMap::new(),
            reach: Reach::default(),
            unproven: false,
            minutes: Minutes::default(),
            timeline: Timeline::default(),
            evidence: Vec::new(),
            next_exhibit: 1,
            last_word: LastWord { notices: 0, at: now, trouble, severity },
        }
    }

    pub(super) fn tell_change(&mut self, now: Timestamp) -> Option<Notice> {
        let incident = self.incident.as_ref()?;
        let told = incident.last_word;
        let same = (told.trouble, told.severity) == (incident.trouble, incident.severity);
        let soon = now.duration_since(told.at) < CHANGED_EVERY && now >= told.at;
        if same || soon { None } else { self.tell(Event::Changed, now) }
    }

    pub(super) fn close(&mut self, why: Ended, now: Timestamp) -> Option<Notice> {
        let incident = self.incident.as_mut()?;
        incident.closed = Some(Closed { at: now, why });
        incident.unproven = false;
        incident.timeline.add(now, What::Closed { why });
        self.tell(Event::Closed, now)
    }

    fn tell(&mut self, event: Event, now: Timestamp) -> Option<Notice> {
        self.dirt = Dirt::Story;
        let incident = self.incident.as_mut()?;
        let (trouble, severity) = (incident.trouble, incident.severity);
        let told = incident.last_word;
        let notices = told.notices + 1;
        incident.last_word = LastWord { notices, at: now, trouble, severity };
        let before = (told.notices > 0).then_some((told.trouble, told.severity));
        let before = before.filter(|before| *before != (trouble, severity));
        Some(Notice { event, at: now, incident: incident.clone(), before })
    }
}
