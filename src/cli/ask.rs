//! What `watchpost check` is asked: a URL with options, or an endpoint of a config.

mod kind;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use crate::check::Check;
use crate::check::cadence::Cadence;
use crate::check::endpoint::{AddressFamily, Endpoint, EndpointName, Identity, Reach, Trust};
use crate::check::header::Header;
use crate::check::origin::{Expect, Origin, OriginRule};
use crate::check::probe::ProbeKind;
use crate::check::target::{ConnectTo, Target};
use crate::config::genesys::Genesys;
use crate::config::values::{HumanDuration, legal};
use crate::config::whereabouts::Purpose;
use crate::config::{Config, ConfigError, pem};

/// Where the config is, unless it is named.
const CONFIG: &str = "config.toml";

/// What to try, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// wss:// and ws:// open a WebSocket; https:// and tls:// shake hands only, but https:// and
    /// http:// with an origin, a method or credentials are asked as a page asks. Or the name of an
    /// endpoint, in config.toml or in what --config says.
    #[arg(value_name = "URL | NAME")]
    what: String,
    /// Try an endpoint of this config, as the daemon does: every origin, with its expectation.
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "origins", "expect", "control", "ca", "connect_to", "headers", "subprotocols", "client_cert",
        "client_key", "address_family", "timeout", "probe", "method", "body", "credentials",
        "preflight_only", "level",
    ])]
    config: Option<PathBuf>,
    /// What is asked of it, where the scheme leaves a choice: websocket, messaging, cors,
    /// http or tls.
    #[arg(long, value_name = "KIND", value_parser = kind::from_text)]
    probe: Option<ProbeKind>,
    /// The page that asks: an origin, "null", or "none" for no Origin header. Repeatable.
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = legal::<Origin>)]
    origins: Vec<Origin>,
    /// What the endpoint is meant to do with these origins [default: allow].
    #[arg(long, value_enum)]
    expect: Option<Wanted>,
    /// With --expect deny: a page that must get in. A refusal proves nothing about a door that is
    /// shut to everybody.
    #[arg(long, value_name = "ORIGIN", value_parser = legal::<Origin>)]
    control: Option<Origin>,
    /// Longest that a run may take [default: 5s].
    #[arg(long, value_name = "DURATION", value_parser = legal::<HumanDuration>)]
    timeout: Option<HumanDuration>,
    /// PEM file of the CAs to trust instead of the machine's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Dial this address instead; the host name stays for SNI, Host and verification.
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = legal::<ConnectTo>)]
    connect_to: Option<ConnectTo>,
    /// Which addresses of the name count: any, ipv4 or ipv6.
    #[arg(long, value_name = "FAMILY", value_parser = legal::<AddressFamily>)]
    address_family: Option<AddressFamily>,
    /// Try every address of the name, not the first alone.
    #[arg(long)]
    all_addresses: bool,
    /// PEM file of a client certificate, leaf first.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// PEM file of its key.
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    #[command(flatten)]
    request: kind::Request,
    /// Print JSON: an object, or a list where there are several runs.
    #[arg(long)]
    pub json: bool,
}

/// [`Expect`], as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wanted {
    Allow,
    Deny,
}

/// Why nothing can be asked.
#[derive(Debug)]
pub enum Wrong {
    /// The command line.
    Question(String),
    /// The config.
    Config(ConfigError),
}

/// The checks that answer a question.
#[derive(Debug)]
pub struct Question {
    /// In the order of output.
    pub checks: Vec<Arc<Check>>,
    /// Whether to go round all addresses of a name.
    pub all_addresses: bool,
    /// Name servers to ask instead of the machine's own.
    pub nameservers: Vec<SocketAddr>,
    /// Part of the `User-Agent`.
    pub contact: Option<String>,
    /// The organisation at Genesys Cloud, where a config has one.
    pub genesys: Option<Genesys>,
}

impl Args {
    /// Makes checks of what was asked.
    pub fn question(self) -> Result<Question, Wrong> {
        // A URL has a scheme, and a name has no colon.
        let usual = (!self.what.contains(':')).then(|| PathBuf::from(CONFIG));
        match self.config.clone().or(usual.filter(|path| path.exists())) {
            Some(path) => of_config(&path, &self.what, self.all_addresses),
            None => Ok(Question {
                all_addresses: self.all_addresses,
                nameservers: Vec::new(),
                contact: None,
                genesys: None,
                checks: self.of_url().map_err(Wrong::Question)?,
            }),
        }
    }

    fn of_url(self) -> Result<Vec<Arc<Check>>, String> {
        let target: Target = legal(&self.what).map_err(|problem| {
            format!(
                "{problem}; an endpoint's name is looked up in {CONFIG}, or in what --config says"
            )
        })?;
        let kind = self.kind(&target)?;
        let cadence = cadence(self.timeout)?;
        let expect = match self.expect {
            Some(Wanted::Deny) => Expect::Deny,
            Some(Wanted::Allow) | None => Expect::Allow,
        };
        if self.control.is_some() && expect == Expect::Allow {
            return Err("--control goes with --expect deny".to_owned());
        }
        let identity = identity(self.client_cert.as_deref(), self.client_key.as_deref())?;
        let trust = trust(self.ca.as_deref())?;
        let reach =
            Reach { connect_to: self.connect_to, family: self.address_family.unwrap_or_default() };
        let probe = Arc::new(kind::probe(kind, self.request, &target)?);
        let endpoint = Arc::new(endpoint(target, reach, trust, identity)?);
        let rule_for =
            |origin: Origin, expect| OriginRule { name: origin.to_string(), origin, expect };
        let rule = |origin| rule_for(origin, expect);
        let control = self.control.map(|origin| Arc::new(rule_for(origin, Expect::Allow)));
        let pages: Vec<_> = match kind.has_origin() {
            false => vec![None],
            true if self.origins.is_empty() => vec![Some(rule(Origin::Absent))],
            true => self.origins.into_iter().map(|origin| Some(rule(origin))).collect(),
        };
        let check = |page: Option<OriginRule>| {
            let check = Check::new(endpoint.clone(), probe.clone(), page.map(Arc::new), cadence);
            Arc::new(check.beside(control.clone()))
        };
        Ok(pages.into_iter().map(check).collect())
    }
}

fn of_config(path: &Path, name: &str, all_addresses: bool) -> Result<Question, Wrong> {
    let config = Config::load_for(path, Purpose::Ask).map_err(Wrong::Config)?;
    let mine = config.checks.iter().filter(|check| &*check.endpoint.name == name);
    let checks: Vec<_> = mine.cloned().collect();
    if checks.is_empty() {
        let names: Vec<_> = config.endpoints.iter().map(|endpoint| &*endpoint.name).collect();
        return Err(Wrong::Question(format!(
            "{} has no endpoint {name}; it has {}",
            path.display(),
            names.join(", ")
        )));
    }
    let contact = config.daemon.contact;
    let (nameservers, genesys) = (config.daemon.nameservers, config.genesys);
    Ok(Question { checks, all_addresses, nameservers, contact, genesys })
}

fn endpoint(
    target: Target,
    reach: Reach,
    trust: Trust,
    identity: Option<Identity>,
) -> Result<Endpoint, String> {
    // A host that is no label stands under a name that is one.
    let name = EndpointName::try_from(target.host.to_string())
        .or_else(|_| EndpointName::try_from("endpoint".to_owned()))
        .map_err(|error| error.to_string())?;
    Ok(Endpoint { reach, trust, identity, ..Endpoint::alone(name, target) })
}

/// There is one run: the interval is whatever leaves room for it.
fn cadence(timeout: Option<HumanDuration>) -> Result<Cadence, String> {
    let timeout = timeout.map_or(Duration::from_secs(5), |timeout| timeout.0);
    Cadence::new(Cadence::MAX_INTERVAL, timeout).map_err(|error| error.to_string())
}

fn trust(ca: Option<&Path>) -> Result<Trust, String> {
    ca.map_or(Ok(Trust::System), |path| pem::PemFiles::default().trust(path))
        .map_err(|error| error.to_string())
}

fn identity(certificate: Option<&Path>, key: Option<&Path>) -> Result<Option<Identity>, String> {
    let pair = certificate.zip(key);
    pair.map(|(certificate, key)| pem::identity(certificate, key))
        .transpose()
        .map_err(|error| error.to_string())
}

fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text.split_once(':').ok_or("write it as \"Name: value\"")?;
    Header::new(name.trim(), value.trim()).map_err(|error| error.to_string())
}
