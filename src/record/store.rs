//! Results, streaks and histograms in one SQLite file that outlives the process.

pub mod checkpoint;
pub mod past;
mod retention;
mod rows;
mod schema;
mod writer;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::state::CheckRestored;
use crate::check::CheckId;
use crate::database::{self, DatabaseError};
pub use checkpoint::RestoredCell;
pub use retention::Limits;
pub use rows::Entry;
pub use writer::{Message, Writer};

/// Most rows that a start reads back.
const MAX_RESTORED_ROWS: usize = 200_000;

/// An open store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// The keys of every check that the file knows, also of those that are watched no more.
    keys: HashMap<CheckId, i64>,
    /// Held for as long as the store is: one file has one writer.
    _lock: File,
}

/// What a store knew when it was opened.
#[derive(Debug, Default)]
pub struct Restored {
    /// As of the last checkpoint.
    pub checks: Vec<(CheckId, CheckRestored)>,
    /// As of the last checkpoint.
    pub cells: Vec<RestoredCell>,
    /// The last row of the checkpoint.
    pub through: u64,
    /// The newest rows, also ones from before the checkpoint.
    pub entries: Vec<Entry>,
    /// The last row of all.
    pub last_seq: u64,
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file.
    #[error("the store: {0}")]
    Database(#[from] DatabaseError),
    /// SQLite.
    #[error("store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A state that cannot be written as JSON.
    #[error("store: {0}")]
    Json(#[from] serde_json::Error),
    /// A histogram that cannot be written.
    #[error("store: histogram: {0}")]
    Histogram(#[from] hdrhistogram::serialization::V2SerializeError),
}

impl Store {
    /// Opens or makes a file, and reads what it knows.
    pub fn open(path: &Path, now: Timestamp) -> Result<(Self, Restored), StoreError> {
        let lock = database::lock(path)?;
        let (connection, (keys, restored)) = database::open(path, now, |connection| {
            schema::prepare(connection)?;
            Ok(restored(connection)?)
        })?;
        Ok((Self { connection, path: path.to_owned(), keys, _lock: lock }, restored))
    }

    /// A random number that stays with the file, and that no other file has.
    pub fn salt(&self) -> Result<u64, StoreError> {
        let mut bytes = [0; 8];
        // Without random numbers no run comes to anything.
        aws_lc_rs::rand::fill(&mut bytes).ok();
        self.connection.execute(
            "INSERT OR IGNORE INTO meta VALUES ('salt', ?1)",
            params![i64::from_ne_bytes(bytes)],
        )?;
        let sql = "SELECT value FROM meta WHERE key = 'salt'";
        let salt: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(salt.cast_unsigned())
    }

    /// Gives a key to every check that has none yet.
    ///
    /// In a transaction of its own: a key that is remembered here is in the file.
    fn learn<'a>(&mut self, ids: impl Iterator<Item = &'a CheckId>) -> Result<(), StoreError> {
        let unknown: HashSet<_> = ids.filter(|id| !self.keys.contains_key(id)).cloned().collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        let mut learnt = Vec::with_capacity(unknown.len());
        {
            let mut insert = transaction.prepare_cached("INSERT INTO checks (id) VALUES (?1)")?;
            for id in unknown {
                let key = insert.insert(params![id.as_str()])?;
                learnt.push((id, key));
            }
        }
        transaction.commit()?;
        self.keys.extend(learnt);
        Ok(())
    }
}

fn restored(connection: &Connection) -> rusqlite::Result<(HashMap<CheckId, i64>, Restored)> {
    let mut ids = HashMap::new();
    let mut checks = Vec::new();
    let mut statement = connection.prepare("SELECT key, id, state FROM checks")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let id = CheckId::from_text(&row.get::<_, String>(1)?);
        ids.insert(row.get::<_, i64>(0)?, id.clone());
        let state: Option<String> = row.get(2)?;
        checks.extend(state.and_then(|state| Some((id, checkpoint::read_check(&state)?))));
    }
    let entries = rows::read_last(connection, &ids, MAX_RESTORED_ROWS)?;
    let last_seq = rows::last_seq(connection)?;
    let through = checkpoint::through(connection)?;
    let restored = Restored {
        checks,
        cells: checkpoint::read_cells(connection)?,
        through,
        entries,
        last_seq: last_seq.max(through),
    };
    Ok((ids.into_iter().map(|(key, id)| (id, key)).collect(), restored))
}
