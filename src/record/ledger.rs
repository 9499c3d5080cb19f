//! Counts of how slots ended. They only grow.

use std::collections::BTreeMap;

use super::row::{Row, RunResult};
use crate::outcome::phase::Phase;
use crate::outcome::reason::Reason;

/// The counts of one check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    results: [u64; RunResult::ALL.len()],
    failures: BTreeMap<(Option<Phase>, Reason), u64>,
}

impl Ledger {
    /// Takes in a row; confirm runs are not counted.
    pub fn count(&mut self, row: &Row) {
        if !row.counts() {
            return;
        }
        self.add(row.result, row.slots);
        if let Some(reason) = row.reason {
            self.add_failures(row.phase, reason, 1);
        }
    }

    /// Adds to the count of a result.
    pub fn add(&mut self, result: RunResult, count: u64) {
        if let Some(total) = self.results.get_mut(result as usize) {
            // A store may say anything; a count that stands still is better than one that breaks.
            *total = total.saturating_add(count);
        }
    }

    /// Adds to the count of a reason.
    pub fn add_failures(&mut self, phase: Option<Phase>, reason: Reason, count: u64) {
        let total = self.failures.entry((phase, reason)).or_default();
        *total = total.saturating_add(count);
    }

    /// How many slots ended so.
    pub fn results(&self, result: RunResult) -> u64 {
        self.results.get(result as usize).copied().unwrap_or_default()
    }

    /// How many runs did not pass for this reason.
    pub fn failures(&self, phase: Option<Phase>, reason: Reason) -> u64 {
        self.failures.get(&(phase, reason)).copied().unwrap_or_default()
    }

    /// Every reason that struck, with its count.
    pub fn all_failures(&self) -> impl Iterator<Item = (Option<Phase>, Reason, u64)> + '_ {
        self.failures.iter().map(|((phase, reason), count)| (*phase, *reason, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_out_of_a_broken_store_ends_nothing() {
        let mut ledger = Ledger::default();
        for count in [u64::MAX, 1] {
            ledger.add(RunResult::Success, count);
            ledger.add_failures(None, Reason::ShuttingDown, count);
        }
        assert_eq!(ledger.results(RunResult::Success), u64::MAX);
        assert_eq!(ledger.failures(None, Reason::ShuttingDown), u64::MAX);
    }
}
