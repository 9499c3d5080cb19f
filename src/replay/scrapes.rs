//! What Prometheus would have scraped: the recorder's own state, fed with the rows of the store,
//! and its page, rendered as the daemon renders it, at every step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::work::Blocks;
use super::{ReplayError, grid, prometheus};
use crate::check::CheckId;
use crate::config::Config;
use crate::http::exposition::Format;
use crate::http::metrics::{self, Settings};
use crate::outcome::reason::Reason;
use crate::outcome::sight::{Look, SelfCheck, Sight};
use crate::record::row::Row;
use crate::record::state::State;

/// The job that the shipped rules ask for.
const JOB: &str = "watchpost";

/// How long after a run is due its end may come to be known.
const LATE: Duration = Duration::from_secs(5);

/// Scrapes of the past.
#[derive(Debug)]
pub struct Scrapes {
    state: State,
    wanted: BTreeSet<String>,
    settings: Settings,
    /// Of every series: the job and the instance.
    labels: String,
    step: Duration,
    /// The longest in which nothing ends although the daemon runs.
    quiet: SignedDuration,
    first: Option<Timestamp>,
    next: Timestamp,
    /// When the last run ended.
    last_end: Timestamp,
    /// When the daemon began, as far as one can see.
    began: Timestamp,
}

impl Scrapes {
    /// Of the checks of a config, with these families.
    pub fn new(config: &Config, wanted: &BTreeSet<String>, step: Duration) -> Self {
        let gaps = config.checks.iter().map(|check| {
            let cadence = check.cadence;
            cadence.interval() + cadence.timeout() + LATE
        });
        let quiet = gaps.min().and_then(|gap| SignedDuration::try_from(gap).ok());
        let labels = BTreeMap::from([
            ("job".to_owned(), JOB.to_owned()),
            ("instance".to_owned(), config.daemon.listen.to_string()),
        ]);
        let prime = config.daemon.prime_failures && wanted.contains("probe_failures_total");
        Self {
            state: State::new(&config.checks, Timestamp::UNIX_EPOCH),
            wanted: wanted.clone(),
            settings: Settings { prime_failures: prime },
            labels: prometheus::labels(&labels),
            step,
            quiet: quiet.unwrap_or(SignedDuration::from_mins(1)),
            first: None,
            next: Timestamp::UNIX_EPOCH,
            last_end: Timestamp::UNIX_EPOCH,
            began: Timestamp::UNIX_EPOCH,
        }
    }

    /// The first scrape.
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }

    /// Every scrape before a run ended.
    pub fn up_to(
        &mut self,
        row: &Row,
        blocks: &mut Blocks<'_>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), ReplayError> {
        if self.first.is_none() {
            self.next = grid(row.at, self.step);
            self.first = Some(self.next);
            self.last_end = row.at;
            self.began = row.at;
        }
        let end = end(row);
        while self.next < end {
            self.scrape(Some(row.at), blocks, progress)?;
        }
        if row.at.duration_since(self.last_end) > self.quiet {
            // It was not there; what it knew is history by now.
            self.began = row.at;
            self.state.expire(row.at);
        }
        self.last_end = self.last_end.max(end);
        Ok(())
    }

    /// Every scrape up to the end.
    pub fn rest(
        &mut self,
        to: Timestamp,
        blocks: &mut Blocks<'_>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), ReplayError> {
        while self.first.is_some() && self.next <= to {
            self.scrape(None, blocks, progress)?;
        }
        Ok(())
    }

    /// Takes a run in, as the recorder does; not where the config does not know its check.
    pub fn apply(&mut self, check: &CheckId, row: &Row) -> bool {
        let Some(place) = self.state.place(check) else { return false };
        let blind = row.reason == Some(Reason::MonitorBlind);
        if blind != self.state.blind().is_some() {
            let trouble = Some("the monitor was blind".to_owned());
            let looks = blind.then_some(Look { check: SelfCheck::CanaryOpen, trouble });
            self.state.see(Sight::new(looks.into_iter().collect()), row.at);
        }
        self.state.apply(place, row);
        true
    }

    /// One scrape; `until` is when the next run began, if there is one.
    fn scrape(
        &mut self,
        until: Option<Timestamp>,
        blocks: &mut Blocks<'_>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), ReplayError> {
        let at = self.next;
        let step = SignedDuration::try_from(self.step).unwrap_or(SignedDuration::from_secs(1));
        self.next = at.checked_add(step).unwrap_or(Timestamp::MAX);
        if blocks.turn(at)? {
            progress(&format!("reading, {}", at.strftime("%Y-%m-%d")));
        }
        let there = at.duration_since(self.last_end) <= self.quiet
            || until.is_some_and(|until| at >= until);
        if self.wanted.contains("up") {
            blocks.line(at, "up", &self.labels, if there { "1" } else { "0" })?;
        }
        if !there {
            return Ok(());
        }
        let name = "watchpost_config_last_reload_success_timestamp_seconds";
        if self.wanted.contains(name) {
            blocks.line(at, name, &self.labels, &self.began.as_second().to_string())?;
        }
        let mut snapshot = (*self.state.snapshot(at)).clone();
        if !self.wanted.iter().any(|name| name.starts_with("probe_phase_duration_seconds")) {
            snapshot.latencies.clear();
        }
        let page = metrics::render(&snapshot, self.settings, Format::OpenMetrics, "");
        // Let go before the next row: what is shared must be copied to be changed.
        drop(snapshot);
        for line in String::from_utf8_lossy(&page.body).lines() {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            // Comments are no names.
            if !self.wanted.contains(name) {
                continue;
            }
            let labels = labels.strip_suffix('}').unwrap_or(labels);
            let comma = if labels.is_empty() { "" } else { "," };
            blocks.line(at, name, &format!("{}{comma}{labels}", self.labels), value)?;
        }
        Ok(())
    }
}

/// When a run ended.
fn end(row: &Row) -> Timestamp {
    let took = SignedDuration::try_from(row.phases.total()).unwrap_or(SignedDuration::ZERO);
    row.at.checked_add(took).unwrap_or(row.at)
}
