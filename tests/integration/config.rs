//! The shipped config, and wrong ones: each with every fault, its line and its fix.

use std::path::{Path, PathBuf};

use watchpost::config::Config;

use crate::fixture::daemon::watchpost;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

#[test]
fn the_shipped_config_is_legal() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    let config = Config::load(&path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.checks.len(), 13);
}

#[test]
fn the_shipped_config_shows_every_key() {
    let shipped = include_str!("../../config.toml");
    let raw = include_str!("../../src/config/raw.rs");
    let fields = raw.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "));
    let keys: Vec<_> = fields.map(|(field, _)| field.replace('_', "-")).collect();
    assert!(keys.len() > 35, "{keys:?}");
    for key in keys {
        let shown =
            [format!("{key} = "), format!("[{key}]"), format!("[[{key}]]"), format!(".{key}]")];
        assert!(
            shown.iter().any(|shown| shipped.contains(shown)),
            "config.toml does not show {key}"
        );
    }
}

#[test]
fn a_wrong_config_is_answered_with_every_fault() {
    let mut files = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        files += 1;
        let name = path.file_name().unwrap().to_str().unwrap();
        let output = watchpost(&["lint", "--config", name]).current_dir(folder()).output().unwrap();
        let expected = std::fs::read_to_string(path.with_extension("txt"))
            .unwrap_or_else(|_| panic!("{name} has no .txt with the expected faults"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, expected, "of {name}");
        assert_eq!(output.status.code(), Some(78), "{name}");
    }
    assert!(files >= 20, "{files} files");
}

#[test]
fn a_config_that_is_not_there_is_named() {
    let output = watchpost(&["run", "--config", "/no/such/config.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/no/such/config.toml") && said.lines().count() == 1, "{said}");
}

#[test]
fn lint_tells_what_a_good_config_comes_to() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.toml");
    let output = watchpost(&["lint", "--config"]).arg(path).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    for part in [
        "13 checks, up to",
        "messenger-eu       5 checks, 14400 probes a day",
        "down within 55 s: 3 failures of 5 runs",
        "26 failed runs in an hour page by burn rate at an SLO of 99.5 %",
    ] {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
}

/// A config whose secrets only systemd can give, beside nothing that the daemon keeps.
const BY_SYSTEMD: &str = "[defaults]\norigins = [{ origin = \"https://shop.example\" }]\n\
    [[endpoints]]\nname = \"shop\"\nurl = \"ws://127.0.0.1:9/\"\nprobes = [\"websocket\"]\n\
    headers = { Authorization = { credential = \"token\" } }\n\
    [genesys]\nregion = \"eu-west-1\"\nclient-id = \"0f0f0f0f-0000-4000-8000-000000000001\"\n\
    client-secret = { credential = \"secret\" }\n\
    [[receivers]]\nname = \"events\"\npath = \"/events\"\n\
    auth = [{ bearer = { values = [{ credential = \"bearer\" }] } }]\n";

#[test]
fn who_needs_no_secret_asks_for_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), BY_SYSTEMD).unwrap();
    let said = |args: &[&str]| {
        let mut command = watchpost(args);
        let output = command.env_remove("CREDENTIALS_DIRECTORY").current_dir(folder.path());
        let output = output.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (String::from_utf8(text).unwrap(), output.status.code())
    };
    let (text, status) = said(&["lint"]);
    assert_eq!(status, Some(0), "{text}");
    for key in ["headers.Authorization", "genesys.client-secret", "bearer"] {
        let odd = |line: &&str| line.starts_with("odd: ") && line.contains(key);
        assert!(text.lines().any(|line| odd(&line)), "{key}: {text}");
    }
    assert_eq!(said(&["rules"]).1, Some(0));
    // These look into files, which they miss by name.
    for args in
        [&["incidents"][..], &["events", "list"], &["events", "dead-letters"], &["rules", "replay"]]
    {
        let (text, status) = said(args);
        assert!(text.contains("watchpost: there is no ") && text.contains("fix: "), "{text}");
        assert!(text.contains("/var/lib/watchpost") && status == Some(1), "{text}");
    }
    // These would ask in their name; the endpoint is found by its name alone.
    for args in [&["check", "shop"][..], &["diagnose", "shop"], &["genesys", "deployments"]] {
        let (text, status) = said(args);
        assert!(text.contains("$CREDENTIALS_DIRECTORY is not set"), "{text}");
        assert_eq!(status, Some(78), "{text}");
    }
    let (text, status) = said(&["check", "shp", "--config", "none.toml"]);
    assert!(text.starts_with("watchpost: cannot read none.toml") && status == Some(78), "{text}");
}
