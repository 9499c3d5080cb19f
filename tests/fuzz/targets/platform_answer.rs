//! Answers of the platform API, its CDN and its status page: whatever comes, it is read to something
//! bounded or to nothing, and no text of it acts on its reader.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use watchpost::event::key::Key;
use watchpost::event::parse::{Headers, parse};
use watchpost::genesys::Compat;
use watchpost::genesys::audit;
use watchpost::genesys::channel::backlog::Gap;
use watchpost::genesys::channel::queue::Conversations;
use watchpost::genesys::channel::topic::Offered;
use watchpost::genesys::channel::transition;
use watchpost::genesys::channel::{Channel, subscriptions};
use watchpost::genesys::deployment::{Page, Published, published_domains};
use watchpost::genesys::domains::{Domains, OriginMatch};
use watchpost::genesys::lint::lint;
use watchpost::genesys::region::Region;
use watchpost::genesys::statuspage::{Matcher, Summary};
use watchpost::genesys::trouble::{classify, refused_token};
use watchpost::outbound::json;
use watchpost::outcome::quoted::Quoted;
use watchpost_fuzz::{first, harmless, now, quoted};

fuzz_target!(|input: &[u8]| {
    let (kind, input) = first(input);
    let Ok(answer) = json::read(input) else { return };
    match kind % 8 {
        0 => deployments(&answer),
        1 => published(&answer),
        2 => audits(&answer),
        3 => status_page(&answer),
        4 => refusal(&answer, input),
        5 => missed(&answer),
        6 => {
            Channel::read(&answer);
            Channel::list(&answer);
            subscriptions(&answer);
            Offered::read(&answer);
        }
        _ => conversation(input),
    }
});

/// Most deployments that are taken from a page.
const MOST: usize = 3;

fn deployments(answer: &Value) {
    for compat in [Compat::Genesys, Compat::Seed] {
        let Ok(page) = Page::read(answer, MOST, compat) else { continue };
        assert!(page.deployments.len() <= MOST);
        let listed = answer["entities"].as_array().map_or(0, Vec::len);
        assert_eq!(page.deployments.len() + page.unreadable, listed, "each is counted");
        for read in &page.deployments {
            quoted(&read.value.name);
            read.value.domains.iter().for_each(domains);
            read.misfits.iter().for_each(|misfit| harmless(&misfit.to_string()));
        }
    }
}

fn published(answer: &Value) {
    if let Ok(read) = published_domains(answer) {
        domains(&read.value);
    }
    if let Ok(read) = Published::read(answer) {
        read.value.messaging_endpoint.iter().for_each(quoted);
    }
}

fn domains(list: &Domains) {
    list.entries.iter().for_each(quoted);
    for rule in [OriginMatch::Genesys, OriginMatch::Strict] {
        for remark in lint(list, rule) {
            remark.entry.iter().chain(&remark.instead).for_each(quoted);
        }
    }
}

fn audits(answer: &Value) {
    let Some(page) = audit::Page::read(answer) else { return };
    for entry in &page.entries {
        harmless(&entry.words());
        for property in &entry.properties {
            assert!(property.shown || (property.old.is_empty() && property.new.is_empty()));
        }
    }
}

fn status_page(answer: &Value) {
    let Ok(region) = Region::from_text("eu-west-1") else { unreachable!("it is one") };
    let Ok(summary) = Summary::read(answer, &Matcher::new(None, region)) else { return };
    summary.hint().iter().for_each(|hint| harmless(hint));
    for notice in &summary.notices {
        harmless(&notice.words());
        harmless(&notice.over());
        notice.updates().for_each(|(_, words)| harmless(&words));
    }
}

fn refusal(answer: &Value, input: &[u8]) {
    let text = Quoted::bytes(input);
    for status in [400, 401, 403, 404, 409, 429, 500, 503] {
        harmless(classify(status, answer, &text).code());
        harmless(&classify(status, answer, &text).to_string());
        harmless(&refused_token(status, answer, &text).to_string());
    }
}

fn missed(answer: &Value) {
    let gap = Gap { from: Timestamp::UNIX_EPOCH, to: now() };
    let Some((frames, _)) = gap.frames(answer) else { return };
    assert!(frames.iter().all(Value::is_object));
}

/// A queue tells of it, and tells of it again: that is the same.
fn conversation(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for media in ["", ".messages", ".calls", ".videos"] {
        let topic = format!("v2.routing.queues.q-1.conversations{media}");
        let of = Key::new(&topic).ok().and_then(|topic| Conversations::of(&topic));
        let Some(of) = of else { unreachable!("{topic} is one") };
        let ids = |at: Timestamp| -> Option<Vec<_>> {
            let parsed = |frame: &Value| {
                let bytes = serde_json::to_vec(frame).ok()?;
                let event = parse(&Headers::default(), &bytes, at).ok()?.event;
                assert!(event.conversation.is_some());
                transition::id(&event)
            };
            Some(of.frames(text, at)?.iter().filter_map(parsed).collect())
        };
        assert_eq!(ids(now()), ids(now()));
    }
}
