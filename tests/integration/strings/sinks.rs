//! What each sink may hold, read by other parsers than those that wrote it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use watchpost::outcome::phase::Phase;
use watchpost::outcome::reason::Reason;

use crate::fixture::hostile::{acts, harmless};
use crate::fixture::page;

/// Colours aside, lines of text that each begin as the screen's own do.
pub fn screen(text: &str) {
    static COLOUR: LazyLock<Regex> = LazyLock::new(|| Regex::new("\x1b\\[[0-9;]*m").unwrap());
    static LINES: LazyLock<Regex> = LazyLock::new(|| {
        let phases = "resolve|connect|tls|upgrade|transfer|close|total";
        let tls = "TLS 1|├─ |│  by |└─ |   by |│  for |   for |trusted until|not trusted: ";
        let why = "[a-z_]+ in [a-z]+: |seen: |whose: |do: ";
        Regex::new(&format!(r"^$|^(✔ pass|✘ FAIL)  (wss?|tls)://|^  ({phases}|{tls}|{why})"))
            .unwrap()
    });
    let text = COLOUR.replace_all(text, "");
    harmless("screen", &text);
    for line in text.lines() {
        assert!(LINES.is_match(line), "a line of somebody else's: {line:?} in\n{text}");
    }
    for once in ["✘", "  seen: ", "  whose: ", "  do: "] {
        assert!(text.lines().filter(|line| line.starts_with(once)).count() <= 1, "{text}");
    }
}

/// No text in it acts, once it is read.
pub fn json(sink: &str, value: &Value) {
    match value {
        Value::String(text) => assert!(!text.contains(acts), "{sink}: {text:?}"),
        Value::Array(values) => values.iter().for_each(|value| json(sink, value)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            assert!(!name.contains(acts), "{sink}: {name:?}");
            json(sink, value);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The check that a line of either log is about, where it is about a run.
pub fn check_of(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(" run check=").or_else(|| line.split_once("\"check\":\""))?;
    rest.split([' ', '"']).next()
}

/// A time, a level, and what the daemon says: never a line that a server made.
pub fn log_line(line: &str) {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        let time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z";
        let run = r"run check=[a-z0-9/]+ result=(success|failure|inconclusive|missed)( [a-z_]+=[a-z0-9_.]+)*";
        let health = r#"(down|up|unknown) check=[a-z0-9/]+ from=[a-z]+( [a-z]+=([a-z0-9_]+|"([^"\\]|\\.)*"))*"#;
        let incident =
            r#"incident\.(opened|changed|closed) id=[0-9TZ]+-[a-z0-9]+ title="[a-z0-9:, ()]+""#;
        // What others wrote stands in quotes.
        let quoted = r#""([^"\\]|\\.)*""#;
        let whats = [
            "Genesys Cloud: (what was known last stays|every question is answered again)",
            "the audit log cannot be read",
            "the status page cannot be read",
            "no component of the status page is the region's: set status-component",
            "the notification channel (cannot be opened|is open|is not renewed)",
            "the notification channel is lost: it is opened again",
            "another socket of the notification channel took the place of one that closes",
            "a topic is not subscribed to",
            "events may have been missed",
            "what was missed (cannot be|was) asked for",
        ];
        let words = format!("[a-z]+=([a-z0-9_.:TZ-]+|{quoted})");
        let organisation = format!("({})( {words})*", whats.join("|"));
        Regex::new(&format!(
            "^{time} +(INFO|WARN) ({run}|{health}|{incident}|{organisation}|watching; see http://[0-9.:]+/ checks=[0-9]+)$"
        ))
        .unwrap()
    });
    assert!(LINE.is_match(line), "a line of somebody else's: {line}");
}

/// Every line by the grammar of the formats; names, labels and short lists as they are pinned.
pub fn exposition(page: &str, openmetrics: bool) {
    static SAMPLE: LazyLock<Regex> = LazyLock::new(|| {
        let label = r#"[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*""#;
        let number = r"[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN";
        Regex::new(&format!(r"^([a-z_]+)(?:\{{({label}(?:,{label})*)\}})? (?:{number})$")).unwrap()
    });
    static LABEL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"([a-z0-9_]+)="((?:[^"\\]|\\.)*)""#).unwrap());
    let pinned = include_str!("../../snapshots/metrics.txt");
    let families: BTreeSet<_> =
        pinned.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let labels: BTreeSet<_> = pinned
        .lines()
        .flat_map(|line| line.split_once('{').unwrap().1.trim_end_matches('}').split(", "))
        .chain(["le"])
        .collect();
    harmless("metrics", page);
    let mut series = BTreeSet::new();
    for (number, line) in page.lines().enumerate() {
        if line == "# EOF" {
            assert!(openmetrics && number + 1 == page.lines().count(), "an end before the end");
        } else if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.split(' ');
            assert!(matches!(words.next(), Some("HELP" | "TYPE")), "{line}");
            let name = words.next().unwrap();
            let known = ["", "_total", "_info"].map(|end| format!("{name}{end}"));
            assert!(known.iter().any(|name| families.contains(&**name)), "{line}");
        } else {
            let sample = SAMPLE.captures(line).unwrap_or_else(|| panic!("no sample: {line}"));
            let name = &sample[1];
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            assert!(families.contains(name) || base.is_some_and(|base| families.contains(base)));
            let set = sample.get(2).map_or("", |set| set.as_str());
            for label in LABEL.captures_iter(set) {
                assert!(labels.contains(&label[1]), "{line}");
                assert!(label[2].chars().count() <= 4096, "{} is too long", &label[1]);
            }
            assert!(series.insert((name.to_owned(), set.to_owned())), "twice: {line}");
        }
    }
    assert_eq!(page.ends_with("\n# EOF\n"), openmetrics);
}

/// The same of protobuf, which escapes nothing.
pub fn protobuf(bytes: &[u8]) {
    let pinned = include_str!("../../snapshots/metrics.txt");
    let mut labels = 0;
    for family in page::decode(bytes) {
        let name = family.name.unwrap();
        let line = pinned.lines().find(|line| line.split(' ').next() == Some(&name));
        let line = line.unwrap_or_else(|| panic!("a family of somebody else's: {name}"));
        for label in family.metric.iter().flat_map(|metric| &metric.label) {
            let (name, value) = (label.name.as_ref().unwrap(), label.value.as_ref().unwrap());
            assert!(line.contains(name), "{name} in {line}");
            assert!(!value.contains(acts) && value.chars().count() <= 4096, "{name}={value:?}");
            labels += 1;
        }
    }
    assert!(labels > 1_000, "{labels} labels");
}

/// The template's own tags with its own attributes, and text.
///
/// No attribute holds what others wrote: their values are out of an alphabet in which nothing acts.
pub fn html(page: &str) {
    static TAG: LazyLock<Regex> = LazyLock::new(|| {
        let names = "html|head|meta|noscript|title|link|script|body|a|header|h1|h2|h3|nav|p|small|\
            span|time|main|footer|section|article|div|table|caption|thead|tbody|tr|th|td|ul|li|b|\
            strong|em|br|bdi|details|summary|svg|path|text";
        let word = "[A-Za-z0-9 _:;,./%≤µ=-]*";
        let path = r"#main|/[A-Za-z0-9_./-]*(\?format=markdown|\?state=open)?";
        let attributes = [
            format!("(?:lang|charset|name|content|http-equiv|rel|type|class|id|role)=\"{word}\""),
            format!("(?:aria-label|aria-labelledby|scope|tabindex|colspan)=\"{word}\""),
            "(?:viewBox|preserveAspectRatio|d|x|y)=\"[A-Za-z0-9 -]*\"".to_owned(),
            format!("(?:href|src)=\"(?:{path})\""),
            "defer".to_owned(),
        ]
        .join("|");
        Regex::new(&format!("^(?:!DOCTYPE html|/?(?:{names})(?: (?:{attributes}))*)$")).unwrap()
    });
    harmless("page", page);
    let mut pieces = page.split('<');
    assert_eq!(pieces.next(), Some(""));
    let mut scripts = 0;
    for piece in pieces {
        let (tag, text) = piece.split_once('>').expect("a tag that ends");
        assert!(TAG.is_match(tag), "a tag of somebody else's: <{tag}>{text}");
        scripts += usize::from(tag.starts_with("script"));
        assert!(!text.contains(['>', '"']), "not escaped: {text}");
        for entity in text.split('&').skip(1) {
            let known = ["lt;", "gt;", "amp;", "quot;"];
            assert!(known.iter().any(|known| entity.starts_with(known)), "&{entity}");
        }
    }
    assert_eq!(scripts, 1, "the page's own");
}

/// The tables that there were, with words out of closed lists in them.
pub fn store(path: &Path, ids: &BTreeSet<String>) {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let texts = |sql: &str| -> BTreeSet<String> {
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(texts("PRAGMA integrity_check"), words(&["ok"]));
    let tables = words(&["checks", "latency", "meta", "results"]);
    assert_eq!(texts("SELECT name FROM sqlite_master WHERE type = 'table'"), tables);
    assert_eq!(&texts("SELECT id FROM checks"), ids);
    let reasons = Reason::ALL.iter().map(|reason| reason.code().to_owned()).collect();
    let phases = Phase::ALL.iter().map(|phase| phase.as_str().to_owned()).collect();
    let results = words(&["success", "failure", "inconclusive", "missed"]);
    for (column, allowed) in [("result", results), ("reason", reasons), ("phase", phases)] {
        let sql = format!("SELECT DISTINCT {column} FROM results WHERE {column} IS NOT NULL");
        let found = texts(&sql);
        assert!(found.is_subset(&allowed), "{column}: {found:?}");
        assert!(!found.is_empty(), "{column} is never told");
    }
    let states = texts("SELECT state FROM checks WHERE state IS NOT NULL");
    assert!(!states.is_empty());
    for state in states {
        json("store", &serde_json::from_str(&state).unwrap());
    }
}
