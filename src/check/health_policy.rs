//! How many runs it takes to change one's mind about a check.

use std::time::Duration;

/// When a check counts as down, when as up again, and how a first failure is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthPolicy {
    down_after: u8,
    down_window: u8,
    up_after: u8,
    confirm_runs: u8,
    confirm_delay: Duration,
}

impl HealthPolicy {
    /// The widest window: it is kept as the bits of one word.
    pub const MAX_WINDOW: u8 = 32;
    /// The most confirm runs: more would be a second schedule.
    pub const MAX_CONFIRM_RUNS: u8 = 5;

    /// Down after `down_after` failures among the last `down_window` conclusive runs, up after
    /// `up_after` passes in a row; after a first failure, `confirm_runs` more, `confirm_delay`
    /// apart.
    pub fn new(
        down_after: u8,
        down_window: u8,
        up_after: u8,
        confirm_runs: u8,
        confirm_delay: Duration,
    ) -> Result<Self, HealthPolicyError> {
        if !(1..=Self::MAX_WINDOW).contains(&down_window) {
            return Err(HealthPolicyError::Window);
        }
        if !(1..=down_window).contains(&down_after) {
            return Err(HealthPolicyError::DownAfter { down_window });
        }
        if !(1..=Self::MAX_WINDOW).contains(&up_after) {
            return Err(HealthPolicyError::UpAfter);
        }
        if confirm_runs > Self::MAX_CONFIRM_RUNS {
            return Err(HealthPolicyError::ConfirmRuns);
        }
        let delays = Duration::from_secs(1)..=Duration::from_secs(300);
        if !delays.contains(&confirm_delay) {
            return Err(HealthPolicyError::ConfirmDelay);
        }
        Ok(Self { down_after, down_window, up_after, confirm_runs, confirm_delay })
    }

    /// Failures in the window that make a check down.
    pub fn down_after(self) -> u8 {
        self.down_after
    }

    /// Conclusive runs that are looked back at.
    pub fn down_window(self) -> u8 {
        self.down_window
    }

    /// Passes in a row that make a check up again.
    pub fn up_after(self) -> u8 {
        self.up_after
    }

    /// Extra runs after the first failure of a check that was up.
    pub fn confirm_runs(self) -> u8 {
        self.confirm_runs
    }

    /// Time between the extra runs.
    pub fn confirm_delay(self) -> Duration {
        self.confirm_delay
    }
}

impl Default for HealthPolicy {
    /// Down at 3 of 5, up at 3 in a row, 2 confirm runs 5 s apart.
    fn default() -> Self {
        Self {
            down_after: 3,
            down_window: 5,
            up_after: 3,
            confirm_runs: 2,
            confirm_delay: Duration::from_secs(5),
        }
    }
}

/// Why numbers make no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HealthPolicyError {
    /// Out of range.
    #[error("`down-window` is between 1 and 32")]
    Window,
    /// More failures than the window holds, or none.
    #[error("`down-after` is between 1 and `down-window` ({down_window})")]
    DownAfter {
        /// The window that the failures must fit into.
        down_window: u8,
    },
    /// Out of range.
    #[error("`up-after` is between 1 and 32")]
    UpAfter,
    /// Out of range.
    #[error("`confirm-runs` is between 0 and 5")]
    ConfirmRuns,
    /// Out of range.
    #[error("`confirm-delay` is between 1s and 5m")]
    ConfirmDelay,
}
