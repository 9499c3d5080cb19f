//! How bad an incident is: a sum of weights, each with why.

use serde::{Deserialize, Serialize};

use super::words::count;

/// How bad, in three steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It can wait for the day.
    Minor,
    /// Somebody should look now.
    Major,
    /// Somebody must look now.
    Critical,
}

impl Severity {
    /// Every one, the worst first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Major, Self::Minor];

    /// The word in labels, in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Major => "major",
            Self::Minor => "minor",
        }
    }
}

/// What is known of the impact.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Impact<'a> {
    /// Checks of the endpoint that must get in.
    pub allow_checks: u32,
    /// Those of them that are down.
    pub allow_down: u32,
    /// A page gets in that must be kept out.
    pub security: bool,
    /// Conversations that failed in the worst of the last minutes.
    pub failed_per_minute: u32,
    /// Whether the users have fallen silent in one of them.
    pub silent: bool,
    /// How much the endpoint matters, in the words of its config.
    pub tier: &'a str,
}

/// A part of the sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weight {
    /// What counts.
    pub factor: Factor,
    /// How much.
    pub points: i32,
    /// Why so much.
    pub because: String,
}

/// What counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// The share of pages that must get in and do not.
    Checks,
    /// A page gets in that must not.
    Security,
    /// How the users fare.
    Users,
    /// How much the endpoint matters.
    Tier,
}

/// From this sum on it is critical.
const CRITICAL: i32 = 60;

/// From this sum on it is major.
const MAJOR: i32 = 30;

/// The severity, and the sum behind it.
///
/// | what | points |
/// |---|---|
/// | checks that must get in and are down | 50, by their share of the endpoint's |
/// | a page gets in that must be kept out | 40 |
/// | users fall silent | 40 |
/// | conversations fail: 20 a minute, 5, 1 | 40, 30, 20; not on top of silence |
/// | tier 1, or 3 and beyond | 15, or -15 |
///
/// A sum of 60 is critical, one of 30 major. So a whole outage is major by itself, and critical
/// where users notice or the tier is 1; a single page among many is minor; and what only users
/// notice counts by how many they are.
pub fn weigh(impact: &Impact<'_>) -> (Severity, Vec<Weight>) {
    let mut weights = Vec::new();
    let mut add = |factor, points, because: String| {
        weights.push(Weight { factor, points, because });
    };
    let Impact { allow_checks, allow_down, .. } = *impact;
    if allow_down > 0 {
        let all = allow_checks.max(allow_down);
        let points = (50 * u64::from(allow_down)).div_ceil(u64::from(all)) as i32;
        let because = match all {
            1 => "the check that must get in is down".to_owned(),
            _ if allow_down == all => format!("all {all} checks that must get in are down"),
            _ if allow_down == 1 => format!("1 of {all} checks that must get in is down"),
            _ => format!("{allow_down} of {all} checks that must get in are down"),
        };
        add(Factor::Checks, points, because);
    }
    if impact.security {
        add(Factor::Security, 40, "a page gets in that must be kept out".to_owned());
    }
    match (impact.silent, impact.failed_per_minute) {
        (true, _) => add(Factor::Users, 40, "users have fallen silent".to_owned()),
        (false, 0) => {}
        (false, failed) => {
            let points = match failed {
                20.. => 40,
                5..=19 => 30,
                _ => 20,
            };
            add(
                Factor::Users,
                points,
                format!("{} failed in a minute", count(u64::from(failed), "conversation")),
            );
        }
    }
    let tier = rank(impact.tier);
    match tier {
        Some(0..=1) => add(Factor::Tier, 15, format!("tier {}", impact.tier)),
        Some(3..) => add(Factor::Tier, -15, format!("tier {}", impact.tier)),
        Some(2) | None => {}
    }
    let sum: i32 = weights.iter().map(|weight| weight.points).sum();
    let severity = match sum {
        CRITICAL.. => Severity::Critical,
        MAJOR.. => Severity::Major,
        _ => Severity::Minor,
    };
    (severity, weights)
}

/// The number at the end of the name of a tier: `1`, `tier-1`, `T1`. Others in a name, as in
/// `gold 24x7`, say nothing of its rank.
fn rank(tier: &str) -> Option<u32> {
    let word = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '_');
    tier.trim().trim_start_matches(word).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_what_the_table_says() {
        let all = Impact { allow_checks: 4, allow_down: 4, ..Impact::default() };
        let one = Impact { allow_checks: 4, allow_down: 1, ..Impact::default() };
        let users = |failed_per_minute| Impact { failed_per_minute, ..Impact::default() };
        for (impact, severity, sum) in [
            (Impact::default(), Severity::Minor, 0),
            (all, Severity::Major, 50),
            (Impact { failed_per_minute: 1, ..all }, Severity::Critical, 70),
            (Impact { tier: "tier-1", ..all }, Severity::Critical, 65),
            (Impact { tier: "2", ..all }, Severity::Major, 50),
            (Impact { tier: "T3", ..all }, Severity::Major, 35),
            (Impact { tier: "gold", ..all }, Severity::Major, 50),
            (Impact { tier: "gold 24x7", ..all }, Severity::Major, 50),
            (Impact { tier: "24/7", ..all }, Severity::Major, 50),
            (one, Severity::Minor, 13),
            (Impact { silent: true, failed_per_minute: 3, ..one }, Severity::Major, 53),
            (Impact { security: true, ..Impact::default() }, Severity::Major, 40),
            (Impact { security: true, ..one }, Severity::Major, 53),
            (users(4), Severity::Minor, 20),
            (users(5), Severity::Major, 30),
            (users(20), Severity::Major, 40),
            (Impact { silent: true, tier: "1", ..Impact::default() }, Severity::Major, 55),
        ] {
            let (found, weights) = weigh(&impact);
            let found_sum: i32 = weights.iter().map(|weight| weight.points).sum();
            assert_eq!((found, found_sum), (severity, sum), "{impact:?}");
        }
    }
}
