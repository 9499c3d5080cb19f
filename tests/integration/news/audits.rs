//! `watchpost genesys audits`, in each of the ways in which it can be asked.

use std::process::Output;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use watchpost::simulator::{AllowList, Body, Org, Scripted, Simulator, Surface};

use super::{door, home, now, shop};
use crate::fixture::daemon::{Home, PATIENCE, watchpost};
use crate::incidents::until;

fn ask(home: &Home, args: &[&str]) -> Output {
    let mut command = watchpost(&["genesys", "audits", "--config"]);
    command.arg(home.config()).args(args).output().unwrap()
}

fn entries(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn edit(simulator: &Simulator, times: i64) {
    for number in 0..times {
        let at = now() - SignedDuration::from_secs(60 * (times - number));
        let list = AllowList::of(&[&format!("shop{number}.example")]);
        simulator.with(|org| org.edit_domains(Org::SHOP, list, at));
    }
}

#[test]
fn all_pages_are_listed_and_nobody_by_name() {
    let simulator = shop();
    edit(&simulator, 230);
    let home = home(&simulator, "", "");
    let output = ask(&home, &["--json", "--since", "7d"]);
    let listed = entries(&output);
    assert_eq!(listed.len(), 230);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("asking WebDeployments at once"), "{told}");
    assert!(told.contains("page 3: 230 entries of 230\n"), "{told}");
    assert!(!String::from_utf8(output.stdout).unwrap().contains("Alex"));
    assert_eq!(listed[0]["by"], Org::ADMINISTRATOR);

    let output = ask(&home, &["--entity", Org::HELP]);
    assert!(entries(&output).is_empty());
    let output = ask(&home, &["--since", "90s"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let last =
        format!("Deployment {} Update: allowedDomains shop228.example -> shop229", Org::SHOP);
    assert!(text.contains(&last), "{text}");
}

#[test]
fn a_service_that_is_not_given_at_once_is_asked_by_a_query() {
    let simulator = shop();
    edit(&simulator, 1200);
    simulator.with(|org| org.audits.realtime.clear());
    let output = ask(&home(&simulator, "", ""), &["--json"]);
    assert_eq!(entries(&output).len(), 1200);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("by a query") && told.contains("page 3: 1200 entries"), "{told}");
}

#[test]
fn a_service_that_is_refused_at_once_is_asked_by_a_query() {
    let simulator = shop();
    edit(&simulator, 3);
    simulator.with(|org| org.audits.refused.insert("WebDeployments".to_owned()));
    let home = home(&simulator, "", &door(&simulator));
    let output = ask(&home, &["--json"]);
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(told.contains("at once") && told.contains("WebDeployments was asked by a query"));
    assert_eq!(entries(&output).len(), 3);
    let daemon = home.start();
    until(&daemon, "/api/v1/changes?source=audit", |answer| !answer["changes"][2].is_null());
    // Where the query is refused as well, that is said.
    simulator.with(|org| org.audits.fail = true);
    assert_eq!(ask(&home, &[]).status.code(), Some(1));
}

#[test]
fn a_service_that_fails_keeps_no_other_from_being_read() {
    let simulator = shop();
    edit(&simulator, 3);
    // Neither comes first everywhere.
    let services = "audit-services = [\"Routing\", \"WebDeployments\", \"Zeal\"]\n";
    simulator.with(|org| org.audits.fail = true);
    let home = home(&simulator, services, &door(&simulator));
    let daemon = home.start();
    until(&daemon, "/api/v1/changes?source=audit", |answer| !answer["changes"][2].is_null());
    let is_told = |answer: &Value| !answer["audits"]["trouble"].is_null();
    let news = until(&daemon, "/api/v1/news", is_told);
    let message = news["audits"]["trouble"]["message"].as_str().unwrap();
    assert!(message.starts_with("Routing: "), "{message}");
}

#[test]
fn a_listing_that_is_cut_is_read_in_pieces_and_nothing_of_it_is_passed_over() {
    let simulator = shop();
    edit(&simulator, 3);
    let usual = || Scripted::new(200, Body::Usual);
    // More is there, and nobody says where: it happens to a whole day, and to half of it.
    let cut = || Scripted::json(200, "{\"entities\": [], \"cursor\": 7}");
    simulator.script(Surface::Audits, [usual(), cut(), usual(), cut()]);
    let home = home(&simulator, "", &door(&simulator));
    let daemon = home.start();
    until(&daemon, "/api/v1/changes?source=audit", |answer| !answer["changes"][2].is_null());
    until(&daemon, "/api/v1/news", |answer| !answer["audits"]["read_at"].is_null());
    let seen = simulator.seen(Surface::Audits);
    let asked: Vec<[Timestamp; 2]> = seen
        .iter()
        .filter_map(|seen| {
            let body: Value = serde_json::from_slice(&seen.body).ok()?;
            let (from, to) = body["interval"].as_str()?.split_once('/')?;
            Some([from.parse().unwrap(), to.parse().unwrap()])
        })
        .collect();
    let [whole, half, quarters @ ..] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(quarters.len(), 4, "{asked:?}");
    assert_eq!((half[0], quarters[0][0]), (whole[0], whole[0]), "{asked:?}");
    assert!(half[1] < whole[1] && quarters[0][1] < half[1], "{asked:?}");
    assert!(quarters.windows(2).all(|two| two[0][1] == two[1][0]), "{asked:?}");
    assert_eq!(quarters[3][1], whole[1]);
}

#[test]
fn the_seeds_are_asked_as_they_ask() {
    let simulator = shop();
    edit(&simulator, 150);
    let output =
        ask(&home(&simulator, "compat = \"seed\"\n", ""), &["--json", "--entity", Org::SHOP]);
    assert_eq!(entries(&output).len(), 150);
    assert_eq!(simulator.requests(Surface::SeedAudits), 2);
    assert_eq!(simulator.requests(Surface::Audits), 0);
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let simulator = shop();
    simulator.with(|org| org.missing_permissions.insert("audits:audit:view".to_owned()));
    let home = home(&simulator, "", "");
    let output = ask(&home, &[]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("audits:audit:view") && told.contains("\n  do: Give one of"), "{told}");
    simulator.with(|org| {
        org.missing_permissions.clear();
        org.audits.realtime.clear();
        org.audits.fail = true;
    });
    assert_eq!(ask(&home, &[]).status.code(), Some(1));
    for wrong in
        [&["--since", "soon"][..], &["--from", "2030-01-01T00:00:00Z"], &["--entity", "a b"]]
    {
        assert_eq!(ask(&home, wrong).status.code(), Some(2), "{wrong:?}");
    }
    let without = Home::new("[[endpoints]]\nname = \"a\"\nurl = \"ws://127.0.0.1:9/\"\n");
    assert_eq!(ask(&without, &[]).status.code(), Some(78));
}

#[test]
fn the_daemon_makes_each_entry_a_change_once_also_over_a_restart() {
    let simulator = shop();
    edit(&simulator, 3);
    let home = home(&simulator, "", &door(&simulator));
    let path = "/api/v1/changes?source=audit";
    let is_read = |answer: &Value| !answer["audits"]["read_at"].is_null();
    let daemon = home.start();
    let listed = until(&daemon, path, |answer| !answer["changes"][2].is_null());
    assert_eq!(listed["changes"].as_array().unwrap().len(), 3, "{listed:#}");
    let newest = &listed["changes"][0];
    assert_eq!((&newest["endpoint"], &newest["who"]), (&"shop".into(), &Org::ADMINISTRATOR.into()));
    let what = newest["what"].as_str().unwrap();
    assert!(what.ends_with("allowedDomains shop1.example -> shop2.example"), "{what}");
    daemon.metrics_until("three", PATIENCE, |page| {
        page.contains("watchpost_change_events_total{source=\"audit\"} 3\n")
    });
    drop(daemon);
    let daemon = home.start();
    until(&daemon, "/api/v1/news", is_read);
    let listed = until(&daemon, path, |answer| !answer["changes"][2].is_null());
    assert_eq!(listed["changes"].as_array().unwrap().len(), 3, "{listed:#}");
    daemon.metrics_until("none", PATIENCE, |page| {
        page.contains("watchpost_change_events_total{source=\"audit\"} 0\n")
    });
}

#[test]
fn a_missing_permission_is_shown_and_ends_nothing() {
    let simulator = shop();
    simulator.with(|org| org.missing_permissions.insert("audits:audit:view".to_owned()));
    // The first run of a check comes within its interval.
    let door = door(&simulator).replace("name = \"shop\"", "name = \"shop\"\ninterval = \"10s\"");
    let home = home(&simulator, "", &door);
    let daemon = home.start();
    let is_told = |answer: &Value| answer["audits"]["trouble"]["code"] == "missing_permission";
    until(&daemon, "/api/v1/news", is_told);
    assert!(daemon.get("/").contains("The audit log cannot be read"));
    daemon.wait_for_line("result=success");
}
