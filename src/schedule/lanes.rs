//! Who may run now: caps for each endpoint and for all together.

use std::collections::VecDeque;

/// The share of all permits that checks whose last run hung cannot take.
const KEPT_FROM_SLOW: f64 = 0.25;

/// The share of all permits that is left for checks whose last run was quick.
///
/// However many targets hang, this much is there for those that answer.
const KEPT_FOR_QUICK: f64 = 0.125;

/// Permits to run, and the queues for them.
///
/// A check is first admitted by its endpoint, then started from one of three lanes: the quick
/// lane may use every permit, the others leave some.
#[derive(Debug, Default)]
pub struct Lanes {
    limit: usize,
    slow_limit: usize,
    /// For the slow and the new together.
    doubtful_limit: usize,
    running: usize,
    slow_running: usize,
    new_running: usize,
    quick: VecDeque<usize>,
    new: VecDeque<usize>,
    slow: VecDeque<usize>,
    endpoints: Vec<Gate>,
}

#[derive(Debug)]
struct Gate {
    limit: usize,
    admitted: usize,
    queue: VecDeque<(usize, Lane)>,
    /// How the last run of any of its checks went.
    last: Lane,
}

/// How a check has behaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Its last run took less than half its timeout.
    Quick,
    /// It did not.
    Slow,
    /// It has not run yet, and goes by what others of its endpoint do: see [`Gate::lane`].
    New,
}

impl Gate {
    /// The lane that a check is admitted to.
    ///
    /// When a daemon begins, it knows nobody: one check of each endpoint goes ahead of those that
    /// hang, and the others wait with them until it is back; then they go as it went.
    fn lane(&self, lane: Lane) -> Lane {
        match (lane, self.last) {
            (Lane::New, Lane::New) if self.admitted > 0 => Lane::Slow,
            (Lane::New, last) => last,
            (known, _) => known,
        }
    }
}

impl Lanes {
    /// `limit` permits in all, and no endpoint yet.
    pub fn new(limit: usize) -> Self {
        let without = |share: f64| limit - (limit as f64 * share) as usize;
        let (slow_limit, doubtful_limit) = (without(KEPT_FROM_SLOW), without(KEPT_FOR_QUICK));
        Self { limit, slow_limit, doubtful_limit, ..Self::default() }
    }

    /// Takes in an endpoint with so many permits; gives its number.
    pub fn open(&mut self, limit: usize) -> usize {
        self.endpoints.push(Gate { limit, admitted: 0, queue: VecDeque::new(), last: Lane::New });
        self.endpoints.len() - 1
    }

    /// Counts a run that is under way: it has its permit, also where there are fewer by now.
    pub fn resume(&mut self, endpoint: usize, lane: Lane) {
        self.count(lane);
        if let Some(gate) = self.endpoints.get_mut(endpoint) {
            gate.admitted += 1;
        }
    }

    /// The checks that wait for a permit, in the order in which they would get one.
    pub fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        let admitted = self.quick.iter().chain(&self.new).chain(&self.slow).copied();
        let queued = self.endpoints.iter().flat_map(|gate| &gate.queue).map(|(check, _)| *check);
        admitted.chain(queued)
    }

    /// Asks for a permit for a check of an endpoint.
    pub fn request(&mut self, check: usize, endpoint: usize, lane: Lane) {
        let Some(gate) = self.endpoints.get_mut(endpoint) else { return };
        if gate.admitted < gate.limit {
            let lane = gate.lane(lane);
            gate.admitted += 1;
            self.admit(check, lane);
        } else {
            gate.queue.push_back((check, lane));
        }
    }

    /// The next check that may start, and the lane that its permit came from.
    pub fn grant(&mut self) -> Option<(usize, Lane)> {
        let granted = self.next()?;
        self.count(granted.1);
        Some(granted)
    }

    fn next(&mut self) -> Option<(usize, Lane)> {
        if self.running >= self.limit {
            return None;
        }
        if let Some(check) = self.quick.pop_front() {
            return Some((check, Lane::Quick));
        }
        if self.slow_running + self.new_running >= self.doubtful_limit {
            return None;
        }
        if let Some(check) = self.new.pop_front() {
            return Some((check, Lane::New));
        }
        if self.slow_running >= self.slow_limit {
            return None;
        }
        Some((self.slow.pop_front()?, Lane::Slow))
    }

    fn count(&mut self, lane: Lane) {
        self.running += 1;
        match lane {
            Lane::Quick => {}
            Lane::New => self.new_running += 1,
            Lane::Slow => self.slow_running += 1,
        }
    }

    /// Gives a permit of a lane back, after a run that went so.
    pub fn release(&mut self, endpoint: usize, lane: Lane, went: Lane) {
        self.running -= 1;
        match lane {
            Lane::Quick => {}
            Lane::New => self.new_running -= 1,
            Lane::Slow => self.slow_running -= 1,
        }
        let Some(gate) = self.endpoints.get_mut(endpoint) else { return };
        gate.admitted -= 1;
        gate.last = went;
        if gate.admitted < gate.limit
            && let Some((check, lane)) = gate.queue.pop_front()
        {
            let lane = gate.lane(lane);
            gate.admitted += 1;
            self.admit(check, lane);
        }
    }

    fn admit(&mut self, check: usize, lane: Lane) {
        match lane {
            Lane::Quick => self.quick.push_back(check),
            Lane::New => self.new.push_back(check),
            Lane::Slow => self.slow.push_back(check),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(limit: usize, endpoints: &[usize]) -> Lanes {
        let mut lanes = Lanes::new(limit);
        for limit in endpoints {
            lanes.open(*limit);
        }
        lanes
    }

    fn granted(lanes: &mut Lanes) -> Vec<usize> {
        granted_from(lanes).into_iter().map(|(check, _)| check).collect()
    }

    fn granted_from(lanes: &mut Lanes) -> Vec<(usize, Lane)> {
        std::iter::from_fn(|| lanes.grant()).collect()
    }

    #[test]
    fn an_endpoint_has_no_more_than_its_share() {
        let mut lanes = lanes(100, &[2, 2]);
        (0..5).for_each(|check| lanes.request(check, 0, Lane::Quick));
        lanes.request(9, 1, Lane::Quick);
        assert_eq!(granted(&mut lanes), [0, 1, 9]);
        lanes.release(0, Lane::Quick, Lane::Quick);
        assert_eq!(granted(&mut lanes), [2]);
    }

    #[test]
    fn those_that_hang_leave_permits_for_those_that_answer() {
        let mut lanes = lanes(8, &[1; 20]);
        (0..10).for_each(|n| lanes.request(n, n, Lane::Slow));
        assert_eq!(granted(&mut lanes).len(), 6);
        (10..14).for_each(|n| lanes.request(n, n, Lane::Quick));
        assert_eq!(granted(&mut lanes), [10, 11]);
        lanes.release(10, Lane::Quick, Lane::Quick);
        // The next quick one, although slow ones have waited for longer.
        assert_eq!(granted(&mut lanes), [12]);
    }

    #[test]
    fn runs_beyond_a_lowered_limit_end_before_others_begin() {
        let mut lanes = lanes(2, &[1]);
        (0..3).for_each(|_| lanes.resume(0, Lane::Slow));
        lanes.request(3, 0, Lane::Quick);
        for _ in 0..2 {
            lanes.release(0, Lane::Slow, Lane::Slow);
            assert_eq!(granted(&mut lanes), [0; 0]);
        }
        lanes.release(0, Lane::Slow, Lane::Slow);
        assert_eq!(granted(&mut lanes), [3]);
    }

    #[test]
    fn one_of_those_that_nobody_knows_goes_ahead_of_those_that_hang() {
        let mut lanes = lanes(8, &[4, 4, 4, 4]);
        (0..4).for_each(|check| lanes.request(check, 0, Lane::New));
        (4..8).for_each(|check| lanes.request(check, 1, Lane::New));
        // Of eight permits, six at most are for the slow, and seven with those that are new.
        let new_then_slow = [(0, Lane::New), (4, Lane::New), (1, Lane::Slow), (2, Lane::Slow)];
        let first = granted_from(&mut lanes);
        assert_eq!((&first[..4], first.len()), (&new_then_slow[..], 7));
        lanes.request(8, 2, Lane::New);
        assert_eq!(granted(&mut lanes), [0; 0]);
        lanes.request(9, 3, Lane::Quick);
        assert_eq!(granted_from(&mut lanes), [(9, Lane::Quick)]);
        // What hung has no such chance again; another one has.
        lanes.release(0, Lane::New, Lane::Slow);
        assert_eq!(granted_from(&mut lanes), [(8, Lane::New)]);
        (0..3).for_each(|_| lanes.release(0, Lane::Slow, Lane::Slow));
        lanes.request(10, 0, Lane::New);
        assert_eq!(granted_from(&mut lanes), [(7, Lane::Slow), (10, Lane::Slow)]);
    }

    #[test]
    fn a_single_permit_serves_every_lane() {
        let mut lanes = lanes(1, &[1]);
        lanes.request(0, 0, Lane::Slow);
        assert_eq!(granted(&mut lanes), [0]);
        lanes.release(0, Lane::Slow, Lane::Slow);
        lanes.request(0, 0, Lane::Quick);
        assert_eq!(granted(&mut lanes), [0]);
    }
}
