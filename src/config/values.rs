//! The types that keys hold, with what to write when a text is none of theirs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use rustls::pki_types::DnsName;
use serde::Deserialize;

use super::field::Legal;
use super::secret::SecretSource;
use crate::check::conversation::Pattern;
use crate::check::endpoint::{AddressFamily, EndpointName};
use crate::check::fetch::Method;
use crate::check::messaging::Level;
use crate::check::origin::{Expect, Origin};
use crate::check::probe::ProbeKind;
use crate::check::target::{ConnectTo, Target};
use crate::correlate::Silence;
use crate::event::key::Key;
use crate::genesys::Compat;
use crate::genesys::domains::OriginMatch;
use crate::genesys::region::Region;
use crate::incident::severity::Severity;

/// `"30s"`, `"5m"`, `"1h 30m"`, `"7d"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HumanDuration(pub Duration);

impl TryFrom<String> for HumanDuration {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let span: Span = text.parse().map_err(|_| "not a duration")?;
        // A day is 24 hours here: no time zone stands behind an interval.
        let duration = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| "not a duration in weeks, days, hours, minutes or seconds")?;
        Duration::try_from(duration).map(Self).map_err(|_| "a negative duration")
    }
}

/// A share between 0 and 1, both excluded.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Ratio(pub f64);

impl TryFrom<f64> for Ratio {
    type Error = &'static str;

    fn try_from(value: f64) -> Result<Self, &'static str> {
        if value > 0.0 && value < 1.0 { Ok(Self(value)) } else { Err("not a share of all runs") }
    }
}

/// A text with something in it, at most 8 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct NonEmpty(pub String);

impl TryFrom<String> for NonEmpty {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.trim().is_empty() {
            return Err("an empty text");
        }
        if text.len() > 8 * 1024 {
            return Err("a text of more than 8 KiB");
        }
        Ok(Self(text))
    }
}

/// A [`NonEmpty`] text on one line, as headers and labels need it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Line(pub String);

impl TryFrom<String> for Line {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.contains(char::is_control) {
            return Err("a text with control characters");
        }
        NonEmpty::try_from(text).map(|text| Self(text.0))
    }
}

/// A name that DNS can hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostName(pub String);

impl TryFrom<String> for HostName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        match DnsName::try_from(text.as_str()) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err("not a host name"),
        }
    }
}

/// A regular expression.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct PatternText(pub Pattern);

impl TryFrom<String> for PatternText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // The last line says what is wrong; the ones before it draw the pattern.
        let said = |error: regex::Error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        };
        Pattern::new(&text).map(Self).map_err(said)
    }
}

/// Any value, as JSON would hold it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct JsonValue(pub serde_json::Value);

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// Reads a command line's argument as the config would read it, with the same words about it.
pub fn legal<T: Legal>(text: &str) -> Result<T, String> {
    let value = toml::Value::String(text.to_owned());
    value.try_into().map_err(|error: toml::de::Error| format!("{}; {}", error.message(), T::FIX))
}

macro_rules! legal {
    ($($type:ty: $fix:literal;)+) => {
        $(impl Legal for $type { const FIX: &'static str = $fix; })+
    };
}

legal! {
    bool: "write true or false";
    u8: "write a small whole number";
    u32: "write a whole number";
    SocketAddr: "write an address and a port, such as \"127.0.0.1:9720\"";
    Vec<SocketAddr>: "write a list such as [\"192.0.2.53:53\"]";
    PathBuf: "write a path in quotes; it is relative to the folder of this file";
    HumanDuration: "write a number and a unit, such as \"30s\", \"5m\" or \"7d\"";
    Ratio: "write a number between 0 and 1, such as 0.995";
    NonEmpty: "write a text in quotes";
    Line: "write a text in quotes, on one line";
    HostName: "write a name such as \"dns.example\"";
    PatternText: "write a regular expression in single quotes, such as '\"code\":\\s*200'";
    JsonValue: "write a text, a number or a boolean";
    LogFormat: "write \"text\" or \"json\"";
    EndpointName: "write a short name such as \"chat-eu\"";
    Target: "write a URL such as \"wss://chat.example/v1\"";
    ConnectTo: "write an address such as \"192.0.2.7:8443\" or \"[2001:db8::7]:443\"";
    AddressFamily: "write \"any\", \"ipv4\" or \"ipv6\"";
    Origin: "write what the page sends, such as \"https://shop.example\", or \"null\" or \"none\"";
    Expect: "write \"allow\" or \"deny\"";
    Level: "write \"upgrade\", \"configuration\", \"session\" or \"message\"";
    Method: "write what the page asks with, such as \"POST\"";
    Severity: "write \"minor\", \"major\" or \"critical\"";
    Vec<EndpointName>: "write a list of names such as [\"chat-eu\"]";
    Vec<ProbeKind>: "write a list such as [\"websocket\", \"tls\"]";
    Vec<SecretSource>: "write a list such as [{ file = \"…\" }, { env = \"…\" }]";
    Vec<String>: "write a list of texts";
    Region: "write a name such as \"eu-west-1\", \"mypurecloud.ie\" or \"prod-euw1\"";
    Compat: "write \"genesys\" or \"seed\"";
    OriginMatch: "write \"genesys\" or \"strict\"";
    Silence: "write \"weeks\", \"hours\" or \"off\"";
    Vec<Key>: "write a list of ids such as [\"3fa85f64-5717-4562-b3fc-2c963f66afa6\"]";
    Vec<u16>: "write a list of statuses such as [401, 403]";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duration(text: &str) -> Result<Duration, &'static str> {
        HumanDuration::try_from(text.to_owned()).map(|duration| duration.0)
    }

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, seconds) in [
            ("30s", 30),
            ("5m", 300),
            ("1h 30m", 5_400),
            ("1h30m", 5_400),
            ("7d", 604_800),
            ("1w", 604_800),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "30", "5 parsecs", "-5s", "1month", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
