//! `[[notify]]`: who is told of incidents, and how.

use std::sync::Arc;

use super::fault::{Faults, Span};
use super::pem::PemFiles;
use super::raw;
use super::secret::SecretSource;
use super::whereabouts::Whereabouts;
use crate::check::endpoint::{Endpoint, Trust};
use crate::check::target::{Scheme, Target};
use crate::incident::notice::{Form, Subscription};
use crate::incident::severity::Severity;
use crate::signing::SigningKey;

/// Secrets that messages are signed with at a time.
const MAX_SECRETS: usize = 4;

/// Shortest and longest secret that Standard Webhooks allows, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// `[[notify]]`
#[derive(Debug, Clone)]
pub struct Notify {
    /// Who wants to be told of what.
    pub subscription: Subscription,
    /// Where it goes.
    pub url: Target,
    /// What messages are signed with: each signs every message.
    pub keys: Vec<SigningKey>,
    /// Whose certificates are believed.
    pub trust: Trust,
}

/// Every table.
pub(super) fn read(
    tables: raw::Tables<raw::Notify>,
    endpoints: &[Arc<Endpoint>],
    whereabouts: &Whereabouts<'_>,
    faults: &mut Faults,
) -> Vec<Notify> {
    let fix = "write each as a table: [[notify]]";
    let mut pem = PemFiles::default();
    let mut all: Vec<Notify> = Vec::new();
    let (_, tables) = tables.take("notify", fix, faults).unwrap_or_default();
    for (number, table) in tables.into_iter().enumerate() {
        let place = format!("notify[{number}]");
        let Some((span, raw)) = table.take(&place, fix, faults) else { continue };
        let mut reader = Reader { place, span, whereabouts, pem: &mut pem, faults };
        let Some(notify) = reader.notify(raw, endpoints) else { continue };
        if all.iter().any(|other| other.subscription.name == notify.subscription.name) {
            let problem = format!("there are two of the name {}", notify.subscription.name);
            reader.fault("name", problem, "give each a name of its own");
        }
        all.push(notify);
    }
    all
}

struct Reader<'a> {
    place: String,
    span: Span,
    whereabouts: &'a Whereabouts<'a>,
    pem: &'a mut PemFiles,
    faults: &'a mut Faults,
}

impl Reader<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.place)
    }

    fn fault(&mut self, name: &str, problem: impl Into<String>, fix: &str) {
        let key = self.key(name);
        self.faults.add(&self.span, key, problem.into(), fix);
    }

    fn notify(&mut self, raw: raw::Notify, endpoints: &[Arc<Endpoint>]) -> Option<Notify> {
        let given = [raw.name.span(), raw.webhook.span(), raw.alertmanager.span()];
        let name = raw.name.take(self.key("name"), self.faults);
        if given.first().is_some_and(Option::is_none) {
            self.fault("name", "the name is missing", "write name = \"ops\"");
        }
        let webhook = raw.webhook.take_spanned(self.key("webhook"), self.faults);
        let alertmanager = raw.alertmanager.take_spanned(self.key("alertmanager"), self.faults);
        let secrets = raw.secret.take_spanned(self.key("secret"), self.faults);
        let target = match (webhook, alertmanager, &given) {
            (Some((span, url)), None, [_, _, None]) => Some((span, url, Form::Webhook)),
            (None, Some((span, url)), [_, None, _]) => Some((span, url, Form::Alertmanager)),
            (_, _, [_, Some(_), Some(_)]) => {
                let fix = "write a table for each";
                self.fault("webhook", "both a webhook and an alertmanager", fix);
                None
            }
            (_, _, [_, None, None]) => {
                let fix = "write webhook = \"https://…\" or alertmanager = \"http://…:9093\"";
                self.fault("webhook", "nowhere to send to", fix);
                None
            }
            _ => None,
        };
        if let Some((span, url, form)) = &target {
            let name = if *form == Form::Webhook { "webhook" } else { "alertmanager" };
            self.http(span, name, url);
            if *form == Form::Alertmanager {
                self.root(span, name, url);
            }
        }
        let keys = match (&target, secrets) {
            (Some((_, _, Form::Webhook)), None) if raw_absent(&given) => {
                let fix = "write secret = { file = \"…\" } with a whsec_… in it";
                self.fault("secret", "nobody could tell who sent it", fix);
                Vec::new()
            }
            (Some((_, _, Form::Alertmanager)), Some((span, _))) => {
                let fix = "take it out";
                self.faults.add(&span, self.key("secret"), "Alertmanager looks at none", fix);
                Vec::new()
            }
            (_, Some((span, secrets))) => self.secrets(&span, secrets.0),
            (_, None) => Vec::new(),
        };
        let named = raw.endpoints.take_spanned(self.key("endpoints"), self.faults);
        if let Some((span, _)) = named.as_ref().filter(|(_, names)| names.is_empty()) {
            let fix = "name one, or take the key out for all";
            self.faults.add(span, self.key("endpoints"), "incidents of no endpoint", fix);
        }
        for name in named.iter().flat_map(|(_, names)| names) {
            if !endpoints.iter().any(|endpoint| endpoint.name == *name) {
                let problem = format!("there is no endpoint {name}");
                let span = named.as_ref().map_or(self.span.clone(), |(span, _)| span.clone());
                let fix = "write names out of [[endpoints]]";
                self.faults.add(&span, self.key("endpoints"), problem, fix);
            }
        }
        let min_severity = raw.min_severity.take(self.key("min-severity"), self.faults);
        let external_url = raw.external_url.take_spanned(self.key("external-url"), self.faults);
        if let Some((span, url)) = &external_url {
            self.http(span, "external-url", url);
            self.root(span, "external-url", url);
        }
        let external_url = external_url.map(|(_, url)| url.to_string());
        let ca_file = raw.ca_file.take_spanned(self.key("ca-file"), self.faults);
        let trust =
            ca_file.and_then(|(span, path)| match self.pem.trust(&self.whereabouts.join(path)) {
                Ok(trust) => Some(trust),
                Err(error) => {
                    let key = self.key("ca-file");
                    let fix = "name a PEM file with certificates";
                    self.faults.add(&span, key, error.to_string(), fix);
                    None
                }
            });
        let (_, mut url, form) = target?;
        if form == Form::Alertmanager {
            url.path = format!("{}/api/v2/alerts", url.path.trim_end_matches('/'));
        }
        let min_severity = min_severity.unwrap_or(Severity::Minor);
        let endpoints = named.map(|(_, names)| names);
        let subscription =
            Subscription { name: name?, form, endpoints, min_severity, external_url };
        Some(Notify { subscription, url, keys, trust: trust.unwrap_or_default() })
    }

    fn http(&mut self, span: &Span, name: &str, url: &Target) {
        if !matches!(url.scheme, Scheme::Http | Scheme::Https) {
            let fix = "write a URL that begins with https:// or http://";
            self.faults.add(span, self.key(name), "no HTTP", fix);
        }
    }

    /// Paths are appended to it.
    fn root(&mut self, span: &Span, name: &str, url: &Target) {
        if url.path.contains('?') {
            let fix = "take out the question mark and what is behind it";
            self.faults.add(span, self.key(name), "a root has no query", fix);
        }
    }

    fn secrets(&mut self, span: &Span, sources: Vec<SecretSource>) -> Vec<SigningKey> {
        let key = self.key("secret");
        if sources.is_empty() || sources.len() > MAX_SECRETS {
            let problem = format!("{} secrets", sources.len());
            self.faults.add(span, &key, problem, "write 1 to 4: the new one first");
        }
        let mut keys = Vec::new();
        for source in sources {
            if matches!(source, SecretSource::Plain(_)) {
                let fix = "write { file = \"…\" }, { env = \"…\" } or { credential = \"…\" }";
                self.faults.add(span, &key, "a secret in the config itself", fix);
                continue;
            }
            match source.read(self.whereabouts) {
                Ok(text) => match SigningKey::standard(text.trim(), SECRET_BYTES) {
                    Some(signing_key) => keys.push(signing_key),
                    None => {
                        let fix = "write whsec_ and 24 to 64 random bytes in base64";
                        self.faults.add(span, &key, "no secret of Standard Webhooks", fix);
                    }
                },
                Err(error) => drop(error.tell(span, &key, self.faults)),
            }
        }
        keys
    }
}

/// Whether a webhook was named, and not both.
fn raw_absent(given: &[Option<Span>; 3]) -> bool {
    matches!(given, [_, Some(_), None])
}
