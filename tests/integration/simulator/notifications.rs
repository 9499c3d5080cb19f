//! Channels, subscriptions, and their sockets.

use std::time::Duration;

use serde_json::{Value, json};
use watchpost::simulator::{AllowList, Org, Simulator};

use super::client::{Api, Socket};
use super::{now, shop};

const CHANNELS: &str = "/api/v2/notifications/channels";

fn deployment_topic() -> String {
    format!("v2.webdeployments.deployments.{}", Org::SHOP)
}

fn channel(api: &Api<'_>) -> String {
    let channel = api.post(CHANNELS, &json!({})).json();
    let uri = channel["connectUri"].as_str().unwrap();
    assert!(uri.starts_with("wss://127.0.0.1:"), "{uri}");
    channel["id"].as_str().unwrap().to_owned()
}

fn subscribe(api: &Api<'_>, channel: &str, topics: &[&str], query: &str) -> (u16, Value) {
    let topics: Vec<_> = topics.iter().map(|id| json!({ "id": id })).collect();
    let path = format!("{CHANNELS}/{channel}/subscriptions{query}");
    let answer = api.post(&path, &json!(topics));
    (answer.status, answer.json())
}

fn socket(simulator: &Simulator, channel: &str) -> Socket {
    Socket::open(simulator, &format!("/channels/{channel}"), None)
        .unwrap_or_else(|it| panic!("{it}"))
}

#[test]
fn a_channel_tells_of_what_it_is_subscribed_to() {
    let simulator = shop();
    let api = Api::login(&simulator);
    let channel = channel(&api);
    assert_eq!(subscribe(&api, &channel, &[&deployment_topic()], "").0, 200);
    let mut socket = socket(&simulator, &channel);
    assert_eq!(socket.ask(&json!({ "message": "ping" }))["eventBody"]["message"], "pong");
    simulator.with(|org| org.edit_domains(Org::HELP, AllowList::of(&["nobody.example"]), now()));
    simulator.with(|org| org.edit_domains(Org::SHOP, AllowList::of(&["m.example"]), now()));
    let event = socket.next().unwrap();
    assert_eq!(event["topicName"], deployment_topic());
    assert_eq!(event["eventBody"]["status"], "Active");
    assert!(event["metadata"]["CorrelationId"].is_string());
}

#[test]
fn topics_are_judged_one_by_one_or_all_at_once() {
    let simulator = shop();
    let api = Api::login(&simulator);
    let channel = channel(&api);
    let queue = "v2.routing.queues.1.conversations.messages";
    simulator.with(|org| org.notifications.refused_topics.insert("v2.routing.".to_owned()));
    assert_eq!(subscribe(&api, &channel, &[&deployment_topic(), queue], "").0, 403);
    assert_eq!(subscribe(&api, &channel, &["v2.unknown"], "").0, 400);
    let (status, verdicts) =
        subscribe(&api, &channel, &[&deployment_topic(), queue], "?ignoreErrors=true");
    assert_eq!(status, 200);
    let states: Vec<_> =
        verdicts["entities"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["Permitted", "Rejected"]);
    assert_eq!(simulator.with(|org| org.notifications.topics(&channel)), [deployment_topic()]);

    let many: Vec<_> = (0..1001).map(|n| format!("v2.operations.events.{n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(subscribe(&api, &channel, &many, "").0, 400);

    let path = format!("{CHANNELS}/{channel}/subscriptions");
    let replaced = api.put(&path, "[{\"id\":\"v2.operations.events.1\"}]", "").json();
    assert_eq!(replaced["entities"], json!([{ "id": "v2.operations.events.1" }]));
    assert_eq!(api.send("DELETE", &path, "", "").status, 204);
    assert_eq!(api.get(&path).json()["entities"], json!([]));
}

#[test]
fn every_topic_that_is_told_of_can_be_had() {
    let simulator = shop();
    let api = Api::login(&simulator);
    let list = api.get("/api/v2/notifications/availabletopics?expand=transports").json();
    let channel = channel(&api);
    for topic in list["entities"].as_array().unwrap() {
        let over_sockets = topic["transports"].as_array().unwrap().contains(&json!("Websocket"));
        let id = topic["id"].as_str().unwrap().replace("{id}", Org::SHOP);
        let status = if over_sockets { 200 } else { 400 };
        assert_eq!(subscribe(&api, &channel, &[&id], "").0, status, "{id}");
    }
}

#[test]
fn hearts_beat_and_closings_are_announced() {
    let simulator = shop();
    simulator.with(|org| org.notifications.heartbeat = Duration::from_millis(20));
    let api = Api::login(&simulator);
    let id = channel(&api);
    let mut first = socket(&simulator, &id);
    for _ in 0..2 {
        let beat = first.next().unwrap();
        assert_eq!(beat["topicName"], "channel.metadata");
        assert_eq!(beat["eventBody"]["message"], "WebSocket Heartbeat");
    }
    simulator.with(|org| {
        org.announce_closing();
        org.close_streams(1001);
    });
    let mut frames = std::iter::from_fn(|| first.next());
    assert!(frames.any(|frame| frame["topicName"] == "v2.system.socket_closing"));
    assert!(frames.all(|frame| frame["topicName"] == "channel.metadata"), "then it is closed");
    socket(&simulator, &id).next().unwrap();
}

#[test]
fn a_channel_has_one_socket_and_a_client_twenty_channels() {
    let simulator = shop();
    let api = Api::login(&simulator);
    let ids: Vec<_> = (0..20).map(|_| channel(&api)).collect();
    let mut first = socket(&simulator, &ids[0]);
    let mut second = socket(&simulator, &ids[0]);
    assert_eq!(first.next(), None);
    channel(&api);
    let path = |id: &str| format!("{CHANNELS}/{id}");
    assert_eq!(api.send("HEAD", &path(&ids[0]), "", "").status, 200, "it is in use");
    assert_eq!(api.send("HEAD", &path(&ids[1]), "", "").status, 404);
    assert_eq!(socket(&simulator, &ids[1]).next().unwrap()["result"], "404");
    assert_eq!(Socket::open(&simulator, "/channels/never", None).err(), Some(404));
    simulator.with(|org| org.drop_channel(&ids[0]));
    assert_eq!(second.next().unwrap()["result"], "404");
    assert_eq!(second.next(), None);
}
