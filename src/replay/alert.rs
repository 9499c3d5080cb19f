//! From what an expression gives, moment by moment, to alerts that fire and end. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::prometheus::{Rule, Series};

/// An alert that would have been sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its name.
    pub alert: String,
    /// The rest of its labels.
    pub labels: BTreeMap<String, String>,
    /// When it would have fired.
    pub from: Timestamp,
    /// When it would have been resolved; not yet, where there is none.
    pub to: Option<Timestamp>,
}

impl Told {
    /// Whether it was still firing at some moment, or began later.
    pub fn lasts_beyond(&self, moment: Timestamp) -> bool {
        self.to.is_none_or(|to| to > moment)
    }

    /// Whether somebody would have been woken.
    pub fn pages(&self) -> bool {
        self.labels.get("severity").is_some_and(|severity| severity == "critical")
    }
}

type Labels = BTreeMap<String, String>;

/// Follows one alerting rule from evaluation to evaluation, by the rules of Prometheus.
#[derive(Debug)]
pub struct Follower<'a> {
    rule: &'a Rule,
    interval: SignedDuration,
    active: BTreeMap<Labels, Active>,
    seen: BTreeMap<Labels, BTreeSet<Timestamp>>,
    told: Vec<Told>,
}

/// A series that is pending or fires.
#[derive(Debug, Clone, Copy)]
struct Active {
    since: Timestamp,
    fired: Option<Timestamp>,
    /// Since when it is kept although its expression gives nothing any more.
    kept: Option<Timestamp>,
}

impl<'a> Follower<'a> {
    /// Of a rule that is evaluated in this interval.
    pub fn new(rule: &'a Rule, interval: Duration) -> Self {
        let (active, seen) = (BTreeMap::new(), BTreeMap::new());
        Self { rule, interval: signed(interval), active, seen, told: Vec::new() }
    }

    /// Takes in what the expression gave of a series.
    pub fn take(&mut self, series: &Series) {
        let mut labels = series.metric.clone();
        labels.remove("__name__");
        labels.extend(self.rule.labels.clone());
        let times = series.values.iter().map(|(at, _)| *at);
        self.seen.entry(labels).or_default().extend(times);
    }

    /// Evaluates what was taken in, at each moment from one to another; gives the moment behind
    /// them.
    pub fn until(&mut self, begin: Timestamp, end: Timestamp) -> Timestamp {
        let seen = std::mem::take(&mut self.seen);
        let mut labels: BTreeSet<Labels> = seen.keys().cloned().collect();
        labels.extend(self.active.keys().cloned());
        let mut next = begin;
        let mut moments = Vec::new();
        while next <= end {
            moments.push(next);
            match next.checked_add(self.interval) {
                Ok(later) if later > next => next = later,
                _ => break,
            }
        }
        for labels in labels {
            let mut active = self.active.remove(&labels);
            let times = seen.get(&labels);
            for at in &moments {
                let given = times.is_some_and(|times| times.contains(at));
                active = self.step(active, given, *at, &labels);
            }
            if let Some(active) = active {
                self.active.insert(labels, active);
            }
        }
        next
    }

    /// One evaluation of one series.
    fn step(
        &mut self,
        active: Option<Active>,
        given: bool,
        at: Timestamp,
        labels: &Labels,
    ) -> Option<Active> {
        if given {
            let mut active = active.unwrap_or(Active { since: at, fired: None, kept: None });
            active.kept = None;
            if active.fired.is_none() && at.duration_since(active.since) >= signed(self.rule.hold) {
                active.fired = Some(at);
            }
            return Some(active);
        }
        let mut active = active?;
        let fired = active.fired?;
        let kept = *active.kept.get_or_insert(at);
        if !self.rule.keep.is_zero() && at.duration_since(kept) < signed(self.rule.keep) {
            return Some(active);
        }
        self.tell(labels, fired, Some(at));
        None
    }

    fn tell(&mut self, labels: &Labels, from: Timestamp, to: Option<Timestamp>) {
        let (alert, labels) = (self.rule.name.clone(), labels.clone());
        self.told.push(Told { alert, labels, from, to });
    }

    /// What was told, with what fires still.
    pub fn end(mut self) -> Vec<Told> {
        for (labels, active) in std::mem::take(&mut self.active) {
            if let Some(fired) = active.fired {
                self.tell(&labels, fired, None);
            }
        }
        self.told
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::prometheus::Kind;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// Evaluates every 10 s, in two parts; an `x` gives something. Gives begin and end of what was
    /// told, in seconds.
    fn told(given: &str, hold: u64, keep: u64) -> Vec<(i64, Option<i64>)> {
        let rule = Rule {
            kind: Kind::Alerting,
            name: "A".to_owned(),
            query: String::new(),
            hold: Duration::from_secs(hold),
            keep: Duration::from_secs(keep),
            labels: BTreeMap::from([("severity".to_owned(), "critical".to_owned())]),
            interval: Duration::ZERO,
        };
        let moments: Vec<_> =
            given.chars().enumerate().map(|(n, c)| (at(10 * n as i64), c)).collect();
        let mut follower = Follower::new(&rule, Duration::from_secs(10));
        let mut begin = at(0);
        for part in moments.chunks(moments.len().div_ceil(2)) {
            let values = part.iter().filter(|(_, c)| *c == 'x').map(|(at, _)| (*at, 1.0));
            let metric = BTreeMap::from([("__name__".to_owned(), "m".to_owned())]);
            follower.take(&Series { metric, values: values.collect() });
            assert_eq!(begin, part[0].0);
            begin = follower.until(begin, part.last().unwrap().0);
        }
        let told = follower.end();
        assert!(told.iter().all(|told| told.pages() && told.labels.len() == 1));
        let seconds = |moment: Timestamp| moment.duration_since(at(0)).as_secs();
        told.iter().map(|told| (seconds(told.from), told.to.map(seconds))).collect()
    }

    #[test]
    fn alerts_fire_and_end_as_in_prometheus() {
        for (given, hold, keep, expected) in [
            ("..xx..", 0, 0, vec![(20, Some(40))]),
            ("..xx..", 10, 0, vec![(30, Some(40))]),
            ("..xx..", 11, 0, vec![]),
            ("xx.xx.", 20, 0, vec![]),
            ("xxxxxx", 20, 0, vec![(20, None)]),
            ("xx....", 0, 20, vec![(0, Some(40))]),
            ("xx.x.....", 0, 20, vec![(0, Some(60))]),
            ("x.x.x.", 0, 0, vec![(0, Some(10)), (20, Some(30)), (40, Some(50))]),
            ("x.x.x.", 0, 20, vec![(0, None)]),
            // What only pends is not kept.
            ("x.x.x.", 10, 60, vec![]),
        ] {
            assert_eq!(told(given, hold, keep), expected, "{given} for {hold} keep {keep}");
        }
    }

    #[test]
    fn what_ended_before_is_not_of_the_time_that_was_asked_for() {
        let told = |to| Told { alert: String::new(), labels: BTreeMap::new(), from: at(0), to };
        assert!(told(None).lasts_beyond(at(50)));
        assert!(told(Some(at(51))).lasts_beyond(at(50)));
        assert!(!told(Some(at(50))).lasts_beyond(at(50)));
        assert!(!told(None).pages());
    }
}
