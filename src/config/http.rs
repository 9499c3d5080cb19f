//! What an HTTP probe asks of a server's own route, and what must come back.

use super::field::{Field, Table};
use super::settings::Reader;
use super::{messages, raw};
use crate::check::conversation::Place;
use crate::check::header::Header;
use crate::check::probe::{Http, WantedStatuses};

/// Most places of the answer's JSON that are looked at.
const MAX_PLACES: usize = 16;

/// What the keys are written like.
const FIX: &str = "write it as a table: http = { method = \"POST\", body = '{}', \
                   expect-json = [{ pointer = \"/conversationId\" }] }";

impl Reader<'_> {
    /// The request of the table `http`; without one, a plain GET.
    pub(super) fn http(&mut self, table: Table<raw::Http>, place: &str) -> Http {
        let key = format!("{place}.http");
        let statuses = WantedStatuses::Success;
        let Some((_, raw)) = table.take(&key, FIX, self.faults) else {
            return Http { statuses, ..Http::default() };
        };
        let sub = |name: &str| format!("{key}.{name}");
        let method = raw.method.take(sub("method"), self.faults).unwrap_or_default();
        let http = Http {
            method,
            headers: self.headers(raw.headers, &key, Header::new),
            body: None,
            statuses: self.wanted_statuses(raw.expect_statuses, statuses, &sub("expect-statuses")),
            places: self.places(raw.expect_json, &sub("expect-json")),
            forbidden: self.forbidden(raw.forbid_headers, &sub("forbid-headers")),
        };
        let Some((span, body)) = raw.body.take_spanned(sub("body"), self.faults) else {
            return http;
        };
        http.clone().with_body(body.0).unwrap_or_else(|| {
            let problem = format!("a {} has no body", http.method);
            let fix = "remove it, or add method = \"POST\"";
            self.faults.add(&span, sub("body"), problem, fix);
            http
        })
    }

    fn places(&mut self, rows: raw::Tables<raw::ExpectJson>, key: &str) -> Vec<Place> {
        let fix = "write it as a list: expect-json = [{ pointer = \"/conversationId\" }]";
        let Some((span, rows)) = rows.take(key, fix, self.faults) else { return Vec::new() };
        if rows.len() > MAX_PLACES {
            let problem = format!("more than {MAX_PLACES} places");
            self.faults.add(&span, key, problem, "look at fewer");
        }
        let rows = rows.into_iter().enumerate();
        rows.filter_map(|(index, row)| {
            messages::place_of(row, &format!("{key}[{index}]"), self.faults)
        })
        .collect()
    }

    fn forbidden(&mut self, field: Field<Vec<String>>, key: &str) -> Vec<String> {
        let Some((span, names)) = field.take_spanned(key, self.faults) else { return Vec::new() };
        if !names.iter().all(|name| http::HeaderName::from_bytes(name.as_bytes()).is_ok()) {
            let fix = "write names such as [\"Set-Cookie\", \"Authorization\"]";
            self.faults.add(&span, key, "not a list of header names", fix);
        }
        names.into_iter().map(|name| name.to_ascii_lowercase()).collect()
    }
}
