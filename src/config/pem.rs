//! PEM files that a config names: trust anchors, client certificates, keys.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::check::endpoint::{Identity, Trust};

/// Reads each file once, however many endpoints name it.
#[derive(Default)]
pub struct PemFiles {
    anchors: HashMap<PathBuf, Arc<[CertificateDer<'static>]>>,
}

impl PemFiles {
    /// The certificates of a file as trust anchors.
    pub fn trust(&mut self, path: &Path) -> Result<Trust, PemError> {
        if let Some(anchors) = self.anchors.get(path) {
            return Ok(Trust::Anchors(anchors.clone()));
        }
        let certificates = certificates(path)?;
        // What webpki cannot read as an anchor would make every chain look untrusted later on.
        if certificates.iter().any(|der| webpki::anchor_from_trusted_cert(der).is_err()) {
            return Err(PemError::NoCertificate { path: path.to_owned() });
        }
        let anchors: Arc<[_]> = certificates.into();
        self.anchors.insert(path.to_owned(), anchors.clone());
        Ok(Trust::Anchors(anchors))
    }
}

/// A client certificate chain and its key.
pub fn identity(certificate: &Path, key: &Path) -> Result<Identity, PemError> {
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::Io(error) => PemError::Unreadable { path: key.to_owned(), error },
        _ => PemError::NoKey { path: key.to_owned() },
    })?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map(Identity::new)
        .map_err(|_| PemError::NoPair { path: certificate.to_owned() })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let unreadable = |error: pem::Error| match error {
        pem::Error::Io(error) => PemError::Unreadable { path: path.to_owned(), error },
        _ => PemError::NoCertificate { path: path.to_owned() },
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect())
        .map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(PemError::NoCertificate { path: path.to_owned() });
    }
    Ok(certificates)
}

/// Why a PEM file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// Missing, or closed to us.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// No certificate in it, or something that is none.
    #[error("{} holds no readable certificate in PEM form", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// Each readable, but not made for each other.
    #[error("{} and its key do not belong together", path.display())]
    NoPair {
        /// The certificate's file.
        path: PathBuf,
    },
    /// No private key in it.
    #[error("{} holds no readable private key in PEM form", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
}
