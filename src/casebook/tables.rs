//! Rows of minutes, hours and sights, by endpoint and time.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::check::endpoint::EndpointName;

/// Whose rows; none where nothing tells whose users they are.
pub type Whose = Option<EndpointName>;

/// A table by endpoint and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Users by minute.
    Minutes,
    /// Users by hour.
    Hours,
    /// Probes by minute.
    Sights,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Sights => "sights",
        }
    }
}

/// A row as it is written.
#[derive(Debug)]
pub struct Row {
    table: Table,
    endpoint: String,
    at: i64,
    text: String,
}

impl Row {
    /// One that can be written.
    pub fn new(table: Table, whose: &Whose, at: i64, row: &impl Serialize) -> Option<Self> {
        let endpoint = whose.as_ref().map(ToString::to_string).unwrap_or_default();
        Some(Self { table, endpoint, at, text: serde_json::to_string(row).ok()? })
    }

    /// Writes it.
    pub fn write(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let name = self.table.name();
        let sql = format!("INSERT OR REPLACE INTO {name} (endpoint, at, row) VALUES (?1, ?2, ?3)");
        let mut upsert = transaction.prepare_cached(&sql)?;
        upsert.execute(params![self.endpoint, self.at, self.text]).map(drop)
    }
}

/// Every row of a table. What nobody can read is passed over.
pub fn read<K: Ord, V: DeserializeOwned>(
    connection: &Connection,
    table: Table,
    key: impl Fn(i64) -> K,
) -> rusqlite::Result<BTreeMap<Whose, BTreeMap<K, V>>> {
    let sql = format!("SELECT endpoint, at, row FROM {}", table.name());
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query([])?;
    let mut found: BTreeMap<Whose, BTreeMap<K, V>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let endpoint: String = row.get(0)?;
        let Ok(value) = serde_json::from_str(row.get_ref(2)?.as_str()?) else { continue };
        let whose = match endpoint.as_str() {
            "" => None,
            _ => match EndpointName::try_from(endpoint) {
                Ok(name) => Some(name),
                Err(_) => continue,
            },
        };
        found.entry(whose).or_default().insert(key(row.get(1)?), value);
    }
    Ok(found)
}

/// Deletes the rows before this time.
pub fn delete_before(transaction: &Transaction<'_>, table: Table, at: i64) -> rusqlite::Result<()> {
    // The key begins with the endpoint: each has its own range, found by a leap from one to the
    // next. The writer of events must not wait for a look at every row.
    let name = table.name();
    let mut endpoints = transaction.prepare_cached(&format!(
        "WITH RECURSIVE each (endpoint) AS (SELECT min(endpoint) FROM {name} UNION ALL \
         SELECT (SELECT min(endpoint) FROM {name} WHERE endpoint > each.endpoint) FROM each \
         WHERE each.endpoint IS NOT NULL) SELECT endpoint FROM each WHERE endpoint IS NOT NULL"
    ))?;
    let endpoints: Vec<String> =
        endpoints.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let sql = format!("DELETE FROM {name} WHERE endpoint = ?1 AND at < ?2");
    let mut delete = transaction.prepare_cached(&sql)?;
    endpoints.iter().try_for_each(|endpoint| delete.execute(params![endpoint, at]).map(drop))
}
