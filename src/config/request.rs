//! What a WebSocket probe sends: headers, subprotocols, messages.

use std::collections::{BTreeMap, HashSet};

use super::field::{Field, Table};
use super::messages;
use super::raw;
use super::secret::SecretSource;
use super::settings::Reader;
use crate::check::header::{Header, HeaderError};
use crate::check::probe::{RefusalStatuses, Websocket};

impl Reader<'_> {
    /// Takes the keys of a WebSocket probe out of a table.
    pub(super) fn websocket(&mut self, raw: &mut raw::Endpoint, place: &str) -> Websocket {
        Websocket {
            headers: self.headers(std::mem::take(&mut raw.headers), place, Header::new),
            subprotocols: self.subprotocols(std::mem::take(&mut raw.subprotocols), place),
            conversation: messages::steps(std::mem::take(&mut raw.messages), place, self.faults),
            refusal_statuses: self
                .refusal_statuses(std::mem::take(&mut raw.refusal_statuses), place),
        }
    }

    /// Headers of a table, each made by `make`.
    pub(super) fn headers(
        &mut self,
        table: Table<BTreeMap<String, Field<SecretSource>>>,
        place: &str,
        make: fn(&str, &str) -> Result<Header, HeaderError>,
    ) -> Vec<Header> {
        let key = format!("{place}.headers");
        let fix = "write it as a table: headers = { X-Probe = \"watchpost\" }";
        let Some((_, rows)) = table.take(&key, fix, self.faults) else { return Vec::new() };
        let mut headers = Vec::with_capacity(rows.len());
        for (name, value) in rows {
            let key = format!("{key}.{name}");
            let Some((span, source)) = value.take_spanned(&key, self.faults) else { continue };
            let value = match source.read(self.whereabouts) {
                Ok(value) => value,
                Err(error) => {
                    error.tell(&span, &key, self.faults);
                    continue;
                }
            };
            match make(&name, &value) {
                Ok(header) => headers.push(header),
                Err(error @ HeaderError::Reserved) => {
                    let fix = "leave it out; see origins, subprotocols, url and connect-to";
                    self.faults.add(&span, &key, error, fix);
                }
                Err(error) => self.faults.add(&span, &key, error, "mend it or leave it out"),
            }
        }
        headers
    }

    fn subprotocols(&mut self, field: Field<Vec<String>>, place: &str) -> Vec<String> {
        let key = format!("{place}.subprotocols");
        let Some((span, list)) = field.take_spanned(&key, self.faults) else { return Vec::new() };
        let token = |text: &String| http::Method::from_bytes(text.as_bytes()).is_ok();
        if !list.iter().all(token) {
            let fix = "letters, digits and - . _ only";
            self.faults.add(&span, &key, "a name that no Sec-WebSocket-Protocol can hold", fix);
        }
        let distinct: HashSet<_> = list.iter().collect();
        if distinct.len() < list.len() {
            self.faults.add(&span, &key, "the same name twice", "remove one");
        }
        list
    }

    fn refusal_statuses(&mut self, field: Field<Vec<u16>>, place: &str) -> RefusalStatuses {
        let key = format!("{place}.refusal-statuses");
        let Some((span, statuses)) = field.take_spanned(&key, self.faults) else {
            return RefusalStatuses::default();
        };
        RefusalStatuses::new(statuses).unwrap_or_else(|| {
            let fix = "write statuses between 400 and 499, such as [401, 403]";
            self.faults.add(&span, &key, "not a list of client errors", fix);
            RefusalStatuses::default()
        })
    }
}
