//! A table of `[[deployments]]`: what a Messenger deployment must be.

use super::manifest::{By, Wanted};
use super::plan::{Alike, Declared};
use super::raw;
use super::reading::{Reader, listed};
use super::values::Status;
use crate::genesys::domains::Domains;
use crate::genesys::{Compat, DeploymentId};

/// Reads one.
pub fn read(raw: raw::Deployment, mut reader: Reader<'_>) -> Option<Wanted> {
    let mut fields = Vec::new();
    let id = raw.id.take_spanned(reader.key("id"), reader.faults);
    if let Some((span, id)) = &id
        && let Err(error) = DeploymentId::new(id.0.as_str(), Compat::Genesys)
    {
        reader.faults.add(span, reader.key("id"), error, "copy it from the admin's page");
    }
    let name = raw.name.take(reader.key("name"), reader.faults).map(|name| name.0);
    if let (Some(_), Some(name)) = (&id, &name) {
        fields.push(Declared::new("name", "name", name.as_str()));
    }
    if let Some(text) = raw.description.take(reader.key("description"), reader.faults) {
        fields.push(Declared::new("description", "description", text.0));
    }
    let status = raw.status.take(reader.key("status"), reader.faults);
    if let Some(status) = status {
        fields.push(Declared::new("status", "status", status.as_str()));
    }
    let shut = status == Some(Status::Inactive);

    let all_at = raw.allow_all_domains.span();
    let all = raw.allow_all_domains.take(reader.key("allow-all-domains"), reader.faults);
    let list = reader.list(raw.allowed_domains, "allowed-domains");
    let domains = match (&list, all) {
        (Some(list), all) => Some(Domains { allow_all: all.unwrap_or(false), ..list.domains() }),
        (None, Some(true)) => Some(Domains { allow_all: true, ..Domains::default() }),
        (None, _) => None,
    };
    if let Some(domains) = &domains {
        match &list {
            Some(list) if !shut || !list.entries.is_empty() => {
                reader.lint(list, domains, "allowed-domains");
            }
            _ => {}
        }
        // One follows from the other: the platform takes no list beside `allowAllDomains`.
        fields.push(Declared::new("allow-all-domains", "allowAllDomains", domains.allow_all));
        let field = match &list {
            Some(list) => listed("allowed-domains", "allowedDomains", list, Alike::Hosts),
            None => Declared::new("allowed-domains", "allowedDomains", serde_json::json!([]))
                .alike(Alike::Hosts),
        };
        fields.push(field);
    } else if let (Some(false), Some(span)) = (all, all_at) {
        let key = reader.key("allow-all-domains");
        let fix = "declare allowed-domains beside it";
        reader.faults.add(&span, key, "without a list, nobody knows whom this lets in", fix);
        fields.push(Declared::new("allow-all-domains", "allowAllDomains", false));
    }
    let doors = reader.doors(raw.origins, list.as_ref(), domains.as_ref(), shut);
    let by = match (id, name) {
        (Some((_, id)), _) => By::Id(id.0),
        (None, Some(name)) => By::Name(name),
        (None, None) => {
            let fix = "add id = \"…\", or the name that it has";
            reader.faults.add(reader.span, reader.key("id"), "missing", fix);
            return None;
        }
    };
    reader.wanted(by, fields, doors, shut)
}
