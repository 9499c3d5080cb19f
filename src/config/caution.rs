//! What is legal in a config, and probably not meant.

use std::fmt;

/// Something to look at; it keeps nothing from running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caution {
    /// What it is about, as it would be written with dots.
    pub key: String,
    /// What is odd about it.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl Caution {
    /// One.
    pub fn new(key: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into(), fix: fix.into() }
    }
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.key, self.problem, self.fix)
    }
}
