//! Whether anybody gets in where a page is refused, as it must be.
//!
//! Runs of allowed pages leave word of each door that let them in. A refused run that finds no
//! word of its round asks by itself, once for all that are refused there in that round.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, timeout_at};

use super::Run;
use crate::check::Check;
use crate::check::endpoint::EndpointName;
use crate::check::messaging::Level;
use crate::check::origin::{Expect, OriginRule};
use crate::check::probe::{Probe, ProbeKind};
use crate::outcome::control::Control;
use crate::outcome::failure::Failure;
use crate::outcome::reason::Fault;
use crate::outcome::{Observation, cors, lag, verdict};

/// Most doors of an endpoint that are remembered: one for each address that is asked in turn.
const CAPACITY: usize = 8;

/// What is known of the doors of each endpoint.
#[derive(Debug, Default)]
pub struct Controls(Mutex<HashMap<Key, Doors>>);

/// Which doors are asked how, and where pages are refused there.
type Key = (EndpointName, ProbeKind, Bar);

/// Where pages are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Bar {
    /// At the door.
    Door,
    /// Behind it, by the application.
    Application,
}

/// The doors of one endpoint to one kind of probe, the last that was tried first.
#[derive(Debug, Default)]
struct Doors {
    seen: VecDeque<Seen>,
    /// Held by whoever asks.
    asking: Arc<tokio::sync::Mutex<()>>,
}

/// What became of an allowed page at one address.
#[derive(Debug)]
struct Seen {
    address: SocketAddr,
    turn: u64,
    control: Control,
}

/// Leaves word of a run that got in; gives what a run that was refused is held against, within
/// its deadline.
pub async fn beside(
    run: &Run<'_>,
    page: &Arc<OriginRule>,
    ended: &Result<(), Failure>,
    seen: &Observation,
) -> Option<Control> {
    let (check, address) = (run.check, seen.address?);
    match check.expect() {
        Expect::Allow => {
            let page = check.origin.as_ref()?;
            for bar in [Bar::Door, Bar::Application] {
                if passed(bar, check, ended, seen) {
                    let control = Control { page: page.clone(), entry: Ok(()) };
                    run.prober.controls.note(&key(check, bar), address, run.turn, control);
                }
            }
            None
        }
        Expect::Deny => {
            let bar = refused_at(check, ended)?;
            // Few runs come here, and it is as large as another run.
            Some(Box::pin(tell(run, page, address, bar)).await)
        }
    }
}

/// What is known of a door in this round, or what asking it tells.
async fn tell(run: &Run<'_>, page: &Arc<OriginRule>, address: SocketAddr, bar: Bar) -> Control {
    let (controls, key) = (&run.prober.controls, key(run.check, bar));
    if let Some(known) = controls.get(&key, address, run.turn) {
        return known;
    }
    let asking = controls.asking(&key);
    // Whoever waits for too long asks too, and is cut off by the deadline.
    let _alone = timeout_at(run.deadline, asking.lock()).await;
    if let Some(known) = controls.get(&key, address, run.turn) {
        return known;
    }
    let page = controls.last_in(&key).unwrap_or_else(|| page.clone());
    let entry = ask(run, &page, address, bar).await;
    let control = Control { page, entry };
    // What this machine had no time for is no word of the door.
    let ours = matches!(&control.entry, Err(failure) if failure.fault() == Fault::Monitor);
    let cut_off = control.entry.is_err() && Instant::now() >= run.deadline;
    if !ours && !cut_off {
        controls.note(&key, address, run.turn, control.clone());
    }
    control
}

async fn ask(
    run: &Run<'_>,
    page: &Arc<OriginRule>,
    address: SocketAddr,
    bar: Bar,
) -> Result<(), Failure> {
    let check = Check { origin: Some(page.clone()), control: None, ..run.check.clone() };
    let stalled = || run.prober.lag.stalled(Instant::now());
    let before = stalled();
    let (ended, seen) = Run { check: &check, pinned: Some(address), ..*run }.attempt().await;
    if passed(bar, &check, &ended, &seen) {
        return Ok(());
    }
    let stalled = stalled().saturating_sub(before);
    ended.map_err(|failure| lag::excuse(failure, stalled, check.cadence.timeout()))
}

/// Whether a page came so far, whatever came behind that.
fn passed(bar: Bar, check: &Check, ended: &Result<(), Failure>, seen: &Observation) -> bool {
    if bar == Bar::Application {
        let guest = seen.messaging.as_ref();
        return guest.is_some_and(|guest| guest.reached >= Some(Level::Configuration));
    }
    match check.probe.as_ref() {
        Probe::Websocket(_) | Probe::Messaging(_) => seen.upgraded,
        // Whatever there is to be read.
        Probe::Cors(_) => matches!(ended, Ok(()) | Err(Failure::HttpStatusUnexpected(_))),
        Probe::Http(_) | Probe::Tls => ended.is_ok(),
    }
}

fn refused_at(check: &Check, ended: &Result<(), Failure>) -> Option<Bar> {
    let failure = ended.as_ref().err()?;
    let at_the_door = match check.probe.as_ref() {
        Probe::Websocket(websocket) => verdict::is_refusal(failure, &websocket.refusal_statuses),
        Probe::Messaging(messaging) => verdict::is_refusal(failure, &messaging.refusal_statuses),
        Probe::Cors(_) => cors::verdict::is_refusal(failure),
        Probe::Http(_) | Probe::Tls => false,
    };
    match at_the_door {
        true => Some(Bar::Door),
        false => verdict::is_turned_away(failure).then_some(Bar::Application),
    }
}

impl Controls {
    fn note(&self, key: &Key, address: SocketAddr, turn: u64, control: Control) {
        let mut doors = self.doors();
        let seen = &mut doors.entry(key.clone()).or_default().seen;
        if let Some(before) = seen.iter().position(|seen| seen.address == address) {
            seen.remove(before);
        }
        seen.truncate(CAPACITY - 1);
        seen.push_front(Seen { address, turn, control });
    }

    /// What became of an allowed page here in this round, or in a later one: a run that confirms
    /// another bears the number of the next round.
    fn get(&self, key: &Key, address: SocketAddr, turn: u64) -> Option<Control> {
        let doors = self.doors();
        let mut seen = doors.get(key)?.seen.iter();
        let seen = seen.find(|seen| seen.address == address && seen.turn >= turn)?;
        Some(seen.control.clone())
    }

    /// The page that got in last, at whichever address.
    fn last_in(&self, key: &Key) -> Option<Arc<OriginRule>> {
        let doors = self.doors();
        let mut seen = doors.get(key)?.seen.iter();
        seen.find(|seen| seen.control.entry.is_ok()).map(|seen| seen.control.page.clone())
    }

    fn asking(&self, key: &Key) -> Arc<tokio::sync::Mutex<()>> {
        self.doors().entry(key.clone()).or_default().asking.clone()
    }

    fn doors(&self) -> MutexGuard<'_, HashMap<Key, Doors>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(check: &Check, bar: Bar) -> Key {
    (check.endpoint.name.clone(), check.probe.kind(), bar)
}
