//! A prober that cannot tell good from bad is found out, and nothing that it says is published.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watchpost::app::App;
use watchpost::check::origin::{Expect, Origin, OriginRule};
use watchpost::check::probe::{Cors, Probe, ProbeKind};
use watchpost::check::{Check, CheckId};
use watchpost::config::Config;
use watchpost::outcome::Outcome;
use watchpost::outcome::failure::Failure;
use watchpost::outcome::phase::Phase;
use watchpost::outcome::reason::Reason;
use watchpost::outcome::verdict::Verdict;
use watchpost::probe::Prober;

use crate::fixture::daemon::{Home, PATIENCE, sum};
use crate::fixture::raw::{self, OPEN};

type Run = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Stands between the prober and all who ask it.
type Saboteur = Arc<dyn Fn(Arc<Prober>, Arc<Check>, u64) -> Run + Send + Sync>;

/// Changes what a real run told.
fn lying(lie: impl Fn(&Check, Outcome) -> Outcome + Send + Sync + 'static) -> Saboteur {
    let lie = Arc::new(lie);
    Arc::new(move |prober, check, turn| {
        let lie = lie.clone();
        Box::pin(async move {
            let outcome = prober.run(&check, turn).await;
            lie(&check, outcome)
        })
    })
}

/// Asks something else than it was told to, and tells honestly what came of it.
fn erring(other: impl Fn(&Check) -> Check + Send + Sync + 'static) -> Saboteur {
    let other = Arc::new(other);
    Arc::new(move |prober, check, turn| {
        let other = other(&check);
        Box::pin(async move { prober.run(&other, turn).await })
    })
}

fn honest() -> Saboteur {
    lying(|_, outcome| outcome)
}

fn pass(outcome: Outcome) -> Outcome {
    Outcome { verdict: Verdict::Pass, failure: None, ..outcome }
}

fn let_in(check: &Check, outcome: Outcome) -> Outcome {
    match check.expect() {
        Expect::Allow => pass(outcome),
        Expect::Deny => {
            let failure = Some(Failure::OriginAccepted);
            Outcome { verdict: Verdict::Fail, failure, ..outcome }
        }
    }
}

fn page(check: &Check, origin: Origin, expect: Expect) -> Check {
    let rule = OriginRule { name: "x".to_owned(), origin, expect };
    Check { origin: Some(Arc::new(rule)), ..check.clone() }
}

/// Takes every chain that is wrong in this way.
fn credulous(reason: Reason) -> Saboteur {
    lying(move |check, outcome| match &outcome.failure {
        Some(failure) if failure.reason() == reason => let_in(check, outcome),
        _ => outcome,
    })
}

/// Tells its first outcome again and again.
fn stuck() -> Saboteur {
    let first: Arc<Mutex<Option<Outcome>>> = Arc::default();
    lying(move |_, outcome| first.lock().unwrap().get_or_insert(outcome).clone())
}

/// Tells the first outcome of each check again and again.
fn stuck_by_check() -> Saboteur {
    let first: Arc<Mutex<HashMap<CheckId, Outcome>>> = Arc::default();
    lying(move |check, outcome| {
        first.lock().unwrap().entry(check.id.clone()).or_insert(outcome).clone()
    })
}

/// Goes to the first door that it was sent to, whichever it is sent to.
fn homing() -> Saboteur {
    let first: Arc<Mutex<Option<Check>>> = Arc::default();
    erring(move |check| first.lock().unwrap().get_or_insert_with(|| check.clone()).clone())
}

fn saboteurs() -> Vec<(&'static str, Saboteur)> {
    let any_certificate = lying(|check, outcome| match outcome.failure {
        Some(Failure::CertificateRejected(_)) => let_in(check, outcome),
        _ => outcome,
    });
    let no_origin = erring(|check| page(check, Origin::Absent, check.expect()));
    let controls_origin = erring(|check| {
        let origin = check.control.as_ref().unwrap_or(check.origin.as_ref().unwrap());
        page(check, origin.origin.clone(), check.expect())
    });
    let always_pass = lying(|_, outcome| pass(outcome));
    let always_fail = lying(|_, outcome| {
        let failure = Some(Failure::ConnectionRefused);
        Outcome { verdict: Verdict::Fail, failure, ..outcome }
    });
    let never_sure = lying(|_, outcome| {
        let failure = Some(Failure::NoRoute);
        Outcome { verdict: Verdict::Inconclusive, failure, ..outcome }
    });
    // What it takes for a pass, it does not excuse.
    let timeouts_pass = lying(|check, outcome| match outcome.failure {
        Some(Failure::TimedOut(_) | Failure::MonitorLag { .. }) => let_in(check, outcome),
        _ => outcome,
    });
    let always_lags = lying(|_, outcome| {
        let (phase, stalled) = (Phase::Upgrade, Duration::from_secs(1));
        let failure = Some(Failure::MonitorLag { phase, stalled });
        Outcome { verdict: Verdict::Inconclusive, failure, ..outcome }
    });
    let any_status = lying(|check, outcome| match outcome.failure {
        Some(Failure::UpgradeRejected(_)) => let_in(check, outcome),
        None if check.expect() == Expect::Deny => let_in(check, outcome),
        _ => outcome,
    });
    let any_accept = lying(|check, outcome| match outcome.failure {
        Some(Failure::BadAccept { .. }) => let_in(check, outcome),
        _ => outcome,
    });
    let all_allowed =
        erring(|check| page(check, check.origin.as_ref().unwrap().origin.clone(), Expect::Allow));
    let no_control = lying(|_, outcome| match outcome.failure {
        Some(Failure::ControlFailed { .. }) => pass(outcome),
        _ => outcome,
    });
    let elsewhere = lying(|_, mut outcome| {
        outcome.observation.address = Some(SocketAddr::from(([127, 0, 0, 1], 1)));
        outcome
    });
    let reads_all = lying(|check, outcome| match outcome.failure {
        Some(Failure::CorsBlocked(_)) => let_in(check, outcome),
        None if check.probe.kind() == ProbeKind::Cors => let_in(check, outcome),
        _ => outcome,
    });
    let no_preflight = erring(|check| match check.probe.as_ref() {
        Probe::Cors(_) => Check { probe: Arc::new(Probe::Cors(Cors::default())), ..check.clone() },
        _ => check.clone(),
    });
    let never_ends: Saboteur = Arc::new(|_, _, _| Box::pin(std::future::pending()));
    let panics: Saboteur = Arc::new(|_, _, _| panic!("as a saboteur does"));
    vec![
        ("never ends", never_ends),
        ("panics", panics),
        ("accepts any certificate", any_certificate),
        ("accepts expired certificates", credulous(Reason::CertExpired)),
        ("accepts other hosts' certificates", credulous(Reason::CertHostnameMismatch)),
        ("accepts unknown CAs", credulous(Reason::CertUnknownIssuer)),
        ("sends no Origin", no_origin),
        ("sends the allowed Origin", controls_origin),
        ("always passes", always_pass),
        ("always fails", always_fail),
        ("is never sure", never_sure),
        ("always lags", always_lags),
        ("is stuck", stuck()),
        ("goes to another door", homing()),
        ("dials another address", elsewhere),
        ("takes timeouts for a pass", timeouts_pass),
        ("takes any status for an open door", any_status),
        ("takes any accept", any_accept),
        ("overlooks what is expected", all_allowed),
        ("needs no control", no_control),
        ("lets any page read", reads_all),
        ("asks without a preflight", no_preflight),
    ]
}

/// A daemon in this process that sees through a saboteur.
struct Watched {
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
    _home: TempDir,
}

impl Watched {
    /// Watches a door that lets one page in, and one that refuses everybody.
    async fn by(saboteur: Saboteur, selfcheck: &str) -> Self {
        let selective = raw::serve(|mut stream| async move {
            let request = raw::request(&mut stream).await;
            let answer = match raw::header(&request, "Origin") {
                Some("https://a.test") => raw::answer_to(&request, OPEN),
                _ => FORBIDDEN.to_owned(),
            };
            // The peer may have had enough already.
            tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await.ok();
            raw::hold(stream).await;
        })
        .await;
        let refusing = raw::answering(FORBIDDEN).await;
        let home = tempfile::tempdir().unwrap();
        let text = format!(
            "[daemon]\nlisten = \"127.0.0.1:0\"\n[selfcheck]\ninterval = \"1s\"\n{selfcheck}\n\
             [defaults]\ninterval = \"1s\"\norigins = [{{ origin = \"https://a.test\" }}, \
             {{ origin = \"https://evil.test\", expect = \"deny\" }}]\n\
             [[endpoints]]\nname = \"good\"\nurl = \"ws://{}/\"\n\
             [[endpoints]]\nname = \"shut\"\nurl = \"ws://{}/\"\n",
            selective.address, refusing.address
        );
        let config = Config::parse(&home.path().join("config.toml"), &text).unwrap();
        let app = App::open(config).unwrap();
        let (address, stop) = (app.address().unwrap(), CancellationToken::new());
        let (ready, is_ready) = channel();
        let ends = stop.clone();
        let thread = std::thread::spawn(move || {
            let make = move |prober: Arc<Prober>| {
                let saboteur = saboteur.clone();
                move |check, turn| saboteur(prober.clone(), check, turn)
            };
            app.run_through(make, ends, || ready.send(()).unwrap()).unwrap();
        });
        is_ready.recv_timeout(PATIENCE).unwrap();
        Self { address, stop, thread: Some(thread), _home: home }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Asks for the metrics until a page is as it shall be; gives that page.
    #[track_caller]
    fn until(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = self.get("/metrics");
            if is(&page) {
                return page;
            }
            assert!(Instant::now() < deadline, "{what}:\n{page}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // What broke in it was told by it.
            thread.join().ok();
        }
    }
}

const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";

fn runs(page: &str, result: &str) -> f64 {
    let lines = page.lines().filter(|line| line.starts_with("probe_runs_total{"));
    let mine = format!("result=\"{result}\"");
    lines.filter(|line| line.contains(&mine)).map(|line| sum(line, "probe_runs_total")).sum()
}

/// Families that say how an endpoint is.
const TOLD: [&str; 6] = [
    "probe_up{",
    "probe_success{",
    "probe_origin_accepted{",
    "probe_failure_info{",
    "probe_websocket_connection_upgraded{",
    "probe_phase_duration_seconds_count{",
];

fn tells(page: &str) -> Vec<&str> {
    let told = |line: &&str| TOLD.iter().any(|family| line.starts_with(family));
    page.lines().filter(told).collect()
}

fn is_blind(page: &str) -> bool {
    let mut checks = page.lines().filter(|line| line.starts_with("watchpost_selfcheck_success{"));
    checks.any(|line| line.ends_with(" 0"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_prober_is_believed() {
    let watched = Watched::by(honest(), "").await;
    let page = watched.until("all four are told", |page| {
        page.lines().filter(|line| line.starts_with("probe_success{")).count() >= 3
    });
    assert!(!is_blind(&page), "{page}");
    let checks = page.lines().filter(|line| line.starts_with("watchpost_selfcheck_success{"));
    assert_eq!(checks.count(), 18, "{page}");
    assert!(!watched.get("/").contains("blind\""));
    assert!(watched.get("/api/v1/checks").contains("\"blind\":null"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_saboteur_is_caught_before_a_word_of_it_is_published() {
    for (name, saboteur) in saboteurs() {
        let watched = Watched::by(saboteur, "").await;
        let ended = |page: &str| runs(page, "inconclusive") + runs(page, "missed");
        let page = watched.until(name, |page| ended(page) >= 4.0);
        assert!(is_blind(&page), "{name} is not found out:\n{page}");
        assert_eq!(tells(&page), [""; 0], "{name}");
        assert_eq!(runs(&page, "success") + runs(&page, "failure"), 0.0, "{name}");
        let ours = ["reason=\"monitor_blind\"", "reason=\"probe_panicked\""];
        let blind = page.lines().filter(|line| ours.iter().any(|ours| line.contains(ours)));
        let blind: f64 = blind.map(|line| sum(line, "probe_failures_total")).sum();
        assert_eq!(blind, runs(&page, "inconclusive"), "{name}");
        assert!(watched.get("/").contains("This monitor is blind"), "{name}");
        assert!(watched.get("/api/v1/checks").contains("\"blind\":\"canary_"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_tells_each_checks_first_outcome_is_caught_by_the_next_look() {
    let watched = Watched::by(stuck_by_check(), "").await;
    let page = watched.until("it is found out", is_blind);
    assert!(page.contains("watchpost_selfcheck_success{check=\"canary_turning\"} 0"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_known_is_forgotten_at_once_and_learnt_again() {
    let bad = Arc::new(AtomicBool::new(false));
    let goes_bad = bad.clone();
    let saboteur = lying(
        move |_, outcome| {
            if goes_bad.load(Ordering::SeqCst) { pass(outcome) } else { outcome }
        },
    );
    let watched = Watched::by(saboteur, "").await;
    let up = "probe_up{endpoint=\"good\",probe=\"websocket\",origin=\"https://a.test\",expect=\"allow\"} 1";
    let down = "probe_up{endpoint=\"shut\",probe=\"websocket\",origin=\"https://a.test\",expect=\"allow\"} 0";
    let knows = |page: &str| page.contains(up) && page.contains(down);
    watched.until("it is known who is up and down", knows);
    bad.store(true, Ordering::SeqCst);
    let page = watched.until("it is blind", is_blind);
    let counted = |page: &str| runs(page, "success") + runs(page, "failure");
    assert_eq!(tells(&page).iter().filter(|line| line.starts_with("probe_up")).count(), 0);
    let later = watched.until("more runs", |later| {
        runs(later, "inconclusive") >= runs(&page, "inconclusive") + 4.0
    });
    assert_eq!(counted(&later), counted(&page), "no run of a blind monitor counts");
    bad.store(false, Ordering::SeqCst);
    let page = watched.until("it sees again", |page| !is_blind(page) && knows(page));
    assert!(!watched.get("/").contains("This monitor is blind"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_out_is_no_downtime() {
    let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let way_out = open.local_addr().unwrap();
    // The first is closed, and one is enough.
    let keys = format!("egress = [\"127.0.0.1:1\", \"{way_out}\"]");
    let watched = Watched::by(honest(), &keys).await;
    let green = "watchpost_selfcheck_success{check=\"egress\"} 1";
    watched.until("it sees", |page| page.contains(green) && runs(page, "success") >= 1.0);
    drop(open);
    let page = watched.until("it is blind", is_blind);
    assert!(page.contains("watchpost_selfcheck_success{check=\"egress\"} 0"), "{page}");
    assert!(!page.contains("probe_up{"), "{page}");
    let _open = tokio::net::TcpListener::bind(way_out).await.unwrap();
    watched.until("it sees again", |page| page.contains(green) && page.contains("probe_up{"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_name_that_is_gone_is_no_downtime() {
    use crate::fixture::nameserver::{self, Answer};
    let here = Answer::Addresses(vec![[127, 0, 0, 1].into()]);
    let (nameserver, answers) = nameserver::serve_changing(here.clone()).await;
    let home = Home::new(&format!(
        "nameservers = [\"{nameserver}\"]\n[selfcheck]\ninterval = \"1s\"\n\
         dns-name = \"control.test\"\n\
         [[endpoints]]\nname = \"door\"\nurl = \"ws://127.0.0.1:9/\"\ninterval = \"1s\"\n"
    ));
    let daemon = home.start();
    daemon.wait_for_line("down check=door/websocket/none");
    answers.send(Answer::NoSuchName).unwrap();
    let line = daemon.wait_for_line("blind: nothing is called up or down");
    assert!(line.contains("resolver: control.test: name_not_found"), "{line}");
    let line = daemon.wait_for_line("check=door/websocket/none result=");
    assert!(line.contains("result=inconclusive reason=monitor_blind"), "{line}");
    let page = daemon.get("/metrics");
    assert!(page.contains("watchpost_selfcheck_success{check=\"resolver\"} 0"), "{page}");
    assert!(!page.contains("probe_up{"), "{page}");
    answers.send(here).unwrap();
    daemon.wait_for_line("this monitor sees again");
    daemon.wait_for_line("down check=door/websocket/none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_trusts_no_ca_accuses_nobody() {
    let home = Home::new(
        "[[endpoints]]\nname = \"door\"\nurl = \"wss://127.0.0.1:9/\"\ninterval = \"1s\"\n",
    );
    let empty = home.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let daemon = home.start_with(|command| {
        command.env("SSL_CERT_FILE", &empty).env("SSL_CERT_DIR", home.path());
    });
    let page = daemon.get("/metrics");
    assert!(page.contains("watchpost_selfcheck_success{check=\"trust_store\"} 0"), "{page}");
    let line = daemon.wait_for_line("check=door/websocket/none result=");
    assert!(line.contains("result=inconclusive reason=monitor_blind"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn self_checks_can_be_left_out() {
    let home = Home::new(
        "[selfcheck]\nenabled = false\n\
         [[endpoints]]\nname = \"door\"\nurl = \"ws://127.0.0.1:9/\"\ninterval = \"1s\"\n",
    );
    let daemon = home.start();
    daemon.wait_for_line("down check=door/websocket/none");
    assert!(!daemon.get("/metrics").contains("watchpost_selfcheck_success{"));
}
