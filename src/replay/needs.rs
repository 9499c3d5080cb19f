//! Which series a rule asks for, and which of them the store can tell. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Left;
use super::prometheus::{Kind, Rule};

/// What can be told of the past: the rest of `/metrics` is not kept, or not by moment.
const KEPT: &[&str] = &[
    "probe_endpoint_info",
    "probe_failure_info",
    "probe_failures_total",
    "probe_interval_seconds",
    "probe_last_run_timestamp_seconds",
    "probe_origin_accepted",
    "probe_origin_info",
    "probe_phase_duration_seconds_bucket",
    "probe_phase_duration_seconds_count",
    "probe_phase_duration_seconds_sum",
    "probe_runs_total",
    "probe_success",
    "probe_up",
    "up",
    "watchpost_checks",
    "watchpost_config_last_reload_success_timestamp_seconds",
];

/// The histogram as such: it has no native form here, and a classic one that says the same.
const NATIVE: (&str, &str) =
    ("probe_phase_duration_seconds", "probe_phase_duration_seconds_bucket");

/// Words of the language that stand where names do.
const WORDS: [&str; 10] =
    ["and", "or", "unless", "bool", "offset", "atan2", "start", "end", "inf", "nan"];

/// Words behind which labels stand in parentheses.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// What a selector is called that names no metric.
const NAMELESS: &str = "a selector without a name";

/// Rules by what they record.
#[derive(Debug)]
pub struct Recorded<'a>(BTreeMap<&'a str, Vec<&'a Rule>>);

/// Rules, in the order in which they are to be asked.
#[derive(Debug)]
pub struct Sorted {
    /// What must be scraped for them.
    pub families: BTreeSet<String>,
    /// Recording rules; those of one level ask for what the levels before it recorded.
    pub levels: Vec<Vec<Rule>>,
    /// Alerts.
    pub alerts: Vec<Rule>,
    /// Alerts that nobody can tell about.
    pub left: Vec<Left>,
}

/// What a rule needs in the end, by way of what is recorded.
#[derive(Debug, Default)]
struct Needs {
    kept: BTreeSet<String>,
    missing: BTreeSet<String>,
    recorded: BTreeSet<String>,
}

impl<'a> Recorded<'a> {
    /// Of all rules.
    pub fn of(rules: &'a [Rule]) -> Self {
        let mut by_name: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
        for rule in rules.iter().filter(|rule| rule.kind == Kind::Recording) {
            by_name.entry(&rule.name).or_default().push(rule);
        }
        Self(by_name)
    }

    /// Sorts the rules.
    pub fn sort(&self, rules: &[Rule]) -> Sorted {
        let mut sorted = Sorted {
            families: BTreeSet::new(),
            levels: Vec::new(),
            alerts: Vec::new(),
            left: Vec::new(),
        };
        let mut used = BTreeSet::new();
        for rule in rules.iter().filter(|rule| rule.kind == Kind::Alerting) {
            let mut needs = Needs::default();
            self.follow(&rule.query, &mut needs);
            if needs.missing.is_empty() {
                sorted.families.extend(needs.kept);
                used.extend(needs.recorded);
                sorted.alerts.push(rule.clone());
            } else {
                let needs = needs.missing.into_iter().collect();
                sorted.left.push(Left { alert: rule.name.clone(), needs });
            }
        }
        let heights = self.heights();
        let mut levels: BTreeMap<usize, Vec<Rule>> = BTreeMap::new();
        for name in &used {
            let height = heights.get(name.as_str()).copied().unwrap_or(0);
            let rules = self.0.get(name.as_str()).into_iter().flatten();
            levels.entry(height).or_default().extend(rules.map(|rule| (*rule).clone()));
        }
        sorted.levels = levels.into_values().collect();
        sorted
    }

    /// How far back what an expression asks for lies, by way of what is recorded: rather too far
    /// than not far enough.
    pub fn reach(&self, query: &str) -> Duration {
        self.reach_within(query, self.0.len())
    }

    /// No deeper than there are names: what is recorded from itself has no end.
    fn reach_within(&self, query: &str, levels: usize) -> Duration {
        let below = names(query).into_iter().filter_map(|name| self.0.get(name.as_str()));
        let below = below.flatten().filter(|_| levels > 0);
        let longest = below.map(|rule| self.reach_within(&rule.query, levels - 1)).max();
        spans(query).saturating_add(longest.unwrap_or_default())
    }

    fn follow(&self, query: &str, needs: &mut Needs) {
        let names = names(query);
        for name in &names {
            if let Some(rules) = self.0.get(name.as_str()) {
                if needs.recorded.insert(name.clone()) {
                    rules.iter().for_each(|rule| self.follow(&rule.query, needs));
                }
            } else if KEPT.contains(&name.as_str()) {
                needs.kept.insert(name.clone());
            } else if !(name == NATIVE.0 && names.contains(NATIVE.1)) {
                needs.missing.insert(name.clone());
            }
        }
    }

    /// How many levels of recording lie below each name; no more than there are names.
    fn heights(&self) -> BTreeMap<&'a str, usize> {
        let mut heights: BTreeMap<&str, usize> = self.0.keys().map(|name| (*name, 0)).collect();
        for _ in 0..self.0.len() {
            for (name, rules) in &self.0 {
                let below = rules.iter().flat_map(|rule| names(&rule.query));
                let below = below.filter_map(|below| heights.get(below.as_str()).copied());
                let height = below.map(|height| height + 1).max().unwrap_or(0);
                heights.insert(*name, height.min(self.0.len()));
            }
        }
        heights
    }
}

/// The names of metrics in an expression.
fn names(query: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' | '`' => behind_text(rest),
            '#' => rest.split_once('\n').map_or("", |(_, rest)| rest),
            '{' => {
                names.insert(NAMELESS.to_owned());
                behind(rest, '}')
            }
            '0'..='9' | '.' => rest.trim_start_matches(|c: char| is_of_a_name(c) || c == '.'),
            first if is_of_a_name(first) => {
                let behind_it = rest.trim_start_matches(is_of_a_name);
                let word = rest.get(..rest.len() - behind_it.len()).unwrap_or(rest);
                behind_word(word, behind_it.trim_start(), &mut names)
            }
            first => rest.get(first.len_utf8()..).unwrap_or(""),
        };
    }
    names
}

/// The longest range and the longest offset of an expression, one behind the other; and every
/// subquery, as they may stand in each other.
fn spans(query: &str) -> Duration {
    let (mut range, mut offset, mut around) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' | '`' => behind_text(rest),
            '#' => rest.split_once('\n').map_or("", |(_, rest)| rest),
            '[' => {
                let (inner, behind_it) = rest.split_once(']').unwrap_or((rest, ""));
                let long = span(inner.trim_start_matches(['[', ' ']));
                match inner.contains(':') {
                    true => around = around.saturating_add(long),
                    false => range = range.max(long),
                }
                behind_it
            }
            first if is_of_a_name(first) => {
                let behind_it = rest.trim_start_matches(is_of_a_name);
                let word = rest.get(..rest.len() - behind_it.len()).unwrap_or(rest);
                if word.eq_ignore_ascii_case("offset") {
                    offset = offset.max(span(behind_it.trim_start()));
                }
                behind_it
            }
            first => rest.get(first.len_utf8()..).unwrap_or(""),
        };
    }
    range.saturating_add(offset).saturating_add(around)
}

/// `1h30m` at the beginning of a text; nothing where there is none.
fn span(text: &str) -> Duration {
    const UNITS: [(&str, u64); 7] = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
        ("w", 7 * 86_400_000),
        ("y", 365 * 86_400_000),
    ];
    let (mut millis, mut rest) = (0_u64, text);
    loop {
        let behind_it = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let number =
            rest.get(..rest.len() - behind_it.len()).and_then(|digits| digits.parse().ok());
        let unit =
            UNITS.iter().find_map(|(unit, each)| Some((behind_it.strip_prefix(unit)?, each)));
        let (Some(number), Some((behind_unit, each))) = (number, unit) else { break };
        let number: u64 = number;
        millis = millis.saturating_add(number.saturating_mul(*each));
        rest = behind_unit;
    }
    Duration::from_millis(millis)
}

/// Takes a word in, and gives what stands behind it and what belongs to it.
fn behind_word<'a>(word: &str, rest: &'a str, names: &mut BTreeSet<String>) -> &'a str {
    let lower = word.to_ascii_lowercase();
    let next: String = rest.chars().take_while(|c| is_of_a_name(*c)).collect();
    let next = next.to_ascii_lowercase();
    let labels = BEFORE_LABELS.contains(&lower.as_str());
    if labels && rest.starts_with('(') {
        behind(rest, ')')
    } else if labels || WORDS.contains(&lower.as_str()) {
        rest
    } else if rest.starts_with('(') || next == "by" || next == "without" {
        // A function.
        rest
    } else {
        names.insert(word.to_owned());
        if rest.starts_with('{') { behind(rest, '}') } else { rest }
    }
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// What stands behind a closing mark, of which none counts inside a text.
fn behind(mut rest: &str, mark: char) -> &str {
    while let Some(first) = rest.chars().next() {
        if first == mark {
            return rest.get(first.len_utf8()..).unwrap_or("");
        }
        rest = match first {
            '"' | '\'' | '`' => behind_text(rest),
            first => rest.get(first.len_utf8()..).unwrap_or(""),
        };
    }
    rest
}

/// What stands behind a text, at whose quote this begins.
fn behind_text(rest: &str) -> &str {
    let mut chars = rest.char_indices();
    let Some((_, quote)) = chars.next() else { return "" };
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return rest.get(at + c.len_utf8()..).unwrap_or("");
        }
        if c == '\\' && quote != '`' {
            chars.next();
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rule(kind: Kind, name: &str, query: &str) -> Rule {
        Rule {
            kind,
            name: name.to_owned(),
            query: query.to_owned(),
            hold: Duration::ZERO,
            keep: Duration::ZERO,
            labels: BTreeMap::new(),
            interval: Duration::ZERO,
        }
    }

    #[test]
    fn names_of_metrics_are_found_and_nothing_else() {
        for (query, expected) in [
            ("vector(1) > 0", ""),
            ("up{job=\"a\"} == 0 or absent(up{job=\"a\"})", "up"),
            (
                "sum by (job, endpoint) (rate(a_total{x=\"b{c}\"}[5m])) / sum(b) without (x)",
                "a_total b",
            ),
            ("a * on (job) group_left (team) b", "a b"),
            ("a and on () b unless ignoring(x) c", "a b c"),
            ("max_over_time(a[1h:5m] offset 1w) > bool 1e3 * Inf", "a"),
            ("a @ end() + b @ 1700.5", "a b"),
            ("level:a:rate5m > 14.4 * x:y", "level:a:rate5m x:y"),
            ("{__name__=~\"probe.*\"}", "a selector without a name"),
            ("label_replace(a, \"b\", 'it\\'s c', `d\\`, \"\")", "a"),
            ("a # b\n+ c", "a c"),
            ("SUM BY (x) (a) > COUNT(b)", "a b"),
            ("time() - a{b='}'} ", "a"),
            ("\"", ""),
            ("a{", "a"),
        ] {
            let found: Vec<_> = names(query).into_iter().collect();
            assert_eq!(found.join(" "), expected, "{query}");
        }
    }

    #[test]
    fn what_is_recorded_is_recorded_before_it_is_asked_for() {
        let rules = [
            rule(Kind::Alerting, "One", "b:c > 0"),
            rule(Kind::Recording, "b:c", "rate(a:b[5m])"),
            rule(Kind::Recording, "a:b", "sum(probe_up)"),
            rule(Kind::Recording, "d:e", "sum(probe_ssl_ocsp_status)"),
            rule(Kind::Alerting, "Two", "d:e > 0 or a:b > 0"),
            rule(Kind::Recording, "in:circles", "in:circles + 1"),
            rule(Kind::Alerting, "Three", "in:circles > up"),
        ];
        let sorted = Recorded::of(&rules).sort(&rules);
        let names = |rules: &[Rule]| -> Vec<String> {
            rules.iter().map(|rule| rule.name.clone()).collect()
        };
        assert_eq!(names(&sorted.alerts), ["One", "Three"]);
        assert_eq!(names(&sorted.levels[0]), ["a:b"]);
        assert_eq!(names(&sorted.levels[1]), ["b:c"]);
        assert_eq!(sorted.families, ["probe_up", "up"].map(str::to_owned).into());
        let needs = vec!["probe_ssl_ocsp_status".to_owned()];
        assert_eq!(sorted.left, [Left { alert: "Two".to_owned(), needs }]);
    }

    #[test]
    fn a_histogram_is_known_by_its_buckets_alone() {
        let native = "rate(probe_phase_duration_seconds[5m])";
        let both = format!("rate(probe_phase_duration_seconds_bucket[5m]) or {native}");
        let rules = [rule(Kind::Alerting, "Native", native), rule(Kind::Alerting, "Both", &both)];
        let sorted = Recorded::of(&rules).sort(&rules);
        assert_eq!(sorted.alerts.len(), 1);
        assert_eq!(sorted.left[0].alert, "Native");
    }

    #[test]
    fn it_is_known_how_far_back_an_alert_looks() {
        let rules = [
            rule(Kind::Recording, "a:day", "rate(a[1d])"),
            rule(Kind::Recording, "a:week", "avg_over_time(a:day[1w])"),
            rule(Kind::Recording, "in:circles", "max_over_time(in:circles[1h])"),
        ];
        let recorded = Recorded::of(&rules);
        for (query, hours) in [
            ("up == 0", 0),
            ("rate(a[ 90m ]) > 0 and rate(a[5m]) > 0", 1),
            ("rate(a{b=\"[9d]\"}[1h]) # [9d]", 1),
            ("max_over_time(rate(a[1h])[1d:5m])", 25),
            ("rate(a[1h] offset 1w)", 169),
            ("rate(a[1h]) OFFSET 1d2h3600s", 28),
            ("a:week > 0", 192),
            ("rate(offset_total[1h])", 1),
            // As often as there are names.
            ("in:circles", 3),
            ("a[", 0),
            ("a[99999999999999999999d]", 0),
        ] {
            assert_eq!(recorded.reach(query).as_secs() / 3600, hours, "{query}");
        }
    }
}
