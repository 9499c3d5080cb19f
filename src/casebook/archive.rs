//! Incidents as the file has them, for whoever reads it: the daemon, and `watchpost incidents`.

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::check::endpoint::EndpointName;
use crate::incident::id::IncidentId;
use crate::incident::notice::Event;
use crate::incident::record::Incident;
use crate::incident::timeline::What;

/// Which incidents are wanted, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those of this endpoint.
    pub endpoint: Option<EndpointName>,
    /// Those that are open, or those that are closed.
    pub open: Option<bool>,
    /// Those that were open at this time or later.
    pub since: Option<Timestamp>,
    /// Those behind this one, in the order of the list.
    pub after: Option<IncidentId>,
    /// So many.
    pub limit: usize,
}

impl Filter {
    /// Whether an incident is wanted.
    pub fn takes(&self, incident: &Incident) -> bool {
        let end = incident.closed.map(|closed| closed.at);
        self.endpoint.as_ref().is_none_or(|endpoint| *endpoint == incident.endpoint)
            && self.open.is_none_or(|open| open == incident.is_open())
            && self.since.is_none_or(|since| end.is_none_or(|end| end >= since))
            && self.after.as_ref().is_none_or(|after| incident.id < *after)
    }
}

/// Those that are wanted.
pub fn list(connection: &Connection, filter: &Filter) -> rusqlite::Result<Vec<Incident>> {
    let mut sql = "SELECT incident FROM incidents WHERE 1".to_owned();
    let mut values = Vec::new();
    if let Some(endpoint) = &filter.endpoint {
        sql.push_str(" AND endpoint = ?");
        values.push(Value::from(endpoint.to_string()));
    }
    match filter.open {
        Some(true) => sql.push_str(" AND closed_us IS NULL"),
        Some(false) => sql.push_str(" AND closed_us IS NOT NULL"),
        None => {}
    }
    if let Some(since) = filter.since {
        sql.push_str(" AND (closed_us IS NULL OR closed_us >= ?)");
        values.push(Value::from(since.as_microsecond()));
    }
    if let Some(after) = &filter.after {
        sql.push_str(" AND id < ?");
        values.push(Value::from(after.to_string()));
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    values.push(Value::from(filter.limit as i64));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut incidents = Vec::new();
    while let Some(row) = rows.next()? {
        incidents.extend(read(row.get_ref(0)?.as_str()?));
    }
    Ok(incidents)
}

/// One, with the notices of it that were sent.
pub fn find(connection: &Connection, id: &IncidentId) -> rusqlite::Result<Option<Incident>> {
    let mut statement =
        connection.prepare_cached("SELECT incident FROM incidents WHERE id = ?1")?;
    let text = statement.query_row([id.as_str()], |row| row.get::<_, String>(0)).optional()?;
    let Some(mut incident) = text.and_then(|text| read(&text)) else { return Ok(None) };
    add_notices(connection, &mut incident)?;
    Ok(Some(incident))
}

/// Writes the notices of an incident that were sent into its timeline.
pub fn add_notices(connection: &Connection, incident: &mut Incident) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT done_us, target, event FROM outgoing \
         WHERE incident = ?1 AND result = 'sent' ORDER BY done_us",
    )?;
    let mut rows = statement.query([incident.id.as_str()])?;
    while let Some(row) = rows.next()? {
        let at = Timestamp::from_microsecond(row.get(0)?).unwrap_or_default();
        let event = row.get_ref(2)?.as_str()?;
        let Some(event) = Event::from_text(event) else { continue };
        incident.timeline.add(at, What::Notified { target: row.get(1)?, event });
    }
    Ok(())
}

/// A bundle of evidence.
pub fn evidence(
    connection: &Connection,
    id: &IncidentId,
    n: u32,
) -> rusqlite::Result<Option<String>> {
    let mut statement =
        connection.prepare_cached("SELECT bundle FROM evidence WHERE incident = ?1 AND n = ?2")?;
    statement.query_row(params![id.as_str(), n], |row| row.get(0)).optional()
}

/// An incident as it was written. What nobody can read is passed over.
pub(super) fn read(text: &str) -> Option<Incident> {
    serde_json::from_str(text).ok()
}
