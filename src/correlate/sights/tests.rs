use super::*;
use crate::check::CheckId;

const NOW: i64 = 30_000_000;

fn run<'a>(check: &'a CheckId, minute: i64, passed: Option<bool>, health: State) -> Run<'a> {
    let since = Minute(NOW + minute);
    let interval = Duration::from_secs(30);
    Run { check, interval, minute: Minute(NOW + minute), passed, health, since }
}

fn slow(run: Run<'_>, minutes: u64) -> Run<'_> {
    Run { interval: Duration::from_secs(minutes * 60), ..run }
}

fn since(run: Run<'_>, minute: i64) -> Run<'_> {
    Run { since: Minute(NOW + minute), ..run }
}

fn probes(sights: &Sights, minutes: std::ops::Range<i64>) -> String {
    let letter = |minute| match sights.probes(Minute(NOW + minute)) {
        Probes::Good => 'g',
        Probes::Bad => 'b',
        Probes::Unknown => '?',
    };
    minutes.map(letter).collect()
}

#[test]
fn a_minute_is_bad_if_all_its_runs_failed_or_a_check_was_down() {
    let [a, b] = ["a", "b"].map(CheckId::from_text);
    let mut sights = Sights::default();
    let good = Some(true);
    let bad = Some(false);
    sights.told(run(&a, 0, good, State::Up));
    sights.told(run(&a, 1, bad, State::Up));
    sights.told(run(&a, 1, good, State::Up));
    sights.told(run(&a, 2, bad, State::Up));
    sights.told(run(&b, 2, good, State::Up));
    sights.told(run(&a, 4, None, State::Up));
    assert_eq!(probes(&sights, 0..6), "ggb???", "one page of two is enough");
    // Down since its first failure, in minute 2.
    sights.told(run(&a, 3, good, State::Up));
    assert_eq!(sights.told(since(run(&a, 5, bad, State::Down), 2)), Minute(NOW + 2));
    sights.told(since(run(&a, 6, good, State::Down), 2));
    sights.told(run(&a, 7, good, State::Up));
    assert_eq!(probes(&sights, 0..8), "ggbbbbbg");
}

#[test]
fn what_a_slow_check_found_holds_until_it_runs_again() {
    let a = CheckId::from_text("a");
    let mut sights = Sights::default();
    sights.told(slow(run(&a, 0, Some(true), State::Up), 5));
    assert_eq!(probes(&sights, 0..18), "gggggggggggggggg??", "for three intervals");
    sights.close(Minute(NOW + 1));
    sights.told(slow(run(&a, 5, Some(false), State::Up), 5));
    assert_eq!(probes(&sights, 0..8), "gggggbgg", "one failure does not make it down");
    sights.told(since(slow(run(&a, 10, Some(false), State::Down), 5), 5));
    assert_eq!(probes(&sights, 0..13), "gggggbbbbbbbb", "down since the first");
    sights.blind();
    assert_eq!(probes(&sights, 9..13), "bb??", "nothing holds for the blind");
    // A fast one says something in each minute, or nothing.
    let mut sights = Sights::default();
    sights.told(run(&a, 0, Some(true), State::Up));
    assert_eq!(probes(&sights, 0..2), "g?");
}

#[test]
fn a_minute_that_was_closed_keeps_what_was_carried_into_it() {
    let a = CheckId::from_text("a");
    let mut sights = Sights::default();
    sights.told(slow(run(&a, 0, Some(true), State::Up), 60));
    for minute in 1..50 {
        sights.close(Minute(NOW + minute));
        sights.seal(Minute(NOW + minute));
    }
    sights.told(slow(run(&a, 60, Some(false), State::Unknown), 60));
    assert_eq!(probes(&sights, 0..50), "g".repeat(50));
    // Of what is sealed, only that it was bad after all is news.
    sights.told(since(slow(run(&a, 61, Some(false), State::Down), 60), 30));
    assert_eq!(probes(&sights, 28..33), "ggbbb");
    let row = sights.rows.get(Minute(NOW + 1)).unwrap();
    assert!(row.checks.is_empty() && row.sealed == Some(Probes::Good), "{row:?}");
}
