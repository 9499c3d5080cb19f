//! Incidents in the file.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction, params};

use super::exhibits::Bundle;
use super::leaves::LeafRow;
use crate::casebook::outgoing::enqueue;
use crate::casebook::{archive, changes as archived};
use crate::check::endpoint::EndpointName;
use crate::inbox::Changes;
use crate::incident::ChangeEvent;
use crate::incident::notice::Message;
use crate::incident::record::Incident;

/// How long a closed incident is kept.
const KEEP_INCIDENTS: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How many closed incidents are kept.
const MAX_INCIDENTS: i64 = 10_000;

/// How long a change is kept.
const KEEP_CHANGES: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many changes are kept.
const MAX_CHANGES: i64 = 10_000;

/// How long it is known who was told of a drill.
const KEEP_DRILLS: SignedDuration = SignedDuration::from_hours(24);

/// Incidents that ended so lately may go on, and are told of what is found out late.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

/// Changes so old may be told of in an incident that begins now.
const CHANGES_BEFORE: SignedDuration = SignedDuration::from_hours(2);

/// What is to be written.
#[derive(Debug, Default)]
pub struct Rows {
    incidents: Vec<Row>,
    /// What others are to be told.
    pub messages: Vec<Message>,
    /// Evidence.
    pub bundles: Vec<Bundle>,
    /// What was changed.
    pub changes: Vec<ChangeEvent>,
    /// Changes that others tell better.
    pub superseded: Vec<ChangeEvent>,
    /// Which certificates are presented.
    pub leaves: Vec<LeafRow>,
}

#[derive(Debug)]
struct Row {
    id: String,
    endpoint: String,
    opened_us: i64,
    closed_us: Option<i64>,
    text: String,
}

impl Rows {
    /// Adds an incident as it is now.
    pub fn incident(&mut self, incident: &Incident) {
        match serde_json::to_string(incident) {
            Ok(text) => self.incidents.push(Row {
                id: incident.id.to_string(),
                endpoint: incident.endpoint.to_string(),
                opened_us: incident.opened_at.as_microsecond(),
                closed_us: incident.closed.map(|closed| closed.at.as_microsecond()),
                text,
            }),
            Err(error) => tracing::error!(%error, "an incident cannot be written"),
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.incidents.is_empty()
            && self.messages.is_empty()
            && self.bundles.is_empty()
            && self.changes.is_empty()
            && self.superseded.is_empty()
            && self.leaves.is_empty()
    }

    /// All of it; the same once more does no harm. `sweep` deletes what is kept no longer;
    /// with it come the leaves of every address.
    pub fn write(self, now: Timestamp, sweep: Option<Timestamp>) -> Changes {
        Box::new(move |transaction| {
            if sweep.is_some() {
                transaction.execute("DELETE FROM leaves", [])?;
            }
            self.put(transaction, now)?;
            sweep.map_or(Ok(()), |now| delete_old(transaction, now))
        })
    }

    fn put(&self, transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
        let mut put = transaction
            .prepare_cached("INSERT OR REPLACE INTO incidents VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for Row { id, endpoint, opened_us, closed_us, text } in &self.incidents {
            put.execute(params![id, endpoint, opened_us, closed_us, text])?;
        }
        let mut delete =
            transaction.prepare_cached("DELETE FROM evidence WHERE incident = ?1 AND n = ?2")?;
        let mut put =
            transaction.prepare_cached("INSERT OR REPLACE INTO evidence VALUES (?1, ?2, ?3)")?;
        for Bundle { incident, n, instead_of, text } in &self.bundles {
            put.execute(params![incident.as_str(), n, text])?;
            if let Some(instead_of) = instead_of {
                delete.execute(params![incident.as_str(), instead_of])?;
            }
        }
        let mut delete = transaction.prepare_cached(
            "DELETE FROM changes WHERE at_us = ?1 AND source = ?2 AND endpoint = ?3 AND what = ?4",
        )?;
        for ChangeEvent { at, source, endpoint, what, .. } in &self.superseded {
            let endpoint = endpoint.as_deref().unwrap_or_default();
            delete.execute(params![at.as_microsecond(), source.as_str(), endpoint, what])?;
        }
        let mut put = transaction
            .prepare_cached("INSERT OR IGNORE INTO changes VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for ChangeEvent { at, source, endpoint, what, who } in &self.changes {
            let endpoint = endpoint.as_deref().unwrap_or_default();
            put.execute(params![at.as_microsecond(), source.as_str(), endpoint, what, who])?;
        }
        let mut put =
            transaction.prepare_cached("INSERT OR REPLACE INTO leaves VALUES (?1, ?2, ?3)")?;
        for (endpoint, address, leaves) in &self.leaves {
            put.execute(params![endpoint, address, leaves])?;
        }
        enqueue(transaction, self.messages.iter().map(|message| (message, now)))
    }
}

fn delete_old(transaction: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<()> {
    let before = |age| now.saturating_sub(age).unwrap_or(now).as_microsecond();
    transaction.execute("DELETE FROM incidents WHERE closed_us < ?1", [before(KEEP_INCIDENTS)])?;
    transaction.execute(
        "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents \
         WHERE closed_us IS NOT NULL ORDER BY closed_us DESC LIMIT -1 OFFSET ?1)",
        [MAX_INCIDENTS],
    )?;
    transaction
        .execute("DELETE FROM evidence WHERE incident NOT IN (SELECT id FROM incidents)", [])?;
    // What is told of a drill is of no incident.
    transaction.execute(
        "DELETE FROM outgoing WHERE incident NOT IN (SELECT id FROM incidents) \
         AND (instr(incident, ?2) = 0 OR queued_us < ?1)",
        params![before(KEEP_DRILLS), format!("-{}", EndpointName::internal(""))],
    )?;
    transaction.execute("DELETE FROM changes WHERE at_us < ?1", [before(KEEP_CHANGES)])?;
    transaction.execute(
        "DELETE FROM changes WHERE rowid IN (SELECT rowid FROM changes \
         ORDER BY at_us DESC LIMIT -1 OFFSET ?1)",
        [MAX_CHANGES],
    )?;
    Ok(())
}

/// Incidents that are open or have ended lately, and late changes.
pub fn restore(
    connection: &Connection,
    now: Timestamp,
) -> rusqlite::Result<(Vec<Incident>, Vec<ChangeEvent>)> {
    let before = |age| now.saturating_sub(age).unwrap_or(now).as_microsecond();
    let mut statement = connection
        .prepare("SELECT incident FROM incidents WHERE closed_us IS NULL OR closed_us >= ?1")?;
    let mut rows = statement.query([before(LATELY)])?;
    let mut incidents = Vec::new();
    while let Some(row) = rows.next()? {
        incidents.extend(archive::read(row.get_ref(0)?.as_str()?));
    }
    let mut statement = connection.prepare(
        "SELECT at_us, source, endpoint, what, who FROM changes WHERE at_us >= ?1 ORDER BY at_us",
    )?;
    let mut rows = statement.query([before(CHANGES_BEFORE)])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        changes.extend(archived::read(row)?);
    }
    Ok((incidents, changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::Store;

    #[test]
    fn a_sweep_leaves_only_the_leaves_that_come_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        drop(Store::open(&path, now).unwrap());
        let mut connection = Connection::open(&path).unwrap();
        for (address, sweep) in [("192.0.2.1:443", None), ("192.0.2.2:443", Some(now))] {
            let leaf = ("door".to_owned(), address.to_owned(), "[]".to_owned());
            let transaction = connection.transaction().unwrap();
            Rows { leaves: vec![leaf], ..Rows::default() }.write(now, sweep)(&transaction).unwrap();
            transaction.commit().unwrap();
        }
        let kept: Vec<String> = connection
            .prepare("SELECT address FROM leaves")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(kept, ["192.0.2.2:443"]);
    }
}
