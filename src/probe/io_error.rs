//! Errors of sockets and of TLS to the closed list of failures. Never by their text.

use std::io;

use rustix::io::Errno;
use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

use super::wire::Overrun;
use crate::outcome::chain::verification::VerifyFailure;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// What an error of the stream means in a phase.
pub fn failure(error: &io::Error, phase: Phase) -> Failure {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
        return tls_failure(tls, phase);
    }
    if let Some(overrun) = error.get_ref().and_then(|inner| inner.downcast_ref::<Overrun>()) {
        return Failure::TlsProtocol { detail: Quoted::text(&overrun.to_string()) };
    }
    if let Some(errno) = Errno::from_io_error(error) {
        match errno {
            Errno::CONNREFUSED if phase == Phase::Connect => return Failure::ConnectionRefused,
            Errno::HOSTUNREACH => return Failure::HostUnreachable,
            Errno::NETUNREACH => return Failure::NoRoute,
            Errno::ACCESS | Errno::PERM => return Failure::LocalDenied,
            Errno::TIMEDOUT => return Failure::TimedOut(phase),
            Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS | Errno::NOMEM => {
                // A socket that was made can lack memory later: that is no phase of its own.
                let phase = phase.min(Phase::Connect);
                return Failure::LocalExhaustion { phase, error: Quoted::text(&error.to_string()) };
            }
            _ => {}
        }
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Failure::Reset(phase),
        io::ErrorKind::UnexpectedEof => Failure::Closed(phase),
        // What rustls says of records that it cannot hold; sockets have no such error.
        io::ErrorKind::InvalidData => {
            Failure::TlsProtocol { detail: Quoted::text(&error.to_string()) }
        }
        kind => Failure::Io { phase, kind },
    }
}

/// What a TLS error means. TLS 1.3 lets the server refuse a client certificate only after the
/// client is done, so alerts also strike in later phases.
fn tls_failure(error: &TlsError, phase: Phase) -> Failure {
    match error {
        TlsError::AlertReceived(alert) => alert_failure(*alert, phase),
        TlsError::InvalidMessage(InvalidMessage::InvalidContentType) if phase == Phase::Tls => {
            Failure::NotTls
        }
        TlsError::PeerIncompatible(detail) => Failure::TlsIncompatible { detail: debug(detail) },
        TlsError::InvalidCertificate(CertificateError::BadSignature) => {
            Failure::CertificateRejected(VerifyFailure::BadSignature)
        }
        // Everything else about the chain is judged after the handshake.
        TlsError::InvalidCertificate(detail) => {
            Failure::CertificateRejected(VerifyFailure::Invalid { rule: debug(detail) })
        }
        other => Failure::TlsProtocol { detail: debug(other) },
    }
}

fn alert_failure(alert: AlertDescription, phase: Phase) -> Failure {
    let about_us = matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    );
    let alert = rfc_name(alert);
    if about_us {
        Failure::ClientCertificateRefused { alert }
    } else if phase == Phase::Tls {
        Failure::TlsAlert { alert }
    } else {
        late_alert(&alert)
    }
}

/// An alert behind the handshake, where a server has no more to refuse.
pub fn late_alert(alert: &Quoted) -> Failure {
    Failure::TlsProtocol { detail: Quoted::text(&format!("alert {alert} after the handshake")) }
}

/// `HandshakeFailure` as RFC 8446 writes it: `handshake_failure`.
fn rfc_name(alert: AlertDescription) -> Quoted {
    // The one that rustls spells in British.
    let name = format!("{alert:?}").replace("Unrecognised", "Unrecognized");
    let mut text = String::with_capacity(name.len() + 4);
    let mut before = '_';
    for c in name.chars() {
        // An abbreviation stays one word: `UnknownCA` is `unknown_ca`.
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
        before = c;
    }
    Quoted::text(&text)
}

/// The name of a variant of a closed enum of rustls.
fn debug(value: &impl std::fmt::Debug) -> Quoted {
    Quoted::text(&format!("{value:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errno_says_whose_trouble_it_is() {
        let exhausted = |errno: Errno| Failure::LocalExhaustion {
            phase: Phase::Connect,
            error: Quoted::text(&io::Error::from(errno).to_string()),
        };
        for (errno, expected) in [
            (Errno::CONNREFUSED, Failure::ConnectionRefused),
            (Errno::HOSTUNREACH, Failure::HostUnreachable),
            (Errno::NETUNREACH, Failure::NoRoute),
            (Errno::ACCESS, Failure::LocalDenied),
            (Errno::PERM, Failure::LocalDenied),
            (Errno::TIMEDOUT, Failure::TimedOut(Phase::Connect)),
            (Errno::CONNRESET, Failure::Reset(Phase::Connect)),
            (Errno::PIPE, Failure::Reset(Phase::Connect)),
            (Errno::MFILE, exhausted(Errno::MFILE)),
            (Errno::NFILE, exhausted(Errno::NFILE)),
            (Errno::ADDRNOTAVAIL, exhausted(Errno::ADDRNOTAVAIL)),
            (Errno::NOBUFS, exhausted(Errno::NOBUFS)),
            (Errno::NOMEM, exhausted(Errno::NOMEM)),
        ] {
            assert_eq!(failure(&io::Error::from(errno), Phase::Connect), expected, "{errno:?}");
        }
    }

    #[test]
    fn alerts_are_named_as_the_rfc_names_them() {
        for (alert, name) in [
            (AlertDescription::HandshakeFailure, "handshake_failure"),
            (AlertDescription::UnknownCA, "unknown_ca"),
            (AlertDescription::UnrecognisedName, "unrecognized_name"),
        ] {
            assert_eq!(rfc_name(alert).as_str(), name);
        }
    }

    #[test]
    fn an_unusual_error_keeps_its_kind() {
        let error = io::Error::from(io::ErrorKind::WriteZero);
        let expected = Failure::Io { phase: Phase::Upgrade, kind: io::ErrorKind::WriteZero };
        assert_eq!(failure(&error, Phase::Upgrade), expected);
    }
}
