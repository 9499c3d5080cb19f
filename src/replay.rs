//! Rules over the stored history: what they would have told, had they been there.
//!
//! PromQL is Prometheus' own: one is started on loopback, over what it would have scraped. Only
//! `for` and `keep_firing_for` are applied here.

mod alert;
mod needs;
mod prometheus;
mod scrapes;
mod work;

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::config::Config;
use crate::database::DatabaseError;
use crate::outbound::{OutboundError, SetupError};
use crate::outcome::quoted::Quoted;
use crate::record::store::past::PastReader;
use alert::Follower;
pub use alert::Told;
use prometheus::{Rule, Server, Tool};
use scrapes::Scrapes;
use work::{DAY, Work};

/// The longest time that the shipped rules look back over: what is written lies so far before what
/// is asked for.
pub const LEAD: SignedDuration = SignedDuration::from_hours(72);

/// What is to be replayed.
#[derive(Debug)]
pub struct Question<'a> {
    /// The checks, and where their store is.
    pub config: &'a Config,
    /// The rule file.
    pub rules: &'a str,
    /// From when on.
    pub from: Timestamp,
    /// Up to when.
    pub to: Timestamp,
    /// Time between two scrapes, and between two evaluations where a group has no interval.
    pub step: Duration,
}

/// What the rules would have told.
#[derive(Debug, Serialize)]
pub struct Replay {
    /// From when on there is history, or was asked for.
    pub from: Timestamp,
    /// Up to when.
    pub to: Timestamp,
    /// Runs that were read, also of before.
    pub runs: u64,
    /// Checks that the store knows and the config does not: their runs are left out.
    pub unknown_checks: Vec<String>,
    /// In the order in which they would have begun.
    pub told: Vec<Told>,
    /// Alerts that nobody can tell about.
    pub not_replayed: Vec<Left>,
    /// Alerts that look back over longer than what is read of before: the beginning of what they
    /// tell is of less than they ask for.
    pub short: Vec<Short>,
}

/// An alert that looks far back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Short {
    /// Its name.
    pub alert: String,
    /// Over how many seconds.
    pub looks_back: u64,
}

/// An alert that was not replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Its name.
    pub alert: String,
    /// What it asks for that the store does not keep.
    pub needs: Vec<String>,
}

/// Why there is no replay.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Not installed.
    #[error(
        "there is no {0} in PATH: a replay asks Prometheus itself, with promtool beside it (on \
         Debian: apt install prometheus)"
    )]
    Missing(&'static str),
    /// It says no.
    #[error("{tool}: {said}")]
    Refused {
        /// Which tool.
        tool: &'static str,
        /// The end of what it wrote.
        said: Quoted,
    },
    /// The rule file is none.
    #[error("promtool does not take the rule file: {0}")]
    Rules(Quoted),
    /// There is nothing to replay.
    #[error("the store knows of no run in that time")]
    NoHistory,
    /// The file.
    #[error("the store: {0}")]
    Store(#[from] DatabaseError),
    /// SQLite.
    #[error("the store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The folder to work in.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The client.
    #[error("{0}")]
    Setup(#[from] SetupError),
    /// Prometheus does not answer.
    #[error("prometheus: {0}")]
    Outbound(#[from] OutboundError),
    /// It answers something else.
    #[error("prometheus: {0}")]
    Answer(Quoted),
}

/// Replays rules; `progress` hears what is being done.
pub async fn replay(
    question: &Question<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Replay, ReplayError> {
    let work = Work::begin()?;
    work.write("rules.yml", question.rules)?;
    Tool::Promtool.check_rules(&work)?;
    progress("reading the rules");
    let rules = Server::start(&work, Some("rules.yml"), question.step).await?.rules().await?;

    let recorded = needs::Recorded::of(&rules);
    let sorted = recorded.sort(&rules);
    let reader = PastReader::open(&question.config.store.path)?;
    let begin = question.from.saturating_sub(LEAD).unwrap_or(question.from);
    let mut scrapes = Scrapes::new(question.config, &sorted.families, question.step);
    let (runs, unknown) = history(&reader, begin, question.to, &mut scrapes, &work, progress)?;
    let Some(first) = scrapes.first() else { return Err(ReplayError::NoHistory) };

    // What looks back over five minutes in Prometheus looks back over two scrapes here: a series
    // that ended cannot be marked as such in a text.
    let longest = rules.iter().map(|rule| rule.interval).max().unwrap_or_default();
    let lookback = longest.max(question.step) + question.step;
    for (number, level) in sorted.levels.iter().enumerate() {
        let server = Server::start(&work, None, lookback).await?;
        let mut day = first;
        while day < question.to {
            progress(&format!("recording, {}", day.strftime("%Y-%m-%d")));
            let end = question.to.min(day.saturating_add(DAY).unwrap_or(question.to));
            record(&server, level, (day, end), question.step, &work, number).await?;
            day = end;
        }
    }

    let server = Server::start(&work, None, lookback).await?;
    let mut told = Vec::new();
    for rule in &sorted.alerts {
        progress(&format!("evaluating {}", rule.name));
        let interval = rule.interval(question.step);
        let mut follower = Follower::new(rule, interval);
        let mut begin = grid(first, interval);
        while begin <= question.to {
            let end = question.to.min(begin.saturating_add(DAY).unwrap_or(question.to));
            for series in server.range(&rule.query, (begin, end), interval).await? {
                follower.take(&series);
            }
            begin = follower.until(begin, end);
        }
        told.extend(follower.end().into_iter().filter(|one| one.lasts_beyond(question.from)));
    }
    let lead = Duration::try_from(LEAD).unwrap_or_default();
    let short = sorted.alerts.iter().filter_map(|rule| {
        let reach = recorded.reach(&rule.query);
        let (alert, looks_back) = (rule.name.clone(), reach.as_secs());
        (reach > lead).then_some(Short { alert, looks_back })
    });
    told.sort_by(|a, b| (a.from, &a.alert).cmp(&(b.from, &b.alert)));
    Ok(Replay {
        from: question.from.max(first),
        to: question.to,
        runs,
        unknown_checks: unknown.into_iter().collect(),
        told,
        short: short.collect(),
        not_replayed: sorted.left,
    })
}

/// Has everything scraped that was there to be scraped.
fn history(
    reader: &PastReader,
    begin: Timestamp,
    to: Timestamp,
    scrapes: &mut Scrapes,
    work: &Work,
    progress: &mut dyn FnMut(&str),
) -> Result<(u64, BTreeSet<String>), ReplayError> {
    let mut walk = reader.walk(begin)?;
    let (mut runs, mut unknown) = (0, BTreeSet::new());
    let mut blocks = work.blocks("scrapes");
    loop {
        let rows = walk.more()?;
        if rows.is_empty() {
            break;
        }
        for (check, row) in rows {
            if row.at >= to {
                continue;
            }
            runs += 1;
            scrapes.up_to(&row, &mut blocks, progress)?;
            if !scrapes.apply(&check, &row) {
                unknown.insert(check.as_str().to_owned());
            }
        }
    }
    scrapes.rest(to, &mut blocks, progress)?;
    blocks.end()?;
    Ok((runs, unknown))
}

/// Writes what recording rules of one level come to.
async fn record(
    server: &Server,
    level: &[Rule],
    (from, to): (Timestamp, Timestamp),
    step: Duration,
    work: &Work,
    number: usize,
) -> Result<(), ReplayError> {
    let mut blocks = work.blocks(&format!("level-{number}"));
    for rule in level {
        let interval = rule.interval(step);
        let begin = grid(from, interval);
        if begin >= to {
            continue;
        }
        // The first moment of the next day is not of this one.
        let end = to.saturating_sub(SignedDuration::from_millis(1)).unwrap_or(to);
        for series in server.range(&rule.query, (begin, end), interval).await? {
            let mut labels = series.metric.clone();
            labels.remove("__name__");
            labels.extend(rule.labels.clone());
            let labels = prometheus::labels(&labels);
            for (at, value) in &series.values {
                blocks.line(*at, &rule.name, &labels, &value.to_string())?;
            }
        }
    }
    blocks.end()
}

/// The first moment from this one on at which rules of an interval are evaluated.
fn grid(from: Timestamp, interval: Duration) -> Timestamp {
    let interval = i64::try_from(interval.as_secs()).unwrap_or(1).max(1);
    let seconds = from.as_second();
    let late = seconds.rem_euclid(interval);
    let on_it = late == 0 && from.subsec_nanosecond() == 0;
    let next = if on_it { seconds } else { seconds - late + interval };
    Timestamp::from_second(next).unwrap_or(from)
}
