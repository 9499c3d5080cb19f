//! Who is connected, and who must go when there are too many: whoever keeps us waiting longest.

use std::collections::BTreeMap;

use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Everybody who is connected.
#[derive(Debug)]
pub struct Guests {
    limit: usize,
    stalled_limit: usize,
    next: u64,
    guests: BTreeMap<u64, Guest>,
    evicted: u64,
}

#[derive(Debug)]
struct Guest {
    /// Since when we wait for it: for a whole head, or for it to take in an answer. `None` while
    /// it waits for us, be it only to look at what it has sent.
    quiet_since: Option<Instant>,
    /// Whether it has sent a whole head ever.
    asked: bool,
    /// Whether it takes in nothing of what is sent.
    stalled: bool,
    evict: CancellationToken,
}

impl Guests {
    /// Room for so many, of whom so many may leave an answer in our memory.
    pub fn new(limit: usize, stalled_limit: usize) -> Self {
        Self { limit, stalled_limit, next: 0, guests: BTreeMap::new(), evicted: 0 }
    }

    /// Whether one more may come. Where it is full, one goes whom we have waited for longer than
    /// this; where there is none such, whoever is here is being served.
    pub fn has_room(&mut self, now: Instant, patience: Duration) -> bool {
        self.guests.len() < self.limit || self.make_room(now, patience)
    }

    /// One more.
    pub fn arrive(&mut self) -> (u64, CancellationToken) {
        let id = self.next;
        self.next += 1;
        let evict = CancellationToken::new();
        let guest = Guest { quiet_since: None, asked: false, stalled: false, evict: evict.clone() };
        self.guests.insert(id, guest);
        (id, evict)
    }

    /// We have looked, and its first head has not come whole.
    pub fn awaited(&mut self, id: u64, now: Instant) {
        if let Some(guest) = self.guests.get_mut(&id)
            && !guest.asked
        {
            guest.quiet_since.get_or_insert(now);
        }
    }

    /// It has sent a whole head.
    pub fn asked(&mut self, id: u64) {
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.asked = true;
            guest.quiet_since = None;
        }
    }

    /// Whether somebody is here who has sent no whole head yet.
    pub fn somebody_has_not_asked(&self) -> bool {
        self.guests.values().any(|guest| !guest.asked)
    }

    /// Its answer is ready.
    pub fn answered(&mut self, id: u64, now: Instant) {
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.quiet_since = Some(now);
        }
    }

    /// Whether so many are here that each shall go once it is served.
    pub fn is_crowded(&self) -> bool {
        self.guests.len() > self.limit / 2
    }

    /// It took in some of an answer.
    pub fn took(&mut self, id: u64, now: Instant) {
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.stalled = false;
            guest.quiet_since = guest.quiet_since.map(|_| now);
        }
    }

    /// It takes in no more; where that holds for too many, one goes.
    pub fn stalled(&mut self, id: u64) {
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.stalled = true;
        }
        if self.guests.values().filter(|guest| guest.stalled).count() > self.stalled_limit {
            let quietest = self.quietest(|guest| guest.stalled).map(|(id, _)| id);
            self.evict(quietest);
        }
    }

    /// Makes whoever keeps us waiting for longer than this go; tells whether there was anybody.
    pub fn make_room(&mut self, now: Instant, patience: Duration) -> bool {
        let longest = self.quietest(|_| true);
        let quietest = longest.filter(|(_, since)| now.duration_since(*since) >= patience);
        self.evict(quietest.map(|(id, _)| id));
        quietest.is_some()
    }

    /// It has left by itself.
    pub fn left(&mut self, id: u64) {
        self.guests.remove(&id);
    }

    /// Takes the count of those who had to go since it was last asked for.
    pub fn take_evicted(&mut self) -> u64 {
        std::mem::take(&mut self.evicted)
    }

    fn quietest(&self, among: impl Fn(&Guest) -> bool) -> Option<(u64, Instant)> {
        let guests = self.guests.iter().filter(|(_, guest)| among(guest));
        let quiet = guests.filter_map(|(id, guest)| Some((*id, guest.quiet_since?)));
        quiet.min_by_key(|(_, since)| *since)
    }

    fn evict(&mut self, id: Option<u64>) {
        if let Some(guest) = id.and_then(|id| self.guests.remove(&id)) {
            guest.evict.cancel();
            self.evicted += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    /// A full house of three that came a second apart, and the time of the last.
    fn three() -> (Guests, [(u64, CancellationToken); 3], Instant) {
        let mut guests = Guests::new(3, 1);
        let start = Instant::now();
        let at = |n: u64| start + Duration::from_secs(n);
        let arrived = std::array::from_fn(|_| guests.arrive());
        (0..).zip(&arrived).for_each(|(n, (id, _))| guests.awaited(*id, at(n)));
        (guests, arrived, at(3))
    }

    fn gone(arrived: &[(u64, CancellationToken); 3]) -> [bool; 3] {
        arrived.each_ref().map(|(_, evict)| evict.is_cancelled())
    }

    #[test]
    fn whoever_is_quiet_for_longest_makes_room() {
        let (mut guests, arrived, now) = three();
        assert!(guests.has_room(now, PATIENCE));
        assert_eq!(gone(&arrived), [true, false, false]);
        assert!(guests.has_room(now, PATIENCE));
        assert_eq!(gone(&arrived), [true, false, false]);
        assert_eq!((guests.take_evicted(), guests.take_evicted()), (1, 0));
    }

    #[test]
    fn whoever_waits_for_an_answer_stays() {
        let (mut guests, arrived, now) = three();
        guests.asked(arrived[0].0);
        assert!(guests.has_room(now, PATIENCE));
        assert_eq!(gone(&arrived), [false, true, false]);
    }

    #[test]
    fn taking_in_an_answer_is_not_being_quiet() {
        let (mut guests, arrived, now) = three();
        guests.asked(arrived[0].0);
        guests.answered(arrived[0].0, now - 3 * Duration::from_secs(1));
        guests.took(arrived[0].0, now);
        assert!(guests.has_room(now, PATIENCE));
        assert_eq!(gone(&arrived), [false, true, false]);
    }

    #[test]
    fn whoever_has_asked_once_is_heard() {
        let (mut guests, arrived, _) = three();
        guests.asked(arrived[0].0);
        guests.asked(arrived[1].0);
        assert!(guests.somebody_has_not_asked());
        guests.left(arrived[2].0);
        assert!(!guests.somebody_has_not_asked());
    }

    #[test]
    fn half_a_house_is_a_crowd() {
        let (mut guests, arrived, _) = three();
        assert!(guests.is_crowded());
        guests.left(arrived[0].0);
        guests.left(arrived[1].0);
        assert!(!guests.is_crowded());
    }

    #[test]
    fn nobody_goes_where_all_wait_for_us() {
        let (mut guests, arrived, now) = three();
        arrived.iter().for_each(|(id, _)| guests.asked(*id));
        assert!(!guests.has_room(now, PATIENCE));
        assert_eq!(gone(&arrived), [false; 3]);
        guests.left(arrived[2].0);
        assert!(guests.has_room(now, PATIENCE));
    }

    #[test]
    fn few_may_leave_their_answers_with_us() {
        let (mut guests, arrived, now) = three();
        for (id, _) in &arrived[1..] {
            guests.asked(*id);
            guests.answered(*id, now);
        }
        guests.stalled(arrived[1].0);
        assert_eq!(gone(&arrived), [false; 3]);
        guests.stalled(arrived[2].0);
        assert_eq!(gone(&arrived), [false, true, false], "of those two, the first");
        guests.took(arrived[2].0, now);
        guests.stalled(arrived[0].0);
        assert_eq!(gone(&arrived), [false, true, false], "one alone may");
    }

    #[test]
    fn nobody_goes_who_has_only_just_come() {
        let (mut guests, arrived, now) = three();
        guests.left(arrived[0].0);
        guests.left(arrived[1].0);
        let (unseen, _) = guests.arrive();
        let came = now - Duration::from_secs(1);
        assert!(!guests.make_room(came + PATIENCE / 2, PATIENCE));
        assert!(guests.make_room(came + PATIENCE, PATIENCE));
        assert_eq!(gone(&arrived), [false, false, true]);
        assert!(!guests.make_room(now, PATIENCE), "what it has sent was not looked at");
        guests.awaited(unseen, came);
        assert!(guests.make_room(now, PATIENCE));
    }
}
