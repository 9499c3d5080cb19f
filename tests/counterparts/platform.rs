//! The official client of the platform API, on the simulator.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};
use watchpost::clock;
use watchpost::simulator::{Org, Simulator, Surface};

use crate::program::{file, installed, said};

#[test]
fn the_official_client_logs_in_looks_and_listens() {
    let simulator = Simulator::shop(clock::now()).unwrap();
    let gateway = simulator.gateway();
    let mut node = Command::new("node");
    node.arg(file("clients/platform.js"))
        .args([gateway.ip().to_string(), gateway.port().to_string()])
        .args([Org::CLIENT, Org::SECRET])
        .env("NODE_PATH", installed("node_modules"));
    let lines = said(&mut node);
    let told: BTreeMap<String, Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told["wrong secret"], json!([400, "invalid_client"]), "{lines}");
    assert_eq!(told["no client"], json!([400, "invalid_client"]), "{lines}");
    assert_eq!(told["token"], json!(["string", true]));
    let deployments = told["deployments"].as_array().unwrap();
    assert!(deployments.len() >= 2, "{lines}");
    assert!(deployments.iter().any(|deployment| deployment[2] == "Active"), "{lines}");
    let first = &deployments[0][0];
    assert_eq!(told["one"][0], *first);
    assert!(told["one"][2].is_array(), "{lines}");
    assert_eq!(told["none"], json!([404, "not.found"]), "{lines}");
    assert_eq!(told["topics"], json!(true));
    let socket = format!("{}/channels/", simulator.socket_base());
    assert!(told["channel"][1].as_str().unwrap().starts_with(&socket), "{lines}");
    let topic = json!([format!("v2.webdeployments.deployments.{}", first.as_str().unwrap())]);
    assert_eq!((&told["subscribed"], &told["subscriptions"]), (&topic, &topic));
    assert_eq!(simulator.requests(Surface::Token), 3);
}
