//! A table of `[[channels]]`: what a channel of the seeds must be.

use super::manifest::{By, Wanted};
use super::plan::{Alike, Declared};
use super::raw;
use super::reading::{List, Reader, is_secure, listed};
use crate::check::origin::Origin;
use crate::check::target::{Scheme, Target};
use crate::config::field::Field;
use crate::config::values::Line;

/// What stands behind the address of a channel to open its socket, where the file does not say.
const WEBSOCKET_PATH: &str = "/webchat";

/// Reads one.
pub fn read(raw: raw::Channel, mut reader: Reader<'_>) -> Option<Wanted> {
    let mut fields = Vec::new();
    let id = raw.id.take(reader.key("id"), reader.faults).map(|id| id.0);
    let text =
        |field: Field<Line>, key: &str, path, reader: &mut Reader<'_>, fields: &mut Vec<_>| {
            let text = field.take(reader.key(key), reader.faults).map(|text| text.0)?;
            fields.push(Declared::new(key, path, text.as_str()));
            Some(text)
        };
    text(raw.name, "name", "name", &mut reader, &mut fields);
    if let Some(text) = raw.description.take(reader.key("description"), reader.faults) {
        fields.push(Declared::new("description", "description", text.0));
    }
    let enabled = raw.enabled.take(reader.key("enabled"), reader.faults);
    if let Some(enabled) = enabled {
        fields.push(Declared::new("enabled", "enabled", enabled));
    }
    let shut = enabled == Some(false);

    let url = raw.webchat_url.take_spanned(reader.key("webchat-url"), reader.faults);
    let path = raw.websocket_path.take_spanned(reader.key("websocket-path"), reader.faults);
    let path = match path {
        Some((span, path)) if !path.0.starts_with('/') => {
            let key = reader.key("websocket-path");
            reader.faults.add(&span, key, "not a path", "begin it with /");
            WEBSOCKET_PATH.to_owned()
        }
        Some((_, path)) => path.0,
        None => WEBSOCKET_PATH.to_owned(),
    };
    let mut door = None;
    if let Some((span, url)) = url {
        let as_page = Origin::Page(url.origin().replacen("ws", "http", 1));
        if !is_secure(&as_page) || url.scheme == Scheme::Tls {
            let fix = "write https:// or wss://; only localhost may be http://";
            reader.faults.add(&span, reader.key("webchat-url"), "not encrypted", fix);
        }
        fields.push(Declared::new("webchat-url", "webchatSettings.webchatUrl", spelled(&url)));
        door = Some(socket(&url, &path));
    }
    let path_of_id = "webchatSettings.webchatId";
    text(raw.webchat_id, "webchat-id", path_of_id, &mut reader, &mut fields);
    let path_of_provider = "webchatSettings.authProviderId";
    let provider_at = raw.auth_provider_id.span();
    let provider = raw.auth_provider_id;
    text(provider, "auth-provider-id", path_of_provider, &mut reader, &mut fields);
    if provider_at.is_none() {
        let problem = "missing: a channel that authenticates nobody is refused";
        let fix = "add auth-provider-id = \"…\"";
        reader.faults.add(reader.span, reader.key("auth-provider-id"), problem, fix);
    }

    let key = "cors-allowed-origins";
    let list = reader.list(raw.cors_allowed_origins, key);
    let domains = list.as_ref().map(List::domains);
    if let (Some(list), Some(domains)) = (&list, &domains) {
        if !shut || !list.entries.is_empty() {
            reader.lint(list, domains, key);
        }
        as_pages_send_them(list, key, &mut reader);
        let path = "webchatSettings.corsAllowedOrigins";
        fields.push(listed(key, path, list, Alike::Set));
    }
    let doors = reader.doors(raw.origins, list.as_ref(), domains.as_ref(), shut);
    let Some(id) = id else {
        reader.faults.add(reader.span, reader.key("id"), "missing", "add id = \"…\"");
        return None;
    };
    let wanted = reader.wanted(By::Id(id), fields, doors, shut)?;
    Some(Wanted { door, websocket_path: path, ..wanted })
}

/// Entries that a browser spells otherwise, or that are not encrypted.
fn as_pages_send_them(list: &List, key: &str, reader: &mut Reader<'_>) {
    for (n, (span, text)) in list.entries.iter().enumerate() {
        // Others have been told of as no origins.
        let Ok(origin @ Origin::Page(page)) = &text.parse::<Origin>() else { continue };
        let key = format!("{}[{n}]", reader.key(key));
        if !is_secure(origin) {
            let problem = format!("\"{text}\" is not https");
            let fix = "write https://; only localhost may be http://";
            reader.faults.add(span, &key, problem, fix);
        } else if page != text {
            let problem = format!("\"{text}\" is not how browsers spell it: it never matches");
            reader.faults.add(span, &key, problem, format!("write \"{page}\""));
        }
    }
}

/// The address as it goes into the object: no slash that nobody wrote.
fn spelled(url: &Target) -> String {
    let text = url.to_string();
    if url.path == "/" { text.trim_end_matches('/').to_owned() } else { text }
}

/// The WebSocket behind an address: that of https is encrypted, and one that says `wss` already
/// stays as it is.
pub fn socket(url: &Target, path: &str) -> Target {
    let scheme = match url.scheme {
        Scheme::Https | Scheme::Wss | Scheme::Tls => Scheme::Wss,
        Scheme::Http | Scheme::Ws => Scheme::Ws,
    };
    let (before, query) = match url.path.split_once('?') {
        Some((before, query)) => (before, format!("?{query}")),
        None => (url.path.as_str(), String::new()),
    };
    let before = before.trim_end_matches('/');
    let path = if before.ends_with(path) { "" } else { path };
    Target { scheme, path: format!("{before}{path}{query}"), ..url.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_address_has_an_encrypted_socket() {
        for (url, expected) in [
            ("https://webchat.example", "wss://webchat.example/webchat"),
            ("https://webchat.example/", "wss://webchat.example/webchat"),
            ("wss://webchat.example", "wss://webchat.example/webchat"),
            ("wss://webchat.example/webchat", "wss://webchat.example/webchat"),
            ("https://webchat.example:8443/a/?b=c", "wss://webchat.example:8443/a/webchat?b=c"),
            ("http://localhost:3000", "ws://localhost:3000/webchat"),
        ] {
            let target: Target = url.parse().unwrap();
            assert_eq!(socket(&target, WEBSOCKET_PATH).to_string(), expected, "{url}");
        }
    }
}
