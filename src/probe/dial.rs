//! Resolve, connect, shake hands: a fresh connection for every run, each phase timed by itself.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{HandshakeKind, ProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::Run;
use super::capture::Capture;
use super::io_error;
use super::witness::Witness;
use crate::check::target::Host;
use crate::clock;
use crate::outcome::chain::{Chain, Session};
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// A connection, plain or encrypted.
pub type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// Dials the endpoint of a run; leaves the witness in the last phase that it entered.
///
/// A chain that does not verify ends the run here: nothing is ever sent through it.
pub async fn dial(run: &Run<'_>, witness: &mut Witness) -> Result<Stream, Failure> {
    let endpoint = &run.check.endpoint;
    let (address, addresses) = run.prober.resolver.address(endpoint, run.turn).await?;
    witness.seen.address = Some(address);
    witness.seen.addresses = addresses;

    witness.enter(Phase::Connect);
    let connect = |error: std::io::Error| io_error::failure(&error, Phase::Connect);
    let tcp = TcpStream::connect(address).await.map_err(connect)?;
    // A head or a frame goes out whole: there is nothing to wait for.
    tcp.set_nodelay(true).map_err(connect)?;
    match run.prober.profiles.get(endpoint) {
        None => Ok(Either::Left(tcp)),
        Some(profile) => {
            witness.enter(Phase::Tls);
            let (config, capture) = profile.client_config();
            let name = server_name(&endpoint.target.host);
            let connector = TlsConnector::from(Arc::new(config));
            let handshake = connector.connect(name.clone(), tcp).await;
            // A server may present its chain and then fail: what it presented is kept.
            let chain =
                capture.presented().map(|presented| profile.judge(presented, &name, clock::now()));
            witness.seen.chain.clone_from(&chain);
            witness.certificate_wanted = capture.asked() && endpoint.identity.is_none();
            settle(handshake, chain.as_deref(), &capture, witness).map(Either::Right)
        }
    }
}

fn settle(
    handshake: std::io::Result<TlsStream<TcpStream>>,
    chain: Option<&Chain>,
    capture: &Capture,
    witness: &mut Witness,
) -> Result<TlsStream<TcpStream>, Failure> {
    let fault = chain.and_then(|chain| chain.verification.failures.first()).cloned();
    let error = match handshake {
        Ok(tls) => {
            witness.seen.session = Some(session(&tls));
            return fault.map_or(Ok(tls), |fault| Err(Failure::CertificateRejected(fault)));
        }
        Err(error) => error,
    };
    Err(match (io_error::failure(&error, Phase::Tls), fault) {
        // The handshake broke at the certificate: the chain's own fault says more.
        (Failure::CertificateRejected(_), Some(fault)) => Failure::CertificateRejected(fault),
        // Alerts that speak of a certificate can only mean ours if one was asked for; and to
        // one that was not given, TLS 1.2 answers with an alert that does not speak of it.
        (Failure::ClientCertificateRefused { alert }, _) if !capture.asked() => {
            Failure::TlsAlert { alert }
        }
        (Failure::TlsAlert { alert }, _) if witness.certificate_wanted => {
            Failure::ClientCertificateRefused { alert }
        }
        (failure, _) => failure,
    })
}

fn server_name(host: &Host) -> ServerName<'static> {
    match host {
        Host::Address(address) => ServerName::IpAddress((*address).into()),
        Host::Name(name) => ServerName::DnsName(name.clone()),
    }
}

fn session(tls: &TlsStream<TcpStream>) -> Session {
    let (_, connection) = tls.get_ref();
    let retried = Some(HandshakeKind::FullWithHelloRetryRequest);
    Session {
        version: match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        },
        cipher: connection
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or("unknown"),
        key_exchange: connection
            .negotiated_key_exchange_group()
            .and_then(|group| group.name().as_str()),
        alpn: connection.alpn_protocol().map(Quoted::bytes),
        hello_retry: connection.handshake_kind() == retried,
    }
}
