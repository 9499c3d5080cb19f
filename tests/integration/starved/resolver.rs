//! A name server that falls silent, and comes back.

use super::RECOVERY;
use crate::fixture::daemon::{Home, PATIENCE, sum};
use crate::fixture::nameserver::{self, Answer};
use crate::fixture::raw::{self, OPEN};

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_name_server_is_no_downtime() {
    let door = raw::answering(OPEN).await;
    let here = Answer::Addresses(vec![[127, 0, 0, 1].into()]);
    let (nameserver, answers) = nameserver::serve_changing(here.clone()).await;
    let home = Home::new(&format!(
        "nameservers = [\"{nameserver}\"]\n\
         [[endpoints]]\nname = \"door\"\nurl = \"ws://door.test:{}/\"\ninterval = \"1s\"\n",
        door.address.port()
    ));
    let daemon = home.start();
    let up = "probe_up{endpoint=\"door\",probe=\"websocket\",origin=\"none\",expect=\"allow\"} ";
    let page = daemon.metrics_until("up", PATIENCE, |page| sum(page, up) == 1.0);
    let failures = super::runs(&page, "failure");

    answers.send(Answer::Silence).unwrap();
    let silent = daemon.wait_for_line("result=inconclusive");
    // On a busy machine the daemon may have been held up as well, and says so first.
    let whose = ["reason=timeout phase=resolve", "reason=monitor_lag phase=resolve"];
    assert!(whose.iter().any(|whose| silent.contains(whose)), "{silent}");
    assert_eq!(sum(&daemon.get("/metrics"), up), 1.0, "it keeps its verdict");
    let page =
        daemon.metrics_until("unknown after three intervals", PATIENCE, |page| !page.contains(up));
    assert_eq!(super::runs(&page, "failure"), failures, "{page}");

    answers.send(here).unwrap();
    daemon.metrics_until("it recovers", RECOVERY, |page| sum(page, up) == 1.0);
}
