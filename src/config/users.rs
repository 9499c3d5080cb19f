//! `users`: by what the conversations of an endpoint's users are known.

use std::collections::HashMap;

use super::fault::Span;
use super::field::{Field, Table};
use super::raw;
use super::settings::Reader;
use crate::check::users::Users;
use crate::event::key::Key;

/// Which ids are taken, by which endpoint, and on which line: a conversation has one endpoint.
pub(super) type Taken = HashMap<(&'static str, Key), (String, usize)>;

impl Reader<'_> {
    /// The table of an endpoint.
    pub(super) fn users(&mut self, table: Table<raw::Users>, place: &str) -> Option<Users> {
        let key = format!("{place}.users");
        let fix = "write it as a table: users = { deployments = [\"…\"] }";
        let (_, raw) = table.take(&key, fix, self.faults)?;
        let mut ids = |name: &str, kind, field: Field<Vec<Key>>| {
            let key = format!("{key}.{name}");
            let (span, ids) = field.take_spanned(&key, self.faults)?;
            self.claim(&span, (place, &key), kind, &ids);
            Some(ids)
        };
        Some(Users {
            deployments: ids("deployments", "deployment", raw.deployments).unwrap_or_default(),
            // What customers write to may be a deployment: the two are one kind.
            addresses: ids("addresses", "deployment", raw.addresses).unwrap_or_default(),
            queues: ids("queues", "queue", raw.queues).unwrap_or_default(),
            flows: ids("flows", "flow", raw.flows).unwrap_or_default(),
            of_url: None,
        })
    }

    fn claim(&mut self, at: &Span, (place, key): (&str, &str), kind: &'static str, ids: &[Key]) {
        let line = self.faults.line(at.start);
        for id in ids {
            let slot = self.taken.entry((kind, id.clone()));
            let (first, line) = slot.or_insert_with(|| (place.to_owned(), line));
            if first != place {
                let problem = format!("\"{id}\" already stands for other users on line {line}");
                let fix = "leave it where its users are; what serves several pages tells nothing";
                self.faults.add(at, key, problem, fix);
            }
        }
    }
}
