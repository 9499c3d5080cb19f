//! Where an endpoint lives: the parts of its URL that dialling and asking need.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use rustls::pki_types::DnsName;
use serde::Deserialize;
use url::{Position, Url};

/// How an endpoint is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// WebSocket over plain TCP.
    Ws,
    /// WebSocket over TLS.
    Wss,
    /// HTTP over plain TCP.
    Http,
    /// HTTP over TLS.
    Https,
    /// TLS alone, for ports that speak something else inside.
    Tls,
}

impl Scheme {
    /// Whether the connection is encrypted.
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Wss | Self::Https | Self::Tls)
    }

    fn default_port(self) -> Option<u16> {
        match self {
            Self::Ws | Self::Http => Some(80),
            Self::Wss | Self::Https => Some(443),
            Self::Tls => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Wss => "wss",
            Self::Http => "http",
            Self::Https => "https",
            Self::Tls => "tls",
        }
    }
}

/// A host as a URL names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name to resolve, in lower case and ASCII.
    Name(DnsName<'static>),
    /// A literal address: nothing to resolve, and no SNI is sent.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name.as_ref()),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// A URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Target {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Whom SNI, the `Host` header and the certificate must name.
    pub host: Host,
    /// The port, the scheme's own where the URL names none.
    pub port: u16,
    /// Path and query as the request line carries them; begins with `/`.
    pub path: String,
}

impl Target {
    /// The value of the `Host` header: the port only where it is not the scheme's own.
    pub fn authority(&self) -> String {
        if self.scheme.default_port() == Some(self.port) {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl Target {
    /// The origin of pages that this URL would serve.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.scheme == Scheme::Tls { "" } else { &self.path };
        write!(f, "{}://{}{path}", self.scheme.as_str(), self.authority())
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let url = Url::parse(text).map_err(|_| TargetError::NotAUrl)?;
        let scheme = match url.scheme() {
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "tls" => Scheme::Tls,
            _ => return Err(TargetError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        let port = url.port().or(scheme.default_port()).ok_or(TargetError::Port)?;
        if port == 0 {
            return Err(TargetError::Port);
        }
        let path = match &url[Position::BeforePath..Position::AfterQuery] {
            path if path.starts_with('/') => path.to_owned(),
            path => format!("/{path}"),
        };
        Ok(Self { scheme, host: host(&url)?, port, path })
    }
}

impl TryFrom<String> for Target {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, TargetError> {
        text.parse()
    }
}

/// `Url` reads `tls://127.0.0.1` as a name, since it knows only the web's own schemes.
fn host(url: &Url) -> Result<Host, TargetError> {
    let text = url.host_str().filter(|text| !text.is_empty()).ok_or(TargetError::NotAUrl)?;
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    Ok(match bare.parse() {
        Ok(address) => Host::Address(address),
        Err(_) => {
            let name = DnsName::try_from(text.to_ascii_lowercase());
            Host::Name(name.map_err(|_| TargetError::NotAUrl)?)
        }
    })
}

/// Why a text is no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL with a host.
    #[error("not a URL with a host")]
    NotAUrl,
    /// A scheme that no probe speaks.
    #[error("the scheme must be wss, ws, https, http or tls")]
    Scheme,
    /// `user:password@` would end up in logs and evidence.
    #[error("credentials do not belong in a URL: put them into `headers`, with a file")]
    Credentials,
    /// `#…` never reaches a server.
    #[error("a fragment (#…) never reaches the server")]
    Fragment,
    /// No port, and the scheme has none of its own.
    #[error("the port is missing: tls has none of its own")]
    Port,
}

/// An address to connect to instead of the host's own; the port may stay the URL's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ConnectTo {
    /// The address to dial.
    pub address: IpAddr,
    /// The port to dial, or the URL's where it is `None`.
    pub port: Option<u16>,
}

impl FromStr for ConnectTo {
    type Err = ConnectToError;

    fn from_str(text: &str) -> Result<Self, ConnectToError> {
        if let Ok(socket) = text.parse::<SocketAddr>() {
            return Ok(Self { address: socket.ip(), port: Some(socket.port()) });
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        bare.parse().map(|address| Self { address, port: None }).map_err(|_| ConnectToError)
    }
}

impl TryFrom<String> for ConnectTo {
    type Error = ConnectToError;

    fn try_from(text: String) -> Result<Self, ConnectToError> {
        text.parse()
    }
}

/// A text that is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address with an optional port")]
pub struct ConnectToError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_comes_apart_and_back_together() {
        let target: Target = "wss://Chat.Example/v1?deploymentId=a-b".parse().unwrap();
        assert_eq!(target.scheme, Scheme::Wss);
        assert_eq!(target.host, Host::Name(DnsName::try_from("chat.example").unwrap()));
        assert_eq!((target.port, target.path.as_str()), (443, "/v1?deploymentId=a-b"));
        assert_eq!(target.to_string(), "wss://chat.example/v1?deploymentId=a-b");
    }

    #[test]
    fn the_host_header_names_the_port_only_when_it_is_unusual() {
        for (url, authority) in [
            ("wss://a.example", "a.example"),
            ("wss://a.example:8443", "a.example:8443"),
            ("ws://a.example:443", "a.example:443"),
            ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443"),
            ("tls://192.0.2.1:993", "192.0.2.1:993"),
        ] {
            assert_eq!(url.parse::<Target>().unwrap().authority(), authority, "{url}");
        }
    }

    #[test]
    fn a_literal_address_is_not_a_name() {
        for url in ["tls://127.0.0.1:443", "wss://127.0.0.1", "https://[::1]", "tls://[::1]:443"] {
            let target: Target = url.parse().unwrap();
            assert!(matches!(target.host, Host::Address(_)), "{url}");
        }
    }

    #[test]
    fn what_is_no_target_says_why() {
        for (url, error) in [
            ("chat.example", TargetError::NotAUrl),
            ("wss://", TargetError::NotAUrl),
            ("ftp://a.example", TargetError::Scheme),
            ("wss://me:pw@a.example", TargetError::Credentials),
            ("wss://a.example/#x", TargetError::Fragment),
            ("tls://a.example", TargetError::Port),
        ] {
            assert_eq!(url.parse::<Target>(), Err(error), "{url}");
        }
    }

    #[test]
    fn connect_to_takes_an_address_with_or_without_a_port() {
        for (text, port) in
            [("192.0.2.7", None), ("192.0.2.7:81", Some(81)), ("[::1]:81", Some(81)), ("::1", None)]
        {
            assert_eq!(text.parse::<ConnectTo>().unwrap().port, port, "{text}");
        }
        assert_eq!("lb.example:443".parse::<ConnectTo>(), Err(ConnectToError));
    }
}
