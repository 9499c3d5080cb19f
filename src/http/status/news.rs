//! What the contact centre says of itself, and whether we hear what happens there.

use jiff::Timestamp;
use maud::{Markup, html};

use super::age;
use crate::tenant::view::View;
use crate::tenant::view::news::Channel;

/// Topics that are not subscribed to, as many as are shown.
const MAX_FAULTS: usize = 8;

/// A hint for whoever looks into something, and what is not heard; nothing where all is well.
pub fn heard(view: &View, now: Timestamp) -> Markup {
    let summary = view.status_page.summary.as_deref();
    let hint = summary.and_then(|summary| summary.hint());
    let troubles =
        [("The audit log", &view.audits.trouble), ("The status page", &view.status_page.trouble)];
    let troubles: Vec<_> = troubles
        .iter()
        .filter_map(|(what, trouble)| trouble.as_ref().map(|(_, why)| (*what, why)))
        .collect();
    let channel = view.channel.as_ref().filter(|channel| is_odd(channel));
    html! {
        @if hint.is_some() || !troubles.is_empty() || channel.is_some() {
            section {
                h2 { "Genesys Cloud" }
                ul {
                    @if let Some(hint) = hint {
                        li { "Its status page says: " bdi { (hint) } ". That is a hint, and no verdict." }
                    }
                    @for (what, why) in troubles {
                        li { (what) " cannot be read: " bdi { (why) } }
                    }
                    @if let Some(channel) = channel { (listened(channel, now)) }
                }
            }
        }
    }
}

fn is_odd(channel: &Channel) -> bool {
    channel.trouble.is_some() || !channel.faults.is_empty() || !channel.gaps.is_empty()
}

fn listened(channel: &Channel, now: Timestamp) -> Markup {
    html! {
        @if let Some((_, why)) = &channel.trouble {
            li { "The notification channel is not open: " bdi { (why) } }
        }
        @for (topic, fault) in channel.faults.iter().take(MAX_FAULTS) {
            li { "Not subscribed to " bdi { (topic) } ": " bdi { (fault) } }
        }
        @if let Some(missed) = channel.gaps.back() {
            li {
                "Events may have been missed for " (age(missed.gap.from, missed.gap.to)) ", "
                (age(missed.gap.to, now)) " ago"
                @match &missed.whole {
                    Some(Ok(true)) => { "; " (missed.found) " were found since" }
                    Some(Ok(false)) => { "; " (missed.found) " were found since, and there are more" }
                    Some(Err(why)) => { "; they cannot be asked for: " bdi { (why) } }
                    None => {}
                }
            }
        }
    }
}
