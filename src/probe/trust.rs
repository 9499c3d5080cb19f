//! How the TLS connections of an endpoint are set up: whom it trusts, who we are.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;

use super::capture::{Capture, Presented};
use super::memo::{Judged, Memo};
use super::signatures::Signatures;
use crate::check::endpoint::{Endpoint, EndpointName, Identity, Trust};
use crate::outcome::chain::Chain;
use crate::outcome::chain::certificate::Certificate;
use crate::outcome::chain::roots::Roots;

/// How each endpoint's connections are set up.
#[derive(Debug, Default)]
pub struct Profiles {
    by_name: HashMap<EndpointName, Arc<Profile>>,
    system_roots: Option<usize>,
}

impl Profiles {
    /// One for each encrypted endpoint; endpoints with the same trust share their roots.
    pub fn new<'a>(endpoints: impl IntoIterator<Item = &'a Arc<Endpoint>>) -> Self {
        let provider = Arc::new(crypto_provider());
        let template = template(provider.clone());
        let signatures = Arc::new(Signatures::default());
        let mut roots = HashMap::new();
        let encrypted = endpoints.into_iter().filter(|endpoint| endpoint.target.scheme.is_tls());
        let by_name = encrypted
            .map(|endpoint| {
                let trusted = roots
                    .entry(endpoint.trust.clone())
                    .or_insert_with_key(|trust| Arc::new(load(trust)))
                    .clone();
                let profile = Profile {
                    provider: provider.clone(),
                    roots: trusted,
                    identity: endpoint.identity.as_ref().map(Identity::certified_key),
                    memo: Arc::default(),
                    signatures: signatures.clone(),
                    template: template.clone(),
                };
                (endpoint.name.clone(), Arc::new(profile))
            })
            .collect();
        let system_roots = roots.get(&Trust::System).map(|roots| roots.len());
        Self { by_name, system_roots }
    }

    /// How many CAs the machine trusts, where an endpoint leaves that to it.
    pub fn system_roots(&self) -> Option<usize> {
        self.system_roots
    }

    /// The profile of an encrypted endpoint.
    pub fn get(&self, endpoint: &Endpoint) -> Option<&Arc<Profile>> {
        self.by_name.get(&endpoint.name)
    }
}

/// How one endpoint's connections are set up.
#[derive(Debug)]
pub struct Profile {
    provider: Arc<CryptoProvider>,
    roots: Arc<Roots>,
    identity: Option<Arc<CertifiedKey>>,
    memo: Arc<Memo>,
    signatures: Arc<Signatures>,
    template: ClientConfig,
}

impl Profile {
    /// A config for one handshake, and what catches what is shown in it.
    pub fn client_config(&self) -> (ClientConfig, Arc<Capture>) {
        let (provider, identity) = (self.provider.clone(), self.identity.clone());
        let capture = Arc::new(Capture::new(provider, identity, self.memo.clone()));
        let mut config = self.template.clone();
        config.dangerous().set_certificate_verifier(capture.clone());
        config.client_auth_cert_resolver = capture.clone();
        (config, capture)
    }

    /// Reads and judges a chain as it was presented, or remembers how it was judged.
    pub fn judge(
        &self,
        presented: &Presented,
        name: &ServerName<'_>,
        now: Timestamp,
    ) -> Arc<Chain> {
        let (digest, certificates, stapled) = match presented {
            Presented::Known(_, judged) if judged.holds(now) => return judged.chain.clone(),
            Presented::Known(digest, Judged { chain, .. }) => {
                (digest, chain.certificates.clone(), chain.stapled.clone())
            }
            Presented::New(digest, ders, stapled) => {
                let read = |der: &CertificateDer<'static>| {
                    self.memo.certificate(der).unwrap_or_else(|| Certificate::read(der.clone()))
                };
                (digest, ders.iter().map(read).collect(), stapled.clone())
            }
        };
        let algorithms = self.signatures.algorithms();
        let chain = Chain::judge(certificates, stapled, name, &self.roots, &algorithms, now);
        let chain = Arc::new(chain);
        let within = chain.holds_within(now);
        self.memo.put(*digest, Judged { chain: chain.clone(), within });
        chain
    }
}

fn load(trust: &Trust) -> Roots {
    match trust {
        Trust::Anchors(anchors) => Roots::new(anchors.iter()),
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "a file of system roots cannot be read");
            }
            let roots = Roots::new(&found.certs).of_the_public();
            if roots.is_empty() {
                tracing::error!(
                    "this machine trusts no CA: install ca-certificates or set ca-file"
                );
            }
            roots
        }
    }
}

/// What browsers offer: AES-128 first, and the hybrid key exchange before the classic ones.
pub fn crypto_provider() -> CryptoProvider {
    use aws_lc_rs::{cipher_suite as suite, kx_group};
    CryptoProvider {
        cipher_suites: vec![
            suite::TLS13_AES_128_GCM_SHA256,
            suite::TLS13_AES_256_GCM_SHA384,
            suite::TLS13_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![
            kx_group::X25519MLKEM768,
            kx_group::X25519,
            kx_group::SECP256R1,
            kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    }
}

fn template(provider: Arc<CryptoProvider>) -> ClientConfig {
    let blank = Arc::new(Capture::new(provider.clone(), None, Arc::default()));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap_or_else(|error| unreachable!("the suites above cover both versions: {error}"))
        .dangerous()
        .with_custom_certificate_verifier(blank)
        .with_no_client_auth();
    // As browsers ask for wss.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed handshake would show no certificate at all.
    config.resumption = Resumption::disabled();
    config
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::clock;
    use crate::demo::authority::Authority;
    use crate::outcome::chain::verification::VerifyFailure;
    use crate::probe::memo;

    #[test]
    fn a_remembered_chain_still_ends_when_it_ends() {
        let now = clock::now();
        let authority = Authority::new("memo", now).unwrap();
        let served = authority.issue(&["door.test"], -10, 80).unwrap();
        let profile = Profile {
            provider: Arc::new(crypto_provider()),
            roots: Arc::new(Roots::new([authority.root()])),
            identity: None,
            memo: Arc::default(),
            signatures: Arc::default(),
            template: template(Arc::new(crypto_provider())),
        };
        let name = ServerName::try_from("door.test").unwrap();
        let digest = memo::digest(served.chain.iter(), &[]);
        let judge = |days: i64| {
            let presented = match profile.memo.get(&digest) {
                Some(judged) => Presented::Known(digest, judged),
                None => Presented::New(digest, served.chain.clone(), Vec::new()),
            };
            profile.judge(&presented, &name, now + SignedDuration::from_hours(24 * days))
        };
        let first = judge(0);
        assert_eq!(first.verification.failures, []);
        assert!(Arc::ptr_eq(&first, &judge(49)), "nothing changes while no date passes");
        assert!(matches!(judge(81).verification.failures[..], [VerifyFailure::Expired { .. }]));
        assert!(matches!(
            judge(-11).verification.failures[..],
            [VerifyFailure::NotYetValid { .. }]
        ));
        assert_eq!(judge(0).verification.failures, []);
    }
}
