//! The messenger's own protocol, as its guests speak it: what they ask, and what they are told.
//!
//! Answers may come twice, late, or not in the order of the questions, and there are more kinds of
//! them than are known here: what is not awaited is passed over.

mod request;

use serde_json::Value;
use url::form_urlencoded;

use super::region::Region;
use super::{Compat, DeploymentId};
use crate::check::target::{Host, Target};
use crate::outcome::messaging::{Refused, Trouble};
use crate::outcome::quoted::Quoted;
pub use request::Guest;

/// The deployment that a URL of a messenger's socket names, where it is one of Genesys Cloud's own.
pub fn deployment_of(url: &Target) -> Option<DeploymentId> {
    let Host::Name(name) = &url.host else { return None };
    let (first, domain) = name.as_ref().trim_end_matches('.').split_once('.')?;
    let regions = Region::ALL.iter();
    let mut domains = regions.flat_map(|region| [Some(region.domain), region.second_domain]);
    let is_known = first == "webmessaging" && domains.any(|known| known == Some(domain));
    is_known.then(|| deployment_in(url)).flatten()
}

/// The deployment that a URL names, wherever it leads.
pub fn deployment_in(url: &Target) -> Option<DeploymentId> {
    let (_, query) = url.path.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, id) = pairs.find(|(name, _)| name == "deploymentId")?;
    DeploymentId::new(&id, Compat::Genesys).ok()
}

/// What a frame holds, as far as anything is made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    class: String,
    code: u32,
    tracing: Option<String>,
    body: Value,
}

/// What a guest waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited<'a> {
    /// How the deployment is configured.
    Configuration,
    /// A session.
    Session,
    /// This text, as its own.
    Echo(&'a str),
}

/// What a frame means to somebody who waits.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// It is the awaited one.
    Awaited(Envelope),
    /// The guest does not get on.
    Refused(Refused),
    /// Guests must be known here, with this said.
    NeedsAuthentication(Quoted),
    /// It is something else: the application lives.
    Other,
}

/// What a session is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// It takes messages no more.
    pub read_only: bool,
    /// A conversation began by itself.
    pub auto_started: bool,
}

impl Envelope {
    /// Reads a frame; `None` where it is none of the application's.
    pub fn read(text: &str) -> Option<Self> {
        let Value::Object(mut fields) = serde_json::from_str(text).ok()? else { return None };
        let class = fields.get("class")?.as_str()?.to_owned();
        let code = match fields.get("code") {
            Some(Value::Number(code)) => u32::try_from(code.as_u64()?).ok()?,
            Some(Value::String(code)) => code.parse().ok()?,
            Some(_) => return None,
            None => 200,
        };
        let tracing = fields.get("tracingId").and_then(Value::as_str).map(str::to_owned);
        let body = fields.remove("body").unwrap_or_default();
        Some(Self { class, code, tracing, body })
    }

    /// What it means to somebody who waits for an answer to the question of this id.
    pub fn heard(self, awaited: Awaited<'_>, tracing: &str) -> Heard {
        // An answer to an earlier question, which may have come twice.
        if self.tracing.as_deref().is_some_and(|known| known != tracing) {
            return Heard::Other;
        }
        if let Some(refused) = self.refused() {
            return refused;
        }
        let is_awaited = match awaited {
            Awaited::Configuration => self.class == "GetConfigurationResponse",
            Awaited::Session => self.class == "SessionResponse",
            Awaited::Echo(text) => {
                let mine = self.tracing.is_some() || self.text("/text") == text;
                let inbound = self.body.get("direction").is_none_or(|way| way == "Inbound");
                self.class == "StructuredMessage" && inbound && mine
            }
        };
        if is_awaited { Heard::Awaited(self) } else { Heard::Other }
    }

    /// What a session is like, by its answer.
    pub fn session(&self) -> Session {
        let is = |name: &str| match self.body.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(flag)) => flag == "true",
            _ => false,
        };
        Session { read_only: is("readOnly"), auto_started: is("autoStarted") }
    }

    /// The id of a message.
    pub fn id(&self) -> Option<Quoted> {
        Some(Quoted::text(self.body.get("id")?.as_str()?))
    }

    fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// What keeps the guest from getting on, where this says so.
    fn refused(&self) -> Option<Heard> {
        let refused = |trouble, code, said: &str| {
            Heard::Refused(Refused { trouble, code, said: Quoted::text(said) })
        };
        match self.class.as_str() {
            "ConnectionClosedEvent" => {
                let said = ["/reason", "/reasonCode"].map(|at| self.text(at));
                let said = said.into_iter().find(|said| !said.is_empty()).unwrap_or_default();
                return Some(refused(Trouble::ConnectionClosed, None, said));
            }
            "SessionExpiredEvent" => {
                return Some(refused(Trouble::SessionExpired, None, "session expired"));
            }
            "TooManyRequestsErrorMessage" => {
                let code = self.body.get("errorCode").and_then(Value::as_u64);
                let code = code.and_then(|code| u32::try_from(code).ok()).unwrap_or(self.code);
                let said = match self.body.get("retryAfter").and_then(Value::as_u64) {
                    Some(seconds) => {
                        format!("{}, retry after {seconds} s", self.text("/errorMessage"))
                    }
                    None => self.text("/errorMessage").to_owned(),
                };
                return Some(refused(Trouble::Throttled, Some(code), &said));
            }
            _ if self.code < 400 && self.class != "Error" => return None,
            _ => {}
        }
        let said = match &self.body {
            Value::String(said) => said.clone(),
            body => ["/errorMessage", "/message"]
                .into_iter()
                .find_map(|at| body.pointer(at)?.as_str().map(str::to_owned))
                .unwrap_or_default(),
        };
        Some(match (self.code, trouble(self.code)) {
            // The same code stands for a feature that is switched off.
            (401 | 403, _) if !said.to_ascii_lowercase().contains("feature toggle") => {
                Heard::NeedsAuthentication(Quoted::text(&said))
            }
            (code, trouble) => refused(trouble, Some(code), &said),
        })
    }
}

/// What a code means.
fn trouble(code: u32) -> Trouble {
    match code {
        403 | 4000 => Trouble::Unavailable,
        4001..=4005 | 4008..=4010 | 4102 => Trouble::Attachment,
        4006 => Trouble::SessionExpired,
        4007 => Trouble::SessionNotFound,
        4011 => Trouble::TooLong,
        4013 => Trouble::AttributesTooLarge,
        4017 => Trouble::Authenticated,
        400 | 4020 => Trouble::BadRequest,
        404 => Trouble::DeploymentUnknown,
        408 => Trouble::TimedOut,
        429 | 4029 => Trouble::Throttled,
        500..=599 | 5000 => Trouble::ServerError,
        _ => Trouble::Error,
    }
}

#[cfg(test)]
mod tests;
