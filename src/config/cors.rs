//! What a CORS probe asks, and for which pages.

use std::sync::Arc;

use super::fault::Span;
use super::field::{Field, Table};
use super::raw;
use super::settings::Reader;
use crate::check::fetch::Fetch;
use crate::check::header::Header;
use crate::check::origin::{Origin, OriginRule};
use crate::check::probe::{Cors, Forgeries, WantedStatuses};
use crate::check::target::Target;
use crate::outcome::cors::request::needs_preflight;

impl Reader<'_> {
    /// The request of the table `cors`; without one, a plain GET.
    pub(super) fn cors(&mut self, table: Table<raw::Cors>, place: &str) -> Cors {
        let key = format!("{place}.cors");
        let fix = "write it as a table: cors = { method = \"POST\", credentials = true }";
        let Some((span, raw)) = table.take(&key, fix, self.faults) else { return Cors::default() };
        let sub = |name: &str| format!("{key}.{name}");
        let method = raw.method.take(sub("method"), self.faults).unwrap_or_default();
        let headers = self.headers(raw.headers, &key, Header::from_page);
        let credentials = raw.credentials.take(sub("credentials"), self.faults).unwrap_or(false);
        let mut fetch = Fetch::new(method, headers, credentials).unwrap_or_else(|error| {
            self.faults.add(&span, sub("headers"), error, "mend it or leave it out");
            Fetch::default()
        });
        if let Some((span, body)) = raw.body.take_spanned(sub("body"), self.faults) {
            fetch = fetch.clone().with_body(body.0).unwrap_or_else(|| {
                let problem = format!("browsers send no body with {}", fetch.method());
                let fix = "remove it, or add method = \"POST\"";
                self.faults.add(&span, sub("body"), problem, fix);
                fetch
            });
        }
        let preflight_only = raw.preflight_only.take_spanned(sub("preflight-only"), self.faults);
        if let Some((span, true)) = &preflight_only
            && !needs_preflight(&fetch)
        {
            let problem = "browsers send this request without a preflight";
            let fix = "remove it, or write the method and the headers that the page uses";
            self.faults.add(span, sub("preflight-only"), problem, fix);
        }
        let preflight_only = preflight_only.is_some_and(|(_, only)| only);
        let usual = WantedStatuses::Usual;
        let statuses = self.wanted_statuses(raw.expect_statuses, usual, &sub("expect-statuses"));
        let forgeries = match raw.forgeries.take(sub("forgeries"), self.faults) {
            Some(false) => Forgeries::Never,
            Some(true) | None => Forgeries::InTurn,
        };
        Cors { fetch, preflight_only, statuses, forgeries }
    }

    /// The statuses of a list, or the usual ones without it.
    pub(super) fn wanted_statuses(
        &mut self,
        field: Field<Vec<u16>>,
        usual: WantedStatuses,
        key: &str,
    ) -> WantedStatuses {
        let Some((span, statuses)) = field.take_spanned(key, self.faults) else { return usual };
        if statuses.is_empty() || !statuses.iter().all(|status| (200..600).contains(status)) {
            let fix = "write statuses between 200 and 599, such as [200, 401]";
            self.faults.add(&span, key, "not a list of statuses", fix);
        }
        WantedStatuses::Listed(statuses)
    }

    /// The rules that a CORS check can be made of: a request without an origin is no page's, and
    /// a page of the endpoint's own origin needs no leave.
    pub(super) fn pages(
        &mut self,
        rules: &[Arc<OriginRule>],
        target: &Target,
        at: &Span,
        place: &str,
    ) -> Vec<Arc<OriginRule>> {
        let key = format!("{place}.probes");
        let pages: Vec<_> =
            rules.iter().filter(|rule| rule.origin != Origin::Absent).cloned().collect();
        if pages.is_empty() {
            let fix = "add origins = [{ origin = \"https://…\" }]";
            self.faults.add(at, &key, "cors asks as a page, and no origin is given", fix);
        }
        let own = target.origin();
        if pages.iter().any(|rule| rule.origin.header() == Some(own.as_str())) {
            let problem = format!("{own} is the endpoint's own origin: its pages need no CORS");
            self.faults.add(at, &key, problem, "leave it out of the endpoint's `origins`");
        }
        pages
    }
}
