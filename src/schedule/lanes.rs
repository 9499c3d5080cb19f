//! Who may run now: caps for each endpoint and for all together.

use std::collections::VecDeque;

/// The share of all permits that checks without a quick last run cannot take.
///
/// However many targets hang, this much is left for those that answer.
const RESERVED: f64 = 0.25;

/// Permits to run, and the queues for them.
///
/// A check is first admitted by its endpoint, then started from one of two lanes: the quick
/// lane may use every permit, the slow lane leaves some.
#[derive(Debug, Default)]
pub struct Lanes {
    limit: usize,
    slow_limit: usize,
    running: usize,
    slow_running: usize,
    quick: VecDeque<usize>,
    slow: VecDeque<usize>,
    endpoints: Vec<Gate>,
}

#[derive(Debug)]
struct Gate {
    limit: usize,
    admitted: usize,
    queue: VecDeque<(usize, Lane)>,
}

/// How a check has behaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Its last run took less than half its timeout.
    Quick,
    /// It did not, or has not run yet.
    Slow,
}

impl Lanes {
    /// `limit` permits in all, and no endpoint yet.
    pub fn new(limit: usize) -> Self {
        let reserved = (limit as f64 * RESERVED) as usize;
        Self { limit, slow_limit: limit - reserved, ..Self::default() }
    }

    /// Takes in an endpoint with so many permits; gives its number.
    pub fn open(&mut self, limit: usize) -> usize {
        self.endpoints.push(Gate { limit, admitted: 0, queue: VecDeque::new() });
        self.endpoints.len() - 1
    }

    /// Counts a run that is under way: it has its permit, also where there are fewer by now.
    pub fn resume(&mut self, endpoint: usize, lane: Lane) {
        self.running += 1;
        if lane == Lane::Slow {
            self.slow_running += 1;
        }
        if let Some(gate) = self.endpoints.get_mut(endpoint) {
            gate.admitted += 1;
        }
    }

    /// The checks that wait for a permit, in the order in which they would get one.
    pub fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        let admitted = self.quick.iter().chain(&self.slow).copied();
        let queued = self.endpoints.iter().flat_map(|gate| &gate.queue).map(|(check, _)| *check);
        admitted.chain(queued)
    }

    /// Asks for a permit for a check of an endpoint.
    pub fn request(&mut self, check: usize, endpoint: usize, lane: Lane) {
        let Some(gate) = self.endpoints.get_mut(endpoint) else { return };
        if gate.admitted < gate.limit {
            gate.admitted += 1;
            self.admit(check, lane);
        } else {
            gate.queue.push_back((check, lane));
        }
    }

    /// The next check that may start, and the lane that its permit came from.
    pub fn grant(&mut self) -> Option<(usize, Lane)> {
        if self.running >= self.limit {
            return None;
        }
        if let Some(check) = self.quick.pop_front() {
            self.running += 1;
            return Some((check, Lane::Quick));
        }
        if self.slow_running >= self.slow_limit {
            return None;
        }
        let check = self.slow.pop_front()?;
        self.running += 1;
        self.slow_running += 1;
        Some((check, Lane::Slow))
    }

    /// Gives a permit back.
    pub fn release(&mut self, endpoint: usize, lane: Lane) {
        self.running -= 1;
        if lane == Lane::Slow {
            self.slow_running -= 1;
        }
        let Some(gate) = self.endpoints.get_mut(endpoint) else { return };
        gate.admitted -= 1;
        if gate.admitted < gate.limit
            && let Some((check, lane)) = gate.queue.pop_front()
        {
            gate.admitted += 1;
            self.admit(check, lane);
        }
    }

    fn admit(&mut self, check: usize, lane: Lane) {
        match lane {
            Lane::Quick => self.quick.push_back(check),
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
        std::iter::from_fn(|| lanes.grant()).map(|(check, _)| check).collect()
    }

    #[test]
    fn an_endpoint_has_no_more_than_its_share() {
        let mut lanes = lanes(100, &[2, 2]);
        (0..5).for_each(|check| lanes.request(check, 0, Lane::Quick));
        lanes.request(9, 1, Lane::Quick);
        assert_eq!(granted(&mut lanes), [0, 1, 9]);
        lanes.release(0, Lane::Quick);
        assert_eq!(granted(&mut lanes), [2]);
    }

    #[test]
    fn those_that_hang_leave_permits_for_those_that_answer() {
        let mut lanes = lanes(8, &[1; 20]);
        (0..10).for_each(|n| lanes.request(n, n, Lane::Slow));
        assert_eq!(granted(&mut lanes).len(), 6);
        (10..14).for_each(|n| lanes.request(n, n, Lane::Quick));
        assert_eq!(granted(&mut lanes), [10, 11]);
        lanes.release(10, Lane::Quick);
        // The next quick one, although slow ones have waited for longer.
        assert_eq!(granted(&mut lanes), [12]);
    }

    #[test]
    fn runs_beyond_a_lowered_limit_end_before_others_begin() {
        let mut lanes = lanes(2, &[1]);
        (0..3).for_each(|_| lanes.resume(0, Lane::Slow));
        lanes.request(3, 0, Lane::Quick);
        for _ in 0..2 {
            lanes.release(0, Lane::Slow);
            assert_eq!(granted(&mut lanes), [0; 0]);
        }
        lanes.release(0, Lane::Slow);
        assert_eq!(granted(&mut lanes), [3]);
    }

    #[test]
    fn a_single_permit_serves_every_lane() {
        let mut lanes = lanes(1, &[1]);
        lanes.request(0, 0, Lane::Slow);
        assert_eq!(granted(&mut lanes), [0]);
        lanes.release(0, Lane::Slow);
        lanes.request(0, 0, Lane::Quick);
        assert_eq!(granted(&mut lanes), [0]);
    }
}
