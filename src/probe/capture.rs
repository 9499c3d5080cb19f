//! Catches what a server presents and asks for in one handshake, whether or not it would verify.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use super::memo::{self, Digest, Judged, Memo};
use crate::outcome::chain::staple;

/// Most certificates of a chain that are kept; rustls itself takes no more than 64 KiB of them.
const MAX_CERTIFICATES: usize = 16;

/// Most certificates of a chain of usual size.
const USUAL_CERTIFICATES: usize = 4;

/// Most bytes of a chain of usual size.
const USUAL_BYTES: usize = 16 * 1024;

/// Stands where rustls wants a verifier and a source of client certificates, for one handshake.
///
/// It lets the handshake go on with any chain, so that version, suite and chain of a broken
/// endpoint are seen; whoever dials must judge the chain afterwards, and send nothing through a
/// connection whose chain fails. That the server holds the leaf's key is checked here, always.
#[derive(Debug)]
pub struct Capture {
    provider: Arc<CryptoProvider>,
    identity: Option<Arc<CertifiedKey>>,
    memo: Arc<Memo>,
    presented: OnceLock<Presented>,
    asked: AtomicBool,
}

/// The chain that a server presented, leaf first.
#[derive(Debug)]
pub enum Presented {
    /// It was judged before.
    Known(Digest, Judged),
    /// It has not been seen lately; with the OCSP response that was stapled to it.
    New(Digest, Vec<CertificateDer<'static>>, Vec<u8>),
}

impl Presented {
    /// Whether it takes next to no time to judge: it was judged before, or is no longer than what
    /// a CA would hand out.
    pub fn is_usual(&self, now: Timestamp) -> bool {
        let ders: &mut dyn Iterator<Item = &CertificateDer<'_>> = match self {
            Self::Known(_, judged) if judged.holds(now) => return true,
            Self::Known(_, judged) => &mut judged.chain.certificates.iter().map(|one| &one.der),
            Self::New(_, ders, _) => &mut ders.iter(),
        };
        let (count, bytes) =
            ders.fold((0, 0), |(count, bytes), der| (count + 1, bytes + der.len()));
        count <= USUAL_CERTIFICATES && bytes <= USUAL_BYTES
    }
}

impl Capture {
    /// Has seen nothing yet; shows this client certificate to whoever asks for one.
    pub fn new(
        provider: Arc<CryptoProvider>,
        identity: Option<Arc<CertifiedKey>>,
        memo: Arc<Memo>,
    ) -> Self {
        let (presented, asked) = (OnceLock::new(), AtomicBool::new(false));
        Self { provider, identity, memo, presented, asked }
    }

    /// The chain, once the server has presented one.
    pub fn presented(&self) -> Option<&Presented> {
        self.presented.get()
    }

    /// Whether the server has asked for a client certificate.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Capture {
    fn resolve(&self, _roots: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.identity.clone()
    }

    /// True, so that [`Self::resolve`] is called at all; without an identity it gives none.
    fn has_certs(&self) -> bool {
        true
    }
}

impl ServerCertVerifier for Capture {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = || std::iter::once(end_entity).chain(intermediates).take(MAX_CERTIFICATES);
        // What is longer is not read: see `Staple::read`.
        let stapled = ocsp_response.get(..=staple::MAX_BYTES).unwrap_or(ocsp_response);
        // One handshake presents one chain: a second call would find the first one kept.
        self.presented.get_or_init(|| {
            let digest = memo::digest(chain(), stapled);
            match self.memo.get(&digest) {
                Some(judged) => Presented::Known(digest, judged),
                None => {
                    let owned = chain().map(|der| der.clone().into_owned());
                    Presented::New(digest, owned.collect(), stapled.to_vec())
                }
            }
        });
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
