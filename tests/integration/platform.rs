//! The platform API at its worst: each fault has its name, nobody is asked too early or too often,
//! and one request for a token serves a storm.

mod faults;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Duration, Instant};
use watchpost::platform::{Api, Call, Kind, Platform, Reply, Trouble};
use watchpost::simulator::{self, Org, Simulator, Surface};

use crate::fixture::daemon::{Home, PATIENCE, sum};
use crate::fixture::platform::{Act, Scripted, answer, ok};
use crate::fixture::raw;

const PATH: &str = "/api/v2/webdeployments/deployments?pageSize=100";

fn get() -> Call<'static> {
    Call::get(Api::Deployments, PATH)
}

fn code(result: &Result<Reply, Trouble>) -> &'static str {
    result.as_ref().map_or_else(|trouble| trouble.kind.code(), |_| "ok")
}

async fn storm(platform: &Platform, calls: usize) -> Vec<&'static str> {
    let results = join_all((0..calls).map(|_| platform.call(get()))).await;
    results.iter().map(code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_says_who_asks_and_what() {
    let server = Scripted::open(vec![], vec![]).await;
    let platform = server.platform();
    let reply = platform.call(get()).await.unwrap();
    assert_eq!((reply.status, reply.json), (200, json!({"good": true})));
    let token = &server.tokens()[0];
    assert!(token.head.starts_with("POST /login/oauth/token HTTP/1.1\r\n"), "{}", token.head);
    // the-client:hunter2
    assert_eq!(raw::header(&token.head, "authorization"), Some("Basic dGhlLWNsaWVudDpodW50ZXIy"));
    assert_eq!(raw::header(&token.head, "content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(token.body, "grant_type=client_credentials");
    let call = &server.calls()[0];
    assert_eq!(call.path, format!("/api{PATH}"));
    assert_eq!(raw::header(&call.head, "authorization"), Some("Bearer token-1"));
    assert!(raw::header(&call.head, "user-agent").unwrap().starts_with("watchpost/"));
    for absent in ["cookie", "referer", "accept-encoding"] {
        assert_eq!(raw::header(&call.head, absent), None);
    }
    let put = Call::new(Api::Deployments, http::Method::PUT, "/x").body(json!({"a": 1}));
    platform.call(put).await.unwrap();
    let call = &server.calls()[1];
    assert_eq!((call.body.as_str(), server.tokens().len()), ("{\"a\":1}", 1));
    assert_eq!(raw::header(&call.head, "content-type"), Some("application/json"));
    assert!(!format!("{platform:?}").contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_is_sent_where_one_is_configured() {
    let server = Scripted::open(vec![], vec![]).await;
    let mut account = server.account();
    account.scope = Some("webchat:webchat:write a&b".to_owned());
    Platform::new(account).unwrap().call(get()).await.unwrap();
    let body = &server.tokens()[0].body;
    assert_eq!(body, "grant_type=client_credentials&scope=webchat%3Awebchat%3Awrite+a%26b");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_public_needs_no_token_and_what_is_not_has_none() {
    let server = Scripted::open(vec![], vec![]).await;
    let mut account = server.account();
    account.credentials = None;
    let platform = Platform::new(account).unwrap();
    assert_eq!(code(&platform.call(Call::get(Api::CdnDomains, "/x.json")).await), "ok");
    assert_eq!(code(&platform.call(get()).await), "no_credentials");
    assert_eq!((server.tokens().len(), server.calls().len()), (0, 1));
    assert_eq!(raw::header(&server.calls()[0].head, "authorization"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_out_of_an_answer_is_opened_where_it_is_the_regions() {
    let server = Scripted::open(vec![], vec![]).await;
    let stranger = Scripted::open(vec![], vec![]).await;
    let platform = server.platform();
    let at = |address| format!("http://{address}/config.json").parse().unwrap();
    let own = platform.public(Api::CdnConfig, &at(server.address)).await;
    assert_eq!(code(&own), "ok");
    let other = platform.public(Api::CdnConfig, &at(stranger.address)).await;
    assert_eq!(code(&other), "foreign_url");
    assert_eq!((server.calls().len(), stranger.calls().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_calls_needs_one_token() {
    let server = Scripted::open(vec![], vec![]).await;
    let platform = server.platform();
    assert_eq!(storm(&platform, 50).await, ["ok"; 50]);
    assert_eq!(server.tokens().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_refusals_needs_one_token() {
    let server = Scripted::open(vec![], vec![]).await;
    let platform = server.platform();
    platform.call(get()).await.unwrap();
    // The first 50 are refused, whichever token they have: those of the storm.
    let refused = answer("401 Unauthorized", "", "{\"code\":\"bad.credentials\"}");
    let mut script = vec![refused.clone(); 50];
    script.push(ok("{}"));
    server.say(script);
    let results = storm(&platform, 50).await;
    assert_eq!(server.tokens().len(), 2, "one for the storm");
    // A call whose second try was among the 50 is refused for good.
    assert!(results.iter().all(|code| ["ok", "unauthorized"].contains(code)), "{results:?}");
    // An API that refuses everything gets no request for a token with every call.
    server.say(vec![refused]);
    assert_eq!(storm(&platform, 50).await, ["unauthorized"; 50]);
    assert_eq!(code(&platform.call(get()).await), "unauthorized");
    assert_eq!(server.tokens().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_shares_what_is_wrong_with_the_client() {
    let said = "{\"error\":\"invalid_client\",\"error_description\":\"authentication failed\"}";
    let server = Scripted::open(vec![answer("401 Unauthorized", "", said)], vec![]).await;
    let platform = server.platform();
    assert_eq!(storm(&platform, 50).await, ["wrong_secret"; 50]);
    assert_eq!(code(&platform.call(get()).await), "wrong_secret");
    assert_eq!((server.tokens().len(), server.calls().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_a_surface_that_wants_to_be_left_alone() {
    let busy = answer("429 Too Many Requests", "Retry-After: 2\r\n", "{}");
    let server = Scripted::open(vec![], vec![busy, ok("{}")]).await;
    let platform = server.platform();
    let began = Instant::now();
    let hasty = platform.call(get().within(Duration::from_millis(1500))).await.unwrap_err();
    assert!(matches!(hasty.kind, Kind::RateLimited { .. }), "{hasty}");
    assert!(began.elapsed() < Duration::from_millis(1500), "it waits for nothing");
    let told = server.calls()[0].at;
    // The CDN said nothing of the kind.
    platform.call(Call::get(Api::CdnDomains, "/x.json")).await.unwrap();
    assert_eq!(server.calls().len(), 2);
    assert_eq!(storm(&platform, 20).await, ["ok"; 20]);
    for call in &server.calls()[2..] {
        assert!(call.at - told >= Duration::from_secs(2), "{:?} after it", call.at - told);
    }
    assert_eq!(server.calls().len(), 22);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_asked_than_the_config_allows() {
    let server = Scripted::open(vec![], vec![]).await;
    let mut account = server.account();
    account.requests_per_minute = 12;
    let platform = Platform::new(account).unwrap();
    // Two at once, and another in 5 s: these cannot wait for that.
    let calls = (0..10).map(|_| platform.call(get().within(Duration::from_secs(2))));
    let results: Vec<_> = join_all(calls).await.iter().map(code).collect();
    assert_eq!(results.iter().filter(|code| **code == "ok").count(), 2, "{results:?}");
    assert_eq!(results.iter().filter(|code| **code == "throttled").count(), 8);
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn little_that_is_left_is_not_used_up_at_once() {
    let headers = "inin-ratelimit-allowed: 100\r\ninin-ratelimit-count: 100\r\n\
        inin-ratelimit-reset: 2\r\n";
    let server = Scripted::open(vec![], vec![answer("200 OK", headers, "{}"), ok("{}")]).await;
    let platform = server.platform();
    platform.call(get()).await.unwrap();
    platform.call(get()).await.unwrap();
    let calls = server.calls();
    assert!(calls[1].at - calls[0].at >= Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_leaves_the_next_its_turn() {
    let server = Scripted::open(vec![Act::Silence], vec![]).await;
    let platform = server.platform();
    let call = platform.call(get());
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err());
    let late = platform.call(get().within(Duration::from_millis(300))).await;
    assert_eq!(code(&late), "timed_out");
    assert_eq!(server.tokens().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_more_time_does_not_fail_with_the_one_that_asked_first() {
    let good = ok("{\"access_token\":\"t\",\"token_type\":\"bearer\",\"expires_in\":86399}");
    let server = Scripted::open(vec![Act::Silence, good], vec![]).await;
    let platform = server.platform();
    let hasty = platform.call(get().within(Duration::from_millis(300)));
    let patient = platform.call(get());
    let (hasty, patient) = tokio::join!(hasty, patient);
    assert_eq!((code(&hasty), code(&patient)), ("timed_out", "ok"));
    assert_eq!(server.tokens().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_may_not_be_made_take_no_place_from_others() {
    let busy = answer("429 Too Many Requests", "Retry-After: 60\r\n", "{}");
    let server = Scripted::open(vec![], vec![busy]).await;
    let mut account = server.account();
    // Two at once, and another in 5 s.
    account.requests_per_minute = 12;
    let platform = Platform::new(account).unwrap();
    for _ in 0..10 {
        let result = platform.call(get().within(Duration::from_secs(1))).await;
        assert_eq!(code(&result), "rate_limited");
    }
    assert_eq!(server.calls().len(), 1);
}

#[test]
fn other_settings_are_no_reason_to_ask_before_retry_after() {
    let simulator = Simulator::shop(watchpost::clock::now()).unwrap();
    let busy = simulator::Scripted::json(429, "{}").header("retry-after", "6");
    simulator.script(Surface::Deployments, [busy]);
    let (base, client) = (simulator.base(), Org::CLIENT);
    let config = |refresh: &str| {
        format!(
            "[genesys]\nregion = \"eu-west-1\"\nclient-id = \"{client}\"\n\
             client-secret = {{ file = \"secret\" }}\nca-file = \"ca.pem\"\ndiscover = true\n\
             login-url = \"{base}\"\napi-url = \"{base}\"\ncdn-url = \"{base}\"\n\
             audits = false\nstatus-page = false\nrefresh = \"{refresh}\"\n"
        )
    };
    let home = Home::new(&config("5m"));
    std::fs::write(home.path().join("ca.pem"), simulator.root_pem()).unwrap();
    std::fs::write(home.path().join("secret"), Org::SECRET).unwrap();
    let daemon = home.start();
    let asked = |times| {
        daemon.metrics_until("questions", PATIENCE, |_| {
            simulator.requests(Surface::Deployments) >= times
        });
        simulator.seen(Surface::Deployments)
    };
    let told = asked(1)[0].at;
    for refresh in ["6m", "7m"] {
        home.write(&config(refresh));
        daemon.signal("HUP");
        daemon.wait_for_line("config read again");
    }
    let after = asked(2)[1].at - told;
    assert!(after >= Duration::from_secs(6), "asked again after {after:?}");
}

fn runs(page: &str) -> f64 {
    sum(page, "watchpost_schedule_delay_seconds_count")
}

/// How late this share of all runs began at the most, as far as buckets tell.
fn lateness(page: &str, share: f64) -> f64 {
    let wanted = (share * runs(page)).ceil();
    let buckets = page.lines().filter_map(|line| {
        let rest = line.strip_prefix("watchpost_schedule_delay_seconds_bucket{le=\"")?;
        let (bound, count) = rest.split_once("\"} ")?;
        Some((bound.parse::<f64>().ok()?, count.parse::<f64>().ok()?))
    });
    let found = buckets.filter(|(_, count)| *count >= wanted).map(|(bound, _)| bound);
    found.min_by(f64::total_cmp).unwrap_or_else(|| panic!("no lateness in\n{page}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_run_on_time_whatever_the_api_does() {
    let door = raw::answering(raw::OPEN).await;
    let flood = b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n".to_vec();
    let mut answers = faults::answers();
    assert!(answers.len() > 40, "{}", answers.len());
    answers.extend([
        answer("401 Unauthorized", "", "{}"),
        Act::Flood(flood, 100 << 20),
        ok("[".repeat(1 << 20)),
        ok(format!("[{}1]", "1,".repeat(1 << 20))),
        Act::Drip(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        answer("429 Too Many Requests", "Retry-After: 1\r\n", ""),
        answer("500 Internal Server Error", "", "\u{1b}[2J".repeat(1 << 18)),
    ]);
    let given = answers.len();
    let server = Scripted::open(vec![], answers).await;
    let base = format!("http://{}", server.address);
    let genesys = format!(
        "[genesys]\nregion = \"eu-west-1\"\nrefresh = \"1s\"\nrequests-per-minute = 10000\n\
         client-id = \"the-client\"\nclient-secret = {{ file = \"secret\" }}\n\
         login-url = \"{base}/login\"\napi-url = \"{base}/api\"\ncdn-url = \"{base}/cdn\"\n"
    );
    let mut doors = "[defaults]\ninterval = \"1s\"\n".to_owned();
    for n in 0..20 {
        doors += &format!(
            "[[endpoints]]\nname = \"door-{n}\"\n\
             url = \"ws://{}/v1?deploymentId=00000000-0000-0000-0000-0000000000{n:02}\"\n",
            door.address
        );
    }
    // How late runs are on this machine anyway.
    let daemon = Home::new(&doors).start();
    let page = daemon.metrics_until("many runs", PATIENCE, |page| runs(page) > 200.0);
    let usual = lateness(&page, 0.95);
    drop(daemon);
    let home = Home::new(&format!("{doors}{genesys}"));
    std::fs::write(home.path().join("secret"), "hunter2").unwrap();
    let daemon = home.start();
    let page = daemon.metrics_until("every answer", 3 * PATIENCE, |page| {
        server.calls().len() > given && runs(page) > 200.0
    });
    let missed: f64 = page
        .lines()
        .filter(|line| line.starts_with("probe_runs_total{") && line.contains("result=\"missed\""))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    assert_eq!(missed, 0.0, "slots were missed");
    // No run was late by a slot, and hardly one by more than where nothing is asked at all.
    assert!(lateness(&page, 1.0) <= 1.0, "{page}");
    let meanwhile = lateness(&page, 0.95);
    assert!(meanwhile <= (10.0 * usual).max(0.25), "{meanwhile} s late, and {usual} s without");
    assert!(daemon.peak_memory() < 400 * 1024 * 1024, "{} bytes", daemon.peak_memory());
}
