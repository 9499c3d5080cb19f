//! Answers of openssl's OCSP responder, stapled by three servers, read by three clients.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use watchpost::demo::authority::{Authority, Served};

use crate::program::said;
use crate::servers::{self, HOST, Server, authority};
use crate::tls::ours;

/// Has openssl answer about a leaf: its database says `V` for valid, `R` for revoked.
fn answer(authority: &Authority, served: &Served, folder: &Path, status: &str) -> PathBuf {
    let path = |name: &str| folder.join(name);
    let one =
        |at: usize| Served { chain: vec![served.chain[at].clone()], key: served.key.clone_key() };
    fs::write(path("leaf.pem"), one(0).chain_pem()).unwrap();
    fs::write(path("issuer.pem"), one(1).chain_pem()).unwrap();
    fs::write(path("issuer.key"), authority.key().serialize_pem()).unwrap();
    let serial = said(
        Command::new("openssl").args(["x509", "-noout", "-serial", "-in"]).arg(path("leaf.pem")),
    );
    let serial = serial.trim().trim_start_matches("serial=");
    let revoked = if status == "R" { "200101000000Z" } else { "" };
    let line = format!("{status}\t400101000000Z\t{revoked}\t{serial}\tunknown\t/CN={HOST}\n");
    fs::write(path("index"), if status == "U" { String::new() } else { line }).unwrap();
    let openssl = |args: &[&str], files: &[(&str, &str)]| {
        let mut command = Command::new("openssl");
        command.arg("ocsp").args(args);
        for (flag, name) in files {
            command.arg(flag).arg(path(name));
        }
        said(&mut command)
    };
    openssl(
        &["-no_nonce"],
        &[("-issuer", "issuer.pem"), ("-cert", "leaf.pem"), ("-reqout", "request.der")],
    );
    openssl(
        &["-ndays", "7"],
        &[
            ("-index", "index"),
            ("-rsigner", "issuer.pem"),
            ("-rkey", "issuer.key"),
            ("-CA", "issuer.pem"),
            ("-reqin", "request.der"),
            ("-respout", "staple.der"),
        ],
    );
    path("staple.der")
}

#[test]
fn a_staple_is_read_as_openssl_and_gnutls_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority("stapling", folder.path());
    let served = authority.issue(&[HOST], -10, 80).unwrap();
    for (status, name) in [("V", "good"), ("R", "revoked"), ("U", "unknown")] {
        let staple = answer(&authority, &served, folder.path(), status);
        let file = staple.to_str().unwrap();
        let servers: [(&str, Server); 3] = [
            ("openssl", servers::openssl(&served, &["-status_file", file])),
            (
                "gnutls",
                servers::gnutls(
                    &served,
                    "NORMAL",
                    &["--ocsp-response", file, "--ignore-ocsp-response-errors"],
                ),
            ),
            ("nginx", servers::nginx_stapling(&served, &staple)),
        ];
        for (program, server) in &servers {
            let report = ours(server, &folder);
            let case = format!("{program}, {name}: {report}");
            assert_eq!(report["tls"]["ocsp"]["status"], name, "{case}");
            let revoked = status == "R";
            assert_eq!(report["tls"]["verified"], !revoked, "{case}");
            let warnings = report["warnings"].as_array().unwrap();
            let unknown = warnings.iter().any(|one| one["warning"] == "ocsp_unknown");
            assert_eq!(unknown, status == "U", "{case}");
            // openssl tells, and does not judge by it.
            let told = said(Command::new("openssl").args([
                "s_client",
                "-connect",
                &server.connect_to,
                "-servername",
                HOST,
                "-status",
            ]));
            assert!(told.contains(&format!("Cert Status: {name}")), "{case}\n{told}");
            assert_eq!(trusted_by_gnutls(server, folder.path()), !revoked, "{case}");
        }
    }
}

/// Whether `gnutls-cli` trusts a server.
pub fn trusted_by_gnutls(server: &Server, folder: &Path) -> bool {
    let (address, port) = server.connect_to.split_once(':').unwrap();
    let output = Command::new("gnutls-cli")
        .arg("--x509cafile")
        .arg(folder.join("ca.pem"))
        .args(["--verify-hostname", HOST, "--sni-hostname", HOST, "--port", port, address])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let status = told.lines().find(|line| line.starts_with("- Status:"));
    let status = status.unwrap_or_else(|| panic!("{told}"));
    status.contains("is trusted")
}
