//! The simulated Genesys Cloud does what is known of the real one.

mod changes;
mod client;
mod messaging;
mod notifications;
mod seeds;

use jiff::Timestamp;
use serde_json::json;
use watchpost::clock;
use watchpost::simulator::{AllowList, Org, Scripted, Simulator, Status, Surface};

use super::fixture::daemon;
use client::{Api, ask};

fn now() -> Timestamp {
    clock::now()
}

fn shop() -> Simulator {
    Simulator::shop(now()).unwrap()
}

#[test]
fn a_client_logs_in_and_others_are_told_what_is_wrong() {
    let simulator = shop();
    let login = |id: &str, secret: &str| client::login(&simulator, id, secret).json();
    let token = login(Org::CLIENT, Org::SECRET);
    assert_eq!(token["token_type"], "bearer");
    assert_eq!(token["expires_in"], 86_399);
    let stranger = login("nobody", Org::SECRET);
    assert_eq!(stranger["error"], "invalid_client");
    assert_eq!(stranger["error_description"], "client not found: nobody");
    let wrong = login(Org::CLIENT, "wrong");
    assert_eq!(wrong["description"], "authentication failed");
    assert_eq!(simulator.requests(Surface::Token), 3);
    assert_eq!(simulator.with(|org| org.tokens_given()), 1);
}

#[test]
fn the_api_wants_a_token_that_is_good() {
    let simulator = shop();
    let path = "/api/v2/webdeployments/deployments";
    let none = ask(&simulator, "GET", path, "", "");
    assert_eq!((none.status, &none.json()["code"]), (401, &json!("authentication.required")));
    let api = Api::login(&simulator);
    let list = api.get(path);
    assert_eq!(list.status, 200);
    assert_eq!(list.header("inin-ratelimit-allowed"), "300");
    assert_eq!(list.header("inin-ratelimit-count"), "1");
    assert!(!list.header("inin-correlation-id").is_empty());
    simulator.with(Org::revoke_tokens);
    let revoked = api.get(path);
    assert_eq!((revoked.status, &revoked.json()["code"]), (401, &json!("bad.credentials")));
    assert_eq!(revoked.json()["contextId"], revoked.header("inin-correlation-id"));
}

#[test]
fn a_gateway_may_put_names_before_the_paths() {
    let simulator = shop();
    let api = Api::login(&simulator);
    let path = format!("/api/api/v2/webdeployments/deployments/{}", Org::SHOP);
    assert_eq!(api.get(&path).json()["name"], "Shop messenger");
    let body = "grant_type=client_credentials";
    assert_eq!(ask(&simulator, "POST", "/login/oauth/token", "", body).status, 400);
    assert_eq!(simulator.requests(Surface::Token), 2);
}

#[test]
fn deployments_come_in_pages_and_are_written() {
    let simulator = shop();
    let api = Api::login(&simulator);
    let mut path = "/api/v2/webdeployments/deployments?pageSize=2".to_owned();
    let mut ids = Vec::new();
    loop {
        let page = api.get(&path).json();
        ids.extend(page["entities"].as_array().unwrap().iter().map(|one| one["id"].clone()));
        match page["nextUri"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => break,
        }
    }
    assert_eq!(ids, [Org::SHOP, Org::HELP, Org::CAMPAIGN]);

    let path = format!("/api/v2/webdeployments/deployments/{}", Org::SHOP);
    let mut shop = api.get(&path).json();
    shop["allowedDomains"] = json!(["shop.example", "m.example"]);
    let written = api.put(&path, &shop.to_string(), "");
    assert_eq!((written.status, &written.json()["allowedDomains"]), (200, &shop["allowedDomains"]));
    assert_eq!(cdn(&simulator, "domains.json").json()["allowedDomains"], shop["allowedDomains"]);
    shop["allowAllDomains"] = json!(true);
    assert_eq!(api.put(&path, &shop.to_string(), "").status, 400);
    assert_eq!(api.get("/api/v2/webdeployments/deployments/none").status, 404);
}

#[test]
fn a_permission_may_be_missing_and_a_minute_has_its_limit() {
    let simulator = shop();
    let api = Api::login(&simulator);
    let permission = "webDeployments:deployment:view";
    simulator.with(|org| org.missing_permissions.insert(permission.to_owned()));
    let refused = api.get("/api/v2/webdeployments/deployments");
    assert_eq!(refused.status, 403);
    assert!(refused.json()["message"].as_str().unwrap().ends_with(permission));
    simulator.with(|org| org.requests_per_minute = 1);
    let limited = api.get("/api/v2/webdeployments/deployments");
    assert_eq!(limited.status, 429);
    let seconds: u32 = limited.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds));
    assert_eq!(limited.json()["code"], "too.many.requests.retry.after");
}

fn cdn(simulator: &Simulator, file: &str) -> client::Answer {
    let path = format!("/webdeployments/v1/deployments/{}/{file}", Org::SHOP);
    ask(simulator, "GET", &path, "", "")
}

#[test]
fn the_cdn_has_files_of_what_is_published() {
    let simulator = shop();
    let domains = cdn(&simulator, "domains.json");
    assert_eq!(domains.header("access-control-allow-origin"), "*");
    assert_eq!(
        domains.json(),
        json!({ "allowAllDomains": false, "allowedDomains": ["shop.example"] })
    );
    let tag = domains.header("etag");
    let path = format!("/webdeployments/v1/deployments/{}/domains.json", Org::SHOP);
    let again = ask(&simulator, "GET", &path, &format!("If-None-Match: {tag}\r\n"), "");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let config = cdn(&simulator, "config.json").json();
    assert_eq!(config["status"], "Active");
    let endpoint = &config["messenger"]["apps"]["conversations"]["messagingEndpoint"];
    assert_eq!(*endpoint, simulator.socket_base());

    simulator.with(|org| {
        let shop = org.deployment(Org::SHOP).unwrap();
        shop.api = AllowList::everybody();
        shop.status = Status::Inactive;
    });
    assert_eq!(cdn(&simulator, "domains.json").body, domains.body, "not propagated");
    assert_eq!(cdn(&simulator, "config.json").json()["status"], "Inactive");
    simulator.with(|org| org.deployment(Org::SHOP).unwrap().published = false);
    let gone = cdn(&simulator, "domains.json");
    assert_eq!((gone.status, gone.header("content-type")), (403, "application/xml"));
}

#[test]
fn answers_are_scripted_one_by_one() {
    let simulator = shop();
    let page = Scripted::new(200, watchpost::simulator::Body::Repeated(b'x', 200_000));
    let busy = Scripted::json(503, "{}").header("retry-after", "7");
    simulator.script(Surface::CdnDomains, [busy, page]);
    let first = cdn(&simulator, "domains.json");
    assert_eq!((first.status, first.header("retry-after")), (503, "7"));
    assert!(cdn(&simulator, "domains.json").body.len() >= 200_000);
    assert_eq!(cdn(&simulator, "domains.json").json()["allowAllDomains"], false);
    let seen = simulator.seen(Surface::CdnDomains);
    assert_eq!(seen.len(), 3);
    assert!(seen.is_sorted_by_key(|seen| seen.at));
}

#[test]
fn the_door_with_tls_is_one_that_the_probe_knows() {
    let simulator = shop();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, simulator.root_pem()).unwrap();
    let check = |deployment: &str, origin: &str| {
        let output = daemon::watchpost(&["check", &simulator.messaging_url(deployment)])
            .args(["--json", "--origin", origin, "--ca"])
            .arg(&ca)
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["reason"].as_str().unwrap_or("success").to_owned()
    };
    assert_eq!(check(Org::SHOP, "https://www.shop.example"), "success");
    assert_eq!(check(Org::SHOP, "https://evil.example"), "upgrade_refused");
    assert_eq!(check(Org::HELP, "https://evil.example"), "success");
    assert_eq!(check(Org::CAMPAIGN, "https://spring.example"), "upgrade_refused");
    assert_eq!(simulator.requests(Surface::Messaging), 4);
}
