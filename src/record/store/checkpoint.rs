//! Counts, health and histograms as of one row, so that a start need not read all rows.

use std::collections::{BTreeMap, HashMap};

use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::check::CheckId;
use crate::check::probe::ProbeKind;
use crate::health::Health;
use crate::outcome::phase::Phase;
use crate::outcome::reason::Reason;
use crate::record::latency::Cell;
use crate::record::ledger::Ledger;
use crate::record::row::RunResult;
use crate::record::snapshot::{CheckRecord, Snapshot};
use crate::record::state::CheckRestored;

/// The column `checks.state`.
#[derive(Serialize, Deserialize)]
struct CheckState {
    health: Health,
    last_run_at: Option<Timestamp>,
    last_conclusive: Option<String>,
    failing: Option<(Option<String>, String)>,
    results: BTreeMap<String, u64>,
    failures: Vec<(Option<String>, String, u64)>,
}

/// A histogram, and whose it is.
#[derive(Debug)]
pub struct RestoredCell {
    /// The endpoint's name.
    pub endpoint: String,
    /// The kind of probe.
    pub probe: ProbeKind,
    /// The histogram.
    pub cell: Cell,
}

/// Writes everything of a snapshot; the caller holds the transaction, and has all the keys.
pub fn write(
    connection: &Connection,
    snapshot: &Snapshot,
    keys: &HashMap<CheckId, i64>,
    through: u64,
) -> Result<(), StoreError> {
    let mut update = connection.prepare_cached("UPDATE checks SET state = ?2 WHERE key = ?1")?;
    for record in &snapshot.checks {
        let key = keys.get(&record.check.id);
        update.execute(params![key, serde_json::to_string(&check_state(record))?])?;
    }
    let mut upsert = connection
        .prepare_cached("INSERT OR REPLACE INTO latency VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut serializer = V2Serializer::new();
    for record in &snapshot.latencies {
        for cell in record.latency.cells() {
            let mut blob = Vec::new();
            serializer.serialize(&cell.histogram, &mut blob)?;
            upsert.execute(params![
                &*record.endpoint.name,
                record.probe.as_str(),
                cell.phase.as_str(),
                cell.result.as_str(),
                blob,
                i64::try_from(cell.sum.as_micros()).unwrap_or(i64::MAX),
            ])?;
        }
    }
    connection.execute(
        "INSERT OR REPLACE INTO meta VALUES ('through', ?1)",
        params![i64::try_from(through).unwrap_or(i64::MAX)],
    )?;
    Ok(())
}

/// The row that the last checkpoint holds everything up to.
pub fn through(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT value FROM meta WHERE key = 'through'";
    let value: Option<i64> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(value.map_or(0, i64::unsigned_abs))
}

/// What a checkpoint says of a check.
pub fn read_check(state: &str) -> Option<CheckRestored> {
    let state: CheckState = serde_json::from_str(state).ok()?;
    let mut ledger = Ledger::default();
    for (result, count) in &state.results {
        ledger.add(RunResult::from_text(result)?, *count);
    }
    for (phase, reason, count) in &state.failures {
        // A reason that a newer or older program knew is counted among the results alone.
        if let Some(reason) = Reason::from_code(reason) {
            let phase = phase.as_deref().and_then(Phase::from_text);
            ledger.add_failures(phase, reason, *count);
        }
    }
    Some(CheckRestored {
        health: state.health,
        ledger,
        last_run_at: state.last_run_at,
        last_conclusive: state.last_conclusive.as_deref().and_then(RunResult::from_text),
        failing: state.failing.as_ref().and_then(|(phase, reason)| {
            Some((phase.as_deref().and_then(Phase::from_text), Reason::from_code(reason)?))
        }),
    })
}

/// Every histogram of the last checkpoint that can be read.
pub fn read_cells(connection: &Connection) -> rusqlite::Result<Vec<RestoredCell>> {
    let mut statement = connection.prepare("SELECT * FROM latency")?;
    let cells = statement.query_map([], |row| {
        let texts = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
        Ok((texts, row.get::<_, Vec<u8>>(4)?, row.get::<_, i64>(5)?))
    })?;
    let mut restored = Vec::new();
    for cell in cells {
        let (texts, blob, sum) = cell?;
        restored.extend(read_cell(texts, &blob, sum));
    }
    Ok(restored)
}

/// A histogram, where it can be read; `texts` are endpoint, probe, phase and result.
pub fn read_cell(texts: [String; 4], blob: &[u8], sum: i64) -> Option<RestoredCell> {
    let [endpoint, probe, phase, result] = texts;
    let mut histogram = Deserializer::new().deserialize(&mut &*blob).ok()?;
    // Comes back with the bounds that it had grown to.
    histogram.auto(true);
    let cell = Cell {
        phase: Phase::from_text(&phase)?,
        result: RunResult::from_text(&result)?,
        histogram,
        sum: std::time::Duration::from_micros(sum.unsigned_abs()),
        since: None,
    };
    Some(RestoredCell { endpoint, probe: ProbeKind::from_text(&probe)?, cell })
}

fn check_state(record: &CheckRecord) -> CheckState {
    let text = |result: RunResult| result.as_str().to_owned();
    let word = |phase: Option<Phase>| phase.map(|phase| phase.as_str().to_owned());
    CheckState {
        health: record.health.clone(),
        last_run_at: record.last_run_at,
        last_conclusive: record.last_conclusive.map(text),
        failing: record.failing.map(|(phase, reason)| (word(phase), reason.code().to_owned())),
        results: RunResult::ALL
            .into_iter()
            .map(|result| (text(result), record.ledger.results(result)))
            .collect(),
        failures: record
            .ledger
            .all_failures()
            .map(|(phase, reason, count)| (word(phase), reason.code().to_owned(), count))
            .collect(),
    }
}
