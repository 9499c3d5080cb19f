//! The messaging probe against the simulated organisation, and against others that misbehave.

use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use watchpost::check::Check;
use watchpost::check::messaging::Level;
use watchpost::config::Config;
use watchpost::outcome::Outcome;
use watchpost::outcome::failure::Failure;
use watchpost::outcome::messaging::Trouble;
use watchpost::outcome::phase::Phase;
use watchpost::outcome::reason::{Fault, Reason};
use watchpost::outcome::verdict::Verdict;
use watchpost::outcome::warning::Warning;
use watchpost::probe::Prober;
use watchpost::simulator::{Org, Simulator};

use crate::fixture::checks::{config, run};
use crate::fixture::daemon::watchpost;
use crate::fixture::pki::now;
use crate::fixture::raw::{self, Server};

const DEPLOYMENT: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

fn keys(level: &str) -> String {
    let starts = if level == "message" { ", starts-conversations = true" } else { "" };
    format!("probes = [\"messaging\"]\nmessaging = {{ level = \"{level}\"{starts} }}")
}

/// An application that answers each request with what `answer` makes of it, and what it was asked.
struct Application {
    server: Server,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Application {
    async fn answering(
        answer: impl Fn(&Value) -> Vec<String> + Send + Sync + Clone + 'static,
    ) -> Self {
        let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
        let journal = asked.clone();
        let server = raw::serve(move |stream| {
            let (answer, journal) = (answer.clone(), journal.clone());
            async move {
                let Ok(mut socket) = accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    let Message::Text(text) = message else { continue };
                    let request: Value = serde_json::from_str(&text).unwrap();
                    let frames = answer(&request);
                    journal.lock().unwrap().push(request);
                    for frame in frames {
                        // The guest may have left.
                        socket.send(Message::text(frame)).await.ok();
                    }
                }
            }
        })
        .await;
        Self { server, asked }
    }

    /// One that is well but for one action.
    async fn failing(action: &'static str, frame: String) -> Self {
        Self::answering(move |request| match request["action"] == action {
            true => vec![frame.clone()],
            false => well(request),
        })
        .await
    }

    fn checks(&self, keys: &str) -> Vec<Arc<Check>> {
        let url = format!("ws://{}/v1?deploymentId={DEPLOYMENT}", self.server.address);
        config(&url, keys).checks
    }

    async fn run(&self, keys: &str) -> Outcome {
        run(&self.checks(keys)[0]).await
    }

    fn actions(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|request| request["action"].as_str().unwrap().to_owned()).collect()
    }
}

/// What a good application says.
fn well(request: &Value) -> Vec<String> {
    let frame = |class: &str, body: Value| {
        json!({ "type": "response", "class": class, "code": 200, "body": body, "tracingId": request["tracingId"] })
            .to_string()
    };
    let own =
        |text: &Value| json!({ "type": "Text", "text": text, "direction": "Inbound", "id": "m-1" });
    match request["action"].as_str().unwrap() {
        "getConfiguration" => vec![frame("GetConfigurationResponse", json!({}))],
        "configureSession" => vec![frame("SessionResponse", json!({ "connected": true }))],
        "echo" | "onMessage" => vec![frame("StructuredMessage", own(&request["message"]["text"]))],
        _ => Vec::new(),
    }
}

fn error(code: u32) -> String {
    json!({ "type": "response", "class": "string", "code": code, "body": "why" }).to_string()
}

fn reason(outcome: &Outcome) -> Option<Reason> {
    outcome.failure.as_ref().map(|failure| failure.reason())
}

fn warnings(outcome: &Outcome) -> Vec<Warning> {
    outcome.remarks.iter().map(|remark| remark.warning).collect()
}

fn reached(outcome: &Outcome) -> Option<Level> {
    outcome.observation.messaging.as_ref()?.reached
}

/// Each reason that only this probe has, made on a socket.
pub async fn reasons() -> Vec<Reason> {
    let mut made = Vec::new();
    let too_many = json!({
        "type": "response", "class": "TooManyRequestsErrorMessage", "code": 429,
        "body": { "retryAfter": 3, "errorCode": 4029, "errorMessage": "too high" },
    });
    let closed = json!({
        "type": "message", "class": "ConnectionClosedEvent", "code": 200,
        "body": { "reasonCode": "signedIn" },
    });
    let session = |body: Value| {
        json!({ "type": "response", "class": "SessionResponse", "code": 200, "body": body })
            .to_string()
    };
    let gateway = json!({ "message": "Internal server error", "connectionId": "x" });
    for (action, frame, trouble) in [
        ("getConfiguration", error(4000), Trouble::Unavailable),
        ("getConfiguration", error(404), Trouble::DeploymentUnknown),
        ("getConfiguration", error(400), Trouble::BadRequest),
        ("getConfiguration", error(4020), Trouble::BadRequest),
        ("getConfiguration", error(408), Trouble::TimedOut),
        ("getConfiguration", error(503), Trouble::ServerError),
        ("getConfiguration", error(5000), Trouble::ServerError),
        ("getConfiguration", error(429), Trouble::Throttled),
        ("getConfiguration", error(4711), Trouble::Error),
        ("getConfiguration", gateway.to_string(), Trouble::Malformed),
        ("configureSession", error(4006), Trouble::SessionExpired),
        ("configureSession", error(4007), Trouble::SessionNotFound),
        ("configureSession", error(4017), Trouble::Authenticated),
        ("configureSession", session(json!({ "readOnly": true })), Trouble::ReadOnly),
        ("configureSession", session(json!({ "autoStarted": true })), Trouble::AutoStarted),
        ("echo", too_many.to_string(), Trouble::Throttled),
        ("echo", closed.to_string(), Trouble::ConnectionClosed),
        ("onMessage", error(4011), Trouble::TooLong),
        ("onMessage", error(4013), Trouble::AttributesTooLarge),
        ("onMessage", error(4001), Trouble::Attachment),
        ("onMessage", error(4102), Trouble::Attachment),
    ] {
        let told = frame.clone();
        let outcome = Application::failing(action, frame).await.run(&keys("message")).await;
        let failure = outcome.failure.as_ref().unwrap_or_else(|| panic!("{told} passes"));
        let found = (failure.reason(), failure.phase(), outcome.verdict);
        assert_eq!(found, (trouble.reason(), Some(Phase::Transfer), Verdict::Fail), "{told}");
        made.push(failure.reason());
    }
    for trouble in Trouble::ALL {
        assert!(made.contains(&trouble.reason()), "{trouble:?}");
    }
    made.push(spent().await);
    made
}

/// A run that its deployment has no connection left for.
async fn spent() -> Reason {
    let application = Application::answering(well).await;
    let text = format!("deployment = \"{DEPLOYMENT}\"\n{}", keys("upgrade"));
    let check = application.checks(&text)[0].clone();
    let prober = Prober::new([&check.endpoint], &[], None).within(2);
    for _ in 0..2 {
        assert_eq!(prober.run(&check, 0).await.verdict, Verdict::Pass);
    }
    let outcome = prober.run(&check, 0).await;
    let failure = outcome.failure.unwrap();
    assert_eq!((outcome.verdict, failure.fault()), (Verdict::Inconclusive, Fault::Monitor));
    assert_eq!((failure.phase(), outcome.observation.address), (None, None));
    assert_eq!(application.server.visits.load(std::sync::atomic::Ordering::SeqCst), 2);
    let later = Prober::new([&check.endpoint], &[], None).within(2).after(&prober, [&check]);
    assert_eq!(reason(&later.run(&check, 0).await), Some(Reason::BudgetSpent), "over a reload too");
    failure.reason()
}

#[tokio::test]
async fn each_rung_asks_for_what_is_below_it_and_no_more() {
    let actions = ["getConfiguration", "configureSession", "echo", "onMessage"];
    for (level, asked) in [
        (Level::Upgrade, &actions[..0]),
        (Level::Configuration, &actions[..1]),
        (Level::Session, &actions[..3]),
        (Level::Message, &actions[..4]),
    ] {
        let application = Application::answering(well).await;
        let outcome = application.run(&keys(level.as_str())).await;
        assert_eq!(outcome.verdict, Verdict::Pass, "{level}: {:?}", outcome.failure);
        assert_eq!(reached(&outcome), Some(level));
        let mut expected = asked.to_vec();
        if level >= Level::Session {
            expected.push("closeSession");
        }
        assert_eq!(application.actions(), expected, "{level}");
    }
}

/// The simulated organisation in the clear, and checks of a page there.
struct Shop {
    simulator: Simulator,
}

impl Shop {
    fn open() -> Self {
        Self { simulator: Simulator::shop(now()).unwrap() }
    }

    fn checks(&self, keys: &str) -> Vec<Arc<Check>> {
        let origins = "origins = [{ origin = \"https://www.shop.example\", name = \"shop\" }, \
             { origin = \"https://evil.test\", name = \"evil\", expect = \"deny\" }]";
        let url = format!("ws://{}/v1?deploymentId={}", self.simulator.gateway(), Org::SHOP);
        config(&url, &format!("{origins}\n{keys}")).checks
    }

    fn deployment(&self, change: impl FnOnce(&mut watchpost::simulator::Deployment)) {
        self.simulator.with(|org| change(org.deployment(Org::SHOP).unwrap()));
    }

    fn conversations(&self) -> usize {
        self.simulator.with(|org| org.messaging.conversations.len())
    }
}

fn prober(check: &Arc<Check>) -> Prober {
    Prober::new([&check.endpoint], &[], None).known_by(7)
}

#[tokio::test]
async fn a_session_begins_no_conversation_and_a_message_does() {
    let shop = Shop::open();
    let check = shop.checks(&keys("session"))[0].clone();
    let outcome = run(&check).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);
    assert_eq!((reached(&outcome), shop.conversations()), (Some(Level::Session), 0));
    shop.deployment(|deployment| deployment.out_of_order = true);
    let told = keys("message").replace(" }", ", attributes = { source = \"probe\" } }");
    let outcome = run(&shop.checks(&told)[0]).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);
    let seen = outcome.observation.messaging.as_ref().unwrap();
    assert!(seen.message.is_some(), "the id by which the conversation is found");
    let conversation = shop.simulator.with(|org| org.messaging.conversations[0].clone());
    assert_eq!(conversation.attributes["source"], "probe");
    assert_eq!(conversation.attributes["watchpost"], "door");
}

#[tokio::test]
async fn every_code_that_the_simulated_application_speaks_is_a_reason() {
    let shop = Shop::open();
    let (session, message) = ("configureSession", "onMessage");
    for (action, code, expected) in [
        ("getConfiguration", 4000, Reason::MessagingUnavailable),
        (message, 4001, Reason::MessagingAttachment),
        (message, 4002, Reason::MessagingAttachment),
        (message, 4003, Reason::MessagingAttachment),
        (message, 4004, Reason::MessagingAttachment),
        (message, 4005, Reason::MessagingAttachment),
        (session, 4006, Reason::MessagingSessionExpired),
        (session, 4007, Reason::MessagingSessionNotFound),
        (message, 4008, Reason::MessagingAttachment),
        (message, 4009, Reason::MessagingAttachment),
        (message, 4010, Reason::MessagingAttachment),
        (message, 4011, Reason::MessagingTooLong),
        (message, 4013, Reason::MessagingAttributesTooLarge),
        (session, 4017, Reason::MessagingAuthenticated),
        (session, 4020, Reason::MessagingBadRequest),
        (message, 4029, Reason::MessagingThrottled),
        (message, 4102, Reason::MessagingAttachment),
        (message, 5000, Reason::MessagingServerError),
    ] {
        let refusals = [(action.to_owned(), code)].into();
        shop.simulator.with(|org| org.messaging.refusals = refusals);
        let outcome = run(&shop.checks(&keys("message"))[0]).await;
        assert_eq!(reason(&outcome), Some(expected), "{code}: {:?}", outcome.failure);
        let Some(Failure::Messaging(refused)) = &outcome.failure else {
            panic!("{code}: {:?}", outcome.failure)
        };
        assert_eq!(refused.code, Some(code.into()));
        assert!(!["", "error"].contains(&refused.said.as_str()), "{code}: {refused}");
        assert_eq!(outcome.verdict, Verdict::Fail, "{code}");
    }
    shop.simulator.with(|org| org.messaging.refusals.clear());
    let outcome = run(&shop.checks(&keys("message"))[0]).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);
}

#[tokio::test]
async fn a_page_that_must_be_refused_is_judged_as_by_a_websocket() {
    let shop = Shop::open();
    let checks = shop.checks(&keys("session"));
    let prober = prober(&checks[0]);
    let outcome = prober.run(&checks[1], 0).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);
    assert_eq!(outcome.observation.http_status, Some(403));
    let sessions = || shop.simulator.with(|org| org.messaging.sessions());
    assert_eq!(sessions(), 0, "whom a refusal is held against says nothing");
    shop.deployment(|deployment| deployment.enforcement = watchpost::simulator::Enforcement::Open);
    let outcome = prober.run(&checks[1], 1).await;
    assert_eq!(reason(&outcome), Some(Reason::OriginAccepted));
    assert_eq!(sessions(), 0, "it asks for no session");
    shop.deployment(|deployment| deployment.enforcement = watchpost::simulator::Enforcement::Deny);
    let outcome = prober.run(&checks[1], 2).await;
    let found = (outcome.verdict, reason(&outcome));
    assert_eq!(found, (Verdict::Inconclusive, Some(Reason::ControlFailed)));
    let outcome = prober.run(&checks[0], 2).await;
    assert_eq!(reason(&outcome), Some(Reason::UpgradeRefused));
}

#[tokio::test]
async fn a_page_may_be_refused_behind_an_open_door() {
    use watchpost::simulator::Enforcement;

    let shop = Shop::open();
    let checks = shop.checks(&keys("session"));
    let prober = prober(&checks[0]);
    let found = |outcome: &Outcome| (outcome.verdict, reason(outcome));
    shop.deployment(|deployment| deployment.enforcement = Enforcement::AtFirstFrame);
    let outcome = prober.run(&checks[1], 0).await;
    assert_eq!(found(&outcome), (Verdict::Pass, None));
    assert_eq!((outcome.observation.upgraded, reached(&outcome)), (true, Some(Level::Upgrade)));
    assert_eq!(warnings(&outcome), []);
    // Who got in at the door is no word of what is behind it.
    shop.deployment(|deployment| deployment.socket = watchpost::simulator::AllowList::default());
    let outcome = prober.run(&checks[0], 1).await;
    assert_eq!((outcome.verdict, reached(&outcome)), (Verdict::Pass, Some(Level::Upgrade)));
    let outcome = prober.run(&checks[1], 1).await;
    assert_eq!(found(&outcome), (Verdict::Fail, Some(Reason::OriginAccepted)), "all are told so");
    // Guests must be known: that is said to every page.
    shop.deployment(|deployment| {
        deployment.enforcement = Enforcement::Open;
        deployment.configuration.auth = true;
    });
    let outcome = prober.run(&checks[1], 2).await;
    assert_eq!(found(&outcome), (Verdict::Fail, Some(Reason::OriginAccepted)));
    let sessions = shop.simulator.with(|org| org.messaging.sessions());
    assert_eq!(sessions, 0);
}

#[tokio::test]
async fn guests_that_must_be_known_cap_the_ladder() {
    let shop = Shop::open();
    shop.deployment(|deployment| deployment.configuration.auth = true);
    let outcome = run(&shop.checks(&keys("session"))[0]).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);
    assert_eq!(reached(&outcome), Some(Level::Configuration));
    assert_eq!(warnings(&outcome), [Warning::MessagingNeedsAuthentication]);
    let outcome = Application::failing("getConfiguration", error(401)).await;
    let outcome = outcome.run(&keys("configuration")).await;
    assert_eq!((outcome.verdict, reached(&outcome)), (Verdict::Pass, Some(Level::Upgrade)));
    let toggle = error(403).replace("why", "Turn on the Feature Toggle or fix the configuration.");
    let outcome = Application::failing("getConfiguration", toggle).await;
    let outcome = outcome.run(&keys("configuration")).await;
    assert_eq!(reason(&outcome), Some(Reason::MessagingUnavailable));
}

#[tokio::test]
async fn sessions_stop_where_one_began_a_conversation() {
    let shop = Shop::open();
    shop.deployment(|deployment| deployment.auto_started = true);
    let check = shop.checks(&keys("session"))[0].clone();
    let prober = prober(&check);
    let first = prober.run(&check, 0).await;
    assert_eq!(reason(&first), Some(Reason::MessagingAutoStarted));
    assert!(first.observation.messaging.as_ref().unwrap().stopped);
    let sessions = shop.simulator.with(|org| org.messaging.sessions());
    shop.simulator.with(|org| org.messaging.forget_sessions());
    let second = prober.run(&check, 1).await;
    assert_eq!((second.verdict, reached(&second)), (Verdict::Pass, Some(Level::Configuration)));
    assert_eq!(warnings(&second), [Warning::MessagingSessionsStopped]);
    let asked = shop.simulator.with(|org| org.messaging.sessions());
    assert_eq!((sessions, asked), (1, 0), "no session is asked for again");
    // The same config once more changes nothing; another one begins anew.
    let same = Prober::new([&check.endpoint], &[], None).after(&prober, [&check]);
    assert_eq!(warnings(&same.run(&check, 2).await), [Warning::MessagingSessionsStopped]);
    let told = keys("message").replace(" }", ", attributes = { a = \"b\" } }");
    let other = shop.checks(&told)[0].clone();
    let changed = Prober::new([&other.endpoint], &[], None).after(&same, [&other]);
    assert_eq!(reason(&changed.run(&other, 3).await), Some(Reason::MessagingAutoStarted));
}

#[tokio::test]
async fn a_session_that_is_no_more_is_made_anew_under_another_token() {
    let shop = Shop::open();
    let check = shop.checks(&keys("session"))[0].clone();
    let prober = prober(&check);
    assert_eq!(prober.run(&check, 0).await.verdict, Verdict::Pass);
    shop.simulator.with(|org| org.messaging.expire_sessions());
    let outcome = prober.run(&check, 1).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);
    assert_eq!(shop.simulator.with(|org| org.messaging.sessions()), 2);
    assert_eq!(prober.run(&check, 2).await.verdict, Verdict::Pass);
    assert_eq!(shop.simulator.with(|org| org.messaging.sessions()), 2, "and kept");
}

#[tokio::test]
async fn a_session_that_takes_no_messages_is_begun_anew() {
    let shop = Shop::open();
    shop.deployment(|deployment| deployment.read_only = true);
    let outcome = run(&shop.checks(&keys("message"))[0]).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);
    let application = Application::answering(well).await;
    application.run(&keys("session")).await;
    let asked = application.asked.lock().unwrap();
    assert_eq!(asked[1]["startNew"], false, "a session that is well is left as it is");
}

#[tokio::test]
async fn guests_are_known_again_and_to_nobody_else() {
    let application = Application::answering(well).await;
    let origins = "origins = [{ origin = \"https://a.test\" }, { origin = \"https://b.test\" }]";
    let checks = application.checks(&format!("{origins}\n{}", keys("configuration")));
    let token = async |prober: &Prober, check: &Arc<Check>| {
        prober.run(check, 0).await;
        application.asked.lock().unwrap().last().unwrap()["token"].as_str().unwrap().to_owned()
    };
    let first = prober(&checks[0]);
    let mine = token(&first, &checks[0]).await;
    let shape: Vec<_> = mine.split('-').map(str::len).collect();
    assert_eq!(shape, [8, 4, 4, 4, 12], "{mine}");
    assert_eq!(mine, token(&first, &checks[0]).await);
    assert_eq!(mine, token(&prober(&checks[0]), &checks[0]).await, "after a restart");
    assert_ne!(mine, token(&first, &checks[1]).await, "of another page");
    let other = Prober::new([&checks[0].endpoint], &[], None).known_by(8);
    assert_ne!(mine, token(&other, &checks[0]).await, "of another daemon");
}

#[tokio::test]
async fn a_guest_is_heard_no_more_than_twice_a_minute() {
    let application = Application::answering(well).await;
    let check = application.checks(&keys("session"))[0].clone();
    let prober = prober(&check);
    for _ in 0..3 {
        let outcome = prober.run(&check, 0).await;
        assert_eq!((outcome.verdict, reached(&outcome)), (Verdict::Pass, Some(Level::Session)));
    }
    let actions = application.actions();
    let count = |action: &str| actions.iter().filter(|asked| *asked == action).count();
    assert_eq!((count("echo"), count("configureSession")), (1, 3));
}

#[tokio::test]
async fn answers_may_come_twice_late_and_among_others() {
    let stray = [
        r#"{"type":"message","class":"BrandNewEvent","code":200,"body":[1,2],"x":null}"#.to_owned(),
        r#"{"type":"message","class":"StructuredMessage","code":200,"body":{"type":"Text","text":"ping","direction":"Outbound"}}"#.to_owned(),
        r#"{"type":"response","class":"string","code":4007,"body":"late","tracingId":"of-somebody"}"#.to_owned(),
        "no JSON at all".to_owned(),
        r#"{"message":"Endpoint request timed out"}"#.to_owned(),
    ];
    let application = Application::answering(move |request| {
        let answer = well(request);
        [stray.to_vec(), answer.clone(), answer].concat()
    })
    .await;
    let outcome = application.run(&keys("message")).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);
    assert_eq!(warnings(&outcome), []);
}

#[tokio::test]
async fn an_application_that_lives_and_says_something_else_has_a_warning() {
    let event = r#"{"type":"message","class":"BrandNewEvent","code":200,"body":{}}"#;
    let outcome = Application::failing("getConfiguration", event.to_owned()).await;
    let outcome = outcome.run(&keys("configuration")).await;
    assert_eq!((outcome.verdict, reached(&outcome)), (Verdict::Pass, Some(Level::Configuration)));
    assert_eq!(warnings(&outcome), [Warning::MessagingConfigurationMissing]);
    let silent = Application::answering(|_| Vec::new()).await;
    let outcome = silent.run(&keys("configuration")).await;
    assert_eq!(reason(&outcome), Some(Reason::TimedOut));
    assert_eq!(reached(&outcome), Some(Level::Upgrade));
    let outcome = Application::failing("echo", event.to_owned()).await.run(&keys("session")).await;
    assert_eq!(reason(&outcome), Some(Reason::TimedOut), "an echo must come");
}

#[tokio::test]
async fn a_guest_who_is_not_told_of_the_configuration_goes_on_to_its_session() {
    let event = r#"{"type":"message","class":"BrandNewEvent","code":200,"body":{}}"#;
    for frames in [vec![], vec![event.to_owned()]] {
        let application =
            Application::answering(move |request| match request["action"] == "getConfiguration" {
                true => frames.clone(),
                false => well(request),
            });
        let outcome = application.await.run(&keys("session")).await;
        assert_eq!((outcome.verdict, reached(&outcome)), (Verdict::Pass, Some(Level::Session)));
        assert_eq!(warnings(&outcome), [Warning::MessagingConfigurationMissing]);
    }
}

#[tokio::test]
async fn what_the_application_says_is_shown_without_the_token() {
    for code in [503, 408] {
        let application = Application::answering(move |request| {
            let said = format!("\u{1b}[2Jguest {} <b>", request["token"].as_str().unwrap());
            vec![json!({ "class": "string", "code": code, "body": said }).to_string()]
        })
        .await;
        let outcome = application.run(&keys("configuration")).await;
        let said = outcome.failure.as_ref().unwrap().evidence();
        assert_eq!(said, format!("code {code}, \"·[2Jguest (token) <b>\""));
    }
    let application =
        Application::answering(|request| vec![format!("gone: {}", request["token"])]).await;
    let outcome = application.run(&keys("configuration")).await;
    assert_eq!(reason(&outcome), Some(Reason::MessagingMalformed));
    assert!(outcome.failure.unwrap().evidence().contains("(token)"));
}

#[tokio::test]
async fn frames_are_counted_for_guests_too() {
    let flood = r#"{"type":"message","class":"BrandNewEvent","code":200,"body":{}}"#;
    let application = Application::answering(move |_| vec![flood.to_owned(); 100]).await;
    let outcome = application.run(&keys("configuration")).await;
    assert_eq!(reason(&outcome), Some(Reason::FrameFlood));
    let deep = format!("{{\"class\":\"x\",\"code\":200,\"body\":{}", "[".repeat(60_000));
    let application = Application::answering(move |_| vec![deep.clone()]).await;
    let outcome = application.run(&keys("configuration")).await;
    assert_eq!(reason(&outcome), Some(Reason::MessagingMalformed));
}

#[tokio::test]
async fn whom_a_refusal_is_held_against_takes_a_connection_too() {
    let shop = Shop::open();
    let told = format!("deployment = \"{}\"\n{}", Org::SHOP, keys("upgrade"));
    let checks = shop.checks(&told);
    let prober = Prober::new([&checks[0].endpoint], &[], None).within(1);
    let outcome = prober.run(&checks[1], 0).await;
    let found = (outcome.verdict, reason(&outcome));
    assert_eq!(found, (Verdict::Inconclusive, Some(Reason::BudgetSpent)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_comes_as_a_guest() {
    let shop = Shop::open();
    let url = format!("ws://{}/v1?deploymentId={}", shop.simulator.gateway(), Org::SHOP);
    let ask = |args: &[&str]| {
        let mut all = vec!["check", url.as_str(), "--probe", "messaging", "--json"];
        all.extend(args);
        let output = watchpost(&all).output().unwrap();
        let report = serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default();
        (output.status.code(), report)
    };
    let shop_page = ["--origin", "https://www.shop.example"];
    let (status, report) = ask(&shop_page);
    assert_eq!((status, &report["messaging"]["level"]), (Some(0), &json!("configuration")));
    let (status, report) = ask(&[&shop_page[..], &["--level", "session"]].concat());
    assert_eq!((status, &report["messaging"]["level"]), (Some(0), &json!("session")));
    assert_eq!(ask(&["--origin", "https://evil.test"]).0, Some(1));
    assert_eq!(ask(&["--level", "message"]).0, Some(2));
    assert_eq!(shop.conversations(), 0);
    let other = ["check", "ws://127.0.0.1:9/", "--probe", "messaging"];
    let output = watchpost(&other).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("deploymentId"));
}

fn parsed(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("/tmp/test.toml"), text).map_err(|faults| faults.to_string())
}

#[test]
fn a_deployment_is_enough_where_the_region_is_known() {
    let endpoint = format!("[[endpoints]]\nname = \"a\"\ndeployment = \"{DEPLOYMENT}\"\n");
    let config = parsed(&format!("[genesys]\nregion = \"eu-west-1\"\n{endpoint}")).unwrap();
    let url = format!(
        "wss://webmessaging.mypurecloud.ie/v1?deploymentId={DEPLOYMENT}&application=watchpost"
    );
    let check = &config.checks[0];
    assert_eq!(check.endpoint.target.to_string(), url);
    assert_eq!(check.id.as_str(), "a/messaging/none");
    assert_eq!(check.deployment().unwrap().as_str(), DEPLOYMENT);
    let users = check.endpoint.users.as_ref().unwrap();
    assert_eq!(users.of_url.as_ref().unwrap().as_str(), DEPLOYMENT);
    let elsewhere = "messaging-url = \"ws://127.0.0.1:4000/x\"";
    let config =
        parsed(&format!("[genesys]\nregion = \"eu-west-1\"\n{elsewhere}\n{endpoint}")).unwrap();
    let url = config.checks[0].endpoint.target.to_string();
    assert!(url.starts_with("ws://127.0.0.1:4000/x/v1?deploymentId="), "{url}");
    let fault = parsed(&endpoint).unwrap_err();
    assert!(fault.contains("[genesys] with region"), "{fault}");
}

#[test]
fn connections_are_counted_where_they_are_a_deployments() {
    let of = |url: &str| {
        let text = format!("[[endpoints]]\nname = \"a\"\nurl = \"{url}\"\n");
        parsed(&text).unwrap().checks[0].deployment().map(ToString::to_string)
    };
    let query = format!("v1?deploymentId={DEPLOYMENT}");
    assert_eq!(of(&format!("wss://webmessaging.mypurecloud.ie/{query}")).unwrap(), DEPLOYMENT);
    assert_eq!(of(&format!("wss://chat.test/{query}")), None);
    assert_eq!(of("wss://webmessaging.mypurecloud.ie/v1"), None);
}

#[test]
fn a_config_that_asks_too_much_of_a_deployment_is_refused_with_what_would_do() {
    let endpoint = |name: &str, interval: &str, origins: usize| {
        let origins: Vec<_> =
            (0..origins).map(|n| format!("{{ origin = \"https://{n}.test\" }}")).collect();
        format!(
            "[[endpoints]]\nname = \"{name}\"\nurl = \"wss://webmessaging.mypurecloud.ie/v1?deploymentId={DEPLOYMENT}\"\n\
             interval = \"{interval}\"\norigins = [{}]\n",
            origins.join(", ")
        )
    };
    assert!(parsed(&endpoint("a", "30s", 10)).is_ok(), "20 a minute");
    let fault = parsed(&endpoint("a", "30s", 11)).unwrap_err();
    assert!(fault.contains("22 connections a minute"), "{fault}");
    assert!(fault.contains("more than 20: 22 by a (websocket, 11 every 30 s)"), "{fault}");
    assert!(fault.contains("interval = \"33s\" would do"), "{fault}");
    let both = [endpoint("a", "30s", 9), endpoint("b", "1m", 3)].concat();
    assert!(parsed(&both).unwrap_err().contains("3 by b (websocket, 3 every 60 s)"));
    let more = format!("[genesys]\nregion = \"eu-west-1\"\nconnections-per-minute = 22\n{both}");
    assert!(parsed(&more).is_ok());
    let denied = endpoint("a", "30s", 10).replace("9.test\"", "9.test\", expect = \"deny\"");
    let fault = parsed(&denied).unwrap_err();
    assert!(fault.contains("10 every 30 s and 1 to hold refusals against"), "{fault}");
}
