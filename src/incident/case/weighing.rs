//! What kind of trouble an incident is, how bad, and whose.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Case, Dirt, WORST_OF, Watched};
use crate::check::CheckId;
use crate::check::origin::Expect;
use crate::correlate::Users;
use crate::health::State;
use crate::incident::cause::Whose;
use crate::incident::now::{Reach, pages};
use crate::incident::record::{Standing, Trouble};
use crate::incident::severity::{Impact, weigh};
use crate::incident::timeline::What;

impl Case {
    /// Says anew what kind of trouble it is, how bad and whose, for as long as something is bad.
    pub(super) fn weigh(&mut self, now: Timestamp) {
        let worst = self.present(now).take(WORST_OF).filter(|minute| minute.bad());
        let (mut failed_per_minute, mut silent) = (0, false);
        for minute in worst {
            silent |= minute.users == Users::Silent;
            failed_per_minute = failed_per_minute.max(minute.failed);
        }
        let Some(incident) = self.incident.as_mut() else { return };
        // What was down and has not been seen since counts as down: else each restart, and each
        // look away, would tell of an incident that gets better.
        let held: BTreeSet<_> = incident.held_by().map(|(id, _)| id.as_str()).collect();
        let is_down = |id: &CheckId, check: &Watched| {
            check.health == State::Down || held.contains(id.as_str())
        };
        let wanted = |expect| self.checks.iter().filter(move |(_, check)| check.expect == expect);
        let down = |expect| wanted(expect).filter(|(id, check)| is_down(id, check)).count();
        let (allow_down, deny_down) = (down(Expect::Allow) as u32, down(Expect::Deny));
        let allow_checks = wanted(Expect::Allow).count() as u32;
        let ids = wanted(Expect::Allow).map(|(id, _)| id.as_str());
        let all = pages(ids.filter(|id| pages([*id].into_iter()) != Some(0))).unwrap_or(0);
        let out = incident.down().filter(|(_, check)| check.expect == Expect::Allow);
        let out = match pages(out.map(|(id, _)| id.as_str())) {
            None => 0,
            // What is down is of all of them.
            Some(0) => all,
            Some(out) => out,
        };
        let most_out = incident.reach.most_out.max(out);
        let reach = Reach { pages: all, most_out, users: self.users };
        if incident.reach != reach {
            incident.reach = reach;
            self.dirt = self.dirt.max(Dirt::Counts);
        }
        if allow_down == 0 && deny_down == 0 && failed_per_minute == 0 && !silent {
            return;
        }
        let security = deny_down > 0;
        let tier = &self.owner.tier;
        let impact = Impact { allow_checks, allow_down, security, failed_per_minute, silent, tier };
        let (severity, weights) = weigh(&impact);
        // A page that got in and is not seen since is not what is wrong while others are kept out.
        let seen = |(_, check): (&CheckId, &Watched)| check.health == State::Down;
        let (gets_in, kept_out) = (wanted(Expect::Deny).any(seen), wanted(Expect::Allow).any(seen));
        let trouble = match (security && (gets_in || !kept_out), allow_down) {
            (true, _) => Trouble::SecurityFinding,
            (false, 1..) => Trouble::Outage,
            // The page is kept out again, and users fail.
            (false, 0) if incident.trouble == Trouble::SecurityFinding => Trouble::BlindSpot,
            (false, 0) => incident.trouble,
        };
        let faults = incident.checks.values().filter(|check| check.standing == Standing::Down);
        let faults: Vec<_> = faults.filter_map(|check| check.cause?.fault).collect();
        let whose = if faults.is_empty() { incident.whose } else { Whose::of(faults) };
        let was = (incident.trouble, incident.severity, incident.whose);
        if incident.weights != weights {
            self.dirt = self.dirt.max(Dirt::Counts);
        }
        (incident.trouble, incident.severity, incident.whose) = (trouble, severity, whose);
        incident.weights = weights;
        incident.worst = incident.worst.max(severity);
        incident.owner = self.owner.clone();
        if was != (trouble, severity, whose) {
            self.dirt = Dirt::Story;
            if incident.last_word.notices > 0 {
                incident.timeline.add(now, What::Changed { trouble, severity, whose });
            }
        }
    }
}
