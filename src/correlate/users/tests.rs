use super::*;
use crate::correlate::conversation::Outcome;
use crate::correlate::series::Sign;

/// The first minute of an hour.
const NOW: Minute = Minute(30_000_000);

fn at(minute: i64) -> Minute {
    Minute(NOW.0 + minute)
}

/// Watched minutes, with conversations that begin in each.
fn watched(series: &mut Series, minutes: std::ops::Range<i64>, started: u32) {
    for minute in minutes {
        series.watch(at(minute));
        for _ in 0..started {
            series.start(at(minute), Sign::Plus);
        }
    }
}

fn ends(series: &mut Series, minute: i64, outcome: Outcome, count: u32) {
    for _ in 0..count {
        series.end(at(minute), outcome, Sign::Plus);
    }
}

fn of_weeks(series: &mut Series, weeks: &[(i64, u32)]) {
    for (week, started) in weeks {
        watched(series, -week * 10_080..-week * 10_080 + 60, 0);
        for _ in 0..*started {
            series.start(at(-week * 10_080), Sign::Plus);
        }
    }
}

fn users(series: &Series, minute: i64) -> Users {
    judge(series, at(minute), Silence::Weeks).0
}

#[test]
fn three_failures_that_chance_does_not_allow_for_are_a_failing() {
    let mut series = Series::default();
    watched(&mut series, 0..10, 1);
    ends(&mut series, 3, Outcome::Failed, 2);
    assert_eq!(users(&series, 3), Users::Normal, "two prove nothing");
    ends(&mut series, 5, Outcome::Failed, 1);
    let (found, figures) = judge(&series, at(5), Silence::Weeks);
    assert_eq!(found, Users::Failing);
    assert_eq!((figures.failed, figures.ended, figures.usual_share), (3, 3, 0.01));
    assert!((figures.failing_p - 4.399_954_939_749_084e-6).abs() < 1e-15);
    assert_eq!(users(&series, 6), Users::Normal, "none failed in it");
    assert_eq!(users(&series, 9), Users::Normal, "that is over");
    // The same among many that went well is chance.
    ends(&mut series, 5, Outcome::Ok, 97);
    let (found, figures) = judge(&series, at(5), Silence::Weeks);
    assert_eq!((found, figures.ended), (Users::Normal, 100));
    assert!((figures.failing_p - 0.080_301_397).abs() < 1e-8);
}

#[test]
fn a_straggler_among_many_does_not_prolong_an_outage() {
    let mut series = Series::default();
    watched(&mut series, 0..10, 100);
    ends(&mut series, 2, Outcome::Failed, 110);
    ends(&mut series, 3, Outcome::Failed, 1);
    ends(&mut series, 3, Outcome::Ok, 109);
    ends(&mut series, 4, Outcome::Failed, 12);
    ends(&mut series, 4, Outcome::Ok, 98);
    assert_eq!(users(&series, 2), Users::Failing);
    let (found, figures) = judge(&series, at(3), Silence::Weeks);
    assert_eq!(found, Users::Normal, "{figures:?}");
    assert!(figures.failing_p < RARE && figures.own_p.unwrap() > 0.6, "{figures:?}");
    assert_eq!(users(&series, 4), Users::Failing, "a tenth of them is no chance");
    // Where few end, the minutes before it are what there is to go by.
    ends(&mut series, 5, Outcome::Failed, 1);
    ends(&mut series, 5, Outcome::Ok, 18);
    let (found, figures) = judge(&series, at(5), Silence::Weeks);
    assert_eq!((found, figures.own_p), (Users::Failing, None));
    ends(&mut series, 5, Outcome::Ok, 1);
    assert_eq!(users(&series, 5), Users::Normal);
}

#[test]
fn what_usually_fails_is_allowed_for() {
    let mut series = Series::default();
    watched(&mut series, 0..5, 1);
    ends(&mut series, 4, Outcome::Failed, 4);
    ends(&mut series, 4, Outcome::Ok, 4);
    assert_eq!(users(&series, 4), Users::Failing);
    ends(&mut series, -90, Outcome::Failed, 25);
    ends(&mut series, -90, Outcome::Ok, 75);
    let (found, figures) = judge(&series, at(4), Silence::Weeks);
    assert_eq!((found, figures.usual_share), (Users::Normal, 0.25));
    // What fails in this very hour is not the norm yet.
    ends(&mut series, 0, Outcome::Failed, 0);
    assert_eq!(figures.usual_share, judge(&series, at(4), Silence::Off).1.usual_share);
}

#[test]
fn a_silence_is_held_against_earlier_weeks_and_the_hours_before() {
    let mut series = Series::default();
    of_weeks(&mut series, &[(1, 60), (2, 60), (3, 60), (4, 60)]);
    watched(&mut series, -180..0, 1);
    watched(&mut series, 0..60, 0);
    // One a minute is usual: seven are expected in seven minutes, and e^-7 < 0.001 < e^-6.
    let (found, figures) = judge(&series, at(5), Silence::Weeks);
    assert_eq!((found, figures.silent_minutes), (Users::NoTraffic, 6));
    assert_eq!((figures.expected_by_weeks, figures.expected_by_hours), (Some(6.0), Some(6.0)));
    let (found, figures) = judge(&series, at(6), Silence::Weeks);
    assert_eq!((found, figures.silent_minutes), (Users::Silent, 7));
    assert!((figures.silent_p.unwrap() - (-7.0_f64).exp()).abs() < 1e-12);
    assert_eq!(users(&series, 59), Users::Silent, "the silence does not become what is usual");
    assert_eq!(judge(&series, at(6), Silence::Off).0, Users::NoTraffic);
    series.start(at(30), Sign::Plus);
    assert_eq!(users(&series, 30), Users::Normal);
    assert_eq!(users(&series, 31), Users::NoTraffic);
}

#[test]
fn the_smaller_expectation_counts() {
    // At this hour, nobody ever writes.
    let mut series = Series::default();
    of_weeks(&mut series, &[(1, 1), (2, 0), (3, 1), (4, 0)]);
    watched(&mut series, -180..0, 1);
    watched(&mut series, 0..60, 0);
    let (found, figures) = judge(&series, at(59), Silence::Weeks);
    assert_eq!((found, figures.expected_by_weeks), (Users::NoTraffic, Some(0.5)));
    assert_eq!(figures.expected_by_hours, Some(60.0));
    // Today, for whatever reason, hardly anybody writes.
    let mut series = Series::default();
    of_weeks(&mut series, &[(1, 600)]);
    watched(&mut series, -180..0, 0);
    series.start(at(-1), Sign::Plus);
    watched(&mut series, 0..60, 0);
    let (found, figures) = judge(&series, at(59), Silence::Weeks);
    assert_eq!((found, figures.expected_by_weeks), (Users::NoTraffic, Some(600.0)));
    assert!((figures.expected_by_hours.unwrap() - 60.0 / 180.0).abs() < 1e-12);
}

#[test]
fn without_an_earlier_week_nothing_is_silent_unless_hours_suffice() {
    let mut series = Series::default();
    watched(&mut series, -180..0, 5);
    watched(&mut series, 0..60, 0);
    let (found, figures) = judge(&series, at(59), Silence::Weeks);
    assert_eq!((found, figures.silent_p), (Users::NoTraffic, None));
    let (found, figures) = judge(&series, at(59), Silence::Hours);
    assert_eq!((found, figures.expected_by_hours), (Users::Silent, Some(300.0)));
}

#[test]
fn what_nobody_could_hear_is_no_silence() {
    let mut series = Series::default();
    of_weeks(&mut series, &[(1, 60)]);
    watched(&mut series, -180..0, 1);
    // The daemon was down for twenty minutes.
    watched(&mut series, 20..60, 0);
    let (found, figures) = judge(&series, at(22), Silence::Weeks);
    assert_eq!((found, figures.silent_minutes), (Users::NoTraffic, 3));
    assert_eq!(users(&series, 10), Users::NoTraffic);
    assert_eq!(users(&series, 40), Users::Silent);
    // And where nothing was heard before either, nothing is missed.
    let mut series = Series::default();
    of_weeks(&mut series, &[(1, 60)]);
    watched(&mut series, 0..60, 0);
    assert_eq!(judge(&series, at(59), Silence::Weeks).1.expected_by_hours, None);
    assert_eq!(users(&series, 59), Users::NoTraffic);
}

#[test]
fn a_silence_of_more_than_a_day_is_held_against_the_hours_before_it() {
    let mut series = Series::default();
    watched(&mut series, -180..0, 1);
    watched(&mut series, 0..2000, 0);
    let (found, figures) = judge(&series, at(1999), Silence::Hours);
    assert_eq!((found, figures.silent_minutes), (Users::Silent, 1440));
    assert_eq!(figures.expected_by_hours, Some(1440.0));
}
