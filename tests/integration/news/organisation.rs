//! An organisation that comes and goes with the config.

use std::fs;

use watchpost::simulator::Org;

use super::{door, home, shop};
use crate::fixture::daemon::{Daemon, PATIENCE};

/// What speaks of an organisation, or of its channel.
fn series(page: &str) -> Vec<&str> {
    let of =
        |line: &&str| line.contains("watchpost_genesys_") || line.contains("watchpost_channel_");
    page.lines().filter(of).collect()
}

fn is_there(daemon: &Daemon) {
    daemon.metrics_until("an organisation", PATIENCE, |page| {
        [
            "watchpost_genesys_running 1\n",
            "watchpost_channel_connected 1\n",
            "\nwatchpost_genesys_requests_total{",
            "\nwatchpost_genesys_token_expiry_timestamp_seconds ",
        ]
        .iter()
        .all(|series| page.contains(series))
    });
}

#[test]
fn its_series_go_with_it_and_come_back_with_it() {
    let simulator = shop();
    let topics = "topics = [\"v2.webdeployments.deployments.{id}\"]\n";
    let home = home(&simulator, topics, &door(&simulator));
    let with = fs::read_to_string(home.config()).unwrap();
    let daemon = home.start();
    is_there(&daemon);

    // Its topics alone.
    fs::write(home.config(), with.replace(topics, "")).unwrap();
    daemon.signal("HUP");
    let page = daemon.metrics_until("no channel", PATIENCE, |page| {
        !page.contains("watchpost_channel_") && page.contains("watchpost_genesys_running 1\n")
    });
    assert!(page.contains("watchpost_genesys_requests_total"), "{page}");

    // All of it.
    let (before, _) = with.split_once("[genesys]").unwrap();
    fs::write(home.config(), before).unwrap();
    daemon.signal("HUP");
    daemon.metrics_until("no organisation", PATIENCE, |page| series(page).is_empty());

    // Its client alone is missing.
    let client =
        format!("client-id = \"{}\"\nclient-secret = {{ file = \"secret\" }}\n", Org::CLIENT);
    assert!(with.contains(&client), "{with}");
    fs::write(home.config(), with.replace(&client, "").replace(topics, "")).unwrap();
    daemon.signal("HUP");
    let page = daemon.metrics_until("the CDN alone", PATIENCE, |page| {
        page.contains("watchpost_genesys_running 1\n")
    });
    assert!(!page.contains("watchpost_genesys_token_expiry"), "{page}");

    fs::write(home.config(), &with).unwrap();
    daemon.signal("HUP");
    is_there(&daemon);
}
