//! PEM files that a config names: trust anchors, client certificates, keys.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::check::endpoint::{Identity, Trust};

/// Longest file that is read; a whole bundle of public roots has a quarter of a MiB.
const MAX_PEM_BYTES: u64 = 16 * 1024 * 1024;

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
    let key = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|_| PemError::NoKey { path: key.to_owned() })?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map(Identity::new)
        .map_err(|_| PemError::NoPair { path: certificate.to_owned() })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<_, _>>()
        .map_err(|_| PemError::NoCertificate { path: path.to_owned() })?;
    if certificates.is_empty() {
        return Err(PemError::NoCertificate { path: path.to_owned() });
    }
    Ok(certificates)
}

/// A whole file; of a device that never ends, the first of it.
fn read(path: &Path) -> Result<Vec<u8>, PemError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map(|file| file.take(MAX_PEM_BYTES));
    file.and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|error| PemError::Unreadable { path: path.to_owned(), error })?;
    Ok(bytes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_never_ends_is_no_certificate() {
        let endless = Path::new("/dev/zero");
        let trust = PemFiles::default().trust(endless);
        assert!(matches!(trust, Err(PemError::NoCertificate { .. })));
        assert!(matches!(identity(endless, endless), Err(PemError::NoCertificate { .. })));
    }
}
