//! Deployments at Genesys Cloud, in a running daemon: known, found, changed, discovered, kept.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::{Duration, Instant};
use watchpost::clock;
use watchpost::simulator::{
    AllowList, Channel, Deployment, Enforcement, Org, Scripted, Simulator, Status, Surface,
};

use crate::fixture::daemon::{Daemon, Home, PATIENCE, watchpost};
use crate::fixture::raw;

/// An organisation, and a folder with a config that asks it.
struct Scene {
    simulator: Simulator,
    home: Home,
}

impl Scene {
    /// `endpoints` is all of the config that is not about the organisation.
    fn new(keys: &str, endpoints: &str) -> Self {
        // Nothing was changed lately.
        let simulator = Simulator::shop(hour_ago()).unwrap();
        let home = Home::new("");
        fs::write(home.path().join("ca.pem"), simulator.root_pem()).unwrap();
        fs::write(home.path().join("secret"), Org::SECRET).unwrap();
        let scene = Self { simulator, home };
        scene.write(keys, endpoints);
        scene
    }

    fn write(&self, keys: &str, endpoints: &str) {
        self.home.write(&self.config(keys, endpoints));
    }

    fn config(&self, keys: &str, endpoints: &str) -> String {
        let (base, sockets) = (self.simulator.base(), self.simulator.socket_base());
        format!(
            "[defaults]\ninterval = \"1s\"\nca-file = \"ca.pem\"\n\
             [genesys]\nregion = \"eu-west-1\"\nclient-id = \"{}\"\n\
             client-secret = {{ file = \"secret\" }}\nca-file = \"ca.pem\"\n\
             login-url = \"{base}\"\napi-url = \"{base}\"\ncdn-url = \"{base}\"\n\
             messaging-url = \"{sockets}\"\nrefresh = \"1s\"\nrequests-per-minute = 10000\nconnections-per-minute = 1000\n{keys}\n\
             {endpoints}",
            Org::CLIENT
        )
    }

    fn shop(&self, change: impl FnOnce(&mut Deployment)) {
        self.simulator.with(|org| change(org.deployment(Org::SHOP).unwrap()));
    }
}

fn hour_ago() -> Timestamp {
    clock::now() - SignedDuration::from_hours(1)
}

/// The shop's door, for two pages of the shop and for a stranger.
fn door(simulator: &Simulator) -> String {
    format!(
        "[[endpoints]]\nname = \"shop\"\nurl = \"{}\"\norigins = [\n\
         {{ origin = \"https://shop.example\" }},\n{{ origin = \"https://www.shop.example\" }},\n\
         {{ origin = \"https://evil.example\", expect = \"deny\" }} ]\n",
        simulator.messaging_url(Org::SHOP)
    )
}

fn scene_with_door(keys: &str) -> Scene {
    let scene = Scene::new(keys, "");
    let door = door(&scene.simulator);
    scene.write(keys, &door);
    scene
}

/// Asks until it is as it shall be; gives what was answered then.
#[track_caller]
fn until(daemon: &Daemon, path: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen: Value = serde_json::from_str(&daemon.get(path)).unwrap();
        if is(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what}:\n{seen:#}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// One deployment of `/api/v1/deployments`.
fn deployment<'a>(seen: &'a Value, id: &str) -> Option<&'a Value> {
    seen["deployments"].as_array()?.iter().find(|deployment| deployment["id"] == id)
}

/// What was found of the shop's pages, by origin.
fn findings(seen: &Value) -> Vec<(String, String, bool)> {
    let shop = deployment(seen, Org::SHOP).map_or(&Value::Null, |shop| &shop["findings"]);
    let found = shop.as_array().into_iter().flatten().map(|found| {
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        (text("origin"), text("finding"), found["propagating"].as_bool().unwrap())
    });
    found.collect()
}

/// Waits until the shop's two pages and the stranger are found so.
#[track_caller]
fn until_found(daemon: &Daemon, wanted: [&str; 3]) -> Value {
    until_of(daemon, Org::SHOP, &wanted)
}

/// Waits until the pages of a deployment are found so.
#[track_caller]
fn until_of(daemon: &Daemon, id: &str, wanted: &[&str]) -> Value {
    until(daemon, "/api/v1/deployments", &format!("{wanted:?}"), |seen| {
        let found = deployment(seen, id).and_then(|deployment| deployment["findings"].as_array());
        let found = found.into_iter().flatten().map(|found| found["finding"].as_str().unwrap());
        found.eq(wanted.iter().copied())
    })
}

#[test]
fn each_finding_is_seen_where_it_is_so() {
    let scene = scene_with_door("");
    let daemon = scene.home.start();
    let seen = until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
    assert!(findings(&seen).iter().all(|(_, _, propagating)| !propagating), "{seen:#}");
    let shop = deployment(&seen, Org::SHOP).unwrap();
    assert_eq!((&shop["name"], &shop["status"]), (&"Shop messenger".into(), &"active".into()));
    assert_eq!(shop["allowed_domains"], serde_json::json!(["shop.example"]));
    assert_eq!(shop["sources"]["api"]["answer"], "said");
    let page = daemon.get("/");
    assert!(page.contains("Shop messenger") && page.contains("origin_not_allowed"), "{page}");
    let series = "watchpost_genesys_finding{endpoint=\"shop\",origin=\"https://evil.example\",\
        expect=\"deny\",finding=\"origin_not_allowed\"} 1";
    assert!(daemon.get("/metrics").contains(series));

    // The servers hold another list than the API.
    scene.shop(|shop| shop.socket = AllowList::of(&["www.shop.example"]));
    until_found(&daemon, ["origin_enforcement_drift", "ok", "origin_not_allowed"]);

    // Nobody is refused.
    scene.shop(|shop| {
        shop.propagate();
        shop.enforcement = Enforcement::Open;
    });
    until_found(&daemon, ["ok", "ok", "origin_enforcement_gap"]);

    // Everybody is.
    scene.shop(|shop| shop.enforcement = Enforcement::Deny);
    until_found(&daemon, ["deployment_refused"; 3]);

    // The CDN is behind.
    scene.shop(|shop| {
        shop.enforcement = Enforcement::Suffix;
        shop.cdn = AllowList::of(&["shop.example", "evil.example"]);
    });
    let seen = until_found(&daemon, ["ok", "ok", "cdn_stale"]);
    let differences = &deployment(&seen, Org::SHOP).unwrap()["contradictions"];
    assert!(differences[0].as_str().unwrap().contains("-evil.example"), "{differences}");
    assert!(daemon.get("/metrics").contains("watchpost_genesys_cdn_differs{endpoint=\"shop\"} 1"));
}

#[test]
fn a_deployment_with_too_many_connections_says_nothing_of_pages() {
    let scene = scene_with_door("");
    let daemon = scene.home.start();
    until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
    scene.shop(|shop| shop.connections_per_minute = 0);
    until_found(&daemon, ["throttled"; 3]);
    scene.shop(|shop| shop.connections_per_minute = 1000);
    until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_of_the_chat_that_was_removed_is_told_as_that() {
    let gone = raw::answering("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n").await;
    let door = format!(
        "[[endpoints]]\nname = \"shop\"\nurl = \"ws://{}/webchat/v1\"\ndeployment = \"{}\"\n\
         probes = [\"websocket\"]\norigins = [ {{ origin = \"https://shop.example\" }} ]\n",
        gone.address,
        Org::SHOP
    );
    let scene = Scene::new("", &door);
    let daemon = scene.home.start();
    let seen = until_of(&daemon, Org::SHOP, &["legacy_api_removed"]);
    let found = &deployment(&seen, Org::SHOP).unwrap()["findings"][0];
    assert!(found["sentence"].as_str().unwrap().contains("removed"), "{found:#}");
}

#[test]
fn a_list_that_lets_nobody_in_is_why_pages_are_refused() {
    let scene = scene_with_door("");
    scene.shop(|shop| shop.allow(AllowList::of(&["https://shop.example"])));
    let daemon = scene.home.start();
    let seen = until_found(&daemon, ["origin_not_allowed"; 3]);
    let found = &deployment(&seen, Org::SHOP).unwrap()["findings"][0];
    assert_eq!(found["evidence"]["shut_out_by"], "scheme");
    assert!(found["sentence"].as_str().unwrap().contains("lets nobody in (scheme)"), "{found:#}");
    assert_eq!(found["fix"], "Write the host name alone.");
    let page = daemon.get("/");
    assert!(page.contains("lets nobody in (scheme)"), "{page}");
    for accept in ["text/html", "text/plain"] {
        let (_, page) = daemon.get_with("/endpoint/shop", &format!("Accept: {accept}\r\n"));
        assert!(page.contains("lets nobody in (scheme)"), "{page}");
        assert!(page.contains("Write the host name alone."), "{page}");
    }

    scene.shop(|shop| shop.allow(AllowList::default()));
    until(&daemon, "/api/v1/deployments", "an empty list", |seen| {
        let found = deployment(seen, Org::SHOP).map(|shop| &shop["findings"][0]);
        found.is_some_and(|found| found["evidence"]["shut_out_by"] == "blocks_all")
    });
    until_found(&daemon, ["origin_not_allowed"; 3]);
    // One entry that works shows that the list does.
    scene.shop(|shop| shop.allow(AllowList::of(&["https://shop.example", "www.shop.example"])));
    until_found(&daemon, ["origin_not_allowed", "ok", "origin_not_allowed"]);
}

#[test]
fn findings_are_of_what_guests_see_behind_the_door() {
    let scene = Scene::new("", "");
    let door = format!(
        "[[endpoints]]\nname = \"shop\"\ndeployment = \"{}\"\ntimeout = \"900ms\"\norigins = [\n\
         {{ origin = \"https://shop.example\" }},\n{{ origin = \"https://www.shop.example\" }},\n\
         {{ origin = \"https://evil.example\", expect = \"deny\" }} ]\n",
        Org::SHOP
    );
    scene.write("", &door);
    let daemon = scene.home.start();
    until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
    let levels = |daemon: &Daemon| -> Vec<Value> {
        let seen: Value = serde_json::from_str(&daemon.get("/api/v1/checks")).unwrap();
        let checks = seen["checks"].as_array().unwrap().iter();
        checks.map(|check| check["last"]["messaging"]["level"].clone()).collect()
    };
    assert_eq!(levels(&daemon), ["configuration".into(), "configuration".into(), Value::Null]);
    let page = daemon.get("/");
    for text in [
        "Guest: <b>L2</b> of L2: the application told how the deployment is configured",
        "Guest: <b>L0</b>: the socket did not open",
    ] {
        assert!(page.contains(text), "no {text:?} in {page}");
    }

    // The servers hold another list, or none.
    scene.shop(|shop| shop.socket = AllowList::of(&["www.shop.example"]));
    until_found(&daemon, ["origin_enforcement_drift", "ok", "origin_not_allowed"]);
    scene.shop(|shop| {
        shop.propagate();
        shop.enforcement = Enforcement::Open;
    });
    until_found(&daemon, ["ok", "ok", "origin_enforcement_gap"]);
    assert!(daemon.get("/").contains("Guest: <b>L2</b>: the application told"));

    // The socket opens to all, and the application looks at pages: one that it turns away is not in.
    scene.shop(|shop| {
        shop.enforcement = Enforcement::AtFirstFrame;
        shop.socket = AllowList::of(&["www.shop.example"]);
    });
    until_found(&daemon, ["origin_enforcement_drift", "ok", "origin_not_allowed"]);
    scene.shop(|shop| shop.propagate());

    // The socket opens, and the application is switched off, or does not know the deployment.
    scene.shop(|shop| shop.enforcement = Enforcement::Suffix);
    until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
    for code in [4000, 404] {
        let frame = serde_json::json!({ "type": "response", "class": "string", "code": code, "body": "<b>off" });
        let many = std::iter::repeat_n(frame.to_string(), 1000);
        scene.simulator.with(|org| org.messaging.scripted = many.collect());
        until_found(&daemon, ["deployment_refused"; 3]);
        assert!(daemon.get("/").contains("Guest: <b>L1</b> of L2: the socket opened"));
        scene.simulator.with(|org| org.messaging.scripted.clear());
        until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
    }

    // It says nothing at all: that is no matter of pages.
    scene.simulator.with(|org| org.messaging.silent = true);
    until_found(&daemon, ["undetermined"; 3]);
}

#[test]
fn a_change_is_told_and_may_still_be_propagating() {
    let scene = scene_with_door("");
    let daemon = scene.home.start();
    until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
    scene.shop(|shop| {
        shop.api = AllowList::of(&["shop.example", "evil.example"]);
        shop.cdn = shop.api.clone();
        shop.configuration.version += 1;
        shop.modified = clock::now();
    });
    let seen = until_found(&daemon, ["ok", "ok", "origin_enforcement_drift"]);
    assert!(findings(&seen)[2].2, "it was changed a moment ago: {seen:#}");
    let changes = until(&daemon, "/api/v1/changes?source=deployment", "a change", |seen| {
        !seen["changes"].as_array().unwrap().is_empty()
    });
    let change = &changes["changes"][0];
    let what = format!(
        "deployment {} \"Shop messenger\": allowed domains +evil.example; \
         configuration version 1 to 2",
        Org::SHOP
    );
    assert_eq!((&change["endpoint"], &change["what"]), (&"shop".into(), &what.as_str().into()));
}

#[test]
fn what_was_known_last_stays_with_its_age_over_a_restart() {
    let scene = scene_with_door("");
    let mut daemon = scene.home.start();
    until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    let Scene { simulator, home } = scene;
    drop(simulator);
    let daemon = home.start();
    let seen = until(&daemon, "/api/v1/deployments", "a round without answers", |seen| {
        seen["round"]["trouble"].is_object() && deployment(seen, Org::SHOP).is_some()
    });
    let shop = deployment(&seen, Org::SHOP).unwrap();
    assert_eq!(shop["allowed_domains"], serde_json::json!(["shop.example"]));
    for source in ["api", "domains", "config"] {
        let source = &shop["sources"][source];
        assert_eq!((&source["answer"], &source["stale"]), (&"trouble".into(), &true.into()));
        assert!(source["said_at"].is_string(), "{source:#}");
    }
    assert!(findings(&seen).iter().all(|(_, finding, _)| finding == "undetermined"), "{seen:#}");
    assert!(daemon.get("/metrics").contains("watchpost_genesys_refresh_success 0"));
    assert!(daemon.get("/").contains("stale"));
}

#[test]
fn files_that_have_not_changed_are_not_sent_again_and_wrong_fields_are_named() {
    let scene = scene_with_door("");
    let daemon = scene.home.start();
    until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
    let conditional = |surface| {
        let seen = scene.simulator.seen(surface);
        seen.iter().filter(|seen| seen.headers.contains_key("if-none-match")).count()
    };
    let deadline = Instant::now() + PATIENCE;
    while conditional(Surface::CdnDomains) == 0 || conditional(Surface::CdnConfig) == 0 {
        assert!(Instant::now() < deadline, "{:?}", scene.simulator.seen(Surface::CdnDomains));
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let odd = "{\"allowAllDomains\": \"no\", \"allowedDomains\": [\"shop.example\", 7]}";
    scene.shop(|shop| shop.modified = hour_ago());
    scene.simulator.script(Surface::CdnDomains, (0..9).map(|_| Scripted::json(200, odd)));
    let seen = until(&daemon, "/api/v1/deployments", "warnings", |seen| {
        let warnings = |shop: &Value| shop["sources"]["domains"]["warnings"].clone();
        let wanted = ["allowAllDomains is no boolean", "allowedDomains[] is no text"];
        deployment(seen, Org::SHOP).map(warnings) == Some(serde_json::json!(wanted))
    });
    assert_eq!(seen["region"], "eu-west-1");
}

#[test]
fn deployments_that_no_endpoint_names_become_endpoints() {
    let scene = Scene::new("discover = true", "");
    let daemon = scene.home.start();
    let names = |seen: &Value| -> Vec<String> {
        let checks = seen["checks"].as_array().unwrap().iter();
        let names = checks.map(|check| check["id"].as_str().unwrap().split('/').next().unwrap());
        let names: std::collections::BTreeSet<_> = names.map(str::to_owned).collect();
        names.into_iter().collect()
    };
    let endpoints = |daemon: &Daemon, wanted: &[&str]| {
        until(daemon, "/api/v1/checks", &format!("{wanted:?}"), |seen| names(seen) == wanted)
    };
    endpoints(&daemon, &["Help-centre", "Shop-messenger"]);
    let checks = until(&daemon, "/api/v1/checks", "they run", |seen| {
        seen["checks"].as_array().unwrap().iter().all(|check| check["health"] == "up")
    });
    let ids: Vec<_> = checks["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "Shop-messenger/messaging/https://shop.example",
            "Shop-messenger/messaging/https://not-allowed.watchpost.invalid",
            "Help-centre/messaging/https://anybody.watchpost.invalid",
        ]
    );
    until_of(&daemon, Org::SHOP, &["ok", "origin_not_allowed"]);
    until_of(&daemon, Org::HELP, &["ok"]);
    let seen: Value = serde_json::from_str(&daemon.get("/api/v1/deployments")).unwrap();
    assert_eq!(deployment(&seen, Org::CAMPAIGN).unwrap()["skipped"], "not_active");

    // Another one comes; errors take none away; a word does.
    scene.simulator.with(|org| {
        org.deployment(Org::CAMPAIGN).unwrap().status = Status::Active;
    });
    endpoints(&daemon, &["Help-centre", "Shop-messenger", "Spring-campaign"]);
    let down = || Scripted::json(503, "{}");
    scene.simulator.script(Surface::Deployments, (0..50).map(|_| down()));
    until(&daemon, "/api/v1/deployments", "trouble", |seen| seen["round"]["trouble"].is_object());
    scene.simulator.with(|org| org.scripts.clear());
    endpoints(&daemon, &["Help-centre", "Shop-messenger", "Spring-campaign"]);
    scene.simulator.with(|org| org.deployments.retain(|one| one.id != Org::HELP));
    endpoints(&daemon, &["Shop-messenger", "Spring-campaign"]);

    // One that the file names is the file's.
    scene.write("discover = true", &door(&scene.simulator));
    daemon.signal("HUP");
    endpoints(&daemon, &["Spring-campaign", "shop"]);

    // More than there is room for is not taken up, and what runs goes on.
    let config = scene.config("discover = true", &door(&scene.simulator));
    scene.home.write(&format!("max-series = 1500\n{config}"));
    daemon.signal("HUP");
    endpoints(&daemon, &["Spring-campaign", "shop"]);
    let many = (0..60).map(|n| {
        let id = format!("{n:08}-0000-4000-8000-00000000000a");
        Deployment::new(&id, &format!("Many {n}"), &["shop.example"], hour_ago())
    });
    scene.simulator.with(|org| org.deployments.extend(many));
    daemon.wait_for_line("what was discovered is not taken up, and what runs goes on");
    daemon.metrics_until("a warning", PATIENCE, |page| {
        page.contains("watchpost_genesys_discovery_refused 1")
    });
    endpoints(&daemon, &["Spring-campaign", "shop"]);
    drop(daemon);

    // A restart without the API begins with what was there.
    scene.simulator.with(|org| org.deployments.truncate(2));
    let Scene { simulator, home } = scene;
    home.write(&config);
    let daemon = home.start();
    endpoints(&daemon, &["Spring-campaign", "shop"]);
    drop(daemon);
    drop(simulator);
    let daemon = home.start();
    endpoints(&daemon, &["Spring-campaign", "shop"]);
}

#[test]
fn an_organisation_comes_and_goes_with_the_config() {
    let scene = scene_with_door("");
    let daemon = scene.home.start();
    until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
    let text = scene.config("", &door(&scene.simulator));
    let (before, rest) = text.split_once("[genesys]").unwrap();
    let (_, endpoints) = rest.split_once("[[endpoints]]").unwrap();
    scene.home.write(&format!("{before}[[endpoints]]{endpoints}"));
    daemon.signal("HUP");
    until(&daemon, "/api/v1/deployments", "nothing", |seen| seen["region"].is_null());
    assert!(!daemon.get("/metrics").contains("watchpost_genesys_finding"));
    assert!(!daemon.get("/").contains("Deployments"));
    scene.home.write(&text);
    daemon.signal("HUP");
    until_found(&daemon, ["ok", "ok", "origin_not_allowed"]);
}

#[test]
fn the_command_lists_deployments_without_a_daemon() {
    let scene = scene_with_door("");
    let config = scene.home.config();
    let run = |more: &[&str]| {
        let mut command = watchpost(&["genesys", "deployments", "--config"]);
        let output = command.arg(&config).args(more).output().unwrap();
        let told = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), told.concat())
    };
    let (status, told) = run(&[]);
    assert_eq!(status, Some(1), "one of them is not in use: {told}");
    for text in
        ["Shop messenger", "allowed domains: shop.example", "all domains allowed", "inactive"]
    {
        assert!(told.contains(text), "{told}");
    }
    scene.simulator.with(|org| org.deployments.truncate(1));
    scene.shop(|shop| shop.allow(AllowList::of(&["https://shop.example", "shop.example"])));
    let (status, told) = run(&["--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((status, &told["region"]), (Some(0), &"eu-west-1".into()));
    let odd = &told["deployments"][0]["oddities"][0];
    assert_eq!((&odd["oddity"], &odd["instead"]), (&"scheme".into(), &"shop.example".into()));
    scene.simulator.script(
        Surface::Token,
        (0..3).map(|_| {
            Scripted::json(
                401,
                "{\"error\":\"invalid_client\",\"description\":\"authentication failed\"}",
            )
        }),
    );
    let (status, told) = run(&[]);
    assert_eq!(status, Some(3), "{told}");
    assert!(told.contains("the OAuth client's secret is wrong"), "{told}");
    let usage = watchpost(&["genesys", "deployments", "--deployment", "x"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn a_list_that_is_not_read_to_its_end_is_said() {
    let scene = Scene::new("discover = true", "");
    let page =
        |next: String| Scripted::json(200, &format!("{{\"entities\":[],\"nextUri\":{next}}}"));
    let after = |cursor: usize| page(format!("\"/api/v2/x?after={cursor}\""));
    let run = |pages: Vec<Scripted>| {
        scene.simulator.script(Surface::Deployments, pages);
        let mut command = watchpost(&["genesys", "deployments", "--config"]);
        let output = command.arg(scene.home.config()).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let told = run((1..=5).map(after).collect());
    assert!(told.contains("more than 500 deployments"), "{told}");
    assert!(run(vec![after(1), after(1)]).contains("leads to the same page again"));
    for nowhere in ["\"/api/v2/x?pageNumber=2\"", "7"] {
        let told = run(vec![page(nowhere.to_owned())]);
        assert!(told.contains("says nothing that leads there"), "{nowhere}: {told}");
    }
    assert!(!run(vec![page("null".to_owned())]).contains("not looked at"));

    let daemon = scene.home.start();
    until(&daemon, "/api/v1/deployments", "a whole list", |seen| {
        !seen["round"]["ended_at"].is_null() && seen["round"]["cut"].is_null()
    });
    let endpoints = |seen: &Value| !seen["checks"][0].is_null();
    until(&daemon, "/api/v1/checks", "endpoints", endpoints);
    scene.simulator.script(Surface::Deployments, (0..1000).map(|_| page("7".to_owned())));
    let seen = until(&daemon, "/api/v1/deployments", "a cut list", |seen| {
        seen["round"]["cut"]["code"] == "no_cursor"
    });
    assert!(seen["round"]["trouble"].is_null(), "every question was answered: {seen:#}");
    daemon.wait_for_line("not every deployment is read");
    assert!(daemon.get("/").contains("says nothing that leads there"));
    let checks: Value = serde_json::from_str(&daemon.get("/api/v1/checks")).unwrap();
    assert!(endpoints(&checks), "what is left out of such a list is not gone: {checks:#}");
}

#[test]
fn diagnose_says_what_the_list_predicts() {
    let scene = Scene::new("", "");
    let origins = "origins = [{ origin = \"https://new.example\" }]";
    let url = scene.simulator.messaging_url(Org::SHOP);
    scene.write("", &format!("[[endpoints]]\nname = \"shop\"\nurl = \"{url}\"\n{origins}\n"));
    let run = |more: &[&str]| {
        let mut command = watchpost(&["diagnose", "shop", "--budget", "8", "--config"]);
        let output = command.arg(scene.home.config()).args(more).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let told = run(&[]);
    assert!(told.contains("the page is not listed"), "{told}");
    scene.shop(|shop| {
        shop.allow(AllowList::of(&["new.example"]));
        shop.socket = AllowList::of(&["www.new.example"]);
    });
    let told: Value = serde_json::from_str(&run(&["--json"])).unwrap();
    let listed = &told["listed"];
    assert_eq!((&listed["predicted"], &listed["entry"]), (&"allow".into(), &"new.example".into()));
    scene.shop(|shop| shop.propagate());
    let told: Value = serde_json::from_str(&run(&["--json"])).unwrap();
    assert_eq!(told["listed"]["finding"], "ok", "{told:#}");
}

#[test]
fn a_channel_of_the_seeds_is_a_source_of_truth() {
    const CHANNEL: &str = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
    let keys = "compat = \"seed\"\norigin-match = \"strict\"";
    let scene = Scene::new(keys, "");
    let channel = Channel::new(CHANNEL, &scene.simulator.base(), &["https://app.example.com"]);
    scene.simulator.with(|org| org.seeds.channels.push(channel));
    let sockets = scene.simulator.socket_base();
    let endpoint = format!(
        "[[endpoints]]\nname = \"shop\"\nurl = \"{sockets}/webchat\"\n\
         users = {{ deployments = [\"{CHANNEL}\"] }}\norigins = [\n\
         {{ origin = \"https://app.example.com\" }},\n\
         {{ origin = \"https://evil.example\", expect = \"deny\" }} ]\n"
    );
    scene.write(keys, &endpoint);
    let daemon = scene.home.start();
    let seen = until_of(&daemon, CHANNEL, &["ok", "origin_not_allowed"]);
    let shop = deployment(&seen, CHANNEL).unwrap();
    assert_eq!((&shop["name"], &shop["status"]), (&"Shop webchat".into(), &"active".into()));
    assert_eq!(shop["findings"][0]["evidence"]["by_api"], "allow");
    assert_eq!(shop["findings"][1]["evidence"]["by_api"], "deny");

    scene.simulator.with(|org| {
        let mut all = org.seeds.channels.iter_mut();
        let channel = all.find(|channel| channel.id == CHANNEL).unwrap();
        channel.body["webchatSettings"]["corsAllowedOrigins"] =
            serde_json::json!(["https://app.example.com", "https://evil.example"]);
    });
    until_of(&daemon, CHANNEL, &["ok", "ok"]);
    let told = until(&daemon, "/api/v1/changes?source=deployment", "a change", |seen| {
        !seen["changes"][0].is_null()
    });
    let what = told["changes"][0]["what"].as_str().unwrap();
    assert!(what.contains("+https://evil.example"), "{what}");
}
