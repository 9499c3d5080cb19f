//! A certificate authority that lives as long as the process: for the demo, and for tests.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use pem::Pem;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A root, an intermediate under it, and their keys.
pub struct Authority {
    root: CertificateDer<'static>,
    root_pem: String,
    intermediate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    today: Date,
}

/// What a server is given.
#[derive(Debug)]
pub struct Served {
    /// Leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: PrivateKeyDer<'static>,
}

impl Served {
    /// The chain, for a server that reads files.
    pub fn chain_pem(&self) -> String {
        let certificate = |der: &CertificateDer<'_>| Pem::new("CERTIFICATE", der.to_vec());
        pem::encode_many(&self.chain.iter().map(certificate).collect::<Vec<_>>())
    }

    /// The key, for a server that reads files.
    pub fn key_pem(&self) -> String {
        pem::encode(&Pem::new("PRIVATE KEY", self.key.secret_der()))
    }
}

impl Authority {
    /// Mints root and intermediate, valid for ten years back and ahead; `name` tells authorities apart.
    pub fn new(name: &str, now: Timestamp) -> Result<Self, rcgen::Error> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let root_key = KeyPair::generate()?;
        let root_params = authority_params(&format!("{name} root"), today);
        let root = root_params.self_signed(&root_key)?;
        let root_issuer = Issuer::new(root_params, root_key);

        let key = KeyPair::generate()?;
        let params = authority_params(&format!("{name} intermediate"), today);
        let intermediate = params.signed_by(&key, &root_issuer)?;
        Ok(Self {
            root_pem: root.pem(),
            root: root.der().clone(),
            intermediate: intermediate.der().clone(),
            issuer: Issuer::new(params, key),
            today,
        })
    }

    /// The root.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// The root, for a `ca-file`.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The key of the intermediate, to sign something else with.
    pub fn key(&self) -> &KeyPair {
        self.issuer.key()
    }

    /// A leaf for these names, valid from and to so many days from today, with its intermediate.
    pub fn issue(&self, names: &[&str], from: i32, to: i32) -> Result<Served, rcgen::Error> {
        self.issue_with(names, from, to, |_| {})
    }

    /// The same, with something changed before it is signed.
    pub fn issue_with(
        &self,
        names: &[&str],
        from: i32,
        to: i32,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Result<Served, rcgen::Error> {
        self.issue_for(names, from, to, KeyPair::generate()?, change)
    }

    /// The same, for a key of the caller's choice.
    pub fn issue_for(
        &self,
        names: &[&str],
        from: i32,
        to: i32,
        key: KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Result<Served, rcgen::Error> {
        let mut params = CertificateParams::new(
            names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
        )?;
        params.not_before = date(self.today, from);
        params.not_after = date(self.today, to);
        params.distinguished_name.remove(DnType::CommonName);
        if let Some(name) = names.first() {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let leaf = params.signed_by(&key, &self.issuer)?;
        let chain = vec![leaf.der().clone(), self.intermediate.clone()];
        Ok(Served { chain, key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) })
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn authority_params(name: &str, today: Date) -> CertificateParams {
    let mut params = CertificateParams::default();
    // Long ago, so that a leaf that has expired had a valid issuer all its life.
    params.not_before = date(today, -3650);
    params.not_after = date(today, 3650);
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::OrganizationName, "Watchpost");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

fn date(today: Date, days: i32) -> time::OffsetDateTime {
    let date = today.saturating_add(days.days());
    date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
}
