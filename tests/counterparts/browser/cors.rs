//! Requests of a page to another origin: what Chromium lets it read can be read, and what it keeps
//! back is kept back for the same reason.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use watchpost::check::fetch::Fetch;
use watchpost::check::header::Header;
use watchpost::check::origin::Origin;
use watchpost::outcome::cors::error::Blocked;
use watchpost::outcome::cors::{self, Request};
use watchpost::outcome::failure::Failure;
use watchpost::outcome::header::Header as Received;
use watchpost::outcome::phase::Phase;
use watchpost::probe::head::Head;

use super::asking::{self, Case, PAGES};
use super::chance::Chance;
use super::door::{self, filled};
use super::{Browser, ask};
use crate::checks::{check, run};

/// Requests of a random run.
const RANDOM: usize = 600;

/// Fewest errors that Chromium names in a run: fewer, and the cases are too much alike.
const ENDS: usize = 12;

/// What Chromium says where a redirect leads to nothing, whether or not it might have followed.
const NOWHERE: [&str; 3] =
    ["net::ERR_INVALID_REDIRECT", "net::ERR_UNSAFE_REDIRECT", "net::ERR_CONNECTION_REFUSED"];

/// What a page comes to.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// The name of the error; `None` where the page can read the answer.
    error: Option<String>,
    /// What the preflight asked for: its method, and its headers.
    asked: Option<(String, Option<String>)>,
}

impl End {
    /// Whether Chromium's is the program's.
    fn is(&self, ours: &Self) -> bool {
        let redirected =
            matches!(ours.error.as_deref(), None | Some("PreflightDisallowedRedirect"));
        let nowhere = self.error.as_deref().is_some_and(|error| NOWHERE.contains(&error));
        self.asked == ours.asked && (self.error == ours.error || nowhere && redirected)
    }
}

/// What preflights ask for, by the number of the case.
type Asked = Arc<Mutex<BTreeMap<usize, (String, Option<String>)>>>;

/// Two ports: for pages, and for what they ask.
async fn serve(cases: &[Case], asked: Asked) -> (u16, u16) {
    let pages = door::serve(1, |request| match request.path() {
        "null" => door::PAGE
            .replace("\r\n\r\n", "\r\nContent-Security-Policy: sandbox allow-scripts\r\n\r\n")
            .into(),
        _ => door::PAGE.into(),
    });
    let pages = pages.await[0];
    let answers: Vec<_> = cases
        .iter()
        .map(|case| {
            let page = PAGES[case.page].origin(pages);
            [&case.preflight, &case.answer].map(|template| filled(template, "ORIGIN", &page))
        })
        .collect();
    let answering = move |request: &door::Request| {
        let method = request.header("Access-Control-Request-Method");
        let number: Result<usize, _> = request.path().parse();
        let Ok(number) = number else {
            return open_to(request);
        };
        let Some(method) = method.filter(|_| request.method() == "OPTIONS") else {
            return answers[number][1].clone();
        };
        let names = request.header("Access-Control-Request-Headers").map(str::to_owned);
        asked.lock().unwrap().insert(number, (method.to_owned(), names));
        answers[number][0].clone()
    };
    (pages, door::serve(1, answering).await[0])
}

/// Where redirects lead: whoever asks may read this.
fn open_to(request: &door::Request) -> Vec<u8> {
    let asked = |name| request.header(name).unwrap_or_default();
    format!(
        "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: {}\r\n\
         Access-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: {}\r\n\
         Access-Control-Allow-Headers: {}\r\n\r\n",
        asked("Origin"),
        asked("Access-Control-Request-Method"),
        asked("Access-Control-Request-Headers"),
    )
    .into_bytes()
}

/// What Chromium makes of them.
async fn theirs(
    browser: Browser,
    cases: &[Case],
    asked: &Asked,
    pages: u16,
    port: u16,
) -> Vec<End> {
    let of_page = |page: usize| {
        let numbered = cases.iter().enumerate().filter(move |(_, case)| case.page == page);
        numbered.map(|(number, _)| number)
    };
    let jobs = PAGES.iter().enumerate().map(|(page, address)| {
        let requests: Vec<_> = of_page(page)
            .map(|number| {
                let case = &cases[number];
                let url = format!("http://api.test:{port}/{number}");
                json!({ "url": url, "method": case.method, "headers": case.headers,
                    "credentials": case.credentials, "body": case.body })
            })
            .collect();
        json!({ "page": address.url(pages), "requests": requests })
    });
    let job = json!({ "fetches": jobs.collect::<Vec<_>>() });
    let results = ask(browser, job).await;
    let numbers = (0..PAGES.len()).flat_map(of_page);
    let results = results.as_array().unwrap().iter().flat_map(|page| page.as_array().unwrap());
    let mut asked = asked.lock().unwrap();
    let mut ends: Vec<_> = numbers
        .zip(results)
        .map(|(number, result): (usize, &Value)| {
            let readable = result["readable"].as_bool().unwrap();
            let message = result["message"].as_str().unwrap_or_default();
            let error = (!readable).then(|| named(message));
            (number, End { error, asked: asked.remove(&number) })
        })
        .collect();
    ends.sort_by_key(|(number, _)| *number);
    ends.into_iter().map(|(_, end)| end).collect()
}

/// A name of Chromium's for an error; what its network says becomes the reason for that.
fn named(message: &str) -> String {
    match super::websocket::reason(message) {
        Some(reason) if message.starts_with("net::") => format!("{reason:?}"),
        _ => message.to_owned(),
    }
}

/// What the program's judge makes of one.
async fn ours(case: &Case, pages: u16) -> End {
    let origin: Origin = PAGES[case.page].origin(pages).parse().unwrap();
    let headers = case.headers.iter().map(|(name, value)| Header::from_page(name, value).unwrap());
    let fetch = Fetch::new(case.method.parse().unwrap(), headers.collect(), case.credentials);
    let fetch = match case.body {
        Some(body) => fetch.unwrap().with_body(body.to_owned()).unwrap(),
        None => fetch.unwrap(),
    };
    let request = Request { origin: &origin, fetch: &fetch };
    let asked =
        request.needs_preflight().then(|| (request.fetch.method().to_string(), request.names()));
    let mut error = None;
    if asked.is_some() {
        let answer = filled(&case.preflight, "ORIGIN", &origin.to_string());
        error = judged(&answer, |status, headers| {
            cors::judge_preflight(&request, status, headers).err()
        })
        .await;
    }
    if error.is_none() {
        let answer = filled(&case.answer, "ORIGIN", &origin.to_string());
        error = judged(&answer, |status, headers| {
            cors::judge_response(&request, status, headers).err()
        })
        .await;
    }
    End { error, asked }
}

/// The name of what is wrong with an answer, interim ones left aside.
async fn judged(
    answer: &[u8],
    judge: impl Fn(u16, &[Received<'_>]) -> Option<Blocked>,
) -> Option<String> {
    let mut rest = answer.to_vec();
    loop {
        let read = match Head::read(&mut &rest[..], Phase::Request).await {
            Ok(head) => {
                let read = head.parse(|status, _, headers| {
                    let interim = (100..200).contains(&status);
                    Ok((!interim).then(|| judge(status, headers)))
                });
                rest = head.into_rest();
                read
            }
            Err(failure) => Err(failure),
        };
        match read {
            Ok(None) => {}
            Ok(Some(blocked)) => return blocked.map(|blocked| blocked.error.chromium().to_owned()),
            Err(failure) => return Some(format!("{:?}", failure.reason())),
        }
    }
}

/// What the program's probe makes of one, over the wire.
async fn probed(case: &Case, number: usize, asked: &Asked, pages: u16, port: u16) -> End {
    let text = |text: &str| toml::Value::from(text).to_string();
    let headers: Vec<_> =
        case.headers.iter().map(|(name, value)| format!("{name} = {}", text(value))).collect();
    let body = case.body.map_or_else(String::new, |body| format!("body = {}, ", text(body)));
    let keys = format!(
        "timeout = \"10s\"\nconnect-to = \"127.0.0.1:{port}\"\nprobes = [\"cors\"]\n\
         origins = [{{ origin = \"{}\" }}]\n\
         cors = {{ method = \"{}\", credentials = {}, headers = {{ {} }}, {body}forgeries = false }}",
        PAGES[case.page].origin(pages),
        case.method,
        case.credentials,
        headers.join(", "),
    );
    let outcome = run(&check(&format!("http://api.test:{port}/{number}"), &keys)).await;
    let error = outcome.failure.and_then(|failure| match failure {
        Failure::CorsBlocked(blocked) => Some(blocked.error.chromium().to_owned()),
        // The page can read it, or follow.
        Failure::HttpStatusUnexpected(_) | Failure::CorsRedirected { .. } => None,
        failure => Some(format!("{:?}", failure.reason())),
    });
    End { error, asked: asked.lock().unwrap().remove(&number) }
}

/// Where Chromium and the program's judge differ, or its probe over the wire.
async fn differences(cases: &[Case]) -> Vec<String> {
    let asked = Asked::default();
    let (pages, port) = serve(cases, asked.clone()).await;
    let theirs = theirs(Browser::Chromium, cases, &asked, pages, port).await;
    let mut differences = Vec::new();
    let mut met = BTreeMap::<_, usize>::new();
    for ((number, case), theirs) in cases.iter().enumerate().zip(&theirs) {
        *met.entry(theirs.error.as_deref().unwrap_or("readable")).or_default() += 1;
        let ours = ours(case, pages).await;
        if !theirs.is(&ours) {
            differences.push(format!("Chromium {theirs:?}, we {ours:?}: {case:?}"));
        }
        // A config gives each name once.
        let mut names: Vec<_> = case.headers.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        if names.len() == case.headers.len() {
            let probed = probed(case, number, &asked, pages, port).await;
            if !theirs.is(&probed) {
                differences.push(format!("Chromium {theirs:?}, the probe {probed:?}: {case:?}"));
            }
        }
    }
    assert!(met.len() >= ENDS, "too little variety: {met:?}");
    differences
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_requests_do_as_in_chromium() {
    let cases = asking::named();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let differences = differences(&cases).await;
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_requests_do_as_in_chromium() {
    let seed = Chance::seed("CORS_SEED");
    let mut chance = Chance::new(seed);
    let cases: Vec<_> = (0..RANDOM).map(|_| asking::random(&mut chance)).collect();
    let differences = differences(&cases).await;
    assert!(differences.is_empty(), "CORS_SEED={seed}\n{}", differences.join("\n"));
}

/// What Firefox asks for that Chromium lets go unasked: its own hints for servers.
const HINTS: [&str; 7] =
    ["DPR", "Device-Memory", "Downlink", "ECT", "RTT", "Save-Data", "Viewport-Width"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_requests_do_as_in_firefox() {
    // It does not take a redirect to nowhere for an answer either.
    let nowhere = |case: &Case| case.name.ends_with(" to \"\"");
    let hints = |case: &Case| HINTS.contains(&case.name.as_str());
    let mut cases = asking::named();
    cases.retain(|case| !nowhere(case) && !hints(case));
    let asked = Asked::default();
    let (pages, port) = serve(&cases, asked.clone()).await;
    let theirs = theirs(Browser::Firefox, &cases, &asked, pages, port).await;
    let mut differences = Vec::new();
    for (case, theirs) in cases.iter().zip(&theirs) {
        let ours = ours(case, pages).await;
        if theirs.error.is_some() != ours.error.is_some() || theirs.asked != ours.asked {
            differences.push(format!("Firefox {theirs:?}, we {ours:?}: {case:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
