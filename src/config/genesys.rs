//! `[genesys]`: the organisation at Genesys Cloud.

mod environment;
pub mod news;
mod paths;

use std::time::Duration;

use super::fault::{Faults, Span};
use super::field::{Field, Table};
use super::pem::PemFiles;
use super::raw;
use super::secret::SecretSource;
use super::values::{HumanDuration, Line};
use super::whereabouts::Whereabouts;
use crate::check::endpoint::Trust;
use crate::check::target::{Host, Scheme, Target};
use crate::event::key::Key;
use crate::genesys::Compat;
use crate::genesys::account::{Account, Credentials, Secret};
use crate::genesys::bases::{Bases, Surface};
use crate::genesys::domains::OriginMatch;
use crate::genesys::paths::Paths;
use crate::genesys::region::Region;
pub use environment::Environment;
use news::News;

/// Stands for a secret that nobody needs.
const WITHHELD: &str = "withheld";

/// More than any organisation is given.
const MAX_REQUESTS_PER_MINUTE: u32 = 10_000;

/// Time between looks at the deployments, unless the config says otherwise.
const REFRESH: Duration = Duration::from_secs(5 * 60);

/// Looks may be so far apart.
const REFRESHES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);

/// Connections to a deployment a minute: it has 1000, which are its customers'.
const CONNECTIONS_PER_MINUTE: u32 = 20;

/// All that a deployment has.
const MAX_CONNECTIONS_PER_MINUTE: u32 = 1000;

/// `[genesys]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesys {
    /// As whom it is asked, where, and how often.
    pub account: Account,
    /// By which rule lists of allowed domains are read.
    pub origin_match: OriginMatch,
    /// Whether deployments become endpoints.
    pub discover: bool,
    /// Time between looks at the deployments.
    pub refresh: Duration,
    /// Where objects are.
    pub paths: Paths,
    /// Connections a minute that probes may take of a deployment.
    pub connections_per_minute: u32,
    /// What it is asked and listened to for.
    pub news: News,
}

impl Genesys {
    /// An organisation of which nothing is known but where it is, for one look at what is public.
    pub fn of(account: Account) -> Self {
        Self {
            account,
            origin_match: OriginMatch::default(),
            discover: false,
            refresh: REFRESH,
            paths: Paths::default(),
            connections_per_minute: CONNECTIONS_PER_MINUTE,
            news: News::default(),
        }
    }
}

/// Connections a minute that probes may take of a deployment, also where there is no table.
pub fn connections_per_minute(genesys: Option<&Genesys>) -> u32 {
    genesys.map_or(CONNECTIONS_PER_MINUTE, |genesys| genesys.connections_per_minute)
}

/// The table, where there is one. What it leaves out may come from the environment.
pub(super) fn read(
    table: Table<raw::Genesys>,
    whereabouts: &Whereabouts<'_>,
    environment: &Environment<'_>,
    faults: &mut Faults,
) -> Option<Genesys> {
    let fix = "write it as a table: [genesys]";
    let (span, raw) = table.take("genesys", fix, faults)?;
    let mut reader = Reader { span, whereabouts, environment, faults };
    let asked = raw.clone();
    let given = [raw.channels_path.clone(), raw.webhooks_path.clone()];
    let paths = paths::read(given, &mut reader);
    let connections_per_minute = reader.connections(asked.connections_per_minute.clone());
    let account = reader.account(raw);
    let origin_match = asked.origin_match.clone();
    let origin_match = origin_match.take("genesys.origin-match", reader.faults).unwrap_or_default();
    let discover = reader.discover(asked.discover.clone(), account.as_ref());
    let refresh = reader.refresh(asked.refresh.clone());
    let news = news::read(&asked, account.as_ref(), &mut reader);
    Some(Genesys {
        account: account?,
        paths,
        origin_match,
        discover,
        refresh,
        connections_per_minute,
        news,
    })
}

struct Reader<'a> {
    span: Span,
    whereabouts: &'a Whereabouts<'a>,
    environment: &'a Environment<'a>,
    faults: &'a mut Faults,
}

impl Reader<'_> {
    fn fault(&mut self, span: &Span, name: &str, problem: impl Into<String>, fix: &str) {
        self.faults.add(span, format!("genesys.{name}"), problem.into(), fix);
    }

    fn discover(&mut self, field: Field<bool>, account: Option<&Account>) -> bool {
        let Some((span, true)) = field.take_spanned("genesys.discover", self.faults) else {
            return false;
        };
        if account.is_some_and(|account| account.credentials.is_none()) {
            let fix = "write client-id and client-secret, or take it out";
            self.fault(&span, "discover", "only a client is told which deployments there are", fix);
        }
        if account.is_some_and(|account| account.compat == Compat::Seed) {
            let fix = "take it out, or write compat = \"genesys\"";
            self.fault(&span, "discover", "the seeds have no list of deployments", fix);
        }
        true
    }

    fn refresh(&mut self, field: Field<HumanDuration>) -> Duration {
        let Some((span, refresh)) = field.take_spanned("genesys.refresh", self.faults) else {
            return REFRESH;
        };
        if !REFRESHES.contains(&refresh.0) {
            let fix = "write a duration in that range";
            self.fault(&span, "refresh", "looks are 1s to 1d apart", fix);
        }
        refresh.0
    }

    fn connections(&mut self, field: Field<u32>) -> u32 {
        let given = field.take_spanned("genesys.connections-per-minute", self.faults);
        let Some((span, number)) = given else { return CONNECTIONS_PER_MINUTE };
        if !(1..=MAX_CONNECTIONS_PER_MINUTE).contains(&number) {
            let problem = "not a number of connections";
            self.fault(&span, "connections-per-minute", problem, "write 1 to 1000");
        }
        number
    }

    fn account(&mut self, raw: raw::Genesys) -> Option<Account> {
        let compat = raw.compat.take("genesys.compat", self.faults).unwrap_or_default();
        let credentials = self.credentials(raw.client_id, raw.client_secret);
        let scope = self.scope(raw.scope, compat);
        let urls = [
            (Surface::Login, raw.login_url),
            (Surface::Api, raw.api_url),
            (Surface::Cdn, raw.cdn_url),
            (Surface::Apps, raw.apps_url),
            (Surface::Messaging, raw.messaging_url),
            (Surface::Streaming, raw.streaming_url),
            (Surface::Status, raw.status_url),
        ];
        let urls = urls.map(|(surface, field)| Some((surface, self.url(surface, field)?)));
        let trust = self.trust(raw.ca_file);
        let requests = raw.requests_per_minute;
        let requests = requests.take_spanned("genesys.requests-per-minute", self.faults);
        if let Some((span, number)) = &requests
            && !(1..=MAX_REQUESTS_PER_MINUTE).contains(number)
        {
            let fix = "write 1 to 10000";
            self.fault(span, "requests-per-minute", "not a number of requests", fix);
        }
        let region = self.region(raw.region)?;
        let mut bases = Bases::of(region);
        for (surface, url) in urls.into_iter().flatten() {
            bases.set(surface, url);
        }
        Some(Account {
            region,
            compat,
            bases,
            credentials,
            scope,
            trust,
            requests_per_minute: requests
                .map_or(Account::REQUESTS_PER_MINUTE, |(_, number)| number),
        })
    }

    fn region(&mut self, field: Field<Region>) -> Option<Region> {
        if field.span().is_some() {
            return field.take("genesys.region", self.faults);
        }
        let found = self.environment.region(self.faults);
        let span = self.span.clone();
        let Some((name, text)) = found else {
            let fix = "write region = \"eu-west-1\"";
            self.fault(&span, "region", "the region is missing", fix);
            return None;
        };
        let region = Region::from_text(&text).ok();
        if region.is_none() {
            let fix = "write region = \"eu-west-1\", or mend the variable";
            self.fault(&span, "region", format!("{name} names no region"), fix);
        }
        region
    }

    /// The config's own go first, each by itself; the secret of the environment goes with the id of
    /// the environment, as an id and another client's secret are of no use.
    fn credentials(
        &mut self,
        id: Field<SecretSource>,
        secret: Field<SecretSource>,
    ) -> Option<Credentials> {
        let (id_given, secret_given) = (id.span(), secret.span());
        let from_environment =
            self.environment.credentials(id_given.is_none(), secret_given.is_none(), self.faults);
        let id = match &id_given {
            Some(_) => self.text("client-id", id, true),
            None => from_environment.id,
        };
        let secret = match &secret_given {
            Some(_) => self.text("client-secret", secret, false),
            None => from_environment.secret,
        };
        let span = id_given.clone().unwrap_or_else(|| self.span.clone());
        let id = id.map(|id| Key::new(id.trim()));
        if let Some(Err(error)) = &id {
            let fix = "write the id that Genesys Cloud shows for the OAuth client";
            self.fault(&span, "client-id", error.to_string(), fix);
        }
        match (id, secret) {
            (Some(id), Some(secret)) => {
                Some(Credentials { id: id.ok()?, secret: Secret::new(&secret) })
            }
            (Some(_), None) => {
                // One that is there and wrong has its fault already.
                if secret_given.is_none() {
                    let fix = "write client-secret = { file = \"…\" }";
                    self.fault(&span, "client-secret", "the secret is missing", fix);
                }
                None
            }
            (None, Some(_)) if id_given.is_none() => {
                let span = secret_given.unwrap_or(span);
                let fix = "write client-id = \"…\", or take the secret out";
                self.fault(&span, "client-id", "a secret, and no client", fix);
                None
            }
            (None, _) => None,
        }
    }

    fn text(&mut self, name: &str, field: Field<SecretSource>, plain: bool) -> Option<String> {
        let (span, source) = field.take_spanned(format!("genesys.{name}"), self.faults)?;
        if source.is_plain() && !plain {
            let fix = "write { file = \"…\" }, { env = \"…\" } or { credential = \"…\" }";
            self.fault(&span, name, "a secret in the config itself", fix);
            return None;
        }
        match source.read(self.whereabouts) {
            Ok(text) if text.trim().is_empty() => {
                self.fault(&span, name, "nothing in it", "put the value there");
                None
            }
            Ok(text) => Some(text),
            Err(error) => {
                let key = format!("genesys.{name}");
                error.tell(&span, key, self.faults).then(|| WITHHELD.to_owned())
            }
        }
    }

    fn scope(&mut self, field: Field<Line>, compat: Compat) -> Option<String> {
        let (span, scope) = field.take_spanned("genesys.scope", self.faults)?;
        if compat == Compat::Genesys {
            let problem = "scopes do not count for client credentials, roles do";
            let fix = "take it out, or write compat = \"seed\"";
            self.fault(&span, "scope", problem, fix);
        }
        Some(scope.0)
    }

    fn url(&mut self, surface: Surface, field: Field<Target>) -> Option<Target> {
        let key = surface.key();
        let (span, url) = field.take_spanned(format!("genesys.{key}"), self.faults)?;
        let fits = match url.scheme {
            Scheme::Wss | Scheme::Ws => surface.is_socket(),
            Scheme::Https | Scheme::Http => !surface.is_socket(),
            Scheme::Tls => false,
        };
        if !fits {
            let fix = if surface.is_socket() { "write wss://…" } else { "write https://…" };
            self.fault(&span, key, "not what is spoken there", fix);
        }
        if url.path.contains('?') {
            let fix = "take out the question mark and what is behind it";
            self.fault(&span, key, "a root has no query", fix);
        }
        // The client's secret goes to one, tokens to the other, and the third has the channel's id in
        // its path: whoever knows it may listen.
        if matches!(surface, Surface::Login | Surface::Api | Surface::Streaming)
            && !url.scheme.is_tls()
            && !is_loopback(&url.host)
        {
            let problem = "what is secret would be sent in the clear";
            let fix = if surface.is_socket() { "write wss://…" } else { "write https://…" };
            self.fault(&span, key, problem, fix);
        }
        Some(url)
    }

    fn trust(&mut self, field: Field<std::path::PathBuf>) -> Trust {
        let Some((span, path)) = field.take_spanned("genesys.ca-file", self.faults) else {
            return Trust::System;
        };
        PemFiles::default().trust(&self.whereabouts.join(path)).unwrap_or_else(|error| {
            let fix = "name a PEM file with certificates";
            self.fault(&span, "ca-file", error.to_string(), fix);
            Trust::System
        })
    }
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Address(address) => address.is_loopback(),
        Host::Name(name) => name.as_ref() == "localhost",
    }
}

#[cfg(test)]
mod tests;
