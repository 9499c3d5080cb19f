//! The manual says what is built: every reason, metric, setting and option, and no other.

use watchpost::genesys::finding::Finding;
use watchpost::genesys::lint::Oddity;
use watchpost::http::webhook::answer::Rejection;
use watchpost::outcome::code::Code;
use watchpost::outcome::reason::Reason;
use watchpost::outcome::sight::SelfCheck;
use watchpost::outcome::warning::Warning;

use crate::fixture::daemon::watchpost;

const README: &str = include_str!("../../README.md");

/// The text between a heading and the next one of its level.
fn section(heading: &str) -> &'static str {
    let level = heading.split(' ').next().unwrap();
    let (_, rest) = README.split_once(&format!("\n{heading}\n")).unwrap();
    rest.split_once(&format!("\n{level} ")).map_or(rest, |(section, _)| section)
}

/// The first cells of its tables' rows.
fn first_cells(section: &str) -> impl Iterator<Item = &str> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split(" | ").next()).filter(|cell| cell.starts_with('`'))
}

/// The names in backticks in a cell.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn the_table_of_reasons_is_that_of_the_code() {
    let expected: Vec<_> = Reason::ALL
        .iter()
        .map(|reason| {
            let (code, whose) = (reason.code(), reason.fault().as_str());
            format!("| `{code}` | {whose} | {} | {} |", reason.sentence(), reason.fix())
        })
        .collect();
    let rows = section("## Reasons").lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_table_of_warnings_is_that_of_the_code() {
    let expected: Vec<_> = Warning::ALL
        .iter()
        .map(|warning| {
            let code = warning.code();
            format!("| `{code}` | {} | {} |", warning.sentence(), warning.fix())
        })
        .collect();
    let rows: Vec<_> =
        section("## Warnings").lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_tables_of_findings_and_oddities_are_those_of_the_code() {
    let row = |code: &str, sentence: &str, fix: &str| format!("| `{code}` | {sentence} | {fix} |");
    let findings = Finding::ALL.iter().map(|one| row(one.code(), one.sentence(), one.fix()));
    let oddities = Oddity::ALL.iter().map(|one| row(one.code(), one.sentence(), one.fix()));
    let expected: Vec<_> = findings.chain(oddities).collect();
    let told: Vec<_> =
        section("### Deployments").lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(told, expected);
}

#[test]
fn every_code_is_explained() {
    for code in Code::all() {
        let told = watchpost(&["explain", code.as_str()]).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(told.contains(code.sentence()) && told.contains(code.fix()), "{told}");
    }
    let all = String::from_utf8(watchpost(&["explain"]).output().unwrap().stdout).unwrap();
    assert_eq!(all.lines().count(), Code::all().count());
    let slip = watchpost(&["explain", "cert_expird"]).output().unwrap();
    assert_eq!(slip.status.code(), Some(2));
    assert!(String::from_utf8(slip.stderr).unwrap().contains("is it cert_expired?"));
}

#[test]
fn the_table_of_self_checks_is_that_of_the_code() {
    let told: Vec<_> =
        section("## Self-checks").lines().filter(|line| line.starts_with("| `")).collect();
    let row = |check: &SelfCheck| format!("| `{check}` | {} |", check.sentence());
    assert_eq!(told, SelfCheck::ALL.iter().map(row).collect::<Vec<_>>());
}

#[test]
fn the_table_of_metrics_is_that_of_the_page() {
    let page = include_str!("../snapshots/metrics.txt");
    let types = page.lines().filter_map(|line| line.split(' ').next());
    let mut built: Vec<_> = types.collect();
    let mut told: Vec<_> = first_cells(section("## Metrics")).flat_map(names).collect();
    built.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, built);
}

#[test]
fn every_setting_is_told() {
    let told: Vec<_> = first_cells(section("## Settings")).flat_map(names).collect();
    let raw = include_str!("../../src/config/raw.rs");
    let mut keys = 0;
    for structure in [
        "Daemon",
        "Store",
        "Events",
        "Correlation",
        "Selfcheck",
        "Endpoint",
        "Messaging",
        "Cors",
        "Http",
        "Users",
        "Receiver",
        "Auth",
        "Notify",
        "Genesys",
    ] {
        let (_, rest) = raw.split_once(&format!("pub struct {structure} {{")).unwrap();
        let (body, _) = rest.split_once("\n}").unwrap();
        for line in body.lines() {
            let Some((field, _)) =
                line.trim().strip_prefix("pub ").and_then(|l| l.split_once(": "))
            else {
                continue;
            };
            let key = field.replace('_', "-");
            assert!(told.contains(&key.as_str()), "the README does not tell of {key}");
            keys += 1;
        }
    }
    assert!(keys > 25, "{keys}");
}

#[test]
fn every_reason_of_a_refused_event_is_told() {
    let told = section("### What senders are told").split("\n## ").next().unwrap();
    let reasons = told.lines().filter_map(|row| row.split('|').nth(2)).skip(1);
    let mut told: Vec<_> = reasons.flat_map(names).collect();
    let mut built = Rejection::REASONS.to_vec();
    told.sort_unstable();
    built.sort_unstable();
    assert_eq!(told, built);
}

#[test]
fn every_option_of_check_is_told() {
    let help = watchpost(&["check", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let option = |line: &str| Some(line.trim().strip_prefix("--")?.split(' ').next()?.to_owned());
    let mut built: Vec<_> = help.lines().filter_map(option).collect();
    let told = first_cells(section("## One door, now: `watchpost check`"))
        .flat_map(names)
        .filter_map(|name| Some(name.strip_prefix("--")?.split(' ').next()?.to_owned()));
    let mut told: Vec<_> = told.collect();
    built.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, built);
}
