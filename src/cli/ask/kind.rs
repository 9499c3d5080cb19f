//! Which probe a URL and its options ask for.

use crate::check::fetch::{Fetch, Method};
use crate::check::header::Header;
use crate::check::messaging::{Level, Messaging};
use crate::check::origin::Origin;
use crate::check::probe::{Cors, Forgeries, Http, Probe, ProbeKind, WantedStatuses, Websocket};
use crate::check::target::{Scheme, Target};
use crate::config::values::legal;
use crate::genesys::messaging::deployment_in;
use crate::outcome::cors::request::needs_preflight;

/// What is sent.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Request {
    /// A header beyond those of the handshake, or one that the page sets. Repeatable.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = super::header)]
    headers: Vec<Header>,
    /// What is asked with [default: GET].
    #[arg(long, value_name = "METHOD", value_parser = legal::<Method>)]
    method: Option<Method>,
    /// A text to send with it.
    #[arg(long, value_name = "TEXT", requires = "method")]
    body: Option<String>,
    /// Send the preflight alone, and not the request itself, which may change something.
    #[arg(long)]
    preflight_only: bool,
    /// Ask as a page that sends cookies: credentials: "include". None are sent.
    #[arg(long)]
    credentials: bool,
    /// How far a messaging probe goes: upgrade, configuration or session [default: configuration].
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    level: Option<Level>,
    /// A subprotocol to offer. Repeatable.
    #[arg(long = "subprotocol", value_name = "NAME")]
    subprotocols: Vec<String>,
}

impl Request {
    /// Whether it is one that only a script of a page makes.
    fn is_of_a_script(&self) -> bool {
        self.credentials || self.preflight_only
    }
}

/// Reads the name of a kind.
pub fn from_text(text: &str) -> Result<ProbeKind, String> {
    let known = ProbeKind::ALL.map(ProbeKind::as_str).join(", ");
    ProbeKind::from_text(text).ok_or_else(|| format!("no kind of probe; they are {known}"))
}

/// Reads a rung. Messages reach people: they are for a config that says so.
fn level(text: &str) -> Result<Level, String> {
    match Level::from_text(text) {
        Some(Level::Message) => Err("it begins a conversation; see `messaging` in a config".into()),
        Some(level) => Ok(level),
        None => Err("write upgrade, configuration or session".into()),
    }
}

impl super::Args {
    /// The kind that is named, or the one that the scheme and the options speak of.
    pub(super) fn kind(&self, target: &Target) -> Result<ProbeKind, String> {
        let Request { headers, method, body: _, subprotocols, .. } = &self.request;
        let asks = method.is_some() || self.request.is_of_a_script();
        let kind = self.probe.unwrap_or(match target.scheme {
            Scheme::Http | Scheme::Https if asks || !self.origins.is_empty() => ProbeKind::Cors,
            Scheme::Ws | Scheme::Wss | Scheme::Http => ProbeKind::Websocket,
            Scheme::Https | Scheme::Tls => ProbeKind::Tls,
        });
        if !kind.is_asked_of(target) {
            return Err(format!("{kind} cannot be asked of {target}"));
        }
        let for_pages = !(self.origins.is_empty() && headers.is_empty() && subprotocols.is_empty());
        match kind {
            ProbeKind::Tls if for_pages || asks => {
                let fix = "write wss://, or https:// with --origin";
                Err(format!("{target} is asked for a handshake alone: {fix}"))
            }
            _ if self.request.level.is_some() && kind != ProbeKind::Messaging => {
                Err("--level goes with --probe messaging".to_owned())
            }
            ProbeKind::Websocket | ProbeKind::Messaging if asks => {
                Err(format!("{target} is opened with GET, and without cookies"))
            }
            ProbeKind::Http if !self.origins.is_empty() || self.request.is_of_a_script() => {
                let fix = "leave --probe http out to ask as a page";
                Err(format!("no page stands behind an http probe: {fix}"))
            }
            ProbeKind::Messaging if !subprotocols.is_empty() => {
                Err("messengers have no subprotocols".to_owned())
            }
            ProbeKind::Http | ProbeKind::Cors if !subprotocols.is_empty() => {
                Err(format!("{target} has no subprotocols: write wss://"))
            }
            ProbeKind::Cors => self.is_of_a_page(target).map(|()| kind),
            ProbeKind::Websocket | ProbeKind::Messaging | ProbeKind::Http | ProbeKind::Tls => {
                Ok(kind)
            }
        }
    }

    /// Whether these options make a request of a page on another origin.
    fn is_of_a_page(&self, target: &Target) -> Result<(), String> {
        let own = target.origin();
        if self.origins.is_empty() || self.origins.contains(&Origin::Absent) {
            return Err("CORS is about pages: name one with --origin".to_owned());
        }
        match self.origins.iter().any(|origin| origin.header() == Some(&own)) {
            true => Err(format!("pages of {own} need no CORS to read {target}")),
            false => Ok(()),
        }
    }
}

/// The probe of a kind.
pub fn probe(kind: ProbeKind, request: Request, target: &Target) -> Result<Probe, String> {
    Ok(match kind {
        ProbeKind::Messaging => {
            let deployment = deployment_in(target);
            let deployment = deployment.ok_or("add ?deploymentId=… to the URL")?.key().clone();
            let level = request.level.unwrap_or_default();
            let messaging = Messaging::of(deployment);
            Probe::Messaging(Messaging { level, headers: request.headers, ..messaging })
        }
        ProbeKind::Websocket => Probe::Websocket(Websocket {
            headers: request.headers,
            subprotocols: request.subprotocols,
            ..Websocket::default()
        }),
        ProbeKind::Cors => {
            let preflight_only = request.preflight_only;
            let fetch = fetch(request)?;
            if preflight_only && !needs_preflight(&fetch) {
                return Err("browsers send this request without a preflight".to_owned());
            }
            let (statuses, forgeries) = (WantedStatuses::Usual, Forgeries::All);
            Probe::Cors(Cors { fetch, preflight_only, statuses, forgeries })
        }
        ProbeKind::Http => {
            let http = Http { statuses: WantedStatuses::Success, ..Http::default() };
            let method = request.method.unwrap_or_default();
            let http = Http { method, headers: request.headers, ..http };
            Probe::Http(match request.body {
                Some(body) => http.with_body(body).ok_or("this method has no body")?,
                None => http,
            })
        }
        ProbeKind::Tls => Probe::Tls,
    })
}

fn fetch(request: Request) -> Result<Fetch, String> {
    let of_page = |header: &Header| {
        let value = String::from_utf8_lossy(header.value());
        let checked = Header::from_page(header.name(), &value);
        checked.map_err(|error| format!("{}: {error}", header.name()))
    };
    let headers = request.headers.iter().map(of_page).collect::<Result<_, _>>()?;
    let fetch = Fetch::new(request.method.unwrap_or_default(), headers, request.credentials);
    let fetch = fetch.map_err(|error| error.to_string())?;
    match request.body {
        Some(body) => {
            fetch.with_body(body).ok_or_else(|| "browsers send no body with this method".to_owned())
        }
        None => Ok(fetch),
    }
}
