//! Every failure, made on a real socket. A variant without a case does not compile.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use watchpost::check::Check;
use watchpost::demo::authority::Served;
use watchpost::outcome::Outcome;
use watchpost::outcome::chain::verification::VerifyFailure;
use watchpost::outcome::failure::Failure;
use watchpost::outcome::phase::Phase;
use watchpost::outcome::reason::{Fault, Reason};

use crate::fixture::checks::{check, plain, run, run_asking};
use crate::fixture::nameserver::{self, Answer};
use crate::fixture::pki::{self, HOST, Pki};
use crate::fixture::raw::{self, OPEN};
use crate::fixture::responder::{Responder, Says};
use crate::{cors, http, messaging};

/// Which test makes a failure. The match has no wildcard: a new variant wants a new test.
fn made_by(failure: &Failure) -> &'static str {
    match failure {
        Failure::NameNotFound
        | Failure::NoAddress
        | Failure::ResolverFailed { .. }
        | Failure::ResolverUnreachable => "names",
        Failure::ConnectionRefused | Failure::NoRoute => "connections",
        Failure::LocalExhaustion { .. } => "descriptors",
        // Made in lag.rs.
        Failure::MonitorLag { .. } => "lag",
        // Made in blind.rs.
        Failure::MonitorBlind { .. } => "blind",
        // Want a routing table of their own: tests/counterparts/network.rs.
        Failure::HostUnreachable | Failure::LocalDenied => "network",
        Failure::TimedOut(_) => "silence",
        Failure::Reset(_) | Failure::Closed(_) | Failure::Io { .. } => "endings",
        Failure::NotTls
        | Failure::TlsAlert { .. }
        | Failure::TlsIncompatible { .. }
        | Failure::TlsUnsupportedByProbe { .. }
        | Failure::TlsProtocol { .. }
        | Failure::ClientCertificateRefused { .. } => "handshakes",
        Failure::CertificateRejected(failure) => match failure {
            VerifyFailure::Expired { .. }
            | VerifyFailure::NotYetValid { .. }
            | VerifyFailure::HostnameMismatch { .. }
            | VerifyFailure::CommonNameOnly { .. }
            | VerifyFailure::MissingIntermediate { .. }
            | VerifyFailure::UnknownIssuer { .. }
            | VerifyFailure::SelfSigned
            | VerifyFailure::Revoked { .. }
            | VerifyFailure::BadSignature
            | VerifyFailure::Invalid { .. } => "certificates",
            // Made in chains.rs.
            VerifyFailure::WeakKey { .. } | VerifyFailure::WeakSignature { .. } => "weak",
            // Made in staple.rs.
            VerifyFailure::StapleMissing | VerifyFailure::ClockWrong { .. } => "clock",
        },
        Failure::HttpHeadTooBig(_)
        | Failure::HttpMalformed { .. }
        | Failure::UpgradeRejected(_)
        | Failure::BadUpgradeHeader { .. }
        | Failure::BadConnectionHeader { .. }
        | Failure::BadAccept { .. }
        | Failure::BadSubprotocol { .. }
        | Failure::UnrequestedExtension { .. } => "answers",
        Failure::FrameInvalid { .. }
        | Failure::FrameTooBig
        | Failure::FrameFlood
        | Failure::ClosedByServer { .. }
        | Failure::MessageUnmatched { .. } => "frames",
        Failure::OriginAccepted
        | Failure::OriginReadable
        | Failure::ControlFailed { .. }
        | Failure::ControlMissing(_) => "origins",
        Failure::CorsBlocked(_)
        | Failure::CorsRedirected { .. }
        | Failure::HttpStatusUnexpected(_) => "cors",
        Failure::Messaging(_) | Failure::BudgetSpent { .. } => "messaging",
        Failure::HttpJsonUnexpected { .. }
        | Failure::HttpHeaderLeaked { .. }
        | Failure::HttpBodyTooBig
        | Failure::HttpBodyCutOff => "http",
        // The scheduler's: src/schedule/tests.rs and lifecycle.rs.
        Failure::ProbePanicked | Failure::ShuttingDown => "schedule",
    }
}

/// The reasons that the tests of this file make.
const MADE_ELSEWHERE: [Reason; 11] = [
    Reason::CertStapleMissing,
    Reason::CertWeakKey,
    Reason::CertWeakSignature,
    Reason::ClockWrong,
    Reason::MonitorBlind,
    Reason::MonitorLag,
    Reason::HostUnreachable,
    Reason::LocalDenied,
    Reason::LocalExhaustion,
    Reason::ProbePanicked,
    Reason::ShuttingDown,
];

#[track_caller]
fn expect(outcome: &Outcome, phase: Phase, reason: Reason, fault: Fault) -> Reason {
    let failure = outcome.failure.as_ref().expect("a failure");
    let found = (failure.phase(), failure.reason(), failure.fault());
    assert_eq!(found, (Some(phase), reason, fault), "{failure:?} of {}", made_by(failure));
    assert_eq!(
        outcome.observation.phases.iter().last().map(|(phase, _)| phase >= Phase::Resolve),
        Some(true)
    );
    reason
}

/// Runs every group and sees that together they make every reason.
#[tokio::test]
async fn every_reason_is_made_on_a_socket() {
    let mut made = BTreeMap::new();
    let groups = [
        ("names", names().await),
        ("connections", connections().await),
        ("silence", silence().await),
        ("endings", endings().await),
        ("handshakes", handshakes().await),
        ("certificates", certificates().await),
        ("answers", answers().await),
        ("frames", frames().await),
        ("origins", origins().await),
        ("cors", cors::reasons().await),
        ("http", http::reasons().await),
        ("messaging", messaging::reasons().await),
    ];
    for (group, reasons) in groups {
        made.extend(reasons.into_iter().map(|reason| (reason, group)));
    }
    for reason in Reason::ALL {
        let here = made.contains_key(reason);
        assert_ne!(here, MADE_ELSEWHERE.contains(reason), "{reason}");
    }
}

async fn names() -> Vec<Reason> {
    let door = check("ws://door.test/", "");
    let asked = async |answer| run_asking(&door, &[nameserver::serve(answer).await]).await;
    // Linux sends nothing there.
    let nobody = "255.255.255.255:53".parse().unwrap();
    vec![
        expect(
            &asked(Answer::NoSuchName).await,
            Phase::Resolve,
            Reason::NameNotFound,
            Fault::Target,
        ),
        expect(&asked(Answer::Nothing).await, Phase::Resolve, Reason::NoAddress, Fault::Target),
        expect(&asked(Answer::Failure).await, Phase::Resolve, Reason::ResolverFailed, Fault::Path),
        expect(
            &run_asking(&door, &[nobody]).await,
            Phase::Resolve,
            Reason::ResolverUnreachable,
            Fault::Monitor,
        ),
    ]
}

async fn connections() -> Vec<Reason> {
    let refused = plain((Ipv4Addr::LOCALHOST, closed_port().await).into(), "");
    // Linux has no route for TCP to the broadcast address, whatever networks there are.
    let nowhere = plain("255.255.255.255:9".parse().unwrap(), "");
    vec![
        expect(&run(&refused).await, Phase::Connect, Reason::ConnectionRefused, Fault::Target),
        expect(&run(&nowhere).await, Phase::Connect, Reason::NoRoute, Fault::Monitor),
    ]
}

async fn silence() -> Vec<Reason> {
    let mut made = Vec::new();
    let nameserver = nameserver::serve(Answer::Silence).await;
    let outcome = run_asking(&check("ws://door.test/", ""), &[nameserver]).await;
    made.push(expect(&outcome, Phase::Resolve, Reason::TimedOut, Fault::Monitor));

    let full = full_listener().await;
    let outcome = run(&plain(full.address, "")).await;
    made.push(expect(&outcome, Phase::Connect, Reason::TimedOut, Fault::Path));

    let silent = raw::serve(raw::hold).await;
    let tls = check("wss://door.test/", &format!("connect-to = \"{}\"", silent.address));
    made.push(expect(&run(&tls).await, Phase::Tls, Reason::TimedOut, Fault::Target));
    let outcome = run(&plain(silent.address, "")).await;
    made.push(expect(&outcome, Phase::Upgrade, Reason::TimedOut, Fault::Target));

    let mute = raw::opening_then(Vec::new()).await;
    let outcome = run(&plain(mute.address, EXPECTING)).await;
    made.push(expect(&outcome, Phase::Transfer, Reason::TimedOut, Fault::Target));
    made
}

async fn endings() -> Vec<Reason> {
    let resets = raw::serve(|mut stream| async move {
        raw::request(&mut stream).await;
        raw::reset(stream);
    })
    .await;
    let closes = raw::serve(|mut stream| async move {
        raw::request(&mut stream).await;
    })
    .await;
    // Reads the whole ClientHello: what is left unread turns a close into a reset.
    let hangs_up = raw::serve(|mut stream| async move {
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
    })
    .await;
    let tls = check("wss://door.test/", &format!("connect-to = \"{}\"", hangs_up.address));
    // Without a scope, the kernel does not even try.
    let odd = plain("[fe80::1]:9".parse().unwrap(), "");
    vec![
        expect(
            &run(&plain(resets.address, "")).await,
            Phase::Upgrade,
            Reason::Reset,
            Fault::Target,
        ),
        expect(
            &run(&plain(closes.address, "")).await,
            Phase::Upgrade,
            Reason::Closed,
            Fault::Target,
        ),
        expect(&run(&tls).await, Phase::Tls, Reason::Closed, Fault::Target),
        expect(&run(&odd).await, Phase::Connect, Reason::IoError, Fault::Path),
    ]
}

async fn handshakes() -> Vec<Reason> {
    let tls = async |bytes: &'static [u8]| {
        let server = raw::serve(move |mut stream| async move {
            stream.write_all(bytes).await.unwrap();
            raw::hold(stream).await;
        })
        .await;
        run(&check("wss://door.test/", &format!("connect-to = \"{}\"", server.address))).await
    };
    let visits = Arc::new(AtomicUsize::new(0));
    let fickle = raw::serve(move |mut stream| {
        let first = visits.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            let answer = if first { &TLS_1_0_SERVER_HELLO[..] } else { &[21, 3, 1, 0, 2, 2, 70] };
            stream.write_all(answer).await.unwrap();
            raw::hold(stream).await;
        }
    })
    .await;
    let once = check("wss://door.test/", &format!("connect-to = \"{}\"", fickle.address));
    let pki = Pki::new("handshakes");
    let strict = pki::open(pki::strict_server_config(&pki, rustls::ALL_VERSIONS)).await;
    let anonymous = check("wss://door.test/", &pki.keys(&strict));
    vec![
        expect(
            &tls(b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
            Phase::Tls,
            Reason::NotTls,
            Fault::Target,
        ),
        // A fatal alert: handshake_failure.
        expect(&tls(&[21, 3, 3, 0, 2, 2, 40]).await, Phase::Tls, Reason::TlsAlert, Fault::Target),
        // It does not say so twice.
        expect(&run(&once).await, Phase::Tls, Reason::TlsIncompatible, Fault::Target),
        expect(
            &tls(&TLS_1_0_SERVER_HELLO).await,
            Phase::Tls,
            Reason::TlsUnsupportedByProbe,
            Fault::Monitor,
        ),
        // A Finished where a ServerHello is due.
        expect(
            &tls(&[22, 3, 3, 0, 4, 20, 0, 0, 0]).await,
            Phase::Tls,
            Reason::TlsProtocol,
            Fault::Target,
        ),
        expect(&run(&anonymous).await, Phase::Tls, Reason::ClientCertificateRefused, Fault::Target),
    ]
}

async fn certificates() -> Vec<Reason> {
    let pki = Pki::new("certificates");
    let issue = |names: &[&str], from, to| pki.authority.issue(names, from, to).unwrap();
    let nameless = |params: &mut rcgen::CertificateParams| params.subject_alt_names.clear();
    let nameless = pki.authority.issue_with(&[HOST], -10, 80, nameless).unwrap();
    let mut incomplete = pki.good();
    incomplete.chain.truncate(1);
    let mut garbled = pki.good();
    let mut leaf = garbled.chain[0].to_vec();
    *leaf.last_mut().unwrap() ^= 1;
    garbled.chain[0] = leaf.into();
    let mut made = Vec::new();
    for (served, reason) in [
        (issue(&[HOST], -100, -10), Reason::CertExpired),
        (issue(&[HOST], 10, 100), Reason::CertNotYetValid),
        (issue(&["other.test"], -10, 80), Reason::CertHostnameMismatch),
        (nameless, Reason::CertCommonNameOnly),
        (incomplete, Reason::CertMissingIntermediate),
        (Pki::new("elsewhere").good(), Reason::CertUnknownIssuer),
        (self_signed(false), Reason::CertSelfSigned),
        (garbled, Reason::CertBadSignature),
        (for_clients_alone(&pki), Reason::CertInvalid),
    ] {
        let server = pki::open(pki::server_config(served)).await;
        let outcome = run(&check("wss://door.test/", &pki.keys(&server))).await;
        made.push(expect(&outcome, Phase::Tls, reason, Fault::Target));
        let chain = outcome.observation.chain.expect("the chain is kept");
        assert!(chain.leaf().unwrap().facts.is_some(), "{reason}");
        assert!(outcome.observation.session.is_some(), "{reason}");
    }
    let revoked = pki.good();
    let answer =
        Responder::of(&pki.authority).answer(&revoked.chain[0], Says::Revoked, pki::now(), (-1, 1));
    let server = pki::open(pki::stapling_config(revoked, answer)).await;
    let outcome = run(&check("wss://door.test/", &pki.keys(&server))).await;
    made.push(expect(&outcome, Phase::Tls, Reason::CertRevoked, Fault::Target));
    made
}

async fn answers() -> Vec<Reason> {
    let status = |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    let instead = |from: &str, to: &str| OPEN.replace(from, to);
    let chat = "subprotocols = [\"chat\"]";
    let mut made = Vec::new();
    for (answer, keys, reason) in [
        (format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(201)), "", Reason::HttpHeadTooBig),
        ("SSH-2.0-OpenSSH_9.2p1\r\n".to_owned(), "", Reason::HttpMalformed),
        (status("401 Unauthorized"), "", Reason::UpgradeRefused),
        (status("403 Forbidden"), "", Reason::UpgradeRefused),
        (status("302 Found"), "", Reason::UpgradeRedirected),
        (status("429 Too Many Requests"), "", Reason::UpgradeThrottled),
        (status("502 Bad Gateway"), "", Reason::UpgradeServerError),
        (status("200 OK"), "", Reason::UpgradeNotOffered),
        (status("404 Not Found"), "", Reason::UpgradeNotFound),
        (instead("Upgrade: websocket\r\n", ""), "", Reason::BadUpgradeHeader),
        (instead("Connection: Upgrade", "Connection: close"), "", Reason::BadConnectionHeader),
        (instead("ACCEPT", "bm9uc2Vuc2U="), "", Reason::BadAccept),
        (OPEN.to_owned(), chat, Reason::BadSubprotocol),
        (
            instead("Connection", "Sec-WebSocket-Extensions: x\r\nConnection"),
            "",
            Reason::UnrequestedExtension,
        ),
    ] {
        let whole = if reason == Reason::HttpHeadTooBig { format!("{answer}\r\n") } else { answer };
        let server = raw::answering(whole.leak()).await;
        let outcome = run(&plain(server.address, keys)).await;
        made.push(expect(&outcome, Phase::Upgrade, reason, Fault::Target));
    }
    made
}

/// A conversation that waits for a word.
const EXPECTING: &str = "messages = [{ expect-regex = 'welcome' }]";

async fn frames() -> Vec<Reason> {
    let text = |text: &str| [&[0x81, text.len() as u8], text.as_bytes()].concat();
    let big = [&[0x81, 127, 0, 0, 0, 0, 0, 2, 0, 0][..], &[b'x'; 1024]].concat();
    let mut made = Vec::new();
    for (bytes, reason) in [
        // A frame that the server has masked.
        (vec![0x81, 0x81, 1, 2, 3, 4, 5], Reason::FrameInvalid),
        (big, Reason::FrameTooBig),
        ([0x89, 0].repeat(100), Reason::FrameFlood),
        // Close, 1008.
        (vec![0x88, 2, 0x03, 0xf0], Reason::ClosedByServer),
        (text("go away"), Reason::MessageUnmatched),
    ] {
        let server = raw::opening_then(bytes).await;
        let outcome = run(&plain(server.address, EXPECTING)).await;
        made.push(expect(&outcome, Phase::Transfer, reason, Fault::Target));
    }
    made
}

async fn origins() -> Vec<Reason> {
    let open = raw::answering(OPEN).await;
    let shut = raw::answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    let evil =
        "origins = [{ origin = \"https://evil.test\", expect = \"deny\" }, { origin = \"none\" }]";
    let outcome = run(&plain(open.address, evil)).await;
    let accepted = expect(&outcome, Phase::Upgrade, Reason::OriginAccepted, Fault::Target);
    let check = plain(shut.address, evil);
    let outcome = run(&check).await;
    let failed = expect(&outcome, Phase::Upgrade, Reason::ControlFailed, Fault::Target);
    let outcome = run(&Arc::new(Check::clone(&check).beside(None))).await;
    let missing = expect(&outcome, Phase::Upgrade, Reason::ControlMissing, Fault::Monitor);
    vec![accepted, failed, missing]
}

async fn closed_port() -> u16 {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    listener.local_addr().unwrap().port()
}

struct Full {
    address: SocketAddr,
    _listener: tokio::net::TcpListener,
    _queued: Vec<tokio::net::TcpStream>,
}

/// A listener whose queue is full: the kernel drops whoever else knocks.
async fn full_listener() -> Full {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    let knock = || {
        tokio::time::timeout(Duration::from_millis(200), tokio::net::TcpStream::connect(address))
    };
    while let Ok(Ok(stream)) = knock().await {
        queued.push(stream);
        assert!(queued.len() < 10, "the queue has no end");
    }
    Full { address, _listener: listener, _queued: queued }
}

fn self_signed(is_ca: bool) -> Served {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, HOST);
    if is_ca {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Served { chain: vec![certificate.der().clone()], key }
}

fn for_clients_alone(pki: &Pki) -> Served {
    let clients = |params: &mut rcgen::CertificateParams| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    };
    pki.authority.issue_with(&[HOST], -10, 80, clients).unwrap()
}

/// A ServerHello of TLS 1.0 with TLS_RSA_WITH_AES_128_CBC_SHA.
const TLS_1_0_SERVER_HELLO: [u8; 47] = {
    let mut bytes = [7; 47];
    let head = [22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    let mut at = 0;
    while at < head.len() {
        bytes[at] = head[at];
        at += 1;
    }
    // Behind the random: no session, the suite, no compression.
    bytes[43] = 0;
    bytes[44] = 0;
    bytes[45] = 0x2f;
    bytes[46] = 0;
    bytes
};

#[tokio::test]
async fn a_self_signed_ca_is_self_signed_too() {
    let pki = Pki::new("self-signed CA");
    let server = pki::open(pki::server_config(self_signed(true))).await;
    let outcome = run(&check("wss://door.test/", &pki.keys(&server))).await;
    expect(&outcome, Phase::Tls, Reason::CertSelfSigned, Fault::Target);
}

#[tokio::test]
async fn a_server_that_closes_with_a_refusal_has_not_let_anybody_in() {
    for (code, let_in) in [(1000, true), (1001, true), (1008, false), (4403, false)] {
        let frame = [vec![0x88, 2], u16::to_be_bytes(code).to_vec()].concat();
        let server = raw::opening_then(frame).await;
        let outcome = run(&plain(server.address, "")).await;
        let refused = outcome.failure.as_ref().map(Failure::reason) == Some(Reason::ClosedByServer);
        assert_eq!(refused, !let_in, "{code}: {:?}", outcome.failure);
    }
}

#[tokio::test]
async fn descriptors_that_run_out_are_our_own_trouble() {
    // In a process of its own, since the limit is for a whole process.
    let server = raw::answering(OPEN).await;
    let url = format!("ws://{}/", server.address);
    let program = env!("CARGO_BIN_EXE_watchpost");
    // Enough for the runtime and not for the socket: the exact number is the runtime's business.
    let mut verdicts = Vec::new();
    for limit in 5..20 {
        let script = format!("ulimit -n {limit} && exec {program} check {url} --json");
        let shell =
            move || std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let output = tokio::task::spawn_blocking(shell).await.unwrap();
        if let Ok(report) = serde_json::from_slice::<serde_json::Value>(&output.stdout) {
            verdicts.push((
                report["verdict"].clone(),
                report["reason"].clone(),
                output.status.code(),
            ));
        }
    }
    let expected = ("inconclusive".into(), "local_exhaustion".into(), Some(3));
    assert!(verdicts.contains(&expected), "{verdicts:?}");
    let only = |verdict: &(serde_json::Value, serde_json::Value, _)| {
        *verdict == expected || verdict.0 == "pass"
    };
    assert!(verdicts.iter().all(only), "{verdicts:?}");
}
