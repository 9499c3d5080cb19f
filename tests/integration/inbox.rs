//! The file of events, driven as the receiver and the casebook drive it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::watch;
use watchpost::clock;
use watchpost::event::AnalyticsEvent;
use watchpost::event::key::{EventId, Key};
use watchpost::event::word::Kind;
use watchpost::inbox::reader::Reader;
use watchpost::inbox::replay::{Replayed, replay};
use watchpost::inbox::{
    Arrival, DeadLetter, Inbox, Limits, Refused, Store, Stored, Writer, letter,
};

const LIMITS: Limits =
    Limits { age: Duration::from_secs(7 * 24 * 60 * 60), bytes: 1 << 30, capacity: 1_000_000 };

/// A file with its writer.
struct Box {
    folder: TempDir,
    inbox: Inbox,
    writer: Writer,
    limits: watch::Sender<Limits>,
}

impl Box {
    fn new(limits: Limits) -> Self {
        Self::within(tempfile::tempdir().unwrap(), limits, clock::now())
    }

    fn within(folder: TempDir, limits: Limits, now: Timestamp) -> Self {
        let store = Store::open(&folder.path().join("events.db"), now).unwrap();
        let (limits, limited) = watch::channel(limits);
        let (writer, inbox) = Writer::spawn(store, limited).unwrap();
        Self { folder, inbox, writer, limits }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }

    /// Ends the writer in order; the file stays.
    fn end(self) -> TempDir {
        drop(self.inbox);
        self.writer.join().unwrap();
        self.folder
    }
}

/// An event of its own for each number.
pub fn arrival(n: u32) -> Arrival {
    let at = Timestamp::from_second(1_790_000_000).unwrap();
    Arrival {
        receiver: Arc::from("genesys"),
        received_at: clock::now(),
        event: AnalyticsEvent {
            conversation: Some(Key::new(&format!("conversation-{n}")).unwrap()),
            ..AnalyticsEvent::new(
                EventId::of([n.to_le_bytes().as_slice()]),
                Kind::CustomerStart,
                at,
            )
        },
    }
}

fn letter(n: usize, bytes: usize) -> DeadLetter {
    DeadLetter {
        receiver: Arc::from("genesys"),
        received_at: clock::now(),
        fault: format!("fault {n}"),
        content_type: Some("application/json".to_owned()),
        body: vec![b'x'; bytes],
    }
}

fn count(path: &Path, what: &str) -> i64 {
    let connection = Connection::open(path).unwrap();
    let sql = format!("SELECT count(*) FROM {what}");
    connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn an_event_that_comes_again_is_there_once_and_the_first_one_stays() {
    let file = Box::new(LIMITS);
    assert_eq!(file.inbox.store(arrival(1)).await, Ok(Stored::New));
    assert_eq!(file.inbox.store(arrival(1)).await, Ok(Stored::Duplicate));
    let mut other = arrival(1);
    other.event.kind = Kind::CustomerEnd;
    assert_eq!(file.inbox.store(other).await, Ok(Stored::Conflict));
    let read = Reader::open(&file.path()).unwrap().after(0, 10).unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].arrival.event, arrival(1).event);
}

#[tokio::test]
async fn an_event_without_a_time_of_its_own_is_known_again() {
    let file = Box::new(LIMITS);
    let [mut first, mut again, mut late, mut other] = [1; 4].map(arrival);
    first.event.at = first.received_at;
    again.received_at += Duration::from_secs(60);
    again.event.at = again.received_at;
    late.received_at += Duration::from_secs(60);
    other.event.kind = Kind::CustomerEnd;
    other.event.at = other.received_at;
    assert_eq!(file.inbox.store(first).await, Ok(Stored::New));
    assert_eq!(file.inbox.store(again).await, Ok(Stored::Duplicate));
    assert_eq!(file.inbox.store(late).await, Ok(Stored::Duplicate), "it is believed now");
    assert_eq!(file.inbox.store(other).await, Ok(Stored::Conflict));
}

#[tokio::test]
async fn a_bad_change_is_undone_and_nobody_else_suffers() {
    let file = Box::new(LIMITS);
    let inbox = &file.inbox;
    inbox.store(arrival(0)).await.unwrap();
    let panics = inbox.write(
        Some(1),
        std::boxed::Box::new(|changes| {
            changes.execute("DELETE FROM events", []).unwrap();
            panic!("a bug")
        }),
    );
    let fails = inbox.write(
        Some(1),
        std::boxed::Box::new(|changes| {
            changes.execute("DELETE FROM events", [])?;
            changes.execute("INSERT INTO nowhere VALUES (1)", []).map(drop)
        }),
    );
    let works = inbox.write(
        Some(1),
        std::boxed::Box::new(|changes| {
            changes.execute("INSERT INTO meta VALUES ('mine', 7)", []).map(drop)
        }),
    );
    let (panicked, failed, worked, stored, buried) =
        tokio::join!(panics, fails, works, inbox.store(arrival(1)), inbox.bury(letter(0, 10)));
    assert_eq!((panicked, failed), (Err(Refused::Failed), Err(Refused::Failed)));
    assert_eq!((worked, stored, buried), (Ok(()), Ok(Stored::New), Ok(())));
    assert_eq!(count(&file.path(), "events"), 2);
    assert_eq!(count(&file.path(), "meta WHERE key = 'mine' AND value = 7"), 1);
    assert_eq!(Reader::open(&file.path()).unwrap().through().unwrap(), 1);
}

#[tokio::test]
async fn what_nobody_took_up_is_not_more_than_there_is_room_for() {
    let file = Box::new(Limits { capacity: 3, ..LIMITS });
    for n in 0..3 {
        assert_eq!(file.inbox.store(arrival(n)).await, Ok(Stored::New));
        // The writer says how much there is once it has told us.
        while file.inbox.length() != u64::from(n) + 1 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(file.inbox.store(arrival(3)).await, Err(Refused::Full));
    file.inbox.write(Some(2), std::boxed::Box::new(|_| Ok(()))).await.unwrap();
    while file.inbox.length() != 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(file.inbox.store(arrival(3)).await, Ok(Stored::New));
    assert_eq!(file.inbox.capacity(), 3);
}

#[tokio::test]
async fn letters_are_kept_within_bounds() {
    let file = Box::new(LIMITS);
    for n in 0..=letter::MOST as usize {
        file.inbox.bury(letter(n, 10)).await.unwrap();
    }
    file.inbox.bury(letter(9999, letter::MAX_BODY_BYTES + 1)).await.unwrap();
    let connection = Connection::open(file.path()).unwrap();
    let kept = letter::all(&connection).unwrap();
    assert_eq!(kept.len(), letter::MOST as usize);
    assert_eq!(kept[0].letter.fault, "fault 2", "the oldest went");
    assert_eq!(kept.last().unwrap().letter.body.len(), letter::MAX_BODY_BYTES);
}

#[tokio::test]
async fn an_event_that_could_not_be_worked_on_comes_again_behind_the_others() {
    let file = Box::new(LIMITS);
    for n in 0..2 {
        file.inbox.store(arrival(n)).await.unwrap();
    }
    let path = file.path();
    let first = Reader::open(&path).unwrap().after(0, 1).unwrap().remove(0);
    let buried = DeadLetter::of_event(first.arrival.clone()).unwrap();
    file.inbox.bury(buried).await.unwrap();
    file.inbox.write(Some(2), std::boxed::Box::new(|_| Ok(()))).await.unwrap();
    let replayed = replay(&path, clock::now(), |_| Err("nobody asks".to_owned())).unwrap();
    assert_eq!(replayed.len(), 1);
    assert_eq!(replayed[0].1, Replayed::Stored(Stored::New));
    let again = Reader::open(&path).unwrap().after(2, 10).unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].arrival, first.arrival);
    assert_eq!(count(&path, "events"), 2);
    assert_eq!(count(&path, "dead_letters"), 0);
}

#[tokio::test]
async fn a_row_that_is_no_text_any_more_stops_none_behind_it() {
    let file = Box::new(LIMITS);
    for n in 0..3 {
        file.inbox.store(arrival(n)).await.unwrap();
    }
    let flip = "UPDATE events SET event = CAST(x'7bff' AS TEXT) WHERE seq = 2";
    Connection::open(file.path()).unwrap().execute(flip, []).unwrap();
    let left = Reader::open(&file.path()).unwrap().after(0, 10).unwrap();
    assert_eq!(left.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 3]);
}

#[tokio::test]
async fn a_letter_is_as_old_as_the_wall_clock_says_that_it_bears() {
    let years = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    let folder = tempfile::tempdir().unwrap();
    // It began with a clock that was fast, and is right by now.
    let file = Box::within(folder, LIMITS, clock::now() + years);
    let mut old = letter(1, 10);
    old.received_at -= LIMITS.age + Duration::from_secs(60);
    file.inbox.bury(letter(2, 10)).await.unwrap();
    file.inbox.bury(old).await.unwrap();
    let path = file.path();
    until(|| count(&path, "dead_letters WHERE fault = 'fault 1'") == 0).await;
    assert_eq!(count(&path, "dead_letters"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_answered_whole() {
    let file = Box::new(LIMITS);
    let storing = (0..5000).map(|n| {
        let inbox = file.inbox.clone();
        tokio::spawn(async move { inbox.store(arrival(n / 2)).await.unwrap() })
    });
    let storing: Vec<_> = storing.collect();
    let mut new = 0;
    for stored in storing {
        new += usize::from(stored.await.unwrap() == Stored::New);
    }
    assert_eq!(new, 2500);
    assert_eq!(count(&file.path(), "events"), 2500);
}

/// Makes all events of a file older but the last one.
fn age(path: &Path, by: Duration) {
    let connection = Connection::open(path).unwrap();
    let sql = "UPDATE events SET stored_us = stored_us - ?1 \
        WHERE seq < (SELECT max(seq) FROM events)";
    connection.execute(sql, [by.as_micros() as i64]).unwrap();
}

#[tokio::test]
async fn old_events_go_once_they_were_taken_up() {
    let file = Box::new(LIMITS);
    for n in 0..20 {
        file.inbox.store(arrival(n)).await.unwrap();
    }
    file.inbox.write(Some(10), std::boxed::Box::new(|_| Ok(()))).await.unwrap();
    let path = file.path();
    let folder = file.end();
    age(&path, LIMITS.age + Duration::from_secs(60));
    let file = Box::within(folder, LIMITS, clock::now());
    until(|| count(&path, "events") == 10).await;
    let left = Reader::open(&path).unwrap().after(0, 100).unwrap();
    assert_eq!(left[0].seq, 11, "what nothing was made of stays");
    // The id of what went is new again; that of what stays is not.
    assert_eq!(file.inbox.store(arrival(3)).await, Ok(Stored::New));
    assert_eq!(file.inbox.store(arrival(15)).await, Ok(Stored::Duplicate));
}

#[tokio::test]
async fn a_wall_clock_that_steps_forward_forgets_no_id() {
    let file = Box::new(LIMITS);
    file.inbox.store(arrival(1)).await.unwrap();
    file.inbox.store(arrival(2)).await.unwrap();
    file.inbox.write(Some(2), std::boxed::Box::new(|_| Ok(()))).await.unwrap();
    let years = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    let mut late = arrival(3);
    late.received_at += years;
    assert_eq!(file.inbox.store(late).await, Ok(Stored::New));
    assert_eq!(file.inbox.store(arrival(1)).await, Ok(Stored::Duplicate));
    // A start with a clock that is slow again.
    let folder = file.end();
    let file = Box::within(folder, LIMITS, clock::now() - years);
    assert_eq!(file.inbox.store(arrival(1)).await, Ok(Stored::Duplicate));
    assert_eq!(file.inbox.store(arrival(4)).await, Ok(Stored::New));
    let folder = file.end();
    let file = Box::within(folder, LIMITS, clock::now());
    assert_eq!(file.inbox.store(arrival(4)).await, Ok(Stored::Duplicate));
}

#[tokio::test]
async fn a_file_that_is_too_large_loses_what_is_a_day_old_and_else_refuses() {
    let file = Box::new(LIMITS);
    for n in 0..100 {
        file.inbox.store(arrival(n)).await.unwrap();
    }
    file.inbox.write(Some(100), std::boxed::Box::new(|_| Ok(()))).await.unwrap();
    file.limits.send_replace(Limits { bytes: 4096, ..LIMITS });
    let refused = || async { file.inbox.store(arrival(1000)).await == Err(Refused::Full) };
    while !refused().await {
        tokio::task::yield_now().await;
    }
    assert_eq!(count(&file.path(), "events WHERE seq <= 100"), 100, "they may come again");
    let path = file.path();
    let folder = file.end();
    age(&path, Duration::from_secs(25 * 60 * 60));
    let file = Box::within(folder, Limits { bytes: 4096, ..LIMITS }, clock::now());
    // The last one stays.
    until(|| count(&path, "events WHERE seq <= 100") <= 1).await;
    drop(file);
}

async fn until(mut done: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(tokio::time::Instant::now() < deadline, "it never came");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_that_is_in_a_file_without_a_name() {
    for replace in [false, true] {
        let opened = Box::new(LIMITS);
        opened.inbox.store(arrival(1)).await.unwrap();
        if replace {
            let other = opened.folder.path().join("other.db");
            std::fs::copy(opened.path(), &other).unwrap();
            std::fs::rename(other, opened.path()).unwrap();
        } else {
            std::fs::remove_file(opened.path()).unwrap();
        }
        assert_eq!(opened.inbox.store(arrival(2)).await, Err(Refused::Broken));
        opened.end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_bad_is_set_aside_and_places_go_on() {
    let file = Box::new(LIMITS);
    for n in 0..2000 {
        file.inbox.store(arrival(n)).await.unwrap();
    }
    let path = file.path();
    let mut reader = Reader::open(&path).unwrap();
    let last = reader.newest(1).unwrap()[0].seq;
    let folder = file.end();
    // Its pages, from the second on, under the feet of a writer that has begun.
    let file = Box::within(folder, LIMITS, clock::now());
    assert_eq!(file.inbox.store(arrival(0)).await, Ok(Stored::Duplicate));
    let size = std::fs::metadata(&path).unwrap().len();
    let bytes = std::fs::File::options().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&bytes, &vec![0xa5; size as usize - 4096], 4096)
        .unwrap();
    let mut n = 10_000;
    let mut refused = 0;
    // Until what it has in memory is not enough, and again once there is a new file.
    loop {
        n += 1;
        match file.inbox.store(arrival(n)).await {
            Ok(_) if refused > 0 => break,
            Ok(_) => {}
            Err(Refused::Broken) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        tokio::task::yield_now().await;
    }
    assert!(reader.follow().unwrap());
    assert!(!reader.follow().unwrap());
    let new = reader.after(last, 10).unwrap();
    assert!(new[0].seq > last, "no place is given twice");
    assert_eq!(reader.through().unwrap(), new[0].seq - 1);
    let kept = std::fs::read_dir(file.folder.path()).unwrap();
    let kept: Vec<_> =
        kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(kept.iter().any(|name| name.starts_with("events.db.corrupt-")), "{kept:?}");
}
