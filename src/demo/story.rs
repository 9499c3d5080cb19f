//! What happens at the demo's shop, over and over: customers come and go, an administrator makes a
//! mistake, and mends it.

use std::time::Duration;

use jiff::Timestamp;

use crate::simulator::{AllowList, Course, Org};

/// Time between looks at what is due.
pub const TICK: Duration = Duration::from_millis(250);

/// How long the story takes: after the repair come the minutes that must be good for users until
/// the incident is closed, and then so many that the next mistake is another incident.
const ROUND: u64 = ticks(660);

/// When the mistake is made.
const MISTAKE: u64 = ticks(10);

/// When it is mended.
const MENDED: u64 = ticks(70);

/// Ticks between two customers of the shop, two of the help centre, two steps of a conversation.
const SHOP_EVERY: u64 = 2;
const HELP_EVERY: u64 = 4;
const STEP_EVERY: u64 = 6;

/// What the list of the shop's deployment says, and what it says after the mistake: entries are
/// hosts, and one with a scheme matches none.
const RIGHT: &str = "shop.example";
const WRONG: &str = "https://shop.example";

const fn ticks(seconds: u64) -> u64 {
    seconds * 4
}

/// How far it has come.
#[derive(Debug, Default)]
pub struct Story {
    tick: u64,
    customers: u64,
}

impl Story {
    /// What is due now happens.
    pub fn go_on(&mut self, org: &mut Org, now: Timestamp) {
        let at = self.tick % ROUND;
        match at {
            MISTAKE => {
                org.edit_domains(Org::SHOP, AllowList::of(&[WRONG]), now);
                org.all_break(Org::SHOP);
            }
            MENDED => org.edit_domains(Org::SHOP, AllowList::of(&[RIGHT]), now),
            _ => {}
        }
        let is_shut = (MISTAKE..MENDED).contains(&at);
        if self.tick.is_multiple_of(SHOP_EVERY) {
            // Whose page was open before is still let in, and breaks off soon.
            let course = if is_shut { Course::Broken } else { self.course() };
            org.begin(Org::SHOP, course, now);
        }
        if self.tick.is_multiple_of(HELP_EVERY) {
            let course = self.course();
            org.begin(Org::HELP, course, now);
        }
        if self.tick.is_multiple_of(STEP_EVERY) {
            org.all_go_on(now);
        }
        self.tick += 1;
    }

    /// Most are answered, some leave before, and very few break.
    fn course(&mut self) -> Course {
        self.customers += 1;
        match self.customers {
            n if n % 200 == 150 => Course::FlowError,
            n if n % 8 == 5 => Course::Abandoned,
            _ => Course::Answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::correlate::conversation::Conversation;
    use crate::correlate::mapping::Mapping;
    use crate::correlate::series::{Series, Sign};
    use crate::correlate::{Correlation, Minute, Probes, Silence, Window, users};
    use crate::event::parse::{Headers, parse};
    use crate::health::State;
    use crate::incident::cases::Cases;
    use crate::incident::run::Run;
    use crate::outcome::verdict::Verdict;

    /// The first moment of an hour.
    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// The story as a daemon takes it up that judges each minute two seconds after its end: of the
    /// seconds of each round, those in which an incident was open, with its id.
    fn incidents(begin: i64, rounds: u64) -> Vec<Vec<(u64, String)>> {
        let id = Org::SHOP;
        let text = format!(
            "[[endpoints]]\nname = \"shop\"\nurl = \"ws://127.0.0.1:9/?deploymentId={id}\"\n"
        );
        let checks = Config::parse(Path::new("/tmp/config.toml"), &text).unwrap().checks;
        let (check, endpoint) = (&checks[0], &checks[0].endpoint);
        let mapping = Mapping::new([&**endpoint]);
        let mut cases = Cases::restore([], [], &checks, at(begin));
        let (mut org, mut story) = (Org::shop(at(begin)), Story::default());
        let mut talks: BTreeMap<String, Conversation> = BTreeMap::new();
        let (mut bad_minutes, mut open) = (Vec::new(), Vec::new());
        for tick in 0..ROUND * rounds {
            let second = i64::try_from(tick / 4).unwrap() + begin;
            let now = at(second);
            story.go_on(&mut org, now);
            for (_, body) in org.take_envelopes(now) {
                let body = body.to_string();
                let Ok(parsed) = parse(&Headers::default(), body.as_bytes(), now) else { continue };
                let Some((id, facts)) = Conversation::of(&parsed.event) else { continue };
                let id = id.to_string();
                match talks.get_mut(&id) {
                    Some(known) => known.merge(facts),
                    None => drop(talks.insert(id, facts)),
                }
            }
            if !tick.is_multiple_of(4) {
                continue;
            }
            // The probes see both ends some seconds later.
            let shut = (MISTAKE + ticks(12)..MENDED + ticks(6)).contains(&(tick % ROUND));
            let (verdict, health) =
                if shut { (Verdict::Fail, State::Down) } else { (Verdict::Pass, State::Up) };
            if shut {
                bad_minutes.push(Minute::of(now));
            }
            let run = Run {
                check: check.id.clone(),
                expect: check.expect(),
                at: now,
                verdict: Some(verdict),
                cause: None,
                confirm: false,
                health,
                since: now,
            };
            cases.run(&endpoint.name, run, now);
            if second % 60 == 2 {
                let minute = Minute(Minute::of(now).0 - 1);
                let mut series = Series::default();
                for talk in talks.values().filter_map(|talk| talk.contribution(&mapping)) {
                    if talk.endpoint.as_ref() == Some(&endpoint.name) {
                        series.start(talk.begun, Sign::Plus);
                        if let Some((minute, outcome)) = talk.ended {
                            series.end(minute, outcome, Sign::Plus);
                        }
                    }
                }
                let (users, _) = users::judge(&series, minute, Silence::Off);
                let bad = bad_minutes.contains(&minute);
                let probes = if bad { Probes::Bad } else { Probes::Good };
                let counts = series.minutes.get(minute).map(|row| row.counts).unwrap_or_default();
                let window = Window {
                    endpoint: endpoint.name.clone(),
                    minute,
                    probes,
                    users,
                    correlation: Correlation::between(probes, users),
                    started: counts.started,
                    ended: counts.ended(),
                    failed: counts.failed,
                };
                cases.window(&window, now);
            }
            cases.tick(now);
            if let Some(incident) = cases.open_at(&endpoint.name) {
                open.push((tick, incident.id.to_string()));
            }
        }
        let of_round = |round| open.iter().filter(move |(tick, _)| tick / ROUND == round);
        let in_seconds = |(tick, id): &(u64, String)| (tick % ROUND / 4, id.clone());
        (0..rounds).map(|round| of_round(round).map(in_seconds).collect()).collect()
    }

    #[test]
    fn the_incident_is_closed_and_the_next_mistake_is_another() {
        // Minutes end in all parts of the story.
        for begin in [0, 23, 49] {
            let rounds = incidents(begin, 2);
            let ids: Vec<_> = rounds.iter().map(|open| open[0].1.clone()).collect();
            assert_ne!(ids[0], ids[1], "{begin}");
            for (round, id) in rounds.iter().zip(&ids) {
                let (first, last) = (round[0].0, round[round.len() - 1].0);
                assert!((22..30).contains(&first), "{begin}: opened after {first} s");
                assert!((200..320).contains(&last), "{begin}: closed after {last} s");
                assert!(round.iter().all(|(_, other)| other == id), "{begin}: {round:?}");
            }
        }
    }

    #[test]
    fn a_mistake_shuts_the_shop_out_and_is_mended() {
        let now = Timestamp::UNIX_EPOCH;
        let (mut org, mut story) = (Org::shop(now), Story::default());
        let mut go_to = |end: u64, org: &mut Org| {
            (story.tick..end).for_each(|_| story.go_on(org, now));
            let page = Some("https://www.shop.example");
            org.deployment(Org::SHOP).unwrap().admits(page)
        };
        assert!(go_to(MISTAKE, &mut org));
        assert!(!go_to(MISTAKE + 1, &mut org));
        assert!(!go_to(MENDED, &mut org));
        assert!(go_to(MENDED + 1, &mut org));
        assert_eq!(org.audits.all.len(), 2);
        let broken = |org: &Org| {
            let of_shop = org.talks.all().filter(|talk| talk.deployment == Org::SHOP);
            of_shop.filter(|talk| talk.ended.is_some() && talk.course == Course::Broken).count()
        };
        assert!(broken(&org) > 50, "{}", broken(&org));
        assert!(go_to(ROUND + MISTAKE, &mut org));
        assert!(!go_to(ROUND + MISTAKE + 1, &mut org), "and again");
        assert!(org.talks.going_on() < 40, "{}", org.talks.going_on());
    }
}
