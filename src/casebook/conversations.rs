//! What is known of each conversation: in the file, with those in memory that were last heard of.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::correlate::conversation::{Contribution, Conversation};
use crate::event::key::Key;
use crate::inbox::reader::Reader;

/// Conversations in one of the two halves of the cache.
const CACHED: usize = 10_000;

/// A conversation is kept for as long after its last event.
const KEPT_US: i64 = 7 * 24 * 3_600 * 1_000_000;

/// As many are looked at in one go for those that may go.
const SWEPT: i64 = 5000;

/// A conversation, with what was made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What its events say.
    pub facts: Conversation,
    /// What it adds to the windows, as it stands in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Contribution>,
    /// It is in the counter of those that ended.
    #[serde(default)]
    pub told: bool,
}

/// A row as it is written.
pub type Row = (Key, i64, String);

/// All of them.
#[derive(Debug, Default)]
pub struct Conversations {
    /// As the file has them; the young become the old once they are many.
    young: HashMap<Key, Kept>,
    old: HashMap<Key, Kept>,
    /// Otherwise than the file has them.
    touched: HashMap<Key, Kept>,
}

impl Conversations {
    /// One of them.
    pub fn find(&self, reader: &Reader, id: &Key) -> rusqlite::Result<Option<Kept>> {
        let maps = [&self.touched, &self.young, &self.old];
        match maps.into_iter().find_map(|map| map.get(id)) {
            Some(kept) => Ok(Some(kept.clone())),
            None => stored(reader, id),
        }
    }

    /// It is otherwise now.
    pub fn put(&mut self, id: Key, kept: Kept) {
        self.touched.insert(id, kept);
    }

    /// Those that are otherwise than in the file.
    pub fn touched(&mut self) -> impl Iterator<Item = &mut Kept> {
        self.touched.values_mut()
    }

    /// The same, as rows.
    pub fn unwritten(&self) -> Vec<Row> {
        let row = |(id, kept): (&Key, &Kept)| {
            let text = serde_json::to_string(kept).ok()?;
            Some((id.clone(), kept.facts.last().as_microsecond(), text))
        };
        self.touched.iter().filter_map(row).collect()
    }

    /// They are written down.
    pub fn written(&mut self) {
        for (id, kept) in self.touched.drain() {
            self.old.remove(&id);
            self.young.insert(id, kept);
        }
        if self.young.len() > CACHED {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// They are not, and never were.
    pub fn forget(&mut self) {
        self.touched.clear();
    }
}

fn stored(reader: &Reader, id: &Key) -> rusqlite::Result<Option<Kept>> {
    let mut select =
        reader.connection().prepare_cached("SELECT row FROM conversations WHERE id = ?1")?;
    let text = select.query_row([id.as_str()], |row| row.get::<_, String>(0)).optional()?;
    // What nobody can read begins anew.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Writes rows.
pub fn write(transaction: &Transaction<'_>, rows: &[Row]) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO conversations (id, last_us, row) VALUES (?1, ?2, ?3) \
         ON CONFLICT (id) DO UPDATE SET last_us = excluded.last_us, row = excluded.row",
    )?;
    for (id, last_us, row) in rows {
        upsert.execute(params![id.as_str(), last_us, row])?;
    }
    Ok(())
}

/// Deletes some of those that are too old by then; goes on where it was the last time, and from the
/// beginning behind the end. Those that came first may be those that go on for months: they must
/// not keep it from the others.
pub fn sweep(transaction: &Transaction<'_>, now_us: i64) -> rusqlite::Result<()> {
    let from: i64 = transaction
        .prepare_cached("SELECT coalesce(max(value), 0) FROM meta WHERE key = 'swept'")?
        .query_row([], |row| row.get(0))?;
    let to: Option<i64> = transaction
        .prepare_cached(
            "SELECT max(seq) FROM \
             (SELECT seq FROM conversations WHERE seq > ?1 ORDER BY seq LIMIT ?2)",
        )?
        .query_row([from, SWEPT], |row| row.get(0))?;
    if let Some(to) = to {
        let mut delete = transaction.prepare_cached(
            "DELETE FROM conversations WHERE seq > ?1 AND seq <= ?2 AND last_us < ?3",
        )?;
        delete.execute([from, to, now_us - KEPT_US])?;
    }
    let mut upsert =
        transaction.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('swept', ?1)")?;
    upsert.execute([to.unwrap_or(0)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::inbox::Store;

    #[test]
    fn conversations_that_go_on_keep_no_others_from_going() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        drop(Store::open(&path, Timestamp::UNIX_EPOCH).unwrap());
        let mut connection = rusqlite::Connection::open(&path).unwrap();
        let transaction = connection.transaction().unwrap();
        let now_us = 10 * KEPT_US;
        let rows = (0..SWEPT + 10).map(|number| {
            let last_us = if number < SWEPT { now_us } else { 0 };
            (Key::new(&format!("c{number}")).unwrap(), last_us, String::new())
        });
        write(&transaction, &rows.collect::<Vec<_>>()).unwrap();
        let left = || {
            let sql = "SELECT count(*) FROM conversations";
            transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        sweep(&transaction, now_us).unwrap();
        assert_eq!(left(), SWEPT + 10);
        sweep(&transaction, now_us).unwrap();
        assert_eq!(left(), SWEPT);
        // Behind the end it begins anew.
        sweep(&transaction, now_us).unwrap();
        sweep(&transaction, now_us + KEPT_US + 1).unwrap();
        assert_eq!(left(), 0);
    }
}
