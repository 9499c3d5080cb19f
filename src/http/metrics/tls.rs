//! Families about certificates and TLS: also while, and above all when, verification fails.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::http::exposition::{Exposition, Kind, Labels};
use crate::outcome::chain::certificate::{Certificate, Facts};
use crate::outcome::chain::ocsp::Status;
use crate::outcome::chain::staple::Staple;
use crate::outcome::chain::verification::VerifyFailure;
use crate::outcome::quoted::Quoted;
use crate::record::presented::AtAddress;
use crate::record::snapshot::{EndpointRecord, Snapshot};

/// Most certificates of one chain that become series.
const MAX_POSITIONS: usize = 8;

/// Longest list of names in one label: what stores behind Prometheus take as a rule.
const MAX_LIST_BYTES: usize = 2048;

/// Writes them all.
pub fn write(e: &mut Exposition, snapshot: &Snapshot) {
    let endpoints: Vec<_> = snapshot
        .endpoints
        .iter()
        .map(AsRef::as_ref)
        .filter(|record: &&EndpointRecord| record.presented.iter().next().is_some())
        .map(|record| (record, e.labels().with("endpoint", &record.endpoint.name)))
        .collect();
    expiries(e, &endpoints);
    staples(e, &endpoints);
    sessions(e, &endpoints);
    certificates(e, &endpoints);
    failures(e, &endpoints);
}

type Endpoints<'a> = [(&'a EndpointRecord, Labels)];

fn seconds(time: Timestamp) -> f64 {
    time.as_second() as f64
}

fn facts(at: &AtAddress) -> impl Iterator<Item = &Facts> {
    at.chain.certificates.iter().filter_map(|certificate| certificate.facts.as_ref())
}

fn expiries(e: &mut Exposition, endpoints: &Endpoints<'_>) {
    let name = "probe_ssl_earliest_cert_expiry";
    e.family(name, Kind::Gauge, "Earliest end of all presented certificates, in Unix time.");
    for (record, labels) in endpoints {
        let ends = record.presented.iter().flat_map(facts).map(|facts| facts.not_after);
        if let Some(end) = ends.min() {
            e.sample(labels, seconds(end));
        }
    }
    let name = "probe_ssl_last_chain_expiry_timestamp_seconds";
    e.family(name, Kind::Gauge, "Earliest end on the path to a root. Absent while none verifies.");
    for (record, labels) in endpoints {
        let verified = record.presented.iter().filter_map(|at| {
            let verification = &at.chain.verification;
            let trusted = verification.failures.is_empty();
            verification.path.as_ref().filter(|_| trusted).map(|path| path.not_after)
        });
        if let Some(end) = verified.min() {
            e.sample(labels, seconds(end));
        }
    }
    let name = "probe_ssl_renewal_due_timestamp_seconds";
    e.family(name, Kind::Gauge, "When the first certificate of a server's own is to be renewed.");
    for (record, labels) in endpoints {
        let leaves = record.presented.iter().filter_map(|at| at.chain.leaf()?.facts.as_ref());
        if let Some(due) = leaves.map(|facts| facts.renewal().due).min() {
            e.sample(labels, seconds(due));
        }
    }
    let name = "probe_ssl_distinct_leaf_certs";
    e.family(name, Kind::Gauge, "Different certificates that the addresses of a name present.");
    for (record, labels) in endpoints {
        e.sample(labels, record.presented.distinct_leaves() as f64);
    }
}

fn staples(e: &mut Exposition, endpoints: &Endpoints<'_>) {
    let name = "probe_ssl_ocsp_stapled";
    e.family(name, Kind::Gauge, "1 if every address staples an OCSP answer.");
    for (record, labels) in endpoints {
        let all = record.presented.iter().all(|at| at.chain.staple.is_some());
        e.sample(labels, f64::from(u8::from(all)));
    }
    let answers = |record: &EndpointRecord| -> Vec<(f64, Timestamp)> {
        let staples = record.presented.iter().filter_map(|at| at.chain.staple.as_ref());
        let answers = staples.filter_map(|staple| match staple {
            Staple::Answer { status, next_update, .. } => Some((coded(*status), *next_update)),
            Staple::Useless(_) => None,
        });
        answers.collect()
    };
    let name = "probe_ssl_ocsp_status";
    e.family(name, Kind::Gauge, "Worst of the stapled answers: 0 good, 1 revoked, 2 unknown.");
    for (record, labels) in endpoints {
        let answers = answers(record);
        // Revoked is worse than unknown.
        let worst = [1.0, 2.0, 0.0];
        let worst = worst.iter().find(|code| answers.iter().any(|(status, _)| status == *code));
        if let Some(code) = worst {
            e.sample(labels, *code);
        }
    }
    let name = "probe_ssl_ocsp_next_update_timestamp_seconds";
    e.family(name, Kind::Gauge, "Until when the stapled answer holds, the first of several.");
    for (record, labels) in endpoints {
        if let Some((_, end)) = answers(record).into_iter().min_by_key(|(_, end)| *end) {
            e.sample(labels, seconds(end));
        }
    }
}

fn coded(status: Status) -> f64 {
    match status {
        Status::Good => 0.0,
        Status::Revoked { .. } => 1.0,
        Status::Unknown => 2.0,
    }
}

fn sessions(e: &mut Exposition, endpoints: &Endpoints<'_>) {
    let name = "probe_tls_hello_retry";
    e.family(name, Kind::Gauge, "1 if an address wanted another key share, for a round trip more.");
    for (record, labels) in endpoints {
        let mut sessions = record.presented.iter().filter_map(|at| at.session.as_ref());
        e.sample(labels, f64::from(u8::from(sessions.any(|session| session.hello_retry))));
    }
    let mut family = |name: &str, help: &str, add: fn(Labels, &AtAddress) -> Option<Labels>| {
        e.family(name, Kind::Info, help);
        for (record, labels) in endpoints {
            // Two addresses that agree are one series.
            let addresses = record.presented.iter();
            let distinct: BTreeSet<_> =
                addresses.filter_map(|at| add(labels.clone(), at)).collect();
            for labels in distinct {
                e.sample(&labels, 1.0);
            }
        }
    };
    family("probe_ssl_last_chain_info", "The server's own certificate.", |labels, at| {
        let leaf = at.chain.leaf()?;
        let facts = leaf.facts.as_ref()?;
        Some(
            labels
                .with("fingerprint_sha256", &leaf.fingerprint)
                .with("issuer", facts.issuer.as_str())
                .with("serialnumber", facts.serial.as_str())
                .with("subject", facts.subject.as_str())
                .with("subjectalternative", &listed(&facts.names)),
        )
    });
    family("probe_tls_version_info", "The version that TLS agreed on.", |labels, at| {
        Some(labels.with("version", at.session.as_ref()?.version))
    });
    family("probe_tls_cipher_info", "The cipher suite that TLS agreed on.", |labels, at| {
        Some(labels.with("cipher", at.session.as_ref()?.cipher))
    });
}

/// `a.test,b.test`; what is too long ends in `…` behind a whole name.
fn listed(names: &[Quoted]) -> String {
    let mut list = String::new();
    for name in names.iter().map(Quoted::as_str) {
        if !list.is_empty() {
            list.push(',');
        }
        if list.len() + name.len() + ",…".len() > MAX_LIST_BYTES {
            list.push('…');
            break;
        }
        list.push_str(name);
    }
    list
}

fn certificates(e: &mut Exposition, endpoints: &Endpoints<'_>) {
    let mut family =
        |name: &str, kind, help, value: fn(&Certificate, &Labels) -> Option<(Labels, f64)>| {
            e.family(name, kind, help);
            for (record, labels) in endpoints {
                for at in record.presented.iter() {
                    let labels = labels.clone().with("address", &at.address.to_string());
                    for (position, certificate) in
                        at.chain.certificates.iter().take(MAX_POSITIONS).enumerate()
                    {
                        let labels = labels.clone().with("position", &position.to_string());
                        if let Some((labels, value)) = value(certificate, &labels) {
                            e.sample(&labels, value);
                        }
                    }
                }
            }
        };
    let name = "probe_ssl_cert_not_before_timestamp_seconds";
    family(
        name,
        Kind::Gauge,
        "From when a presented certificate is valid.",
        |certificate, labels| {
            Some((labels.clone(), seconds(certificate.facts.as_ref()?.not_before)))
        },
    );
    let name = "probe_ssl_cert_not_after_timestamp_seconds";
    family(
        name,
        Kind::Gauge,
        "Until when a presented certificate is valid.",
        |certificate, labels| {
            Some((labels.clone(), seconds(certificate.facts.as_ref()?.not_after)))
        },
    );
    let name = "probe_ssl_cert_info";
    family(name, Kind::Info, "Which certificate stands at a position.", |certificate, labels| {
        let facts = certificate.facts.as_ref()?;
        let labels = labels
            .clone()
            .with("fingerprint_sha256", &certificate.fingerprint)
            .with("issuer", facts.issuer.as_str())
            .with("key_type", &format!("{}-{}", facts.key.kind, facts.key.bits))
            .with("serialnumber", facts.serial.as_str())
            .with("subject", facts.subject.as_str());
        Some((labels, 1.0))
    });
}

fn failures(e: &mut Exposition, endpoints: &Endpoints<'_>) {
    let name = "probe_ssl_verify_failure";
    e.family(name, Kind::Gauge, "Whether the chain of an address fails in this way.");
    for (record, labels) in endpoints {
        for at in record.presented.iter() {
            let labels = labels.clone().with("address", &at.address.to_string());
            for label in VerifyFailure::LABELS {
                let mut failures = at.chain.verification.failures.iter();
                let struck = failures.any(|failure| failure.label() == label);
                let value = f64::from(u8::from(struck));
                e.sample_with(&labels, &[("reason", label)], value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_ends_behind_a_whole_one() {
        let names = |text: &str, count| vec![Quoted::text(text); count];
        assert_eq!(listed(&names("a.test", 2)), "a.test,a.test");
        let long = listed(&names("a.test", 1000));
        assert!(long.len() <= MAX_LIST_BYTES && long.ends_with("a.test,…"), "{}", long.len());
        let wide = listed(&names(&"é".repeat(300), 100));
        assert!(wide.len() <= MAX_LIST_BYTES && wide.ends_with(",…"), "{}", wide.len());
    }
}
