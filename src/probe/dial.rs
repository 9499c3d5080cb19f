//! Resolve, connect, shake hands: a fresh connection for every run, each phase timed by itself.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{HandshakeKind, ProtocolVersion};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::Run;
use super::capture::Capture;
use super::conversation::Capped;
use super::trust::Profile;
use super::wire::Wire;
use super::witness::Witness;
use super::{io_error, legacy};
use crate::check::probe::Probe;
use crate::check::target::Host;
use crate::clock;
use crate::outcome::chain::{Chain, Session};
use crate::outcome::cors::request::needs_preflight;
use crate::outcome::failure::Failure;
use crate::outcome::phase::Phase;
use crate::outcome::quoted::Quoted;

/// A connection, plain or encrypted.
pub type Stream = Either<Wire, TlsStream<Wire>>;

/// Most bytes that are read in a TLS handshake: rustls takes 64 KiB of certificates and as many
/// names of CAs.
const MAX_HANDSHAKE_BYTES: usize = 256 * 1024;

impl Capped for Stream {
    fn allow(&mut self, bytes: usize) {
        match self {
            Either::Left(wire) => wire.allow(bytes),
            Either::Right(tls) => tls.get_mut().0.allow(bytes),
        }
    }
}

/// Dials the endpoint of a run; leaves the witness in the last phase that it entered.
///
/// A chain that does not verify ends the run here: nothing is ever sent through it.
pub async fn dial(run: &Run<'_>, witness: &mut Witness) -> Result<Stream, Failure> {
    let (address, addresses) = run.address().await?;
    witness.seen.address = Some(address);
    witness.seen.addresses = addresses;
    connect(run, address, witness).await
}

/// Dials an address of the endpoint, once more in the same run.
pub async fn connect(
    run: &Run<'_>,
    address: SocketAddr,
    witness: &mut Witness,
) -> Result<Stream, Failure> {
    let endpoint = &run.check.endpoint;
    witness.enter(Phase::Connect);
    let wire = Wire::connect(address, MAX_HANDSHAKE_BYTES).await;
    let wire = match wire.map_err(|error| io_error::failure(&error, Phase::Connect)) {
        // A SYN that is reset is refused: whoever resets has accepted before.
        Err(Failure::Reset(_)) => {
            witness.enter(first_exchange(run));
            return Err(Failure::Reset(witness.phase()));
        }
        wire => wire?,
    };
    match run.prober.profiles.get(endpoint) {
        None => Ok(Either::Left(wire)),
        Some(profile) => {
            witness.enter(Phase::Tls);
            let (config, capture) = profile.client_config();
            let name = server_name(&endpoint.target.host);
            let connector = TlsConnector::from(Arc::new(config));
            let handshake = connector.connect(name.clone(), wire).into_fallible().await;
            let handshake = handshake.map_err(|(error, wire)| {
                (io_error::failure(&error, Phase::Tls), wire.first_byte())
            });
            // A server may present its chain and then fail: what it presented is kept.
            let chain = judged(profile, &capture, name).await?;
            witness.seen.chain.clone_from(&chain);
            witness.certificate_asked = capture.asked();
            witness.certificate_wanted = capture.asked() && endpoint.identity.is_none();
            match settle(handshake, chain.as_deref(), &capture, witness) {
                Ok(tls) => Ok(Either::Right(tls)),
                // It chose nothing of what the probe speaks: does it speak something else?
                Err(failure) if chain.is_none() && legacy::may_explain(&failure) => {
                    let host = &endpoint.target.host;
                    let choice = legacy::ask(address, host, run.last_word()).await;
                    Err(choice.map_or(failure, |choice| Failure::TlsUnsupportedByProbe {
                        version: choice.version_name(),
                        suite: choice.suite_name(),
                    }))
                }
                Err(failure) => Err(failure),
            }
        }
    }
}

/// The phase behind the connect.
fn first_exchange(run: &Run<'_>) -> Phase {
    match run.prober.profiles.get(&run.check.endpoint) {
        Some(_) => Phase::Tls,
        None => match run.check.probe.as_ref() {
            Probe::Cors(cors) if needs_preflight(&cors.fetch) => Phase::Preflight,
            Probe::Cors(_) | Probe::Http(_) => Phase::Request,
            Probe::Websocket(_) | Probe::Messaging(_) | Probe::Tls => Phase::Upgrade,
        },
    }
}

/// Judges what was presented. A chain of usual size takes a fraction of a millisecond; one that
/// is made to be dear is not judged where other runs wait for their turn.
async fn judged(
    profile: &Arc<Profile>,
    capture: &Arc<Capture>,
    name: ServerName<'static>,
) -> Result<Option<Arc<Chain>>, Failure> {
    let Some(presented) = capture.presented() else { return Ok(None) };
    let now = clock::now();
    if presented.is_usual(now) {
        return Ok(Some(profile.judge(presented, &name, now)));
    }
    let (profile, capture) = (profile.clone(), capture.clone());
    let job = move || {
        let presented = capture.presented()?;
        Some(profile.judge(presented, &name, now))
    };
    match tokio::task::spawn_blocking(job).await {
        Ok(chain) => Ok(chain),
        // A panic goes where it would go if this had been judged here.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Failure::ShuttingDown),
        },
    }
}

fn settle(
    handshake: Result<TlsStream<Wire>, (Failure, Option<u8>)>,
    chain: Option<&Chain>,
    capture: &Capture,
    witness: &mut Witness,
) -> Result<TlsStream<Wire>, Failure> {
    let fault = chain.and_then(|chain| chain.verification.failures.first()).cloned();
    let (failure, first_byte) = match handshake {
        Ok(tls) => {
            witness.seen.session = Some(session(&tls));
            return fault.map_or(Ok(tls), |fault| Err(Failure::CertificateRejected(fault)));
        }
        Err(broken) => broken,
    };
    Err(match (failure, fault) {
        // It began with TLS, and went on with something else.
        (Failure::NotTls, _) if first_byte.is_some_and(is_record) => {
            Failure::TlsProtocol { detail: Quoted::text("what follows is no TLS record") }
        }
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

/// RFC 8446 section 5.1: the content types of records.
fn is_record(first_byte: u8) -> bool {
    matches!(first_byte, 20..=24)
}

fn server_name(host: &Host) -> ServerName<'static> {
    match host {
        Host::Address(address) => ServerName::IpAddress((*address).into()),
        Host::Name(name) => ServerName::DnsName(name.clone()),
    }
}

fn session(tls: &TlsStream<Wire>) -> Session {
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
