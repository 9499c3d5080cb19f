//! What the WebSocket probe sends, and what it takes for an open door.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, tungstenite};
use watchpost::outcome::phase::Phase;
use watchpost::probe::Prober;

use crate::fixture::checks::{check, config, plain, run, run_asking};
use crate::fixture::nameserver::{self, Answer};
use crate::fixture::raw::{self, OPEN};

#[tokio::test]
async fn the_request_is_what_a_page_sends() {
    let (sender, mut requests) = mpsc::channel(4);
    let server = raw::serve(move |mut stream| {
        let sender = sender.clone();
        async move {
            sender.send(raw::request(&mut stream).await).await.unwrap();
        }
    })
    .await;
    let keys = format!(
        "connect-to = \"{}\"\nsubprotocols = [\"a\", \"b\"]\nheaders = {{ X-One = \"1\" }}\n\
         origins = [{{ origin = \"https://Shop.Test:443\" }}, {{ origin = \"null\" }}, {{ origin = \"none\" }}]",
        server.address
    );
    let config = config("ws://chat.test:8080/v1?deploymentId=a%20b", &keys);
    let prober = Prober::new(&config.endpoints, &[], Some("https://ops.test"));
    let mut origins = Vec::new();
    for check in &config.checks {
        prober.run(check, 0).await;
        let request = requests.recv().await.unwrap();
        let lines: Vec<_> = request.lines().collect();
        assert_eq!(lines[0], "GET /v1?deploymentId=a%20b HTTP/1.1");
        for (name, value) in [
            ("Host", "chat.test:8080"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", "a, b"),
            ("X-One", "1"),
        ] {
            assert_eq!(raw::header(&request, name), Some(value), "{name}");
        }
        let agent = raw::header(&request, "User-Agent").unwrap();
        assert!(
            agent.starts_with("Watchpost/") && agent.ends_with("(+https://ops.test)"),
            "{agent}"
        );
        origins.push(raw::header(&request, "Origin").map(str::to_owned));
    }
    assert_eq!(origins, [Some("https://shop.test".into()), Some("null".into()), None]);
}

#[tokio::test]
async fn a_user_agent_of_the_config_stands_in_for_ours() {
    let (sender, mut requests) = mpsc::channel(1);
    let server = raw::serve(move |mut stream| {
        let sender = sender.clone();
        async move { sender.send(raw::request(&mut stream).await).await.unwrap() }
    })
    .await;
    run(&plain(server.address, "headers = { User-Agent = \"Mozilla/5.0\" }")).await;
    let request = requests.recv().await.unwrap().to_lowercase();
    let agents: Vec<_> = request.lines().filter(|line| line.starts_with("user-agent:")).collect();
    assert_eq!(agents, ["user-agent: mozilla/5.0"]);
}

#[tokio::test]
async fn a_refusal_keeps_its_status_headers_and_body() {
    let refusal = "HTTP/1.1 403 Verboten\r\nServer: edge\r\nSet-Cookie: session=hunter2\r\n\
        Content-Length: 18\r\n\r\norigin not allowed";
    let server = raw::answering(refusal).await;
    let outcome = run(&plain(server.address, "")).await;
    let response = outcome.observation.refusal.unwrap();
    assert_eq!((response.status, response.phrase.as_str()), (403, "Verboten"));
    assert_eq!(response.header("server").unwrap().as_str(), "edge");
    assert_eq!(response.header("set-cookie").unwrap().as_str(), "(left out)");
    assert_eq!(response.body.as_str(), "origin not allowed");
}

#[tokio::test]
async fn phases_come_in_order_and_sum_to_the_whole_run() {
    let server = raw::answering(OPEN).await;
    let outcome = run(&plain(server.address, "")).await;
    let phases: Vec<_> = outcome.observation.phases.iter().collect();
    let order: Vec<_> = phases.iter().map(|(phase, _)| *phase).collect();
    assert_eq!(order, [Phase::Resolve, Phase::Connect, Phase::Upgrade, Phase::Close]);
    let sum: Duration = phases.iter().map(|(_, time)| *time).sum();
    assert_eq!(sum, outcome.observation.phases.total());
}

#[tokio::test]
async fn a_conversation_is_held_and_ends_with_1000() {
    let (sender, mut closes) = mpsc::channel(1);
    let server = raw::serve(move |stream| {
        let sender = sender.clone();
        async move {
            let mut socket = accept_async(stream).await.unwrap();
            socket.send(Message::text("a word about the weather")).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                match message {
                    Message::Text(text) => {
                        let reply = format!(r#"{{"type":"echo","body":{{"text":"{text}"}}}}"#);
                        socket.send(Message::text(reply)).await.unwrap();
                    }
                    Message::Close(frame) => sender.send(frame.unwrap().code).await.unwrap(),
                    _ => {}
                }
            }
        }
    })
    .await;
    let keys = "messages = [\
        { expect-regex = 'weather' }, { send = \"ping\" }, \
        { expect-json = { pointer = \"/body/text\", equals = \"ping\" } }]";
    let outcome = run(&plain(server.address, keys)).await;
    assert_eq!(outcome.failure, None);
    assert!(outcome.observation.phases.get(Phase::Transfer).is_some());
    assert_eq!(closes.recv().await, Some(tungstenite::protocol::frame::coding::CloseCode::Normal));
}

#[tokio::test]
async fn frames_that_come_with_the_answer_are_not_lost() {
    let answer = format!("{OPEN}\u{81}\u{7}welcome");
    // U+0081 is two bytes in UTF-8: put the frame together as bytes.
    let head = answer.split('\u{81}').next().unwrap().to_owned();
    let server = raw::serve(move |mut stream| {
        let head = head.clone();
        async move {
            let request = raw::request(&mut stream).await;
            let key = raw::header(&request, "Sec-WebSocket-Key").unwrap();
            let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
            let mut bytes = head.replace("ACCEPT", &accept).into_bytes();
            bytes.extend(b"\x81\x07welcome");
            stream.write_all(&bytes).await.unwrap();
            raw::hold(stream).await;
        }
    })
    .await;
    let keys = "messages = [{ expect-regex = 'welcome' }]";
    assert_eq!(run(&plain(server.address, keys)).await.failure, None);
}

#[tokio::test]
async fn a_denied_page_is_not_part_of_the_conversation() {
    // It would wait for words that are only for those who are let in.
    let server = raw::answering(OPEN).await;
    let keys = "messages = [{ expect-regex = 'welcome' }]\n\
        origins = [{ origin = \"https://evil.test\", expect = \"deny\" }, { origin = \"none\" }]";
    let outcome = run(&plain(server.address, keys)).await;
    assert_eq!(outcome.observation.phases.get(Phase::Transfer), None);
}

#[tokio::test]
async fn every_run_dials_anew_and_takes_the_next_address() {
    let server = raw::answering(OPEN).await;
    let port = server.address.port();
    let addresses: Vec<IpAddr> =
        vec![Ipv4Addr::new(127, 0, 0, 2).into(), Ipv4Addr::LOCALHOST.into()];
    let nameserver = nameserver::serve(Answer::Addresses(addresses)).await;
    let door = check(&format!("ws://door.test:{port}/"), "");
    let prober = Prober::new([&door.endpoint], &[nameserver], None);
    let mut dialled = Vec::new();
    for turn in 0..4 {
        let seen = prober.run(&door, turn).await.observation;
        assert_eq!(seen.addresses, 2);
        dialled.push(seen.address.unwrap().ip().to_string());
    }
    // The second address is another one of loopback, where this server does not listen.
    assert_eq!(dialled, ["127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.2"]);
    assert_eq!(server.visits.load(std::sync::atomic::Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_family_of_addresses_can_be_chosen() {
    let server = raw::answering(OPEN).await;
    let both = Answer::Addresses(vec![Ipv4Addr::LOCALHOST.into(), "::1".parse().unwrap()]);
    let nameserver = nameserver::serve(both).await;
    let url = format!("ws://door.test:{}/", server.address.port());
    let v4 = run_asking(&check(&url, "address-family = \"ipv4\""), &[nameserver]).await;
    assert!(v4.observation.address.unwrap().is_ipv4());
    let v6 = run_asking(&check(&url, "address-family = \"ipv6\""), &[nameserver]).await;
    assert!(v6.observation.address.is_none_or(|address| address.is_ipv6()));
}
