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
        // By their times: a clock that ran behind has set rows among others that are not so old.
        let mut statement = self.connection.prepare_cached(
            "SELECT * FROM results WHERE check_key = ?1 AND at_us >= ?2 AND at_us < ?3 \
             ORDER BY at_us DESC, seq DESC",
        )?;
        let (from, to) = (span.from.as_microsecond(), span.to.as_microsecond());
        let mut found = statement.query(params![key, from, to])?;
        let mut past = Past::default();
        while let Some(row) = found.next()? {
            let Some(Entry { row, .. }) = read_one(row, &ids)? else { continue };
            if past.rows.len() == most {
                past.cut = true;
                break;
            }
            past.rows.push(row);
        }
        past.rows.reverse();
        Ok(past)
    }

    /// A walk over the rows of all checks that began at this moment or later.
    pub fn walk(&self, from: Timestamp) -> rusqlite::Result<Walk<'_>> {
        let mut ids = HashMap::new();
        let mut statement = self.connection.prepare("SELECT key, id FROM checks")?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            ids.insert(row.get(0)?, CheckId::from_text(&row.get::<_, String>(1)?));
        }
        let after = self.before_all_since(from)?;
        Ok(Walk { reader: self, ids, from, after })
    }

    /// The place before the first row that began at a moment or after it, whatever came between:
    /// a clock that ran ahead or behind is no reason to leave a row out.
    fn before_all_since(&self, moment: Timestamp) -> rusqlite::Result<i64> {
        // Check by check, as the index goes.
        let sql = "SELECT min(seq) - 1 FROM results \
            WHERE check_key IN (SELECT key FROM checks) AND at_us >= ?1";
        let before: Option<i64> =
            self.connection.query_row(sql, params![moment.as_microsecond()], |row| row.get(0))?;
        match before {
            Some(before) => Ok(before),
            None => {
                self.connection
                    .query_row("SELECT ifnull(max(seq), 0) FROM results", [], |row| row.get(0))
            }
        }
    }
}

/// Rows that are read at a time: a reader who stays keeps the writer's log from being folded.
const AT_A_TIME: i64 = 4096;

/// A walk over the rows of all checks, in the order in which they came.
#[derive(Debug)]
pub struct Walk<'a> {
    reader: &'a PastReader,
    ids: HashMap<i64, CheckId>,
    from: Timestamp,
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
                let entry = entry.filter(|entry| entry.row.at >= self.from);
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
    #[test]
    fn a_clock_that_ran_behind_hides_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let (mut store, _) = Store::open(&path, at(0)).unwrap();
        let door = CheckId::from_text("a/tls");
        store.learn([&door].into_iter()).unwrap();
        // A day behind for two runs; then a day ahead for one.
        let seconds = [10, 20, 30, -86_400, -86_390, 40, 86_400, 50, 60];
        let entries: Vec<_> =
            seconds.iter().zip(1..).map(|(second, seq)| entry(seq, &door, *second)).collect();
        rows::insert(&store.connection, &entries, &store.keys).unwrap();

        let reader = PastReader::open(&path).unwrap();
        let span = Span { from: at(10), to: at(60) };
        let since = |row: &Row| row.at.duration_since(at(0)).as_secs();
        let past = reader.rows(&door, span, 100).unwrap();
        assert_eq!(past.rows.iter().map(since).collect::<Vec<_>>(), [10, 20, 30, 40, 50]);
        let past = reader.rows(&door, span, 2).unwrap();
        assert_eq!(past.rows.iter().map(since).collect::<Vec<_>>(), [40, 50]);
        assert!(past.cut);
        for (from, expected) in
            [(20, &[20, 30, 40, 86_400, 50, 60][..]), (45, &[86_400, 50, 60]), (100_000, &[])]
        {
            let walked = reader.walk(at(from)).unwrap().more().unwrap();
            let walked: Vec<_> = walked.iter().map(|(_, row)| since(row)).collect();
            assert_eq!(walked, expected, "from {from}");
        }
    }
}
