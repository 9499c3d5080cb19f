//! Everything that a server sends, from its first byte to each sink.
#![no_main]

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use watchpost::check::Check;
use watchpost::cli::screen::Screen;
use watchpost::config::Config;
use watchpost::http::exposition::Format;
use watchpost::http::metrics::{Settings, render};
use watchpost::http::status::{self, Beside};
use watchpost::outcome::Outcome;
use watchpost::outcome::quoted::Quoted;
use watchpost::record::row::Row;
use watchpost::record::state::State;
use watchpost::report::Report;
use watchpost::schedule::slot::{Purpose, Slot};
use watchpost::schedule::{End, SlotEnd};
use watchpost_fuzz::{Pieces, can_strike, exposition, first, harmless, now, run};

static CHECKS: LazyLock<Vec<Arc<Check>>> = LazyLock::new(|| {
    let text = "[[endpoints]]\nname = \"a\"\nurl = \"ws://192.0.2.1/\"\nsubprotocols = [\"chat\"]\n\
        messages = [{ expect-json = { pointer = \"/a\" } }]\n\
        [[endpoints]]\nname = \"b\"\nurl = \"ws://192.0.2.1/\"\n\
        origins = [{ origin = \"https://evil.test\", expect = \"deny\" }, { origin = \"none\" }]\n";
    Config::parse(Path::new("/x.toml"), text).unwrap().checks
});

/// Whether a tag is one of the template's own, with its own attributes.
fn is_ours(tag: &str) -> bool {
    let names = [
        "!DOCTYPE", "a", "article", "b", "bdi", "body", "br", "caption", "details", "div", "em",
        "footer", "h1", "h2", "h3", "head", "header", "html", "li", "link", "main", "meta", "nav",
        "noscript", "p", "path", "script", "section", "small", "span", "strong", "summary", "svg",
        "table", "tbody", "td", "text", "th", "thead", "time", "title", "tr", "ul",
    ];
    let attributes = [
        "aria-label",
        "aria-labelledby",
        "charset",
        "class",
        "colspan",
        "content",
        "d",
        "href",
        "http-equiv",
        "id",
        "lang",
        "name",
        "preserveAspectRatio",
        "rel",
        "role",
        "scope",
        "src",
        "tabindex",
        "type",
        "viewBox",
        "x",
        "y",
    ];
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    while let Some((attribute, value)) = rest.split_once("=\"") {
        let Some((value, behind)) = value.split_once('"') else { return false };
        let plain = |c: char| c.is_ascii_alphanumeric() || " _:;,./%≤µ=#-".contains(c);
        if !attributes.contains(&attribute.trim()) || !value.chars().all(plain) {
            return false;
        }
        rest = behind;
    }
    names.contains(&name.strip_prefix('/').unwrap_or(name))
        && ["", "html", " defer"].contains(&rest)
}

fn reported(check: &Arc<Check>, outcome: Outcome) -> State {
    let mut state = State::new(std::slice::from_ref(check), now());
    let slot = Slot { number: 1, planned: now(), purpose: Purpose::Scheduled };
    let end = SlotEnd { check: check.clone(), slot, delay: Duration::ZERO, end: End::Ran(outcome) };
    let place = state.place(&check.id).unwrap();
    state.apply(place, &Row::new(&end));
    if let End::Ran(outcome) = end.end {
        state.keep(place, outcome);
    }
    state
}

fuzz_target!(|input: &[u8]| {
    let (which, input) = first(input);
    let check = &CHECKS[usize::from(which & 1)];
    let outcome = run(check, Pieces::new(input));
    outcome.failure.iter().for_each(can_strike);

    let json = serde_json::to_string(&Report::new(check, &outcome)).unwrap();
    harmless(&json);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json["subprotocol"].as_str(),
        outcome.observation.subprotocol.as_ref().map(Quoted::as_str)
    );

    let runs = [(check.clone(), outcome.clone())];
    let screen = Screen { runs: &runs, now: now() }.to_string();
    let seen = screen.lines().filter(|line| line.starts_with("  seen: ")).count();
    let evidence = outcome.failure.as_ref().is_some_and(|failure| !failure.evidence().is_empty());
    assert_eq!(seen, usize::from(evidence));
    screen.lines().for_each(|line| harmless(&line.replace('\u{1b}', "")));

    let snapshot = reported(check, outcome.clone()).snapshot(now());
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
        exposition(format, &render(&snapshot, Settings { prime_failures: true }, format, "").body);
    }
    let page = status::render(&snapshot, &Beside::default()).into_string();
    for piece in page.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("an end");
        assert!(is_ours(tag), "<{tag}>{text}");
        assert!(!text.contains(['>', '"']), "not escaped: {text}");
        harmless(&text.replace('\n', ""));
    }
});
