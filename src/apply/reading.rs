//! What the tables of a file have in common: lists of those who may come in, and the pages that are
//! to be let in or refused.

use std::sync::Arc;

use serde_json::json;

use super::manifest::{By, Wanted};
use super::plan::{Alike, Declared};
use super::raw;
use crate::check::origin::{Expect, Origin, OriginRule};
use crate::config::fault::{Faults, Span};
use crate::config::field::Field;
use crate::config::values::Line;
use crate::genesys::domains::{Domains, OriginMatch};
use crate::genesys::lint::{Oddity, Remark, lint};
use crate::outcome::quoted::Quoted;

/// Most entries of a list.
const MAX_ENTRIES: usize = 1000;

/// Most pages of one object: each is a connection, and customers share the limit of those.
pub const MAX_DOORS: usize = 64;

/// Reads one table of a file, and gathers what is wrong and what is odd.
pub struct Reader<'a> {
    /// `deployments[0]`
    pub place: &'a str,
    /// Where that stands.
    pub span: &'a Span,
    /// By which rule a list lets pages in.
    pub rule: OriginMatch,
    /// What is wrong.
    pub faults: &'a mut Faults,
    /// What is odd.
    pub notices: &'a mut Faults,
}

/// A list, as it is declared.
pub struct List {
    /// Where it stands.
    pub span: Span,
    /// Its entries, with their places.
    pub entries: Vec<(Span, String)>,
}

impl List {
    /// The entries alone.
    pub fn texts(&self) -> Vec<&str> {
        self.entries.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The list as the platform would have it.
    pub fn domains(&self) -> Domains {
        let entries = self.entries.iter().map(|(_, text)| Quoted::text(text)).collect();
        Domains { entries, ..Domains::default() }
    }
}

impl Reader<'_> {
    /// `deployments[0].name`
    pub fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.place)
    }

    /// A list of those who may come in.
    pub fn list(&mut self, table: raw::Fields<Line>, name: &str) -> Option<List> {
        let key = self.key(name);
        let (span, fields) = table.take(&key, "write a list of texts in quotes", self.faults)?;
        if fields.len() > MAX_ENTRIES {
            let problem = format!("more than {MAX_ENTRIES} entries");
            self.faults.add(&span, &key, problem, "list parent domains: they cover what is below");
            return None;
        }
        let numbered = fields.into_iter().enumerate();
        let entry = |(n, field): (usize, Field<Line>)| {
            let (span, text) = field.take_spanned(format!("{key}[{n}]"), self.faults)?;
            Some((span, text.0))
        };
        Some(List { span, entries: numbered.filter_map(entry).collect() })
    }

    /// An object that declares nothing and has no doors would be passed over in silence.
    pub fn wanted(
        self,
        by: By,
        fields: Vec<Declared>,
        doors: Vec<Arc<OriginRule>>,
        shut: bool,
    ) -> Option<Wanted> {
        if fields.is_empty() && doors.is_empty() {
            let fix = "declare a field, or name origins to be probed";
            self.faults.add(self.span, self.place, "nothing is declared", fix);
        }
        let (place, span) = (self.place.to_owned(), self.span.clone());
        let (door, websocket_path) = (None, String::new());
        Some(Wanted { place, span, by, fields, doors, shut, door, websocket_path })
    }

    /// What is wrong with a list, and what is odd.
    pub fn lint(&mut self, list: &List, domains: &Domains, name: &str) {
        let key = self.key(name);
        for remark in lint(domains, self.rule) {
            let Some(entry) = &remark.entry else {
                self.remark(&list.span, &key, "", &remark);
                continue;
            };
            let is_it = |(_, text): &(Span, String)| Quoted::text(text) == *entry;
            let at = match remark.oddity {
                // Of two that are alike, the second.
                Oddity::Duplicate => list.entries.iter().rposition(is_it),
                _ => list.entries.iter().position(is_it),
            };
            if let Some((n, (span, text))) = at.and_then(|n| Some((n, list.entries.get(n)?))) {
                self.remark(span, &format!("{key}[{n}]"), text, &remark);
            }
        }
    }

    fn remark(&mut self, span: &Span, key: &str, text: &str, remark: &Remark) {
        let Remark { oddity, instead, .. } = remark;
        let fix = match instead {
            Some(instead) => format!("{} \"{instead}\"", oddity.fix()),
            None => oddity.fix().to_owned(),
        };
        let list = if is_wrong(*oddity) { &mut *self.faults } else { &mut *self.notices };
        list.add(span, key, said(*oddity, text), fix);
    }

    /// The pages behind an object: those of `origins`, or else those that a list names.
    pub fn doors(
        &mut self,
        rows: raw::Tables<raw::Page>,
        list: Option<&List>,
        domains: Option<&Domains>,
        shut: bool,
    ) -> Vec<Arc<OriginRule>> {
        let key = self.key("origins");
        let fix = "write it as a list: origins = [{ origin = \"https://…\", expect = \"allow\" }]";
        let Some((span, rows)) = rows.take(&key, fix, self.faults) else {
            return list.map_or_else(Vec::new, |list| self.doors_of(list, shut));
        };
        let mut doors: Vec<Arc<OriginRule>> = Vec::with_capacity(rows.len().min(MAX_DOORS));
        if rows.len() > MAX_DOORS {
            let problem = format!("more than {MAX_DOORS} origins");
            self.faults.add(&span, &key, problem, "name fewer: each is a connection");
            return doors;
        }
        for (n, row) in rows.into_iter().enumerate() {
            let key = format!("{key}[{n}]");
            let Some((span, row)) = row.take(&key, fix, self.faults) else { continue };
            let expect = row.expect.take(format!("{key}.expect"), self.faults);
            let expect = expect.unwrap_or(if shut { Expect::Deny } else { Expect::Allow });
            if matches!(row.origin, Field::Absent) {
                let fix = "add origin = \"https://…\"";
                self.faults.add(&span, format!("{key}.origin"), "missing", fix);
            }
            let Some((at, origin)) = row.origin.take_spanned(format!("{key}.origin"), self.faults)
            else {
                continue;
            };
            if doors.iter().any(|door| door.origin == origin) {
                let problem = format!("\"{origin}\" stands in this list already");
                self.faults.add(&at, &key, problem, "remove one");
                continue;
            }
            self.door_fits(&at, &key, &origin, expect, domains, shut);
            doors.push(Arc::new(OriginRule { name: origin.to_string(), origin, expect }));
        }
        if !shut && !doors.is_empty() && doors.iter().all(|door| door.expect == Expect::Deny) {
            let problem =
                "every origin must be refused: a door that is shut to everybody would pass";
            self.faults.add(&span, &key, problem, "add one that must get in");
        }
        doors
    }

    /// Whether a page can be let in, or refused, by what is declared.
    fn door_fits(
        &mut self,
        span: &Span,
        key: &str,
        origin: &Origin,
        expect: Expect,
        domains: Option<&Domains>,
        shut: bool,
    ) {
        if shut {
            if expect == Expect::Allow {
                let problem = "it is switched off: nobody gets in";
                self.faults.add(span, key, problem, "write expect = \"deny\", or switch it on");
            }
            return;
        }
        if expect == Expect::Allow && !is_secure(origin) {
            let problem =
                format!("{origin} is not https: what its page says can be read and changed");
            self.faults.add(span, key, problem, "write https://; only localhost may be http://");
            return;
        }
        let Some(domains) = domains else { return };
        match (domains.predict(origin, self.rule), expect) {
            (Some(Expect::Deny), Expect::Allow) => {
                let problem = format!("{origin} must get in, and the list does not let it in");
                self.faults.add(span, key, problem, "add it to the list, or expect \"deny\"");
            }
            (Some(Expect::Allow), Expect::Deny) => {
                let by = match domains.entry_for(origin, self.rule) {
                    Some(entry) => format!("\"{entry}\" in the list lets it in"),
                    None => "all domains are allowed".to_owned(),
                };
                let problem = format!("{origin} must be refused, and {by}");
                self.faults.add(span, key, problem, "take that away, or expect \"allow\"");
            }
            _ => {}
        }
    }

    /// The pages that a list names, each to be let in.
    fn doors_of(&mut self, list: &List, shut: bool) -> Vec<Arc<OriginRule>> {
        if list.entries.len() > MAX_DOORS {
            let problem = format!("more than {MAX_DOORS} entries, each of which would be probed");
            let fix =
                "name the pages that are to be probed: origins = [{ origin = \"https://…\" }]";
            self.faults.add(&list.span, self.key("origins"), problem, fix);
            return Vec::new();
        }
        let expect = if shut { Expect::Deny } else { Expect::Allow };
        let page = |text: &str| match self.rule {
            OriginMatch::Genesys => format!("https://{text}").parse().ok(),
            OriginMatch::Strict => text.parse().ok(),
        };
        let origins = list.entries.iter().filter_map(|(_, text)| page(text));
        let rule = |origin: Origin| OriginRule { name: origin.to_string(), origin, expect };
        origins.map(|origin| Arc::new(rule(origin))).collect()
    }
}

/// A list as a field of the object.
pub fn listed(key: &str, path: &str, list: &List, alike: Alike) -> Declared {
    Declared::new(key, path, json!(list.texts())).alike(alike)
}

/// Whether nobody on the way can change what a page says.
pub fn is_secure(origin: &Origin) -> bool {
    match origin {
        Origin::Page(page) => page.starts_with("https://") || is_local(page),
        Origin::Null | Origin::Absent => true,
    }
}

/// Pages of the developer's own machine.
fn is_local(page: &str) -> bool {
    let host = page.strip_prefix("http://").unwrap_or_default();
    let host = host.strip_prefix('[').map_or_else(
        || host.split(':').next().unwrap_or_default(),
        |rest| rest.split(']').next().unwrap_or_default(),
    );
    host == "localhost" || host.ends_with(".localhost") || host == "::1" || host.starts_with("127.")
}

fn said(oddity: Oddity, text: &str) -> String {
    let sentence = oddity.sentence().trim_end_matches('.');
    if text.is_empty() { sentence.to_owned() } else { format!("\"{text}\": {sentence}") }
}

/// Whether a list with this in it cannot be meant.
fn is_wrong(oddity: Oddity) -> bool {
    use Oddity::{AllowsAll, Covered, Local, TooWide, UpperCase, WwwAlone};
    !matches!(oddity, AllowsAll | Covered | Local | TooWide | UpperCase | WwwAlone)
}
