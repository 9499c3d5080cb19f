//! Minutes of each endpoint: what its probes saw, how its users fared.

mod judging;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::Timestamp;

use super::conversations::{self, Conversations, Kept};
use super::numbers::Counted;
use super::tables::{self, Row, Table, Whose};
use crate::check::Check;
use crate::check::endpoint::EndpointName;
use crate::check::origin::Expect;
use crate::correlate::conversation::{Contribution, Conversation, Outcome};
use crate::correlate::journal::Journal;
use crate::correlate::mapping::{Layer, Mapping};
use crate::correlate::series::{Hour, KEPT_MINUTES, Series, Sign, oldest_hour};
use crate::correlate::sights::{Carry, Run, Sights};
use crate::correlate::{Minute, Settings, Silence, Window};
use crate::event::key::Key;
use crate::inbox::reader::{Reader, StoredEvent};
use crate::inbox::{Changes, InboxError};
use crate::record::row::RunResult;
use crate::record::told::Told;

/// Why events were not taken up; what was made of the others of their batch is undone.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The file.
    #[error("the events file cannot be read: {0}")]
    File(#[from] rusqlite::Error),
    /// The event with this place breaks what is made of it: a bug.
    #[error("event {0} cannot be worked on")]
    Event(u64),
}

/// Every open minute.
#[derive(Debug)]
pub struct Windows {
    settings: Settings,
    mapping: Mapping,
    series: BTreeMap<Whose, Series>,
    sights: BTreeMap<EndpointName, Sights>,
    conversations: Conversations,
    /// The last minute that was judged as time went on.
    closed: Minute,
    /// What time it is for what is thrown away: it follows the clock slowly, so that a clock that
    /// leaps and comes back costs nothing.
    believed: Minute,
    /// Something is thrown away with the next writing.
    sweeping: bool,
    /// Counts that count once they are written.
    pending: BTreeMap<Whose, Counted>,
    before: Before,
}

/// What a step that fails goes back to.
#[derive(Debug, Default)]
struct Before {
    closed: Minute,
    dirty: BTreeMap<Whose, Option<Minute>>,
}

impl Windows {
    /// As the file knows them.
    pub fn restore(
        reader: &Reader,
        checks: &[Arc<Check>],
        settings: Settings,
        now: Timestamp,
    ) -> Result<Self, InboxError> {
        let connection = reader.connection();
        let mut series: BTreeMap<Whose, Series> = BTreeMap::new();
        for (whose, rows) in tables::read(connection, Table::Minutes, Minute)? {
            series.entry(whose).or_default().minutes = Journal::of(rows);
        }
        for (whose, rows) in tables::read(connection, Table::Hours, Hour)? {
            series.entry(whose).or_default().hours = Journal::of(rows);
        }
        let mut carries = carries(reader)?;
        let mut sights: BTreeMap<EndpointName, Sights> = BTreeMap::new();
        for (whose, rows) in tables::read(connection, Table::Sights, Minute)? {
            let Some(name) = whose else { continue };
            let carries = carries.remove(&name).unwrap_or_default();
            sights.insert(name, Sights::of(rows, carries));
        }
        for (name, carries) in carries {
            sights.insert(name, Sights::of(BTreeMap::new(), carries));
        }
        let believed = Minute::of(now);
        let mut windows = Self {
            settings,
            mapping: Mapping::default(),
            series,
            sights,
            conversations: Conversations::default(),
            closed: Minute(0),
            believed,
            sweeping: true,
            pending: BTreeMap::new(),
            before: Before::default(),
        };
        windows.change(checks);
        windows.closed = windows.closed_before(now);
        Ok(windows)
    }

    /// Takes in how a run ended.
    pub fn told(&mut self, told: &Told) {
        let Told { check, row, health: (_, health), since, .. } = told;
        let name = &check.endpoint.name;
        if check.expect() != Expect::Allow || !self.mapping.takers().contains(name) {
            return;
        }
        let passed = match row.result {
            RunResult::Success => Some(true),
            RunResult::Failure => Some(false),
            RunResult::Inconclusive | RunResult::Missed => None,
        };
        let first = self.sights.entry(name.clone()).or_default().told(Run {
            check: &check.id,
            interval: check.cadence.interval(),
            // By its slot: a run a minute is then one in each minute.
            minute: Minute::of(row.slot.planned),
            passed,
            health: *health,
            since: Minute::of(*since),
        });
        self.series.entry(Some(name.clone())).or_default().soil(first);
    }

    /// This monitor sees nothing.
    pub fn blind(&mut self) {
        self.sights.values_mut().for_each(Sights::blind);
    }

    /// Takes up another list of checks. What was mapped otherwise stays so until it changes.
    pub fn change(&mut self, checks: &[Arc<Check>]) {
        let mut names = BTreeSet::new();
        let endpoints = checks.iter().map(|check| &*check.endpoint);
        self.mapping = Mapping::new(endpoints.filter(|endpoint| names.insert(&endpoint.name)));
        let ids: BTreeSet<_> = checks.iter().map(|check| check.id.as_str()).collect();
        self.sights.values_mut().for_each(|sights| sights.retain(|id| ids.contains(id)));
    }

    /// Takes up other settings, for what is judged from now on.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Takes in events; gives the windows that were judged for the first time, or otherwise than
    /// before. `more` says that others wait behind them.
    pub fn fold(
        &mut self,
        reader: &Reader,
        events: &[StoredEvent],
        more: bool,
        now: Timestamp,
    ) -> Result<Vec<Window>, Trouble> {
        let dirty = self.series.iter().map(|(whose, series)| (whose.clone(), series.dirty));
        self.before = Before { closed: self.closed, dirty: dirty.collect() };
        for event in events {
            let Some((id, facts)) = Conversation::of(&event.arrival.event) else { continue };
            // One that breaks this must not stop all others for ever.
            contained(event.seq, || self.learn(reader, id, facts))?;
        }
        self.tell();
        // What waits may be of minutes that would be judged without it.
        let heard = events.last().filter(|_| more).map(|event| event.arrival.received_at);
        Ok(self.judge(now, heard))
    }

    /// More is known of a conversation.
    fn learn(&mut self, reader: &Reader, id: &Key, facts: Conversation) -> rusqlite::Result<()> {
        let known = self.conversations.find(reader, id)?;
        let mut kept = match known.clone() {
            Some(mut kept) => {
                kept.facts.merge(facts);
                kept
            }
            None => Kept { facts, counted: None, told: false },
        };
        if known.is_some_and(|known| known.facts == kept.facts) {
            return Ok(());
        }
        let counts = kept.facts.contribution(&self.mapping);
        if counts != kept.counted {
            self.recount(kept.counted.as_ref(), counts.as_ref());
            kept.counted = counts;
        }
        self.conversations.put(id.clone(), kept);
        Ok(())
    }

    /// Counts what is otherwise, and that alone: what was judged since a minute that is counted is
    /// judged again.
    fn recount(&mut self, before: Option<&Contribution>, now: Option<&Contribution>) {
        let start = |counts: &Contribution| (counts.endpoint.clone(), counts.begun);
        let end = |counts: &Contribution| Some((counts.endpoint.clone(), counts.ended?));
        let starts = (before.map(start), now.map(start));
        let ends = (before.and_then(end), now.and_then(end));
        if starts.0 != starts.1 {
            for ((whose, minute), sign) in signed(starts) {
                self.series.entry(whose).or_default().start(minute, sign);
            }
        }
        if ends.0 != ends.1 {
            for ((whose, (minute, outcome)), sign) in signed(ends) {
                self.series.entry(whose).or_default().end(minute, outcome, sign);
            }
        }
    }

    /// Counts conversations whose end is known, each once.
    fn tell(&mut self) {
        for kept in self.conversations.touched().filter(|kept| !kept.told) {
            let Some(contribution) = &kept.counted else { continue };
            let Some((_, outcome)) = contribution.ended else { continue };
            kept.told = true;
            let pending = self.pending.entry(contribution.endpoint.clone()).or_default();
            for (count, one) in pending.conversations.iter_mut().zip(Outcome::ALL) {
                *count += u64::from(one == outcome);
            }
        }
    }

    /// What is to be written, if anything.
    pub fn unwritten(&mut self) -> Option<Changes> {
        let conversations = self.conversations.unwritten();
        let mut rows = Vec::new();
        for (whose, series) in &self.series {
            let row = |(minute, row): (Minute, &_)| Row::new(Table::Minutes, whose, minute.0, row);
            rows.extend(series.minutes.changed().filter_map(row));
            let row = |(hour, row): (Hour, &_)| Row::new(Table::Hours, whose, hour.0, row);
            rows.extend(series.hours.changed().filter_map(row));
        }
        let mut carries = Vec::new();
        for (name, sights) in &self.sights {
            let whose = Some(name.clone());
            let row = |(minute, row): (Minute, &_)| Row::new(Table::Sights, &whose, minute.0, row);
            rows.extend(sights.rows.changed().filter_map(row));
            let changed = sights.changed_carries();
            let text = changed.and_then(|carries| serde_json::to_string(&carries).ok());
            carries.extend(text.map(|text| (name.to_string(), text)));
        }
        let floor = self.sweeping.then_some(Minute(self.believed.0 - KEPT_MINUTES));
        let now_us = self.believed.begin().as_microsecond();
        if conversations.is_empty() && rows.is_empty() && carries.is_empty() && floor.is_none() {
            return None;
        }
        Some(Box::new(move |transaction| {
            conversations::write(transaction, &conversations)?;
            rows.iter().try_for_each(|row| row.write(transaction))?;
            let mut upsert = transaction
                .prepare_cached("INSERT OR REPLACE INTO carries (endpoint, row) VALUES (?1, ?2)")?;
            carries.iter().try_for_each(|carry| upsert.execute((&carry.0, &carry.1)).map(drop))?;
            if let Some(floor) = floor {
                tables::delete_before(transaction, Table::Minutes, floor.0)?;
                tables::delete_before(transaction, Table::Sights, floor.0)?;
                tables::delete_before(transaction, Table::Hours, oldest_hour(floor).0)?;
                conversations::sweep(transaction, now_us)?;
            }
            Ok(())
        }))
    }

    /// It was written; gives what is counted by that.
    pub fn written(&mut self) -> BTreeMap<Whose, Counted> {
        self.conversations.written();
        self.series.values_mut().for_each(Series::settle);
        self.sights.values_mut().for_each(Sights::settle);
        self.sweeping = false;
        std::mem::take(&mut self.pending)
    }

    /// It was not: what is known of events is what the file says. What was told of runs stays.
    pub fn forget(&mut self) {
        self.conversations.forget();
        for (whose, series) in &mut self.series {
            series.undo();
            series.dirty = self.before.dirty.get(whose).copied().flatten();
        }
        self.closed = self.before.closed;
        self.pending.clear();
    }

    /// The minutes and hours of an endpoint's users.
    pub fn series(&self, whose: &Whose) -> Option<&Series> {
        self.series.get(whose)
    }

    /// The last minute that was judged.
    pub fn closed(&self) -> Minute {
        self.closed
    }

    /// Against what a silence is held.
    pub fn silence(&self) -> Silence {
        self.settings.silence
    }

    /// Where a conversation belongs, and by what that is known.
    pub fn place(&self, reader: &Reader, id: &Key) -> rusqlite::Result<(Whose, Option<Layer>)> {
        let kept = self.conversations.find(reader, id)?;
        Ok(kept.map_or((None, None), |kept| kept.facts.place(&self.mapping)))
    }

    /// The file is another one: all that is known belongs into it.
    pub fn rewrite(&mut self) {
        for series in self.series.values_mut() {
            series.minutes.rewrite();
            series.hours.rewrite();
        }
        self.sights.values_mut().for_each(Sights::rewrite);
    }

    /// The endpoints that take users.
    pub fn takers(&self) -> &BTreeSet<EndpointName> {
        self.mapping.takers()
    }
}

/// What was counted comes off, what is so now is added.
fn signed<T>((before, now): (Option<T>, Option<T>)) -> impl Iterator<Item = (T, Sign)> {
    let off = before.map(|counted| (counted, Sign::Minus));
    off.into_iter().chain(now.map(|counted| (counted, Sign::Plus)))
}

/// Works on an event: what breaks is told, and ends nothing else.
fn contained(seq: u64, work: impl FnOnce() -> rusqlite::Result<()>) -> Result<(), Trouble> {
    Ok(catch_unwind(AssertUnwindSafe(work)).map_err(|_| Trouble::Event(seq))??)
}

/// What slow checks found last, by endpoint.
fn carries(reader: &Reader) -> rusqlite::Result<BTreeMap<EndpointName, BTreeMap<String, Carry>>> {
    let mut select = reader.connection().prepare("SELECT endpoint, row FROM carries")?;
    let mut rows = select.query([])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let name = EndpointName::try_from(row.get::<_, String>(0)?);
        let carries = serde_json::from_str(row.get_ref(1)?.as_str()?);
        if let (Ok(name), Ok(carries)) = (name, carries) {
            found.insert(name, carries);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
