//! Changes as the file has them, for whoever reads it.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use serde::Serialize;

use crate::check::endpoint::EndpointName;
use crate::incident::{ABOUT, ChangeEvent, ChangeSource};

/// Which changes are wanted, newest first.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// Those known from there.
    pub source: Option<ChangeSource>,
    /// Those that concern this endpoint: its own, and those that may concern all.
    pub endpoint: Option<EndpointName>,
    /// Those of this time or later.
    pub since: Option<Timestamp>,
    /// Those behind this place.
    pub after: Option<Place>,
    /// So many.
    pub limit: usize,
}

/// A place in the list: microseconds since 1970, and the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(pub i64, pub i64);

/// Some changes, the newest first.
#[derive(Debug, Default, Serialize)]
pub struct Changes {
    /// The changes.
    pub changes: Vec<ChangeEvent>,
    /// The `cursor` of those before them; none where there are no more.
    pub next: Option<Place>,
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}-{}", self.0, self.1))
    }
}

/// Those that are wanted.
pub fn list(connection: &Connection, filter: &ChangeFilter) -> rusqlite::Result<Changes> {
    let mut sql =
        "SELECT at_us, source, endpoint, what, who, rowid FROM changes WHERE 1".to_owned();
    let mut values = Vec::new();
    if let Some(source) = filter.source {
        sql.push_str(" AND source = ?");
        values.push(Value::from(source.as_str().to_owned()));
    }
    if let Some(endpoint) = &filter.endpoint {
        sql.push_str(" AND endpoint IN ('', ?)");
        values.push(Value::from(endpoint.to_string()));
    }
    if let Some(since) = filter.since {
        sql.push_str(" AND at_us >= ?");
        values.push(Value::from(since.as_microsecond()));
    }
    if let Some(Place(at_us, row)) = filter.after {
        sql.push_str(" AND (at_us, rowid) < (?, ?)");
        values.extend([Value::from(at_us), Value::from(row)]);
    }
    sql.push_str(" ORDER BY at_us DESC, rowid DESC LIMIT ?");
    // One more, to know whether there are more.
    values.push(Value::from(filter.limit.saturating_add(1) as i64));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let (mut found, mut seen, mut last) = (Changes::default(), 0, None);
    while let Some(row) = rows.next()? {
        if seen == filter.limit {
            found.next = last;
            break;
        }
        (seen, last) = (seen + 1, Some(Place(row.get(0)?, row.get(5)?)));
        found.changes.extend(read(row)?);
    }
    Ok(found)
}

/// Changes that are looked through for one that is told of again.
const MAX_ALIKE: usize = 100;

/// What the file has of a change: it may be told there with other words.
pub fn known(connection: &Connection, change: &ChangeEvent) -> rusqlite::Result<Vec<ChangeEvent>> {
    // Those that do not say what was changed are events of deployments, which are few; whatever
    // tells that may come some time before or after them.
    let about = match change.is_vague() {
        true => "1",
        false => "source = 'deployment'",
    };
    // As many of a kind, and no more: where somebody floods, a change may be told twice, and nobody
    // looks through all of them for each.
    let columns = "SELECT at_us, source, endpoint, what, who FROM changes";
    let mut statement = connection.prepare_cached(&format!(
        "SELECT * FROM ({columns} WHERE at_us = ?1 LIMIT {MAX_ALIKE}) UNION ALL \
         SELECT * FROM ({columns} WHERE at_us BETWEEN ?2 AND ?3 AND at_us <> ?1 AND {about} \
         ORDER BY at_us DESC LIMIT {MAX_ALIKE})"
    ))?;
    let at_us = change.at.as_microsecond();
    let about_us = i64::try_from(ABOUT.as_micros()).unwrap_or_default();
    let mut rows = statement.query(params![
        at_us,
        at_us.saturating_sub(about_us),
        at_us.saturating_add(about_us)
    ])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(read(row)?.filter(|known| known.is(change)));
    }
    Ok(found)
}

/// A change as it was written. One from a source that nobody knows is passed over.
pub fn read(row: &Row<'_>) -> rusqlite::Result<Option<ChangeEvent>> {
    let source = row.get_ref(1)?.as_str()?;
    let source = ChangeSource::ALL.into_iter().find(|known| known.as_str() == source);
    let Some(source) = source else { return Ok(None) };
    Ok(Some(ChangeEvent {
        at: Timestamp::from_microsecond(row.get(0)?).unwrap_or_default(),
        source,
        endpoint: EndpointName::try_from(row.get::<_, String>(2)?).ok(),
        what: row.get(3)?,
        who: row.get(4)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::Store;

    fn file(rows: &[(i64, &str, &str, &str)]) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        drop(Store::open(&path, Timestamp::UNIX_EPOCH).unwrap());
        let connection = Connection::open(&path).unwrap();
        for (at, source, endpoint, what) in rows {
            let sql = "INSERT INTO changes VALUES (?1, ?2, ?3, ?4, NULL)";
            connection.execute(sql, params![at, source, endpoint, what]).unwrap();
        }
        (folder, connection)
    }

    #[test]
    fn a_list_goes_on_where_it_ended_and_shows_each_once() {
        let rows: Vec<_> = (0..25).map(|n| (n / 3, "audit", "", "same")).collect();
        let rows: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(n, row)| {
                let what: &str = Box::leak(format!("{} {n}", row.3).into_boxed_str());
                (row.0, row.1, row.2, what)
            })
            .collect();
        let (_folder, connection) = file(&rows);
        let mut filter = ChangeFilter { limit: 4, ..ChangeFilter::default() };
        let mut seen = Vec::new();
        loop {
            let found = list(&connection, &filter).unwrap();
            seen.extend(found.changes.into_iter().map(|change| change.what));
            let Some(next) = found.next else { break };
            filter.after = Some(next);
        }
        let wanted: Vec<_> = rows.iter().rev().map(|row| row.3.to_owned()).collect();
        assert_eq!(seen, wanted);
    }

    #[test]
    fn what_may_concern_all_concerns_each() {
        let (_folder, connection) = file(&[
            (1, "audit", "", "for all"),
            (2, "certificate", "door", "of the door"),
            (3, "certificate", "gate", "of the gate"),
            (4, "written_by_a_later_program", "door", "?"),
        ]);
        let whats = |filter: ChangeFilter| {
            let found = list(&connection, &ChangeFilter { limit: 10, ..filter }).unwrap();
            assert_eq!(found.next, None);
            found.changes.into_iter().map(|change| change.what).collect::<Vec<_>>()
        };
        let endpoint = EndpointName::try_from("door".to_owned()).ok();
        let of_door = ChangeFilter { endpoint, ..ChangeFilter::default() };
        assert_eq!(whats(of_door), ["of the door", "for all"]);
        let source = Some(ChangeSource::Certificate);
        let certificates = ChangeFilter { source, ..ChangeFilter::default() };
        assert_eq!(whats(certificates), ["of the gate", "of the door"]);
        let since = Timestamp::from_microsecond(2).ok();
        let late = ChangeFilter { since, ..ChangeFilter::default() };
        assert_eq!(whats(late), ["of the gate", "of the door"]);
    }

    #[test]
    fn an_entry_of_the_audit_log_is_known_by_its_moment_and_its_head() {
        let (_folder, connection) = file(&[(7, "audit", "", "Deployment d Update: name")]);
        let change = |at, what: &str| ChangeEvent {
            at: Timestamp::from_microsecond(at).unwrap(),
            source: ChangeSource::Audit,
            endpoint: None,
            what: what.to_owned(),
            who: None,
        };
        let knows = |change| !known(&connection, &change).unwrap().is_empty();
        assert!(knows(change(7, "Deployment d Update: name a -> b")));
        assert!(!knows(change(8, "Deployment d Update: name a -> b")));
        assert!(!knows(change(7, "Deployment e Update: name a -> b")));
    }
}
