//! What the store keeps of the past, read beside its writer.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::rows::{Entry, read_one};
use crate::check::CheckId;
use crate::database::{self, DatabaseError, place::Place};
use crate::record::row::Row;

/// A time, from its begin up to and without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// The rows of one check.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Past {
    /// Oldest first.
    pub rows: Vec<Row>,
    /// Whether there are older ones in the span, which were too many.
    pub cut: bool,
}

/// A reader of a store's file, whoever writes it.
#[derive(Debug)]
pub struct PastReader {
    connection: Connection,
    path: PathBuf,
    file: Option<Place>,
}

impl PastReader {
    /// Opens a file that a daemon has made; one of a later release is refused.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let file = Place::of(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(database::BUSY)?;
        database::version(&connection, super::schema::VERSION)?;
        Ok(Self { connection, path: path.to_owned(), file })
    }

    /// Opens the file that has come in this one's place, where the writer set it aside.
    pub fn follow(&mut self) -> Result<(), DatabaseError> {
        let there = Place::of(&self.path);
        if there.is_some() && there != self.file {
            *self = Self::open(&self.path)?;
        }
        Ok(())
    }

    /// The checks of which there is something, in the order in which they came to be.
    pub fn checks(&self) -> rusqlite::Result<Vec<CheckId>> {
        let mut statement = self.connection.prepare("SELECT id FROM checks ORDER BY key")?;
        let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
        ids.map(|id| id.map(|id| CheckId::from_text(&id))).collect()
    }

    /// The rows of a check whose runs began in a span, the newest `most` of them.
    ///
    /// By the index: what other checks did is not read.
    pub fn rows(&self, check: &CheckId, span: Span, most: usize) -> rusqlite::Result<Past> {
        let sql = "SELECT key FROM checks WHERE id = ?1";
        let key: Option<i64> = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![check.as_str()], |row| row.get(0))
            .optional()?;
        let Some(key) = key else { return Ok(Past::default()) };
        let ids = HashMap::from([(key, check.clone())]);
        let mut statement = self
            .connection
            .prepare_cached("SELECT * FROM results WHERE check_key = ?1 ORDER BY seq DESC")?;
        let mut found = statement.query(params![key])?;
        let mut past = Past::default();
        while let Some(row) = found.next()? {
            let Some(Entry { row, .. }) = read_one(row, &ids)? else { continue };
            if row.at >= span.to {
                continue;
            }
            // Rows are in the order of their ends: what began in the span ended in it or after.
            if row.at < span.from {
                break;
            }
            if past.rows.len() == most {
                past.cut = true;
                break;
            }
            past.rows.push(row);
        }
        past.rows.reverse();
        Ok(past)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Store, rows};
    use super::*;
    use crate::outcome::phase::PhaseTimes;
    use crate::record::row::RunResult;
    use crate::schedule::slot::{Purpose, Slot};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn entry(seq: u64, check: &CheckId, second: i64) -> Entry {
        let slot = Slot { number: seq, planned: at(second), purpose: Purpose::Scheduled };
        let row = Row {
            slot,
            slots: 1,
            result: RunResult::Success,
            reason: None,
            phase: None,
            at: at(second),
            delay: Duration::ZERO,
            phases: PhaseTimes::default(),
            http_status: None,
            stalled: Duration::ZERO,
        };
        Entry { seq, check: check.clone(), row }
    }

    #[test]
    fn a_span_of_one_check_is_read_while_its_writer_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let (mut store, _) = Store::open(&path, at(0)).unwrap();
        let (one, other) = (CheckId::from_text("a/tls"), CheckId::from_text("b/tls"));
        let check = |n: u64| if n.is_multiple_of(2) { &one } else { &other };
        let entries: Vec<_> = (0..100).map(|n| entry(n + 1, check(n), n.cast_signed())).collect();
        store.learn([&one, &other].into_iter()).unwrap();
        rows::insert(&store.connection, &entries, &store.keys).unwrap();

        let reader = PastReader::open(&path).unwrap();
        let span = |from, to| Span { from: at(from), to: at(to) };
        let seconds = |past: &Past| -> Vec<_> {
            past.rows.iter().map(|row| row.at.duration_since(at(0)).as_secs()).collect()
        };
        let past = reader.rows(&one, span(10, 20), 100).unwrap();
        assert_eq!((seconds(&past), past.cut), (vec![10, 12, 14, 16, 18], false));
        let past = reader.rows(&one, span(10, 20), 3).unwrap();
        assert_eq!((seconds(&past), past.cut), (vec![14, 16, 18], true), "the newest");
        let nobody = CheckId::from_text("c/tls");
        assert_eq!(reader.rows(&nobody, span(0, 100), 3).unwrap(), Past::default());
        let mut known = reader.checks().unwrap();
        known.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        assert_eq!(known, [one, other]);
    }
}
