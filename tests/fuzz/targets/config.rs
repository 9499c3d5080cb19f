//! A config: any text is either a list of faults, each with its place and fix, or checks in which
//! everything is legal.
#![no_main]

use std::collections::HashSet;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use watchpost::check::cadence::Cadence;
use watchpost::check::probe::Probe;
use watchpost::config::Config;
use watchpost::config::forecast::{Forecast, series};

fuzz_target!(|text: &str| {
    let config = match Config::parse(Path::new("/nonexistent/fuzz.toml"), text) {
        Ok(config) => config,
        Err(faults) => {
            assert!(!faults.is_empty());
            let lines = text.lines().count().max(1) + 1;
            for fault in faults.iter() {
                assert!((1..=lines).contains(&fault.line), "{fault:?} of {lines} lines");
                assert!(
                    !fault.key.is_empty() && !fault.problem.is_empty() && !fault.fix.is_empty()
                );
            }
            assert!(faults.to_string().contains("/nonexistent/fuzz.toml:"));
            return;
        }
    };
    let something = !config.checks.is_empty() && !config.endpoints.is_empty();
    assert!(something || config.genesys.is_some());
    assert!(series(&config) <= config.daemon.max_series);
    assert!(Forecast::new(&config).to_string().contains("series on /metrics"));
    let line = |text: &str| assert!(!text.contains(char::is_control), "{text:?}");
    config.daemon.contact.iter().for_each(|contact| line(contact));
    let mut ids = HashSet::new();
    for check in &config.checks {
        assert!(ids.insert(check.id.clone()), "{} twice", check.id);
        line(check.id.as_str());
        assert!(Cadence::new(check.cadence.interval(), check.cadence.timeout()).is_ok());
        let target = &check.endpoint.target;
        assert!(target.path.starts_with('/') && !target.path.contains([' ', '\r', '\n']));
        line(&target.path);
        line(&target.authority());
        if let Some(origin) = check.origin.as_ref().and_then(|rule| rule.origin.header()) {
            line(origin);
        }
        if let Probe::Websocket(websocket) = check.probe.as_ref() {
            for header in &websocket.headers {
                assert!(!header.value().iter().any(|byte| b"\r\n\0".contains(byte)));
            }
            websocket.subprotocols.iter().for_each(|name| {
                line(name);
                assert!(!name.contains([',', ' ']) && !name.is_empty());
            });
            assert!(websocket.conversation.len() <= 16);
        }
    }
});
