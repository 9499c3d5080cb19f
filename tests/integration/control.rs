//! A refusal counts only beside a page that gets in at the same door.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use watchpost::check::Check;
use watchpost::outcome::Outcome;
use watchpost::outcome::failure::Failure;
use watchpost::outcome::reason::Reason;
use watchpost::outcome::verdict::Verdict;
use watchpost::probe::Prober;

use crate::fixture::checks::config;
use crate::fixture::nameserver::{self, Answer};
use crate::fixture::raw::{self, OPEN, Server};

const ORIGINS: &str = "origins = [{ origin = \"https://evil.test\", expect = \"deny\" }, \
    { origin = \"null\", expect = \"deny\" }, { origin = \"none\", expect = \"deny\" }, \
    { origin = \"https://shop.test\" }, { origin = \"https://m.shop.test\" }]";

const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";

/// Lets one page in, and answers all others with this.
async fn admit(mut stream: TcpStream, page: &str, refusal: &str) {
    let request = raw::request(&mut stream).await;
    let admitted = raw::header(&request, "Origin") == Some(page);
    let answer = raw::answer_to(&request, if admitted { OPEN } else { refusal });
    // The peer may have had enough already.
    stream.write_all(answer.as_bytes()).await.ok();
    raw::hold(stream).await;
}

async fn admitting(page: &'static str, refusal: &'static str) -> Server {
    raw::serve(move |stream| admit(stream, page, refusal)).await
}

/// The checks of a plain server: three that must be refused, and two that must get in.
struct Matrix {
    prober: Prober,
    denied: Vec<Arc<Check>>,
    allowed: Vec<Arc<Check>>,
}

impl Matrix {
    fn of(url: &str, keys: &str, nameservers: &[SocketAddr]) -> Self {
        let config = config(url, &format!("{ORIGINS}\n{keys}"));
        let prober = Prober::new(&config.endpoints, nameservers, None);
        let (denied, allowed) = config.checks.split_at(3);
        Self { prober, denied: denied.to_vec(), allowed: allowed.to_vec() }
    }

    fn plain(server: &Server, keys: &str) -> Self {
        Self::of(&format!("ws://{}/", server.address), keys, &[])
    }
}

fn told(outcome: &Outcome) -> (Verdict, Option<Reason>) {
    (outcome.verdict, outcome.failure.as_ref().map(Failure::reason))
}

const PASSES: (Verdict, Option<Reason>) = (Verdict::Pass, None);
const UNPROVEN: (Verdict, Option<Reason>) = (Verdict::Inconclusive, Some(Reason::ControlFailed));

fn visits(server: &Server) -> usize {
    server.visits.load(Ordering::SeqCst)
}

#[tokio::test]
async fn a_server_that_refuses_everybody_proves_no_allow_list() {
    let server = admitting("nobody", FORBIDDEN).await;
    let matrix = Matrix::plain(&server, "");
    let outcome = matrix.prober.run(&matrix.denied[0], 0).await;
    assert_eq!(told(&outcome), UNPROVEN);
    assert_eq!(outcome.observation.http_status, Some(403));
    let evidence = outcome.failure.unwrap().evidence();
    let seen = "https://shop.test does not get in: upgrade_refused, 403";
    assert!(evidence.starts_with(seen), "{evidence}");
}

#[tokio::test]
async fn a_server_that_refuses_the_denied_alone_passes() {
    let server = admitting("https://shop.test", FORBIDDEN).await;
    let matrix = Matrix::plain(&server, "");
    for check in &matrix.denied {
        assert_eq!(told(&matrix.prober.run(check, 0).await), PASSES);
    }
    // Each of the three, and one control for all of them.
    assert_eq!(visits(&server), 4);
    // An allowed run of the same round is as good as a control.
    matrix.prober.run(&matrix.allowed[0], 1).await;
    assert_eq!(told(&matrix.prober.run(&matrix.denied[0], 1).await), PASSES);
    assert_eq!(visits(&server), 6);
}

#[tokio::test]
async fn those_who_ask_at_a_time_ask_once() {
    let server = admitting("https://shop.test", FORBIDDEN).await;
    let matrix = Matrix::plain(&server, "");
    let run = |place: usize| matrix.prober.run(&matrix.denied[place], 0);
    let (one, two, three) = tokio::join!(run(0), run(1), run(2));
    assert_eq!([told(&one), told(&two), told(&three)], [PASSES; 3]);
    assert_eq!(visits(&server), 4);
}

#[tokio::test]
async fn a_denied_page_that_gets_in_fails_and_needs_no_control() {
    let server = admitting("https://evil.test", FORBIDDEN).await;
    let matrix = Matrix::plain(&server, "");
    let outcome = matrix.prober.run(&matrix.denied[0], 0).await;
    assert_eq!(told(&outcome), (Verdict::Fail, Some(Reason::OriginAccepted)));
    assert_eq!(visits(&server), 1);
}

#[tokio::test]
async fn socket_io_refuses_with_400() {
    let refusal = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let server = admitting("https://shop.test", refusal).await;
    let matrix = Matrix::plain(&server, "refusal-statuses = [400]");
    assert_eq!(told(&matrix.prober.run(&matrix.denied[0], 0).await), PASSES);
    let shut = admitting("nobody", refusal).await;
    let matrix = Matrix::plain(&shut, "refusal-statuses = [400]");
    assert_eq!(told(&matrix.prober.run(&matrix.denied[0], 0).await), UNPROVEN);
    // Without the setting it is no refusal, whoever gets in.
    let matrix = Matrix::plain(&server, "");
    let outcome = matrix.prober.run(&matrix.denied[0], 0).await;
    assert_eq!(told(&outcome), (Verdict::Inconclusive, Some(Reason::UpgradeNotOffered)));
}

#[tokio::test]
async fn each_node_of_a_pool_is_held_against_itself() {
    let good = admitting("https://shop.test", FORBIDDEN).await;
    let port = good.address.port();
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), port)).await.unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(admit(stream, "nobody", FORBIDDEN));
        }
    });
    let pool = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];
    let nameserver = nameserver::serve(Answer::Addresses(pool.map(Into::into).to_vec())).await;
    let matrix = Matrix::of(&format!("ws://door.test:{port}/"), "", &[nameserver]);
    for (turn, verdict) in [(0, PASSES), (1, UNPROVEN), (2, PASSES), (3, UNPROVEN)] {
        let outcome = matrix.prober.run(&matrix.denied[0], turn).await;
        let address = outcome.observation.address.unwrap();
        assert_eq!(address.ip(), pool[turn as usize % 2]);
        assert_eq!(told(&outcome), verdict, "at {address}");
    }
}

#[tokio::test]
async fn what_was_so_in_another_round_proves_nothing_in_this_one() {
    let shut = Arc::new(AtomicBool::new(false));
    let closes = shut.clone();
    let server = raw::serve(move |stream| {
        let page = if closes.load(Ordering::SeqCst) { "nobody" } else { "https://shop.test" };
        admit(stream, page, FORBIDDEN)
    })
    .await;
    let matrix = Matrix::plain(&server, "");
    assert_eq!(told(&matrix.prober.run(&matrix.allowed[0], 0).await), PASSES);
    shut.store(true, Ordering::SeqCst);
    assert_eq!(told(&matrix.prober.run(&matrix.denied[0], 1).await), UNPROVEN);
    shut.store(false, Ordering::SeqCst);
    assert_eq!(told(&matrix.prober.run(&matrix.denied[0], 2).await), PASSES);
}

#[tokio::test]
async fn the_control_is_the_page_that_got_in_last() {
    let server = admitting("https://m.shop.test", FORBIDDEN).await;
    let matrix = Matrix::plain(&server, "");
    assert_eq!(told(&matrix.prober.run(&matrix.denied[0], 0).await), UNPROVEN);
    assert_eq!(told(&matrix.prober.run(&matrix.allowed[1], 0).await), PASSES);
    assert_eq!(told(&matrix.prober.run(&matrix.denied[0], 0).await), PASSES);
    assert_eq!(told(&matrix.prober.run(&matrix.denied[0], 1).await), PASSES);
}

#[tokio::test]
async fn a_control_that_hangs_ends_with_the_run_and_is_in_none_of_its_phases() {
    let server = raw::serve(|mut stream| async move {
        let request = raw::request(&mut stream).await;
        if raw::header(&request, "Origin") == Some("https://evil.test") {
            stream.write_all(FORBIDDEN.as_bytes()).await.ok();
        }
        raw::hold(stream).await;
    })
    .await;
    let matrix = Matrix::plain(&server, "timeout = \"700ms\"");
    let begun = Instant::now();
    let outcome = matrix.prober.run(&matrix.denied[0], 0).await;
    let took = begun.elapsed();
    assert_eq!(told(&outcome), UNPROVEN);
    let evidence = outcome.failure.unwrap().evidence();
    assert!(evidence.contains("https://shop.test does not get in: "), "{evidence}");
    assert!(took < Duration::from_millis(1_000), "{took:?}");
    assert!(outcome.observation.phases.total() < Duration::from_millis(500));
}
