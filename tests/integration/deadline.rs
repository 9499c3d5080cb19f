//! How long a run waits for what its verdict does not hang on. What ends it at its timeout: zoo.rs.

use std::time::Duration;

use watchpost::outcome::phase::Phase;

use crate::fixture::checks::{plain, run};
use crate::fixture::raw::{self, OPEN};

#[tokio::test]
async fn a_server_that_never_says_goodbye_is_left_after_a_second() {
    let server = raw::answering(OPEN).await;
    let outcome = run(&plain(server.address, "").clone()).await;
    assert_eq!(outcome.failure, None, "it has let us in");
    let close = outcome.observation.phases.get(Phase::Close).unwrap();
    assert!(close < Duration::from_millis(1_250), "{close:?}");
}

#[tokio::test]
async fn the_body_of_a_refusal_is_not_waited_for() {
    let server = raw::answering("HTTP/1.1 403 X\r\nContent-Length: 1000\r\n\r\nno").await;
    let outcome = run(&plain(server.address, "")).await;
    assert_eq!(outcome.observation.refusal.unwrap().body.as_str(), "no");
    let upgrade = outcome.observation.phases.get(Phase::Upgrade).unwrap();
    let close = outcome.observation.phases.get(Phase::Close).unwrap();
    assert!(upgrade < close, "waiting for the body is no part of the upgrade");
}
