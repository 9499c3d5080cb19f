//! The closed list of reasons: each with its code, whose fault it is, a sentence and a fix.
//!
//! This table is the only source of labels, of what the terminal and the page say, and of the
//! list in the README.

use serde::{Deserialize, Serialize};

use super::code::codes;

/// Whose trouble a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The endpoint's: its owner must act.
    Target,
    /// Somewhere between here and there.
    Path,
    /// Ours: it says nothing about the endpoint.
    Monitor,
}

impl Fault {
    /// The word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Path => "path",
            Self::Monitor => "monitor",
        }
    }
}

macro_rules! reasons {
    ($($variant:ident $code:literal $fault:ident $sentence:literal $fix:literal)+) => {
        codes! {
            /// Why a run did not pass.
            Reason
            $($variant $code $sentence $fix)+
        }

        impl Reason {
            /// Whose trouble it is, wherever it strikes.
            pub fn fault(self) -> Fault {
                match self { $(Self::$variant => Fault::$fault,)+ }
            }
        }
    };
}

reasons! {
    NameNotFound "name_not_found" Target
        "The host name does not exist."
        "Look for a slip in the url, then at the zone: was the record removed?"
    NoAddress "no_address" Target
        "The host name exists, but has no address of the family that is asked for."
        "Add the A or AAAA record, or change address-family."
    ResolverFailed "resolver_failed" Path
        "The name server answered with an error."
        "Ask another resolver; SERVFAIL often means that the zone or its DNSSEC is broken."
    ResolverUnreachable "resolver_unreachable" Monitor
        "No name server answered this machine."
        "Mend the resolver of the machine that Watchpost runs on (/etc/resolv.conf)."
    ConnectionRefused "connection_refused" Target
        "The address answered, and nothing listens on the port."
        "Start the service, or mend the port in the url."
    HostUnreachable "host_unreachable" Path
        "The network says that it cannot reach the address."
        "Follow the route: a firewall or router on the way rejects."
    NoRoute "no_route" Monitor
        "This machine has no route to the address."
        "Mend the network of the machine that Watchpost runs on."
    LocalDenied "local_denied" Monitor
        "This machine does not let Watchpost connect."
        "Look at its firewall and at the sandbox of the unit."
    LocalExhaustion "local_exhaustion" Monitor
        "This machine has run out of descriptors, ports or memory."
        "Raise LimitNOFILE, lower daemon.max-inflight, or give the machine more."
    MonitorLag "monitor_lag" Monitor
        "This machine had no time for the run while it went on."
        "Give it more CPU, or lower daemon.max-inflight; watchpost_runtime_lag_seconds shows how bad it is."
    TimedOut "timeout" Target
        "The answer did not come within the timeout."
        "See the phase: in connect a firewall drops packets, later on the server is stuck or overloaded."
    Reset "reset" Target
        "The connection was reset."
        "A proxy or the server gave up in this phase: look at its log at this minute."
    Closed "closed" Target
        "The server closed the connection before it had answered."
        "A proxy or the server gave up in this phase: look at its log at this minute."
    IoError "io_error" Path
        "The connection broke in an unusual way."
        "See the evidence for what the system said."
    NotTls "not_tls" Target
        "What answers on this port does not speak TLS."
        "Mend the port, use ws:// or http://, or switch TLS on in the server."
    TlsAlert "tls_alert" Target
        "The server ended the TLS handshake with an alert."
        "See which alert: handshake_failure and protocol_version mean nothing in common, unrecognized_name means that it does not know this host."
    TlsIncompatible "tls_incompatible" Target
        "Server and probe have no TLS version or parameter in common."
        "The probe speaks TLS 1.2 and 1.3 with forward secrecy: see what the server offers."
    TlsUnsupportedByProbe "tls_unsupported_by_probe" Monitor
        "The server speaks TLS, but only in a way that the probe does not: TLS 1.0 or 1.1, CBC, RSA or DHE key exchange."
        "See the evidence for what it chose: browsers may still get in. Give the server TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM."
    TlsProtocol "tls_protocol" Target
        "The server broke the TLS protocol."
        "See the evidence; a middlebox that meddles with TLS looks the same."
    ClientCertificateRefused "client_certificate_refused" Target
        "The server wants a client certificate, and does not take ours."
        "Set client-cert and client-key, and let the server trust their issuer."
    CertExpired "cert_expired" Target
        "A certificate of the chain has expired."
        "Renew it, and reload every node that serves it."
    CertNotYetValid "cert_not_yet_valid" Target
        "A certificate of the chain is not valid yet."
        "Serve the old one until then; check the clocks of its issuer and of this machine."
    CertHostnameMismatch "cert_hostname_mismatch" Target
        "The certificate is for other names."
        "Issue one with this host among its subject alternative names, or mend the server's SNI rules."
    CertCommonNameOnly "cert_common_name_only" Target
        "The certificate names the host as its common name alone, which no browser looks at."
        "Issue one with this host among its subject alternative names."
    CertMissingIntermediate "cert_missing_intermediate" Target
        "The server does not present the certificate that issued its own, so that no path leads to a root."
        "Serve the intermediate certificate along with it. A browser may know it or fetch it; other clients do not. Where a CA of your own signed it, name that: ca-file, or --ca."
    CertUnknownIssuer "cert_unknown_issuer" Target
        "The certificate leads to a root that is not trusted."
        "Get one from a CA that is, or name a private CA: ca-file in the config, --ca on the command line."
    CertSelfSigned "cert_self_signed" Target
        "The certificate is signed by itself, and is not trusted."
        "Get one from a CA, or trust this one: ca-file in the config, --ca on the command line."
    CertRevoked "cert_revoked" Target
        "The issuer has revoked the certificate: the server itself staples that to it."
        "Get a new certificate with a new key, and find out why it was revoked."
    CertStapleMissing "cert_staple_missing" Target
        "The certificate demands a stapled OCSP answer (Must-Staple), and none that holds is stapled."
        "Switch stapling on, or have the certificate issued without Must-Staple: Firefox refuses it like this, Chromium takes it."
    ClockWrong "clock_wrong" Monitor
        "By the clock of this machine a certificate is not valid yet; but that clock is wrong."
        "Set the clock of the machine that Watchpost runs on, and keep it set (chrony, systemd-timesyncd)."
    CertWeakKey "cert_weak_key" Monitor
        "A key of the chain is too short for the probe: RSA below 2048 bits, or a curve below 224."
        "Make a new key, EC P-256 or RSA 2048, and have a certificate issued for it. OpenSSL refuses such a one; browsers may still take RSA of 1024 bits."
    CertWeakSignature "cert_weak_signature" Target
        "A certificate of the chain is signed with SHA-1 or MD5, which no browser takes."
        "Have it issued anew; a CA that still signs like this needs to be set up anew itself."
    CertBadSignature "cert_bad_signature" Target
        "A signature does not fit: of a certificate, or of the handshake by the certificate's key."
        "The server's certificate and key do not belong together, or its chain is garbled."
    CertInvalid "cert_invalid" Target
        "The chain breaks a rule of X.509 that browsers enforce too."
        "See the evidence for which: usage, name constraints, path length, encoding."
    HttpHeadTooBig "http_head_too_big" Target
        "The answer's head is larger than 64 KiB or has more than 200 headers."
        "Find what in the server or proxy adds headers."
    HttpMalformed "http_malformed" Target
        "The answer is no HTTP."
        "Something else listens on this port, or a proxy garbles answers."
    UpgradeRefused "upgrade_refused" Target
        "The server refused the upgrade (401 or 403)."
        "Add the page's origin to the server's allow list, exactly as the page sends it; a request without one may be refused for that. If no origin is at fault, look at authentication and at the deployment id."
    UpgradeRedirected "upgrade_redirected" Target
        "The server answered the upgrade with a redirect, which no browser follows."
        "Put the final address into the page and the url."
    UpgradeNotFound "upgrade_not_found" Target
        "The server says that there is nothing at this path (404 or 410)."
        "Mend the path of the url, or find where the server's routes have gone."
    UpgradeThrottled "upgrade_throttled" Target
        "The server says that there are too many requests (429)."
        "Probe less often, or raise the limit: customers share it."
    UpgradeServerError "upgrade_server_error" Target
        "The server failed (5xx)."
        "Look at the server; 502 and 503 come from a proxy that has no live server behind it."
    UpgradeNotOffered "upgrade_not_offered" Target
        "The server answered as if this were no WebSocket."
        "Look at the path and at what stands in front of the server: a proxy must pass on the headers Upgrade and Connection."
    BadUpgradeHeader "bad_upgrade_header" Target
        "The answer is 101, but its Upgrade header is not websocket."
        "A proxy in front of the server drops or changes the header."
    BadConnectionHeader "bad_connection_header" Target
        "The answer is 101, but its Connection header does not say Upgrade."
        "A proxy in front of the server drops or changes the header."
    BadAccept "bad_accept" Target
        "Sec-WebSocket-Accept is missing or wrong: what answered did not read this request."
        "A cache or proxy answers in the server's place, or the server miscalculates."
    BadSubprotocol "bad_subprotocol" Target
        "The server chose no subprotocol, or one that was not offered."
        "Bring subprotocols and the server into line."
    UnrequestedExtension "unrequested_extension" Target
        "The server switched on an extension that was not offered, or on terms that were not."
        "Mend the server: browsers refuse this."
    CorsMissingAllowOriginHeader "cors_missing_allow_origin_header" Target
        "The answer has no Access-Control-Allow-Origin: browsers keep it from the page."
        "Let the server send Access-Control-Allow-Origin with the page's origin, with errors too; a proxy, cache or error page in front of it may leave it out."
    CorsAllowOriginMismatch "cors_allow_origin_mismatch" Target
        "Access-Control-Allow-Origin names another origin."
        "Add the page's origin to the server's allow list, exactly as the page sends it. If it names another page that is allowed, a cache mixes answers up: send Vary: Origin."
    CorsMultipleAllowOriginValues "cors_multiple_allow_origin_values" Target
        "Access-Control-Allow-Origin has several values, or comes several times; browsers take one."
        "Send the one origin that asks, and find who else adds the header: often both the application and the proxy do."
    CorsInvalidAllowOriginValue "cors_invalid_allow_origin_value" Target
        "The value of Access-Control-Allow-Origin is no origin."
        "Write scheme, host and port as the page sends them, or a single *."
    CorsWildcardOriginNotAllowed "cors_wildcard_origin_not_allowed" Target
        "Access-Control-Allow-Origin is *, which browsers do not take where cookies go along."
        "Name the page's origin and send Vary: Origin, or let the page ask without credentials."
    CorsInvalidAllowCredentials "cors_invalid_allow_credentials" Target
        "The page sends cookies, and Access-Control-Allow-Credentials is not true."
        "Send Access-Control-Allow-Credentials: true, once and in lower case, or let the page ask without credentials."
    CorsPreflightInvalidStatus "cors_preflight_invalid_status" Target
        "The status of the preflight's answer is none of 200 to 299."
        "Answer OPTIONS with 204 before routing and authentication: browsers send no credentials with it."
    CorsPreflightDisallowedRedirect "cors_preflight_disallowed_redirect" Target
        "The preflight was redirected, which browsers do not follow."
        "Put the final address into the page, or answer OPTIONS before redirecting to https, to a slash or to a login."
    CorsPreflightMissingAllowOriginHeader "cors_preflight_missing_allow_origin_header" Target
        "The preflight's answer has no Access-Control-Allow-Origin: browsers do not send the request."
        "Let the server answer OPTIONS itself, with Access-Control-Allow-Origin; see the status for who answered instead."
    CorsPreflightAllowOriginMismatch "cors_preflight_allow_origin_mismatch" Target
        "The preflight's answer names another origin."
        "Add the page's origin to the server's allow list, exactly as the page sends it. If it names another page that is allowed, a cache mixes answers up: send Vary: Origin."
    CorsPreflightMultipleAllowOriginValues "cors_preflight_multiple_allow_origin_values" Target
        "Access-Control-Allow-Origin of the preflight's answer has several values; browsers take one."
        "Send the one origin that asks, and find who else adds the header: often both the application and the proxy do."
    CorsPreflightInvalidAllowOriginValue "cors_preflight_invalid_allow_origin_value" Target
        "Access-Control-Allow-Origin of the preflight's answer is no origin."
        "Write scheme, host and port as the page sends them, or a single *."
    CorsPreflightWildcardOriginNotAllowed "cors_preflight_wildcard_origin_not_allowed" Target
        "The preflight's answer allows *, which browsers do not take where cookies go along."
        "Name the page's origin and send Vary: Origin, or let the page ask without credentials."
    CorsPreflightInvalidAllowCredentials "cors_preflight_invalid_allow_credentials" Target
        "The page sends cookies, and the preflight's answer does not say Access-Control-Allow-Credentials: true."
        "Send it with the answer to OPTIONS too, once and in lower case."
    CorsInvalidAllowMethodsPreflightResponse "cors_invalid_allow_methods_preflight_response" Target
        "Access-Control-Allow-Methods is no list of methods."
        "Write names with commas between them, and nothing else."
    CorsInvalidAllowHeadersPreflightResponse "cors_invalid_allow_headers_preflight_response" Target
        "Access-Control-Allow-Headers is no list of header names."
        "Write names with commas between them, and nothing else."
    CorsMethodDisallowedByPreflightResponse "cors_method_disallowed_by_preflight_response" Target
        "The method is not among Access-Control-Allow-Methods."
        "Add it, in the case in which the page sends it: browsers turn put into PUT, and leave patch alone. With cookies, * is a name like any other."
    CorsHeaderDisallowedByPreflightResponse "cors_header_disallowed_by_preflight_response" Target
        "A header that the page sends is not among Access-Control-Allow-Headers."
        "Add it. With cookies, * is a name like any other."
    CorsRedirectContainsCredentials "cors_redirect_contains_credentials" Target
        "The server redirects to an address with a user name or password, which browsers do not follow."
        "Redirect to an address without one."
    CorsRedirected "cors_redirected" Target
        "The server redirects the request. A browser follows, and checks what it finds there; the probe does not."
        "Put the final address into the page and the url."
    HttpStatusUnexpected "http_status_unexpected" Target
        "The status of the answer is not a wanted one. A page that asked may read it: this is not CORS."
        "Look at the server; mend the path of the url, or set expect-statuses."
    HttpHeaderLeaked "http_header_leaked" Target
        "The answer has a header that must not leave the server."
        "Let the route or the proxy in front of it take the header out: what it passes on of somebody else's answer goes to every visitor."
    HttpJsonUnexpected "http_json_unexpected" Target
        "The body of the answer is not the wanted JSON."
        "See the evidence for the place; look at the server, or mend expect-json."
    HttpBodyTooBig "http_body_too_big" Target
        "The body of the answer is larger than 64 KiB."
        "Ask for less; a page of HTML in the place of JSON often is an error page."
    HttpBodyCutOff "http_body_cut_off" Target
        "The connection ended before the body of the answer did."
        "A proxy or the server gave up in the middle: look at its log at this minute."
    FrameInvalid "frame_invalid" Target
        "A WebSocket frame broke RFC 6455."
        "A proxy that meddles with WebSockets looks the same as a faulty server."
    FrameTooBig "frame_too_big" Target
        "A WebSocket message is larger than 64 KiB."
        "Expect a smaller message, or mend the server."
    FrameFlood "frame_flood" Target
        "The server sent 64 frames, and none was the awaited one."
        "Mend what the probe expects, or the server."
    ClosedByServer "closed_by_server" Target
        "The server let the page in and closed the WebSocket at once."
        "See the close code: 1008 and 4000 to 4999 are the application's own refusals."
    MessageUnmatched "message_unmatched" Target
        "Messages came, but not the awaited one."
        "See the last message; mend what the probe expects, or the server."
    MessagingUnavailable "messaging_unavailable" Target
        "The messaging application says that it is switched off for this deployment (4000)."
        "Look at the deployment's status and its configuration, and at the features of the organisation."
    MessagingDeploymentUnknown "messaging_deployment_unknown" Target
        "The messaging application does not know the deployment (404)."
        "Mend the id of the deployment, or its region; see whether it was deleted."
    MessagingBadRequest "messaging_bad_request" Target
        "The messaging application does not take the guest's request (400, 4020)."
        "See what it said; the protocol may have changed: look for a newer version of this program."
    MessagingThrottled "messaging_throttled" Target
        "The messaging application says that there is too much (429, 4029)."
        "Probe less often, or lower connections-per-minute: customers share the limit of a deployment."
    MessagingTimeout "messaging_timeout" Target
        "The messaging application gave up waiting for itself (408)."
        "Look at the status page of the region; the next run may find it well."
    MessagingServerError "messaging_server_error" Target
        "The messaging application failed (5000, 5xx)."
        "Look at the status page of the region, and open a case with what it said."
    MessagingSessionExpired "messaging_session_expired" Target
        "The guest's session has expired, and a new one too (4006)."
        "See how long sessions live in the deployment's configuration."
    MessagingSessionNotFound "messaging_session_not_found" Target
        "The guest's session is not found, and a new one neither (4007)."
        "Look at the status page of the region: sessions are lost as soon as they are made."
    MessagingAuthenticated "messaging_authenticated" Target
        "The guest's session belongs to somebody who is known (4017)."
        "Lower the level to configuration where the deployment wants guests to be known."
    MessagingReadOnly "messaging_read_only" Target
        "The session takes no messages, also after it was asked to begin anew."
        "Look at what the deployment's configuration says of conversations that are over."
    MessagingTooLong "messaging_too_long" Target
        "The message is too long for the messaging application (4011)."
        "Its limit has changed: look for a newer version of this program."
    MessagingAttributesTooLarge "messaging_attributes_too_large" Target
        "What is told of the guest is too much for the messaging application (4013)."
        "Write fewer attributes, or shorter ones."
    MessagingAttachment "messaging_attachment" Target
        "The messaging application speaks of a file, though none was sent (4001 to 4005, 4008 to 4010, 4102)."
        "See what it said; something between here and there may mix answers up."
    MessagingConnectionClosed "messaging_connection_closed" Target
        "The messaging application sent the guest away."
        "See its reason: a fourth connection of one guest drives out the first, and somebody may use the probe's token."
    MessagingMalformed "messaging_malformed" Target
        "What came over the socket is not from the messaging application."
        "See the last message: a gateway may answer in its place."
    MessagingError "messaging_error" Target
        "The messaging application answered with an error of its own."
        "See its code and what it said."
    MessagingAutoStarted "messaging_auto_started" Target
        "Asking for a session began a conversation: that reaches people."
        "Switch automatic conversations off for this deployment, or lower the level to configuration. Until the config changes, no session is asked for."
    OriginAccepted "origin_accepted" Target
        "An origin that must be refused was let in."
        "Remove it from the allow list: any page on that origin can talk as the visitor."
    ControlFailed "control_failed" Target
        "The origin was refused as it must be, but the page that must get in does not get in either."
        "See why that page does not get in: a door that is shut to everybody proves no allow list."
    ControlMissing "control_missing" Monitor
        "The origin was refused as it must be, but no page that must get in was tried beside it."
        "Name one: expect = \"allow\" in the config, --control on the command line. A door that is shut to everybody proves no allow list."
    BudgetSpent "budget_spent" Monitor
        "The deployment has had as many connections in this minute as it is given."
        "Raise connections-per-minute, probe less often, or leave it: confirm runs while a door is shut take more than usual."
    MonitorBlind "monitor_blind" Monitor
        "Watchpost cannot tell good from bad at present: a check of itself fails."
        "See which: the evidence and watchpost_selfcheck_success say so. It recovers by itself once they pass."
    ProbePanicked "probe_panicked" Monitor
        "The probe itself broke."
        "Report it with the lines on standard error that say \"panicked\"."
    ShuttingDown "shutting_down" Monitor
        "Watchpost was stopped before the answer came."
        "Nothing: the next run counts."
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_distinct_labels() {
        let codes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        let legal = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(codes.iter().all(|code| code.chars().all(legal)));
    }

    #[test]
    fn every_reason_ends_its_sentences() {
        for reason in Reason::ALL {
            let ends = |text: &str| text.ends_with(['.', '?']);
            assert!(ends(reason.sentence()) && ends(reason.fix()), "{reason}");
        }
    }
}
