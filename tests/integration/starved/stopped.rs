//! No CPU at all for a while.

use std::time::Duration;

use super::{runs, watching};
use crate::fixture::daemon::{PATIENCE, sum};

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_passed_while_it_was_stopped_are_missed_and_nothing_else() {
    let watched = watching("", |_| ()).await;
    let daemon = &watched.daemon;
    let up = "probe_up{endpoint=\"door\",probe=\"websocket\",origin=\"none\",expect=\"allow\"} ";
    let page = daemon.metrics_until("up", PATIENCE, |page| sum(page, up) == 1.0);
    let before = runs(&page, "success");
    // A run has just ended, and the next begins in a second: none is cut in two.
    daemon.wait_for_next("result=success");
    daemon.signal("STOP");
    // Longer than a timeout, and shorter than the three intervals after which it is unknown.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    daemon.signal("CONT");
    assert_eq!(sum(&daemon.get("/metrics"), up), 1.0, "what is known is known");
    let page = daemon
        .metrics_until("it goes on", super::RECOVERY, |page| runs(page, "success") >= before + 4.0);
    assert!((1.0..=2.0).contains(&runs(&page, "missed")), "{page}");
    assert_eq!((runs(&page, "failure"), runs(&page, "inconclusive")), (0.0, 0.0), "{page}");
    assert_eq!(sum(&page, up), 1.0, "{page}");
}
