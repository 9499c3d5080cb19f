//! The contract of `/metrics`: names, types and labels, pinned; and the forecast of how many.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rustls::crypto::aws_lc_rs::kx_group;
use watchpost::config::{Config, forecast};
use watchpost::simulator::{Org, Simulator};

use crate::fixture::daemon::{Daemon, Home, PATIENCE};
use crate::fixture::pki::{self, Pki, server_config_of, stapling_config};
use crate::fixture::raw;
use crate::fixture::responder::{Responder, Says};

/// A daemon with every kind of check, after each has run and one has failed.
async fn with_everything() -> (Home, Daemon, (Pki, Simulator)) {
    let pki = Pki::new("metrics");
    // One round trip more, for a warning.
    let open = pki::open(server_config_of(kx_group::SECP384R1, pki.good())).await;
    let expired = pki.authority.issue(&["door.test"], -20, -10).unwrap();
    let staple =
        Responder::of(&pki.authority).answer(&expired.chain[0], Says::Good, pki::now(), (-1, 1));
    let expired = pki::open(stapling_config(expired, staple)).await;
    let talking = raw::opening_then(b"\x81\x07welcome".to_vec()).await;
    let api = raw::answering("HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n\r\n").await;
    let route = raw::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let simulator = Simulator::shop(pki::now()).unwrap();
    let home = Home::new(&format!(
        "[defaults]\ninterval = \"1s\"\n\
         [[endpoints]]\nname = \"open\"\nurl = \"wss://door.test/\"\nprobes = [\"websocket\", \"tls\"]\n{}\
         [[endpoints]]\nname = \"expired\"\nurl = \"wss://door.test/\"\n{}\
         [[endpoints]]\nname = \"talking\"\nurl = \"ws://{}/\"\nmessages = [{{ expect-regex = 'welcome' }}]\n\
         origins = [{{ origin = \"none\" }}, {{ origin = \"null\", expect = \"deny\" }}]\n\
         [[endpoints]]\nname = \"api\"\nurl = \"http://{}/\"\nprobes = [\"cors\"]\n\
         origins = [{{ origin = \"https://app.test\" }}]\ncors = {{ method = \"PUT\" }}\nusers = {{}}\n\
         [[endpoints]]\nname = \"route\"\nurl = \"http://{}/\"\nprobes = [\"http\"]\n\
         [[endpoints]]\nname = \"shop\"\nurl = \"{}\"\nca-file = \"genesys.pem\"\n\
         origins = [{{ origin = \"https://shop.example\" }}]\n\
         [[endpoints]]\nname = \"guests\"\nurl = \"ws://{}/v1?deploymentId={}\"\nprobes = [\"messaging\"]\n\
         messaging = {{ level = \"session\" }}\norigins = [{{ origin = \"https://www.shop.example\" }}]\n\
         [[receivers]]\nname = \"events\"\nopen = \"anyone may post events here\"\n\
         [[notify]]\nname = \"ops\"\nalertmanager = \"http://127.0.0.1:9\"\n\
         {}",
        pki.keys(&open),
        pki.keys(&expired),
        talking.address,
        api.address,
        route.address,
        simulator.messaging_url(Org::SHOP),
        simulator.gateway(),
        Org::SHOP,
        genesys(&simulator),
    ));
    std::fs::write(home.path().join("genesys.pem"), simulator.root_pem()).unwrap();
    std::fs::write(home.path().join("genesys.secret"), Org::SECRET).unwrap();
    let daemon = home.start();
    // Which of these comes last depends on when in a second the daemon begins.
    let (mut seen, mut down) = (BTreeSet::new(), false);
    while seen.len() < 8 || !down {
        let line = daemon.wait_for_line("check=");
        down |= line.contains("down check=expired");
        // On a busy machine, a run may be held up: its times are in no histogram.
        if line.contains("result=") && !line.contains("stalled_ms") {
            let (_, check) = line.split_once("check=").unwrap();
            seen.insert(check.split(' ').next().unwrap().to_owned());
        }
    }
    let event = "{\"conversationId\":\"c\"}";
    let length = format!("Content-Length: {}\r\n", event.len());
    let answer = daemon.post_with("/hooks/genesys", &length, event);
    assert!(answer.0.starts_with("HTTP/1.1 200"), "{answer:?}");
    daemon.metrics_until("the platform API", PATIENCE, |page| {
        page.contains("\nwatchpost_genesys_ratelimit_remaining ")
            && page.contains("\nwatchpost_genesys_deployment_info{")
    });
    (home, daemon, (pki, simulator))
}

/// The organisation of a simulator.
fn genesys(simulator: &Simulator) -> String {
    let (base, id) = (simulator.base(), Org::CLIENT);
    let urls = ["login", "api", "cdn", "apps", "status"];
    let urls: String = urls.iter().map(|name| format!("{name}-url = \"{base}\"\n")).collect();
    format!(
        "[genesys]\nregion = \"eu-west-1\"\nclient-id = \"{id}\"\nca-file = \"genesys.pem\"\n\
         client-secret = {{ file = \"genesys.secret\" }}\nrefresh = \"1s\"\n\
         connections-per-minute = 1000\ndiscover = true\n{urls}"
    )
}

/// `name type {labels}` of every family on a page.
fn contract(page: &str) -> BTreeMap<String, String> {
    let mut families = BTreeMap::new();
    let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in page.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            assert!(
                families.insert(name.to_owned(), kind.to_owned()).is_none(),
                "{name} stands twice"
            );
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|suffix| name.strip_suffix(suffix))
                .find(|base| families.get(*base).is_some_and(|kind| kind == "histogram"))
                .unwrap_or(name);
            let set = labels.entry(family.to_owned()).or_default();
            if let Some((_, rest)) = line.split_once('{') {
                set.extend(label_names(rest).into_iter().filter(|label| label != "le"));
            }
        }
    }
    families
        .into_iter()
        .map(|(name, kind)| {
            let set = labels.remove(&name).unwrap_or_default();
            let set: Vec<_> = set.into_iter().collect();
            (name, format!("{kind} {{{}}}", set.join(", ")))
        })
        .collect()
}

/// The names in `a="…",b="…"} 1`.
fn label_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((name, value)) = rest.split_once("=\"") {
        names.push(name.trim_start_matches(',').to_owned());
        let mut escaped = false;
        let end = value
            .find(|c| {
                let end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                end
            })
            .unwrap();
        rest = &value[end + 1..];
        if rest.starts_with('}') {
            break;
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn names_types_and_labels_are_pinned() {
    let (_home, daemon, _pki) = with_everything().await;
    // Answers are counted behind the first.
    daemon.get("/metrics");
    let found: String = contract(&daemon.get("/metrics"))
        .into_iter()
        .map(|(name, rest)| format!("{name} {rest}\n"))
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/metrics.txt");
    let pinned = std::fs::read_to_string(&path).unwrap_or_default();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &found).unwrap();
    } else {
        assert_eq!(
            found, pinned,
            "the contract of /metrics has changed; with UPDATE_SNAPSHOTS=1 it is pinned anew"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_explains_every_metric() {
    let pinned = include_str!("../snapshots/metrics.txt");
    let readme = include_str!("../../README.md");
    let missing: Vec<_> = pinned
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .filter(|name| !readme.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(missing, [""; 0], "metrics that the README does not explain");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_both_formats_is_well_formed() {
    let (_home, daemon, _pki) = with_everything().await;
    for accept in ["text/plain", "application/openmetrics-text"] {
        let (_, page) = daemon.get_with("/metrics", &format!("Accept: {accept}\r\n"));
        let mut described = BTreeSet::new();
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                described.insert(rest.split(' ').next().unwrap().to_owned());
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                assert!(
                    described.contains(rest.split(' ').next().unwrap()),
                    "no HELP before {line}"
                );
            } else if !line.starts_with('#') {
                let (_, value) = line.rsplit_once(' ').unwrap();
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forecast_of_series_holds() {
    let (home, daemon, _pki) = with_everything().await;
    let page = daemon.get("/metrics");
    let series = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
    let forecast = forecast::series(&Config::load(&home.config()).unwrap());
    assert!(series <= forecast, "{series} series, and the forecast was {forecast}");
    assert!(series * 2 > forecast, "{series} series, and the forecast was {forecast}: too far off");
}
