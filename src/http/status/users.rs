//! Whether anything is heard of users, and what the last judged minute says of them.

use jiff::Timestamp;

use super::age;
use crate::casebook::question::arrivals::Arrivals;
use crate::correlate::{Correlation, Window};
use crate::incident::words::count;

/// Of all endpoints, in one line; nothing where none takes users and no event came.
pub fn heard(arrivals: &Arrivals, now: Timestamp) -> Option<String> {
    match arrivals.last_event {
        Some(at) => {
            let began = count(arrivals.conversations, "conversation");
            Some(format!("Users: {began} in the last hour, last event {} ago.", age(at, now)))
        }
        None => arrivals.users.then(|| "Users: no event has arrived yet.".to_owned()),
    }
}

/// Of one endpoint; nothing where it takes no users.
pub fn judged(arrivals: &Arrivals, now: Timestamp) -> Option<String> {
    let heard = heard(arrivals, now).filter(|_| arrivals.users)?;
    let last = arrivals.judged.as_ref().map_or("no minute is judged yet".to_owned(), minute);
    Some(format!("{heard} Users and probes: {last}."))
}

fn minute(window: &Window) -> String {
    let at = window.minute.begin().strftime("%H:%M UTC");
    let ended = count(u64::from(window.ended), "conversation");
    let said = match window.correlation {
        Correlation::BothOk => "both are well",
        Correlation::ProbeOnly => "probes fail and users do not, a false alarm",
        Correlation::UsersOnly => "users fail and probes do not, a blind spot of ours",
        Correlation::BothBad => "both see an outage",
        Correlation::Unjudged => "one of them says nothing",
    };
    let word = window.correlation;
    format!("in the minute from {at} {said} ({word}), {} of {ended} failed", window.failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::{Minute, Probes, Users};

    #[test]
    fn what_is_heard_is_said() {
        let now = Timestamp::from_second(1_800_000_060).unwrap();
        let mut arrivals = Arrivals::default();
        assert_eq!((heard(&arrivals, now), judged(&arrivals, now)), (None, None));
        arrivals.users = true;
        assert_eq!(heard(&arrivals, now).unwrap(), "Users: no event has arrived yet.");
        arrivals.last_event = Some(Timestamp::from_second(1_800_000_048).unwrap());
        arrivals.conversations = 1;
        let line = "Users: 1 conversation in the last hour, last event 12 s ago.";
        assert_eq!(heard(&arrivals, now).unwrap(), line);
        let yet = format!("{line} Users and probes: no minute is judged yet.");
        assert_eq!(judged(&arrivals, now).unwrap(), yet);
        arrivals.judged = Some(Window {
            endpoint: "a".to_owned().try_into().unwrap(),
            minute: Minute(30_000_000),
            probes: Probes::Bad,
            users: Users::Failing,
            correlation: Correlation::BothBad,
            started: 9,
            ended: 9,
            failed: 8,
        });
        let told = "in the minute from 08:00 UTC both see an outage (both_bad), \
                    8 of 9 conversations failed.";
        assert!(judged(&arrivals, now).unwrap().ends_with(told), "{:?}", judged(&arrivals, now));
        arrivals.users = false;
        assert_eq!(judged(&arrivals, now), None);
    }
}
