use std::path::Path;

use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::correlate::{Correlation, Probes, Users};
use crate::event::AnalyticsEvent;
use crate::event::key::EventId;
use crate::event::word::{Disconnect, Kind};
use crate::health::State;
use crate::inbox::{Arrival, Store};
use crate::outcome::phase::PhaseTimes;
use crate::record::row::Row as Ran;
use crate::schedule::slot::{Purpose, Slot};

/// The first minute of an hour.
const NOW: i64 = 30_000_000;

const TWO: &str = "[[endpoints]]\nname = \"a\"\nurl = \"ws://127.0.0.1:1/?deploymentId=d-a\"\n\
     [[endpoints]]\nname = \"b\"\nurl = \"ws://127.0.0.1:2/\"\nusers = { queues = [\"q-b\"] }\n";

const ONE: &str = "[[endpoints]]\nname = \"a\"\nurl = \"ws://127.0.0.1:1/?deploymentId=d-a\"\n";

fn at(minute: i64) -> Timestamp {
    Minute(NOW + minute).begin()
}

fn checks(config: &str) -> Vec<Arc<Check>> {
    Config::parse(Path::new("/tmp/config.toml"), config).unwrap().checks
}

fn whose(name: &str) -> Whose {
    Some(name.to_owned().try_into().unwrap())
}

/// A file, and the windows that are made of it.
struct Desk {
    _folder: TempDir,
    connection: Connection,
    reader: Reader,
    windows: Windows,
    checks: Vec<Arc<Check>>,
    settings: Settings,
    counted: BTreeMap<Whose, Counted>,
    seq: u64,
}

impl Desk {
    fn new(config: &str, now: Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        drop(Store::open(&path, now).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        let reader = Reader::open(&path).unwrap();
        let (checks, settings) = (checks(config), Settings::default());
        let windows = Windows::restore(&reader, &checks, settings, now).unwrap();
        let counted = BTreeMap::new();
        Self { _folder: folder, connection, reader, windows, checks, settings, counted, seq: 0 }
    }

    fn fold(&mut self, events: &[AnalyticsEvent], now: Timestamp) -> Vec<Window> {
        let stored: Vec<_> = events
            .iter()
            .map(|event| {
                self.seq += 1;
                let arrival =
                    Arrival { receiver: "r".into(), received_at: now, event: event.clone() };
                StoredEvent { seq: self.seq, arrival }
            })
            .collect();
        self.windows.fold(&self.reader, &stored, false, now).unwrap()
    }

    fn write(&mut self) {
        if let Some(changes) = self.windows.unwritten() {
            let transaction = self.connection.transaction().unwrap();
            changes(&transaction).unwrap();
            transaction.commit().unwrap();
        }
        for (whose, counted) in self.windows.written() {
            *self.counted.entry(whose).or_default() += counted;
        }
    }

    fn step(&mut self, events: &[AnalyticsEvent], now: Timestamp) -> Vec<Window> {
        let windows = self.fold(events, now);
        self.write();
        windows
    }

    /// Steps once a minute, as a daemon does more often.
    fn live(&mut self, minutes: std::ops::Range<i64>) -> Vec<Window> {
        minutes.flat_map(|minute| self.step(&[], at(minute))).collect()
    }

    /// The daemon is killed and begins anew.
    fn crash(&mut self, now: Timestamp) {
        self.windows = Windows::restore(&self.reader, &self.checks, self.settings, now).unwrap();
    }

    fn told(&mut self, name: &str, minute: i64, result: RunResult, health: State) {
        let check = self.checks.iter().find(|check| *check.endpoint.name == *name).unwrap();
        let slot = Slot { number: 0, planned: at(minute), purpose: Purpose::Scheduled };
        let row = Ran {
            slot,
            slots: 1,
            result,
            reason: None,
            phase: None,
            at: at(minute),
            delay: Default::default(),
            phases: PhaseTimes::default(),
            http_status: None,
            stalled: Default::default(),
        };
        let told = Told {
            check: check.clone(),
            row,
            health: (State::Up, health),
            since: at(minute),
            outcome: None,
        };
        self.windows.told(&told);
    }

    fn counted(&self, name: &str) -> Counted {
        self.counted.get(&whose(name)).copied().unwrap_or_default()
    }

    fn correlation(&self, name: &str, minute: i64) -> Option<Correlation> {
        let row = self.windows.series.get(&whose(name))?.minutes.get(Minute(NOW + minute))?;
        Some(row.judged?.correlation)
    }

    /// What the file says, but for what was counted on the way, and for rows that hold nothing.
    fn state(&self) -> Vec<String> {
        let mut state = Vec::new();
        let minutes = tables::read(&self.connection, Table::Minutes, Minute).unwrap();
        for (whose, rows) in minutes {
            for (minute, mut row) in rows {
                let row: &mut crate::correlate::series::MinuteRow = &mut row;
                (row.blind_spot, row.false_alarm) = (false, false);
                if *row != Default::default() {
                    state.push(format!("{whose:?} {} {row:?}", minute.0 - NOW));
                }
            }
        }
        for (whose, rows) in tables::read(&self.connection, Table::Hours, Hour).unwrap() {
            for (hour, row) in rows {
                let row: crate::correlate::series::HourRow = row;
                if row != Default::default() {
                    state.push(format!("{whose:?} h{} {row:?}", hour.0));
                }
            }
        }
        let mut select =
            self.connection.prepare("SELECT id, row FROM conversations ORDER BY id").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        for row in rows {
            let (id, text): (String, String) = row.unwrap();
            let kept: Kept = serde_json::from_str(&text).unwrap();
            state.push(format!("{id} {:?} {:?}", kept.facts, kept.counted));
        }
        state
    }
}

fn event(conversation: &str, kind: Kind, minute: i64) -> AnalyticsEvent {
    let minute_bytes = minute.to_le_bytes();
    let id = EventId::of([conversation.as_bytes(), kind.as_str().as_bytes(), &minute_bytes]);
    let conversation = Some(Key::new(conversation).unwrap());
    AnalyticsEvent { conversation, ..AnalyticsEvent::new(id, kind, at(minute)) }
}

fn start(conversation: &str, minute: i64) -> AnalyticsEvent {
    event(conversation, Kind::CustomerStart, minute)
}

fn end(conversation: &str, minute: i64, how: Disconnect) -> AnalyticsEvent {
    let mut event = event(conversation, Kind::CustomerEnd, minute);
    event.disconnect = Some(how);
    event
}

/// Conversations that begin in a minute and end so in the next.
fn traffic(minute: i64, count: usize, how: Disconnect) -> Vec<AnalyticsEvent> {
    let ids = (0..count).map(|number| format!("c{minute}-{number}-{how}"));
    ids.flat_map(|id| [start(&id, minute), end(&id, minute, how)]).collect()
}

#[test]
fn probes_and_users_give_each_of_the_four_results() {
    let (bad, good) = ((RunResult::Failure, State::Down), (RunResult::Success, State::Up));
    for (probes, how, expected) in [
        (good, Disconnect::Client, Correlation::BothOk),
        (bad, Disconnect::Client, Correlation::ProbeOnly),
        (good, Disconnect::Error, Correlation::UsersOnly),
        (bad, Disconnect::Error, Correlation::BothBad),
        ((RunResult::Inconclusive, State::Up), Disconnect::Error, Correlation::Unjudged),
    ] {
        let mut desk = Desk::new(ONE, at(-1));
        desk.live(-1..10);
        desk.told("a", 10, probes.0, probes.1);
        desk.step(&traffic(10, 4, how), at(10));
        let early = desk.live(11..13);
        assert!(early.iter().all(|window| window.minute < Minute(NOW + 10)), "before it settles");
        let windows = desk.step(&[], at(13));
        let window = windows.iter().find(|window| window.minute == Minute(NOW + 10)).unwrap();
        assert_eq!(window.correlation, expected);
        assert_eq!((window.started, window.ended), (4, 4));
        assert_eq!(window.failed, if how == Disconnect::Error { 4 } else { 0 });
        let counted = desk.counted("a");
        let place = Correlation::ALL.into_iter().position(|one| one == expected).unwrap();
        assert!(counted.windows[place] >= 1, "{counted:?}");
        assert_eq!(counted.blind_spots, u64::from(expected == Correlation::UsersOnly));
        assert_eq!(counted.false_alarms, u64::from(expected == Correlation::ProbeOnly));
        assert_eq!(counted.conversations.iter().sum::<u64>(), 4);
        assert_eq!(counted.revised, 0);
    }
}

#[test]
fn the_last_minutes_are_told_again_after_a_restart() {
    let mut desk = Desk::new(ONE, at(-1));
    desk.live(-1..10);
    desk.told("a", 10, RunResult::Success, State::Up);
    desk.step(&traffic(10, 4, Disconnect::Error), at(10));
    let judged = desk.live(11..14);
    let of_ten = |windows: Vec<Window>| {
        windows.into_iter().find(|window| window.minute == Minute(NOW + 10)).unwrap()
    };
    desk.crash(at(14));
    let window = of_ten(desk.windows.recent(at(14)));
    assert_eq!(window.correlation, Correlation::UsersOnly);
    assert_eq!(window, of_ten(judged));
    assert_eq!(desk.windows.recent(at(60)), []);
}

#[test]
fn what_comes_late_is_judged_again_and_counted_once() {
    let mut desk = Desk::new(ONE, at(-1));
    desk.live(-1..10);
    desk.told("a", 10, RunResult::Success, State::Up);
    desk.live(10..40);
    assert_eq!(desk.correlation("a", 10), Some(Correlation::Unjudged));
    let first: u64 = desk.counted("a").windows.iter().sum();
    let revised = desk.step(&traffic(10, 3, Disconnect::Error), at(40));
    let revised: Vec<_> = revised.iter().filter(|window| window.minute.0 == NOW + 10).collect();
    assert_eq!(revised.len(), 1);
    assert_eq!(revised[0].correlation, Correlation::UsersOnly);
    let counted = desk.counted("a");
    assert_eq!((counted.revised, counted.blind_spots), (1, 1));
    assert_eq!(counted.windows.iter().sum::<u64>(), first + 1, "only the new minute is first");
    // Enough that went well make of it what chance allows for.
    desk.step(&traffic(10, 97, Disconnect::Client), at(40));
    assert_eq!(desk.correlation("a", 10), Some(Correlation::BothOk));
    // And back: it was a minute of a blind spot before.
    desk.step(&traffic(10, 30, Disconnect::TransportFailure), at(40));
    assert_eq!(desk.correlation("a", 10), Some(Correlation::UsersOnly));
    let counted = desk.counted("a");
    assert_eq!((counted.revised, counted.blind_spots), (3, 1));
    // After a day, a window is closed; what comes then is counted by the hour.
    desk.crash(at(10 + 25 * 60));
    for _ in 0..30 {
        desk.step(&[], at(10 + 25 * 60));
    }
    desk.step(&traffic(10, 50_00, Disconnect::Client), at(10 + 25 * 60));
    assert_eq!(desk.correlation("a", 10), Some(Correlation::UsersOnly));
}

#[test]
fn nothing_is_lost_or_judged_twice_while_the_daemon_is_away_or_the_clock_leaps() {
    let mut desk = Desk::new(ONE, at(-1));
    desk.live(-1..20);
    assert_eq!(desk.counted("a").windows.iter().sum::<u64>(), 20);
    // Away for two hours: what was not judged is, in some steps.
    desk.crash(at(140));
    for _ in 0..4 {
        desk.step(&[], at(140));
    }
    let all = |desk: &Desk| {
        let judged = (0..=137).filter(|minute| desk.correlation("a", *minute).is_some());
        (judged.count(), desk.counted("a").windows.iter().sum::<u64>())
    };
    assert_eq!(all(&desk), (138, 141));
    // Back by an hour, and on again.
    for minute in 80..=140 {
        desk.told("a", minute, RunResult::Success, State::Up);
        desk.step(&traffic(minute, 1, Disconnect::Client), at(minute));
    }
    assert_eq!(all(&desk), (138, 141), "none twice");
    assert_eq!(desk.correlation("a", 100), Some(Correlation::BothOk), "it was looked at again");
    // A week ahead and back: nothing that is kept goes.
    let before = desk.state();
    desk.step(&[], at(140 + 7 * 24 * 60));
    desk.step(&[], at(140));
    let after = desk.state();
    assert!(before.iter().all(|row| after.contains(row)), "{before:#?}\n{after:#?}");
    desk.live(141..160);
    assert!((0..=156).all(|minute| desk.correlation("a", minute).is_some()), "none is lost");
}

#[test]
fn while_more_waits_no_minute_is_judged_without_it() {
    let mut desk = Desk::new(ONE, at(-1));
    desk.live(-1..5);
    let arrival = Arrival { receiver: "r".into(), received_at: at(5), event: start("x", 5) };
    let stored = [StoredEvent { seq: 1, arrival }];
    let windows = desk.windows.fold(&desk.reader, &stored, true, at(30)).unwrap();
    assert_eq!(windows.iter().map(|window| window.minute.0 - NOW).max(), Some(2));
    desk.write();
    assert_eq!(desk.fold(&[], at(30)).last().unwrap().minute.0 - NOW, 27);
}

#[test]
fn another_mapping_holds_for_what_changes_from_then_on() {
    let mut desk = Desk::new(TWO, at(0));
    let started = |desk: &Desk, whose: &Whose| {
        desk.windows.series.get(whose).map_or(0, |series| {
            series.minutes.range(..).map(|(_, row)| row.counts.started).sum::<u32>()
        })
    };
    let mut queued = start("x", 1);
    queued.queue = Some(Key::new("q-c").unwrap());
    let mut other = queued.clone();
    other.conversation = Some(Key::new("y").unwrap());
    desk.step(&[queued, other], at(1));
    assert_eq!((started(&desk, &None), started(&desk, &whose("b"))), (2, 0), "nothing tells");
    desk.windows.change(&checks(&TWO.replace("q-b", "q-c")));
    assert_eq!(started(&desk, &None), 2, "not by itself");
    desk.step(&[end("x", 2, Disconnect::Client)], at(2));
    assert_eq!((started(&desk, &None), started(&desk, &whose("b"))), (1, 1));
    // An endpoint that goes takes no more users; those that it had are taken off where they change.
    desk.windows.change(&checks(ONE));
    desk.step(&[end("x", 3, Disconnect::Error)], at(3));
    assert_eq!((started(&desk, &whose("a")), started(&desk, &whose("b"))), (1, 0));
}

#[test]
fn times_without_sense_break_nothing() {
    let mut desk = Desk::new(ONE, at(0));
    let mut first = start("x", 0);
    first.at = Timestamp::MIN;
    let mut last = end("x", 0, Disconnect::Error);
    last.at = Timestamp::MAX;
    desk.step(&[first, last], at(0));
    desk.live(0..5);
    desk.crash(at(5));
    desk.step(&[end("x", 5, Disconnect::Error)], at(5));
}

#[test]
fn a_clock_that_is_ahead_for_a_while_loses_no_minute() {
    const WEEK: i64 = 7 * 24 * 60;
    let judged = |desk: &Desk, last| {
        (0..=last).filter(|minute| desk.correlation("a", *minute).is_some()).count()
    };
    // For as long as that there are minutes that were not judged meanwhile.
    let mut desk = Desk::new(ONE, at(-1));
    desk.live(-1..20);
    desk.live(20 + WEEK..30 + WEEK);
    desk.live(30..50);
    assert_eq!(judged(&desk, 46), 47);
    // The same where the daemon ends meanwhile.
    let mut desk = Desk::new(ONE, at(-1));
    desk.live(-1..20);
    desk.live(20 + WEEK..30 + WEEK);
    desk.crash(at(30));
    desk.live(30..50);
    assert_eq!(judged(&desk, 46), 47);
    // For so long that it was believed: what was known is thrown away, what comes is not.
    desk.windows.believed = Minute(NOW + 50 + WEEK);
    desk.step(&[], at(51 + WEEK));
    desk.live(50..60);
    assert!((50..=56).all(|minute| desk.correlation("a", minute).is_some()));
}

#[test]
fn the_end_of_a_long_conversation_is_no_news_of_its_beginning() {
    let mut desk = Desk::new(ONE, at(-1));
    desk.live(-1..3);
    desk.step(&[start("x", 3)], at(3));
    desk.live(4..300);
    let series = |desk: &Desk| desk.windows.series.get(&whose("a")).cloned().unwrap();
    desk.windows.recount(None, None);
    assert_eq!(series(&desk).dirty, None);
    let kept = |desk: &Desk| desk.windows.conversations.find(&desk.reader, &Key::new("x").unwrap());
    let before = kept(&desk).unwrap().unwrap().counted.unwrap();
    let now = Contribution { ended: Some((Minute(NOW + 290), Outcome::Ok)), ..before.clone() };
    desk.windows.recount(Some(&before), Some(&now));
    assert_eq!(series(&desk).dirty, Some(Minute(NOW + 290)));
    let row = *series(&desk).minutes.get(Minute(NOW + 290)).unwrap();
    assert_eq!((row.counts.started, row.counts.ok), (0, 1));
}

#[test]
fn what_breaks_on_an_event_is_contained_and_named() {
    let file = contained(7, || Err(rusqlite::Error::InvalidQuery));
    assert!(matches!(file, Err(Trouble::File(_))), "{file:?}");
    let broken = contained(7, || std::panic::resume_unwind(Box::new("broken")));
    assert!(matches!(broken, Err(Trouble::Event(7))), "{broken:?}");
    assert!(contained(7, || Ok(())).is_ok());
}

#[test]
fn rows_go_from_each_endpoint_by_their_time() {
    let mut desk = Desk::new(TWO, at(0));
    desk.live(0..10);
    let transaction = desk.connection.transaction().unwrap();
    tables::delete_before(&transaction, Table::Minutes, NOW + 4).unwrap();
    let mut select = transaction
        .prepare("SELECT endpoint, min(at), max(at) FROM minutes GROUP BY endpoint")
        .unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let rows: Vec<(String, i64, i64)> = rows.map(Result::unwrap).collect();
    assert_eq!(rows, [("a".to_owned(), NOW + 4, NOW + 9), ("b".to_owned(), NOW + 4, NOW + 9)]);
}

#[test]
fn all_that_is_known_goes_into_a_new_file() {
    let mut desk = Desk::new(ONE, at(-1));
    desk.live(-1..10);
    desk.told("a", 10, RunResult::Success, State::Up);
    desk.step(&traffic(10, 4, Disconnect::Client), at(10));
    desk.live(11..20);
    let rows = |desk: &Desk| {
        let tables = ["minutes", "hours", "sights"];
        tables.map(|table| {
            let sql = format!("SELECT count(*) FROM {table}");
            desk.connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
        })
    };
    let before = rows(&desk);
    desk.connection
        .execute_batch("DELETE FROM minutes; DELETE FROM hours; DELETE FROM sights")
        .unwrap();
    desk.windows.rewrite();
    desk.write();
    assert_eq!(rows(&desk), before);
    assert!(before.iter().all(|rows| *rows > 0), "{before:?}");
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Written,
    Failed,
    Killed,
    KilledAfter,
}

fn any_event() -> impl Strategy<Value = AnalyticsEvent> {
    let kinds = [Kind::CustomerStart, Kind::CustomerEnd, Kind::AcdEnd, Kind::Undelivered];
    let ends = [Disconnect::Client, Disconnect::Error, Disconnect::System];
    let one_of = |keys: &'static [&'static str]| {
        let key = |text| Key::new(text).unwrap();
        proptest::option::of(proptest::sample::select(keys).prop_map(key))
    };
    (
        proptest::sample::select(&["x", "y", "z", "u", "v", "w"][..]),
        proptest::sample::select(kinds.to_vec()),
        -20..90_i64,
        proptest::option::of(proptest::sample::select(ends.to_vec())),
        one_of(&["d-a", "d-other"]),
        one_of(&["q-b"]),
        proptest::option::weighted(0.05, Just(Key::new("a").unwrap())),
    )
        .prop_map(|(id, kind, minute, disconnect, deployment, queue, probe)| AnalyticsEvent {
            disconnect,
            deployment,
            queue,
            probe,
            ..event(id, kind, minute)
        })
}

fn begun(config: &str) -> Desk {
    let mut desk = Desk::new(config, at(0));
    for minute in (0..100).step_by(7) {
        let result = [RunResult::Success, RunResult::Failure][(minute % 2) as usize];
        desk.told("a", minute, result, State::Up);
        desk.step(&[], at(minute));
    }
    desk
}

fn settled(desk: &mut Desk) -> Vec<String> {
    for _ in 0..4 {
        desk.step(&[], at(100));
    }
    desk.state()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn order_repetition_batches_and_crashes_make_no_difference(
        events in proptest::collection::vec(any_event(), 1..40),
        order in proptest::collection::vec(any::<proptest::sample::Index>(), 0..60),
        cuts in proptest::collection::vec((1..12_usize, 0..4_usize), 1..30),
    ) {
        let mut plain = begun(TWO);
        plain.step(&events, at(100));
        let expected = settled(&mut plain);

        let mut mixed: Vec<_> = order.iter().map(|index| index.get(&events).clone()).collect();
        mixed.extend(events.iter().rev().cloned());
        let mut desk = begun(TWO);
        let mut rest = &mixed[..];
        let fates = [Fate::Written, Fate::Failed, Fate::Killed, Fate::KilledAfter];
        for (size, fate) in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (batch, others) = rest.split_at((*size).min(rest.len()));
            match fates[*fate] {
                Fate::Written => {}
                Fate::Failed => {
                    desk.fold(batch, at(100));
                    drop(desk.windows.unwritten());
                    desk.windows.forget();
                }
                Fate::Killed => {
                    desk.fold(batch, at(100));
                    desk.crash(at(100));
                }
                Fate::KilledAfter => {
                    desk.step(batch, at(100));
                    desk.crash(at(100));
                }
            }
            desk.step(batch, at(100));
            rest = others;
        }
        prop_assert_eq!(settled(&mut desk), expected);
        // Each conversation is counted once, also over a crash; none that ended is left out.
        let told: u64 = desk.counted.values().flat_map(|counted| counted.conversations).sum();
        let kept = desk.windows.series.values().flat_map(|series| series.minutes.range(..));
        let ended: u32 = kept.map(|(_, row)| row.counts.ended()).sum();
        let names: BTreeSet<_> = events.iter().map(|event| event.conversation.clone()).collect();
        prop_assert!(u64::from(ended) <= told && told <= names.len() as u64, "{ended} {told}");
    }
}

#[test]
fn the_sample_of_that_property_has_every_result() {
    let mut desk = begun(TWO);
    let mut events = traffic(14, 5, Disconnect::Error);
    events.extend(traffic(28, 2, Disconnect::Client));
    for event in &mut events {
        event.deployment = Some(Key::new("d-a").unwrap());
    }
    desk.step(&events, at(100));
    settled(&mut desk);
    let row = |minute| {
        let series = desk.windows.series.get(&whose("a")).unwrap();
        series.minutes.get(Minute(NOW + minute)).unwrap().judged.unwrap()
    };
    assert_eq!((row(14).probes, row(14).users), (Probes::Good, Users::Failing));
    assert_eq!((row(28).probes, row(28).users), (Probes::Good, Users::Normal));
    assert_eq!(row(21).probes, Probes::Bad);
}
