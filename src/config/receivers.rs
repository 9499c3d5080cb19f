//! `[[receivers]]`: where events may be posted, and by whom.

use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use http::HeaderName;

use super::fault::{Faults, Span};
use super::field::{Field, Table};
use super::raw;
use super::secret::SecretSource;
use super::values::Line;
use super::whereabouts::Whereabouts;
use crate::receiver::{Auth, Fingerprint, Method, Receiver};
use crate::signing::SigningKey;

const FIX: &str = "write it as a list of tables: [[receivers]]";
const AUTH_FIX: &str = "write it as a list: auth = [{ bearer = { values = [{ file = \"…\" }] } }]";

/// What must be written for a receiver that anyone may post to.
const OPEN: &str = "anyone may post events here";

/// Shorter secrets can be guessed.
const MIN_SECRET_BYTES: usize = 16;

/// Values of one method: the one in use, its successor, and room for a slip.
const MAX_VALUES: usize = 4;

/// Most events a second that can be asked for.
const MAX_RATE: u32 = 1_000_000;

/// Every receiver; whatever is wrong becomes a fault.
pub(super) fn read(
    tables: raw::Tables<raw::Receiver>,
    whereabouts: &Whereabouts<'_>,
    faults: &mut Faults,
) -> Vec<Arc<Receiver>> {
    let mut receivers: Vec<Arc<Receiver>> = Vec::new();
    let tables = tables.take("receivers", FIX, faults).map_or(Vec::new(), |(_, tables)| tables);
    for (index, table) in tables.into_iter().enumerate() {
        let place = format!("receivers[{index}]");
        let Some((span, raw)) = table.take(&place, FIX, faults) else { continue };
        let mut reader = Reader { whereabouts, place, span, faults };
        let receiver = reader.receiver(raw, &receivers);
        receivers.extend(receiver.map(Arc::new));
    }
    receivers
}

struct Reader<'a> {
    whereabouts: &'a Whereabouts<'a>,
    place: String,
    span: Span,
    faults: &'a mut Faults,
}

impl Reader<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.place)
    }

    fn receiver(&mut self, raw: raw::Receiver, before: &[Arc<Receiver>]) -> Option<Receiver> {
        if matches!(raw.name, Field::Absent) {
            self.faults.add(&self.span, self.key("name"), "missing", "add name = \"…\"");
        }
        let name = raw.name.take_spanned(self.key("name"), self.faults);
        if let Some((span, name)) = &name
            && before.iter().any(|other| *other.name == **name)
        {
            let problem = format!("\"{name}\" is already a receiver's name");
            self.faults.add(span, self.key("name"), problem, "give it another name");
        }
        if let Some((span, name)) = &name
            && **name == *Receiver::CHANNEL
        {
            let problem = "events of the notification channel are told apart by this name";
            self.faults.add(span, self.key("name"), problem, "give it another name");
        }
        let path = self.path(raw.path, before);
        let auth = self.auth(raw.auth, raw.open);
        let max_rate = raw.max_rate.take_spanned(self.key("max-rate"), self.faults);
        if let Some((span, rate)) = &max_rate
            && !(1..=MAX_RATE).contains(rate)
        {
            let fix = "write events a second, 1 to 1000000";
            self.faults.add(span, self.key("max-rate"), "no such rate", fix);
        }
        let max_rate = max_rate.map_or(Receiver::RATE, |(_, rate)| rate);
        Some(Receiver { name: Arc::from(&*name?.1), path, auth, max_rate })
    }

    fn path(&mut self, field: Field<Line>, before: &[Arc<Receiver>]) -> String {
        let key = self.key("path");
        let given = field.take_spanned(&key, self.faults);
        let (span, path) = given
            .map_or((self.span.clone(), Receiver::PATH.to_owned()), |(span, path)| (span, path.0));
        if !is_path(&path) {
            let problem = "not a path: it begins with / and does not end with it; letters, \
                           digits and - . _ ~ / only";
            self.faults.add(&span, &key, problem, "write one such as \"/hooks/genesys\"");
        } else if Receiver::is_taken(&path) {
            let problem = format!("{path} is a path of this daemon's own");
            self.faults.add(&span, &key, problem, "write one such as \"/hooks/genesys\"");
        } else if let Some(other) = before.iter().find(|other| other.path == path) {
            let problem = format!("{path} is already the path of \"{}\"", other.name);
            self.faults.add(&span, &key, problem, "give each receiver a path of its own");
        }
        path
    }

    fn auth(&mut self, table: raw::Tables<raw::Auth>, open: Field<Line>) -> Auth {
        let key = self.key("auth");
        let open = open.take_spanned(self.key("open"), self.faults);
        if let Some((span, text)) = &open
            && text.0 != OPEN
        {
            let fix = format!("remove it and add `auth`, or write open = \"{OPEN}\"");
            self.faults.add(span, self.key("open"), "not the words that open a receiver", fix);
        }
        let misshapen = matches!(table, Table::Bad(_));
        let given = table.take(&key, AUTH_FIX, self.faults);
        let (span, rows) = match (given, open) {
            (None, Some(_)) => return Auth::Open,
            (Some((span, _)), Some(_)) => {
                let problem = "`auth` in an open receiver: anyone may post, and nobody is asked";
                self.faults.add(&span, &key, problem, "remove `open`, or remove `auth`");
                return Auth::Open;
            }
            (None, None) => (self.span.clone(), Vec::new()),
            (Some(given), None) => given,
        };
        if rows.is_empty() && !misshapen {
            let fix = "add auth = [{ api-key = { header = \"X-Api-Key\", values = [{ file = \"…\" \
                       }] } }]";
            self.faults.add(&span, &key, "anyone could post events here", fix);
        }
        let mut methods = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            let key = format!("{key}[{index}]");
            let Some((span, row)) = row.take(&key, AUTH_FIX, self.faults) else { continue };
            methods.extend(self.method(row, &span, &key));
        }
        Auth::AnyOf(methods)
    }

    fn method(&mut self, row: raw::Auth, span: &Span, key: &str) -> Option<Method> {
        let raw::Auth { api_key, basic, bearer, hub_signature, standard_webhooks } = row;
        let given = [
            api_key.span(),
            basic.span(),
            bearer.span(),
            hub_signature.span(),
            standard_webhooks.span(),
        ];
        if given.into_iter().flatten().count() != 1 {
            let problem = "not exactly one of api-key, basic, bearer, hub-signature and \
                           standard-webhooks";
            self.faults.add(span, key, problem, "write a row for each");
            return None;
        }
        if let Some((span, raw)) = self.table(api_key, key, "api-key") {
            let key = format!("{key}.api-key");
            let header = self.header(raw.header, &span, &key)?;
            let keys = self.fingerprints(raw.values, &span, &key)?;
            return Some(Method::ApiKey { header, keys });
        }
        if let Some((span, raw)) = self.table(basic, key, "basic") {
            let key = format!("{key}.basic");
            let user = self.user(raw.user, &span, &key)?;
            let values = self.secrets(raw.values, &span, &key)?;
            let of = |password: &String| BASE64_STANDARD.encode(format!("{user}:{password}"));
            let values = values.iter().map(of);
            let credentials = values.map(|value| Fingerprint::of(value.as_bytes())).collect();
            return Some(Method::Basic { credentials });
        }
        if let Some((span, raw)) = self.table(bearer, key, "bearer") {
            let tokens = self.fingerprints(raw.values, &span, &format!("{key}.bearer"))?;
            return Some(Method::Bearer { tokens });
        }
        if let Some((span, raw)) = self.table(hub_signature, key, "hub-signature") {
            let values = self.secrets(raw.values, &span, &format!("{key}.hub-signature"))?;
            let keys = values.iter().map(|value| SigningKey::new(value.as_bytes())).collect();
            return Some(Method::HubSignature { keys });
        }
        let (span, raw) = self.table(standard_webhooks, key, "standard-webhooks")?;
        let key = format!("{key}.standard-webhooks");
        let values = self.secrets(raw.values, &span, &key)?;
        let decode = |value: &String| SigningKey::standard(value, MIN_SECRET_BYTES..);
        let decoded: Vec<_> = values.iter().filter_map(decode).collect();
        if decoded.len() < values.len() {
            let problem =
                "not a secret of Standard Webhooks: whsec_ and at least 16 bytes in base64";
            let fix = "copy it from the sender, or make one: echo whsec_$(openssl rand -base64 32)";
            self.faults.add(&span, format!("{key}.values"), problem, fix);
        }
        Some(Method::StandardWebhooks { keys: decoded })
    }

    fn table<T>(&mut self, table: Table<T>, key: &str, name: &str) -> Option<(Span, T)> {
        let fix = "write it as a table: { values = [{ file = \"…\" }] }";
        table.take(format!("{key}.{name}"), fix, self.faults)
    }

    fn header(&mut self, field: Field<Line>, span: &Span, key: &str) -> Option<HeaderName> {
        let key = format!("{key}.header");
        let fix = "write header = \"X-Api-Key\"";
        let absent = matches!(field, Field::Absent);
        let Some((span, name)) = field.take_spanned(&key, self.faults) else {
            if absent {
                self.faults.add(span, &key, "missing", fix);
            }
            return None;
        };
        let name = HeaderName::from_bytes(name.0.as_bytes()).ok();
        if name.is_none() {
            self.faults.add(&span, &key, "no header can have this name", fix);
        }
        name
    }

    fn user(&mut self, field: Field<Line>, span: &Span, key: &str) -> Option<String> {
        let key = format!("{key}.user");
        let absent = matches!(field, Field::Absent);
        let Some((span, user)) = field.take_spanned(&key, self.faults) else {
            if absent {
                self.faults.add(span, &key, "missing", "add user = \"…\"");
            }
            return None;
        };
        if user.0.contains(':') {
            self.faults.add(&span, &key, "a name with a colon ends there", "remove the colon");
        }
        Some(user.0)
    }

    /// Of values that stand in a header as they are.
    fn fingerprints(
        &mut self,
        field: Field<Vec<SecretSource>>,
        span: &Span,
        key: &str,
    ) -> Option<Vec<Fingerprint>> {
        let values = self.secrets(field, span, key)?;
        if !values.iter().all(|value| value.bytes().all(|byte| byte.is_ascii_graphic())) {
            let fix = "visible ASCII only, on one line: openssl rand -hex 32";
            let problem = "a secret that no header can hold";
            self.faults.add(span, format!("{key}.values"), problem, fix);
        }
        Some(values.iter().map(|value| Fingerprint::of(value.as_bytes())).collect())
    }

    /// The values of a method, each out of a place that only the daemon may read.
    fn secrets(
        &mut self,
        field: Field<Vec<SecretSource>>,
        span: &Span,
        key: &str,
    ) -> Option<Vec<String>> {
        let key = format!("{key}.values");
        let absent = matches!(field, Field::Absent);
        let Some((span, sources)) = field.take_spanned(&key, self.faults) else {
            if absent {
                self.faults.add(span, &key, "missing", "add values = [{ file = \"…\" }]");
            }
            return None;
        };
        if sources.is_empty() || sources.len() > MAX_VALUES {
            let problem = "not 1 to 4 values";
            self.faults.add(&span, &key, problem, "write the one in use, and its successor");
        }
        let mut secrets = Vec::with_capacity(sources.len());
        for source in sources {
            if source.is_plain() {
                let fix = "put it elsewhere: { file = \"…\" }, { env = \"…\" } or { credential = \
                           \"…\" }";
                self.faults.add(&span, &key, "a secret in the config itself", fix);
                continue;
            }
            match source.read(self.whereabouts) {
                Ok(secret) if secret.len() < MIN_SECRET_BYTES => {
                    let problem = match secret.is_empty() {
                        true => "an empty secret",
                        false => "a secret of less than 16 bytes",
                    };
                    let fix = "make one: openssl rand -hex 32";
                    self.faults.add(&span, &key, problem, fix);
                }
                Ok(secret) => secrets.push(secret),
                Err(error) => drop(error.tell(&span, &key, self.faults)),
            }
        }
        Some(secrets)
    }
}

/// A path that every client sends as it stands here.
fn is_path(path: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let Some(rest) = path.strip_prefix('/') else { return false };
    let whole = rest.split('/').all(|part| !matches!(part, "" | "." | ".."));
    path == "/" || path.len() <= 256 && path.bytes().all(legal) && whole
}
