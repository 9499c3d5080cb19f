use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::manifest::{By, Manifest, Setting};
use super::webhook::Webhook;
use crate::check::origin::Expect;
use crate::genesys::Compat;
use crate::genesys::domains::OriginMatch;
use crate::receiver::{Auth, Fingerprint, Method, Receiver};

const ID: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

fn receiver(auth: Auth) -> Arc<Receiver> {
    let path = Receiver::PATH.to_owned();
    Arc::new(Receiver { name: "genesys".into(), path, auth, max_rate: Receiver::RATE })
}

fn by_key() -> Arc<Receiver> {
    let keys = vec![Fingerprint::of(b"secret")];
    receiver(Auth::AnyOf(vec![Method::ApiKey { header: "x-api-key".parse().unwrap(), keys }]))
}

fn parse_with(compat: Compat, receivers: &[Arc<Receiver>], text: &str) -> Result<Manifest, String> {
    let setting = Setting { compat, rule: OriginMatch::Genesys, receivers };
    Manifest::parse(Path::new("f.toml"), text.to_owned(), setting).map_err(|faults| {
        let lines = faults.iter();
        let line = |fault: &crate::config::fault::Fault| {
            format!("{}: {}: {} | {}\n", fault.line, fault.key, fault.problem, fault.fix)
        };
        lines.map(line).collect()
    })
}

fn genesys(text: &str) -> Result<Manifest, String> {
    parse_with(Compat::Genesys, &[by_key()], text)
}

fn seed(text: &str) -> Result<Manifest, String> {
    parse_with(Compat::Seed, &[], text)
}

fn doors(manifest: &Manifest, n: usize) -> Vec<(String, Expect)> {
    manifest.objects[n].doors.iter().map(|door| (door.name.clone(), door.expect)).collect()
}

#[test]
fn a_deployment_declares_what_the_platform_holds() {
    let manifest = genesys(&format!(
        r#"
        [[deployments]]
        id = "{ID}"
        name = "Shop"
        description = ""
        status = "active"
        allowed-domains = ["shop.example", "m.other.example"]
        origins = [
          {{ origin = "https://www.shop.example" }},
          {{ origin = "http://localhost:3000", expect = "deny" }},
          {{ origin = "http://evil.example", expect = "deny" }},
          {{ origin = "none", expect = "deny" }},
        ]
        [[deployments]]
        name = "Other"
        allow-all-domains = true
        "#
    ))
    .unwrap();
    let fields: Vec<_> = manifest.objects[0].fields.iter().map(|f| format!("{f:?}")).collect();
    let expected = [
        "name = \"Shop\"",
        "description = \"\"",
        "status = \"Active\"",
        "allow-all-domains = false",
        "allowed-domains = [\"shop.example\",\"m.other.example\"]",
    ];
    assert_eq!(fields, expected, "a list means that not all are allowed");
    assert_eq!(doors(&manifest, 0)[1], ("http://localhost:3000".to_owned(), Expect::Deny));
    let other = &manifest.objects[1];
    assert_eq!(other.by, By::Name("Other".to_owned()));
    let fields: Vec<_> = other.fields.iter().map(|f| format!("{f:?}")).collect();
    assert_eq!(fields, ["allow-all-domains = true", "allowed-domains = []"]);
    assert!(other.doors.is_empty());
}

#[test]
fn without_origins_those_that_the_list_names_are_doors() {
    let manifest =
        genesys("[[deployments]]\nname = \"a\"\nallowed-domains = [\"b.example\"]").unwrap();
    assert_eq!(doors(&manifest, 0), [("https://b.example".to_owned(), Expect::Allow)]);
    let text =
        "[[deployments]]\nname = \"a\"\nstatus = \"inactive\"\nallowed-domains = [\"b.example\"]";
    assert_eq!(doors(&genesys(text).unwrap(), 0), [("https://b.example".to_owned(), Expect::Deny)]);
}

#[test]
fn every_fault_of_a_deployment_is_listed_with_its_line() {
    let faults = genesys(
        r#"[[deployments]]
id = "chat-1"
allow-all-domains = true
allowed-domains = [
  "shop.example",
  "https://shop.example",
  "shop.example:8443",
  "*.shop.example",
  "Shop.Example",
]
origins = [
  { origin = "https://evil.example", expect = "deny" },
  { origin = "http://shop.example" },
]
allowed-domain = ["x"]
[[deployments]]
allowed-domains = []
[[deployments]]
name = "a"
allow-all-domains = false
[[deployments]]
name = "a"
allowed-domains = ["shop.example"]
origins = [
  { origin = "https://www.shop.example", expect = "deny" },
  { origin = "https://shop.test" },
  { origin = "https://shop.test" },
  { expect = "allow" },
]
[[deployments]]
name = "off"
status = "inactive"
allowed-domains = ["shop.example"]
origins = [{ origin = "https://shop.example", expect = "allow" }]
[[deployments]]
name = "idle"
[[channels]]
id = "c"
"#,
    )
    .unwrap_err();
    for expected in [
        "2: deployments[0].id: the id of a deployment is a UUID",
        "4: deployments[0].allowed-domains: All domains are allowed, and yet there are entries",
        "6: deployments[0].allowed-domains[1]: \"https://shop.example\": The entry has a scheme: it never matches, and its page is kept out | Write the host name alone. \"shop.example\"",
        "7: deployments[0].allowed-domains[2]: \"shop.example:8443\": The entry has a port",
        "8: deployments[0].allowed-domains[3]: \"*.shop.example\": The entry has a *",
        "9: deployments[0].allowed-domains[4]: \"Shop.Example\": The entry stands in the list already",
        "12: deployments[0].origins[0]: https://evil.example must be refused, and all domains are allowed",
        "13: deployments[0].origins[1]: http://shop.example is not https",
        "15: deployments[0].allowed-domain: no such key | did you mean `allowed-domains`?",
        "16: deployments[1].id: missing",
        "17: deployments[1].allowed-domains: The list is empty",
        "20: deployments[2].allow-all-domains: without a list",
        "21: deployments[3]: the same as deployments[2]",
        "25: deployments[3].origins[0]: https://www.shop.example must be refused, and \"shop.example\" in the list lets it in",
        "26: deployments[3].origins[1]: https://shop.test must get in, and the list does not let it in",
        "27: deployments[3].origins[2]: \"https://shop.test\" stands in this list already",
        "28: deployments[3].origins[3].origin: missing",
        "34: deployments[4].origins[0]: it is switched off: nobody gets in",
        "35: deployments[5]: nothing is declared",
        "37: channels: the platform of this config has no channels",
    ] {
        assert!(
            faults.lines().any(|line| line.starts_with(expected)),
            "no {expected:?} in\n{faults}"
        );
    }
}

#[test]
fn a_list_of_refused_origins_alone_proves_nothing() {
    let faults = genesys(
        "[[deployments]]\nname = \"a\"\norigins = [{ origin = \"https://e.example\", expect = \"deny\" }]",
    )
    .unwrap_err();
    assert!(faults.contains("3: deployments[0].origins: every origin must be refused"), "{faults}");
}

#[test]
fn what_is_odd_is_told_and_refuses_nothing() {
    let manifest = genesys(
        "[[deployments]]\nname = \"a\"\nallowed-domains = [\"shop.example\", \"www.shop.example\"]",
    )
    .unwrap();
    let told: Vec<_> = manifest.notices.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(told, ["deployments[0].allowed-domains[1]"]);
}

#[test]
fn a_channel_of_the_seeds_declares_their_body() {
    let manifest = seed(
        r#"
        [[channels]]
        id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
        name = "Secure Webchat Endpoint"
        description = "Production messaging channel"
        enabled = true
        webchat-url = "https://webchat.mypurecloud.com"
        webchat-id = "webchat-instance-67890"
        auth-provider-id = "oauth2-provider-12345"
        cors-allowed-origins = ["https://app.example.com", "http://localhost:3000"]
        "#,
    )
    .unwrap();
    let channel = &manifest.objects[0];
    let mut body = json!({});
    for field in &channel.fields {
        super::plan::put(&mut body, field).unwrap();
    }
    let expected = json!({
        "name": "Secure Webchat Endpoint",
        "description": "Production messaging channel",
        "enabled": true,
        "webchatSettings": {
            "webchatUrl": "https://webchat.mypurecloud.com",
            "corsAllowedOrigins": ["https://app.example.com", "http://localhost:3000"],
            "authProviderId": "oauth2-provider-12345",
            "webchatId": "webchat-instance-67890",
        },
    });
    assert_eq!(body, expected);
    let door = channel.door.as_ref().unwrap().to_string();
    assert_eq!(door, "wss://webchat.mypurecloud.com/webchat", "never ws, and never twice wss");
    assert_eq!(doors(&manifest, 0).len(), 2);
}

#[test]
fn every_fault_of_a_channel_is_listed_with_its_line() {
    let faults = seed(
        r#"[[channels]]
name = "no id"
webchat-url = "http://webchat.example"
cors-allowed-origins = [
  "http://app.example",
  "app.example",
  "https://App.example:443",
  "https://app.example/",
  "*",
]
[[channels]]
id = "c/../d"
auth-provider-id = ""
cors-allowed-origins = []
[[channels]]
id = "c"
auth-provider-id = "p"
websocket-path = "socket"
cors-allowed-origins = ["https://a.example"]
origins = [{ origin = "https://b.example" }]
[[deployments]]
name = "x"
[webhook]
topics = ["v2.x.{id}"]
"#,
    )
    .unwrap_err();
    for expected in [
        "1: channels[0].auth-provider-id: missing",
        "1: channels[0].id: missing",
        "3: channels[0].webchat-url: not encrypted",
        "5: channels[0].cors-allowed-origins[0]: \"http://app.example\" is not https",
        "6: channels[0].cors-allowed-origins[1]: \"app.example\": The entry is no whole origin",
        "7: channels[0].cors-allowed-origins[2]: \"https://App.example:443\" is not how browsers spell it: it never matches | write \"https://app.example\"",
        "8: channels[0].cors-allowed-origins[3]: \"https://app.example/\": The entry is no whole origin",
        "9: channels[0].cors-allowed-origins[4]: \"*\": The entry is no whole origin",
        "12: channels[1].id: not an id",
        "13: channels[1].auth-provider-id: an empty text",
        "14: channels[1].cors-allowed-origins: The list is empty",
        "18: channels[2].websocket-path: not a path",
        "20: channels[2].origins[0]: https://b.example must get in, and the list does not let it in",
        "21: deployments: the platform of this config has no deployments",
        "23: webhook.address: missing",
        "24: webhook.topics: a webhook of the seeds knows no such thing",
    ] {
        assert!(
            faults.lines().any(|line| line.starts_with(expected)),
            "no {expected:?} in\n{faults}"
        );
    }
}

#[test]
fn a_webhook_of_the_seeds_bears_the_same_name_every_time() {
    let text = "[webhook]\naddress = \"https://watchpost.example/hooks/genesys\"";
    let bodies: Vec<_> = (0..2)
        .map(|_| match seed(text).unwrap().webhook {
            Some(Webhook::Registered(registration)) => registration.body(),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = json!({
        "name": "Watchpost webchat events",
        "enabled": true,
        "event": "routing:conversation:analytic",
        "address": "https://watchpost.example/hooks/genesys",
        "method": "POST",
        "filter": "channelType:webchat",
        "headers": { "Content-Type": "application/json", "X-Webchat-Health": "true" },
    });
    assert_eq!(bodies, [expected.clone(), expected]);
}

#[test]
fn a_set_up_is_printed_for_people_and_programs() {
    for (via, parts) in [
        (
            "eventbridge",
            vec![
                "create-api-destination",
                "https://watchpost.example/hooks/genesys",
                "\"ApiKeyName\":\"x-api-key\"",
                "v2.detail.events.conversation.{id}.customer.end",
                "5 seconds",
            ],
        ),
        (
            "trigger",
            vec![
                "\"topicName\":\"v2.detail.events.conversation.{id}.customer.end\"",
                "\"jsonPath\":\"messageType\"",
                "x-api-key: ${credentials.key}",
                "TopLevelPrimitives",
            ],
        ),
    ] {
        let workflow =
            if via == "trigger" { format!("workflow = \"{ID}\"") } else { String::new() };
        let text = format!(
            "[webhook]\naddress = \"https://watchpost.example/hooks/genesys\"\nvia = \"{via}\"\n{workflow}"
        );
        let Some(Webhook::Printed(setup)) = genesys(&text).unwrap().webhook else {
            panic!("{via}")
        };
        let words = setup.to_string();
        for part in parts {
            assert!(words.contains(part), "no {part:?} in\n{words}");
        }
        assert!(!words.contains("secret"), "{words}");
        let json = setup.json();
        assert_eq!(json["via"], via);
        assert_eq!(json["answer_within_seconds"], 5);
    }
}

#[test]
fn a_set_up_that_cannot_work_is_refused() {
    let signed = || receiver(Auth::AnyOf(vec![Method::HubSignature { keys: vec![] }]));
    let good = "address = \"https://watchpost.example/hooks/genesys\"\n";
    for (receivers, keys, expected) in [
        (vec![], good, "the config has no receiver"),
        (vec![receiver(Auth::Open)], good, "it takes events from anyone"),
        (vec![signed()], good, "it takes signed events alone"),
        (vec![by_key(), signed()], good, "webhook.receiver: missing"),
        (
            vec![by_key()],
            "address = \"https://watchpost.example/hooks/genesys\"\nreceiver = \"x\"\n",
            "no receiver of that name | name one of genesys",
        ),
        (vec![by_key()], "", "webhook.address: missing"),
        (vec![by_key()], "address = \"http://watchpost.example/hooks/genesys\"\n", "not https"),
        (
            vec![by_key()],
            "address = \"https://localhost/hooks/genesys\"\n",
            "nobody outside knows this name",
        ),
        (
            vec![by_key()],
            "address = \"https://watchpost.internal/hooks/genesys\"\n",
            "nobody outside knows this name",
        ),
        (
            vec![by_key()],
            "address = \"https://10.0.0.1/hooks/genesys\"\n",
            "nobody outside reaches",
        ),
        (
            vec![by_key()],
            &format!("{good}topics = [\"v2.detail.events.conversation.c-1.acw\"]\n"),
            "it is about one thing alone",
        ),
        (vec![by_key()], &format!("{good}topics = [\"conversations\"]\n"), "not a topic"),
        (vec![by_key()], &format!("{good}topics = []\n"), "not 1 to 64 topics"),
        (
            vec![by_key()],
            &format!("{good}match-criteria = []\n"),
            "it belongs to via = \"trigger\"",
        ),
        (vec![by_key()], &format!("{good}via = \"trigger\"\n"), "webhook.workflow: missing"),
        (
            vec![by_key()],
            &format!(
                "{good}via = \"trigger\"\nworkflow = \"w\"\ntopics = [\"v2.audits.entitytype.{{id}}.entityid.{{id}}\"]\n"
            ),
            "no trigger starts on an audit",
        ),
        (
            vec![by_key()],
            &format!(
                "{good}via = \"trigger\"\nworkflow = \"w\"\nmatch-criteria = [{{ json-path = \"a\", operator = \"Is\", value = 1 }}]\n"
            ),
            "no such operator",
        ),
        (
            vec![by_key()],
            &format!(
                "{good}via = \"trigger\"\nworkflow = \"w\"\nmatch-criteria = [{{ json-path = \"a\", operator = \"In\", value = \"b\" }}]\n"
            ),
            "In takes a list",
        ),
        (vec![by_key()], &format!("{good}filter = \"x\"\n"), "the platform has no webhooks"),
    ] {
        let faults =
            parse_with(Compat::Genesys, &receivers, &format!("[webhook]\n{keys}")).unwrap_err();
        assert!(faults.contains(expected), "no {expected:?} in\n{faults}");
    }
}

#[test]
fn a_path_that_a_proxy_must_rewrite_and_a_topic_of_no_use_are_told() {
    let text = "[webhook]\naddress = \"https://watchpost.example/in\"\ntopics = [\"v2.routing.queues.{id}.conversations\"]";
    let manifest = genesys(text).unwrap();
    assert_eq!(manifest.notices.iter().count(), 2);
}

#[test]
fn secrets_of_a_webhook_show_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "hunter2\n").unwrap();
    let text =
        "[webhook]\naddress = \"https://w.example/\"\nheaders = { X-Api-Key = { file = \"key\" } }";
    let setting = Setting { compat: Compat::Seed, rule: OriginMatch::Genesys, receivers: &[] };
    let manifest =
        Manifest::parse(&folder.path().join("f.toml"), text.to_owned(), setting).unwrap();
    assert!(!format!("{manifest:?}").contains("hunter2"));
    let Some(Webhook::Registered(registration)) = manifest.webhook else { panic!() };
    assert_eq!(registration.body()["headers"]["X-Api-Key"], "hunter2");
}
