//! A daemon that lacks something says that it is in trouble itself, keeps what it knows of its
//! targets, and recovers.

mod clients;
mod descriptors;
mod log;
mod resolver;
mod stopped;
mod watchdog;

use std::time::Duration;

use crate::fixture::daemon::{Daemon, Home, sum};
use crate::fixture::raw::{self, OPEN, Server};

/// Longest that it takes until everything is as before, once the lack is over.
const RECOVERY: Duration = Duration::from_secs(5);

/// A daemon over one open door that is asked every second, once it has called it up.
async fn watching(config: &str, prepare: impl FnOnce(&mut std::process::Command)) -> Watched {
    let door = raw::answering(OPEN).await;
    let home = Home::new(&format!(
        "{config}\n[[endpoints]]\nname = \"door\"\nurl = \"ws://{}/\"\ninterval = \"1s\"\n",
        door.address
    ));
    let daemon = home.start_with(prepare);
    daemon.wait_for_line("check=door/websocket/none result=success");
    Watched { daemon, _door: door, _home: home }
}

struct Watched {
    daemon: Daemon,
    _door: Server,
    _home: Home,
}

/// Runs that ended so.
fn runs(page: &str, result: &str) -> f64 {
    sum(
        page,
        &format!(
            "probe_runs_total{{endpoint=\"door\",probe=\"websocket\",origin=\"none\",expect=\"allow\",result=\"{result}\"}}"
        ),
    )
}
