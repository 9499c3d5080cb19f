//! Whether an answer opens a WebSocket: RFC 6455 section 4.1, as browsers apply it.

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::extension::{self, Deflate};
use super::failure::Failure;
use super::header::{self, Header};
use super::quoted::Quoted;

/// What was agreed on with an answer that opens a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agreed {
    /// The subprotocol that the server chose.
    pub subprotocol: Option<Quoted>,
    /// Whether messages may be compressed.
    pub deflate: Option<Deflate>,
}

/// Judges the headers of a 101 answer to a request that offered `subprotocols` and the usual
/// extension. The first fault is told, in Chromium's order.
pub fn judge(
    headers: &[Header<'_>],
    key: &str,
    subprotocols: &[String],
) -> Result<Agreed, Failure> {
    let found = |name| header::found(headers, name);
    let upgrade = only(headers, "Upgrade");
    if !upgrade.is_ok_and(|value| value.is_some_and(|v| v.eq_ignore_ascii_case(b"websocket"))) {
        return Err(Failure::BadUpgradeHeader { found: found("Upgrade") });
    }
    let accept = only(headers, "Sec-WebSocket-Accept");
    if accept != Ok(Some(derive_accept_key(key.as_bytes()).as_bytes())) {
        return Err(Failure::BadAccept { found: found("Sec-WebSocket-Accept") });
    }
    // A token list (RFC 9110 section 7.6.1): `keep-alive, Upgrade` will do.
    if !header::has(headers, "Connection", "upgrade") {
        return Err(Failure::BadConnectionHeader { found: found("Connection") });
    }
    let chosen = only(headers, "Sec-WebSocket-Protocol");
    let fits = match chosen {
        Ok(None) => subprotocols.is_empty(),
        Ok(Some(chosen)) => subprotocols.iter().any(|offered| offered.as_bytes() == chosen),
        Err(Several) => false,
    };
    let chosen = found("Sec-WebSocket-Protocol");
    if !fits {
        return Err(Failure::BadSubprotocol { found: chosen });
    }
    let deflate = extension::agreed(headers).map_err(|extension::Unacceptable| {
        let found = found("Sec-WebSocket-Extensions").unwrap_or_default();
        Failure::UnrequestedExtension { found }
    })?;
    Ok(Agreed { subprotocol: chosen, deflate })
}

/// A header that may come once came more often.
#[derive(Debug, PartialEq, Eq)]
struct Several;

fn only<'a>(headers: &'a [Header<'_>], name: &'a str) -> Result<Option<&'a [u8]>, Several> {
    let mut values = header::values(headers, name);
    let first = values.next();
    if values.next().is_some() { Err(Several) } else { Ok(first) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of RFC 6455 section 1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    fn judged(lines: &[(&str, &str)], offered: &[&str]) -> Result<Option<Quoted>, Failure> {
        let headers: Vec<_> =
            lines.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        let offered: Vec<_> = offered.iter().map(|name| (*name).to_owned()).collect();
        judge(&headers, KEY, &offered).map(|agreed| agreed.subprotocol)
    }

    fn with<'a>(extra: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let good =
            [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT)];
        [&good, extra].concat()
    }

    fn found(text: &str) -> Option<Quoted> {
        Some(Quoted::text(text))
    }

    #[test]
    fn what_browsers_open_is_open() {
        for lines in [
            with(&[]),
            vec![
                ("uPGRADE", "WebSocket"),
                ("CONNECTION", "keep-alive, upgrade"),
                ("sec-websocket-accept", ACCEPT),
            ],
            vec![
                ("Connection", "keep-alive"),
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Accept", ACCEPT),
            ],
        ] {
            assert_eq!(judged(&lines, &[]), Ok(None), "{lines:?}");
        }
    }

    #[test]
    fn upgrade_must_say_websocket_once() {
        let lines = [("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT)];
        assert_eq!(judged(&lines, &[]), Err(Failure::BadUpgradeHeader { found: None }));
        let twice = with(&[("Upgrade", "websocket")]);
        let failure = Failure::BadUpgradeHeader { found: found("websocket, websocket") };
        assert_eq!(judged(&twice, &[]), Err(failure));
    }

    #[test]
    fn connection_must_hold_the_token() {
        let lines = [
            ("Upgrade", "websocket"),
            ("Connection", "close, upgraded"),
            ("Sec-WebSocket-Accept", ACCEPT),
        ];
        let failure = Failure::BadConnectionHeader { found: found("close, upgraded") };
        assert_eq!(judged(&lines, &[]), Err(failure));
    }

    #[test]
    fn accept_must_answer_the_key_exactly_once() {
        let wrong = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", "nonsense"),
        ];
        assert_eq!(judged(&wrong, &[]), Err(Failure::BadAccept { found: found("nonsense") }));
        let twice = with(&[("Sec-WebSocket-Accept", ACCEPT)]);
        assert!(matches!(judged(&twice, &[]), Err(Failure::BadAccept { .. })));
    }

    #[test]
    fn a_subprotocol_is_chosen_from_the_offer() {
        let chat = with(&[("Sec-WebSocket-Protocol", "chat")]);
        assert_eq!(judged(&chat, &["xmpp", "chat"]), Ok(found("chat")));
        assert_eq!(judged(&chat, &[]), Err(Failure::BadSubprotocol { found: found("chat") }));
        assert_eq!(judged(&chat, &["Chat"]), Err(Failure::BadSubprotocol { found: found("chat") }));
        assert_eq!(judged(&with(&[]), &["chat"]), Err(Failure::BadSubprotocol { found: None }));
    }

    #[test]
    fn an_extension_that_was_not_offered_fails() {
        let deflate = with(&[("Sec-WebSocket-Extensions", "permessage-deflate")]);
        assert_eq!(judged(&deflate, &[]), Ok(None));
        let lines = with(&[("Sec-WebSocket-Extensions", "x-other")]);
        let failure = Failure::UnrequestedExtension { found: Quoted::text("x-other") };
        assert_eq!(judged(&lines, &[]), Err(failure));
        let empty = with(&[("Sec-WebSocket-Extensions", "")]);
        let failure = Failure::UnrequestedExtension { found: Quoted::text("") };
        assert_eq!(judged(&empty, &[]), Err(failure));
    }

    #[test]
    fn the_first_fault_is_the_one_that_browsers_tell() {
        let faults = [
            ("Upgrade", "h2c"),
            ("Sec-WebSocket-Accept", "nonsense"),
            ("Connection", "close"),
            ("Sec-WebSocket-Protocol", "chat"),
            ("Sec-WebSocket-Extensions", "x"),
        ];
        let good = with(&[]);
        let told = |from: usize| {
            let mended =
                good.iter().filter(|(name, _)| faults[..from].iter().any(|(n, _)| n == name));
            let lines: Vec<_> = mended.chain(&faults[from..]).copied().collect();
            judged(&lines, &[]).unwrap_err()
        };
        assert!(matches!(told(0), Failure::BadUpgradeHeader { .. }));
        assert!(matches!(told(1), Failure::BadAccept { .. }));
        assert!(matches!(told(2), Failure::BadConnectionHeader { .. }));
        assert!(matches!(told(3), Failure::BadSubprotocol { .. }));
        assert!(matches!(told(4), Failure::UnrequestedExtension { .. }));
    }
}
