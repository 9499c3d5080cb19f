//! What the organisation is asked and listened to for: what happens, and what changes.

use super::Reader;
use crate::config::raw;
use crate::event::key::Key;
use crate::genesys::account::Account;
use crate::genesys::channel::MAX_TOPICS;

/// Where the seeds ask for audits.
const AUDIT_PATH: &str = "/api/v2/auditlogs";

/// Services whose audits tell of deployments.
const AUDIT_SERVICES: [&str; 1] = ["WebDeployments"];

/// Services that may be named: each is asked by itself.
const MAX_SERVICES: usize = 16;

/// What is asked and listened to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    /// Topics of the notification channel; without one, there is none.
    pub topics: Vec<Key>,
    /// Whether the audit log is read.
    pub audits: bool,
    /// Of which services.
    pub audit_services: Vec<Key>,
    /// Where the seeds ask.
    pub audit_path: String,
    /// Whether the public status page is read.
    pub status_page: bool,
    /// A part of the names of the components that count there; those of the region without it.
    pub status_component: Option<String>,
}

/// Reads it. Only a client is told of audits and events.
pub(super) fn read(raw: &raw::Genesys, account: Option<&Account>, reader: &mut Reader<'_>) -> News {
    let has_client = account.is_none_or(|account| account.credentials.is_some());
    let topics = raw.topics.clone().take_spanned("genesys.topics", reader.faults);
    if let Some((span, topics)) = &topics {
        if topics.len() > MAX_TOPICS {
            let fix = "write 1000 at the most";
            reader.fault(span, "topics", "a channel takes no more", fix);
        }
        if !topics.is_empty() && !has_client {
            let fix = "write client-id and client-secret, or take it out";
            reader.fault(span, "topics", "only a client is told of events", fix);
        }
    }
    let audits = raw.audits.clone().take_spanned("genesys.audits", reader.faults);
    if let Some((span, true)) = &audits
        && !has_client
    {
        let fix = "write client-id and client-secret, or take it out";
        reader.fault(span, "audits", "only a client may read the audit log", fix);
    }
    let services = raw.audit_services.clone();
    let services = services.take_spanned("genesys.audit-services", reader.faults);
    if let Some((span, services)) = &services
        && !(1..=MAX_SERVICES).contains(&services.len())
    {
        let fix = "name 1 to 16, such as \"WebDeployments\"";
        reader.fault(span, "audit-services", "not a number of services", fix);
    }
    let usual = || AUDIT_SERVICES.iter().filter_map(|name| Key::new(name).ok()).collect();
    let component = raw.status_component.clone();
    News {
        topics: topics.map(|(_, topics)| topics).unwrap_or_default(),
        audits: audits.map_or(has_client, |(_, audits)| audits),
        audit_services: services.map_or_else(usual, |(_, services)| services),
        audit_path: audit_path(raw, reader),
        status_page: raw
            .status_page
            .clone()
            .take("genesys.status-page", reader.faults)
            .unwrap_or(true),
        status_component: component
            .take("genesys.status-component", reader.faults)
            .map(|text| text.0),
    }
}

fn audit_path(raw: &raw::Genesys, reader: &mut Reader<'_>) -> String {
    let path = raw.audit_path.clone().take_spanned("genesys.audit-path", reader.faults);
    let Some((span, path)) = path else { return AUDIT_PATH.to_owned() };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if !path.0.starts_with('/') || !path.0.bytes().all(plain) {
        let fix = "write it as \"/api/v2/auditlogs\"";
        reader.fault(&span, "audit-path", "not a path", fix);
    }
    path.0
}
