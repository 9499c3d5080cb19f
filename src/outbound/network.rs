//! What the client is made of, and what its errors mean.

use std::error::Error;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use super::OutboundError;
use crate::check::endpoint::Trust;
use crate::outcome::quoted::Quoted;

/// How connections are encrypted: by the rules of the probes, with nothing remembered for them.
pub fn tls(trust: &Trust) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::System => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Trust::Anchors(anchors) => {
            roots.add_parsable_certificates(anchors.iter().cloned());
        }
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Says what went wrong by the innermost cause: those around it name the URL, which may hold what
/// no log should.
pub fn read(error: &reqwest::Error) -> OutboundError {
    let causes = || {
        std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| {
            let cause: &(dyn Error + 'static) = *cause;
            cause.source()
        })
    };
    let tls = causes().find_map(of_tls);
    if let Some(tls) = tls {
        return OutboundError::Tls { said: Quoted::text(&tls.to_string()) };
    }
    if error.is_timeout() {
        return OutboundError::TimedOut;
    }
    if error.is_builder() {
        return OutboundError::Unsendable;
    }
    let innermost = causes().last().map_or_else(|| "it broke".to_owned(), ToString::to_string);
    OutboundError::Network { said: Quoted::text(&innermost) }
}

/// What TLS says, in as many wrappers as it comes in: those are no causes of each other.
fn of_tls<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = cause;
    while let Some(io) = cause.downcast_ref::<std::io::Error>() {
        cause = io.get_ref()?;
    }
    cause.downcast_ref::<rustls::Error>()
}
