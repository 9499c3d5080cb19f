//! What happens at the demo's shop, over and over: customers come and go, an administrator makes a
//! mistake, and mends it.

use std::time::Duration;

use jiff::Timestamp;

use crate::simulator::{AllowList, Course, Org};

/// Time between looks at what is due.
pub const TICK: Duration = Duration::from_millis(250);

/// How long the story takes.
const ROUND: u64 = ticks(180);

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
    use super::*;

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
