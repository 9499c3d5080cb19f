//! The messenger's socket.

use serde_json::{Value, json};
use watchpost::simulator::{Enforcement, Org, Simulator};

use super::client::Socket;
use super::shop;

const PAGE: Option<&str> = Some("https://www.shop.example");

fn open(simulator: &Simulator, deployment: &str, origin: Option<&str>) -> Result<Socket, u16> {
    let path = format!("/v1?deploymentId={deployment}&application=test");
    Socket::open(simulator, &path, origin)
}

fn guest(simulator: &Simulator) -> Socket {
    open(simulator, Org::SHOP, PAGE).unwrap_or_else(|status| panic!("{status}"))
}

fn configure(token: &str) -> Value {
    json!({ "action": "configureSession", "deploymentId": Org::SHOP, "token": token })
}

fn echo(token: &str) -> Value {
    let message = json!({ "type": "Text", "text": "ping" });
    json!({ "action": "echo", "token": token, "tracingId": "trace", "message": message })
}

fn text(token: &str, text: &str) -> Value {
    let message = json!({ "type": "Text", "text": text });
    json!({ "action": "onMessage", "token": token, "message": message })
}

#[test]
fn the_door_goes_by_the_deployment_and_the_origin() {
    let simulator = shop();
    let status = |deployment: &str, origin| open(&simulator, deployment, origin).err();
    assert_eq!(status(Org::SHOP, PAGE), None);
    assert_eq!(status(Org::SHOP, Some("https://evil.example")), Some(403));
    assert_eq!(status(Org::SHOP, None), Some(403));
    assert_eq!(status(Org::HELP, None), None);
    assert_eq!(status(Org::CAMPAIGN, Some("https://spring.example")), Some(403));
    assert_eq!(status("none", PAGE), Some(403));
    simulator.with(|org| org.deployment(Org::SHOP).unwrap().enforcement = Enforcement::Exact);
    assert_eq!(status(Org::SHOP, PAGE), Some(403));
    simulator.with(|org| org.deployment(Org::HELP).unwrap().connections_per_minute = 1);
    assert_eq!(status(Org::HELP, None), Some(429));
}

#[test]
fn a_guest_configures_echoes_and_leaves() {
    let simulator = shop();
    let mut guest = guest(&simulator);
    let configuration = guest.ask(&json!({ "action": "getConfiguration", "token": "g" }));
    assert_eq!(configuration["class"], "GetConfigurationResponse");
    assert_eq!(configuration["body"]["sessionDurationSeconds"], 259_200);
    assert_eq!(guest.ask(&echo("g"))["code"], 4007);
    let session = guest.ask(&configure("g"));
    assert_eq!(session["class"], "SessionResponse");
    assert_eq!(session["body"]["newSession"], true);
    assert_eq!(session["body"]["autoStarted"], false);
    assert_eq!(guest.ask(&configure("g"))["body"]["newSession"], false);
    let answer = guest.ask(&echo("g"));
    assert_eq!((&answer["tracingId"], &answer["body"]["text"]), (&json!("trace"), &json!("ping")));
    guest.ask(&echo("g"));
    let third = guest.ask(&echo("g"));
    assert_eq!((&third["code"], &third["body"]["errorCode"]), (&json!(429), &json!(4029)));
    let jwt = guest.ask(&json!({ "action": "getJwt", "token": "g" }));
    assert_eq!(jwt["class"], "JwtResponse");
    let closed = guest.ask(&json!({ "action": "closeSession", "token": "g" }));
    assert_eq!(closed["class"], "ConnectionClosedEvent");
    assert_eq!(guest.next(), None);
    assert_eq!(simulator.with(|org| org.messaging.conversations.len()), 0);
}

#[test]
fn what_is_wrong_has_a_code() {
    let simulator = shop();
    let mut guest = guest(&simulator);
    let mut code = |frame: Value| guest.ask(&frame)["code"].as_u64().unwrap();
    assert_eq!(code(json!("text")), 400);
    assert_eq!(code(json!({ "action": "echo" })), 4020);
    assert_eq!(code(json!({ "token": "g" })), 4020);
    assert_eq!(code(text("g", "too early")), 4007);
    code(configure("g"));
    assert_eq!(code(text("g", &"x".repeat(4097))), 4011);
    let mut heavy = text("g", "hello");
    heavy["channel"] = json!({ "metadata": { "customAttributes": { "k": "v".repeat(2048) } } });
    assert_eq!(code(heavy), 4013);
    simulator.with(|org| org.messaging.expire_sessions());
    assert_eq!(code(configure("g")), 4006);
    assert_eq!(code(echo("g")), 4006);
    simulator.with(|org| org.messaging.forget_sessions());
    assert_eq!(code(echo("g")), 4007);
}

#[test]
fn a_message_begins_a_conversation_and_is_answered() {
    let simulator = shop();
    let mut guest = guest(&simulator);
    guest.ask(&configure("g"));
    let mut said = text("g", "hello");
    said["message"]["channel"] = json!({ "metadata": { "customAttributes": { "probe": "p1" } } });
    assert_eq!(guest.ask(&said)["body"]["direction"], "Inbound");
    assert_eq!(guest.next().unwrap()["body"]["originatingEntity"], "Bot");
    simulator.with(|org| org.deployment(Org::SHOP).unwrap().out_of_order = true);
    assert_eq!(guest.ask(&said)["body"]["direction"], "Outbound");
    assert_eq!(guest.next().unwrap()["body"]["direction"], "Inbound");
    let conversations = simulator.with(|org| org.messaging.conversations.clone());
    assert_eq!(conversations.len(), 1, "one session, one conversation");
    assert_eq!(conversations[0].attributes, json!({ "probe": "p1" }));
}

#[test]
fn the_fourth_connection_of_a_token_puts_out_the_first() {
    let simulator = shop();
    let mut guests: Vec<_> = (0..4).map(|_| guest(&simulator)).collect();
    for guest in &mut guests {
        assert_eq!(guest.ask(&configure("g"))["code"], 200);
    }
    assert_eq!(guests[0].next().unwrap()["class"], "ConnectionClosedEvent");
    assert_eq!(guests[0].next(), None);
    assert_eq!(guests[1].ask(&echo("g"))["code"], 200);
}

#[test]
fn a_connection_asks_so_often_in_a_minute() {
    let simulator = shop();
    simulator.with(|org| org.messaging.requests_per_minute = 2);
    let mut guest = guest(&simulator);
    let frame = json!({ "action": "getConfiguration", "token": "g" });
    assert_eq!(guest.ask(&frame)["code"], 200);
    assert_eq!(guest.ask(&frame)["code"], 200);
    let third = guest.ask(&frame);
    assert_eq!(third["class"], "TooManyRequestsErrorMessage");
    assert!(third["body"]["retryAfter"].as_u64().unwrap() <= 60);
}

#[test]
fn a_deployment_may_begin_conversations_by_itself_and_its_sockets_may_be_cut() {
    let simulator = shop();
    simulator.with(|org| {
        let shop = org.deployment(Org::SHOP).unwrap();
        shop.auto_started = true;
        shop.read_only = true;
    });
    let mut guest = guest(&simulator);
    let session = guest.ask(&configure("g"))["body"].clone();
    assert_eq!((&session["autoStarted"], &session["readOnly"]), (&json!(true), &json!(true)));
    assert_eq!(guest.ask(&text("g", "hello"))["code"], 400);
    let mut again = configure("g");
    again["startNew"] = json!(true);
    assert_eq!(guest.ask(&again)["body"]["readOnly"], false);
    simulator.with(|org| org.cut_messaging());
    assert_eq!(guest.next(), None);
}
