//! As much of PromQL as it takes to find selectors: Prometheus itself judges whether it is PromQL.

/// A selector of series, and what is made of it.
#[derive(Debug)]
pub struct Selector {
    /// The metric.
    pub metric: String,
    /// What is between its braces.
    pub matchers: String,
    /// What is between its brackets.
    pub range: Option<String>,
    /// The function or aggregation around it.
    pub function: String,
}

impl Selector {
    /// As an instant vector.
    pub fn instant(&self) -> String {
        format!("{}{{{}}}", self.metric, self.matchers)
    }
}

/// Words before a list of labels.
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Words that stand between expressions.
const OPERATORS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "atan2"];

/// Every selector of an expression.
pub fn selectors(expression: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let mut rest = expression;
    let mut around: Vec<String> = vec![String::new()];
    let mut before = String::new();
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            rest = quoted(rest).1;
        } else if first == '(' {
            around.push(std::mem::take(&mut before));
            rest = &rest[1..];
        } else if first == ')' {
            around.pop();
            rest = &rest[1..];
        } else if first.is_ascii_digit() {
            // Numbers and durations.
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
        } else if first.is_ascii_alphabetic() || first == '_' || first == ':' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
            let (word, behind) = rest.split_at(end.unwrap_or(rest.len()));
            rest = behind.trim_start();
            if LISTS.contains(&word) {
                if rest.starts_with('(') {
                    rest = &rest[rest.find(')').unwrap() + 1..];
                }
            } else if OPERATORS.contains(&word) {
            } else if rest.starts_with('(') || starts_with_list(rest) {
                before = word.to_owned();
            } else {
                let (matchers, behind) = braces(rest);
                let (range, behind) = brackets(behind);
                rest = behind;
                found.push(Selector {
                    metric: word.to_owned(),
                    matchers: matchers.to_owned(),
                    range: range.map(str::to_owned),
                    function: around.last().unwrap().clone(),
                });
            }
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

fn starts_with_list(text: &str) -> bool {
    LISTS[..2]
        .iter()
        .any(|word| text.strip_prefix(word).is_some_and(|rest| rest.trim_start().starts_with('(')))
}

/// A text in quotes, and what is behind it.
fn quoted(text: &str) -> (&str, &str) {
    let end = text[1..].find('"').unwrap() + 2;
    text.split_at(end)
}

/// What is in braces, if some follow, and what is behind them.
fn braces(text: &str) -> (&str, &str) {
    if !text.starts_with('{') {
        return ("", text);
    }
    let mut at = 1;
    while !text[at..].starts_with('}') {
        at += if text[at..].starts_with('"') { quoted(&text[at..]).0.len() } else { 1 };
    }
    (&text[1..at], &text[at + 1..])
}

/// What is in brackets, if some follow, and what is behind them.
fn brackets(text: &str) -> (Option<&str>, &str) {
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((range, behind)) => (Some(range), behind),
        None => (None, text),
    }
}

#[test]
fn selectors_are_found() {
    let found = selectors(
        "sum by (job) (rate(a_total{x=\"}(\"}[5m] offset 7d)) / on (job) group_left () (b > bool 0) or c:d:e{y=~\"$y\"} - time()",
    );
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.instant(), one.range.as_deref().unwrap_or("-"), one.function.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("a_total{x=\"}(\"}".to_owned(), "5m", "rate"),
            ("b{}".to_owned(), "-", ""),
            ("c:d:e{y=~\"$y\"}".to_owned(), "-", ""),
        ]
    );
}
