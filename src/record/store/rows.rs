//! Result rows, to and from their table.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, params};

use crate::check::CheckId;
use crate::outcome::phase::{Phase, PhaseTimes};
use crate::outcome::reason::Reason;
use crate::record::row::{Row, RunResult};
use crate::schedule::slot::{Purpose, Slot};

const INSERT: &str = "INSERT INTO results VALUES \
    (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

/// Where the time of each phase stands. New columns come last.
const PHASE_COLUMNS: [(Phase, usize); Phase::ALL.len()] = [
    (Phase::Resolve, 10),
    (Phase::Connect, 11),
    (Phase::Tls, 12),
    (Phase::Upgrade, 13),
    (Phase::Transfer, 14),
    (Phase::Close, 15),
    (Phase::Preflight, 18),
    (Phase::Request, 19),
];

/// A row with its place in the order of all rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Counts up from 1, over restarts.
    pub seq: u64,
    /// Whose it is.
    pub check: CheckId,
    /// What happened.
    pub row: Row,
}

/// Writes rows in one statement each; the caller holds the transaction, and has all the keys.
pub fn insert(
    connection: &Connection,
    entries: &[Entry],
    keys: &HashMap<CheckId, i64>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(INSERT)?;
    entries.iter().try_for_each(|entry| insert_one(&mut statement, entry, keys.get(&entry.check)))
}

fn insert_one(
    statement: &mut CachedStatement<'_>,
    entry: &Entry,
    check_key: Option<&i64>,
) -> rusqlite::Result<()> {
    let Entry { seq, check: _, row } = entry;
    let time = |phase| row.phases.get(phase).map(micros);
    statement.execute(params![
        integer(*seq),
        check_key,
        row.at.as_microsecond(),
        integer(row.slot.number),
        integer(row.slots),
        row.slot.purpose == Purpose::Confirm,
        row.result.as_str(),
        row.reason.map(Reason::code),
        row.phase.map(Phase::as_str),
        micros(row.delay),
        time(Phase::Resolve),
        time(Phase::Connect),
        time(Phase::Tls),
        time(Phase::Upgrade),
        time(Phase::Transfer),
        time(Phase::Close),
        row.http_status,
        micros(row.stalled),
        time(Phase::Preflight),
        time(Phase::Request),
    ])?;
    Ok(())
}

/// The newest rows, oldest first, at most so many.
pub fn read_last(
    connection: &Connection,
    ids: &HashMap<i64, CheckId>,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let mut statement = connection
        .prepare("SELECT * FROM (SELECT * FROM results ORDER BY seq DESC LIMIT ?1) ORDER BY seq")?;
    let entries = statement.query_map(params![integer(limit as u64)], |row| read_one(row, ids))?;
    // A row that this program cannot read is passed over: it stays in the file.
    Ok(entries.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The place of the last row, also of one that this program cannot read.
pub fn last_seq(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT max(seq) FROM results";
    let seq: Option<i64> = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(seq.map_or(0, i64::unsigned_abs))
}

pub(super) fn read_one(
    row: &rusqlite::Row<'_>,
    ids: &HashMap<i64, CheckId>,
) -> rusqlite::Result<Option<Entry>> {
    let mut phases = PhaseTimes::default();
    for (phase, column) in PHASE_COLUMNS {
        if let Some(micros) = row.get::<_, Option<i64>>(column)? {
            phases.set(phase, duration(micros));
        }
    }
    let (Ok(at), Some(result), Some(check)) = (
        Timestamp::from_microsecond(row.get(2)?),
        RunResult::from_text(&row.get::<_, String>(6)?),
        ids.get(&row.get(1)?),
    ) else {
        return Ok(None);
    };
    let purpose = if row.get(5)? { Purpose::Confirm } else { Purpose::Scheduled };
    Ok(Some(Entry {
        seq: row.get::<_, i64>(0)?.unsigned_abs(),
        check: check.clone(),
        row: Row {
            slot: Slot { number: row.get::<_, i64>(3)?.unsigned_abs(), planned: at, purpose },
            slots: row.get::<_, i64>(4)?.unsigned_abs(),
            result,
            reason: row.get::<_, Option<String>>(7)?.as_deref().and_then(Reason::from_code),
            phase: row.get::<_, Option<String>>(8)?.as_deref().and_then(Phase::from_text),
            at,
            delay: duration(row.get(9)?),
            phases,
            http_status: row
                .get::<_, Option<i64>>(16)?
                .and_then(|status| u16::try_from(status).ok()),
            stalled: duration(row.get(17)?),
        },
    }))
}

/// SQLite's integers are signed; none of ours comes near the edge.
fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn what_another_hand_wrote_is_read_or_passed_over() {
        let connection = Connection::open_in_memory().unwrap();
        schema::prepare(&connection).unwrap();
        connection.execute("INSERT INTO checks VALUES (1, 'a/tls', NULL)", []).unwrap();
        let (most, least) = (i64::MAX, i64::MIN);
        for (seq, rest) in [
            (
                1,
                format!(
                    "1, {most}, 0, 1, 0, 'success', NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 101, 0, 0, 0"
                ),
            ),
            (
                2,
                "1, 0, 0, 1, 0, 'tomorrow', NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 101, 0, 0, 0"
                    .to_owned(),
            ),
            (
                3,
                format!(
                    "1, 0, {least}, {least}, 7, 'failure', 'x', 'y', {least}, {most}, -1, 0, 0, 0, 0, 70000, {least}, NULL, NULL"
                ),
            ),
        ] {
            connection.execute(&format!("INSERT INTO results VALUES ({seq}, {rest})"), []).unwrap();
        }
        let ids = HashMap::from([(1, CheckId::from_text("a/tls"))]);
        let entries = read_last(&connection, &ids, 10).unwrap();
        let [entry] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((entry.seq, entry.row.result), (3, RunResult::Failure));
        assert_eq!((entry.row.reason, entry.row.phase, entry.row.http_status), (None, None, None));
        assert_eq!(entry.row.delay, Duration::ZERO);
    }
}
