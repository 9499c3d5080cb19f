//! The last day of an endpoint's checks, read and drawn once for all who look within some seconds.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::pages::Shared;
use super::past::heatmap::Heatmap;
use super::past::timeline::Timeline;
use super::past::{MAX_ROWS, day};
use super::portrait::Times;
use crate::check::{Check, CheckId};
use crate::record::history::History;
use crate::record::store::past::Past;

/// Checks of which the past is read; those beyond are told of without it.
pub const MAX_CHECKS: usize = 24;

/// How old a drawing may be: it is of a day, and to read that takes work.
const AGE: Duration = Duration::from_secs(5);

/// Drawings that are kept.
const MAX_KEPT: usize = 64;

/// How long the past is waited for: without it, all else is told.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is drawn of the past of some checks.
#[derive(Debug, Default)]
pub struct Drawing {
    /// Whether the past can be read.
    pub history: bool,
    /// How each check did.
    pub days: HashMap<CheckId, Timeline>,
    /// How long the runs of each probe took, where there were any.
    pub latency: Vec<Times>,
}

type Kept = HashMap<Vec<CheckId>, Arc<Shared<Arc<Drawing>>>>;

/// Where drawings are asked for.
#[derive(Debug, Clone)]
pub struct Drawings {
    history: History,
    kept: Arc<Mutex<Kept>>,
}

impl Drawings {
    /// Of what is kept there.
    pub fn new(history: History) -> Self {
        Self { history, kept: Arc::default() }
    }

    /// The last day of these checks, or as it was some seconds ago.
    pub async fn of(&self, mut checks: Vec<Arc<Check>>, now: Timestamp) -> Arc<Drawing> {
        // What is wrong stands first, and that changes.
        checks.sort_by(|a, b| a.id.cmp(&b.id));
        let ids: Vec<_> = checks.iter().map(|check| check.id.clone()).collect();
        let shared = self.shared(&ids);
        let made = shared.get(async || {
            let asked = self.history.rows(ids, day(now), MAX_ROWS);
            let pasts = timeout(PATIENCE, asked).await.ok().flatten();
            // Hundreds of thousands of rows may be looked at: not where all requests are answered.
            let drawn = spawn_blocking(move || Drawing::of(checks, pasts, now)).await;
            Ok::<_, Infallible>(Arc::new(drawn.unwrap_or_default()))
        });
        let Ok(drawing) = made.await;
        drawing
    }

    fn shared(&self, ids: &[CheckId]) -> Arc<Shared<Arc<Drawing>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.contains_key(ids) && kept.len() >= MAX_KEPT {
            // Whoever waits for one of them has it all the same.
            kept.clear();
        }
        kept.entry(ids.to_vec()).or_insert_with(|| Arc::new(Shared::up_to(AGE))).clone()
    }
}

impl Drawing {
    fn of(checks: Vec<Arc<Check>>, pasts: Option<Vec<Past>>, now: Timestamp) -> Self {
        let Some(pasts) = pasts else { return Self::default() };
        let span = day(now);
        let each = || checks.iter().zip(&pasts);
        let mut kinds: Vec<_> = checks.iter().map(|check| check.probe.kind()).collect();
        kinds.sort();
        kinds.dedup();
        let times = kinds.into_iter().map(|probe| {
            let of_it = each().filter(|(check, _)| check.probe.kind() == probe);
            Times { probe, day: Heatmap::of(of_it.map(|(_, past)| past), span) }
        });
        Self {
            history: true,
            latency: times.filter(|times| times.day.used().is_some()).collect(),
            days: each()
                .map(|(check, past)| (check.id.clone(), Timeline::of(past, span)))
                .collect(),
        }
    }
}
