//! The notification channel: events without a public URL.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use watchpost::simulator::{
    AllowList, Body, Course, Org, QUEUE as SHOPS_QUEUE, Scripted, Simulator, Surface,
};

use super::{QUEUE, door, home, now, shop};
use crate::fixture::daemon::{Daemon, Home, PATIENCE, sum};
use crate::incidents::until;

const DEPLOYMENTS: &str = "topics = [\"v2.webdeployments.deployments.{id}\", \
    \"v2.audits.entitytype.DEPLOYMENT.entityid.{id}\"]\naudits = false\n";

const CONVERSATIONS: &str =
    "topics = [\"v2.routing.queues.{id}.conversations.messages\"]\naudits = false\n";

fn listening(simulator: &Simulator, keys: &str) -> (Home, Daemon) {
    let home = home(simulator, keys, &door(simulator));
    let daemon = home.start();
    connected(&daemon);
    (home, daemon)
}

fn connected(daemon: &Daemon) {
    daemon.metrics_until("a channel", PATIENCE, |page| {
        page.contains("watchpost_channel_connected 1\n")
    });
}

fn lost(daemon: &Daemon, reason: &str) {
    let series = format!("watchpost_channel_lost_total{{reason=\"{reason}\"}} 1\n");
    daemon.metrics_until("a loss", PATIENCE, |page| {
        page.contains(&series) && page.contains("watchpost_channel_connected 1\n")
    });
}

fn of_channel(daemon: &Daemon) -> Vec<Value> {
    let answer: Value = serde_json::from_str(&daemon.get("/api/v1/events?limit=1000")).unwrap();
    let events = answer["events"].as_array().unwrap().iter();
    events.filter(|event| event["receiver"] == "channel").cloned().collect()
}

fn edit(simulator: &Simulator, domain: &str) {
    simulator
        .with(|org| org.edit_domains(Org::SHOP, AllowList::of(&["shop.example", domain]), now()));
}

#[test]
fn what_happens_comes_into_the_inbox_and_what_changes_is_told_once() {
    let simulator = shop();
    let (_home, daemon) = listening(&simulator, DEPLOYMENTS);
    let channels = simulator.with(|org| org.notifications.channels());
    assert_eq!(channels.len(), 1);
    let topics = simulator.with(|org| org.notifications.topics(&channels[0]));
    assert_eq!(topics.len(), 2, "{topics:?}");
    edit(&simulator, "new.example");
    let is_there = |answer: &Value| !answer["changes"][0].is_null();
    let audits = until(&daemon, "/api/v1/changes?source=audit", is_there);
    let change = &audits["changes"][0];
    let what = change["what"].as_str().unwrap();
    assert!(what.contains("allowedDomains shop.example -> shop.example, new.example"), "{what}");
    assert_eq!((&change["who"], &change["endpoint"]), (&Org::ADMINISTRATOR.into(), &"shop".into()));
    // The event of it is stored too, and is the same change.
    daemon.metrics_until("both events", PATIENCE, |page| {
        page.contains("watchpost_events_received_total{source=\"channel\",class=\"audit\"} 1\n")
            && page.contains(
                "watchpost_events_received_total{source=\"channel\",class=\"deployment\"} 1\n",
            )
            && page.contains("watchpost_events_inbox_length 0\n")
    });
    let kinds: Vec<_> = of_channel(&daemon).iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    let audits = until(&daemon, "/api/v1/changes?source=audit", is_there);
    assert_eq!(audits["changes"].as_array().unwrap().len(), 1, "{audits:#}");
    // What cannot be read is kept for whoever looks into it.
    simulator.with(|org| org.stream("{\"topicName\":\"v2.x\",\"eventBody\":7}"));
    daemon.metrics_until("a dead letter", PATIENCE, |page| {
        page.contains("watchpost_events_dead_letter_total{source=\"channel\"} 1\n")
    });
}

#[test]
fn a_topic_that_is_refused_is_named_and_keeps_no_other_from_coming() {
    let simulator = shop();
    simulator.with(|org| org.notifications.refused_topics.insert("v2.routing".to_owned()));
    let topics = format!(
        "topics = [\"v2.webdeployments.deployments.{{id}}\", \"v2.no.such.topic\", \
         \"v2.detail.events.conversation.{{id}}.customer.start\", \
         \"v2.detail.events.conversation.c-1.wrapup\", \
         \"v2.routing.queues.{QUEUE}.conversations.messages\"]\n"
    );
    let (_home, daemon) = listening(&simulator, &topics);
    let news = until(&daemon, "/api/v1/news", |answer| !answer["channel"]["topics"][0].is_null());
    let channel = &news["channel"];
    assert_eq!(channel["topics"].as_array().unwrap().len(), 1, "{channel:#}");
    let refused = channel["refused"].as_array().unwrap().iter();
    let codes: Vec<_> = refused.map(|refused| refused["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["not_for_sockets", "conversations", "unknown", "refused"]);
    let page = daemon.get("/metrics");
    assert!(page.contains("watchpost_channel_topics{state=\"refused\"} 4\n"), "{page}");
    assert!(daemon.get("/").contains("Not subscribed to <bdi>v2.no.such.topic"));
    edit(&simulator, "new.example");
    daemon.metrics_until("an event", PATIENCE, |page| {
        sum(page, "watchpost_events_received_total{source=\"channel\"") == 1.0
    });
}

#[test]
fn a_socket_that_is_lost_is_opened_again_on_the_same_channel_and_one_that_is_gone_on_another() {
    let simulator = shop();
    let (home, daemon) = listening(&simulator, DEPLOYMENTS);
    let channels = || simulator.with(|org| org.notifications.channels());
    let first = channels();
    simulator.with(Org::announce_closing);
    lost(&daemon, "closing");
    // As where another socket is opened on the same channel.
    simulator.with(|org| org.close_streams(1001));
    lost(&daemon, "closed");
    simulator.with(|org| org.stream("no JSON"));
    lost(&daemon, "nonsense");
    assert_eq!(channels(), first);
    drop(daemon);
    let daemon = home.start();
    connected(&daemon);
    assert_eq!(channels(), first, "a restart is no reason for another");
    simulator.with(|org| org.drop_channel(&first[0]));
    lost(&daemon, "gone");
    let second = channels();
    assert_eq!(second.len(), 1);
    assert_ne!(second, first);
    edit(&simulator, "new.example");
    daemon.metrics_until("an event", PATIENCE, |page| {
        sum(page, "watchpost_events_received_total{source=\"channel\",class=\"deployment\"") == 1.0
    });
}

/// Longest silence that is put up with, as the README has it, and then some.
const STALL: Duration = Duration::from_secs(45 + 60);

#[test]
fn a_socket_that_stays_open_and_says_nothing_is_noticed_and_what_it_hid_is_found() {
    let simulator = shop();
    let (_home, daemon) = listening(&simulator, CONVERSATIONS);
    simulator.with(|org| {
        org.stall_streams();
        let id = org.begin(Org::SHOP, Course::Abandoned, now());
        while org.go_on(&id, now()) {}
    });
    daemon.metrics_until("a silent socket", STALL, |page| {
        page.contains("watchpost_channel_lost_total{reason=\"silent\"} 1\n")
            && page.contains("watchpost_channel_connected 1\n")
    });
    let is_whole = |answer: &Value| answer["channel"]["gaps"][0]["whole"] == true;
    let news = until(&daemon, "/api/v1/news", is_whole);
    let events = of_channel(&daemon);
    assert_eq!(news["channel"]["gaps"][0]["found"], events.len());
    assert_eq!(kinds(&events), ["customer_end", "customer_start"]);
    // The new one is heard.
    simulator.with(|org| org.stream("no JSON"));
    daemon.metrics_until("the new socket", PATIENCE, |page| {
        page.contains("watchpost_channel_lost_total{reason=\"nonsense\"} 1\n")
    });
}

#[test]
fn before_a_socket_closes_another_takes_its_place_and_no_event_is_lost_or_doubled() {
    let simulator = shop();
    let (_home, daemon) = listening(&simulator, DEPLOYMENTS);
    let edits = Cell::new(0);
    for closed in 1..=3 {
        simulator.with(Org::announce_closing);
        let is_over = format!("watchpost_channel_lost_total{{reason=\"closing\"}} {closed}\n");
        // What happens meanwhile is asked for by nobody afterwards: no topic is of conversations.
        daemon.metrics_until("another socket", PATIENCE, |page| {
            for _ in 0..8 {
                edits.set(edits.get() + 1);
                edit(&simulator, &format!("new-{}.example", edits.get()));
            }
            page.contains(&is_over) && page.contains("watchpost_channel_connected 1\n")
        });
    }
    let edits = edits.get();
    let class =
        |class| format!("watchpost_events_received_total{{source=\"channel\",class=\"{class}\"}}");
    let page = daemon.metrics_until("every event", PATIENCE, |page| {
        sum(page, &class("deployment")) >= f64::from(edits)
            && sum(page, &class("audit")) >= f64::from(edits)
    });
    for (series, count) in [
        (class("deployment"), f64::from(edits)),
        (class("audit"), f64::from(edits)),
        ("watchpost_events_duplicate_total{source=\"channel\"}".to_owned(), 0.0),
        ("watchpost_channel_gaps_total ".to_owned(), 0.0),
        ("watchpost_channel_lost_total".to_owned(), 3.0),
        ("watchpost_channel_connected ".to_owned(), 1.0),
    ] {
        assert_eq!(sum(&page, &series), count, "{series} after {edits} edits");
    }
    assert_eq!(simulator.with(|org| org.notifications.channels().len()), 1);
}

/// Time between one request and the next.
fn gaps(simulator: &Simulator, surface: Surface) -> Vec<Duration> {
    let seen = simulator.seen(surface);
    seen.windows(2).map(|two| two[1].at - two[0].at).collect()
}

/// The shortest wait before try number `tries`, the first of which is 0.
fn shortest(tries: u32) -> Duration {
    Duration::from_millis(200) * 2_u32.pow(tries)
}

#[test]
fn a_server_that_closes_each_socket_at_once_is_asked_ever_more_rarely() {
    let simulator = shop();
    simulator.with(|org| org.notifications.hasty_closings = 3);
    let (_home, daemon) = listening(&simulator, DEPLOYMENTS);
    daemon.metrics_until("three of them", 2 * PATIENCE, |page| {
        page.contains("watchpost_channel_lost_total{reason=\"closing\"} 3\n")
            && page.contains("watchpost_channel_connected 1\n")
    });
    let gaps = gaps(&simulator, Surface::Streaming);
    assert_eq!(gaps.len(), 3, "{gaps:?}");
    // The first goes on elsewhere at once.
    assert!(gaps[1] >= shortest(1) && gaps[2] >= shortest(2), "{gaps:?}");
}

#[test]
fn a_channel_that_is_gone_each_time_is_made_ever_more_rarely() {
    let simulator = shop();
    simulator.with(|org| org.notifications.hasty_ends = 4);
    let home = home(&simulator, DEPLOYMENTS, &door(&simulator));
    let daemon = home.start();
    daemon.metrics_until("four of them", 2 * PATIENCE, |page| {
        page.contains("watchpost_channel_lost_total{reason=\"gone\"} 4\n")
            && page.contains("watchpost_channel_connected 1\n")
    });
    let gaps = gaps(&simulator, Surface::Streaming);
    assert_eq!(gaps.len(), 4, "{gaps:?}");
    assert!((0..4).all(|tries| gaps[tries as usize] >= shortest(tries)), "{gaps:?}");
}

#[test]
fn a_channel_is_renewed_before_its_life_ends_and_goes_on() {
    let simulator = shop();
    let life = Duration::from_secs(20);
    simulator.with(|org| org.notifications.life = life.try_into().unwrap());
    let (_home, daemon) = listening(&simulator, DEPLOYMENTS);
    let channels = simulator.with(|org| org.notifications.channels());
    // It is over by the second of these, but for the first.
    let page = daemon.metrics_until("two renewals", 3 * PATIENCE, |_| {
        simulator.requests(Surface::Subscriptions) >= 3
    });
    assert_eq!(simulator.with(|org| org.notifications.channels()), channels);
    assert_eq!(sum(&page, "watchpost_channel_lost_total"), 0.0, "{page}");
    let gaps = gaps(&simulator, Surface::Subscriptions);
    assert!(gaps.iter().all(|gap| *gap < life), "{gaps:?}");
    edit(&simulator, "new.example");
    daemon.metrics_until("an event", PATIENCE, |page| {
        sum(page, "watchpost_events_received_total{source=\"channel\",class=\"deployment\"") == 1.0
    });
}

#[test]
fn topics_of_what_is_not_known_yet_are_set_once_it_is() {
    let simulator = shop();
    // The channel is open before anything is known of deployments.
    let late = Scripted::new(200, Body::Usual).after(Duration::from_secs(4));
    simulator.script(Surface::Deployments, [late]);
    let topics = "topics = [\"v2.webdeployments.deployments.{id}\", \
        \"v2.webdeployments.configurations.{id}\"]\naudits = false\n";
    let (_home, daemon) = listening(&simulator, topics);
    let first = simulator.seen(Surface::Subscriptions).remove(0);
    let first: Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!(first.as_array().unwrap().len(), 1, "{first}");
    let is_set = |answer: &Value| !answer["channel"]["topics"][1].is_null();
    let news = until(&daemon, "/api/v1/news", is_set);
    assert_eq!(news["channel"]["refused"], json!([]), "{news:#}");
    assert_eq!(simulator.requests(Surface::Streaming), 1, "over the same socket");
}

#[test]
fn another_config_while_topics_are_being_set_is_not_forgotten() {
    let simulator = shop();
    let with = |queues: &[&str]| {
        let queues = format!("queues = {queues:?}");
        door(&simulator).replace(&format!("queues = [\"{QUEUE}\"]"), &queues)
    };
    let home = home(&simulator, CONVERSATIONS, &with(&[QUEUE]));
    let daemon = home.start();
    connected(&daemon);
    let slow = Scripted::new(200, Body::Usual).after(Duration::from_secs(3));
    simulator.script(Surface::Subscriptions, [slow]);
    let reload = |queues: &[&str]| {
        let other = super::home(&simulator, CONVERSATIONS, &with(queues));
        std::fs::copy(other.config(), home.config()).unwrap();
        daemon.signal("HUP");
    };
    reload(&[QUEUE, "q-2"]);
    daemon.metrics_until("topics being set", PATIENCE, |_| {
        simulator.requests(Surface::Subscriptions) == 2
    });
    reload(&[QUEUE, "q-2", "q-3"]);
    daemon.wait_for_line("config read again");
    let is_set = |answer: &Value| !answer["channel"]["topics"][2].is_null();
    until(&daemon, "/api/v1/news", is_set);
    let channels = simulator.with(|org| org.notifications.channels());
    assert_eq!(simulator.with(|org| org.notifications.topics(&channels[0])).len(), 3);
}

#[test]
fn what_was_missed_is_asked_for_and_stored_once() {
    let simulator = shop();
    let (home, daemon) = listening(&simulator, CONVERSATIONS);
    simulator.with(|org| {
        org.cut_streams();
        let id = org.begin(Org::SHOP, Course::Abandoned, now());
        while org.go_on(&id, now()) {}
    });
    lost(&daemon, "closed");
    daemon.metrics_until("a gap", PATIENCE, |page| {
        page.contains("watchpost_channel_gaps_total 1\n")
            && sum(page, "watchpost_channel_backfilled_events_total") >= 2.0
    });
    let is_whole = |answer: &Value| answer["channel"]["gaps"][0]["whole"] == true;
    let news = until(&daemon, "/api/v1/news", is_whole);
    let events = of_channel(&daemon);
    assert_eq!(news["channel"]["gaps"][0]["found"], events.len());
    let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"customer_start") && kinds.contains(&"customer_end"), "{kinds:?}");
    assert!(daemon.get("/").contains("Events may have been missed"));
    // The time of a restart is a gap too, and finds the same again.
    drop(daemon);
    let daemon = home.start();
    let news = until(&daemon, "/api/v1/news", is_whole);
    assert_eq!(news["channel"]["gaps"][0]["found"], 0, "{news:#}");
    assert_eq!(of_channel(&daemon).len(), events.len());
}

/// What was stored, by kind.
fn kinds(events: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    kinds
}

#[test]
fn a_queue_tells_of_conversations_and_each_counts_once_whoever_tells() {
    let simulator = shop();
    let topics = format!(
        "topics = [\"v2.routing.queues.{SHOPS_QUEUE}.conversations\", \
         \"v2.routing.queues.{SHOPS_QUEUE}.conversations.messages\"]\naudits = false\n"
    );
    let receiver = "[[receivers]]\nname = \"hook\"\nopen = \"anyone may post events here\"\n";
    let home = home(&simulator, &topics, &format!("{}{receiver}", door(&simulator)));
    let daemon = home.start();
    connected(&daemon);
    let begin = |course| {
        simulator.with(|org| {
            let id = org.begin(Org::SHOP, course, now());
            assert!(org.go_on(&id, now()), "it has come to the queue");
            id
        })
    };
    let answered = begin(Course::Answered);
    // Both topics tell of it, at each step all over again.
    simulator.with(|org| while org.go_on(&answered, now()) {});
    let all = ["acd_end", "acd_start", "customer_end", "customer_start"];
    let all = [&all[..], &["flow_end", "flow_start", "user_end", "user_start"]].concat();
    let is_told = |answer: &Value| answer["events"].as_array().unwrap().len() >= all.len();
    until(&daemon, "/api/v1/events?limit=1000", is_told);
    assert_eq!(kinds(&of_channel(&daemon)), all);
    let customer = |events: &[Value], kind: &str| {
        let one = events.iter().find(|event| event["kind"] == kind);
        one.unwrap_or_else(|| panic!("no {kind} in {events:#?}")).clone()
    };
    let end = customer(&of_channel(&daemon), "customer_end");
    assert_eq!((&end["disconnect"], &end["queue"]), (&json!("peer"), &json!(SHOPS_QUEUE)));
    assert_eq!((&end["media"], &end["message"]), (&json!("message"), &json!("webmessaging")));

    // The socket breaks in the middle of another: what is told twice is stored once.
    let abandoned = begin(Course::Abandoned);
    let is_told = |answer: &Value| answer["events"].as_array().unwrap().len() >= all.len() + 4;
    until(&daemon, "/api/v1/events?limit=1000", is_told);
    simulator.with(|org| {
        org.cut_streams();
        while org.go_on(&abandoned, now()) {}
    });
    lost(&daemon, "closed");
    let is_whole = |answer: &Value| answer["channel"]["gaps"][0]["whole"] == true;
    let news = until(&daemon, "/api/v1/news", is_whole);
    assert_eq!(news["channel"]["gaps"][0]["found"], 1, "its end alone: {news:#}");
    let of_abandoned = of_channel(&daemon);
    let of_abandoned: Vec<_> =
        of_abandoned.into_iter().filter(|event| event["conversation"] == *abandoned).collect();
    let told = ["acd_start", "customer_end", "customer_start", "flow_end", "flow_start"];
    assert_eq!(kinds(&of_abandoned), told);

    // The same come by a receiver, too, with ids of their own: they are the same conversations.
    for (_, envelope) in simulator.with(|org| org.take_envelopes(now())) {
        let body = envelope.to_string();
        let head = format!("Content-Length: {}\r\n", body.len());
        let (head, answer) = daemon.post_with("/hooks/genesys", &head, &body);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}{answer}");
    }
    let page = daemon.metrics_until("both conversations", PATIENCE, |page| {
        page.contains("watchpost_events_inbox_length 0\n")
            && sum(page, "watchpost_conversations_total{") >= 2.0
    });
    assert_eq!(sum(&page, "watchpost_conversations_total{"), 2.0, "{page}");
    assert_eq!(sum(&page, "watchpost_conversations_total{endpoint=\"shop\",outcome=\"ok\"}"), 2.0);
    assert!(page.contains("watchpost_events_conflict_total{source=\"channel\"} 0\n"));
    assert!(
        page.contains("watchpost_events_received_total{source=\"channel\",class=\"other\"} 0\n")
    );
    // What is of no conversation is kept for whoever looks into it.
    let topic = format!("v2.routing.queues.{SHOPS_QUEUE}.conversations.messages");
    simulator.with(|org| org.stream(&json!({ "topicName": topic, "eventBody": {} }).to_string()));
    daemon.metrics_until("a dead letter", PATIENCE, |page| {
        page.contains("watchpost_events_dead_letter_total{source=\"channel\"} 1\n")
    });
}

#[test]
fn a_socket_elsewhere_is_not_opened_and_nothing_tells_where_one_is() {
    let simulator = shop();
    let foreign = r#"{"id":"streaming-1-x","connectUri":"wss://evil.example/channels/s3cr3t"}"#;
    // More than once, so that it can be seen before it is over.
    let foreign = || Scripted::json(200, foreign);
    simulator.script(Surface::Channels, [foreign(), foreign(), foreign()]);
    let subscribed = || Scripted::json(200, r#"{"entities":[]}"#);
    simulator.script(Surface::Subscriptions, [subscribed(), subscribed(), subscribed()]);
    let home = home(&simulator, DEPLOYMENTS, &door(&simulator));
    let daemon = home.start();
    until(&daemon, "/api/v1/news", |answer| {
        let said = answer["channel"]["trouble"]["message"].as_str();
        said.is_some_and(|said| said.contains("evil.example is none of this region"))
    });
    let lines = daemon.lines_to("the notification channel is open");
    let channel = simulator.with(|org| org.notifications.channels().pop().unwrap());
    let shown = [daemon.get("/"), daemon.get("/api/v1/news"), daemon.get("/metrics")];
    for text in lines.iter().chain(&shown) {
        assert!(!text.contains("s3cr3t") && !text.contains(&channel), "{text}");
    }
}

/// Every byte that is kept.
fn files(folder: &std::path::Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.is_file()).flat_map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn what_opens_a_channel_is_in_no_file_no_answer_and_no_line_and_a_restart_finds_it() {
    let simulator = shop();
    let (home, daemon) = listening(&simulator, DEPLOYMENTS);
    let channel = simulator.with(|org| org.notifications.channels().pop().unwrap());
    // A server that names it in what it refuses.
    let said = format!("wss://127.0.0.1/channels/{channel} is not {channel}");
    let refusal = json!({ "message": said, "code": "bad.request", "status": 400 }).to_string();
    let refusal = || Scripted::json(400, &refusal);
    simulator.script(Surface::Subscriptions, [refusal(), refusal(), refusal()]);
    simulator.with(|org| org.close_streams(1001));
    let is_refused = |answer: &Value| answer["channel"]["trouble"]["code"] == "bad_request";
    let news = until(&daemon, "/api/v1/news", is_refused);
    let message = news["channel"]["trouble"]["message"].as_str().unwrap();
    assert!(message.contains("… is not …"), "{message}");
    let mut shown = vec![news.to_string(), daemon.get("/")];
    shown.extend(daemon.lines_to("the notification channel cannot be opened"));
    lost(&daemon, "closed");
    shown.extend([
        daemon.get("/metrics"),
        daemon.get("/api/v1/changes"),
        daemon.get("/api/v1/news"),
    ]);
    shown.extend(daemon.lines_to("the notification channel is open"));
    for text in &shown {
        assert!(!text.contains(&channel), "{text}");
    }
    drop(daemon);
    let is_in = |what: &str| files(home.path()).windows(what.len()).any(|at| at == what.as_bytes());
    assert!(is_in("whole_until"), "what is kept is found");
    assert!(!is_in(&channel) && !is_in("/channels/"));
    let daemon = home.start();
    connected(&daemon);
    assert_eq!(simulator.with(|org| org.notifications.channels()), [channel]);
}

/// A proxy that leads everybody to this address, and what it was asked.
fn proxy(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let (listener, journal) = (TcpListener::bind("127.0.0.1:0").unwrap(), asked.clone());
    let address = listener.local_addr().unwrap();
    // They end with their sockets, and with the process.
    std::thread::spawn(move || {
        for visitor in listener.incoming() {
            let (mut visitor, journal) = (visitor.unwrap(), journal.clone());
            std::thread::spawn(move || {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    visitor.read_exact(&mut byte).unwrap();
                    head.extend(byte);
                }
                journal.lock().unwrap().push(String::from_utf8(head).unwrap());
                let mut server = TcpStream::connect(to).unwrap();
                visitor.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
                let (mut there, mut back) =
                    (visitor.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut there, &mut back));
                std::io::copy(&mut server, &mut visitor).ok();
            });
        }
    });
    (address, asked)
}

#[test]
fn the_socket_goes_by_the_proxy_that_the_environment_names() {
    let simulator = shop();
    let host = "streaming.genesys.example";
    simulator.with(|org| org.notifications.host = Some(host.to_owned()));
    let (address, asked) = proxy(simulator.address());
    let home = home(&simulator, DEPLOYMENTS, &door(&simulator));
    let config = std::fs::read_to_string(home.config()).unwrap();
    let here = format!("streaming-url = \"{}\"", simulator.socket_base());
    let there = config.replace(&here, &format!("streaming-url = \"wss://{host}\""));
    std::fs::write(home.config(), there).unwrap();
    let daemon = home.start_with(|command| {
        for name in ["HTTP_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"]
        {
            command.env_remove(name);
        }
        command.env("HTTPS_PROXY", format!("http://user:secret@{address}"));
    });
    connected(&daemon);
    edit(&simulator, "new.example");
    daemon.metrics_until("an event", PATIENCE, |page| {
        sum(page, "watchpost_events_received_total{source=\"channel\",class=\"deployment\"") == 1.0
    });
    let asked = asked.lock().unwrap();
    let [asked] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(asked.starts_with(&format!("CONNECT {host}:443 HTTP/1.1\r\n")), "{asked}");
    // user:secret
    assert!(asked.contains("\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"), "{asked}");
}
