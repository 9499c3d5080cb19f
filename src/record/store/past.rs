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

    /// A walk over the rows of all checks, from those on that came at this moment.
    pub fn walk(&self, from: Timestamp) -> rusqlite::Result<Walk<'_>> {
        let mut ids = HashMap::new();
        let mut statement = self.connection.prepare("SELECT key, id FROM checks")?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            ids.insert(row.get(0)?, CheckId::from_text(&row.get::<_, String>(1)?));
        }
        let after = self.last_before(from)?;
        Ok(Walk { reader: self, ids, after })
    }

    /// The place of the last row that began before a moment, by halves: rows come nearly in the
    /// order of their times, and no index has those.
    fn last_before(&self, moment: Timestamp) -> rusqlite::Result<i64> {
        let ends = "SELECT min(seq) - 1, max(seq) FROM results";
        let (mut before, mut last): (Option<i64>, Option<i64>) =
            self.connection.query_row(ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (low, high) = (before.get_or_insert(0), last.get_or_insert(0));
        let sql = "SELECT at_us FROM results WHERE seq > ?1 ORDER BY seq LIMIT 1";
        let mut statement = self.connection.prepare(sql)?;
        while *low < *high {
            let middle = *low + (*high - *low) / 2;
            let next: Option<i64> =
                statement.query_row(params![middle], |row| row.get(0)).optional()?;
            match next {
                Some(at) if at < moment.as_microsecond() => *low = middle + 1,
                _ => *high = middle,
            }
        }
        Ok(*low)
    }
}

/// Rows that are read at a time: a reader who stays keeps the writer's log from being folded.
const AT_A_TIME: i64 = 4096;

/// A walk over the rows of all checks, in the order in which they came.
#[derive(Debug)]
pub struct Walk<'a> {
    reader: &'a PastReader,
    ids: HashMap<i64, CheckId>,
    after: i64,
}

impl Walk<'_> {
    /// Some more rows; none where there are no more.
    pub fn more(&mut self) -> rusqlite::Result<Vec<(CheckId, Row)>> {
        let sql = "SELECT * FROM results WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let mut statement = self.reader.connection.prepare_cached(sql)?;
        loop {
            let mut found = statement.query(params![self.after, AT_A_TIME])?;
            let (mut rows, mut any) = (Vec::new(), false);
            while let Some(row) = found.next()? {
                any = true;
                self.after = row.get(0)?;
                // One that this program cannot read is passed over.
                let entry = read_one(row, &self.ids)?;
                rows.extend(entry.map(|entry| (entry.check, entry.row)));
            }
            if !rows.is_empty() || !any {
                return Ok(rows);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Store, rows};
    use super::*;
    use crate::record::row::RunResult;
    use crate::schedule::slot::{Purpose, Slot};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn entry(seq: u64, check: &CheckId, second: i64) -> Entry {
        let slot = Slot { number: seq, planned: at(second), purpose: Purpose::Scheduled };
        let row = Row { result: RunResult::Success, ..Row::blank(slot) };
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
        for (from, first) in [(-5, 0), (0, 0), (37, 37), (99, 99)] {
            let mut walk = reader.walk(at(from)).unwrap();
            let rows = walk.more().unwrap();
            assert_eq!(rows.len() as i64, 100 - first, "from {from}");
            assert_eq!((&rows[0].0, rows[0].1.at), (check(first.unsigned_abs()), at(first)));
            assert_eq!(walk.more().unwrap(), []);
        }
        assert_eq!(reader.walk(at(100)).unwrap().more().unwrap(), []);
        let mut known = reader.checks().unwrap();
        known.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        assert_eq!(known, [one, other]);
    }
}
