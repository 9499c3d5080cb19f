//! Under paused time, with closures as probes: no socket, no waiting.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{advance, sleep, sleep_until};

use super::*;
use crate::check::cadence::Cadence;
use crate::check::endpoint::{Endpoint, EndpointName, Owner, Reach, Trust};
use crate::check::health_policy::HealthPolicy;
use crate::check::origin::{Expect, Origin, OriginRule};
use crate::check::probe::{Probe, Websocket};

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(5);

fn pace(grace: Duration) -> Pace {
    let promise = Arc::new(Promise::new(Instant::now()));
    Pace { timer: Timer::of_runtime(), promise, grace }
}

fn endpoint(name: &str, max_inflight: usize) -> Arc<Endpoint> {
    Arc::new(Endpoint {
        name: EndpointName::try_from(name.to_owned()).unwrap(),
        target: "ws://127.0.0.1:1".parse().unwrap(),
        reach: Reach::default(),
        trust: Trust::System,
        identity: None,
        owner: Owner::default(),
        health: HealthPolicy::default(),
        slo: 0.99,
        max_inflight,
        deployment: None,
        users: None,
    })
}

fn check(endpoint: &Arc<Endpoint>, origin: &str) -> Arc<Check> {
    let rule = OriginRule { name: origin.into(), origin: Origin::Absent, expect: Expect::Allow };
    let probe = Arc::new(Probe::Websocket(Websocket::default()));
    let cadence = Cadence::new(INTERVAL, TIMEOUT).unwrap();
    Arc::new(Check::new(endpoint.clone(), probe, Some(Arc::new(rule)), cadence))
}

fn one_check() -> Vec<Arc<Check>> {
    vec![check(&endpoint("a", 4), "o")]
}

/// The time of day at which schedules begin.
fn noon() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// A plan that begins now.
fn plan<F>(checks: Vec<Arc<Check>>, max_inflight: usize, probe: F) -> Plan<F> {
    Plan::new(&checks, max_inflight, (Instant::now(), noon()), probe)
}

/// Runs the schedule for a while and gives every report.
async fn reports_of<F, Fut>(
    checks: Vec<Arc<Check>>,
    max_inflight: usize,
    time: Duration,
    probe: F,
) -> Vec<SlotEnd<()>>
where
    F: Fn(Arc<Check>, Slot) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel(100_000);
    let (_confirms, confirmed) = mpsc::channel(1);
    let (_plans, planned) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let plan = plan(checks, max_inflight, probe);
    let pace = pace(Duration::from_secs(3));
    let schedule = tokio::spawn(run(plan, pace, sender, confirmed, planned, stop.clone()));
    sleep(time).await;
    stop.cancel();
    schedule.await.unwrap();
    std::iter::from_fn(|| receiver.try_recv().ok()).collect()
}

fn kinds(reports: &[SlotEnd<()>]) -> BTreeMap<&'static str, u64> {
    let mut kinds = BTreeMap::new();
    for report in reports {
        let (kind, count) = match report.end {
            End::Ran(()) => ("ran", 1),
            End::Panicked => ("panicked", 1),
            End::CutOff => ("cut off", 1),
            End::Missed { slots } => ("missed", slots),
        };
        *kinds.entry(kind).or_default() += count;
    }
    kinds
}

/// Later than tokio's timers are by design: they round up to the next millisecond.
fn is_late(report: &SlotEnd<()>) -> bool {
    report.delay > Duration::from_millis(1)
}

/// The slots of one check that were reported, each with how often.
fn ledger(reports: &[SlotEnd<()>]) -> BTreeMap<(String, u64), u64> {
    let mut ledger = BTreeMap::new();
    for report in reports.iter().filter(|report| report.slot.purpose == slot::Purpose::Scheduled) {
        let slots = if let End::Missed { slots } = report.end { slots } else { 1 };
        for number in report.slot.number..report.slot.number + slots {
            *ledger.entry((report.check.id.to_string(), number)).or_default() += 1;
        }
    }
    ledger
}

#[tokio::test(start_paused = true)]
async fn slots_keep_their_places_whatever_the_runs_take() {
    let begins = Arc::new(Mutex::new(Vec::new()));
    let seen = begins.clone();
    let reports = reports_of(one_check(), 8, INTERVAL * 6, move |_, slot| {
        seen.lock().unwrap().push(Instant::now());
        async move { sleep(Duration::from_millis(700 * (slot.number % 7))).await }
    })
    .await;
    assert_eq!(kinds(&reports), BTreeMap::from([("ran", 6)]));
    let begins = begins.lock().unwrap();
    assert!(begins.windows(2).all(|pair| pair[1] - pair[0] == INTERVAL), "{begins:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_contained_and_the_next_slot_runs() {
    let reports = reports_of(one_check(), 8, INTERVAL * 4, |_, slot| async move {
        assert!(slot.number % 2 == 0, "on purpose");
    })
    .await;
    assert_eq!(kinds(&reports), BTreeMap::from([("panicked", 2), ("ran", 2)]));
}

#[tokio::test(start_paused = true)]
async fn a_check_never_runs_twice_at_a_time() {
    let running = Arc::new(AtomicUsize::new(0));
    let counter = running.clone();
    let reports = reports_of(one_check(), 8, INTERVAL * 6 + INTERVAL / 2, move |_, _| {
        let counter = counter.clone();
        async move {
            assert_eq!(counter.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
            sleep(INTERVAL * 5 / 2).await;
            counter.fetch_sub(1, Ordering::SeqCst);
        }
    })
    .await;
    let kinds = kinds(&reports);
    assert_eq!(kinds.get("panicked"), None);
    assert!(kinds["missed"] >= 2, "{kinds:?}");
    assert!(ledger(&reports).values().all(|ends| *ends == 1));
}

#[tokio::test(start_paused = true)]
async fn stalled_targets_do_not_delay_a_healthy_one() {
    // 200 that hang against 40 permits, and one that answers.
    let mut checks: Vec<_> =
        (0..200).map(|n| check(&endpoint(&format!("stalled-{n}"), 4), "o")).collect();
    checks.push(check(&endpoint("healthy", 4), "o"));
    let reports = reports_of(checks, 40, INTERVAL * 30, |check, _| async move {
        if &*check.endpoint.name != "healthy" {
            sleep(TIMEOUT).await;
        }
    })
    .await;
    let healthy: Vec<_> =
        reports.iter().filter(|report| &*report.check.endpoint.name == "healthy").collect();
    assert!(healthy.iter().all(|report| matches!(report.end, End::Ran(()))));
    // The first run has to show that it answers; from then on nothing holds it up.
    let late = healthy.iter().skip(1).filter(|report| is_late(report)).count();
    assert_eq!((late, healthy.len()), (0, 30));
}

#[tokio::test(start_paused = true)]
async fn one_endpoint_cannot_take_all_permits() {
    let hoarder = endpoint("hoarder", 2);
    let mut checks: Vec<_> = (0..50).map(|n| check(&hoarder, &format!("o{n}"))).collect();
    checks.push(check(&endpoint("other", 1), "o"));
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (counter, peak) = (running.clone(), most.clone());
    let reports = reports_of(checks, 8, INTERVAL * 5, move |check, _| {
        let (counter, peak) = (counter.clone(), peak.clone());
        async move {
            if &*check.endpoint.name == "hoarder" {
                peak.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(TIMEOUT).await;
                counter.fetch_sub(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
    let delayed = |report: &SlotEnd<()>| &*report.check.endpoint.name == "other" && is_late(report);
    let late: Vec<_> =
        reports.iter().filter(|r| delayed(r)).map(|r| (r.slot.number, r.delay)).collect();
    assert!(late.is_empty(), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn the_end_lets_runs_finish_and_then_cuts_them_off() {
    let mut checks = one_check();
    checks.push(check(&endpoint("slow", 4), "o"));
    // Ends while both run: one is done within the grace time, the other is not.
    let begin = Instant::now();
    let reports = reports_of(checks, 8, INTERVAL, move |check, _| async move {
        let slow = &*check.endpoint.name == "slow";
        let seconds = if slow { 60 } else { 1 };
        sleep_until(begin + INTERVAL + Duration::from_secs(seconds)).await;
    })
    .await;
    assert_eq!(kinds(&reports), BTreeMap::from([("cut off", 1), ("ran", 1)]));
}

#[tokio::test(start_paused = true)]
async fn a_sleeping_machine_misses_slots_and_does_not_catch_up() {
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = ran.clone();
    let (sender, mut receiver) = mpsc::channel(1000);
    let (_confirms, confirmed) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let (_plans, planned) = mpsc::channel(1);
    let token = stop.clone();
    let schedule = tokio::spawn(async move {
        let probe = move |_, _| {
            counter.fetch_add(1, Ordering::SeqCst);
            async {}
        };
        let plan = plan(one_check(), 8, probe);
        run(plan, pace(Duration::ZERO), sender, confirmed, planned, token).await;
    });
    sleep(INTERVAL).await;
    let before = ran.load(Ordering::SeqCst);
    advance(Duration::from_secs(3600)).await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(ran.load(Ordering::SeqCst), before + 1, "one run, not 360");
    stop.cancel();
    schedule.await.unwrap();
    let reports: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
    let ledger = ledger(&reports);
    let numbers: Vec<_> = ledger.keys().map(|(_, number)| *number).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap: {numbers:?}");
    assert!(ledger.values().all(|ends| *ends == 1));
    assert!(numbers.len() >= 360);
}

#[tokio::test(start_paused = true)]
async fn a_confirm_run_comes_out_of_turn_and_moves_no_slot() {
    let begins = Arc::new(Mutex::new(Vec::new()));
    let seen = begins.clone();
    let (sender, mut receiver) = mpsc::channel(1000);
    let (confirms, confirmed) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let (_plans, planned) = mpsc::channel(1);
    let token = stop.clone();
    let schedule = tokio::spawn(async move {
        let probe = move |_, slot: Slot| {
            seen.lock().unwrap().push((Instant::now(), slot.purpose));
            async {}
        };
        let plan = plan(one_check(), 8, probe);
        run(plan, pace(Duration::ZERO), sender, confirmed, planned, token).await;
    });
    let first: SlotEnd<()> = receiver.recv().await.unwrap();
    assert_eq!(first.slot.purpose, slot::Purpose::Scheduled);
    confirms
        .send(Confirm { check: first.check.id.clone(), after: Duration::from_secs(2) })
        .await
        .unwrap();
    let (second, third) = (receiver.recv().await.unwrap(), receiver.recv().await.unwrap());
    assert_eq!(second.slot.purpose, slot::Purpose::Confirm);
    assert_eq!(third.slot.purpose, slot::Purpose::Scheduled);
    stop.cancel();
    schedule.await.unwrap();
    let begins = begins.lock().unwrap();
    assert_eq!(begins[1].0 - begins[0].0, Duration::from_secs(2));
    assert_eq!(begins[2].0 - begins[0].0, INTERVAL);
}

#[tokio::test(start_paused = true)]
async fn every_slot_of_every_check_ends_exactly_once() {
    // Run times from a fixed generator: some quick, some up to the timeout, some panicking,
    // over endpoints that have too few permits for them.
    let checks: Vec<_> = (0..60)
        .map(|n| check(&endpoint(&format!("e{}", n % 7), 1 + n % 3), &format!("o{n}")))
        .collect();
    let names: HashSet<_> = checks.iter().map(|check| check.id.to_string()).collect();
    let reports = reports_of(checks, 5, INTERVAL * 40, |check, slot| async move {
        let seed = check.id.as_str().bytes().fold(slot.number, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        sleep(TIMEOUT.mul_f64((seed >> 40) as f64 / (1u64 << 24) as f64)).await;
        assert!(seed % 13 != 0, "on purpose");
    })
    .await;
    let ledger = ledger(&reports);
    assert!(ledger.values().all(|ends| *ends == 1));
    for name in names {
        let numbers: Vec<_> =
            ledger.keys().filter(|(id, _)| *id == name).map(|(_, number)| *number).collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{name} has a gap");
        assert!(numbers.len() >= 39, "{name} has {} slots", numbers.len());
    }
    let kinds = kinds(&reports);
    assert!(kinds.len() >= 3, "the mix has every kind: {kinds:?}");
}

/// A check of this endpoint with another interval.
fn every(interval: Duration, endpoint: &Arc<Endpoint>) -> Arc<Check> {
    let check = check(endpoint, "o");
    let cadence = Cadence::new(interval, TIMEOUT).unwrap();
    Arc::new(Check { cadence, ..Check::clone(&check) })
}

/// Begins of runs by check, under plans that each hold for a while. With each change the time of
/// day runs further ahead of the other clock.
async fn begins_under(
    plans: Vec<(Vec<Arc<Check>>, Duration)>,
    takes: Duration,
    ahead: Duration,
) -> (BTreeMap<String, Vec<Instant>>, Vec<SlotEnd<()>>) {
    let begins = Arc::new(Mutex::new(BTreeMap::<String, Vec<Instant>>::new()));
    let seen = begins.clone();
    let probe = move |check: Arc<Check>, _| {
        seen.lock().unwrap().entry(check.id.to_string()).or_default().push(Instant::now());
        sleep(takes)
    };
    let (sender, mut receiver) = mpsc::channel(100_000);
    let (_confirms, confirmed) = mpsc::channel(1);
    let (changes, planned) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let began = Instant::now();
    let mut plans = plans.into_iter();
    let (checks, time) = plans.next().unwrap();
    let first = plan(checks, 64, probe.clone());
    let now = noon();
    let schedule =
        tokio::spawn(run(first, pace(TIMEOUT), sender, confirmed, planned, stop.clone()));
    sleep(time).await;
    for (n, (checks, time)) in (1..).zip(plans) {
        let at = (Instant::now(), now + began.elapsed() + ahead * n);
        let change = Plan::new(&checks, 64, at, probe.clone());
        changes.send(change).await.unwrap_or_else(|_| panic!("the scheduler has ended"));
        sleep(time).await;
    }
    stop.cancel();
    schedule.await.unwrap();
    let begins = begins.lock().unwrap().clone();
    (begins, std::iter::from_fn(|| receiver.try_recv().ok()).collect())
}

#[tokio::test(start_paused = true)]
async fn a_change_of_everything_else_moves_no_slot() {
    let others = |n: usize, seconds| {
        let name = move |m: usize| endpoint(&format!("other-{n}-{m}"), 1 + m % 3);
        (0..20).map(move |m| every(Duration::from_secs(seconds), &name(m)))
    };
    let mut plans = Vec::new();
    for n in 0..40_usize {
        // Now first, now last; those around it come, go, and change their interval and caps.
        let mut checks: Vec<_> = others(n % 3, 6 + n as u64 % 5).collect();
        let stays = check(&endpoint("stays", 1 + n % 4), "o");
        checks.insert(if n % 2 == 0 { 0 } else { 20 }, stays);
        // Times of change fall before, into and behind its runs.
        plans.push((checks, Duration::from_millis(3_700 + 531 * (n as u64 % 7))));
    }
    let (begins, reports) =
        begins_under(plans, Duration::from_secs(3), Duration::from_millis(170)).await;
    let begins = &begins["stays/websocket/o"];
    assert!(begins.len() >= 20, "{}", begins.len());
    assert!(begins.windows(2).all(|pair| pair[1] - pair[0] == INTERVAL), "{begins:?}");
    let ledger = ledger(&reports);
    let stays = ledger.iter().filter(|((id, _), _)| id == "stays/websocket/o");
    let numbers: Vec<_> = stays.clone().map(|((_, number), _)| *number).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap: {numbers:?}");
    assert!(stays.clone().all(|(_, ends)| *ends == 1), "twice");
    let kept: Vec<_> =
        reports.iter().filter(|report| &*report.check.endpoint.name == "stays").collect();
    assert!(kept.iter().all(|report| matches!(report.end, End::Ran(()))), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_new_begins_in_its_slot_and_what_is_gone_ends() {
    let (a, b) = (check(&endpoint("a", 1), "o"), check(&endpoint("b", 1), "o"));
    let plans = vec![
        (vec![a.clone()], INTERVAL * 3),
        (vec![b.clone()], INTERVAL * 3),
        (vec![b, a], INTERVAL * 3),
    ];
    let (begins, _) = begins_under(plans, Duration::from_secs(1), Duration::ZERO).await;
    let (a, b) = (&begins["a/websocket/o"], &begins["b/websocket/o"]);
    assert_eq!((a.len(), b.len()), (6, 6));
    assert_eq!(a[3] - a[2], INTERVAL * 4, "where it would have been all along");
    assert!(b.windows(2).all(|pair| pair[1] - pair[0] == INTERVAL));
}

#[tokio::test(start_paused = true)]
async fn another_interval_begins_at_once() {
    let door = endpoint("a", 1);
    let second = Duration::from_secs(6);
    let plans = vec![
        (vec![every(INTERVAL, &door)], INTERVAL * 3),
        (vec![every(second, &door)], second * 5),
    ];
    let (begins, _) = begins_under(plans, Duration::from_secs(1), Duration::ZERO).await;
    let begins = &begins["a/websocket/o"];
    assert_eq!(begins.len(), 3 + 5);
    assert!(begins[3..].windows(2).all(|pair| pair[1] - pair[0] == second), "{begins:?}");
}

#[tokio::test(start_paused = true)]
async fn a_removed_check_finishes_its_run_and_does_not_run_twice_when_it_returns() {
    let mut checks = one_check();
    let (stays, running) = (check(&endpoint("b", 1), "o"), Arc::new(AtomicUsize::new(0)));
    checks.push(stays.clone());
    let counter = running.clone();
    let most = Arc::new(AtomicUsize::new(0));
    let peak = most.clone();
    let probe = move |check: Arc<Check>, _| {
        let (counter, peak) = (counter.clone(), peak.clone());
        async move {
            if &*check.endpoint.name == "a" {
                peak.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                sleep(INTERVAL * 5 / 2).await;
                counter.fetch_sub(1, Ordering::SeqCst);
            }
        }
    };
    let (sender, mut receiver) = mpsc::channel(100_000);
    let (_confirms, confirmed) = mpsc::channel(1);
    let (changes, planned) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let began = Instant::now();
    let first = plan(checks.clone(), 8, probe.clone());
    let now = noon();
    let schedule =
        tokio::spawn(run(first, pace(TIMEOUT), sender, confirmed, planned, stop.clone()));
    for n in 0..60 {
        sleep(INTERVAL / 4).await;
        let checks = if n % 2 == 0 { vec![stays.clone()] } else { checks.clone() };
        let at = (Instant::now(), now + began.elapsed());
        let change = Plan::new(&checks, 8, at, probe.clone());
        assert!(changes.send(change).await.is_ok());
    }
    stop.cancel();
    schedule.await.unwrap();
    let reports: Vec<SlotEnd<()>> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
    let ran = |name: &str| {
        let mine = reports.iter().filter(|report| &*report.check.endpoint.name == name);
        mine.filter(|report| matches!(report.end, End::Ran(()))).count()
    };
    assert_eq!(most.load(Ordering::SeqCst), 1, "two at a time");
    assert!(ran("a") >= 3 && ran("b") == 15, "{} and {}", ran("a"), ran("b"));
}

#[tokio::test(start_paused = true)]
async fn checks_that_wait_for_a_permit_keep_their_places_in_the_queue() {
    // Eighteen seconds of runs, one at a time, every ten seconds: there are always some that wait.
    let door = endpoint("a", 1);
    let checks: Vec<_> = (0..6).map(|n| check(&door, &format!("o{n}"))).collect();
    let plans = (0..100).map(|_| (checks.clone(), Duration::from_millis(3_100))).collect();
    let (begins, reports) = begins_under(plans, Duration::from_secs(3), Duration::ZERO).await;
    let counts: Vec<_> = checks.iter().map(|check| begins[check.id.as_str()].len()).collect();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(*least >= 14 && most - least <= 1, "{counts:?}");
    let ledger = ledger(&reports);
    assert!(ledger.values().all(|ends| *ends == 1));
    for check in &checks {
        let mine = ledger.keys().filter(|(id, _)| *id == check.id.to_string());
        let numbers: Vec<_> = mine.map(|(_, number)| *number).collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap: {numbers:?}");
        assert!(numbers.len() >= 29, "{numbers:?}");
    }
}
