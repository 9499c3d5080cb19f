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

/// Of the oldest, as many are looked at for those that may go.
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

/// Deletes some of those that are too old by then.
pub fn sweep(transaction: &Transaction<'_>, now_us: i64) -> rusqlite::Result<()> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM conversations WHERE seq IN (SELECT seq FROM \
         (SELECT seq, last_us FROM conversations ORDER BY seq LIMIT ?2) WHERE last_us < ?1)",
    )?;
    delete.execute(params![now_us - KEPT_US, SWEPT])?;
    Ok(())
}
