//! `ca-file`, `client-cert` and `client-key`: whom we trust, and who we are.

use std::path::PathBuf;

use super::field::Field;
use super::pem;
use super::settings::Reader;
use crate::check::endpoint::{Identity, Trust};

impl Reader<'_> {
    pub(super) fn trust(&mut self, path: Field<PathBuf>, place: &str) -> Trust {
        let key = format!("{place}.ca-file");
        let Some((span, path)) = path.take_spanned(&key, self.faults) else { return Trust::System };
        self.pem.trust(&self.whereabouts.join(path)).unwrap_or_else(|error| {
            self.faults.add(&span, &key, error, "name a PEM file with the trusted certificates");
            Trust::System
        })
    }

    pub(super) fn identity(
        &mut self,
        certificate: Field<PathBuf>,
        key: Field<PathBuf>,
        place: &str,
    ) -> Option<Identity> {
        let keys = [format!("{place}.client-cert"), format!("{place}.client-key")];
        let certificate = certificate.take_spanned(&keys[0], self.faults);
        let private = key.take_spanned(&keys[1], self.faults);
        match (certificate, private) {
            (None, None) => None,
            (Some((span, certificate)), Some((_, private))) => {
                let (certificate, private) =
                    (self.whereabouts.join(certificate), self.whereabouts.join(private));
                pem::identity(&certificate, &private)
                    .map_err(|error| {
                        self.faults.add(
                            &span,
                            &keys[0],
                            error,
                            "name the certificate and its own key",
                        )
                    })
                    .ok()
            }
            (Some((span, _)), None) => {
                let fix = "add client-key = \"…\"";
                self.faults.add(&span, &keys[0], "a certificate without its key", fix);
                None
            }
            (None, Some((span, _))) => {
                let fix = "add client-cert = \"…\"";
                self.faults.add(&span, &keys[1], "a key without its certificate", fix);
                None
            }
        }
    }
}
