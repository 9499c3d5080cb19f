//! What outlives the process: rows of JSON in the events file, by kind and id.

use std::path::{Path, PathBuf};

use rusqlite::params;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::inbox::reader::Reader;
use crate::inbox::{Inbox, Refused};

/// Largest row that is read or written.
const MAX_ROW_BYTES: usize = 4 * 1024 * 1024;

/// Most rows of one kind that are read.
const MAX_ROWS: usize = 10_000;

/// What rows are about. Each kind is one task's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What is known of a deployment, by its id.
    Deployment,
    /// The endpoints that were discovered last, as a whole.
    Discovered,
    /// Up to when audits were asked for.
    Audits,
    /// The notification channel, and up to when nothing was missed.
    Channel,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Discovered => "discovered",
            Self::Audits => "audits",
            Self::Channel => "channel",
        }
    }
}

/// The way to them.
#[derive(Debug, Clone)]
pub struct Kept {
    path: PathBuf,
    inbox: Inbox,
}

impl Kept {
    /// Of an events file, and of who writes it.
    pub fn new(path: PathBuf, inbox: Inbox) -> Self {
        Self { path, inbox }
    }

    /// Every row of a kind. What cannot be read is passed over.
    pub fn read<T: DeserializeOwned>(&self, kind: Kind) -> Vec<(String, T)> {
        read(&self.path, kind)
    }

    /// Writes rows, each in the place of the one with its id, and waits until they are on disk.
    pub async fn write<T: Serialize>(
        &self,
        kind: Kind,
        rows: &[(String, T)],
    ) -> Result<(), Refused> {
        let text = |(id, row): &(String, T)| {
            let text = serde_json::to_string(row).ok()?;
            (text.len() <= MAX_ROW_BYTES).then(|| (id.clone(), text))
        };
        let rows: Vec<_> = rows.iter().filter_map(text).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let changes = move |transaction: &rusqlite::Transaction<'_>| {
            let sql = "INSERT OR REPLACE INTO kept (kind, id, row) VALUES (?1, ?2, ?3)";
            let mut upsert = transaction.prepare_cached(sql)?;
            rows.iter()
                .try_for_each(|(id, row)| upsert.execute(params![kind.as_str(), id, row]).map(drop))
        };
        self.inbox.write(None, Box::new(changes)).await
    }

    /// Deletes rows.
    pub async fn forget(&self, kind: Kind, ids: Vec<String>) -> Result<(), Refused> {
        if ids.is_empty() {
            return Ok(());
        }
        let changes = move |transaction: &rusqlite::Transaction<'_>| {
            let sql = "DELETE FROM kept WHERE kind = ?1 AND id = ?2";
            let mut delete = transaction.prepare_cached(sql)?;
            ids.iter().try_for_each(|id| delete.execute(params![kind.as_str(), id]).map(drop))
        };
        self.inbox.write(None, Box::new(changes)).await
    }
}

/// Every row of a kind in an events file; none where it cannot be read: they are found out again.
pub fn read<T: DeserializeOwned>(path: &Path, kind: Kind) -> Vec<(String, T)> {
    let rows = || -> Result<Vec<(String, String)>, Box<dyn std::error::Error>> {
        let reader = Reader::open(path)?;
        let sql = "SELECT id, row FROM kept WHERE kind = ?1 AND length(row) <= ?2 LIMIT ?3";
        let mut select = reader.connection().prepare(sql)?;
        let (bytes, most) = (MAX_ROW_BYTES as i64, MAX_ROWS as i64);
        let rows = select
            .query_map(params![kind.as_str(), bytes, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.flatten().collect())
    };
    let rows = rows().unwrap_or_else(|error| {
        tracing::warn!(%error, "what was known of Genesys Cloud cannot be read");
        Vec::new()
    });
    rows.into_iter().filter_map(|(id, row)| Some((id, serde_json::from_str(&row).ok()?))).collect()
}
