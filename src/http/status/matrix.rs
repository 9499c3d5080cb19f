//! Endpoint by page: where does whom get in?

use std::collections::BTreeMap;
use std::sync::Arc;

use maud::{Markup, html};

use super::space::fitting;
use super::{check, endpoint_path};
use crate::check::origin::Expect;
use crate::health::State as Health;
use crate::record::snapshot::{CheckRecord, Snapshot};

/// Columns of pages; the others share one.
const MAX_COLUMNS: usize = 6;

/// Bytes that its rows may take.
const BYTES: usize = 11_000;

/// Checks that no page stands behind.
const NO_PAGE: &str = "no page";

/// A row for each endpoint, what is wrong first; a column for each page.
pub fn shown(snapshot: &Snapshot) -> Markup {
    let columns = columns(snapshot);
    // The checks of an endpoint stand beside each other.
    let one_endpoint =
        |a: &Arc<CheckRecord>, b: &Arc<CheckRecord>| a.check.endpoint.name == b.check.endpoint.name;
    let mut rows: Vec<_> = snapshot.checks.chunk_by(one_endpoint).collect();
    rows.sort_by_key(|records| records.iter().map(|record| record.health.state().turn()).min());
    let (shown, left) = fitting(rows, BYTES, |records| row(&columns, records));
    html! {
        section aria-labelledby="matrix" {
            h2 id="matrix" { "Endpoints and pages" }
            div class="wide" role="region" aria-label="Table of endpoints and pages" tabindex="0" {
                table class="matrix" {
                    thead {
                        tr {
                            th scope="col" { "Endpoint" }
                            @for column in &columns { th scope="col" { (column) } }
                            @if has_others(snapshot, &columns) { th scope="col" { "other pages" } }
                        }
                    }
                    tbody { @for row in shown { (row) } }
                }
            }
            @if left > 0 { p { (left) " more endpoints, which are not worse." } }
        }
    }
}

fn column(record: &CheckRecord) -> &str {
    record.check.origin.as_ref().map_or(NO_PAGE, |rule| &rule.name)
}

/// Pages by how many endpoints have them, then in the order of the config.
fn columns(snapshot: &Snapshot) -> Vec<&str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for record in &snapshot.checks {
        let name = column(record);
        *counts.entry(name).or_default() += 1;
        if counts.get(name) == Some(&1) {
            order.push(name);
        }
    }
    order.sort_by_key(|name| std::cmp::Reverse(counts.get(name).copied()));
    order.truncate(MAX_COLUMNS);
    order
}

fn has_others(snapshot: &Snapshot, columns: &[&str]) -> bool {
    snapshot.checks.iter().any(|record| !columns.contains(&column(record)))
}

fn row(columns: &[&str], records: &[Arc<CheckRecord>]) -> Markup {
    let endpoint = records.first().map(|record| &record.check.endpoint.name);
    let others: Vec<_> = records.iter().filter(|one| !columns.contains(&column(one))).collect();
    html! {
        tr {
            th scope="row" {
                @if let Some(name) = endpoint { a href=(endpoint_path(name)) { (&**name) } }
            }
            @for name in columns {
                td { @for record in records.iter().filter(|one| column(one) == *name) { (cell(record, None)) } }
            }
            @if !others.is_empty() {
                td { @for record in others { (cell(record, Some(column(record)))) } }
            }
        }
    }
}

fn cell(record: &CheckRecord, page: Option<&str>) -> Markup {
    let state = record.health.state();
    let (class, word) = check::word(state);
    let must_be_refused = record.check.expect() == Expect::Deny;
    let word = match (must_be_refused, state) {
        (true, Health::Up) => "▲ kept out",
        (true, Health::Down) => "▼ gets in",
        _ => word,
    };
    html! {
        div {
            span class=(class) { (word) } " " small { (record.check.probe.kind()) }
            @if let Some(page) = page { " " small { bdi { (page) } } }
        }
    }
}
