//! The rule file for Prometheus: the shipped one, with the SLOs of a config. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;

use crate::check::Check;
use crate::check::endpoint::EndpointName;
use crate::config::Config;
use crate::config::objective::{FEWEST, Objective};

/// What is shipped: nothing behind its first paragraph knows of an SLO.
const SHIPPED: &str = include_str!("../dashboards/prometheus/rules.yml");

/// The SLO of what no config names: deployments that are discovered, endpoints that come later.
const USUAL_SLO: f64 = 0.995;

/// Hosts that the shipped file names, and none of which there is.
const STATUS: &str = "https://watchpost.example";
const GRAFANA: &str = "https://grafana.example";
const RUNBOOKS: &str = "https://runbooks.example";

/// Where what the alerts link to is.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The status page.
    pub status: Option<Place>,
    /// Grafana.
    pub grafana: Option<Place>,
    /// The runbooks.
    pub runbooks: Option<Place>,
}

/// The beginning of a URL that may stand in a rule file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

impl std::str::FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Neither a blank nor a brace: this stands unquoted in YAML, and in a template.
        let legal = |c: char| c.is_ascii_alphanumeric() || "-._~:/?=&%+,@".contains(c);
        let begins = text.starts_with("https://") || text.starts_with("http://");
        if !begins || !text.chars().all(legal) || text.len() > 1024 {
            return Err("not the beginning of a URL: write https://status.shop.example");
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

/// A config whose rules would page for a blip.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct Hasty(Vec<(EndpointName, Objective)>);

impl fmt::Display for Hasty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (endpoint, objective)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let failures = objective.failures_to_page();
            let runs = if failures == 1 { "run" } else { "runs" };
            write!(
                f,
                "{separator}endpoint {endpoint}: {failures} failed {runs} in an hour would page: {} \
                 Fewer than {FEWEST} are a blip.\n  ",
                asked(objective)
            )?;
            match (objective.slo_that_does(), objective.interval_that_does()) {
                (Some(slo), Some(interval)) => {
                    let seconds = interval.as_secs();
                    write!(f, "write slo = {slo} or less, or interval = \"{seconds}s\" or less")?;
                }
                (Some(slo), None) => write!(f, "write slo = {slo} or less")?,
                (None, Some(interval)) => {
                    write!(f, "write interval = \"{}s\" or less", interval.as_secs())?;
                }
                (None, None) => f.write_str("write a lower slo and a shorter interval")?,
            }
        }
        Ok(())
    }
}

/// What was wanted of an endpoint.
fn asked(objective: &Objective) -> String {
    let checks = objective.checks;
    let plural = if checks == 1 { "check" } else { "checks" };
    let runs = (objective.runs_an_hour * 100.0).round() / 100.0;
    format!("an SLO of {}, {checks} {plural}, {runs} runs an hour.", percent(objective.slo))
}

/// The rule file of a config; none where fewer than [`FEWEST`] failed runs of an endpoint page.
pub fn rules(config: &Config, places: &Places) -> Result<String, Hasty> {
    let objectives = objectives(config);
    let hasty: Vec<_> = objectives
        .iter()
        .filter(|(_, objective)| objective.failures_to_page() < FEWEST)
        .map(|(name, objective)| ((*name).clone(), *objective))
        .collect();
    if !hasty.is_empty() {
        return Err(Hasty(hasty));
    }
    let rest = SHIPPED.split_once("\n\n").map_or("", |(_, rest)| rest);
    let text = format!("{}\n{rest}", head(&objectives));
    let hosts =
        [(STATUS, &places.status), (GRAFANA, &places.grafana), (RUNBOOKS, &places.runbooks)];
    Ok(hosts.into_iter().fold(text, |text, (host, place)| match place {
        Some(place) => text.replace(host, &place.0),
        None => text,
    }))
}

/// By endpoint, in the order of the config.
fn objectives(config: &Config) -> Vec<(&EndpointName, Objective)> {
    let endpoints = config.endpoints.iter().map(|endpoint| {
        let mine = config.checks.iter().filter(|check| check.endpoint.name == endpoint.name);
        let mine: Vec<&Check> = mine.map(AsRef::as_ref).collect();
        (&endpoint.name, Objective::of(endpoint.slo, &mine))
    });
    endpoints.filter(|(_, objective)| objective.checks > 0).collect()
}

/// The first paragraph: the only one that knows of SLOs.
fn head(objectives: &[(&EndpointName, Objective)]) -> String {
    let mut text = String::from(
        "# Written by watchpost rules, out of a config: write it anew after each change there.\n\
         groups:\n  \
         # The share of runs that may fail, by endpoint.\n",
    );
    let mut by_slo: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, objective) in objectives {
        let failures = objective.failures_to_page();
        append(
            &mut text,
            format_args!("  #   {name}: {} {failures} that fail page.\n", asked(objective)),
        );
        by_slo.entry(budget(objective.slo)).or_default().push(name);
    }
    let usual = budget(USUAL_SLO);
    append(&mut text, format_args!("  #   Any other: an SLO of {}.\n", percent(USUAL_SLO)));
    text.push_str(
        "  - name: watchpost-objectives\n    rules:\n      \
         - record: endpoint:slo_error_budget:ratio\n        expr: |\n",
    );
    let mut or = "";
    for (budget, names) in by_slo.iter().filter(|(budget, _)| **budget != usual) {
        // Of a name, the dot alone means something else in a pattern.
        let names = names.join("|").replace('.', "\\\\.");
        append(
            &mut text,
            format_args!(
                "          {or}{budget} * max by (job, instance, endpoint) \
                 (probe_endpoint_info{{endpoint=~\"{names}\"}})\n"
            ),
        );
        or = "or ";
    }
    append(
        &mut text,
        format_args!(
            "          {or}{usual} * max by (job, instance, endpoint) (probe_endpoint_info)\n"
        ),
    );
    text
}

/// What an SLO leaves, without the digits that subtraction makes of it.
fn budget(slo: f64) -> String {
    rounded(1.0 - slo)
}

fn percent(slo: f64) -> String {
    format!("{} %", rounded(slo * 100.0))
}

fn rounded(number: f64) -> String {
    let text = format!("{number:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Writing to a `String` cannot fail.
fn append(text: &mut String, line: fmt::Arguments<'_>) {
    text.write_fmt(line).ok();
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config(text: &str) -> Config {
        Config::parse(Path::new("/tmp/config.toml"), text).unwrap()
    }

    const THREE: &str = "[[endpoints]]\nname = \"a.b\"\nurl = \"tls://a.example:1\"\nslo = 0.98\n\
        [[endpoints]]\nname = \"c\"\nurl = \"tls://c.example:1\"\n\
        [[endpoints]]\nname = \"d\"\nurl = \"wss://d.example/\"\nslo = 0.98\n\
        origins = [{ origin = \"https://in.example\" }, { origin = \"https://out.example\", expect = \"deny\" }]\n";

    #[test]
    fn the_shipped_file_has_its_slos_in_its_first_paragraph_alone() {
        let (first, rest) = SHIPPED.split_once("\n\n").unwrap();
        assert!(first.contains("groups:") && first.contains("  - name: watchpost-objectives"));
        assert_eq!(first.matches("- name: ").count(), 1);
        assert!(first.contains("- record: endpoint:slo_error_budget:ratio"));
        assert!(!rest.contains("- record: endpoint:slo_error_budget:ratio"));
        for host in [STATUS, GRAFANA, RUNBOOKS] {
            assert!(rest.contains(host), "{host}");
        }
    }

    #[test]
    fn each_endpoint_has_the_budget_of_its_slo() {
        let text = rules(&config(THREE), &Places::default()).unwrap();
        let (head, rest) = text.split_once("\n\n").unwrap();
        assert!(
            head.ends_with(
                "          0.02 * max by (job, instance, endpoint) \
                 (probe_endpoint_info{endpoint=~\"a\\\\.b|d\"})\n          \
                 or 0.005 * max by (job, instance, endpoint) (probe_endpoint_info)"
            ),
            "{head}"
        );
        assert!(head.contains("#   a.b: an SLO of 98 %, 1 check, 120 runs an hour. 35 that fail"));
        // A page that must be kept out is not counted, as in the rules.
        assert!(head.contains("#   d: an SLO of 98 %, 1 check, 120 runs an hour. 35 that fail"));
        assert!(rest.ends_with(SHIPPED.split_once("\n\n").unwrap().1));
    }

    #[test]
    fn a_blip_that_would_page_is_refused_with_what_would_not() {
        let slow = THREE.replace("0.98", "0.9995");
        let refused = rules(&config(&slow), &Places::default()).unwrap_err().to_string();
        assert_eq!(
            refused,
            "endpoint a.b: 1 failed run in an hour would page: an SLO of 99.95 %, 1 check, 120 runs \
             an hour. Fewer than 3 are a blip.\n  write slo = 0.9988 or less, or interval = \"12s\" \
             or less\n\
             endpoint d: 1 failed run in an hour would page: an SLO of 99.95 %, 1 check, 120 runs an \
             hour. Fewer than 3 are a blip.\n  write slo = 0.9988 or less, or interval = \"12s\" or \
             less"
        );
        let daily = "[[endpoints]]\nname = \"a\"\nurl = \"tls://a.example:1\"\ninterval = \"1d\"\n";
        let refused = rules(&config(daily), &Places::default()).unwrap_err().to_string();
        assert!(refused.ends_with("\n  write interval = \"129s\" or less"), "{refused}");
    }

    #[test]
    fn links_lead_where_they_are_told_to() {
        let places = Places { status: "https://s.example/w/".parse().ok(), ..Places::default() };
        let text = rules(&config(THREE), &places).unwrap();
        assert!(text.contains("status_url: https://s.example/w/endpoint/{{ $labels.endpoint }}\n"));
        assert!(!text.contains(STATUS) && text.contains(GRAFANA));
        for wrong in
            ["shop.example", "https://a b", "https://{{ 1 }}", "https://a\nexpr: 1", "ftp://a"]
        {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
