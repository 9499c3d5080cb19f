//! Senders that nobody here wrote, and the contact centre's own models of its events.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use watchpost::event::AnalyticsEvent;
use watchpost::event::parse::{Headers, parse};
use watchpost::event::word::{
    AcdOutcome, Direction, Disconnect, FlowExit, Kind, Media, MessageType,
};
use watchpost::inbox::reader::Reader;

use crate::program::{Program, daemon, file, free_port, installed, said};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A daemon that takes what is signed, or bears a token.
struct Receiving {
    folder: TempDir,
    url: String,
    _daemon: Program,
}

fn receiving() -> Receiving {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("whsec"), SECRET).unwrap();
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    let port = free_port();
    let config = "[selfcheck]\nenabled = false\n\
        [[endpoints]]\nname = \"nobody\"\nurl = \"ws://127.0.0.1:9/\"\n\
        [[receivers]]\nname = \"relay\"\nauth = [\n\
        { standard-webhooks = { values = [{ file = \"whsec\" }] } },\n\
        { bearer = { values = [{ file = \"token\" }] } },\n]\n";
    let url = format!("http://127.0.0.1:{port}/hooks/genesys");
    let daemon = daemon(folder.path(), port, config);
    Receiving { folder, url, _daemon: daemon }
}

impl Receiving {
    /// What each case of a sender was answered with.
    fn answers(&self, command: &mut Command) -> BTreeMap<String, (u64, String)> {
        let lines = said(command.env("NODE_PATH", installed("node_modules")));
        let answer = |line: &str| {
            let [case, status, word] = serde_json::from_str::<[Value; 3]>(line).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&case), (status.as_u64().unwrap(), text(&word)))
        };
        lines.lines().map(answer).collect()
    }

    /// Conversations and kinds of what is stored.
    fn stored(&self) -> BTreeSet<(String, Kind)> {
        let reader = Reader::open(&self.folder.path().join("watchpost-events.db")).unwrap();
        let events = reader.after(0, 1000).unwrap().into_iter().map(|stored| stored.arrival.event);
        let facts = |event: AnalyticsEvent| (event.conversation.unwrap().to_string(), event.kind);
        events.map(facts).collect()
    }
}

/// What whoever signs is told, case by case, whichever the library and the language.
fn check_signer(of: &str, command: &mut Command) {
    let receiving = receiving();
    let answers = receiving.answers(command.arg(&receiving.url).arg(SECRET));
    for library in ["standardwebhooks", "svix"] {
        for (case, status, word) in [
            ("good", 200, "new"),
            ("again", 200, "duplicate"),
            ("rotated", 200, "new"),
            ("late", 200, "new"),
            ("early", 200, "new"),
            ("foreign", 401, "unauthorized"),
            ("other body", 401, "unauthorized"),
            ("other id", 401, "unauthorized"),
            ("stale", 401, "unauthorized"),
            ("ahead", 401, "unauthorized"),
        ] {
            let answer = &answers[&format!("{library} {case}")];
            assert_eq!((answer.0, answer.1.as_str()), (status, word), "{library} {case}");
        }
    }
    assert_eq!(answers.len(), 20);
    let stored: Vec<_> = receiving.stored().into_iter().map(|(id, _)| id).collect();
    assert_eq!(stored, ["standardwebhooks", "svix"].map(|library| format!("{of}-{library}")));
}

#[test]
fn signers_in_python_get_in() {
    let mut command = Command::new(installed("venv/bin/python"));
    check_signer("python", command.arg(file("senders/signers.py")));
}

#[test]
fn signers_in_node_get_in() {
    check_signer("node", Command::new("node").arg(file("senders/signers.js")));
}

#[test]
fn cloud_events_of_another_hand_are_read() {
    let receiving = receiving();
    let mut command = Command::new("node");
    command.arg(file("senders/cloudevents.js")).args([&receiving.url, TOKEN]);
    let answers = receiving.answers(&mut command);
    for (case, status, word) in [
        ("binary", 200, "new"),
        ("structured", 200, "new"),
        ("the same in the other mode", 200, "duplicate"),
        ("binary frame", 200, "new"),
        ("structured frame", 200, "new"),
        ("structured bytes", 200, "new"),
        ("without data", 400, "the envelope has no object in detail, eventBody or data"),
    ] {
        let answer = &answers[case];
        assert_eq!((answer.0, answer.1.as_str()), (status, word), "{case}");
    }
    let ids = ["ce-base64", "ce-binary", "ce-binary-frame", "ce-structured", "ce-structured-frame"];
    let expected = ids.map(|id| (id.to_owned(), Kind::CustomerEnd));
    assert_eq!(receiving.stored(), BTreeSet::from(expected));
}

/// Each model: its topic, the kind that it is, and whether a bare body is taken for that kind.
const MODELS: [(&str, &str, Kind, bool); 21] = [
    ("AcdEndDetailEventTopicAcdEndEvent", "acd.end", Kind::AcdEnd, true),
    ("AcdStartDetailEventTopicAcdStartEvent", "acd.start", Kind::AcdStart, true),
    ("AcwDetailEventTopicAfterCallWorkEvent", "acw", Kind::Acw, true),
    ("AttributeDetailEventTopicAttributeUpdateEvent", "attributes", Kind::Attributes, true),
    ("AuditTopicAuditLogMessage", "v2.audits.entitytype.{id}.entityid.{id}", Kind::Audit, true),
    ("ContactDetailEventTopicContactUpdateEvent", "contact", Kind::Other, false),
    ("CustomerEndDetailEventTopicCustomerEndEvent", "customer.end", Kind::CustomerEnd, true),
    (
        "CustomerStartDetailEventTopicCustomerStartEvent",
        "customer.start",
        Kind::CustomerStart,
        true,
    ),
    ("FlowEndDetailEventTopicFlowEndEvent", "flow.end", Kind::FlowEnd, true),
    ("FlowOutcomeDetailEventTopicFlowOutcomeEvent", "flow.outcome", Kind::FlowOutcome, true),
    ("FlowStartDetailEventTopicFlowStartEvent", "flow.start", Kind::FlowStart, true),
    ("OutboundDetailEventTopicOutboundInitEvent", "outbound", Kind::Other, true),
    ("UserEndDetailEventTopicUserEndEvent", "user.end", Kind::UserEnd, true),
    ("UserStartDetailEventTopicUserStartEvent", "user.start", Kind::UserStart, true),
    (
        "V2WebMessagingUndeliveredMessageTopicWebMessagingUndeliveredMessageEventBody",
        "v2.webmessaging.deployments.{id}.undelivered.messages",
        Kind::Undelivered,
        true,
    ),
    ("VoicemailEndDetailEventTopicVoicemailEndEvent", "voicemail.end", Kind::Other, true),
    ("VoicemailStartDetailEventTopicVoicemailStartEvent", "voicemail.start", Kind::Other, false),
    (
        "WebDeploymentsConfigTopicWebMessagingConfigChangeEventBody",
        "v2.webdeployments.configurations.{id}",
        Kind::Configuration,
        true,
    ),
    (
        "WebDeploymentsDeploymentTopicWebMessagingConfigChangeEventBody",
        "v2.webdeployments.configurations.{id}",
        Kind::Configuration,
        true,
    ),
    (
        "WebDeploymentsDeploymentTopicWebMessagingDeploymentChangeEventBody",
        "v2.webdeployments.deployments.{id}",
        Kind::Deployment,
        true,
    ),
    ("WrapupDetailEventTopicWrapupEvent", "wrapup", Kind::Wrapup, true),
];

/// Fields that are of no use here, or tell of a person.
const IGNORED: [&str; 49] = [
    "addressFrom",
    "alertingDurationMs",
    "ani",
    "callbackDurationMs",
    "callbackNumbers",
    "callbackScheduledTime",
    "callbackUserName",
    "communicationId",
    "communications",
    "connectedDurationMs",
    "contactingDurationMs",
    "context",
    "conversationExternalContactIds",
    "conversationExternalOrganizationIds",
    "dialingDurationMs",
    "divisionId",
    "dnis",
    "externalContactId",
    "externalOrganizationId",
    "flowMilestones",
    "flowOutcomeEndTime",
    "flowOutcomeStartTime",
    "flowOutcomeValue",
    "flowType",
    "flowVersion",
    "heldDurationMs",
    "journeyContext",
    "level",
    "message",
    "outboundContactId",
    "outboundContactListId",
    "participantStartTime",
    "provider",
    "remoteIp",
    "requestedLanguageId",
    "requestedRoutingUserIds",
    "requestedRoutings",
    "requestedSkillExpressionIds",
    "serviceName",
    "sessionExpiry",
    "subject",
    "transferType",
    "usedRouting",
    "userDisplay",
    "userHomeOrgId",
    "username",
    "utilizationLabel",
    "wrapupDurationMs",
    "wrapupNotes",
];

/// Words that are `other` to us, for now.
const OTHER_WORDS: [(&str, &[&str]); 4] = [
    (
        "mediaType",
        &["UNKNOWN", "COBROWSE", "VIDEO", "SCREENSHARE", "INTERNALMESSAGE", "SCREENMONITORING"],
    ),
    ("messageType", &["UNKNOWN", "TWITTER", "LINE", "INSTAGRAM", "APPLE", "LINKEDIN"]),
    ("disconnectType", &["OTHER"]),
    ("exitReason", &["RECOGNITION_FAILURE_DISCONNECT", "RECOGNITION_FAILURE_EXIT", "USER_EXIT"]),
];

/// The fields that the parser reads, as its source names them.
fn read_fields() -> BTreeSet<String> {
    let source = include_str!("../../src/event/document.rs");
    let fields =
        source.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "));
    let camel = |(field, _): (&str, &str)| {
        let mut parts = field.split('_').map(str::to_owned);
        let first = parts.next().unwrap();
        parts.fold(first, |whole, part| whole + &part[..1].to_uppercase() + &part[1..])
    };
    fields.map(camel).collect()
}

/// What an event has for a field of words.
fn word_of(event: &AnalyticsEvent, field: &str) -> Option<(&'static str, bool)> {
    Some(match field {
        "mediaType" => (event.media?.as_str(), event.media? == Media::Other),
        "messageType" => (event.message?.as_str(), event.message? == MessageType::Other),
        "direction" => (event.direction?.as_str(), event.direction? == Direction::Other),
        "disconnectType" => (event.disconnect?.as_str(), event.disconnect? == Disconnect::Other),
        "acdOutcome" => (event.acd_outcome?.as_str(), event.acd_outcome? == AcdOutcome::Other),
        "exitReason" => (event.flow_exit?.as_str(), event.flow_exit? == FlowExit::Other),
        _ => return None,
    })
}

#[test]
fn every_model_of_the_contact_centres_sdk_is_read() {
    let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let at = now.as_millisecond() - 1000;
    let mut command = Command::new(installed("venv/bin/python"));
    let lines = said(command.arg(file("senders/genesys.py")).arg(at.to_string()));
    let read = read_fields();
    let (mut models, mut fields, mut words) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for line in lines.lines() {
        let (model, field, word, body): (String, Option<String>, Option<String>, Value) =
            serde_json::from_str(line).unwrap();
        let (_, topic, kind, guessed) = MODELS
            .into_iter()
            .find(|(name, ..)| *name == model)
            .unwrap_or_else(|| panic!("a model that nobody knows: {model}"));
        models.insert(model.clone());
        if let Some(field) = &field {
            assert!(
                read.contains(field) || IGNORED.contains(&field.as_str()),
                "{model}.{field} is neither read nor ignored"
            );
            fields.insert(field.clone());
        }
        if body.is_null() {
            continue;
        }
        let topic = match topic.starts_with("v2.") {
            true => topic.to_owned(),
            false => format!("v2.detail.events.conversation.{{id}}.{topic}"),
        };
        let frame = json!({ "topicName": topic, "eventBody": body });
        for (document, expected) in [(&frame, Some(kind)), (&body, guessed.then_some(kind))] {
            let bytes = document.to_string();
            let parsed = parse(&Headers::default(), bytes.as_bytes(), now).unwrap();
            let event = parsed.event;
            if let Some(expected) = expected {
                assert_eq!(event.kind, expected, "{bytes}");
            }
            let timed = ["eventTime", "eventTimeMs"].iter().any(|field| body.get(field).is_some());
            assert_eq!(event.at.as_millisecond() == at, timed, "{bytes}");
            let kept = serde_json::to_string(&event).unwrap();
            assert!(!kept.contains("Jane"), "{kept}");
            if let (Some(field), Some(word)) = (&field, &word)
                && let Some((ours, other)) = word_of(&event, field)
            {
                let listed = OTHER_WORDS.iter().find(|(name, _)| name == field);
                let listed = listed.is_some_and(|(_, words)| words.contains(&word.as_str()));
                assert_eq!(other, listed, "{field} {word} is {ours} to us");
                words.insert(format!("{field}.{word}"));
            }
        }
    }
    assert_eq!(models.len(), MODELS.len(), "a model is gone");
    let gone: Vec<_> = IGNORED.iter().filter(|field| !fields.contains(**field)).collect();
    assert!(gone.is_empty(), "ignored, and of no model: {gone:?}");
    assert!(words.len() > 60, "{words:?}");
}
