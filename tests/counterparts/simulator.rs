//! The contact centre's own SDK takes the simulated one for it.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use watchpost::clock;
use watchpost::simulator::{AllowList, Course, Event, Org, Simulator};

use crate::program::{file, installed, said};

/// The SDK's model of an event.
fn model(event: &Event) -> &'static str {
    let topic = event.topic.as_str();
    match topic.splitn(6, '.').nth(5) {
        Some("customer.start") => "CustomerStartDetailEventTopicCustomerStartEvent",
        Some("customer.end") => "CustomerEndDetailEventTopicCustomerEndEvent",
        Some("flow.start") => "FlowStartDetailEventTopicFlowStartEvent",
        Some("flow.end") => "FlowEndDetailEventTopicFlowEndEvent",
        Some("acd.start") => "AcdStartDetailEventTopicAcdStartEvent",
        Some("acd.end") => "AcdEndDetailEventTopicAcdEndEvent",
        Some("user.start") => "UserStartDetailEventTopicUserStartEvent",
        Some("user.end") => "UserEndDetailEventTopicUserEndEvent",
        _ if topic.starts_with("v2.webdeployments.deployments.") => {
            "WebDeploymentsDeploymentTopicWebMessagingDeploymentChangeEventBody"
        }
        _ if topic.starts_with("v2.webdeployments.configurations.") => {
            "WebDeploymentsConfigTopicWebMessagingConfigChangeEventBody"
        }
        _ if topic.starts_with("v2.audits.") => "AuditTopicAuditLogMessage",
        _ => panic!("an event of which the SDK has no model: {topic}"),
    }
}

/// Events of every kind that the simulator has.
fn events() -> Vec<Value> {
    let now = clock::now();
    let mut org = Org::shop(now);
    for course in [Course::Answered, Course::Abandoned, Course::FlowError, Course::Broken] {
        let id = org.begin(Org::SHOP, course, now);
        while org.go_on(&id, now) {}
    }
    org.edit_domains(Org::SHOP, AllowList::everybody(), now);
    let configuration = org.deployment(Org::SHOP).unwrap().configuration.id.clone();
    org.publish(&configuration, now);
    let events = org.events.take();
    events.into_iter().map(|event| json!([model(&event), event.body])).collect()
}

#[test]
fn the_sdk_in_python_loses_nothing_of_what_the_simulator_says() {
    let simulator = Simulator::shop(clock::now()).unwrap();
    simulator.with(|org| org.begin(Org::SHOP, Course::Answered, clock::now()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events");
    let lines: Vec<_> = events().iter().map(|event| format!("{event}\n")).collect();
    std::fs::write(&path, lines.concat()).unwrap();
    let port = simulator.gateway().port().to_string();
    let mut command = Command::new(installed("venv/bin/python"));
    command.arg("-Wignore").arg(file("senders/simulator.py"));
    command.args([&port, Org::CLIENT, Org::SECRET, Org::SHOP]).arg(&path);
    let said = said(&mut command);
    let mut models = BTreeSet::new();
    let mut lost = BTreeSet::new();
    for line in said.lines().filter(|line| line.starts_with('[')) {
        let (model, differences): (String, Vec<String>) = serde_json::from_str(line).unwrap();
        lost.extend(differences.into_iter().map(|it| format!("{model}{it}")));
        models.insert(model);
    }
    assert!(lost.is_empty(), "{lost:#?}");
    assert_eq!(models.len(), 26, "{models:#?}");
}
