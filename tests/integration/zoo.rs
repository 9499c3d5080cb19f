//! Servers that are hostile, each in one way with a name, and what a run against them comes to.

mod cage;
mod certificates;
mod frames;
mod guests;
mod handshakes;
mod heads;
mod names;
mod routes;
mod silence;
mod tame;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::Instant;
use watchpost::outcome::reason::Reason;

use crate::fixture::checks::{check, run, run_asking};
use crate::fixture::daemon::Home;
use crate::fixture::pki::{self, Pki};
use crate::fixture::raw;
use cage::{Animal, Cage, IN_FLIGHT};

/// What the promise adds to the timeout of a check.
const GRACE: Duration = Duration::from_millis(250);

/// Animals that are out at a time.
const GROUP: usize = 8;

/// One crowd at a time: what animals cost their keepers is not for another test to bear.
static GATE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn animals(pki: &Pki) -> Vec<Animal> {
    let config = Arc::new(pki::server_config(pki.good()));
    let mut animals = silence::animals(&config);
    animals.extend(tame::animals(&config));
    animals.extend(heads::animals());
    animals.extend(frames::animals());
    animals.extend(handshakes::animals(&config));
    animals.extend(certificates::animals(pki));
    animals.extend(guests::animals());
    animals.extend(routes::animals());
    animals
}

/// Gives the animals a runtime of their own: what a flood costs its server is not the probe's.
fn keepers() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// What is wrong with a run against an animal.
async fn faults(animal: &Animal, cage: &Cage, pki: &Pki) -> Vec<String> {
    let (url, keys) = animal.endpoint(cage, pki);
    // Where the timeout ends a run, it is short. Where something else must, it is out of reach.
    let held = animal.ends.is_some_and(|(_, reason)| reason == Reason::TimedOut);
    let timeout = Duration::from_secs(if held { 1 } else { 5 });
    let check = check(&url, &format!("timeout = \"{timeout:?}\"\n{keys}"));
    let began = Instant::now();
    let outcome = run(&check).await;
    let took = began.elapsed();
    let ends = outcome.failure.as_ref().map(|failure| (failure.phase().unwrap(), failure.reason()));
    let mut faults = Vec::new();
    if ends != animal.ends {
        faults.push(format!("ends in {ends:?} ({:?}), not {:?}", outcome.failure, animal.ends));
    }
    if took > timeout + GRACE {
        faults.push(format!("takes {took:?}"));
    }
    let written = cage.written();
    if written > animal.reads + IN_FLIGHT {
        faults.push(format!("is fed {written} bytes, not {}", animal.reads));
    }
    faults.into_iter().map(|fault| format!("{}: {fault}", animal.name)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_animal_holds_a_run_or_deceives_it_or_feeds_it_without_end() {
    let _alone = GATE.lock().await;
    let pki = Pki::new("zoo");
    let keepers = keepers();
    let caged = {
        let _entered = keepers.enter();
        animals(&pki).into_iter().map(|animal| (animal.cage(), animal)).collect::<Vec<_>>()
    };
    assert!(caged.len() >= 60, "{} animals", caged.len());
    let faults: Vec<_> = stream::iter(&caged)
        .map(|(cage, animal)| faults(animal, cage, &pki))
        .buffer_unordered(GROUP)
        .concat()
        .await;
    keepers.shutdown_background();
    assert!(faults.is_empty(), "of {}:\n{}", caged.len(), faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_name_server_holds_a_run_or_deceives_it() {
    let faults: Vec<_> = stream::iter(names::babblers())
        .map(deceived_by)
        .buffer_unordered(GROUP)
        .collect::<Vec<_>>()
        .await
        .concat();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

async fn deceived_by(babbler: names::Babbler) -> Vec<String> {
    let server = babbler.serve().await;
    // The port that discards, where nobody listens any more.
    let door = check("ws://door.test:9/", "");
    let began = Instant::now();
    let failure = run_asking(&door, &[server]).await.failure.unwrap();
    let took = began.elapsed();
    let right = (failure.phase().unwrap(), failure.reason()) == babbler.ends;
    // The timeout of such a check is a second.
    if right && took < Duration::from_secs(1) + GRACE {
        return Vec::new();
    }
    vec![format!("{}: {failure:?} in {took:?}", babbler.name)]
}

/// Most memory that a run may leave behind or need.
const MEMORY: usize = 2 << 20;

/// An endpoint of a config that leads to an animal.
fn endpoint(number: usize, animal: &Animal, cage: &Cage, pki: &Pki) -> String {
    let (url, keys) = animal.endpoint(cage, pki);
    format!("[[endpoints]]\nname = \"animal-{number}\"\nurl = \"{url}\"\n{keys}\n")
}

/// One after the other in one process, whose highest mark then tells what each has needed.
#[test]
fn no_animal_is_given_more_than_two_megabytes() {
    let _alone = GATE.blocking_lock();
    let pki = Pki::new("memory");
    let keepers = keepers();
    let entered = keepers.enter();
    let animals = animals(&pki);
    let cages: Vec<_> = animals.iter().map(Animal::cage).collect();
    let mut config =
        String::from("max-inflight = 1\n[defaults]\ninterval = \"10s\"\ntimeout = \"100ms\"\n");
    for (number, (animal, cage)) in animals.iter().zip(&cages).enumerate() {
        config.push_str(&endpoint(number, animal, cage, &pki));
    }
    let home = Home::new(&config);
    let daemon = home.start();
    let mut before = daemon.peak_memory();
    let mut greedy = Vec::new();
    let mut seen = BTreeSet::new();
    while seen.len() < animals.len() {
        let line = daemon.wait_for_line("check=animal-");
        let (_, rest) = line.split_once("check=animal-").unwrap();
        let number: usize = rest.split('/').next().unwrap().parse().unwrap();
        let now = daemon.peak_memory();
        if now.saturating_sub(before) > MEMORY {
            greedy.push(format!(
                "{}: {} KiB",
                animals[number].name,
                now.saturating_sub(before) / 1024
            ));
        }
        // The kernel counts each core by itself: the highest mark may seem to fall.
        before = before.max(now);
        seen.insert(number);
    }
    drop(entered);
    keepers.shutdown_background();
    assert!(greedy.is_empty(), "{}", greedy.join("\n"));
}

/// Runs of the healthy door that are looked at.
const RUNS: usize = 5;

/// Latest that a run may begin. The README speaks of 2 ms; the cores of a test are not its own.
const LATEST_US: i64 = 250_000;

/// The worst for a scheduler: what takes all of its timeout, and what takes time to read.
const CROWD: [&str; 20] = [
    "silent after accept",
    "silent after the ClientHello",
    "silent in the conversation",
    "silent after TLS",
    "drips its head",
    "drips headers for ever",
    "drips a frame",
    "drips its ServerHello",
    "drips records of one byte",
    "a body without end",
    "endless headers",
    "one endless header",
    "messages of 16 KiB for ever",
    "messages of 16 KiB instead of a Close",
    "empty pieces for ever",
    "Pings for ever",
    "tickets for ever",
    "a head in endless records of one byte",
    "30 candidates for each issuer",
    "3,000 names",
];

#[test]
fn a_crowd_of_animals_does_not_keep_a_healthy_door_waiting() {
    let _alone = GATE.blocking_lock();
    let pki = Pki::new("crowd");
    let keepers = keepers();
    let entered = keepers.enter();
    let mut animals = animals(&pki);
    animals.retain(|animal| CROWD.contains(&animal.name.as_str()));
    assert_eq!(animals.len(), CROWD.len());
    let cages: Vec<_> = animals.iter().map(Animal::cage).collect();
    let door = keepers.block_on(raw::serve(|mut stream| async move {
        raw::answer(&mut stream, raw::OPEN).await;
    }));
    let mut config = format!(
        "[defaults]\ninterval = \"1s\"\ntimeout = \"900ms\"\n\
         [[endpoints]]\nname = \"healthy\"\nurl = \"ws://{}/\"\n\
         interval = \"2s\"\ntimeout = \"1900ms\"\n",
        door.address
    );
    for (number, (animal, cage)) in animals.iter().zip(&cages).enumerate() {
        config.push_str(&endpoint(number, animal, cage, &pki));
    }
    let home = Home::new(&config);
    let mut daemon = home.start();
    for _ in 0..RUNS {
        daemon.wait_for_line("check=healthy/websocket/none result=");
    }
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    drop(entered);
    keepers.shutdown_background();

    let store = rusqlite::Connection::open(home.path().join("watchpost.db")).unwrap();
    let mut rows = store
        .prepare(
            "SELECT result, delay_us, slots FROM results JOIN checks ON checks.key = check_key \
             WHERE id = 'healthy/websocket/none' ORDER BY at_us",
        )
        .unwrap();
    let rows: Vec<(String, i64, i64)> = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(rows.len() >= RUNS, "{rows:?}");
    let kept = |(result, delay, slots): &(String, i64, i64)| {
        result == "success" && *delay < LATEST_US && *slots == 1
    };
    assert!(rows.iter().all(kept), "{rows:?}");
}
