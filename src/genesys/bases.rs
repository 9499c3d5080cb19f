//! Where each surface of a region is. Every one may be elsewhere: behind a proxy, or on loopback.

use super::region::Region;
use crate::check::target::{Host, Target};

/// A part of Genesys Cloud with a host of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Surface {
    /// OAuth.
    Login,
    /// The platform API.
    Api,
    /// Public files of deployments.
    Cdn,
    /// The messenger's loader.
    Apps,
    /// Guests' sockets.
    Messaging,
    /// The notification channel's socket.
    Streaming,
    /// The public status page.
    Status,
}

impl Surface {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Login,
        Self::Api,
        Self::Cdn,
        Self::Apps,
        Self::Messaging,
        Self::Streaming,
        Self::Status,
    ];

    /// The key of the config that says where it is.
    pub fn key(self) -> &'static str {
        match self {
            Self::Login => "login-url",
            Self::Api => "api-url",
            Self::Cdn => "cdn-url",
            Self::Apps => "apps-url",
            Self::Messaging => "messaging-url",
            Self::Streaming => "streaming-url",
            Self::Status => "status-url",
        }
    }

    /// Whether it is a WebSocket.
    pub fn is_socket(self) -> bool {
        matches!(self, Self::Messaging | Self::Streaming)
    }
}

/// The root of each surface; paths are appended with [`join`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bases {
    /// OAuth.
    pub login: Target,
    /// The platform API.
    pub api: Target,
    /// Public files of deployments.
    pub cdn: Target,
    /// The messenger's loader.
    pub apps: Target,
    /// Guests' sockets.
    pub messaging: Target,
    /// The notification channel's socket.
    pub streaming: Target,
    /// The public status page.
    pub status: Target,
    region: Region,
}

impl Bases {
    /// Those of a region.
    pub fn of(region: Region) -> Self {
        let at = |scheme: &str, host: &str| {
            let url = format!("{scheme}://{host}");
            url.parse().unwrap_or_else(|error| unreachable!("{url} is a URL: {error}"))
        };
        let domain = region.domain;
        Self {
            login: at("https", &format!("login.{domain}")),
            api: at("https", &format!("api.{domain}")),
            cdn: at("https", &format!("api-cdn.{domain}")),
            apps: at("https", &format!("apps.{domain}")),
            messaging: at("wss", &format!("webmessaging.{domain}")),
            streaming: at("wss", &format!("streaming.{domain}")),
            status: at("https", "status.mypurecloud.com"),
            region,
        }
    }

    /// One of them.
    pub fn at(&self, surface: Surface) -> &Target {
        match surface {
            Surface::Login => &self.login,
            Surface::Api => &self.api,
            Surface::Cdn => &self.cdn,
            Surface::Apps => &self.apps,
            Surface::Messaging => &self.messaging,
            Surface::Streaming => &self.streaming,
            Surface::Status => &self.status,
        }
    }

    /// Puts a surface elsewhere.
    pub fn set(&mut self, surface: Surface, url: Target) {
        let base = match surface {
            Surface::Login => &mut self.login,
            Surface::Api => &mut self.api,
            Surface::Cdn => &mut self.cdn,
            Surface::Apps => &mut self.apps,
            Surface::Messaging => &mut self.messaging,
            Surface::Streaming => &mut self.streaming,
            Surface::Status => &mut self.status,
        };
        *base = url;
    }

    /// Whether a URL that stood in an answer may be opened: an encrypted one of the region's own
    /// hosts, or one of the very place of a surface.
    pub fn owns(&self, url: &Target) -> bool {
        let place = |base: &Target| {
            (&base.host, base.port, base.scheme.is_tls())
                == (&url.host, url.port, url.scheme.is_tls())
        };
        let regional = match &url.host {
            Host::Name(name) => self.region.has(name.as_ref().trim_end_matches('.')),
            Host::Address(_) => false,
        };
        Surface::ALL.into_iter().any(|surface| place(self.at(surface)))
            || (regional && url.scheme.is_tls() && url.port == 443)
    }
}

/// A base with a path, and a query perhaps, behind its own.
pub fn join(base: &Target, path_and_query: &str) -> Target {
    let root = base.path.trim_end_matches('/');
    let slash = if path_and_query.starts_with('/') { "" } else { "/" };
    Target { path: format!("{root}{slash}{path_and_query}"), ..base.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bases() -> Bases {
        Bases::of(Region::from_text("eu-west-1").unwrap())
    }

    #[test]
    fn each_surface_has_its_host() {
        let bases = bases();
        for (surface, url) in [
            (Surface::Login, "https://login.mypurecloud.ie/"),
            (Surface::Api, "https://api.mypurecloud.ie/"),
            (Surface::Cdn, "https://api-cdn.mypurecloud.ie/"),
            (Surface::Apps, "https://apps.mypurecloud.ie/"),
            (Surface::Messaging, "wss://webmessaging.mypurecloud.ie/"),
            (Surface::Streaming, "wss://streaming.mypurecloud.ie/"),
            (Surface::Status, "https://status.mypurecloud.com/"),
        ] {
            assert_eq!(bases.at(surface).to_string(), url);
        }
    }

    #[test]
    fn every_region_has_bases() {
        for region in Region::ALL {
            let bases = Bases::of(*region);
            assert!(Surface::ALL.iter().all(|surface| bases.owns(bases.at(*surface))), "{region}");
        }
    }

    #[test]
    fn a_path_stands_behind_that_of_the_base() {
        let base: Target = "https://proxy.example/genesys/".parse().unwrap();
        for path in ["/api/v2/x?a=b", "api/v2/x?a=b"] {
            let url = join(&base, path).to_string();
            assert_eq!(url, "https://proxy.example/genesys/api/v2/x?a=b");
        }
    }

    #[test]
    fn only_what_is_the_regions_is_opened() {
        let mut bases = bases();
        bases.set(Surface::Streaming, "ws://127.0.0.1:4000".parse().unwrap());
        bases.set(Surface::Api, "https://proxy.example/genesys".parse().unwrap());
        for (url, owned) in [
            ("wss://webmessaging.mypurecloud.ie/v1", true),
            ("wss://streaming.mypurecloud.ie/channels/1", true),
            ("https://api.euw1.pure.cloud/", true),
            ("ws://127.0.0.1:4000/channels/1", true),
            ("https://proxy.example/anything", true),
            ("ws://webmessaging.mypurecloud.ie/v1", false),
            ("wss://webmessaging.mypurecloud.ie:444/v1", false),
            ("wss://webmessaging.mypurecloud.de/v1", false),
            ("wss://evilmypurecloud.ie/v1", false),
            ("wss://mypurecloud.ie.evil.example/v1", false),
            ("ws://127.0.0.1:4001/channels/1", false),
            ("wss://127.0.0.1:4000/channels/1", false),
            ("http://proxy.example/anything", false),
            ("https://proxy.example:8443/", false),
            ("https://a.proxy.example/", false),
        ] {
            assert_eq!(bases.owns(&url.parse().unwrap()), owned, "{url}");
        }
    }
}
